# SPDX-License-Identifier: BSD-2-Clause
"""flood as the bench uses it, and a network in which its live frames arrive."""

import contextlib
import json

from network import Network
from paths import BUILD, BenchError, last_line

FLOOD = BUILD / "live" / "flood"


@contextlib.contextmanager
def network():
    """GRO on the receiving end turns its NAPI on; without it nothing would arrive."""
    with Network() as net:
        net.b.run("ethtool", "-K", net.b.dev, "gro", "on")
        yield net


def command(net, packets, rate, flows):
    return [FLOOD, "--mode", "xdp", "--dev", net.a.dev, "--dst-mac", net.b.mac, "--flows", flows,
            "--packets", packets, "--rate", rate, "--order", "random", "--cpu", 0]


def finish(process, seconds):
    """What flood says it sent."""
    out, err = process.communicate(timeout=seconds)
    if process.returncode:
        raise BenchError(f"flood: exit code {process.returncode}: {last_line(err.decode())}")
    return json.loads(out)


def send(net, packets, rate, flows):
    process = net.a.start(*command(net, packets, rate, flows))
    return finish(process, 60 + 10 * packets / max(rate, 1))
