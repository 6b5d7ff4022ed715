# SPDX-License-Identifier: BSD-2-Clause
"""One use of the Python package, to be measured: CASE CAPTURE N_DISSECTIONS LIBRARY. Prints how many flows."""
import os
import sys

CASE, CAPTURE, DISSECTIONS, LIBRARY = sys.argv[1:5]
os.environ["WEIR_LIBRARY"] = LIBRARY
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "python"))
sys.pycache_prefix = os.path.join(os.path.dirname(LIBRARY), "bench", "pycache")
sys.dont_write_bytecode = False  # compiled once, as an installed package is, whatever the environment says

from weir import NFPlugin, NFStreamer


class EveryPacket(NFPlugin):
    """What plugins do at the least: look at each packet, keep something of the flow."""

    def on_init(self, packet, flow):
        flow.udps.large = 0

    def on_update(self, packet, flow):
        if packet.raw_size > 600:
            flow.udps.large += 1


def streamer(**more):
    return NFStreamer(source=CAPTURE, n_dissections=int(DISSECTIONS), **more)


def start():
    return 0


def iterate():
    flows = 0
    for flow in streamer():
        flow.src_ip, flow.dst_ip, flow.dst_port, flow.bidirectional_packets, flow.bidirectional_bytes
        flows += 1
    return flows


def to_csv():
    return streamer().to_csv(os.devnull)


def to_pandas():
    return len(streamer().to_pandas())


def plugin():
    return sum(1 for flow in streamer(udps=EveryPacket()))


print({"start": start, "iterate": iterate, "to_csv": to_csv, "to_pandas": to_pandas, "plugin": plugin}[CASE]())
