# SPDX-License-Identifier: BSD-2-Clause
"""Nanoseconds a packet: weir's program and the floors under it, by test runs."""

import json
import os
import subprocess

import tables
from paths import OUT, BenchError, last_line

NAME = "ns"
FLOWS = (1, 10000, 60000)
ROUNDS, MILLISECONDS = 15, 15
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
                   *(f"{one['median']:.0f} ({one['min']:.0f})" for one in cells)]


def ratio_row(found, hook, statistics):
    ratios = [cell(found, "weir", hook, statistics, flows)["median"]
              / cell(found, "floor", hook, statistics, flows)["median"] for flows in FLOWS]
    return [f"**weir / floor, {hook}" + (", statistics**" if statistics else "**"),
            *(f"{ratio:.2f}" for ratio in ratios)]


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
        f"Median (minimum) of {ROUNDS} interleaved rounds of {MILLISECONDS} ms of BPF_PROG_TEST_RUN, TCP "
        "over IPv4, 128 bytes, every packet of another flow than the one before; a map of 64 k entries, "
        "aged. floor: shared parser, one clock reading, look-up in an LRU, six atomic additions.",
        tables.table(["program", "1 flow", *(f"{flows:,} flows" for flows in FLOWS[1:])], lines))
