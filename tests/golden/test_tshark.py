#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packets and bytes of each conversation against tshark's own reading of the same capture.

tshark's ip.src, ports and frame.len are summed per conversation here; captures in which tshark
and weir mean different packets by design (tunnels, fragments, more than one IP header) are left
out by asking for a single IP header a frame, and at least 20 captures must remain.
"""
import collections, pathlib, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

FIELDS = ["ip.version", "ipv6.version", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "udp.srcport", "udp.dstport", "frame.len", "ip.frag_offset", "ip.flags.mf", "ipv6.fraghdr.offset", "icmp.type",
          "icmpv6.type"]
WANTED = 20


def tshark_rows(capture):
    args = ["tshark", "-n", "-r", str(capture), "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
            "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    done = subprocess.run(args + [x for f in FIELDS for x in ("-e", f)], capture_output=True, timeout=120)
    return [dict(zip(FIELDS, line.split("|"))) for line in done.stdout.decode(errors="replace").splitlines()]


def conversations(rows):
    """{unordered endpoints: [packets, bytes]} or None when a frame is beyond a plain comparison."""
    out = collections.defaultdict(lambda: [0, 0])
    for r in rows:
        headers = len([x for k in ("ip.src", "ipv6.src") for x in r[k].split(",") if x])
        inside_icmp = r["icmp.type"] or r["icmpv6.type"]
        if headers == 0:
            continue
        if (headers > 1 and not inside_icmp) or "," in r["tcp.srcport"] + r["udp.srcport"]:
            return None
        if r["ip.frag_offset"] not in ("", "0") or r["ip.flags.mf"] == "1" or r["ipv6.fraghdr.offset"]:
            return None
        if inside_icmp:
            continue  # the quoted header has ports of its own
        src, dst = r["ip.src"] + r["ipv6.src"], r["ip.dst"] + r["ipv6.dst"]
        sport, dport = r["tcp.srcport"] or r["udp.srcport"], r["tcp.dstport"] or r["udp.dstport"]
        if not sport:
            continue
        total = out[tuple(sorted([(src, sport), (dst, dport)]))]
        total[0] += 1
        total[1] += int(r["frame.len"])
    return dict(out)


def weir_conversations(capture):
    run = tap.run_weir("-r", capture, "--no-dissect", "--tunnels", "none", "--fields",
                       "src_ip,src_port,dst_ip,dst_port,protocol,total_packets,total_bytes",
                       packets_column="total_packets")
    if "link type" in run.err:
        return None  # weir says that it does not read this one
    out = collections.defaultdict(lambda: [0, 0])
    for r in run.rows():
        if r["protocol"] in ("6", "17"):
            total = out[tuple(sorted([(r["src_ip"], r["src_port"]), (r["dst_ip"], r["dst_port"])]))]
            total[0] += int(r["total_packets"])
            total[1] += int(r["total_bytes"])
    return dict(out)


def main():
    own = sorted((tap.TOP / "tests" / "pcaps" / "recorded").glob("*.pcap"))
    captures = own + [c for c in tap.shared_captures() if c.stat().st_size < 200_000]
    compared = 0
    for capture in captures:
        if compared >= WANTED + len(own):
            break
        wanted = conversations(tshark_rows(capture))
        found = weir_conversations(capture) if wanted else None
        if found is None:
            continue
        compared += 1
        differ = [f"{k}: tshark {wanted.get(k)} weir {found.get(k)}" for k in wanted.keys() | found.keys()
                  if wanted.get(k) != found.get(k)]
        tap.report(not differ, f"tshark {capture.name}: {len(wanted)} conversations", "\n".join(differ))
    if tap.SHARED.is_dir():
        tap.report(compared >= WANTED, f"tshark: {compared} captures compared, {WANTED} wanted")
    tap.finish()


main()
