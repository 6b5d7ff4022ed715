# SPDX-License-Identifier: BSD-2-Clause
"""Themes on tunnels. Outer addresses are 192.0.2.0/24, inner ones 198.51.100.0/24."""

import struct

from .capture import at, crafted, spaced
from .dlt import CHECK, FROM_DS, TO_DS, dot11
from .wire import (GRE, INNER_A4, INNER_A6, INNER_B4, INNER_B6, IPIP, IPV4, IPV6, SIX, SYN, TCP,
                   TEB, UDP, VLAN, A4, A6, B4, B6, eth, eth6, fragments4, geneve, gre, gtpu, ip4,
                   ip6, snap, tag, tcp, udp, vxlan)

INNER4 = ip4(udp(b'request'), UDP, INNER_A4, INNER_B4)
BACK4 = ip4(udp(b'reply', 9000, 40000), UDP, INNER_B4, INNER_A4)
INNER6 = ip6(udp(b'request'), UDP, INNER_A6, INNER_B6)
BACK6 = ip6(udp(b'reply', 9000, 40000), UDP, INNER_B6, INNER_A6)


def over4(payload, protocol):
    return eth(ip4(payload, protocol))


def back4(payload, protocol):
    return eth(ip4(payload, protocol, B4, A4))


def over_udp(payload, dport, sport=50000):
    return over4(udp(payload, sport, dport), UDP)


@crafted('ipip', 'IPv4 in IPv4, both directions: 1 inner flow')
def ipip():
    yield from spaced([over4(INNER4, IPIP), back4(BACK4, IPIP)])


@crafted('6in4', 'IPv6 in IPv4')
def six_in_four():
    yield from spaced([over4(INNER6, SIX), back4(BACK6, SIX)])


@crafted('4in6', 'IPv4 in IPv6')
def four_in_six():
    yield from spaced([eth6(ip6(INNER4, IPIP)), eth6(ip6(BACK4, IPIP, B6, A6))])


@crafted('6in6', 'IPv6 in IPv6, once behind a tunnel encapsulation limit')
def six_in_six():
    limit = bytes([SIX, 0, 4, 1, 4, 1, 1, 0])
    yield from spaced([eth6(ip6(INNER6, SIX)), eth6(ip6(limit + INNER6, 60))])


@crafted('gre', 'plain, key, checksum + sequence, all three, IPv6 inside, MPLS inside (0x8847): a '
         'flow a key')
def gre_plain():
    label = struct.pack('!I', 100 << 12 | 1 << 8 | 64)
    yield from spaced([over4(packet, GRE) for packet in (
        gre(INNER4), gre(INNER4, key=42), gre(INNER4, check=True, sequence=7),
        gre(INNER4, key=42, check=True, sequence=8), gre(INNER6, IPV6),
        gre(label + INNER4, 0x8847))])


@crafted('gre-odd', 'routing bit, version 2, unknown protocol, keepalive (empty), cut optional '
         'fields')
def gre_odd():
    routing = struct.pack('!HHHHHBBI', 0x4000, IPV4, 0, 0, 0, 0, 0, 0)
    yield from spaced([over4(packet, GRE) for packet in (
        routing + INNER4, gre(INNER4, version=2), gre(bytes(20), 0x1234), gre(b'', 0),
        struct.pack('!HH', 0xb000, IPV4))])


@crafted('gre-bridge', 'transparent Ethernet bridging (0x6558) with and without key, inner VLAN '
         '100')
def gre_bridge():
    yield from spaced([over4(packet, GRE) for packet in (
        gre(eth(INNER4), TEB), gre(eth(INNER4), TEB, key=42),
        gre(eth(tag(INNER4, 100), VLAN), TEB, key=42))])


@crafted('gre-erspan', 'ERSPAN type I (no sequence), II (session 5) and III (0x22eb) around '
         'Ethernet')
def gre_erspan():
    second = struct.pack('!HHI', 1 << 12 | 100, 5, 0)
    third = struct.pack('!HHIHH', 2 << 12 | 100, 5, 0, 0, 0)
    yield from spaced([over4(packet, GRE) for packet in (
        gre(eth(INNER4), 0x88be), gre(second + eth(INNER4), 0x88be, sequence=1),
        gre(third + eth(INNER4), 0x22eb, sequence=1))])


@crafted('gre-pptp', 'version 1 (0x880b) around PPP: with sequence, with acknowledgement, with '
         'neither')
def gre_pptp():
    def pptp(payload, sequence=None, acknowledged=None):
        flags = 0x2001 | (sequence is not None) << 12 | (acknowledged is not None) << 7
        fields = b''.join(struct.pack('!I', field) for field in (sequence, acknowledged)
                          if field is not None)
        return struct.pack('!HHHH', flags, 0x880b, len(payload), 77) + fields + payload
    ppp = b'\xff\x03\x00\x21' + INNER4
    yield from spaced([over4(packet, GRE) for packet in (
        pptp(ppp, 1), pptp(ppp[2:], 2, 1), pptp(ppp[3:], 3), pptp(b'', None, 3))])


@crafted('vxlan', 'VNI 42 both ways, VNI 43 with the same inner addresses, inner VLAN 100, over '
         'IPv6, inner IPv6: a flow a VNI and VLAN')
def vxlan_frames():
    yield from spaced([over_udp(vxlan(eth(INNER4), 42), 4789),
                       back4(udp(vxlan(eth(BACK4), 42), 50001, 4789), UDP),
                       over_udp(vxlan(eth(INNER4), 43), 4789),
                       over_udp(vxlan(eth(tag(INNER4, 100), VLAN), 42), 4789),
                       eth6(ip6(udp(vxlan(eth(INNER4), 42), 50000, 4789))),
                       over_udp(vxlan(eth6(INNER6), 42), 4789)])


@crafted('vxlan-odd', 'I flag clear, GPE on 4790 (IPv4, IPv6, Ethernet, NSH), port 8472, source '
         'port 4789 only, no inner frame, inner ARP')
def vxlan_odd():
    gpe = 0x0c
    yield from spaced([over_udp(vxlan(eth(INNER4), 42, flags=0), 4789),
                       over_udp(vxlan(INNER4, 42, gpe, 1), 4790),
                       over_udp(vxlan(INNER6, 42, gpe, 2), 4790),
                       over_udp(vxlan(eth(INNER4), 42, gpe, 3), 4790),
                       over_udp(vxlan(bytes(24), 42, gpe, 4), 4790),
                       over_udp(vxlan(eth(INNER4), 42), 8472),
                       over_udp(vxlan(eth(INNER4), 42), 9, sport=4789),
                       over_udp(vxlan(b'', 42), 4789),
                       over_udp(vxlan(eth(bytes(28), 0x0806), 42), 4789)])


@crafted('geneve', 'Ethernet inside without and with options (one critical), IPv4 and IPv6 '
         'directly, OAM frame, version 1, options beyond the packet')
def geneve_frames():
    option = struct.pack('!HBBI', 0x0102, 0x01, 1, 7)
    critical = struct.pack('!HBBI', 0x0102, 0x81, 1, 7)
    bad_version = b'\x40' + geneve(eth(INNER4), 42)[1:]
    too_long = b'\x3f' + geneve(eth(INNER4), 42)[1:]
    yield from spaced([over_udp(packet, 6081) for packet in (
        geneve(eth(INNER4), 42), geneve(eth(INNER4), 42, options=option),
        geneve(eth(INNER4), 42, options=option + critical, critical=True),
        geneve(INNER4, 42, IPV4), geneve(INNER6, 42, IPV6), geneve(b'oam', 42, 0x1234, oam=True),
        bad_version, too_long)])


def over_gtp(payload):
    return over4(udp(payload, 2152, 2152), UDP)


@crafted('gtpu', 'plain, sequence, N-PDU, PDU session container, two extension headers, inner '
         'IPv6, back with another TEID: 2 inner flows')
def gtp_user():
    container, pdcp = (0x85, b'\x00\x09'), (0xc0, b'\x00\x01')
    yield from spaced([over_gtp(packet) for packet in (
        gtpu(INNER4, 1), gtpu(INNER4, 1, sequence=7), gtpu(INNER4, 1, npdu=3),
        gtpu(INNER4, 1, extensions=[container]),
        gtpu(INNER4, 1, sequence=8, extensions=[pdcp, container]),
        gtpu(INNER6, 1))])
    yield at(1, back4(udp(gtpu(BACK4, 99), 2152, 2152), UDP))


@crafted('gtpu-ipv6', 'GTP-U over IPv6 around IPv4 and IPv6')
def gtp_over_six():
    yield from spaced([eth6(ip6(udp(gtpu(inner, 1), 2152, 2152))) for inner in (INNER4, INNER6)])


@crafted('gtpu-outer', 'what must stay the outer flow: echo request and response, error '
         'indication, end marker, version 0, GTP prime, empty payload, not IP inside, other data '
         'on the port')
def gtp_outer():
    version0 = struct.pack('!BBHHHI', 0x1e, 255, len(INNER4), 1, 2, 0) + bytes(8) + INNER4
    prime = b'\x20' + gtpu(INNER4, 1)[1:]
    yield from spaced([over_gtp(packet) for packet in (
        gtpu(b'', 0, 1, sequence=1), gtpu(b'\x0e\x00', 0, 2, sequence=1),
        gtpu(bytes(12), 0, 26, sequence=1), gtpu(b'', 1, 254), version0, prime, gtpu(b'', 1),
        gtpu(bytes(40), 1), b'something else')])


@crafted('gtpu-lengths', 'extension header of length 0, extension beyond the packet, length field '
         '0 and beyond the packet')
def gtp_lengths():
    whole = gtpu(INNER4, 1, extensions=[(0x85, b'\x00\x09')])
    frames = [whole[:12] + b'\x00' + whole[13:], whole[:12] + b'\xff' + whole[13:]]
    plain = gtpu(INNER4, 1)
    frames += [plain[:2] + struct.pack('!H', length) + plain[4:] for length in (0, 9999)]
    yield from spaced([over_gtp(frame) for frame in frames])


def tzsp(payload, kind=0, protocol=1, tags=b'\x01'):
    """tags end with 0x01."""
    return struct.pack('!BBH', 1, kind, protocol) + tags + payload


@crafted('tzsp', 'Ethernet inside; padding and signal strength tags; 802.11 inside (protocol 18); '
         'keepalive, unknown protocol, no end tag, tag beyond the packet')
def tzsp_frames():
    signal = b'\x00\x0a\x01\xc8\x12\x01\x0b\x01'
    yield from spaced([over_udp(packet, 37008) for packet in (
        tzsp(eth(INNER4)), tzsp(eth(INNER4), tags=signal),
        tzsp(dot11(snap(INNER4), TO_DS), protocol=18), tzsp(b'', 4, 0),
        tzsp(bytes(40), protocol=99), tzsp(b'', tags=b''), tzsp(b'', tags=b'\x0a\xff\x00'),
        tzsp(eth6(INNER6), 1))])


def capwap(payload, flags=0, binding=1, optional=b''):
    """RFC 5415 4.3. flags: T 0x100, F 0x80, L 0x40, W 0x20, M 0x10, K 0x08."""
    words = 2 + len(optional) // 4
    head = words << 19 | 1 << 14 | binding << 9 | flags
    return b'\0' + head.to_bytes(3, 'big') + bytes(4) + optional + payload


@crafted('capwap', '802.11 (frame control in both byte orders) and 802.3 inside, radio MAC and '
         'wireless information, QoS; keepalive, DTLS preamble, fragment, control port 5246: only '
         'data with IP has an inner flow')
def capwap_frames():
    wifi = dot11(snap(INNER4), FROM_DS)
    radio = b'\x06' + bytes(7)
    info = b'\x04' + bytes(7)
    swapped = wifi[1::-1] + wifi[2:]  # as Cisco's controllers send the frame control field
    keepalive = struct.pack('!HHH', 22, 35, 16) + bytes(16)  # its length, session id
    dtls = b'\x01\0\0\0' + b'\x17\xfe\xfd' + bytes(40)
    yield from spaced([over_udp(packet, port) for packet, port in (
        (capwap(wifi, 0x100), 5247), (capwap(swapped, 0x100), 5247), (capwap(eth(INNER4)), 5247),
        (capwap(wifi, 0x110, optional=radio), 5247),
        (capwap(wifi, 0x130, optional=radio + info), 5247),
        (capwap(dot11(snap(INNER4), FROM_DS, 8), 0x100), 5247),
        (capwap(keepalive, 0x08), 5247), (dtls, 5247), (capwap(wifi, 0x180), 5247),
        (capwap(bytes(16)), 5246), (capwap(wifi + CHECK, 0x100)[:20], 5247))])


@crafted('nested', 'two levels: IPIP in GRE, VXLAN in IPIP, GTP-U in 6in4, GRE in GRE, IPv6 in '
         'IPv6 in IPv4')
def nested():
    middle = ('203.0.113.1', '203.0.113.2')
    yield from spaced([
        over4(gre(ip4(INNER4, IPIP, *middle)), GRE),
        over4(ip4(udp(vxlan(eth(INNER4), 42), 50000, 4789), UDP, *middle), IPIP),
        over4(ip6(udp(gtpu(INNER4, 1), 2152, 2152)), SIX),
        over4(gre(ip4(gre(INNER4, key=2), GRE, *middle), key=1), GRE),
        over4(ip6(INNER6, SIX), SIX)])


@crafted('nested-deep', 'three and five levels, more than weir follows')
def nested_deep():
    packet = INNER4
    frames = []
    for level in range(1, 6):
        packet = ip4(packet, IPIP, f'203.0.113.{level}', f'203.0.113.{100 + level}')
        frames.append(eth(packet))
    yield from spaced([frames[2], frames[4]])
    yield at(1, over4(gre(ip4(udp(vxlan(eth(INNER4), 42), 50000, 4789), UDP, '203.0.113.1',
                              '203.0.113.2')), GRE))


@crafted('tunnel-fragments', 'a VXLAN packet in two outer fragments, and an IPIP packet whose '
         'inner packet is in fragments')
def tunnel_fragments():
    inner = eth(ip4(udp(bytes(600)), UDP, INNER_A4, INNER_B4))
    outer = ip4(udp(vxlan(inner, 42), 50000, 4789), ident=5)
    yield from spaced([eth(part) for part in fragments4(outer, 400)])
    parts = fragments4(ip4(udp(bytes(600)), UDP, INNER_A4, INNER_B4, ident=6), 400)
    yield from spaced([over4(part, IPIP) for part in parts], start=10 ** 9)


@crafted('tunnel-flows', 'the same inner TCP connection bare, in IPIP, in GRE key 1 and 2, in VNI '
         '1 and 2: 6 flows')
def tunnel_flows():
    inner = ip4(tcp(flags=SYN), TCP, INNER_A4, INNER_B4)
    yield from spaced([eth(inner), over4(inner, IPIP), over4(gre(inner, key=1), GRE),
                       over4(gre(inner, key=2), GRE), over_udp(vxlan(eth(inner), 1), 4789),
                       over_udp(vxlan(eth(inner), 2), 4789)])
