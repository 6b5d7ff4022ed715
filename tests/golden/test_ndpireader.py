#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The application of each flow against Debian's ndpiReader on the same captures.

ndpiReader -T 10 -U 16 sees as many packets of a flow as weir does. Flows are matched on their
endpoints; both keep idle flows (ndpiReader ends none offline). At least 99 % are equal.
"""
import collections, csv, pathlib, shutil, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

ENOUGH = 0.99


def key(a, b, protocol):
    return (*sorted([a, b]), protocol)


def ndpireader_apps(capture):
    with tempfile.NamedTemporaryFile(suffix=".csv") as f:
        subprocess.run(["ndpiReader", "-q", "-t", "-T", "10", "-U", "16", "-i", str(capture), "-C", f.name],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        text = pathlib.Path(f.name).read_text(errors="replace")
    lines = text.splitlines()
    if not lines:
        return {}
    out = collections.defaultdict(list)
    for r in csv.DictReader([lines[0].lstrip("#"), *lines[1:]]):
        k = key((r["src_ip"], r["src_port"]), (r["dst_ip"], r["dst_port"]), r["protocol"])
        out[k].append(r["ndpi_proto"])
    return out


def weir_apps(capture):
    run = tap.run_weir("-r", capture, "--tunnels", "gtp,tzsp,capwap,vxlan", "--idle-timeout", "1000000000",
                       "--active-timeout", "1000000000", "--fields",
                       "src_ip,src_port,dst_ip,dst_port,protocol,application_name,total_packets",
                       packets_column="total_packets")
    out = collections.defaultdict(list)
    for r in run.rows():
        out[key((r["src_ip"], r["src_port"]), (r["dst_ip"], r["dst_port"]), r["protocol"])].append(r["application_name"])
    return out


def main():
    if not shutil.which("ndpiReader"):
        tap.skip("ndpireader", "ndpiReader is not installed: apt-get install libndpi-bin")
        tap.finish()
    captures = tap.shared_captures()
    equal = total = unmatched = 0
    differ = collections.Counter()
    for capture in captures:
        theirs, ours = ndpireader_apps(capture), weir_apps(capture)
        for k, apps in theirs.items():
            if sorted(ours.get(k, [])) == sorted(apps):
                equal += len(apps)
            elif len(ours.get(k, [])) != len(apps):
                unmatched += len(apps)
                continue
            else:
                differ[capture.name, apps[0], ours[k][0]] += 1
            total += len(apps)
    if captures:
        share = equal / total
        why = "\n".join(f"{n} x {k}" for k, n in differ.most_common(25))
        tap.report(share >= ENOUGH, f"ndpireader: {equal} of {total} flows have the same application "
                   f"({100 * share:.2f} %), {unmatched} flows not in both", why)
    tap.finish()


main()
