#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real collectors take what weir sends: nfcapd by UDP (IPFIX and NetFlow v9), and a TCP collector whose bytes tshark reads;
flow by flow the packets and octets of weir's CSV."""
import collections, contextlib, csv, io, json, pathlib, signal, socket, subprocess, sys, threading, time, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import scrape, tap

RECORDED = tap.TOP / "tests/pcaps/recorded"
CAPTURES = [RECORDED / f"{name}.pcap" for name in ("demo", "dns-udp", "ipv6", "icmp", "tls13", "vlan", "sctp", "mqtt", "fragments6")]


def rows(*args):
    done = subprocess.run([str(tap.WEIR_SAN), "-q", *(word for path in CAPTURES for word in ("-r", str(path))), *map(str, args)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


FIELDS = "src_ip,src_port,dst_ip,dst_port,protocol,src2dst_packets,src2dst_bytes,dst2src_packets,dst2src_bytes,icmp_type,icmp_code"


def expected(directions):
    """Counter of (source, port, destination, port, protocol, packets, bytes, packets back, bytes back)."""
    found = collections.Counter()
    for r in rows("--fields", FIELDS):
        ends = (r["src_ip"], r["src_port"], r["dst_ip"], r["dst_port"], r["protocol"])
        there, back = (r["src2dst_packets"], r["src2dst_bytes"]), (r["dst2src_packets"], r["dst2src_bytes"])
        if directions == 2:
            found[ends + there + back] += 1
            continue
        turned = (r["dst_ip"], r["dst_port"], r["src_ip"], r["src_port"], r["protocol"])
        for key, counts in ((ends, there), (turned, back)):
            if counts[0] != "0":
                found[key + counts + ("0", "0")] += 1
    return found


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def without_icmp(flows):
    """nfdump keeps ICMP's type in the port."""
    return collections.Counter({key: n for key, n in flows.items() if key[4] not in ("1", "58")})


def nfcapd(folder, scheme):
    port = free_port()
    collector = subprocess.Popen(["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(folder), "-t", "60", "-B", "4000000"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        time.sleep(1)
        rows("-o", f"{scheme}:udp://127.0.0.1:{port}")
        time.sleep(1)
    finally:
        collector.send_signal(signal.SIGTERM)
        log = collector.communicate(timeout=20)[0]
    form = "fmt:%sa,%sp,%da,%dp,%pr,%pkt,%byt,%opkt,%obyt"
    done = subprocess.run(["nfdump", "-R", str(folder), "-q", "-6", "-N", "-o", form], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.stderr, log)
    return collections.Counter(tuple(word.strip() for word in line.split(",")) for line in done.stdout.splitlines() if "," in line), log


def numbered(flows):
    names = {"TCP": "6", "UDP": "17", "SCTP": "132", "ICMP": "1", "ICMP6": "58"}
    return collections.Counter({key[:4] + (names.get(key[4], key[4]),) + key[5:]: n for key, n in flows.items()})


def test_nfcapd_ipfix(folder):
    found, log = nfcapd(folder, "ipfix")
    assert "Bad Packets: 0" in log, log
    assert without_icmp(numbered(found)) == without_icmp(expected(2)), difference(numbered(found), expected(2))
    assert sum(found.values()) == sum(expected(2).values())


def test_nfcapd_netflow9(folder):
    found, log = nfcapd(folder, "netflow9")
    assert "Bad Packets: 0" in log, log
    assert without_icmp(numbered(found)) == without_icmp(expected(1)), difference(numbered(found), expected(1))
    assert sum(found.values()) == sum(expected(1).values())


def difference(a, b):
    return list((a - b).items())[:3], list((b - a).items())[:3]


def messages_of(stream):
    """Lengths of IPFIX messages; the stream is whole."""
    lengths, at = [], 0
    while at < len(stream):
        version, length = int.from_bytes(stream[at:at + 2], "big"), int.from_bytes(stream[at + 2:at + 4], "big")
        assert version == 10 and length >= 16 and at + length <= len(stream), (at, version, length)
        lengths.append(length)
        at += length
    return lengths


def test_tcp_by_tshark(folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        s.settimeout(20)
        process = subprocess.Popen([str(tap.WEIR_SAN), "-q", *(word for path in CAPTURES for word in ("-r", str(path))),
                                    "-o", f"ipfix:tcp://127.0.0.1:{s.getsockname()[1]}"], stderr=subprocess.PIPE, text=True)
        connection, stream = s.accept()[0], b""
        connection.settimeout(20)
        while chunk := connection.recv(65536):
            stream += chunk
        assert process.wait(timeout=60) == 0, process.stderr.read()
    assert len(messages_of(stream)) >= 2
    (folder / "stream.ipfix").write_bytes(stream)
    read_by_fixbuf(folder / "stream.ipfix", len(rows("--fields", "src_ip")))
    # A template of all columns is longer than tshark takes unless asked to.
    done = subprocess.run(["tshark", "-o", "cflow.max_template_fields:0", "-r", str(folder / "stream.ipfix"), "-T", "fields", "-E", "aggregator=;", "-e", "cflow.packets",
                           "-e", "cflow.octets"], capture_output=True, text=True, timeout=60)
    packets = [int(x) for line in done.stdout.splitlines() for x in line.partition("\t")[0].split(";") if x]
    octets = [int(x) for line in done.stdout.splitlines() for x in line.partition("\t")[2].split(";") if x]
    found = rows("--fields", FIELDS)
    for values, there, back in ((packets, "src2dst_packets", "dst2src_packets"), (octets, "src2dst_bytes", "dst2src_bytes")):
        assert sum(values) == sum(int(r[there]) + int(r[back]) for r in found), (sum(values), len(values), len(found))


def fixbuf(path, *gaps):
    """Every data record; libfixbuf complains about a sequence number that does not follow, unless told "gaps"."""
    done = subprocess.run([tap.BUILD / "interop" / "fixbuf_read", path, *gaps], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_by_fixbuf(path, flows):
    found = [r for r in fixbuf(path) if "sourceTransportPort" in r]
    assert len(found) == flows, (path, len(found), flows)
    return found


STATISTICS = 262


def told(records):
    """What the last statistics say."""
    return [r for r in records if r["template"] == STATISTICS][-1]


def before_statistics(data):
    """What they should say that was exported: messages before the last one with statistics, their bytes, their flow records."""
    at, found, messages, records = 0, None, 0, 0
    while at < len(data):
        length = int.from_bytes(data[at + 2:at + 4], "big")
        sets, place = [], at + 16
        while place < at + length:
            sets.append(int.from_bytes(data[place:place + 2], "big"))
            place += int.from_bytes(data[place + 2:place + 4], "big")
        if STATISTICS in sets:
            found = (messages, at)
        messages, at = messages + 1, at + length
    return found


def names_are_there(records):
    """Whether each application's name is told before a record has its number."""
    names = set()
    for r in records:
        if r["template"] == 260:
            names.add(r["applicationId"])
        elif "applicationId" in r:
            assert r["applicationId"] in names, r
    return len(names)


def test_rotated_files_by_fixbuf(folder):
    """Each file is whole: it begins with templates and names, has statistics, and its sequence numbers count from 0."""
    rows("--fields", FIELDS + ",application_name", "-o", f"ipfix:{folder}/%H%M%S.ipfix", "--rotate", "1s", "--probe-name", "x")
    rows("--fields", FIELDS, "-o", f"csv:{folder}/%H%M%S.csv", "--rotate", "1s", "--probe-name", "x")
    tables = {p.stem: len(p.read_text().splitlines()) - 1 for p in folder.glob("*.csv*")}
    for name, flows in tables.items():
        path = folder / f"{name}.ipfix"
        read_by_fixbuf(path, flows)
        records = fixbuf(path)
        assert names_are_there(records) and told(records), name
        assert path.read_bytes()[8:12] == bytes(4)
    assert len(tables) >= 3 and len(list(folder.glob("*.ipfix*"))) == len(tables), tables


def test_rotated_netflow9(folder):
    """Sequence numbers count messages; each file begins with 0."""
    rows("--fields", FIELDS, "-o", f"netflow9:{folder}/%H%M%S.nf9", "--rotate", "1s")
    files = list(folder.glob("*.nf9"))
    for path in files:
        numbers = netflow9_sequences(path.read_bytes())
        assert numbers == list(range(len(numbers))) and len(numbers) >= 2, (path, numbers)
    assert len(files) >= 3


def netflow9_sequences(data):
    """Of each message; sets follow each other until a number that no set has: the next message's version."""
    at, found = 0, []
    while at < len(data):
        assert int.from_bytes(data[at:at + 2], "big") == 9, at
        found.append(int.from_bytes(data[at + 12:at + 16], "big"))
        at += 20
        while at < len(data) and int.from_bytes(data[at:at + 2], "big") != 9:
            at += int.from_bytes(data[at + 2:at + 4], "big")
    return found


def test_rotated_by_size(folder):
    """Files of a few messages: names that only records of an earlier file have shown are in each that needs them."""
    rows("--active-timeout", "0", "-o", f"ipfix:{folder}/x.ipfix", "--rotate", "20kB")
    files = list(folder.glob("*.ipfix"))
    flows = sum(1 for path in files for r in fixbuf(path) if "sourceTransportPort" in r)
    names = [names_are_there(fixbuf(path)) for path in files]
    assert len(files) >= 3 and min(names) > 1, names
    assert flows == len(rows("--active-timeout", "0", "--fields", "flow_id")), flows


def test_statistics_of_a_file(folder):
    """Told exactly: messages, bytes and flow records before the last statistics; what was observed and ignored; and not what another
    output, which nobody listens to, did not send."""
    path, summary = folder / "all.ipfix", folder / "s.json"
    flows = len(rows("-o", "csv:-", "-o", f"ipfix:{path}", "--summary", summary, "--ipfix-domain", "7", "--ipfix-point", "9", "--active-timeout", "0",
                     "-o", f"json:tcp://127.0.0.1:{scrape.free_port()}", "--queue", "65536B", "--queue-policy", "drop-oldest", "--flush-timeout", "0"))
    account, records = json.loads(summary.read_text()), fixbuf(path)
    last, (messages, octets) = told(records), before_statistics(path.read_bytes())
    assert (last["observationDomainId"], last["observationPointId"]) == (7, 9), last
    assert (last["exportedMessageTotalCount"], last["exportedOctetTotalCount"]) == (messages, octets), (last, messages, octets)
    assert messages >= 3 and last["exportedFlowRecordTotalCount"] <= flows == last["observedFlowTotalCount"] == account["flows"], (last, flows)
    assert last["ignoredPacketTotalCount"] == sum(account["ignored"].values()) + account["filtered"] > 0, last
    assert last["droppedPacketTotalCount"] == 0 == last["notSentFlowTotalCount"] == last["notSentOctetTotalCount"], last
    assert account["export"]["dropped"] == flows, account


# --- a collector that comes and goes ----------------------------------------------------------------

class Collector:
    """A TCP collector at a port of its own that keeps what it reads, connection by connection."""

    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def accept(self):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", self.port))
            s.listen()
            s.settimeout(30)
            connection = s.accept()[0]
        connection.settimeout(30)
        return connection


def read_until_silence(connection):
    """Until nothing has come for a while: what a collector has acknowledged and not read when it ends is lost, and nobody can know."""
    data = connection.recv(65536)
    connection.settimeout(1)
    with contextlib.suppress(TimeoutError):
        while chunk := connection.recv(65536):
            data += chunk
    return data


def read_all(connection):
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def whole_messages(data):
    at = 0
    while at + 4 <= len(data) and at + (length := int.from_bytes(data[at + 2:at + 4], "big")) <= len(data):
        at += length
    return data[:at]


class Account:
    """What --metrics tells of the one output: its records are all somewhere, and but for the queued ones no count goes down."""

    def __init__(self, port):
        self.url, self.before = f"http://127.0.0.1:{port}/metrics", {}

    def now(self):
        page = scrape.parse(urllib.request.urlopen(self.url, timeout=20).read().decode())
        counts = {name: page[f'weir_output_{name}_records_total{{output="1:ipfix:tcp"}}'] for name in ("sent", "dropped", "failed", "retried")}
        assert all(counts[name] >= count for name, count in self.before.items()), (self.before, counts)
        self.before = counts
        queued = page['weir_output_queue_records{output="1:ipfix:tcp"}']
        assert counts["sent"] + counts["dropped"] + counts["failed"] + queued == page["weir_flows_total"], (counts, queued, page["weir_flows_total"])
        return counts | {"queued": queued}

    def wait(self, wanted, meanwhile=lambda: None):
        end = time.monotonic() + 30
        while not wanted(now := self.now()):
            assert time.monotonic() < end, now
            meanwhile()
            time.sleep(0.05)
        return now


def test_collector_comes_and_goes(folder):
    """Down at the start, until the queue is full; there; dead; back. Every flow is with the collector or counted as dropped, by the summary
    and by the statistics that weir exports; each connection begins with templates and names, and its sequence numbers with 0."""
    collector, metrics, summary = Collector(), scrape.free_port(), folder / "s.json"
    packets = (tap.TOP / "tests/pcaps/recorded/demo.pcap").read_bytes()
    head, part = packets[:24], packets[24:]
    one = part[:16 + int.from_bytes(part[8:12], "little")]
    feed = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", "-", "--active-timeout", "0", "--summary", str(summary), "--queue", "400kB",
                             "--queue-policy", "drop-oldest", "--metrics", str(metrics), "--ipfix-refresh", "1", "--tcp-end", "--idle-timeout", "0",
                             "-o", f"ipfix:tcp://127.0.0.1:{collector.port}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    feed.stdin.write(head + part * 10)
    feed.stdin.flush()
    account = Account(metrics)
    account.wait(lambda c: c["dropped"] > 1000)
    first = collector.accept()
    streams = [read_until_silence(first)]
    first.shutdown(socket.SHUT_RDWR)
    first.close()
    feed.stdin.write(part * 10)
    feed.stdin.flush()
    before = account.wait(lambda c: c["dropped"] > 2500)
    second = collector.accept()
    reader = threading.Thread(target=lambda: streams.append(read_all(second)))
    reader.start()
    # what is left is in the message at hand; while the pipe is silent the page does not change
    account.wait(lambda c: c["queued"] < 200, meanwhile=lambda: (feed.stdin.write(one), feed.stdin.flush()))
    feed.stdin.write(part)
    feed.stdin.close()
    reader.join()
    second.close()
    said = feed.stderr.read().decode()
    assert feed.wait(timeout=30) == 0, said
    account, found = json.loads(summary.read_text()), collections.Counter()
    for i, stream in enumerate(streams):
        path = folder / f"{i}.ipfix"
        path.write_bytes(whole_messages(stream))
        records = fixbuf(path, "gaps")
        assert names_are_there(records) and stream[8:12] == bytes(4), i
        found.update(r["flowId"] for r in records if "flowId" in r)
    export, flows = account["export"], account["flows"]
    assert export["dropped"] >= before["dropped"] > 2500 and export["failed"] == 0 and export["sent"] + export["dropped"] == flows, account
    assert len(found) == export["sent"], (len(found), export)
    assert sum(found.values()) - len(found) <= export["retried"], (found.most_common(3), export)
    last = told(records)
    assert last["notSentFlowTotalCount"] == export["dropped"], (last, export)
    assert last["notSentPacketTotalCount"] == export["dropped"], "a packet is a flow here"


def main():
    tap.run_tests(globals(), "collectors")
    tap.finish()


main()
