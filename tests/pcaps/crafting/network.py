# SPDX-License-Identifier: BSD-2-Clause
"""Themes on IPv4 and IPv6: options, extension headers, fragments, lengths, truncation."""

import struct

from .capture import at, crafted, cut, spaced
from .wire import (A4, A6, AH, B4, B6, C4, D4, DSTOPTS, ESP, GRE, HOPOPTS, ICMP, ICMPV6, IPV6,
                   MOBILITY, MPLS, NONE, SCTP, SYN, TCP, UDP, VLAN, address, auth_header, eth, eth6,
                   extend, fragment_header, fragments4, fragments6, geneve, gre, gtpu, icmp, ip4,
                   ip6, mpls, options_header, routing_header, sctp, sctp_chunk, tag, tcp, udp,
                   vxlan)


@crafted('ipv4-options', 'headers of 24, 28, 40 and 60 bytes (router alert, timestamp, record '
         'route, padding) before UDP and TCP: 2 flows')
def ipv4_options():
    router_alert = bytes.fromhex('94040000')
    timestamp = bytes.fromhex('44080500') + bytes(4)
    record_route = b'\x01\x07\x13\x04' + bytes(16)
    for index, options in enumerate((router_alert, timestamp, record_route, b'\x01' * 40)):
        yield at(index, eth(ip4(udp(b'options'), options=options)))
        yield at(index + 0.5, eth(ip4(tcp(flags=SYN, seq=index), TCP, options=options)))


def datagram(ident, size=1000, **names):
    return ip4(udp(bytes(size)), ident=ident, **names)


@crafted('ipv4-fragments', 'in order: two datagrams one way, one back, three fragments each: 1 '
         'flow')
def fragments_in_order():
    back = ip4(udp(bytes(1000), 9000, 40000), source=B4, target=A4, ident=1)
    for index, packet in enumerate((datagram(1), datagram(2), back)):
        yield from spaced([eth(part) for part in fragments4(packet, 400)], start=index * 10 ** 8)


@crafted('ipv4-fragments-reordered', 'last fragment first; then middle, first, last: what comes '
         'before the first fragment has no ports')
def fragments_reordered():
    first, middle, last = fragments4(datagram(1), 400)
    yield from spaced([eth(last), eth(first), eth(middle)])
    first, middle, last = fragments4(datagram(2), 400)
    yield from spaced([eth(middle), eth(first), eth(last)], start=10 ** 9)


@crafted('ipv4-fragments-unknown', 'middle and last fragments whose first never comes: ports 0')
def fragments_unknown():
    yield from spaced([eth(part) for part in fragments4(datagram(7), 400)[1:]])


@crafted('ipv4-fragments-idents', 'one identification in use by UDP, ICMP and a second host at '
         'once, then again by UDP with other ports: 4 flows')
def fragments_idents():
    packets = [datagram(9, 600), ip4(icmp(8, 0, 1, bytes(600)), ICMP, ident=9),
               ip4(udp(bytes(600)), source=C4, target=B4, ident=9)]
    parts = [fragments4(packet, 400) for packet in packets]
    yield from spaced([eth(part[0]) for part in parts] + [eth(part[1]) for part in parts])
    again = ip4(udp(bytes(600), 40001, 9001), ident=9)
    yield from spaced([eth(part) for part in fragments4(again, 400)], start=10 ** 9)


@crafted('ipv4-fragments-tiny', 'TCP in fragments of 8 bytes: the first has the ports and no '
         'flags; then one that overlaps the header; a lone fragment of 4 bytes')
def fragments_tiny():
    packet = ip4(tcp(b'tiny', flags=SYN), TCP, ident=11)
    yield from spaced([eth(part) for part in fragments4(packet, 8)])
    overlap = ip4(bytes(16), TCP, ident=11, offset=8)
    yield from spaced([eth(overlap), eth(ip4(bytes(4), UDP, ident=12, mf=True))], start=10 ** 9)


@crafted('ipv6-extensions', 'UDP behind hop-by-hop, routing, destination options, AH, and all of '
         'them; TCP and ICMPv6 likewise: 4 flows, as AH has no ports')
def ipv6_extensions():
    hop, target = options_header(HOPOPTS), options_header(DSTOPTS, 1)
    chains = ((hop,), (routing_header(),), (target,), (auth_header(),),
              (hop, target, routing_header(), auth_header(), target))
    body = udp(b'behind')
    yield from spaced([eth6(extend(body, UDP, *chain)) for chain in chains])
    yield from spaced([eth6(extend(tcp(flags=SYN), TCP, hop)),
                       eth6(extend(icmp(128, 0, 1), ICMPV6, hop))], start=10 ** 9)


@crafted('ipv6-mobility', 'mobility header (135) ending the packet and with a TCP header behind '
         'it; HIP (139), Shim6 (140), experimental (253)')
def ipv6_mobility():
    def mobility(following):
        return struct.pack('!BBBBHH', following, 1, 5, 0, 0, 0) + bytes(8)
    yield from spaced([eth6(extend(b'', NONE, (MOBILITY, mobility))),
                       eth6(extend(tcp(flags=SYN), TCP, (MOBILITY, mobility)))] +
                      [eth6(ip6(bytes([NONE, 0]) + bytes(6), kind)) for kind in (139, 140, 253)])


@crafted('ipv6-fragments', 'in order; last first; unknown; behind destination options; whole in '
         'one fragment header (atomic); one identification from two hosts')
def ipv6_fragments():
    body = udp(bytes(600))
    groups = (fragments6(body, 400, 1), fragments6(body, 400, 2)[::-1],
              fragments6(body, 400, 3)[1:],
              fragments6(body, 400, 4, before=[options_header(DSTOPTS)]),
              [extend(udp(b'atomic', 40001), UDP, fragment_header(5))],
              fragments6(body, 400, 1, source='2001:db8::3'))
    for index, group in enumerate(groups):
        yield from spaced([eth6(packet) for packet in group], start=index * 10 ** 9)


@crafted('ipv6-no-next', 'next header 59 at once, with bytes behind it, behind an extension')
def ipv6_no_next():
    yield from spaced([eth6(ip6(b'', NONE)), eth6(ip6(bytes(16), NONE)),
                       eth6(extend(bytes(4), NONE, options_header(HOPOPTS)))])


@crafted('ipv6-long-chain', '7, 8, 9 and 16 destination options before UDP; one longer than the '
         'frame')
def ipv6_long_chain():
    def chain(count):
        return extend(udp(b'far'), UDP, *[options_header(DSTOPTS)] * count)
    yield from spaced([eth6(chain(count)) for count in (7, 8, 9, 16)])
    yield at(1, eth6(ip6(bytes([UDP, 255]) + bytes(30), DSTOPTS)))


@crafted('ipv6-jumbo', 'jumbogram: payload length 0, 70,000 in a hop-by-hop option, 200 bytes '
         'captured')
def ipv6_jumbo():
    jumbo = HOPOPTS, lambda following: struct.pack('!BBBBI', following, 0, 0xc2, 4, 70000)
    frame = eth6(extend(udp(bytes(200), length=0), UDP, jumbo, length=0))
    yield at(0, frame[:200], 14 + 40 + 70000)


@crafted('ipv4-lengths', 'total length 0, beyond the frame, below the header, cutting the UDP '
         'header; header length 0 and 4; version 0, 5 and 6')
def ipv4_lengths():
    body = udp(b'lengths')
    yield from spaced([eth(ip4(body, total=total)) for total in (0, 1500, 65535, 12, 19, 20, 24)])
    yield from spaced([eth(ip4(body, ihl=ihl)) for ihl in (0, 4, 15)], start=10 ** 9)
    yield from spaced([eth(ip4(body, version=version)) for version in (0, 5, 6)], start=2 * 10 ** 9)


@crafted('ipv6-lengths', 'payload length 0, beyond the frame, cutting the UDP header, within '
         'padding')
def ipv6_lengths():
    body = udp(b'lengths')
    yield from spaced([eth6(ip6(body, length=length)) for length in (0, 1400, 65535, 4, 7)])
    yield at(1, eth6(ip6(body)) + bytes(6))


@crafted('udp-lengths', 'UDP length 0, 7, below and beyond the payload: one flow, packets by IP '
         'length')
def udp_lengths():
    yield from spaced([eth(ip4(udp(b'0123456789', length=length)))
                       for length in (0, 7, 8, 12, 18, 19, 1000, 65535)])


@crafted('same-endpoint', 'source and destination equal in address and port (UDP, TCP, IPv6), '
         'equal in address only')
def same_endpoint():
    yield from spaced([eth(ip4(udp(b'self', 7, 7), source=A4, target=A4)),
                       eth(ip4(udp(b'self', 7, 7), source=A4, target=A4)),
                       eth(ip4(tcp(flags=SYN, sport=139, dport=139), TCP, A4, A4)),
                       eth6(ip6(udp(b'self', 7, 7), source=A6, target=A6)),
                       eth(ip4(udp(b'up', 7, 8), source=A4, target=A4)),
                       eth(ip4(udp(b'down', 8, 7), source=A4, target=A4))])


@crafted('icmp', 'echo, unreachable with its cause, redirect, timestamp; ICMPv6 echo, packet too '
         'big, neighbour solicitation: a flow a pair of hosts')
def icmp_kinds():
    cause = ip4(udp(b'cause'))[:28]
    yield from spaced([eth(ip4(icmp(8, 0, 0x10001, b'ping'), ICMP)),
                       eth(ip4(icmp(0, 0, 0x10001, b'ping'), ICMP, B4, A4)),
                       eth(ip4(icmp(3, 3, 0, cause), ICMP, B4, A4)),
                       eth(ip4(icmp(5, 1, 0, cause), ICMP, C4, A4)),
                       eth(ip4(icmp(13, 0, 1, bytes(12)), ICMP, A4, D4))])
    solicitation = icmp(135, 0, 0, address(B6))
    yield from spaced([eth6(ip6(icmp(128, 0, 1, b'ping'), ICMPV6)),
                       eth6(ip6(icmp(129, 0, 1, b'ping'), ICMPV6, B6, A6)),
                       eth6(ip6(icmp(2, 0, 1280, ip6(udp(b'cause'))), ICMPV6, B6, A6)),
                       eth6(ip6(solicitation, ICMPV6, A6, 'ff02::1:ff00:2'))], start=10 ** 9)


@crafted('portless', 'IGMP, ESP, AH, OSPF, VRRP, PIM, protocols 0, 61 and 255 over IPv4; ESP over '
         'IPv6: ports 0')
def portless():
    yield from spaced([eth(ip4(bytes(24), protocol))
                       for protocol in (2, ESP, 89, 112, 103, 0, 61, 255)])
    auth = auth_header()[1]
    yield from spaced([eth(ip4(auth(TCP) + tcp(flags=SYN), AH)),
                       eth6(ip6(bytes(24), ESP))], start=10 ** 9)


def every_cut(frame):
    """One packet for every captured length from nothing to all."""
    for captured in range(len(frame) + 1):
        yield cut(frame, captured)


@crafted('cut-tcp', 'one Ethernet/IPv4/TCP packet cut after every byte')
def cut_tcp():
    return every_cut(eth(ip4(tcp(b'data', flags=SYN, options=b'\x02\x04\x05\xb4'), TCP)))


@crafted('cut-ipv6', 'one VLAN/IPv6/hop-by-hop/fragment/UDP packet cut after every byte')
def cut_ipv6():
    packet = extend(udp(b'data'), UDP, options_header(HOPOPTS), fragment_header(1))
    return every_cut(eth(tag(packet, 100, IPV6), VLAN))


@crafted('cut-mpls', 'one MPLS packet with two labels around IPv4/ICMP cut after every byte')
def cut_mpls():
    return every_cut(eth(mpls(ip4(icmp(8, 0, 1, b'ping'), ICMP), 100, 200), MPLS))


@crafted('cut-sctp', 'one SCTP packet cut after every byte')
def cut_sctp():
    return every_cut(eth(ip4(sctp(sctp_chunk(10, bytes(8))), SCTP)))


@crafted('cut-gre', 'one GRE packet with key, checksum and sequence cut after every byte')
def cut_gre():
    inner = ip4(udp(b'data'), source='198.51.100.1', target='198.51.100.2')
    return every_cut(eth(ip4(gre(inner, key=42, sequence=1, check=True), GRE)))


@crafted('cut-vxlan', 'one VXLAN packet around Ethernet/IPv4/UDP cut after every byte')
def cut_vxlan():
    inner = eth(ip4(udp(b'data'), source='198.51.100.1', target='198.51.100.2'))
    return every_cut(eth(ip4(udp(vxlan(inner, 42), 50000, 4789))))


@crafted('cut-geneve', 'one Geneve packet with an option around Ethernet/IPv4/UDP cut after every '
         'byte')
def cut_geneve():
    option = struct.pack('!HBBI', 0x0102, 0x80, 1, 7)
    inner = eth(ip4(udp(b'data'), source='198.51.100.1', target='198.51.100.2'))
    return every_cut(eth(ip4(udp(geneve(inner, 42, options=option), 50000, 6081))))


@crafted('cut-gtp', 'one GTP-U packet with extension header around IPv4/UDP cut after every byte')
def cut_gtp():
    inner = ip4(udp(b'data'), source='198.51.100.1', target='198.51.100.2')
    container = 0x85, b'\x00\x09'
    return every_cut(eth(ip4(udp(gtpu(inner, 1, extensions=[container]), 2152, 2152))))
