# SPDX-License-Identifier: BSD-2-Clause
UDP = 17


def payload(packet):
    """What a UDP packet carries; b"" if it is none, or not captured."""
    octets = packet.ip_packet
    if packet.protocol != UDP or not octets:
        return b""
    start = packet.ip_size - packet.payload_size  # behind options and extension headers
    return octets[start:packet.ip_size]
