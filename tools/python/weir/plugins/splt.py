# SPDX-License-Identifier: BSD-2-Clause
from ..plugin import NFPlugin

SIZES = ("raw_size", "ip_size", "transport_size", "payload_size")


class SPLT(NFPlugin):
    """Direction, size and gap of the first packets: SPLT(sequence_length=5, accounting_mode=0).

    flow.udps.splt_direction, splt_ps, splt_piat_ms: lists of sequence_length, with -1 where no packet came.
    splt_analysis=N gives the same faster.
    """

    def on_init(self, packet, flow):
        for name in ("splt_direction", "splt_ps", "splt_piat_ms"):
            setattr(flow.udps, name, [-1] * self.sequence_length)
        self.on_update(packet, flow)

    def on_update(self, packet, flow):
        place = flow.bidirectional_packets - 1
        if place < self.sequence_length:
            flow.udps.splt_direction[place] = packet.direction
            flow.udps.splt_ps[place] = getattr(packet, SIZES[self.accounting_mode])
            flow.udps.splt_piat_ms[place] = packet.delta_time
