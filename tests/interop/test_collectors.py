#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real collectors take what weir sends: nfcapd by UDP (IPFIX and NetFlow v9), and a TCP collector whose bytes tshark reads;
flow by flow the packets and octets of weir's CSV."""
import collections, csv, io, pathlib, signal, socket, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

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


def read_by_fixbuf(path, flows):
    """libfixbuf complains about a sequence number that does not follow."""
    done = subprocess.run([tap.BUILD / "interop" / "fixbuf_read", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = sum('"sourceTransportPort"' in line for line in done.stdout.splitlines())
    assert found == flows, (path, found, flows)
    return found


def test_rotated_files_by_fixbuf(folder):
    """Each file is whole: it begins with templates, and its sequence numbers count from there."""
    rows("--fields", FIELDS, "-o", f"ipfix:{folder}/%H%M%S.ipfix", "--rotate", "1s", "--probe-name", "x")
    rows("--fields", FIELDS, "-o", f"csv:{folder}/%H%M%S.csv", "--rotate", "1s", "--probe-name", "x")
    tables = {p.stem: len(p.read_text().splitlines()) - 1 for p in folder.glob("*.csv*")}
    for name, flows in tables.items():
        read_by_fixbuf(folder / f"{name}.ipfix", flows)
    assert len(tables) >= 3 and len(list(folder.glob("*.ipfix*"))) == len(tables), tables


def main():
    tap.run_tests(globals(), "collectors")
    tap.finish()


main()
