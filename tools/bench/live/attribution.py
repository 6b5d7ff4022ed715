# SPDX-License-Identifier: BSD-2-Clause
"""What --attribute costs: CPU of who sends and receives, on sockets that are known and on new ones, and of the agent."""

import json
import time
from statistics import median

import tables
import throughput
from network import Network
from paths import OUT, BenchError, last_line
from probe import Weir

NAME = "attribution"
MESSAGES = OUT / "live/messages"
ROUNDS, MILLISECONDS = 200, 5
TRANSFER_ROUNDS, TRANSFER_MILLISECONDS = 100, 50
TARGET = 0.02
TRANSFERS = {"TCP": (), "UDP, 1448 bytes": ("-u", "-b", "0", "-l", "1448")}
ESTABLISHED = {"UDP, 64 bytes": ("udp", 64), "TCP, 1448 bytes": ("tcp", 1448), "TCP, 64 KiB": ("tcp", 65536)}
NEW = {"UDP, two new sockets": ("sockets", 64)}


def messages(host, kind, what, rounds=ROUNDS, milliseconds=MILLISECONDS):
    done = host.run(MESSAGES, kind, what, rounds, milliseconds, check=False)
    if done.returncode:
        raise BenchError(last_line(done.stderr))
    return json.loads(done.stdout)


def more(found, state):
    """What it costs over nothing, by the medians of the rounds: ns a message, and the share."""
    pairs = list(zip(found["ns"][0], found["ns"][state]))
    return f"{median(b - a for a, b in pairs):,.0f}", median(b / a for a, b in pairs) - 1


def transfer(*options):
    """Nanoseconds between packets of an iperf3 that takes all of the sender's CPU."""
    with Network(offloads=True) as net:
        throughput.place_stacks(net)
        net.b.start("iperf3", "-s", "-1")
        time.sleep(0.5)
        net.a.start(*throughput.client(net, 600), *options)
        time.sleep(3)
        return messages(net.b, "interface", net.b.dev, TRANSFER_ROUNDS, TRANSFER_MILLISECONDS)


def row(name, found, target):
    (empty_ns, empty), (ns, share) = more(found, 1), more(found, 2)
    return [name, f"{median(found['ns'][0]):,.0f}", f"{empty_ns} ({100 * empty:.1f} %)", ns, f"{100 * share:.1f} %",
            tables.verdict(share <= target, f"<= {100 * target:.0f} %") if target else "none"]


def agent(net, options):
    """CPU of weir, of a core, and sockets a second, while a process makes new ones all the time."""
    with Weir(net.b, "tc", *options) as weir:
        cpu, began = weir.cpu_seconds(), time.monotonic()
        made = 2 * messages(net.b, *NEW["UDP, two new sockets"])["messages"]
        seconds = time.monotonic() - began
        share = (weir.cpu_seconds() - cpu) / seconds
        lost = weir.stop()["attribution"]["lost"]
    return [" ".join(options) or "without", f"{made / seconds:,.0f}", f"{100 * share:.1f} %", f"{lost:,}"]


def measure(options, say):
    throughput.look_for_iperf3()
    say("attribution: iperf3")
    rows = [row(f"iperf3, {name}", transfer(*chosen), TARGET) for name, chosen in TRANSFERS.items()]
    say("attribution: messages")
    with Network() as net:
        rows += [row(name, messages(net.b, *what), TARGET) for name, what in ESTABLISHED.items()]
        rows += [row(name, messages(net.b, *what), None) for name, what in NEW.items()]
        say("attribution: agent")
        net.b.dev = "lo"
        agents = [agent(net, chosen) for chosen in ((), ("--attribute", "all"))]
    lines = tables.table(["a packet or message by", "ns without", "empty programs, more", "weir's, more", "share", "target"], rows)
    lines += ["", *tables.table(["weir -i lo", "new sockets/s", "agent, of a core", "lost messages"], agents)]
    return tables.section(
        "Attribution",
        "Nanoseconds between packets of an iperf3 through a veth pair, each end on a CPU of its own, of which it takes all: "
        f"medians of {TRANSFER_ROUNDS} rounds of {TRANSFER_MILLISECONDS} ms. Then "
        "CPU of a process that sends messages to itself over lo: a call to send and one to receive (64 KiB is a super-packet of "
        f"46): of {ROUNDS} rounds of {MILLISECONDS} ms. Each is measured without programs, "
        "with empty ones at the same two calls, and with those of --attribute. Then the agent, while such a process makes new "
        "sockets all the time.", lines)
