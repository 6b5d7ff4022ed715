#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which interface a flow was met on: columns, patterns of names, interfaces that come and go.

Every namespace is this test's own and goes with it. Needs root.
"""
import json, os, pathlib, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

PLACES = ["--no-dissect", "--fields", "src_ip,src_port,ingress_interface,egress_interface,ingress_ifindex,egress_ifindex,"
          "netns,src2dst_packets,dst2src_packets"]

# argv: own address, own port, peer address, peer port, packets
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
for i in range(int(sys.argv[5])):
    s.sendto(bytes(100), (sys.argv[3], int(sys.argv[4])))
"""


def send(host, peer, sport, dport, packets):
    host.python(SEND, host.ip4, sport, peer.ip4, dport, packets)


def index_of(host, dev):
    return json.loads(host.ip("-j", "link", "show", "dev", dev))[0]["ifindex"]


def values(row, *names):
    return tuple(row[name] for name in names)


def test_columns(net):
    """What comes in has an ingress interface, what goes out an egress interface; the first packet decides."""
    index = str(index_of(net.b, "vb"))
    for hook in ("tc", "xdp", "pcap"):
        with watch.Watch(net.b, hook, *PLACES, "udp") as weir:
            send(net.a, net.b, 40000, 9000, 3)
            send(net.b, net.a, 9000, 40000, 2)
            send(net.b, net.a, 40001, 9000, 4)
        rows = {row["src_ip"]: row for row in weir.rows}
        assert len(weir.rows) == 2, weir.rows
        assert values(rows[net.a.ip4], "ingress_interface", "egress_interface", "ingress_ifindex", "egress_ifindex") == \
            ("vb", "", index, "0"), (hook, rows)
        assert values(rows[net.a.ip4], "src2dst_packets", "dst2src_packets", "netns") == ("3", "2", net.b.name), (hook, rows)
        assert values(rows[net.b.ip4], "ingress_interface", "egress_interface", "ingress_ifindex", "egress_ifindex") == \
            ("", "vb", "0", index), (hook, rows)


def main():
    if os.geteuid():
        tap.skip("interfaces", "needs root for network namespaces")
        tap.finish()
    wanted = sys.argv[1:]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (wanted and name[5:] not in wanted):
            continue
        with network.Network() as net:
            try:
                test(net)
                tap.report(True, f"interfaces {name[5:]}")
            except (AssertionError, OSError, subprocess.SubprocessError, ValueError, KeyError) as wrong:
                tap.report(False, f"interfaces {name[5:]}", f"{wrong!r} {getattr(wrong, 'stderr', '')}"[:1500])
    tap.finish()


main()
