# SPDX-License-Identifier: BSD-2-Clause
"""Themes on Ethernet: VLAN tags, MPLS, PPPoE, LLC, what is not IP."""

import struct

from .capture import Packet, START, at, crafted, spaced
from .wire import (ARP, IPV4, IPV6, MAC_B, MPLS, PPPOE_SESSION, QINQ, TCP, UDP, VLAN, A4, B4, arp,
                   eth, ip4, ip6, mpls, pppoe, snap, tag, tcp, udp)


DOCUMENTATION_MAC = bytes.fromhex('00005e005301')  # RFC 7042


def request(payload=b'request', **ports):
    return ip4(udp(payload, **ports))


def reply(payload=b'reply'):
    return ip4(udp(payload, 9000, 40000), source=B4, target=A4)


@crafted('vlan', 'one 802.1Q tag, VLAN 100, IPv4 and IPv6; priority 5 in one direction: 2 flows')
def vlan_one():
    yield from spaced([eth(tag(request(), 100), VLAN), eth(tag(reply(), 100, priority=5), VLAN),
                       eth(tag(ip6(udp(b'request')), 100, IPV6), VLAN)])


@crafted('vlan-double', '802.1Q 200 around 802.1Q 300: 1 flow, innermost VLAN 300')
def vlan_two():
    yield from spaced([eth(tag(tag(packet, 300), 200, VLAN), VLAN)
                       for packet in (request(), reply())])


@crafted('vlan-triple', 'three 802.1Q tags (10, 20, 30): one more than weir follows')
def vlan_three():
    yield from spaced([eth(tag(tag(tag(packet, 30), 20, VLAN), 10, VLAN), VLAN)
                       for packet in (request(), reply())])


@crafted('vlan-8021ad', '802.1ad: 0x88a8 alone (200), and around 802.1Q (200/300): 2 flows')
def vlan_8021ad():
    yield from spaced([eth(tag(request(), 200), QINQ),
                       eth(tag(tag(request(), 300), 200, VLAN), QINQ),
                       eth(tag(tag(reply(), 300), 200, VLAN), QINQ)])


@crafted('vlan-9100', 'the old QinQ ethertype 0x9100: alone, and around 802.1Q')
def vlan_9100():
    yield from spaced([eth(tag(request(), 200), 0x9100),
                       eth(tag(tag(request(), 300), 200, VLAN), 0x9100)])


@crafted('vlan-priority', 'a priority tag (VLAN 0, priority 7) one way, no tag back: 1 flow')
def vlan_priority():
    yield from spaced([eth(tag(request(), 0, priority=7), VLAN), eth(reply())])


@crafted('vlan-flows', 'the same addresses and ports untagged, in VLAN 1 and in VLAN 4094: 3 '
         'flows')
def vlan_flows():
    for index in range(3):
        yield from spaced([eth(request()), eth(tag(request(), 1), VLAN),
                           eth(tag(request(), 4094), VLAN)], start=index * 10 ** 9)


@crafted('vlan-arp', 'ARP and an unknown ethertype inside VLAN 100: nothing to meter')
def vlan_arp():
    yield from spaced([eth(tag(arp(), 100, ARP), VLAN), eth(tag(bytes(46), 100, 0x9999), VLAN)])


@crafted('mpls', '1, 2, 3 and 4 labels around IPv4, then 1 and 2 around IPv6; 0x8847 and 0x8848')
def mpls_labels():
    labels = (100, 200, 300, 400)
    yield from spaced([eth(mpls(request(), *labels[:count]), MPLS) for count in range(1, 5)])
    yield from spaced([eth(mpls(ip6(udp(b'six')), *labels[:count]), MPLS) for count in (1, 2)],
                      start=10 ** 9)
    yield at(2, eth(mpls(request(), 500), 0x8848))


@crafted('mpls-explicit-null', 'labels 0 (IPv4) and 2 (IPv6); the router alert label 1 on top')
def mpls_explicit_null():
    yield from spaced([eth(mpls(request(), 0), MPLS), eth(mpls(ip6(udp(b'six')), 2), MPLS),
                       eth(mpls(request(), 1, 100), MPLS)])


@crafted('mpls-pseudowire', 'Ethernet behind one or two labels, with and without control word; a '
         'MAC that begins like IPv4')
def mpls_pseudowire():
    # Without a control word nothing but its first nibble tells a frame from IPv4 (4) or IPv6 (6).
    plain, like_ip = (eth(request(), source=DOCUMENTATION_MAC, target=bytes([first]) + MAC_B[1:])
                      for first in (0x82, 0x46))
    yield from spaced([eth(mpls(bytes(4) + plain, 600), MPLS), eth(mpls(plain, 600), MPLS),
                       eth(mpls(bytes(4) + like_ip, 600, 601), MPLS),
                       eth(mpls(like_ip, 600), MPLS)])


@crafted('mpls-endless', 'labels to the end of the frame, none of them the bottom of the stack')
def mpls_endless():
    yield at(0, eth(struct.pack('!I', 100 << 12 | 64) * 12, MPLS))


@crafted('pppoe', 'session stage: IPv4, IPv6, LCP echo; discovery (0x8863); in VLAN 100: 3 flows')
def pppoe_session():
    lcp_echo = struct.pack('!BBHI', 9, 1, 8, 0)
    discovery = struct.pack('!BBHHH', 0x11, 0x09, 0, 4, 0x0101) + bytes(2)
    yield from spaced([eth(discovery, 0x8863),
                       eth(pppoe(lcp_echo, 0xc021), PPPOE_SESSION),
                       eth(pppoe(request(), 0x0021), PPPOE_SESSION),
                       eth(pppoe(reply(), 0x0021), PPPOE_SESSION),
                       eth(pppoe(ip6(udp(b'six')), 0x0057), PPPOE_SESSION),
                       eth(tag(pppoe(request(), 0x0021), 100, PPPOE_SESSION), VLAN)])


def length_frame(body):
    """IEEE 802.3: a length where Ethernet II has the type."""
    return eth(body, len(body))


@crafted('llc', '802.3 frames: SNAP with IPv4, ARP and a vendor code, spanning tree, IPX raw')
def llc():
    bridge = b'\x42\x42\x03' + bytes(35)
    yield from spaced([length_frame(snap(request())), length_frame(snap(reply())),
                       length_frame(snap(arp(), ARP)),
                       length_frame(snap(bytes(20), 0x2000, oui=0x00000c)),
                       length_frame(bridge), length_frame(b'\xff\xff' + bytes(30))])


@crafted('not-ip', 'ARP request and reply, LLDP, LACP, EAPOL, PTP, loopback, an unknown ethertype')
def not_ip():
    kinds = (0x88cc, 0x8809, 0x888e, 0x88f7, 0x9000, 0x1234)
    yield from spaced([eth(arp(), ARP, target=b'\xff' * 6), eth(arp(B4, A4, 2), ARP)] +
                      [eth(bytes(46), kind) for kind in kinds])


@crafted('ethernet-padding', 'short packets padded to 60 bytes, one with 4 bytes of frame check '
         'sequence: 2 flows, the padding is no payload')
def ethernet_padding():
    syn = eth(ip4(tcp(flags=2), TCP))
    yield from spaced([syn.ljust(60, b'\0'), eth(request(b'x')).ljust(60, b'\xaa'),
                       eth(reply(b'')).ljust(64, b'\x55')])


@crafted('ethertype-lies', 'IPv6 behind the type of IPv4, IPv4 behind that of IPv6, nothing '
         'behind')
def ethertype_lies():
    yield from spaced([eth(ip6(udp(b'six')), IPV4), eth(request(), IPV6), eth(b'', IPV4),
                       eth(b'', IPV6), eth(b'', VLAN), eth(b'', MPLS), eth(b'', PPPOE_SESSION)])


@crafted('super-packet', 'GRO super packets: 70,000 bytes with total length 0, 65,549 bytes with '
         'the largest total length, IPv6 of 70,000 with payload length 0; 128 bytes captured')
def super_packet():
    body = bytes(100)
    big = ip4(tcp(body, seq=1), TCP, total=0)
    largest = ip4(tcp(body, seq=70001), TCP, total=65535)
    six = ip6(tcp(body, seq=1), TCP, length=0)
    for index, (frame, length) in enumerate(((eth(big), 70000), (eth(largest), 65549),
                                             (eth(six, IPV6), 70000))):
        yield Packet(START + index, frame[:128], length)
    yield at(1, eth(ip4(udp(b'ordinary'), UDP)))
