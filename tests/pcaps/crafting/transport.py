# SPDX-License-Identifier: BSD-2-Clause
"""Themes on TCP, SCTP, DCCP and UDP-Lite."""

import struct

from .capture import Packet, START, crafted, spaced
from .wire import (A4, ACK, B4, CWR, DCCP, ECE, FIN, NS, PSH, RST, SCTP, SYN, TCP, UDPLITE, URG,
                   checksum, eth, ip4, put16, sctp, sctp_chunk, tcp)

MSS = b'\x02\x04\x05\xb4'
SCALE = b'\x01\x03\x03\x07'


class Connection:
    """A TCP connection between A4 and B4 that keeps its sequence numbers and its packets.

    Times are milliseconds after START.
    """

    def __init__(self, sport=40000, dport=80, client_seq=1000, server_seq=5000):
        self.ports = (sport, dport)
        self.seq = [client_seq, server_seq]
        self.packets = []

    def send(self, side, when, flags=ACK, data=b'', *, back=0, **header):
        """side: 0 client, 1 server; back: that many bytes before the next sequence number."""
        ack = self.seq[1 - side] if flags & ACK else 0
        segment = tcp(data, self.ports[side], self.ports[1 - side], seq=self.seq[side] - back,
                      ack=header.pop('ack', ack), flags=flags, **header)
        ends = (A4, B4) if side == 0 else (B4, A4)
        self.packets.append(Packet(START + round(when * 10 ** 6), eth(ip4(segment, TCP, *ends))))
        if not back:
            self.seq[side] += len(data) + bool(flags & SYN) + bool(flags & FIN)

    def up(self, when, flags=ACK, data=b'', **header):
        self.send(0, when, flags, data, **header)

    def down(self, when, flags=ACK, data=b'', **header):
        self.send(1, when, flags, data, **header)

    def open(self, when=0, server_time=10, client_time=30):
        """Handshake seen by a meter server_time from the server and client_time from the client."""
        self.up(when, SYN, options=MSS + SCALE, window=64240)
        self.down(when + server_time, SYN | ACK, options=MSS + SCALE, window=65160)
        self.up(when + server_time + client_time, window=502)

    def close(self, when):
        self.up(when, FIN | ACK)
        self.down(when + 10, FIN | ACK)
        self.up(when + 20)


REQUEST = b'GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n'
RESPONSE = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n' + b'x' * 100


@crafted('tcp-handshake', 'round trips of 10 ms (server) and 30 ms (client), answer after 50 ms, '
         'FIN on both sides: 1 flow')
def tcp_handshake():
    flow = Connection()
    flow.open()
    flow.up(41, PSH | ACK, REQUEST)
    flow.down(51)
    flow.down(91, PSH | ACK, RESPONSE)
    flow.up(121)
    flow.close(130)
    return flow.packets


@crafted('tcp-retransmission', 'client and server each send one segment again, the SYN too, and a '
         'keepalive: 2 retransmitted up, 1 down, and the keepalive')
def tcp_retransmission():
    flow = Connection()
    flow.up(0, SYN, options=MSS)
    flow.up(1000, SYN, options=MSS, back=1)
    flow.down(1010, SYN | ACK, options=MSS)
    flow.up(1040)
    flow.up(1041, PSH | ACK, REQUEST)
    flow.up(1300, PSH | ACK, REQUEST, back=len(REQUEST))
    flow.down(1350, PSH | ACK, RESPONSE)
    flow.down(1700, PSH | ACK, RESPONSE, back=len(RESPONSE))
    flow.up(1730)
    flow.up(9000, back=1)
    flow.down(9010)
    flow.close(9500)
    return flow.packets


@crafted('tcp-out-of-order', 'server segments 1 3 2 4, with duplicate acknowledgements: 1 out of '
         'order')
def tcp_out_of_order():
    flow = Connection()
    flow.open()
    flow.up(41, PSH | ACK, REQUEST)
    start = flow.seq[1]
    flow.down(91, ACK, b'1' * 100)
    flow.seq[1] = start + 200
    flow.down(92, ACK, b'3' * 100)
    flow.up(93, ack=start + 100)
    flow.down(94, ACK, b'2' * 100, back=200)
    flow.down(95, ACK, b'4' * 100)
    flow.up(125)
    flow.close(130)
    return flow.packets


@crafted('tcp-zero-window', 'client closes its window twice; probe, window update: 3 zero windows '
         'up, and an RST with window 0')
def tcp_zero_window():
    flow = Connection()
    flow.open()
    flow.up(41, PSH | ACK, REQUEST)
    flow.down(91, PSH | ACK, RESPONSE)
    flow.up(92, window=0)
    flow.down(300, back=1)
    flow.up(301, window=0)
    flow.up(600, window=502)
    flow.down(610, PSH | ACK, RESPONSE)
    flow.up(611, window=0)
    flow.up(900, RST | ACK, window=0)
    return flow.packets


@crafted('tcp-reset', 'refused by RST; reset by the server in the middle; reset by the client '
         'twice: 3 flows')
def tcp_reset():
    refused, server, client = (Connection(40000 + index) for index in range(3))
    refused.up(0, SYN, options=MSS)
    refused.down(1, RST | ACK, window=0)
    server.open(100)
    server.up(141, PSH | ACK, REQUEST)
    server.down(151, RST, window=0)
    client.open(200)
    client.up(241, RST | ACK, window=0)
    client.up(242, RST, window=0)
    return refused.packets + server.packets + client.packets


@crafted('tcp-port-reuse', 'the same ports again by a new SYN 1 s after FIN, and after RST: 3 '
         'connections, told apart only with --tcp-end')
def tcp_port_reuse():
    first, second, third = Connection(), Connection(client_seq=900000), Connection(client_seq=7)
    first.open()
    first.close(50)
    second.open(1070)
    second.up(1200, RST | ACK)
    third.open(1300)
    third.close(1400)
    return first.packets + second.packets + third.packets


@crafted('tcp-flags', 'ECN set-up (ECE+CWR), ECE and CWR later, PSH, URG with pointer, NS; no '
         'flag, all flags, SYN+FIN')
def tcp_flags():
    flow = Connection()
    flow.up(0, SYN | ECE | CWR, options=MSS)
    flow.down(10, SYN | ACK | ECE, options=MSS)
    flow.up(40)
    flow.up(41, PSH | ACK, REQUEST)
    flow.down(91, ACK | ECE, RESPONSE)
    flow.up(92, ACK | CWR, b'more')
    flow.up(93, PSH | URG | ACK, b'urgent', urgent=6)
    flow.up(94, ACK | NS)
    other = Connection(40001)
    other.up(200, 0)
    other.up(201, FIN | SYN | RST | PSH | ACK | URG | ECE | CWR | NS)
    other.up(202, SYN | FIN)
    return flow.packets + other.packets


@crafted('tcp-offset', 'data offset 0 and 4 (below the header), 15 beyond the packet, 15 that '
         'just fits')
def tcp_offset():
    frames = [eth(ip4(tcp(b'data', sport=40000 + offset, flags=PSH | ACK, offset=offset), TCP))
              for offset in (0, 4, 6, 15)]
    yield from spaced(frames + [eth(ip4(tcp(options=b'\x01' * 40, sport=50000), TCP))])


@crafted('tcp-options', 'option of length 0, option beyond the header, end of list at once, '
         'timestamps, SACK: all one flow')
def tcp_options():
    options = (b'\x02\x00', b'\x05\x22\x01\x01', b'\x00\x02\x04\x05',
               b'\x01\x01\x08\x0a' + bytes(8), b'\x01\x01\x05\x0a' + struct.pack('!II', 100, 200))
    yield from spaced([eth(ip4(tcp(b'data', seq=index, options=each), TCP))
                       for index, each in enumerate(options)])


@crafted('tcp-midstream', 'no handshake, the server is seen first: the server becomes the source')
def tcp_midstream():
    flow = Connection()
    flow.down(0, PSH | ACK, RESPONSE)
    flow.up(30)
    flow.up(31, PSH | ACK, REQUEST)
    flow.close(100)
    return flow.packets


@crafted('tcp-simultaneous', 'both sides open with a SYN, both close with a FIN at once: 1 flow')
def tcp_simultaneous():
    flow = Connection(7000, 7000)
    flow.up(0, SYN, options=MSS)
    flow.down(1, SYN, options=MSS)
    flow.up(40, SYN | ACK, options=MSS, back=1)
    flow.down(41, SYN | ACK, options=MSS, back=1)
    flow.up(100, FIN | ACK, ack=5001)
    flow.down(101, FIN | ACK, ack=1001)
    flow.up(140)
    flow.down(141)
    return flow.packets


@crafted('tcp-wrap', 'sequence numbers that pass 2^32 in both directions: nothing retransmitted')
def tcp_wrap():
    flow = Connection(client_seq=2 ** 32 - 20, server_seq=2 ** 32 - 50)
    flow.open()
    flow.up(41, PSH | ACK, REQUEST)
    flow.down(91, PSH | ACK, RESPONSE)
    flow.up(121, PSH | ACK, REQUEST)
    flow.down(171, PSH | ACK, RESPONSE)
    flow.close(200)
    return flow.packets


def two_way(up, down, protocol):
    """Frames from A4 (up) and B4 (down) by turns."""
    for first, second in zip(up, down):
        yield eth(ip4(first, protocol))
        yield eth(ip4(second, protocol, B4, A4))


@crafted('sctp', 'INIT, COOKIE ECHO, DATA, HEARTBEAT, SHUTDOWN with their answers: 1 flow with '
         'ports')
def sctp_association():
    start = struct.pack('!IIHHI', 0x1234, 65536, 10, 10, 1)
    data = struct.pack('!IHHI', 1, 0, 0, 0) + b'payload'
    sack = struct.pack('!IIHH', 1, 65536, 0, 0)
    cookie = struct.pack('!HH', 7, 12) + b'cookie..'
    heartbeat = struct.pack('!HHI', 1, 8, 0)
    up = [(1, start), (10, b'cookie..'), (0, data), (4, heartbeat),
          (7, struct.pack('!I', 1)), (14, b'')]
    down = [(2, start + cookie), (11, b''), (3, sack), (5, heartbeat), (8, b'')]
    ups = [sctp(sctp_chunk(kind, value, 3 * (kind == 0))) for kind, value in up]
    downs = [sctp(sctp_chunk(kind, value), sport=5000, dport=40000) for kind, value in down]
    yield from spaced(list(two_way(ups, downs, SCTP)) + [eth(ip4(ups[-1], SCTP))])


@crafted('sctp-abort', 'several chunks in one packet, ABORT; a chunk of length 0; a chunk beyond '
         'the end')
def sctp_abort():
    bundle = sctp(sctp_chunk(10, b'cookie..'), sctp_chunk(0, bytes(12) + b'data', 3))
    yield from spaced([eth(ip4(segment, SCTP)) for segment in (
        bundle, sctp(sctp_chunk(6)), sctp(bytes(4)), sctp(struct.pack('!BBH', 0, 0, 500)))])


def dccp(kind, side, seq, ack=None, extra=b'', payload=b''):
    """RFC 4340 with 48-bit sequence numbers (X = 1); side: 0 client, 1 server."""
    ports = (40000, 5001) if side == 0 else (5001, 40000)
    acked = b'' if ack is None else struct.pack('!HHI', 0, 0, ack)
    words = (16 + len(acked) + len(extra)) // 4
    return struct.pack('!HHBBHBBHI', *ports, words, 0, 0, kind << 1 | 1, 0, 0, seq) + \
        acked + extra + payload


@crafted('dccp', 'request, response, acknowledgement, data, close, reset: 1 flow with ports')
def dccp_connection():
    service = reason = bytes(4)
    up = [dccp(0, 0, 1, extra=service), dccp(3, 0, 2, 1), dccp(6, 0, 3, 2)]
    down = [dccp(1, 1, 1, 1, service), dccp(4, 1, 2, 2, payload=b'data'),
            dccp(7, 1, 3, 3, reason)]
    yield from spaced(two_way(up, down, DCCP))


def udplite(payload, sport, dport, coverage=8):
    """The checksum covers the first bytes only (RFC 3828); 0: all."""
    datagram = struct.pack('!HHHH', sport, dport, coverage, 0) + payload
    return put16(datagram, 6, checksum(datagram[:coverage or None]))


@crafted('udplite', 'checksum coverage of the header, of everything, beyond the end: 1 flow with '
         'ports')
def udplite_exchange():
    up = [udplite(b'request', 40000, 5002), udplite(b'request', 40000, 5002, 0)]
    down = [udplite(b'reply', 5002, 40000), udplite(b'reply', 5002, 40000, 500)]
    yield from spaced(two_way(up, down, UDPLITE))
