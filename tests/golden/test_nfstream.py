#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weir's flows against NFStream 6.5.4's own output, flow by flow, in four configurations.

Every flow agrees in every column, but for those in nfstream-deviations.tsv, each with the reason
for which NFStream's row is not followed. The list is exact: a deviation that is gone fails too.
Needs $WEIR_SHARED/pcaps, golden/nfstream and tools/nfstream_diff.py.

usage: test_nfstream.py [--list]      --list prints the deviations found, as lines of the file
"""
import concurrent.futures, importlib.util, pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

LIST = pathlib.Path(__file__).with_name("nfstream-deviations.tsv")
COMMON = ["--profile", "nfstream", "--tunnels", "gtp,tzsp,capwap,ipip", "--stats", "--splt", "16"]
SETS = {
    "seed": ["--idle-timeout", "30", "--active-timeout", "300"],
    "short": ["--idle-timeout", "1", "--active-timeout", "5", "--no-dissect"],
    "ip_size": ["--accounting", "ip"],
    "payload": ["--accounting", "payload"],
}


def load_diff():
    path = tap.SHARED / "tools" / "nfstream_diff.py"
    spec = importlib.util.spec_from_file_location("nfstream_diff", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def describe(diff, row):
    a, b, protocol, vlan = diff.key(row)
    return f"{a[0]}:{a[1]} {b[0]}:{b[1]} {protocol} {vlan} {row['bidirectional_first_seen_ms']}"


def compare(diff, golden, ours, ip_size):
    """The comparison of nfstream_diff.compare(), but telling each flow that deviates."""
    if ip_size:
        golden = [diff.with_ipv6_header(g) if g["ip_version"] == "6" else g for g in golden]
    pool, found = {}, []
    for o in ours:
        pool.setdefault(diff.key(o), []).append(o)
    for g in golden:
        same_key = pool.get(diff.key(g), [])
        t = float(g["bidirectional_first_seen_ms"])
        near = [o for o in same_key if abs(float(o["bidirectional_first_seen_ms"]) - t) <= 1.0]
        if not near:
            found.append(("missing", describe(diff, g)))
            continue
        same_key.remove(near[0])
        bad = diff.differing(diff.mirror(g) if diff.reversed_(g, near[0]) else g, near[0], False)
        if bad:
            found.append(("differs", describe(diff, g)))
    found += [("extra", describe(diff, o)) for rest in pool.values() for o in rest]
    return found


def deviations(diff, name, options):
    """(capture, kind, flow) of a whole set, and how many golden flows there are."""
    folder = tap.SHARED / "golden" / "nfstream" / name
    found, total = [], 0

    def one(capture):
        run = tap.run_weir("-r", capture, *COMMON, *options, packets_column="bidirectional_packets")
        golden = diff.rows(str(folder / (capture.name + ".csv")), True)
        return capture.name, len(golden), compare(diff, golden, run.rows(), name == "ip_size")

    captures = sorted(p for p in (tap.SHARED / "pcaps").glob("*") if p.suffix != ".tsv")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for capture, count, bad in pool.map(one, captures):
            total += count
            found += [(capture, kind, flow) for kind, flow in bad]
    return found, total


def listed():
    wanted = {}
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            name, capture, kind, flow, reason = line.split("\t")
            wanted[name, capture, kind, flow] = reason
    return wanted


def main():
    if not (tap.SHARED / "golden" / "nfstream").is_dir():
        tap.skip("nfstream", f"no golden flows in {tap.SHARED}; set WEIR_SHARED")
        tap.finish()
    diff = load_diff()
    wanted = listed() if LIST.exists() else {}
    for name, options in SETS.items():
        found, total = deviations(diff, name, options)
        have = {(name, *d) for d in found}
        if "--list" in sys.argv:
            for d in sorted(have):
                print(*d, wanted.get(d, "?"), sep="\t")
            continue
        want = {d for d in wanted if d[0] == name}
        wrong = sum(kind != "extra" for _, kind, _ in found)
        why = [f"not listed: {d}" for d in sorted(have - want)] + [f"gone: {d}" for d in sorted(want - have)]
        tap.report(not why, f"nfstream {name}: {total - wrong} of {total} flows agree, {len(want)} listed deviations",
                   "\n".join(why))
    if "--list" not in sys.argv:
        tap.finish()


if __name__ == "__main__":
    main()
