# SPDX-License-Identifier: BSD-2-Clause
"""Flow records from capture files and interfaces, under the names of NFStream.

    from weir import NFStreamer
    for flow in NFStreamer(source="capture.pcap"):
        print(flow)
"""
from .flow import NFFlow
from .library import lib as _lib
from .packet import NFPacket
from .plugin import NFPlugin
from .session import WeirError, WeirWarning
from .streamer import NFStreamer

NFlow = NFFlow  # 6.5's name
__version__ = _lib.weir_version().decode()
__all__ = ["NFFlow", "NFlow", "NFPacket", "NFPlugin", "NFStreamer", "WeirError", "WeirWarning"]
