# SPDX-License-Identifier: BSD-2-Clause
from ..plugin import NFPlugin


class FlowSlicer(NFPlugin):
    """Ends flows after limit packets: FlowSlicer(limit=4)."""

    def on_init(self, packet, flow):
        if self.limit <= 1:
            flow.expiration_id = -1

    def on_update(self, packet, flow):
        if flow.bidirectional_packets >= self.limit:
            flow.expiration_id = -1
