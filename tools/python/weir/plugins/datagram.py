# SPDX-License-Identifier: BSD-2-Clause
UDP = 17
UDP_HEADER = 8
IPV6_HEADER = 40


def payload(packet):
    """What a UDP packet carries; b"" if it is none, or not captured."""
    octets = packet.ip_packet
    if packet.protocol != UDP or not octets:
        return b""
    header = (octets[0] & 15) * 4 if packet.ip_version == 4 else IPV6_HEADER
    return octets[header + UDP_HEADER:header + UDP_HEADER + packet.payload_size]
