#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plugins on a real interface: every packet of the wire reaches a plugin that asks for it, bytes and all, and a
flow is cut at the packet; one that asks for the first packets sees those, and the kernel's numbers at the end.

A capture replayed over a veth pair gives the plugin's columns that reading the file gives. Needs root.
"""
import csv, io, pathlib, signal, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap

SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40000))
for i in range(int(sys.argv[1])):
    s.sendto(i.to_bytes(100, "little"), ("192.0.2.2", 9000))
"""
REPLAY = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("va", 0))
for line in open(sys.argv[1]):
    s.send(bytes.fromhex(line))
"""
PROBE, FIRST_TWO = tap.BUILD / "library/probe.so", tap.BUILD / "library/probe-two.so"
HOOKS = ("pcap", "tc", "xdp")
COLUMNS = "src_ip,src_port,total_packets,expiration_id,flow_end_reason"

net = network.Network()


def frames(path):
    """The frames of a little-endian Ethernet pcap file."""
    data = pathlib.Path(path).read_bytes()
    at = 24
    while at + 16 <= len(data):
        length = int.from_bytes(data[at + 8:at + 12], "little")
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def watch(hook, plugin, traffic, *args):
    weir = net.b.start(tap.WEIR_SAN, "-q", "-i", "vb", "--hook", hook, "--no-dissect", "--plugin", plugin, *args, text=False)
    time.sleep(1.5)
    traffic()
    time.sleep(1)
    weir.send_signal(signal.SIGINT)
    out, err = weir.communicate(timeout=30)
    assert weir.returncode == 0 and not err, err.decode()
    return list(csv.DictReader(io.StringIO(out.decode())))


def send(packets):
    net.a.python(SEND, packets)


def every_packet(hook, folder):
    rows = watch(hook, PROBE, lambda: send(3000), "--fields", COLUMNS, "udp")
    assert len(rows) == 1, rows
    row = rows[0]
    assert (row["total_packets"], row["probe_packets"], row["probe_raw"]) == ("3000", "3000", str(3000 * 128)), row
    assert (row["probe_merges"], row["probe_wrong"], row["probe_last"]) == ("0", "0", "src"), row


def cut(hook, folder):
    rows = watch(hook, f"{PROBE}:cut=4", lambda: send(3000), "--fields", COLUMNS, "udp")
    assert [r["total_packets"] for r in rows] == ["4"] * 750, rows[:3]
    assert {(r["expiration_id"], r["flow_end_reason"], r["probe_packets"], r["probe_wrong"]) for r in rows} == {("-1", "4", "4", "0")}


def first_packets(hook, folder):
    rows = watch(hook, FIRST_TWO, lambda: send(3000), "--fields", COLUMNS, "udp")
    assert [(r["total_packets"], r["probe_packets"], r["probe_merges"], r["probe_wrong"]) for r in rows] == [("3000", "2", "1", "0")], rows


def first_packets_cut(hook, folder):
    """The kernel's numbers come first: one record with all of them."""
    rows = watch(hook, f"{FIRST_TWO}:cut=2", lambda: send(3000), "--fields", COLUMNS, "udp")
    expected = [("2", "-1")] * 1500 if hook == "pcap" else [("3000", "-1")]
    assert [(r["total_packets"], r["expiration_id"]) for r in rows] == expected, rows[:3]


def replayed(hook, folder):
    """Flow by flow what the file gives, the hash over the bytes of all packets included."""
    columns = "src_ip,src_port,dst_ip,dst_port,protocol,vlan_id,total_packets,total_bytes"
    keys = [*columns.split(","), "probe_packets", "probe_raw", "probe_hash", "probe_last", "probe_wrong"]
    capture = tap.TOP / "tests/pcaps/recorded/demo.pcap"
    done = subprocess.run([tap.WEIR_SAN, "-q", "-r", capture, "--no-dissect", "--plugin", PROBE, "--fields", columns],
                          capture_output=True, text=True, check=True)
    expected = sorted([r[k] for k in keys] for r in csv.DictReader(io.StringIO(done.stdout)))
    (folder / "frames").write_text("".join(f.hex() + "\n" for f in frames(capture)))
    replay = lambda: net.a.python(REPLAY, folder / "frames")
    rows = watch(hook, PROBE, replay, "--direction", "in", "--fields", columns)
    assert len(expected) == 22 and sorted([r[k] for k in keys] for r in rows) == expected, (rows[:2], expected[:2])


TALK = """
import socket, sys
if sys.argv[1] == "listen":
    with socket.create_server(("192.0.2.2", 9001)) as server:
        print("ready", flush=True)
        peer, _ = server.accept()
        size = len(peer.makefile("rb").read())
        peer.sendall(bytes(size // 2))
        peer.close()
else:
    s = socket.create_connection(("192.0.2.2", 9001))
    s.sendall(bytes(400000))
    s.shutdown(socket.SHUT_WR)
    while s.recv(65536):
        pass
"""


def talk():
    """400,000 bytes of TCP from a and half of that back."""
    server = net.b.start(sys.executable, "-c", TALK, "listen")
    assert server.stdout.readline() == b"ready\n"
    net.a.python(TALK, "talk")
    server.wait(10)


def super_packets(hook, folder):
    """Each segment of a super-packet is an entry of the list, and its size that of the wire, by each layer."""
    net.offloads(True)
    try:
        for size in ("link", "payload"):
            rows = watch(hook, f"{tap.BUILD}/plugins-san/splt.so:packets=400,size={size}", talk, "--splt", "400", "--accounting", size,
                         "--fields", "total_packets,splt_direction,splt_ps,splt_piat_ms", "tcp port 9001")
            assert len(rows) == 1 and rows[0]["splt_ps"].count("1514" if size == "link" else "1448") > 250, rows
            for name in ("direction", "ps", "piat_ms"):
                assert rows[0][f"splt_{name}"] == rows[0][f"splt_plugin_{name}"], (size, rows[0])
    finally:
        net.offloads(False)


super_packets.hooks = ("tc", "xdp") # pcap counts a super-packet as one packet, and says so


def dumped(hook, folder):
    """The file of a flow is what the wire carried; dump after slicer: a file for every ten packets."""
    into = folder / f"dump-{hook}"
    into.mkdir()
    plugins = [f"{tap.BUILD}/plugins-san/slicer.so:limit=10", "--plugin", f"{tap.BUILD}/plugins-san/dump.so:dir={into},max-files=2"]
    rows = watch(hook, plugins[0], lambda: send(95), *plugins[1:], "--fields", "flow_id,total_packets", "udp")
    assert [(r["total_packets"], r["dump_packets"]) for r in rows] == [("10", "10")] * 9 + [("5", "5")], rows
    got = [f for r in rows for f in frames(into / r["dump_file"])]
    assert [int.from_bytes(f[28:], "little") for f in got] == list(range(95)) and {len(f) for f in got} == {128}


def main():
    with net, tempfile.TemporaryDirectory() as folder:
        for check in (every_packet, cut, first_packets, first_packets_cut, replayed,
                      super_packets, dumped):
            for hook in getattr(check, "hooks", HOOKS):
                try:
                    check(hook, pathlib.Path(folder))
                    tap.report(True, f"plugins {check.__name__} {hook}")
                except (AssertionError, subprocess.SubprocessError) as why:
                    tap.report(False, f"plugins {check.__name__} {hook}", repr(why)[:600])
    tap.finish()


main()
