#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whole runs of weir: inputs, outputs, ends and errors as a user meets them, with exact results."""
import json, os, pathlib, re, signal, struct, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

DEMO = tap.TOP / "tests" / "pcaps" / "recorded" / "demo.pcap"
T0 = 1_700_000_000


def udp_frame(sport, size=20):
    """An Ethernet frame with a UDP datagram from 192.0.2.1:sport to 192.0.2.2:9."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + size, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    return bytes(12) + b"\x08\x00" + ip + struct.pack("!HHHH", sport, 9, 8 + size, 0) + bytes(size)


def capture(path, packets, cut=0):
    """packets: (time in ns since T0, frame). A little-endian nanosecond pcap, perhaps cut short."""
    data = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
    for t, frame in packets:
        data += struct.pack("<IIII", T0 + t // 10**9, t % 10**9, len(frame), len(frame)) + frame
    path.write_bytes(data[:len(data) - cut])
    return path


def run(*args, stdin=None, **kw):
    return subprocess.run([str(tap.WEIR_SAN), *map(str, args)], input=stdin, capture_output=True, timeout=60, **kw)


def records(done):
    lines = done.stdout.decode().splitlines()
    return lines[1:]


S = 10**9
FIELDS = ["--no-dissect", "--fields", "src_port,total_packets,flow_end_reason,flow_id"]


def test_idle_flow_is_not_held_back(d):
    """A one-packet flow ends behind a flow that never pauses: it is written before that one."""
    busy = [(i * S, udp_frame(1)) for i in range(100)]
    file = capture(d / "a.pcap", sorted(busy + [(S // 2, udp_frame(2))]))
    got = records(run("-q", "-r", file, *FIELDS))
    assert got == ["2,1,1,1", "1,100,4,0"], got


def test_timeouts_at_their_limits(d):
    for gap, flows in ((30 * S, 2), (30 * S - 10**6, 1)):
        file = capture(d / "a.pcap", [(0, udp_frame(1)), (gap, udp_frame(1))])
        got = records(run("-q", "-r", file, *FIELDS))
        assert len(got) == flows, (gap, got)
    file = capture(d / "a.pcap", [(i * 10 * S, udp_frame(1)) for i in range(32)])
    got = records(run("-q", "-r", file, *FIELDS, "--active-timeout", "100"))
    assert got == ["1,10,2,0", "1,10,2,1", "1,10,2,2", "1,2,4,3"], got


def test_limit_zero(d):
    file = capture(d / "a.pcap", [(0, udp_frame(1))] * 3)
    for option in ("--idle-timeout", "--active-timeout"):
        got = records(run("-q", "-r", file, *FIELDS, option, "0"))
        assert [g.split(",")[1] for g in got] == ["1", "1", "1"], got


def test_max_flows(d):
    packets = [(i * 1000, udp_frame(p)) for i, p in enumerate([1, 2, 3, 1, 4])]
    got = records(run("-q", "-r", capture(d / "a.pcap", packets), *FIELDS, "--max-flows", "3"))
    assert got[0] == "2,1,5,1", got
    assert sorted(got[1:]) == ["1,2,4,0", "3,1,4,2", "4,1,4,3"], got


def test_stop_after(d):
    packets = [(i * 40 * S, udp_frame(i + 1)) for i in range(10)]
    file = capture(d / "a.pcap", packets)
    got = run("-q", "-r", file, *FIELDS, "--stop-after", "3", "--summary", d / "s.json")
    assert len(records(got)) == 3, got
    summary = json.loads((d / "s.json").read_text())
    assert tap.law(summary) is None
    assert summary["metered"] - summary["unexported"] == 3 and summary["flows"] == 3, summary


def test_flows_go_on_across_files(d):
    a = capture(d / "a.pcap", [(0, udp_frame(1))])
    b = capture(d / "b.pcap", [(S, udp_frame(1))])
    assert records(run("-q", "-r", a, "-r", b, *FIELDS)) == ["1,2,4,0"]
    assert records(run("-q", "-r", a, "-r", "-", *FIELDS, stdin=b.read_bytes())) == ["1,2,4,0"]


def test_second_file_missing(d):
    a = capture(d / "a.pcap", [(0, udp_frame(1))])
    done = run("-q", "-r", a, "-r", d / "no.pcap", *FIELDS)
    assert records(done) == ["1,1,4,0"] and done.returncode == 1
    assert done.stderr.decode() == f"weir: {d}/no.pcap: No such file or directory; give -r a readable capture file\n"


def test_cut_capture(d):
    done = run("-q", "-r", capture(d / "a.pcap", [(0, udp_frame(1)), (1, udp_frame(1))], cut=5), *FIELDS)
    assert records(done) == ["1,1,4,0"] and done.returncode == 1
    assert "broken after packet 1, near byte" in done.stderr.decode(), done.stderr


def test_bad_files_leave_outputs_alone(d):
    kept = d / "kept.csv"
    kept.write_text("old")
    (d / "empty").touch()
    (d / "text").write_text("no capture, but long enough to be looked at")
    for name, why in (("none", "No such file"), ("empty", "empty file"), ("text", "unknown file format"),
                      (".", "is a directory")):
        done = run("-r", d / name, "-o", f"csv:{kept}")
        assert done.returncode == 1 and why in done.stderr.decode(), (name, done)
        assert done.stderr.count(b"\n") == 1 and kept.read_text() == "old", name


def test_refused_outputs_leave_the_others_alone(d):
    """Whatever is refused, before or behind it, a file of another output is as it was, and none is left that was not there."""
    kept, file = d / "kept.csv", capture(d / "a.pcap", [(0, udp_frame(1))])
    kept.write_text("old")
    for args in (["-o", "csv:/nonexistent/x"], ["-o", "json:tcp://x"], ["-o", "ipfix:unix:/x"], ["-o", "nothing"], ["-o", "avro:kafka://x/y"],
                 ["-o", f"json:{d}/new", "-o", f"json:{d}/new"], ["--fields", "nothing"], ["--anonymize", "nothing"], ["--plugin", "/nonexistent"]):
        done = run("-q", "-r", file, "-o", f"csv:{kept}", *args)
        assert done.returncode in (1, 2) and done.stderr.count(b"\n") == 1, (args, done)
        assert kept.read_text() == "old" and not (d / "new").exists(), args


def test_no_packets(d):
    done = run("-q", "-r", capture(d / "a.pcap", []), *FIELDS)
    assert done.returncode == 0 and done.stdout == b"src_port,total_packets,flow_end_reason,flow_id\n", done


def test_unknown_link_type(d):
    file = d / "a.pcap"
    file.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 147))
    done = run("-r", file)
    assert done.returncode == 1 and b"link type 147 (no name) is not known; weir reads EN10MB" in done.stderr, done


def test_filter(d):
    file = capture(d / "a.pcap", [(0, udp_frame(1)), (1, udp_frame(2)), (2, udp_frame(2))])
    for words in (["--filter", "src port 2"], ["src", "port", "2"], ["src port 2"]):
        done = run("-q", "-r", file, *FIELDS, "--summary", d / "s.json", *words)
        assert records(done) == ["2,2,4,0"], (words, done)
        assert json.loads((d / "s.json").read_text())["filtered"] == 1
    done = run("-r", file, "udp", "prot", "2")
    assert done.returncode == 2 and b"udp ^prot 2; see pcap-filter(7)" in done.stderr, done


def test_closed_pipe(d):
    many = capture(d / "a.pcap", [(i, udp_frame(1 + i % 60000)) for i in range(20000)])
    done = subprocess.run(f"{tap.WEIR} -q -r {many} | head -n 1", shell=True, capture_output=True, executable="/bin/bash")
    assert done.stdout.startswith(b"flow_id,") and done.stderr == b"", done
    done = subprocess.run(f"set -o pipefail; {tap.WEIR} -q -r {many} | head -n 1", shell=True, capture_output=True,
                          executable="/bin/bash")
    assert done.returncode == 0, done


def test_full_disk(d):
    file = capture(d / "a.pcap", [(0, udp_frame(1))])
    for args in (["-o", "csv:/dev/full"], ["--summary", "/dev/full", "-o", "csv:/dev/null"]):
        done = run("-q", "-r", file, *args)
        assert done.returncode == 1 and b"No space left on device" in done.stderr, done
        assert done.stderr.count(b"\n") == 1, done


def test_formats_agree(d):
    """The same values in CSV, in JSON and in the table."""
    run("-q", "-r", DEMO, "--profile", "all", "--stats", "--splt", "5", "-o", f"csv:{d}/a.csv", "-o", f"json:{d}/a.json")
    import csv
    rows = list(csv.DictReader(open(d / "a.csv")))
    objects = [json.loads(line) for line in open(d / "a.json")]
    assert len(rows) == len(objects) > 10
    for row, obj in zip(rows, objects):
        assert list(row) == list(obj)
        for name, text in row.items():
            value = obj[name]
            text_of = "" if value is None else json.dumps(value) if isinstance(value, list) else str(value)
            assert text_of == text, (name, text, value)


def test_record_names(d):
    """probe, run_id and flow_id name a record: of a flow that is cut, of plugins' cuts, of another start."""
    file = capture(d / "a.pcap", [(i * S, udp_frame(1)) for i in range(100)])
    ways = ("--active-timeout", "7"), ("--plugin", f"{tap.BUILD}/plugins-san/slicer.so:limit=3"), ("--max-flows", "1")
    runs = []
    for way in ways:
        done = run("-q", "-r", file, "--no-dissect", "--fields", "probe,run_id,flow_id,id", "--probe-name", "a-1", *way)
        rows = [line.split(",") for line in records(done)]
        count = {"7": 15, "1": 1}.get(way[1], 34)
        assert sorted(int(row[2]) for row in rows) == sorted(int(row[3]) for row in rows) == list(range(count)), rows
        assert {row[0] for row in rows} == {"a-1"}
        runs.append({row[1] for row in rows})
    ids = set.union(*runs)
    assert [len(r) for r in runs] == [1, 1, 1] and len(ids) == 3, runs
    assert all(re.fullmatch("[0-9a-f]{16}", i) for i in ids), ids


def test_rotation(d):
    file = capture(d / "a.pcap", [(i * 45 * S, udp_frame(i + 1)) for i in range(6)])
    run("-q", "-r", file, *FIELDS, "-o", f"csv:{d}/f-%H%M%S.csv", "--rotate", "60s")
    files = sorted(d.glob("f-*.csv"))
    starts = sorted({(T0 + i * 45) // 60 * 60 for i in range(6)})
    assert [f.name for f in files] == [time.strftime("f-%H%M%S.csv", time.gmtime(s)) for s in starts]
    assert sum(len(f.read_text().splitlines()) - 1 for f in files) == 6
    run("-q", "-r", file, *FIELDS, "-o", f"csv:{d}/g.csv", "--rotate", "60B")
    names = sorted(f.name for f in d.glob("g*.csv"))
    assert "g.csv" in names and "g.1.csv" in names and len(names) > 2, names


def test_anonymize(d):
    (d / "key").write_bytes(bytes([21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143,
                                   131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2]))
    file = capture(d / "a.pcap", [(0, udp_frame(1))])
    plain = ["--no-dissect", "--fields", "src_ip,dst_ip,src_port,community_id"]
    one = records(run("-q", "-r", file, *plain, "--anonymize", "src_ip", "--anonymize-key", d / "key"))[0].split(",")
    two = records(run("-q", "-r", file, *plain, "--anonymize", "src_ip", "--anonymize-key", d / "key"))[0].split(",")
    assert one == two and one[2] == "1" and all(len(one[i]) == 32 for i in (0, 1, 3)), one
    other = records(run("-q", "-r", file, *plain, "--anonymize", "src_ip"))[0].split(",")
    assert other[0] != one[0]
    pan = records(run("-q", "-r", file, *plain, "--anonymize-prefix", "--anonymize-key", d / "key"))[0].split(",")
    assert pan[0] != "192.0.2.1" and pan[0].rsplit(".", 1)[0] == pan[1].rsplit(".", 1)[0], pan
    run("-q", "-r", file, *plain, "--anonymize", "dst_ip", "-o", f"csv:{d}/x.csv", "-o", f"json:{d}/x.json")
    hashed = (d / "x.csv").read_text().splitlines()[1].split(",")
    assert list(json.loads((d / "x.json").read_text()).values()) == [*hashed[:2], 1, hashed[3]], hashed
    done = run("-r", file, "--anonymize", "nothing")
    assert done.returncode == 2 and b'column "nothing" is not exported' in done.stderr, done


def test_stop_signal(d):
    """SIGTERM ends well: what was read is exported with reason 4."""
    packets = capture(d / "a.pcap", [(0, udp_frame(1)), (1, udp_frame(1))]).read_bytes()
    weir = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", "-", *FIELDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    weir.stdin.write(packets)
    weir.stdin.flush()
    time.sleep(1)
    weir.send_signal(signal.SIGTERM)
    weir.stdin.close()
    assert weir.stdout.read().decode().splitlines()[1:] == ["1,2,4,0"]
    assert weir.wait(10) == 0


def test_summary_signal(d):
    """SIGUSR1 tells the account so far, also with -q, and reading goes on as if nothing was."""
    packets = capture(d / "a.pcap", [(i * 1000, udp_frame(1)) for i in range(192)]).read_bytes()
    record = (len(packets) - 24) // 192
    weir = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", "-", *FIELDS, "--summary", d / "s.json"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    weir.stdin.write(packets[:24 + 64 * record + 5])  # in the middle of a packet
    time.sleep(1)
    weir.send_signal(signal.SIGUSR1)
    time.sleep(0.2)
    weir.stdin.write(packets[24 + 64 * record + 5:24 + 128 * record])
    line = weir.stderr.readline().decode()
    assert line == ("weir: seen 128, metered 128, filtered 0, missed_copies 0, unexported 0, overflow 0, bytes 7936, "
                    "flows 0\n"), line
    out, err = weir.communicate(packets[24 + 128 * record:], timeout=20)
    assert (out.decode().splitlines()[1:], err, weir.returncode) == (["1,192,4,0"], b"", 0), (out, err)
    assert json.loads((d / "s.json").read_text())["metered"] == 192


def test_stats_interval(d):
    """A line of rates, also with -q; the packets of all lines are those that were sent."""
    packets = capture(d / "a.pcap", [(i * 1000, udp_frame(1)) for i in range(64 * 8)]).read_bytes()
    record = (len(packets) - 24) // (64 * 8)
    weir = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", "-", *FIELDS, "--stats-interval", "0.4"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    began = time.monotonic()
    weir.stdin.write(packets[:24])
    for i in range(16):  # without a pause at the end, in which a line would have no packets
        time.sleep(0.12)
        weir.stdin.write(packets[24 + i * 32 * record:24 + (i + 1) * 32 * record])
    _, err = weir.communicate(timeout=20)
    took = time.monotonic() - began
    lines = err.decode().splitlines()
    form = re.compile(r"weir: (\d+) pps, (\d+\.\d) Mbit/s, flows 1, lost 0 \(\+0\), cpu \d+\.\d %$")
    rates = [int(form.match(line)[1]) for line in lines]
    assert 2 <= len(lines) <= took / 0.4 and all(0 < r <= 8 * 64 / 0.4 for r in rates), (took, lines)


def test_stop_before_the_header(d):
    """SIGINT while a pipe has said nothing yet, not even that it is a capture: an end like any other, from stdin and a FIFO."""
    os.mkfifo(d / "fifo")
    os.mkfifo(d / "without a writer")
    for source in ("-", d / "fifo", d / "without a writer"):
        weir = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", str(source), *FIELDS, "--summary", str(d / "s.json")],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        feed = os.open(source, os.O_WRONLY) if source == d / "fifo" else None
        time.sleep(1)
        weir.send_signal(signal.SIGINT)
        out, err = weir.communicate(timeout=20)
        if feed is not None:
            os.close(feed)
        assert (weir.returncode, err) == (0, b"") and out.count(b"\n") == 1, (source, weir.returncode, out, err)
        assert json.loads((d / "s.json").read_text())["seen"] == 0


def test_summary_line(d):
    done = run("-r", capture(d / "a.pcap", [(0, udp_frame(1)), (0, bytes(60))]), *FIELDS)
    assert done.stderr.decode() == ("weir: seen 2, metered 1, filtered 0, ignored.not_ip 1, missed_copies 0, unexported 0, "
                                    "overflow 0, bytes 62, flows 1, ended.forced 1\n"), done.stderr


def main():
    tap.run_tests(globals(), "run")
    tap.finish()


main()
