#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Flows of the Python package: the command's values in every column, under both vocabularies."""
import csv, gc, ipaddress, math, pickle, statistics, warnings

import support, tap
from support import DEMO, crafted, own_captures, raises, read_capture, recorded, udp_frame, write_capture
from weir import NFFlow, NFPlugin, NFStreamer, NFlow, columns
from weir.export import as_text

MODES = {
    "nfstream": ({}, ["--profile", "nfstream", "--idle-timeout", "120", "--active-timeout", "1800",
                      "--max-tcp-dissections", "20", "--max-udp-dissections", "20"]),
    "seed": ({"snaplen": 65535}, ["--profile", "seed"]),
}
FULL = ({"statistical_analysis": True, "splt_analysis": 7}, ["--stats", "--splt", "7"])
CAPTURES = own_captures()


def same(value, text):
    if isinstance(value, float):
        return math.isclose(value, float(text), rel_tol=1e-9, abs_tol=1.1e-6)
    return as_text(value) == text


def flows_of(source, **options):
    """Flows, and whether the source could be read to its end."""
    flows = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            for flow in NFStreamer(source=source, **options):
                flows.append(flow)
        except ValueError:
            return flows, False
    return flows, not told


def compare_with_command(mode, paths):
    """The number of flows of paths, read one after the other in one run, and what is behind one that is broken."""
    options, arguments = MODES[mode]
    run = tap.run_weir(*(word for path in paths for word in ("-r", path)), *arguments, *FULL[1])
    rows = list(csv.DictReader(run.out.splitlines(keepends=True)))
    flows, whole = flows_of(paths, **options, **FULL[0])
    broken = [place for place, path in enumerate(paths) if f"weir: {path}: " in run.err]
    assert len(broken) == (run.status == 1) == (not whole), f"{paths}: {run.err}"
    assert len(flows) == len(rows), f"{paths}: {len(flows)} flows, the command has {len(rows)}"
    for flow, row in zip(flows, rows):
        assert flow.keys() == list(row), f"{paths}: {flow.keys()}"
        wrong = [(name, value, row[name]) for name, value in flow.items() if not same(value, row[name])]
        assert not wrong, f"{paths}: {wrong}"
    return len(flows), paths[broken[0] + 1:] if broken else []


def compare_all(mode, paths, at_once):
    total = 0
    for place in range(0, len(paths), at_once):
        rest = paths[place:place + at_once]
        while rest:
            flows, rest = compare_with_command(mode, rest)
            total += flows
    return total


def test_every_column_of_own_captures_as_65():
    assert compare_all("nfstream", CAPTURES, 1) >= 378


def test_every_column_of_own_captures_as_2019():
    """Many a run, which takes longer to begin than to read one of them."""
    assert compare_all("seed", CAPTURES, 20) >= 284  # some go on in the next capture


def test_every_column_of_shared_captures():
    """Through the command, which tests/golden/test_nfstream.py compares with NFStream's own output."""
    paths = sorted(str(path) for path in (tap.SHARED / "pcaps").glob("*.pcap*"))
    if not paths:
        return f"no captures in {tap.SHARED}/pcaps; set WEIR_SHARED"
    for mode in MODES:
        assert compare_all(mode, paths, 20) > len(paths)


def test_columns_of_the_command():
    """The lists of names here are those of its profiles, whatever is switched on."""
    for mode, (options, arguments) in MODES.items():
        for given, switches in (({}, []), FULL, ({"n_dissections": 0}, ["--no-dissect"]),
                                ({"n_dissections": 0, "statistical_analysis": True}, ["--no-dissect", "--stats"])):
            header = tap.run_weir("-r", DEMO, *arguments, *switches).out.split("\n")[0]
            assert next(iter(NFStreamer(DEMO, **options, **given))).keys() == header.split(","), (mode, given)


def test_both_vocabularies():
    old = list(NFStreamer(source=DEMO, snaplen=65535, max_tcp_dissections=20, max_udp_dissections=20, **FULL[0]))
    new = list(NFStreamer(source=DEMO, **FULL[0]))
    names = {*columns.own(True, True, True, True, True), *columns.own(False, True, True, True, True)}
    assert len(old) == len(new) == 22 and len(names) > 100
    for a, b in zip(old, new):
        for name in names:
            assert getattr(a, name) == getattr(b, name), name
        assert a.first_seen == a.bidirectional_first_seen_ms and a.total_bytes == a.bidirectional_bytes
        assert a.version == a.ip_version and a.category_name == a.application_category_name


def test_types():
    kinds = {"id": int, "src_ip": str, "src_mac": str, "bidirectional_mean_ps": float, "splt_ps": list, "ip_src": int,
             "nfhash": int, "expiration_id": int, "user_agent": str, "application_name": str, "flow_id": int}
    for flow in NFStreamer(source=DEMO, **FULL[0]):
        for name, kind in kinds.items():
            assert type(getattr(flow, name)) is kind, (name, getattr(flow, name))
        assert [type(each) for each in flow.splt_ps] == [int] * 7


def test_derived_columns():
    for path in (DEMO, recorded("ipv6"), recorded("vlan")):
        for flow in NFStreamer(source=path):
            assert flow.ip_src == int(ipaddress.ip_address(flow.src_ip))
            assert flow.src_oui == flow.src_mac[:8] and flow.dst_oui == flow.dst_mac[:8]
            assert flow.nfhash == (flow.ip_src + flow.ip_dst + flow.src_port + flow.dst_port + flow.protocol +
                                   flow.vlan_id) % 2**64


def test_missing_attributes_say_what_they_need():
    flow = next(iter(NFStreamer(source=DEMO, n_dissections=0, decode_tunnels=False)))
    for name, need in (("bidirectional_mean_ps", "statistical_analysis"), ("splt_ps", "splt_analysis"),
                       ("application_name", "n_dissections"), ("tunnel_id", "decode_tunnels"), ("udps", "udps"),
                       ("src2dst_syn_packets", "statistical_analysis"), ("nonsense", "no attribute")):
        with raises(AttributeError, need):
            getattr(flow, name)
    assert not hasattr(flow, "tunnel_id") and flow.bidirectional_packets > 0


def test_unknown_values_are_none():
    known = [flow.client_rtt_us for flow in NFStreamer(source=crafted("tcp-handshake"), columns=["client_rtt_us"])]
    unknown = [flow.client_rtt_us for flow in NFStreamer(source=recorded("dns-udp"), columns=["client_rtt_us"])]
    assert known == [30000] and set(unknown) == {None}, (known, unknown)


def test_print_keys_values():
    flow = next(iter(NFStreamer(source=DEMO)))
    lines = str(flow).splitlines()
    assert lines[0] == "NFFlow(id=0," and lines[2].strip() == "src_ip='192.0.2.1'," and len(lines) == 38, lines
    assert flow.keys()[:3] == ["id", "expiration_id", "src_ip"] and flow.values()[:3] == [0, 0, "192.0.2.1"]
    assert len(flow.keys()) == len(flow.values()) == 38
    assert flow.to_namedtuple().src_ip == "192.0.2.1" and isinstance(flow, NFFlow) and NFlow is NFFlow
    seed = next(iter(NFStreamer(source=DEMO, snaplen=100)))
    assert str(seed).startswith("NFFlow(flow_id=0,\n       first_seen=1795433679967,\n       last_seen=1795433679968,")


def test_statistics_against_a_second_computation():
    """One TLS connection, its packets read here: sizes, gaps, times and flags by Python's own statistics."""
    flows = list(NFStreamer(source=recorded("tls12"), statistical_analysis=True, accounting_mode=1, bpf_filter="tcp"))
    assert len(flows) == 1
    flow = flows[0]
    packets = [(t, frame) for t, _, frame in read_capture(recorded("tls12")) if frame[12:14] == b"\x08\x00"
               and frame[23] == 6]
    first = packets[0][1][26:30]
    sides = {"bidirectional": packets, "src2dst": [p for p in packets if p[1][26:30] == first],
             "dst2src": [p for p in packets if p[1][26:30] != first]}
    bits = {name: 1 << place for place, name in enumerate(("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"))}
    for side, of_side in sides.items():
        sizes = [int.from_bytes(frame[16:18], "big") for _, frame in of_side]
        gaps = [(b - a) / 1000 for (a, _), (b, _) in zip(of_side, of_side[1:])]
        times = [t // 1000 for t, _ in of_side]
        flags = [frame[14 + (frame[14] & 15) * 4 + 13] for _, frame in of_side]
        want = {"packets": len(sizes), "bytes": sum(sizes), "first_seen_ms": times[0], "last_seen_ms": times[-1],
                "duration_ms": (of_side[-1][0] - of_side[0][0]) // 1000,
                "min_ps": min(sizes), "max_ps": max(sizes), "mean_ps": statistics.mean(sizes),
                "stddev_ps": statistics.stdev(sizes),
                "min_piat_ms": int(min(gaps)), "max_piat_ms": int(max(gaps)),
                "mean_piat_ms": statistics.mean(gaps), "stddev_piat_ms": statistics.stdev(gaps),
                **{f"{name}_packets": sum(bool(each & bit) for each in flags) for name, bit in bits.items()}}
        for name, value in want.items():
            got = getattr(flow, f"{side}_{name}")
            assert math.isclose(got, value, rel_tol=1e-9, abs_tol=1e-9), f"{side}_{name}: {got}, not {value}"


def test_accounting_modes(folder):
    lengths = {0: 74, 1: 60, 2: 40, 3: 32}  # of a frame with 32 bytes in UDP
    write_capture(folder / "a.pcap", [(0, udp_frame(1, size=32))])
    for mode, size in lengths.items():
        assert [flow.total_bytes for flow in NFStreamer(folder / "a.pcap", accounting_mode=mode)] == [size], mode


def test_tunnels():
    flows = list(NFStreamer(source=crafted("gtpu"), statistical_analysis=True))
    assert len(flows) == 2 and {flow.tunnel_id for flow in flows} == {1}
    flows = list(NFStreamer(source=crafted("gtpu"), statistical_analysis=True, decode_tunnels=False))
    assert flows and not any(hasattr(flow, "tunnel_id") for flow in flows)
    assert {flow.dst_port for flow in flows} == {2152}
    always, = NFStreamer(source=crafted("6in4"), decode_tunnels=False)  # as NFStream
    assert always.ip_version == 6


def test_several_files(folder):
    """Flows go on from file to file."""
    a = write_capture(folder / "a.pcap", [(i * 10**9, udp_frame(1)) for i in range(3)])
    b = write_capture(folder / "b.pcap", [(i * 10**9, udp_frame(1)) for i in range(3, 7)])
    for source in ([a, b], (folder / "a.pcap", folder / "b.pcap")):
        flow, = NFStreamer(source=source)
        assert (flow.total_packets, flow.duration) == (7, 6000)
    assert len(list(NFStreamer(source=[b]))) == 1


def test_filter():
    flows = list(NFStreamer(source=DEMO, bpf_filter="src port 58354 or dst port 58354"))
    assert [(flow.id, flow.src_port) for flow in flows] == [(0, 58354)]


def test_max_nflows():
    assert [len(list(NFStreamer(source=DEMO, max_nflows=n))) for n in (0, 1, 5, 22, 23)] == [22, 1, 5, 22, 22]
    assert NFStreamer(source=DEMO, max_nflows=5).to_csv("/dev/null") == 5
    assert len(NFStreamer(source=DEMO, max_nflows=5, udps=NFPlugin()).to_pandas()) == 5


def test_timeouts(folder):
    path = write_capture(folder / "a.pcap", [(i * 10**9, udp_frame(1)) for i in range(10)])
    for options, packets, reasons in (({"idle_timeout": 0}, [1] * 10, [0] * 10),
                                      ({"active_timeout": 0}, [1] * 10, [1] * 9 + [0]),
                                      ({"idle_timeout": 1}, [1] * 10, [0] * 10), ({"idle_timeout": 2}, [10], [0]),
                                      ({"active_timeout": 4}, [4, 4, 2], [1, 1, 0])):
        flows = list(NFStreamer(source=path, **options))
        assert [flow.bidirectional_packets for flow in flows] == packets, options
        assert [flow.expiration_id for flow in flows] == reasons, (options, [flow.expiration_id for flow in flows])
        assert [flow.id for flow in flows] == list(range(len(packets)))


def test_iterated_again():
    streamer = NFStreamer(source=DEMO)
    first, second = [flow.values() for flow in streamer], [flow.values() for flow in streamer]
    assert first == second and len(first) == 22
    streamer.bpf_filter = "udp"
    assert {flow.protocol for flow in streamer} == {17}
    assert sum(1 for _ in zip(streamer, streamer)) == len(list(streamer))  # two at once


def test_ended_early():
    streamer = NFStreamer(source=DEMO)
    for flow in streamer:
        break
    iterator = iter(streamer)
    next(iterator)
    iterator.close()
    del iterator
    assert len(list(streamer)) == 22


def test_pickled_and_set():
    """Flows cross processes, and a notebook may write to them."""
    for options in ({}, {"snaplen": 100}, {"udps": NFPlugin()}):
        flow = next(iter(NFStreamer(source=DEMO, **options)))
        flow.src_ip = "hidden"
        assert flow.src_ip == "hidden" and flow.dst_ip == "192.0.2.2" and "hidden" in flow.values()
        again = pickle.loads(pickle.dumps(flow))
        assert again.items() == flow.items() and again.ip_dst == flow.ip_dst and isinstance(again, NFFlow)


def test_text_that_is_no_utf8(folder):
    """A host name with a broken byte reads as one with a replacement character."""
    request = b"GET / HTTP/1.1\r\nHost: exam\xffple.org\r\nUser-Agent: x\r\n\r\n"
    frames = []
    for flags, seq, ack, payload, back in ((2, 0, 0, b"", 0), (18, 0, 1, b"", 1), (16, 1, 1, b"", 0),
                                           (24, 1, 1, request, 0)):
        a, b = ((bytes([192, 0, 2, 1]), 40000), (bytes([192, 0, 2, 2]), 80))[::-1 if back else 1]
        tcp = support.struct.pack("!HHIIBBHHH", a[1], b[1], seq, ack, 0x50, flags, 1000, 0, 0) + payload
        ip = support.struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, a[0], b[0])
        frames.append(bytes(12) + b"\x08\x00" + ip + tcp)
    flow, = NFStreamer(source=write_capture(folder / "a.pcap", list(enumerate(frames))))
    assert isinstance(flow.requested_server_name, str) and isinstance(str(flow), str)


def test_long_lists():
    """A row larger than the usual buffer."""
    flows = list(NFStreamer(source=recorded("dns-udp"), splt_analysis=65535))
    assert {len(flow.splt_ps) for flow in flows} == {65535} and flows[0].splt_ps[0] > 0 and flows[0].splt_ps[-1] == -1


def test_no_leak(folder):
    """Many iterations, some of them broken off, leave nothing behind."""
    def once():
        list(NFStreamer(source=DEMO, **FULL[0]))
        next(iter(NFStreamer(source=DEMO)))
        NFStreamer(source=DEMO).to_csv("/dev/null")

    def resident():
        gc.collect()
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4

    for _ in range(10):
        once()
    before = resident()
    for _ in range(30):
        once()
    grown = resident() - before
    assert grown < 1000, f"{grown} KiB more after 30 rounds"


support.run(globals())
