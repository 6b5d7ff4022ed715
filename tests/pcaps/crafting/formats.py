# SPDX-License-Identifier: BSD-2-Clause
"""Themes on file formats: byte orders, time units, pcapng, files that are cut or wrong."""

import struct

from .capture import (LINK_ETHERNET, Packet, SECOND, START, at, crafted, crafted_file, ng_block,
                      ng_interface, ng_option, ng_packet, ng_section, ng_simple, pcap_file,
                      pcap_header, pcap_record, spaced)
from .wire import A4, B4, UDP, eth, ip4, udp

UP = eth(ip4(udp(b'request')))
DOWN = eth(ip4(udp(b'reply', 9000, 40000), UDP, B4, A4))
# The last one has a time that microseconds cannot hold.
EXCHANGE = [*spaced([UP, DOWN, UP]), Packet(START + 5 * 10 ** 6 + 123, DOWN)]


for name, title, order, nano in (
        ('pcap-le-micro', 'little-endian, microseconds', '<', False),
        ('pcap-le-nano', 'little-endian, nanoseconds', '<', True),
        ('pcap-be-micro', 'big-endian, microseconds', '>', False),
        ('pcap-be-nano', 'big-endian, nanoseconds', '>', True)):
    crafted(name, title + ': 1 flow of 4 packets', order=order, nano=nano)(lambda: EXCHANGE)


def ng_plain(order):
    blocks = [ng_packet(packet, order=order) for packet in EXCHANGE]
    return ng_section(order) + ng_interface(order=order) + b''.join(blocks)


@crafted_file('pcapng-le.pcapng', 'pcapng, little-endian, microseconds')
def ng_little():
    return ng_plain('<'), len(EXCHANGE)


@crafted_file('pcapng-be.pcapng', 'pcapng, big-endian, microseconds')
def ng_big():
    return ng_plain('>'), len(EXCHANGE)


@crafted_file('pcapng-units.pcapng', 'four interfaces with time units of 10^-9, 2^-20, 10^-3 and '
              '10^-6 s and an offset of 1,000,000,000 s: 1 flow')
def ng_units():
    def interface(*options):
        return ng_interface(options=b''.join(ng_option(*option) for option in options))
    offset = 14, struct.pack('<q', SECOND)
    first, second, third, fourth = EXCHANGE
    return b''.join((
        ng_section(), interface((9, b'\x09')), interface((9, b'\x94')), interface((9, b'\x03')),
        interface(offset),
        ng_packet(first, 0, first.time), ng_packet(second, 1, (second.time << 20) // SECOND),
        ng_packet(third, 2, third.time // 10 ** 6),
        ng_packet(fourth, 3, fourth.time // 1000 - SECOND * 10 ** 6))), 4


@crafted_file('pcapng-links.pcapng', 'two interfaces with different link types (Ethernet, RAW): '
              'libpcap refuses the second')
def ng_links():
    raw = Packet(START + 10 ** 6, DOWN[14:])
    return ng_section() + ng_interface() + ng_packet(EXCHANGE[0]) + ng_interface(101) + \
        ng_packet(raw, 1), 2


@crafted_file('pcapng-simple.pcapng', 'simple packet blocks: no time stamps')
def ng_simple_blocks():
    return ng_section() + ng_interface() + b''.join(map(ng_simple, EXCHANGE)), len(EXCHANGE)


@crafted_file('pcapng-blocks.pcapng', 'options, comments, name resolution, statistics, custom and '
              'unknown blocks between the packets')
def ng_blocks():
    comment = ng_option(1, 'a comment'.encode())
    names = struct.pack('<HH', 1, 20) + bytes([192, 0, 2, 1]) + b'a.example.org\0'.ljust(16, b'\0')
    statistics = struct.pack('<III', 0, START >> 32, START & 0xffffffff)
    return b''.join((
        ng_section(), ng_interface(options=ng_option(2, b'eth0')), ng_block(4, names + bytes(4)),
        ng_packet(EXCHANGE[0], options=comment),
        ng_block(0xbad, struct.pack('<I', 32473) + b'data'),
        ng_packet(EXCHANGE[1]), ng_block(0x7fffffff, b'unknown!'), ng_packet(EXCHANGE[2]),
        ng_block(5, statistics), ng_packet(EXCHANGE[3]))), 4


@crafted_file('pcapng-sections.pcapng', 'two sections of one byte order, one behind the other')
def ng_sections():
    return ng_plain('<') + ng_plain('<'), 2 * len(EXCHANGE)


@crafted_file('pcapng-empty.pcapng', 'a section and an interface, no packet')
def ng_empty():
    return ng_section() + ng_interface(), 0


@crafted_file('pcapng-no-interface.pcapng', 'a packet of an interface that was not described')
def ng_no_interface():
    return ng_section() + ng_packet(EXCHANGE[0]), 1


@crafted_file('pcapng-cut.pcapng', 'cut in the middle of the third packet block')
def ng_cut():
    return ng_plain('<')[:-100], 2


@crafted('empty', 'header only: no packet, no error')
def empty():
    return []


def cut_file(missing):
    content = pcap_file(EXCHANGE)
    return content[:len(content) - missing], len(EXCHANGE) - 1


@crafted_file('cut-data.pcap', 'cut in the middle of the data of the fourth packet')
def cut_in_data():
    return cut_file(10)


@crafted_file('cut-record.pcap', 'cut in the middle of the record header of the fourth packet')
def cut_in_record():
    return cut_file(len(DOWN) + 8)


@crafted_file('cut-header.pcap', 'cut in the middle of the file header')
def cut_in_header():
    return pcap_header()[:12], 0


@crafted_file('nothing.pcap', 'a file of no bytes')
def nothing():
    return b'', 0


@crafted_file('text.pcap', 'a text, not a capture')
def text():
    return b'This is not a capture.\n' * 4, 0


@crafted_file('record-huge.pcap', 'after one good packet a record that claims 2,000,000,000 bytes')
def record_huge():
    header = struct.pack('<IIII', START // SECOND, 0, 2 * 10 ** 9, 2 * 10 ** 9)
    return pcap_file(EXCHANGE[:1]) + header + UP, 1


@crafted_file('time-fraction.pcap', 'microsecond fields of 1,000,000 and of 4,294,967,295')
def time_fraction():
    records = [struct.pack('<IIII', START // SECOND + index, fraction, len(UP), len(UP)) + UP
               for index, fraction in enumerate((0, 1000000, 4294967295, 999999))]
    return pcap_header() + b''.join(records), 4


@crafted('record-over-snaplen', 'snapshot length 32, records of 49 bytes', snaplen=32)
def record_over_snaplen():
    return EXCHANGE


@crafted('record-over-length', 'captured length above the length on the wire (20)')
def record_over_length():
    yield EXCHANGE[0]
    yield Packet(START + 10 ** 6, UP, 20)
    yield EXCHANGE[2]


@crafted('zero-length', 'records with nothing captured: of 0, of 60 and of 1,514 bytes on the '
         'wire')
def zero_length():
    for second, length in enumerate((0, 60, 1514)):
        yield at(second, b'', length)
    yield at(3, UP)


@crafted('snaplen-zero', 'snapshot length 0 in the file header, whole packets', snaplen=0)
def snaplen_zero():
    return EXCHANGE


@crafted_file('link-fcs.pcap', 'link type field that announces 4 bytes of frame check sequence')
def link_fcs():
    link = LINK_ETHERNET | 1 << 26 | 2 << 28
    packets = [Packet(packet.time, packet.data + b'\xde\xad\xbe\xef') for packet in EXCHANGE]
    return pcap_header(link) + b''.join(map(pcap_record, packets)), len(packets)


@crafted_file('version-1.pcap', 'file version 1.0: unknown to libpcap')
def old_version():
    content = pcap_file(EXCHANGE)
    return content[:4] + struct.pack('<HH', 1, 0) + content[8:], 0
