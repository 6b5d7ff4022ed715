# SPDX-License-Identifier: BSD-2-Clause
"""Nanoseconds a packet: weir's program and the floors under it, by test runs."""

import json
import os
import subprocess
from statistics import median

import tables
from paths import OUT, BenchError, last_line

NAME = "ns"
FLOWS = (1, 10000, 60000)
ROUNDS, MILLISECONDS = 21, 60  # shorter rounds measure the way back into the caches
TARGETS = {False: 1.2, True: 1.5}  # by whether statistics are counted
STEPS = ("empty", "prelude", "parse", "floor", "weir")


def measure_flows(flows):
    cpu = max(os.sched_getaffinity(0))  # interrupts prefer the first
    done = subprocess.run([OUT / "live" / "ns", OUT / "live", *map(str, (flows, ROUNDS, MILLISECONDS, cpu))],
                          capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"ns: {last_line(done.stderr)}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def cell(found, case, hook, statistics, flows):
    for one in found:
        if (one["case"], one["hook"], one["statistics"], one["flows"]) == (case, hook, statistics, flows):
            return one
    return None


def rows(found, hook, statistics):
    for case in STEPS:
        cells = [cell(found, case, hook, statistics, flows) for flows in FLOWS]
        if all(cells):
            yield [f"{case}, {hook}" + (", statistics" if statistics else ""),
                   *(f"{median(one['rounds']):.0f} ({min(one['rounds']):.0f})" for one in cells)]


def ratio_cell(found, hook, statistics, flows):
    """Of weir and the floor, both over the empty program: the median of each round's ratio."""
    empty = median(cell(found, "empty", hook, False, flows)["rounds"])
    weir, floor = (cell(found, case, hook, statistics, flows)["rounds"] for case in ("weir", "floor"))
    ratios = sorted((a - empty) / (b - empty) for a, b in zip(weir, floor))
    quarter = len(ratios) // 4
    return tables.verdict(round(median(ratios), 2) <= TARGETS[statistics],
                          f"{median(ratios):.2f} ({ratios[quarter]:.2f}-{ratios[-quarter - 1]:.2f})")


def ratio_row(found, hook, statistics):
    return [f"**weir / floor, {hook}" + (", statistics**" if statistics else "**") + f" (<= {TARGETS[statistics]})",
            *(ratio_cell(found, hook, statistics, flows) for flows in FLOWS)]


def measure(options, say):
    found = []
    for flows in FLOWS:
        say(f"ns: {flows} flows")
        found += measure_flows(flows)
    lines = []
    for hook in options.hooks:
        for statistics in (False, True):
            lines += [*rows(found, hook, statistics), ratio_row(found, hook, statistics)]
    return tables.section(
        "Nanoseconds a packet",
        f"Median (least) of {ROUNDS} interleaved rounds of {MILLISECONDS} ms of BPF_PROG_TEST_RUN, TCP "
        "over IPv4, 128 bytes, in order, every packet of another flow than the one before; a map of 64 k "
        "entries, aged. floor: shared parser, one clock reading, look-up in an LRU, six atomic additions. "
        "weir / floor: both over empty, measured one after the other in each round; median of the rounds (half of them lie between).",
        tables.table(["program", "1 flow", *(f"{flows:,} flows" for flows in FLOWS[1:])], lines))
