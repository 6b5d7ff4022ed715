# SPDX-License-Identifier: BSD-2-Clause
"""Themes on link types other than Ethernet. Each holds the same short exchange."""

import struct

from .capture import crafted, spaced
from .wire import (A4, A6, ARP, B4, B6, IPV4, IPV6, MAC_A, MAC_B, TCP, UDP, VLAN, arp, ip4, ip6,
                   snap, tag, tcp, udp)

EXCHANGE4 = (ip4(tcp(flags=2, seq=100), TCP),
             ip4(tcp(flags=18, seq=500, ack=101, sport=9000, dport=40000), TCP, B4, A4),
             ip4(tcp(flags=16, seq=101, ack=501), TCP))
EXCHANGE6 = (ip6(udp(b'request')), ip6(udp(b'reply', 9000, 40000), UDP, B6, A6))
BOTH = [(IPV4, packet) for packet in EXCHANGE4] + [(IPV6, packet) for packet in EXCHANGE6]


@crafted('dlt-raw', 'RAW (101): IPv4, IPv6, and a packet of version 5', link=101)
def raw():
    yield from spaced([packet for _, packet in BOTH] + [b'\x50' + bytes(39)])


@crafted('dlt-ipv4', 'IPV4 (228)', link=228)
def only_ipv4():
    yield from spaced(EXCHANGE4)


@crafted('dlt-ipv6', 'IPV6 (229)', link=229)
def only_ipv6():
    yield from spaced(EXCHANGE6)


# The address family of IPv6 is that of the system that captured: Linux/NetBSD, FreeBSD, macOS.
FAMILIES = [(2, packet) for packet in EXCHANGE4] + \
    list(zip((10, 24, 28, 30), EXCHANGE6 + EXCHANGE6)) + [(7, bytes(20))]


@crafted('dlt-null-le', 'NULL (0), family in little-endian order: 2, 10, 24, 28, 30 and '
         'unknown', link=0)
def null_little():
    yield from spaced([struct.pack('<I', family) + packet for family, packet in FAMILIES])


@crafted('dlt-null-be', 'NULL (0), family and file in big-endian order', link=0, order='>')
def null_big():
    yield from spaced([struct.pack('>I', family) + packet for family, packet in FAMILIES])


@crafted('dlt-loop', 'LOOP (108): family always in network order', link=108)
def loop():
    yield from spaced([struct.pack('>I', family) + packet for family, packet in FAMILIES])


def sll(payload, kind, direction=0):
    return struct.pack('!HHH8sH', direction, 1, 6, MAC_A, kind) + payload


@crafted('dlt-sll', 'LINUX_SLL (113): IPv4, IPv6, VLAN 100, ARP, LLC SNAP (protocol 4)', link=113)
def linux_sll():
    yield from spaced([sll(packet, kind) for kind, packet in BOTH] +
                      [sll(tag(EXCHANGE4[0], 100), VLAN), sll(arp(), ARP, 1),
                       sll(snap(EXCHANGE4[0]), 4)])


def sll2(payload, kind, interface=2):
    return struct.pack('!HHIHBB8s', kind, 0, interface, 1, 0, 6, MAC_A) + payload


@crafted('dlt-sll2', 'LINUX_SLL2 (276): IPv4, IPv6, VLAN 100, ARP; two interfaces', link=276)
def linux_sll2():
    yield from spaced([sll2(packet, kind) for kind, packet in BOTH] +
                      [sll2(tag(EXCHANGE4[0], 100), VLAN, 3), sll2(arp(), ARP)])


LCP = struct.pack('!BBHI', 9, 1, 8, 0)
PPP_PROTOCOL = {IPV4: 0x0021, IPV6: 0x0057}


def ppp(payload, protocol):
    return struct.pack('!H', protocol) + payload


@crafted('dlt-ppp', 'PPP (9): with and without ff 03, protocol field of one byte, LCP', link=9)
def ppp_link():
    yield from spaced([b'\xff\x03' + ppp(packet, PPP_PROTOCOL[kind]) for kind, packet in BOTH] +
                      [ppp(EXCHANGE4[0], 0x0021), b'\x21' + EXCHANGE4[0],
                       b'\xff\x03\x57' + EXCHANGE6[0], b'\xff\x03' + ppp(LCP, 0xc021)])


def chdlc(payload, kind, first=0x0f):
    return struct.pack('!BBH', first, 0, kind) + payload


@crafted('dlt-ppp-serial', 'PPP_SERIAL (50): PPP with ff 03, Cisco HDLC (0f 00, 8f 00), '
         'LCP', link=50)
def ppp_serial():
    yield from spaced([b'\xff\x03' + ppp(packet, PPP_PROTOCOL[kind]) for kind, packet in BOTH] +
                      [chdlc(EXCHANGE4[0], IPV4), chdlc(EXCHANGE6[0], IPV6, 0x8f),
                       b'\xff\x03' + ppp(LCP, 0xc021)])


@crafted('dlt-chdlc', 'C_HDLC (104): IPv4, IPv6, keepalive (0x8035)', link=104)
def cisco_hdlc():
    yield from spaced([chdlc(packet, kind) for kind, packet in BOTH] +
                      [chdlc(bytes(18), 0x8035, 0x8f)])


TO_DS, FROM_DS, RETRY, PROTECTED, ORDER = 0x01, 0x02, 0x08, 0x40, 0x80
BSSID = bytes.fromhex('020000000099')


def dot11(body, flags, subtype=0, kind=2, qos=0, pad=b''):
    frame = struct.pack('<BBH', subtype << 4 | kind << 2, flags, 0)
    frame += MAC_B + MAC_A + BSSID + struct.pack('<H', 0x10)
    if flags & TO_DS and flags & FROM_DS:
        frame += MAC_B
    if kind == 2 and subtype & 8:
        frame += struct.pack('<H', qos)
        if flags & ORDER:
            frame += bytes(4)
    return frame + pad + body


def radiotap(frame, flags=None, extended=False):
    """flags: the field of that name (bit 1 of the presence word); extended: a second word."""
    present, fields = (0, b'') if flags is None else (2, bytes([flags]))
    words = struct.pack('<II', present | 1 << 31, 0) if extended else struct.pack('<I', present)
    return struct.pack('<BBH', 0, 0, 4 + len(words) + len(fields)) + words + fields + frame


FCS, DATA_PAD, BAD_FCS = 0x10, 0x20, 0x40
CHECK = b'\xde\xad\xbe\xef'


@crafted('dlt-radiotap', '802.11 data: to DS, from DS, neither, both; QoS; with frame check '
         'sequence; second presence word; padded header; QoS with HT control: IP in all', link=127)
def wifi_data():
    data4, data6 = snap(EXCHANGE4[0]), snap(EXCHANGE6[0], IPV6)
    yield from spaced([
        radiotap(dot11(data4, TO_DS)), radiotap(dot11(data4, FROM_DS)), radiotap(dot11(data4, 0)),
        radiotap(dot11(data4, TO_DS | FROM_DS)), radiotap(dot11(data6, TO_DS, 8)),
        radiotap(dot11(data6, FROM_DS | RETRY, 8)), radiotap(dot11(data4, TO_DS | FROM_DS, 8)),
        radiotap(dot11(data4, TO_DS) + CHECK, FCS), radiotap(dot11(data4, TO_DS), 0),
        radiotap(dot11(data4, TO_DS), 0, extended=True),
        radiotap(dot11(data4, TO_DS, 8, pad=bytes(2)), DATA_PAD),
        radiotap(dot11(data4, TO_DS | ORDER, 8)),
    ])


@crafted('dlt-radiotap-other', '802.11 frames with no IP or none to rely on: protected, null '
         'data, beacon, acknowledgement, aggregate (A-MSDU), fragment, bad checksum, header '
         'cut', link=127)
def wifi_other():
    data = snap(EXCHANGE4[0])
    acknowledgement = struct.pack('<BBH', 0xd4, 0, 0) + MAC_A
    subframe = MAC_B + MAC_A + struct.pack('!H', len(data)) + data
    later = dot11(data, TO_DS)
    later = later[:22] + struct.pack('<H', 0x11) + later[24:]  # fragment number 1
    yield from spaced([
        radiotap(dot11(bytes(60), TO_DS | PROTECTED, 8)), radiotap(dot11(b'', TO_DS, 4)),
        radiotap(dot11(bytes(40), 0, 8, kind=0)), radiotap(acknowledgement),
        radiotap(dot11(subframe, TO_DS, 8, qos=0x80)), radiotap(later),
        radiotap(dot11(data, TO_DS) + CHECK, FCS | BAD_FCS),
        radiotap(dot11(data, TO_DS))[:20], b'\x00\x00\xff\xff' + bytes(20),
    ])


@crafted('dlt-unknown', 'USER0 (147): a link type nobody can know', link=147)
def unknown():
    yield from spaced(EXCHANGE4)
