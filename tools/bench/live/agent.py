# SPDX-License-Identifier: BSD-2-Clause
"""CPU time of the weir process, the program in the kernel not included, under a steady load."""

import time

import generator
import tables
from probe import Weir

NAME = "cpu"
RATE, FLOWS, SECONDS = 200000, 100000, 20
WARM_SECONDS = 4  # all flows are known then
TARGET = 0.10


def measure_hook(hook):
    with generator.network() as net, Weir(net.b, hook) as weir:
        total = RATE * (WARM_SECONDS + SECONDS + 2)
        process = net.a.start(*generator.command(net, total, RATE, FLOWS))
        time.sleep(WARM_SECONDS)
        cpu, began = weir.cpu_seconds(), time.monotonic()
        time.sleep(SECONDS)
        share = (weir.cpu_seconds() - cpu) / (time.monotonic() - began)
        sent = generator.finish(process, 120)
        return share, sent, weir.stop()


def row(hook):
    share, sent, summary = measure_hook(hook)
    lost = sum(summary["lost"].values()) + sent["sent"] - summary["seen"]
    return [f"--hook {hook}", f"{sent['pps']:,.0f}", f"{summary['flows']:,}", f"{lost:,}",
            f"{100 * share:.1f} %", tables.verdict(share <= TARGET, f"<= {100 * TARGET:.0f} %")]


def measure(options, say):
    rows = []
    for hook in options.hooks:
        say(f"cpu: {SECONDS} s, --hook {hook}")
        rows.append(row(hook))
    return tables.section(
        "CPU of the agent",
        f"User and system time of the weir process, per second, over {SECONDS} s at {RATE:,} packets/s "
        f"of {FLOWS:,} flows in random order; --no-dissect.",
        tables.table(["weir", "packets/s", "records", "lost", "of a core", "target"], rows))
