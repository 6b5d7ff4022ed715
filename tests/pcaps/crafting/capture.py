# SPDX-License-Identifier: BSD-2-Clause
"""The list of crafted captures, and the file formats they are written in.

A theme is a generator of Packets with the decorator @crafted(NAME, DESCRIPTION), which makes a
little-endian microsecond pcap of Ethernet of them, or what more of its arguments say. Other formats
come from functions with @crafted_file.
"""

import struct
from typing import NamedTuple

START = 1767225600 * 10 ** 9  # 2026-01-01 00:00:00 UTC
SECOND = 10 ** 9
MILLISECOND = 10 ** 6
SNAPLEN = 262144

LINK_ETHERNET = 1


class Packet(NamedTuple):
    time: int            # nanoseconds since 1970
    data: bytes          # as captured
    length: int = None   # on the wire; None: all of it was captured

    @property
    def wire(self):
        return len(self.data) if self.length is None else self.length


class Theme(NamedTuple):
    name: str
    about: str
    make: object         # function returning (file content, number of packets)


THEMES = []


def at(seconds, data, length=None):
    """A packet that many seconds after START."""
    return Packet(START + round(seconds * SECOND), data, length)


def spaced(frames, gap=MILLISECOND, start=0):
    """Frames as packets, gap nanoseconds apart."""
    for index, frame in enumerate(frames):
        yield Packet(START + start + index * gap, frame)


def cut(frame, captured):
    """A frame of which only the first bytes were captured."""
    return Packet(START + captured * MILLISECOND, frame[:captured], len(frame))


def crafted(name, about, link=LINK_ETHERNET, **form):
    """Register a generator of packets, to be written by pcap_file(..., **form)."""
    def register(function):
        def make():
            packets = list(function())
            return pcap_file(packets, link, **form), len(packets)
        THEMES.append(Theme(name + '.pcap', about, make))
        return function
    return register


def crafted_file(name, about):
    """Register a function that returns the file's content and its number of whole packets."""
    def register(function):
        THEMES.append(Theme(name, about, function))
        return function
    return register


def pcap_header(link=LINK_ETHERNET, order='<', nano=False, snaplen=SNAPLEN):
    magic = 0xa1b23c4d if nano else 0xa1b2c3d4
    return struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snaplen, link)


def pcap_record(packet, order='<', nano=False):
    seconds, rest = divmod(packet.time, SECOND)
    return struct.pack(order + 'IIII', seconds, rest if nano else rest // 1000,
                       len(packet.data), packet.wire) + packet.data


def pcap_file(packets, link=LINK_ETHERNET, order='<', nano=False, snaplen=SNAPLEN):
    return pcap_header(link, order, nano, snaplen) + \
        b''.join(pcap_record(packet, order, nano) for packet in packets)


def ng_block(kind, body, order='<'):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + 'I', 12 + len(body))
    return struct.pack(order + 'I', kind) + size + body + size


def ng_option(code, value, order='<'):
    return struct.pack(order + 'HH', code, len(value)) + value + bytes(-len(value) % 4)


def ng_section(order='<'):
    return ng_block(0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1), order)


def ng_interface(link=LINK_ETHERNET, options=b'', order='<', snaplen=SNAPLEN):
    if options:
        options += bytes(4)
    return ng_block(1, struct.pack(order + 'HHI', link, 0, snaplen) + options, order)


def ng_packet(packet, interface=0, ticks=None, order='<', options=b''):
    """ticks: the time in units of the interface; None: microseconds."""
    ticks = packet.time // 1000 if ticks is None else ticks
    if options:
        options += bytes(4)
    body = struct.pack(order + 'IIIII', interface, ticks >> 32, ticks & 0xffffffff,
                       len(packet.data), packet.wire)
    return ng_block(6, body + packet.data + bytes(-len(packet.data) % 4) + options, order)


def ng_simple(packet, order='<'):
    return ng_block(3, struct.pack(order + 'I', packet.wire) + packet.data, order)
