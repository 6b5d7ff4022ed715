# SPDX-License-Identifier: BSD-2-Clause
"""Flow records from capture files and interfaces, under the names of NFStream.

    from weir import NFStreamer
    for flow in NFStreamer(source="capture.pcap"):
        print(flow)
"""
from .flow import NFFlow
from .library import lib as _lib
from .plugin import NFPlugin
from .session import WeirError, WeirWarning
from .streamer import NFStreamer

NFlow = NFFlow  # 6.5's name


def __getattr__(name):
    """NFPacket, which those need alone that have plugins: what is imported here, each program waits for."""
    if name != "NFPacket":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .packet import NFPacket

    return NFPacket


__version__ = _lib.weir_version().decode()
__all__ = ["NFFlow", "NFlow", "NFPacket", "NFPlugin", "NFStreamer", "WeirError", "WeirWarning"]
