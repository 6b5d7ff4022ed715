#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Records to Kafka: librdkafka's mock cluster takes them, kcat reads them back; each is there exactly once, whatever brokers do."""
import json, os, pathlib, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap
from brokers import Brokers

DEMO = tap.TOP / "tests/pcaps/recorded/demo.pcap"
FIELDS = "total_packets,community_id,src_ip"
PACKETS = 242


def read(brokers):
    return [(key, json.loads(value)) for key, value in brokers.read()]


# So much of a record that all of them do not fit the smallest queue.
WIDE = ["--queue", "65536B", "--fields", f"{FIELDS},splt_ps,splt_piat_ms", "--splt", "500"]


def command(folder, brokers, source, *args, more=""):
    return [str(tap.WEIR_SAN), "-q", "-r", str(source), "--fields", FIELDS, "--summary", str(folder / "s.json"), "-o",
            f"json:kafka://{brokers}/flows{more}", "--active-timeout", "0", *args]


def start(folder, brokers, *args, more=""):
    return subprocess.Popen(command(folder, brokers, DEMO, *args, more=more), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process, folder):
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, (process.returncode, err)
    summary = json.loads((folder / "s.json").read_text())
    assert tap.law(summary) is None, summary
    return err.decode(), summary["export"]


def name_of(record):
    return record["probe"], record["run_id"], record["flow_id"]


def once(messages, runs=1):
    """Each record of as many starts of weir, named by itself."""
    names = sorted(name_of(record) for _, record in messages)
    starts = sorted({name[:2] for name in names})
    assert len(starts) == runs and all(len(run) == 16 for _, run in starts), starts
    assert names == [(*start, i) for start in starts for i in range(PACKETS)], len(messages)


def test_all_arrive(folder):
    with Brokers() as brokers:
        err, counts = finish(start(folder, brokers.address), folder)
        messages = read(brokers)
    once(messages)
    assert all(key == record["community_id"] for key, record in messages)
    assert counts == {"sent": PACKETS, "retried": 0, "dropped": 0, "failed": 0} and not err, (counts, err)


def test_records_of_a_fleet(folder):
    """Two probes, one of them started twice: every record has a name of its own, and no output besides has columns more."""
    with Brokers() as brokers:
        for probe in ("north", "south", "south"):
            finish(start(folder, brokers.address, "--probe-name", probe, "-o", f"json:{folder}/f.json"), folder)
        messages = read(brokers)
    once(messages, runs=3)
    assert {record["probe"] for _, record in messages} == {"north", "south"}
    assert set(json.loads((folder / "f.json").read_text().splitlines()[0])) == set(FIELDS.split(","))


def test_errors_are_retried(folder):
    with Brokers() as brokers:
        brokers.tell("errors 3")
        err, counts = finish(start(folder, brokers.address), folder)
        once(read(brokers))
    assert counts["sent"] == PACKETS and counts["dropped"] == counts["failed"] == 0, counts


def test_refusals_are_counted(folder):
    """One produce request is refused for good: its records are failed, with a word, and not on the topic; all others are."""
    with Brokers(1) as brokers:
        brokers.tell("refuse 1")
        err, counts = finish(start(folder, brokers.address), folder)
        messages = read(brokers)
    assert err.count("\n") == 1 and "Topic authorization failed; records that are refused count as failed" in err, err
    assert counts["failed"] > 0 and counts["sent"] + counts["failed"] == PACKETS, counts
    assert len(messages) == len({name_of(record) for _, record in messages}) == counts["sent"], (len(messages), counts)


def test_too_large(folder):
    """What librdkafka itself refuses is failed, and said once."""
    with Brokers(1) as brokers:
        err, counts = finish(start(folder, brokers.address, *WIDE, more="?message.max.bytes=1000"), folder)
    assert counts == {"sent": 0, "retried": 0, "dropped": 0, "failed": PACKETS}, counts
    assert err.count("\n") == 1 and "Message size too large; records that are refused count as failed" in err, err


# What takes half a minute by default, in tests.
SOON = "?reconnect.backoff.ms=50&reconnect.backoff.max.ms=100&retry.backoff.ms=50"
OUTAGE_SECONDS = int(os.environ.get("OUTAGE_SECONDS", "1"))  # 30 shows it with a real one's length
LOSSLESS = {"sent": PACKETS, "retried": 0, "dropped": 0, "failed": 0}


def test_broker_away(folder):
    """The only broker goes while records are on their way, more come while it is away, and it comes back: each is there once."""
    packets = DEMO.read_bytes()
    half = tap.pcap_offset(packets, PACKETS // 2)
    with Brokers(1) as brokers:
        process = subprocess.Popen(command(folder, brokers.address, "-", "--flush-timeout", "60", more=SOON), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(packets[:half])
        process.stdin.flush()
        while not brokers.read():
            time.sleep(0.1)
        brokers.tell("down 1")
        process.stdin.write(packets[half:])
        process.stdin.close()
        process.stdin = None
        time.sleep(OUTAGE_SECONDS)
        assert process.poll() is None
        brokers.tell("up 1")
        err, counts = finish(process, folder)
        once(read(brokers))
    assert counts == LOSSLESS, counts


def test_broker_late(folder):
    """More records than the queue holds wait for the broker by packets that are not read yet."""
    with Brokers(1) as brokers:
        brokers.tell("down 1")
        process = start(folder, brokers.address, "--flush-timeout", "60", *WIDE, more=SOON)
        time.sleep(1)
        assert process.poll() is None
        brokers.tell("up 1")
        err, counts = finish(process, folder)
        once(read(brokers))
    assert counts == LOSSLESS and "records are kept and sent when it is back" in err, (counts, err)


def test_full_queue(folder):
    """With drop-oldest what finds no room is dropped and counted, and all the rest is there."""
    with Brokers(1) as brokers:
        brokers.tell("down 1")
        process = start(folder, brokers.address, "--flush-timeout", "60", "--queue-policy", "drop-oldest", *WIDE, more=SOON)
        time.sleep(1)
        assert process.poll() is None
        brokers.tell("up 1")
        err, counts = finish(process, folder)
        names = [name_of(record) for _, record in read(brokers)]
    assert counts["dropped"] > 0 and counts["sent"] + counts["dropped"] == PACKETS and not counts["failed"], counts
    assert len(names) == len(set(names)) == counts["sent"], (len(names), counts)


def test_no_broker(folder):
    began = time.monotonic()
    err, counts = finish(start(folder, "127.0.0.1:9", "--flush-timeout", "1"), folder)
    assert counts == {"sent": 0, "retried": 0, "dropped": PACKETS, "failed": 0}, counts
    assert f"{PACKETS} records could not be sent in time" in err and time.monotonic() - began < 20, err


def test_hidden_addresses(folder):
    """The key tells no address that the columns hide."""
    with Brokers(1) as brokers:
        finish(start(folder, brokers.address, "--anonymize", "src_ip"), folder)
        messages = read(brokers)
    once(messages)
    assert {key for key, _ in messages} == {""} and all("192.0.2" not in record["src_ip"] for _, record in messages)


def test_properties(folder):
    with Brokers(1) as brokers:
        finish(start(folder, brokers.address, more="?compression.codec=gzip&acks=all"), folder)
        once(read(brokers))
    for target, words in (("b/t?no.such=1", "No such configuration property"), ("b/t?linger.ms=x", "?...: linger.ms: Invalid value"),
                          ("b/t?acks", "a property has no value"), ("b/t?delivery.report.only.error=true", "would not be counted"),
                          ("b/t?transactional.id=x", "weir begins no transactions"), ("broker", "give kafka://"), ("/t", "give kafka://"),
                          ("b/", "give kafka://")):
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "-o", f"json:kafka://{target}"], capture_output=True,
                              text=True, timeout=20)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done
    done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "-o", "csv:kafka://b/t"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "Kafka takes json or protobuf" in done.stderr, done


def main():
    tap.run_tests(globals(), "kafka")
    tap.finish()


main()
