# SPDX-License-Identifier: BSD-2-Clause
"""TCP throughput of a veth pair with weir on both ends, next to that without."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from statistics import median

import tables
from network import Network
from paths import OUT, BenchError, last_line
from probe import ATTACH_SECONDS, Weir

NAME = "throughput"
SECONDS = 4
TARGET = 0.97  # of TC; native XDP on a veth turns its GSO off, whatever the program does
SWITCHES, SWITCH_MILLISECONDS = 250, 50
CPUS = (0, 1 % os.cpu_count())  # of the sender and of the receiver


@dataclass
class Transfer:
    bits: float  # received a second
    cpu: float  # seconds of CPU a second, of both ends

    @property
    def economy(self):
        """Bits a CPU second: what the machine's other work takes hardly matters here."""
        return self.bits / self.cpu


def look_for_iperf3():
    if not shutil.which("iperf3"):
        raise BenchError("iperf3 is not installed; apt-get install iperf3")


def place_stacks(net):
    """
    Where what comes in at each end is worked on. Left alone that is where it was sent: packets sent on two CPUs
    overtake each other, and what TCP makes of that is more than weir costs.
    """
    for host, cpu in zip(net.hosts, CPUS):
        host.run("sh", "-c", f"echo {1 << cpu:x} > /sys/class/net/{host.dev}/queues/rx-0/rps_cpus")


def client(net, seconds):
    """One that the CPU limits, and not what the congestion control takes the way for."""
    return ["iperf3", "-J", "-c", net.b.ip4, "-C", "cubic", "-t", seconds, "-A", "{},{}".format(*CPUS)]


def iperf3(net):
    place_stacks(net)
    server = net.b.start("iperf3", "-s", "-1")
    time.sleep(0.5)
    done = net.a.run(*client(net, SECONDS), check=False, timeout=SECONDS + 30)
    server.kill()
    try:
        end = json.loads(done.stdout)["end"]
        used = end["cpu_utilization_percent"]
        return Transfer(end["sum_received"]["bits_per_second"],
                        (used["host_total"] + used["remote_total"]) / 100)
    except (ValueError, KeyError):
        raise BenchError(f"iperf3: {last_line(done.stderr or done.stdout)}") from None


def measure_once(hook):
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(Network(offloads=True))
        for host in net.hosts:
            if hook:
                stack.enter_context(Weir(host, hook))
            else:
                time.sleep(ATTACH_SECONDS)  # as long after the last network was taken down
        return iperf3(net)


def shares(with_it, without, of):
    return [of(one) / of(other) for one, other in zip(with_it, without)]


def row(hook, found):
    speed = shares(found[hook], found[None], lambda transfer: transfer.bits)
    economy = shares(found[hook], found[None], lambda transfer: transfer.economy)
    plain, watched = (median(transfer.bits for transfer in found[key]) / 1e9 for key in (None, hook))
    return [f"--hook {hook}", f"{plain:.2f}", f"{watched:.2f}", f"{100 * median(speed):.1f} %",
            f"{100 * min(speed):.0f}-{100 * max(speed):.0f} %",
            f"{100 * median(economy):.1f} %", f"{100 * min(economy):.0f}-{100 * max(economy):.0f} %"]


def switched():
    """Bytes a second without programs, and with empty ones, the floor's and weir's: rounds within one transfer."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(Network(offloads=True))
        for host in net.hosts:
            stack.enter_context(Weir(host, "tc"))
        place_stacks(net)
        net.b.start("iperf3", "-s", "-1")
        time.sleep(0.5)
        net.a.start(*client(net, 600))
        time.sleep(3)
        done = subprocess.run([OUT / "live" / "toggle", OUT / "live" / "floors.bpf.o", str(SWITCHES), str(SWITCH_MILLISECONDS),
                               *(f"{host.name}/{host.dev}" for host in net.hosts)], capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"toggle: {last_line(done.stderr)}")
    rounds = (list(map(int, line.split())) for line in done.stdout.splitlines())
    return [rates for rates in rounds if rates[0]]


def switched_row(name, ratios, target=None):
    ratios = sorted(ratios)
    quarter = len(ratios) // 4
    share = f"{100 * median(ratios):.1f} %"
    return [name, tables.verdict(median(ratios) >= target, share) if target else share,
            f"{100 * ratios[quarter]:.1f}-{100 * ratios[-quarter - 1]:.1f} %"]


def switched_lines():
    rounds = switched()
    empty, floor, weir = ([rates[kind] / rates[0] for rates in rounds] for kind in (1, 2, 3))
    return ["", f"TC programs on both ends put on and taken off again within one transfer, {SWITCHES} times {SWITCH_MILLISECONDS} ms "
            "each: medians of the ratios to the same time without. The floor is that of the nanoseconds above: the least that a flow counter does.",
            "", *tables.table(["programs", "share", "half of them"], [
                switched_row("empty", empty), switched_row("floor", floor),
                switched_row(f"**weir** (>= {100 * TARGET:.0f} %)", weir, TARGET)])]


def measure(options, say):
    look_for_iperf3()
    found = {hook: [] for hook in (None, *options.hooks)}
    for number in range(1, options.rounds + 1):
        say(f"throughput: round {number} of {options.rounds}")
        for hook in list(found)[:: -1 if number % 2 else 1]:
            found[hook].append(measure_once(hook))
    return tables.section(
        "TCP throughput",
        f"iperf3, one stream of TCP Cubic through a veth pair with GRO and GSO, {SECONDS} s, weir on both ends, which have "
        f"a CPU each for process and network stack (RPS), as two hosts have; medians of {options.rounds} interleaved "
        "rounds, and of the rounds' ratios, also of bits a CPU second of both ends, which a busy machine disturbs less.",
        tables.table(["weir", "Gbit/s without", "Gbit/s with", "share", "min-max",
                      "share a CPU second", "min-max"],
                     [row(hook, found) for hook in options.hooks])
        + (switched_lines() if "tc" in options.hooks else []))
