# SPDX-License-Identifier: BSD-2-Clause
"""Themes on time: the default timeouts are 30 s (idle) and 300 s (active)."""

from .capture import Packet, SECOND, START, at, crafted
from .wire import A4, B4, UDP, eth, ip4, udp

IDLE, ACTIVE = 30 * SECOND, 300 * SECOND


def up(port=40000):
    return eth(ip4(udp(b'up', port, 9000)))


def down(port=40000):
    return eth(ip4(udp(b'down', 9000, port), UDP, B4, A4))


def gap_theme(name, gap, flows):
    """Two packets up that far apart, an answer a second later."""
    @crafted(name, f'packets {gap} ns apart: {flows} (nanosecond file)', nano=True)
    def packets():
        yield Packet(START, up())
        yield Packet(START + gap, up())
        yield Packet(START + gap + SECOND, down())


gap_theme('idle-below', IDLE - 1, '1 flow')
gap_theme('idle-at', IDLE, '2 flows')
gap_theme('idle-above', IDLE + 1, '2 flows')


@crafted('idle-milliseconds', 'less than 30 s apart, but 30,000 whole milliseconds by the clock: 2 '
         'flows, as NFStream cuts (nanosecond file)', nano=True)
def idle_milliseconds():
    yield Packet(START + 999999, up())
    yield Packet(START + IDLE, up())


def active_theme(name, last, flows):
    """A packet every 20 s, the last one that long after the first."""
    @crafted(name, f'a packet every 20 s, the last {last} ns after the first: {flows} '
             '(nanosecond file)', nano=True)
    def packets():
        for second in range(0, 300, 20):
            yield at(second, up())
        yield Packet(START + last, up())


active_theme('active-below', ACTIVE - 1, '1 flow')
active_theme('active-at', ACTIVE, '2 flows')
active_theme('active-above', ACTIVE + 1, '2 flows')


@crafted('active-cuts', 'one exchange of 1,001 s, a packet every 7 s, answered every 49 s; the '
         'first packet after each cut (301, 602, 903 s) comes from the server: 4 flows, the '
         'source stays')
def active_cuts():
    for second in range(0, 1002, 7):
        cut = second in (301, 602, 903)
        yield at(second, down() if cut else up())
        if cut or second % 49 == 0:
            yield at(second + 0.001, up() if cut else down())


@crafted('idle-behind-long', 'one flow with a packet every second for 120 s; behind it 20 flows '
         'of two packets each, which end long before it')
def idle_behind_long():
    for second in range(120):
        yield at(second, up())
        if second % 2 and second < 40:
            yield at(second + 0.1, up(50000 + second))
            yield at(second + 0.2, down(50000 + second))


@crafted('time-backwards', 'the clock steps back by 1 ms, 10 s and 1 hour within one flow: 1 flow')
def time_backwards():
    for second in (100, 100.5, 100.499, 101, 91, 101.5, -3498.5, 102):
        yield at(second, up())


@crafted('time-backwards-flows', 'two flows interleaved, the second one an hour behind: 2 flows')
def time_backwards_flows():
    for second in range(10):
        yield at(3600 + second, up())
        yield at(second, up(40001))


@crafted('time-future', 'one packet of another flow is stamped a year ahead, the rest goes on: it '
         'must not end the others')
def time_future():
    for second in range(10):
        yield at(second, up())
        if second == 4:
            yield at(365 * 86400, up(40001))
    yield at(10, down())


@crafted('time-future-own', 'one packet in the middle of a flow is stamped a day ahead')
def time_future_own():
    for second in range(10):
        yield at(86400 if second == 5 else second, up())


@crafted('time-edges', 'stamps 0, 2^31 - 1, 2^31 and 2^32 - 1 seconds since 1970, with '
         '999,999,999 ns (nanosecond file)', nano=True)
def time_edges():
    for port, second in enumerate((0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1), 40000):
        yield Packet(second * SECOND, up(port))
        yield Packet(second * SECOND + SECOND - 1, down(port))


@crafted('same-time', 'ten packets of one flow with one and the same time stamp: duration 0')
def same_time():
    for index in range(10):
        yield at(0, up() if index % 2 else down())
