# SPDX-License-Identifier: BSD-2-Clause
"""Header builders: each takes what it carries first and returns bytes.

Lengths and checksums are right unless an argument says otherwise, so a capture is wrong only where
its theme wants it to be.
"""

import socket
import struct

MAC_A = bytes.fromhex('020000000001')
MAC_B = bytes.fromhex('020000000002')
A4, B4, C4, D4 = '192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'
A6, B6 = '2001:db8::1', '2001:db8::2'
INNER_A4, INNER_B4 = '198.51.100.1', '198.51.100.2'
INNER_A6, INNER_B6 = '2001:db8:1::1', '2001:db8:1::2'

# Ethertypes
IPV4, ARP, TEB, VLAN, IPV6, QINQ = 0x0800, 0x0806, 0x6558, 0x8100, 0x86dd, 0x88a8
MPLS, PPPOE_SESSION = 0x8847, 0x8864
# IP protocols
HOPOPTS, ICMP, IPIP, TCP, UDP, DCCP, SIX, ROUTING, FRAGMENT = 0, 1, 4, 6, 17, 33, 41, 43, 44
GRE, ESP, AH, ICMPV6, NONE, DSTOPTS, SCTP, MOBILITY, UDPLITE = 47, 50, 51, 58, 59, 60, 132, 135, 136
# TCP flags
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, NS = 1, 2, 4, 8, 16, 32, 64, 128, 256


def address(text):
    family = socket.AF_INET6 if ':' in text else socket.AF_INET
    return socket.inet_pton(family, text)


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def put16(data, offset, value):
    return data[:offset] + struct.pack('!H', value) + data[offset + 2:]


def with_checksum(segment, protocol, source, target):
    """Fill in the transport checksum over the pseudo header, if the segment has the place."""
    offset = {TCP: 16, UDP: 6, ICMPV6: 2, ICMP: 2}.get(protocol)
    if offset is None or len(segment) < offset + 2:
        return segment
    pseudo = address(source) + address(target) + struct.pack('!II', len(segment), protocol)
    if protocol == ICMP:
        pseudo = b''
    segment = put16(segment, offset, 0)
    value = checksum(pseudo + segment)
    return put16(segment, offset, value or 0xffff)


# Link layer

def eth(payload, kind=IPV4, source=MAC_A, target=MAC_B):
    return target + source + struct.pack('!H', kind) + payload


def eth6(payload):
    return eth(payload, IPV6)


def tag(payload, vid, kind=IPV4, priority=0):
    """What follows an ethertype of 802.1Q, 802.1ad or 0x9100."""
    return struct.pack('!HH', priority << 13 | vid, kind) + payload


def mpls(payload, *labels, ttl=64):
    stack = b''
    for index, label in enumerate(labels):
        bottom = index == len(labels) - 1
        stack += struct.pack('!I', label << 12 | bottom << 8 | ttl)
    return stack + payload


def pppoe(payload, protocol, session=0x0042):
    return struct.pack('!BBHHH', 0x11, 0, session, len(payload) + 2, protocol) + payload


def snap(payload, kind=IPV4, oui=0):
    return b'\xaa\xaa\x03' + oui.to_bytes(3, 'big') + struct.pack('!H', kind) + payload


def arp(source=A4, target=B4, operation=1):
    return struct.pack('!HHBBH', 1, IPV4, 6, 4, operation) + \
        MAC_A + address(source) + bytes(6) + address(target)


# Network layer

def ip4(payload, protocol=UDP, source=A4, target=B4, *, ident=0, ttl=64, tos=0, df=False, mf=False,
        offset=0, options=b'', total=None, ihl=None, version=4):
    """offset counts bytes; total and ihl, if given, are written as they are."""
    if not mf and not offset:
        payload = with_checksum(payload, protocol, source, target)
    options += bytes(-len(options) % 4)
    size = 20 + len(options)
    head = struct.pack('!BBHHHBBH', version << 4 | (size // 4 if ihl is None else ihl), tos,
                       size + len(payload) if total is None else total, ident,
                       df << 14 | mf << 13 | offset // 8, ttl, protocol, 0)
    head += address(source) + address(target) + options
    return put16(head, 10, checksum(head)) + payload


def ip6(payload, following=UDP, source=A6, target=B6, *, final=None, hops=64, length=None, tclass=0,
        label=0):
    """final: the protocol behind extension headers, for its checksum (done by extend)."""
    if final is None:
        payload = with_checksum(payload, following, source, target)
    return struct.pack('!IHBB', 6 << 28 | tclass << 20 | label,
                       len(payload) if length is None else length, following, hops) + \
        address(source) + address(target) + payload


def extend(payload, protocol, *headers, source=A6, target=B6, **rest):
    """An IPv6 packet with extension headers, each a (type, function of next header) pair."""
    body = with_checksum(payload, protocol, source, target)
    following = protocol
    for kind, build in reversed(headers):
        body = build(following) + body
        following = kind
    return ip6(body, following, source, target, final=protocol, **rest)


def options_header(kind, units=0):
    """Hop-by-hop or destination options of 8 * (units + 1) bytes, filled by PadN."""
    pad = 4 + 8 * units
    return kind, lambda following: bytes([following, units, 1, pad]) + bytes(pad)


def routing_header(segments=1):
    def build(following):
        # Type 2 (RFC 6275): one home address.
        return struct.pack('!BBBBI', following, 2, 2, segments, 0) + address('2001:db8::99')
    return ROUTING, build


def fragment_header(ident, offset=0, more=False):
    return FRAGMENT, lambda following: struct.pack('!BBHI', following, 0, offset | more, ident)


def auth_header(spi=0x100, sequence=1):
    # The length counts words less two: 12 bytes of header, 12 of ICV.
    return AH, lambda following: struct.pack('!BBHII', following, 4, 0, spi, sequence) + bytes(12)


def fragments4(packet, size):
    """Split an IPv4 packet without options into fragments of size bytes (a multiple of 8)."""
    head, body = packet[:20], packet[20:]
    result = []
    for offset in range(0, len(body), size):
        part = body[offset:offset + size]
        more = offset + len(part) < len(body)
        piece = put16(put16(head, 2, 20 + len(part)), 6, more << 13 | offset // 8)
        result.append(put16(piece, 10, checksum(put16(piece, 10, 0))) + part)
    return result


def fragments6(payload, size, ident, protocol=UDP, source=A6, target=B6, before=()):
    body = with_checksum(payload, protocol, source, target)
    result = []
    for offset in range(0, len(body), size):
        part = body[offset:offset + size]
        more = offset + len(part) < len(body)
        # A fragment has no checksum of its own: 255 keeps extend() from writing one.
        piece = extend(part, 255, *before, fragment_header(ident, offset, more),
                       source=source, target=target)
        place = 40 + sum(len(build(0)) for _, build in before)
        result.append(piece[:place] + bytes([protocol]) + piece[place + 1:])
    return result


# Transport layer

def udp(payload=b'', sport=40000, dport=9000, *, length=None):
    return struct.pack('!HHHH', sport, dport, len(payload) + 8 if length is None else length, 0) + \
        payload


def tcp(payload=b'', sport=40000, dport=9000, *, seq=0, ack=0, flags=ACK, window=64240,
        options=b'', urgent=0, offset=None):
    """offset, if given, is written as it is (in words)."""
    options += bytes(-len(options) % 4)
    words = 5 + len(options) // 4 if offset is None else offset
    return struct.pack('!HHIIHHHH', sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       words << 12 | flags, window, 0, urgent) + options + payload


def icmp(kind, code=0, rest=0, payload=b''):
    """ICMP and ICMPv6 alike."""
    return struct.pack('!BBHI', kind, code, 0, rest) + payload


def sctp(*chunks, sport=40000, dport=5000, tag_value=0x1234):
    """Checksum (CRC32c) 0, as under offload."""
    return struct.pack('!HHII', sport, dport, tag_value, 0) + b''.join(chunks)


def sctp_chunk(kind, value=b'', flags=0):
    return struct.pack('!BBH', kind, flags, 4 + len(value)) + value + bytes(-len(value) % 4)


# Tunnels

def gre(payload, kind=IPV4, *, key=None, sequence=None, check=False, version=0):
    flags = check << 15 | (key is not None) << 13 | (sequence is not None) << 12 | version
    fields = b''
    if key is not None:
        fields += struct.pack('!I', key)
    if sequence is not None:
        fields += struct.pack('!I', sequence)
    head = struct.pack('!HH', flags, kind)
    if check:
        value = checksum(head + bytes(4) + fields + payload)
        fields = struct.pack('!HH', value, 0) + fields
    return head + fields + payload


def vxlan(payload, vni, flags=0x08, following=0):
    return struct.pack('!BHBI', flags, 0, following, vni << 8) + payload


def geneve(payload, vni, kind=TEB, options=b'', oam=False, critical=False):
    return struct.pack('!BBHI', len(options) // 4, oam << 7 | critical << 6, kind, vni << 8) + \
        options + payload


def gtpu(payload, teid, kind=255, *, sequence=None, npdu=None, extensions=()):
    """extensions: (type, content) pairs; a content fills its words but for two bytes."""
    flags = 0x30 | bool(extensions) << 2 | (sequence is not None) << 1 | (npdu is not None)
    optional = b''
    if flags & 7:
        first = extensions[0][0] if extensions else 0
        optional = struct.pack('!HBB', sequence or 0, npdu or 0, first)
    for index, (_, content) in enumerate(extensions):
        following = extensions[index + 1][0] if index + 1 < len(extensions) else 0
        optional += bytes([(len(content) + 2) // 4]) + content + bytes([following])
    return struct.pack('!BBHI', flags, kind, len(optional) + len(payload), teid) + \
        optional + payload
