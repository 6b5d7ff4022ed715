# SPDX-License-Identifier: BSD-2-Clause
"""NFStream's plugins: FlowSlicer, SPLT, DHCP, MDNS."""
from .dhcp import DHCP, MsgType
from .mdns import MDNS
from .slicer import FlowSlicer
from .splt import SPLT

__all__ = ["DHCP", "FlowSlicer", "MDNS", "MsgType", "SPLT"]
