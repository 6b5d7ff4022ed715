# SPDX-License-Identifier: BSD-2-Clause
"""Packets a second at which loss begins: the rate is doubled until some are lost, then bisected."""

import generator
import tables
from probe import Weir

NAME = "loss"
FIRST_RATE, LAST_RATE = 100000, 12800000
FLOWS = (100000, 1000000)  # weir's map holds the former; of the latter many packets are events
SECONDS, BISECTIONS = 5, 4
KEPT_UP = 0.9  # a generator below this share of its rate is at its limit


class Trial:
    def __init__(self, hook, flows, rate):
        with generator.network() as net, Weir(net.b, hook) as weir:
            sent = generator.send(net, rate * SECONDS, rate, flows)
            summary = weir.stop()
        self.pps = sent["pps"]
        self.reached = sent["pps"] >= KEPT_UP * rate
        self.unseen = sent["sent"] - summary["seen"]
        self.lost = {name: count for name, count in summary["lost"].items() if count}

    def clean(self):
        return not self.lost and not self.unseen

    def why(self):
        return ", ".join(f"{name} {count:,}" for name, count in
                         {**self.lost, **({"unseen": self.unseen} if self.unseen else {})}.items())


def search(hook, flows, say):
    """The fastest trial without loss, and the slowest with (or None)."""
    best, worst, low, high, rate = None, None, 0, 0, FIRST_RATE
    for _ in range(32):
        trial = Trial(hook, flows, rate)
        say(f"loss: --hook {hook}, {flows:,} flows: {rate:,} packets/s: {trial.pps:,.0f}: "
            f"{trial.why() or 'none lost'}")
        if trial.clean():
            best, low = trial, rate
        else:
            worst, high = trial, rate
        if trial.clean() and not trial.reached or rate >= LAST_RATE and not high:
            break
        if high and high - low <= max(high // 2 ** BISECTIONS, FIRST_RATE // 8):
            break
        rate = (low + high) // 2 if high else rate * 2
    return best, worst


def row(hook, flows, say):
    best, worst = search(hook, flows, say)
    begins = f"{worst.pps:,.0f} ({worst.why()})" if worst else "not reached: the generator's limit"
    return [f"--hook {hook}", f"{flows:,}", f"{best.pps:,.0f}" if best else "none", begins]


def measure(options, say):
    return tables.section(
        "Where loss begins",
        f"flood's live frames, flows in random order, {SECONDS} s a trial, weir with its default map of "
        "262,144 entries. The generator and the receiving stack use the same CPU, and the generator waits "
        "for it, so its limit depends on the machine.",
        tables.table(["weir", "flows", "packets/s without loss", "packets/s with the first loss"],
                     [row(hook, flows, say) for hook in options.hooks for flows in FLOWS]))
