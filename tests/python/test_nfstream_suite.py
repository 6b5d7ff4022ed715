#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""NFStream 6.5.4's own test-suite against `from weir import NFStreamer`, test by test.

NFStream's test          here
-----------------------  ---------------------------------------------------------------------------------
*_parameter (18 tests)   test_parameters: the same values, each refused with ValueError
expiration_management    test_expiration_management
tunnel_decoding          test_tunnel_decoding
statistical              test_statistical: every value
fingerprint_extraction   test_fingerprint_extraction; mapped: application_confidence 6 (DPI) is another number in
                         other versions of nDPI, so it is compared with confidence_name
export                   test_export
bpf                      test_bpf
ndpi_integration         test_ndpi_integration: NFStream's own output of every capture in $WEIR_SHARED, all columns
                         but those of nDPI; left out: row numbers (weir exports in the order in which flows end,
                         NFStream in that of its cache) and names (its nDPI of 2023-02 and ours differ; the names are
                         compared with ndpiReader of the same version in tests/golden/test_ndpireader.py)
splt                     test_splt
dhcp                     test_dhcp
mdns                     test_mdns
multi_files              test_multi_files; application names as in fingerprint_extraction
max_nflows               test_max_nflows

Where its captures are in $WEIR_SHARED/pcaps, under their names or as ndpi__NAME, its values are asserted of
them. Each test stands here also with captures of our own, whose values are computed beside or known from how
they were made.
"""
import hashlib, importlib.util, json, math, pathlib

import support, tap
from support import DEMO, crafted, raises, read_capture, recorded, shared_capture, write_capture
from weir import NFStreamer
from weir.export import as_text
from weir.plugins import DHCP, MDNS, SPLT, FlowSlicer

MISSING = "{} is not in {}/pcaps; set WEIR_SHARED"
TLS = recorded("tls12")
TLS_PACKETS = 18


def on(name, test):
    """test(path) of a capture of NFStream's, or why not."""
    path = shared_capture(name)
    return test(path) if path else tap.Absent(MISSING.format(name, tap.SHARED))


# --- expiration_management ------------------------------------------------------------------------------

def last_ids(path, **options):
    return [[flow.id for flow in NFStreamer(source=path, **options, **each)][-1]
            for each in ({"idle_timeout": 0}, {"active_timeout": 0}, {"udps": FlowSlicer(limit=1)},
                         {"udps": FlowSlicer(limit=4)})]


def test_expiration_management():
    assert last_ids(TLS, bpf_filter="tcp") == [TLS_PACKETS - 1] * 3 + [-(-TLS_PACKETS // 4) - 1]


def test_expiration_management_of_google_ssl():
    def check(path):
        assert last_ids(path) == [27, 27, 27, 6]
    return on("google_ssl.pcap", check)


# --- tunnel_decoding ------------------------------------------------------------------------------------

def check_tunnel(path):
    streamer = NFStreamer(source=path, statistical_analysis=True, decode_tunnels=True)
    assert {flow.tunnel_id for flow in streamer} == {1}
    streamer.decode_tunnels = False
    outer = list(streamer)
    for flow in outer:
        with raises(AttributeError):
            flow.tunnel_id
    return len(outer)


def test_tunnel_decoding():
    assert check_tunnel(crafted("gtpu")) == 1


def test_tunnel_decoding_of_gtp_u():
    def check(path):
        assert check_tunnel(path) == 1
    return on("gtp-u.pcap", check)


# --- statistical ----------------------------------------------------------------------------------------

GOOGLE_SSL = {
    "id": 0, "expiration_id": 0, "src_ip": "172.31.3.224", "src_mac": "80:c6:ca:00:9e:9f", "src_oui": "80:c6:ca",
    "src_port": 42835, "dst_ip": "216.58.212.100", "dst_mac": "00:0e:8e:4d:b4:a8", "dst_oui": "00:0e:8e",
    "dst_port": 443,
    "protocol": 6, "ip_version": 4, "vlan_id": 0, "tunnel_id": 0,
    "bidirectional_first_seen_ms": 1434443394683, "bidirectional_last_seen_ms": 1434443401353,
    "bidirectional_duration_ms": 6670, "bidirectional_packets": 28, "bidirectional_bytes": 8696,
    "src2dst_first_seen_ms": 1434443394683, "src2dst_last_seen_ms": 1434443401353, "src2dst_duration_ms": 6670,
    "src2dst_packets": 16, "src2dst_bytes": 1288, "dst2src_first_seen_ms": 1434443394717,
    "dst2src_last_seen_ms": 1434443401308, "dst2src_duration_ms": 6591, "dst2src_packets": 12, "dst2src_bytes": 7408,
    "bidirectional_min_ps": 40, "bidirectional_mean_ps": 310.57142857142856,
    "bidirectional_stddev_ps": 500.54617788019937,
    "bidirectional_max_ps": 1470, "src2dst_min_ps": 40, "src2dst_mean_ps": 80.5, "src2dst_stddev_ps": 89.55519713189922,
    "src2dst_max_ps": 354, "dst2src_min_ps": 40, "dst2src_mean_ps": 617.3333333333334,
    "dst2src_stddev_ps": 651.4524099458397, "dst2src_max_ps": 1470,
    "bidirectional_syn_packets": 2, "bidirectional_ack_packets": 27, "bidirectional_psh_packets": 8,
    "bidirectional_fin_packets": 2, "src2dst_syn_packets": 1, "src2dst_ack_packets": 15, "src2dst_psh_packets": 4,
    "src2dst_fin_packets": 1, "dst2src_syn_packets": 1, "dst2src_ack_packets": 12, "dst2src_psh_packets": 4,
    "dst2src_fin_packets": 1,
    **{f"{side}_{flag}_packets": 0 for side in ("bidirectional", "src2dst", "dst2src")
       for flag in ("cwr", "ece", "urg", "rst")},
}
# NFStream cuts every time to milliseconds before it subtracts; weir subtracts nanoseconds: up to 1 ms apart.
GOOGLE_SSL_GAPS = {
    "bidirectional": (0, 247.037037037037, 324.04599406227237, 995), 
    "src2dst": (76, 444.6666666666667, 397.60329595261277, 1185),
    "dst2src": (66, 599.1818181818182, 384.78456782511904, 1213),
}


def test_statistical_of_google_ssl():
    def check(path):
        flow, = NFStreamer(source=path, statistical_analysis=True, accounting_mode=1)
        for name, value in GOOGLE_SSL.items():
            got, exact = getattr(flow, name), not name.endswith(("_ms", "_ps"))
            assert got == value if exact else abs(got - value) <= (1 if name.endswith("_ms") else 1e-6), (name, got)
        for side, values in GOOGLE_SSL_GAPS.items():
            got = [getattr(flow, f"{side}_{name}_piat_ms") for name in ("min", "mean", "stddev", "max")]
            assert all(abs(a - b) <= 1 for a, b in zip(got, values)), (side, got, values)
    return on("google_ssl.pcap", check)


def test_statistical(folder):
    """The same attributes of a conversation made to have round numbers."""
    def tcp(back, flags, size):
        a, b = ((bytes([192, 0, 2, 1]), 40000), (bytes([192, 0, 2, 2]), 443))[::-1 if back else 1]
        segment = support.struct.pack("!HHIIBBHHH", a[1], b[1], 0, 0, 0x50, flags, 1000, 0, 0) + bytes(size)
        ip = support.struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0, a[0], b[0])
        macs = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
        return (macs[0] + macs[1] if back else macs[1] + macs[0]) + b"\x08\x00" + ip + segment

    packets = [(0, 2, 0), (1, 18, 0), (0, 16, 0), (0, 24, 100), (1, 16, 0), (1, 24, 1000), (0, 16, 0), (0, 17, 0),
               (1, 17, 0)]
    times = [0, 10, 20, 40, 70, 110, 160, 220, 290]
    path = write_capture(folder / "a.pcap", [(ms * 10**6, tcp(*packet)) for ms, packet in zip(times, packets)])
    flow, = NFStreamer(source=path, statistical_analysis=True, accounting_mode=1)
    first, gaps = support.T0 * 1000, (10, 10, 20, 30, 40, 50, 60, 70)
    want = {"id": 0, "expiration_id": 0, "src_ip": "192.0.2.1", "src_mac": "02:00:00:00:00:01", "src_oui": "02:00:00",
            "src_port": 40000, "dst_ip": "192.0.2.2", "dst_mac": "02:00:00:00:00:02", "dst_oui": "02:00:00",
            "dst_port": 443,
            "protocol": 6, "ip_version": 4, "vlan_id": 0, "tunnel_id": 0,
            "bidirectional_first_seen_ms": first, "bidirectional_last_seen_ms": first + 290,
            "bidirectional_duration_ms": 290,
            "bidirectional_packets": 9, "bidirectional_bytes": 1460, "src2dst_first_seen_ms": first,
            "src2dst_last_seen_ms": first + 220, "src2dst_duration_ms": 220, "src2dst_packets": 5, "src2dst_bytes": 300,
            "dst2src_first_seen_ms": first + 10, "dst2src_last_seen_ms": first + 290, "dst2src_duration_ms": 280,
            "dst2src_packets": 4, "dst2src_bytes": 1160,
            "bidirectional_min_ps": 40, "bidirectional_mean_ps": 1460 / 9, "bidirectional_max_ps": 1040,
            "bidirectional_stddev_ps": math.sqrt((7 * 40**2 + 140**2 + 1040**2 - 1460**2 / 9) / 8),
            "src2dst_min_ps": 40, "src2dst_mean_ps": 60.0, "src2dst_stddev_ps": math.sqrt(2000), "src2dst_max_ps": 140,
            "dst2src_min_ps": 40, "dst2src_mean_ps": 290.0, "dst2src_stddev_ps": 500.0, "dst2src_max_ps": 1040,
            "bidirectional_min_piat_ms": 10, "bidirectional_mean_piat_ms": 290 / 8, "bidirectional_max_piat_ms": 70,
            "bidirectional_stddev_piat_ms": math.sqrt((sum(gap**2 for gap in gaps) - 290**2 / 8) / 7),
            "src2dst_min_piat_ms": 20, "src2dst_mean_piat_ms": 55.0, "src2dst_max_piat_ms": 120,
            "dst2src_min_piat_ms": 40, "dst2src_mean_piat_ms": 280 / 3, "dst2src_max_piat_ms": 180,
            "bidirectional_syn_packets": 2, "bidirectional_ack_packets": 8, "bidirectional_psh_packets": 2,
            "bidirectional_fin_packets": 2, "bidirectional_rst_packets": 0, "bidirectional_cwr_packets": 0,
            "bidirectional_ece_packets": 0, "bidirectional_urg_packets": 0, "src2dst_syn_packets": 1,
            "src2dst_ack_packets": 4,
            "src2dst_psh_packets": 1, "src2dst_fin_packets": 1, "dst2src_syn_packets": 1, "dst2src_ack_packets": 4,
            "dst2src_psh_packets": 1, "dst2src_fin_packets": 1}
    for name, value in want.items():
        got = getattr(flow, name)
        assert math.isclose(got, value, rel_tol=1e-12) if isinstance(value, float) else got == value, (name, got, value)


# --- fingerprint_extraction -------------------------------------------------------------------------------

def ja3(path):
    """JA3 of the first ClientHello in a capture, by its definition."""
    for _, _, frame in read_capture(path):
        tcp = 14 + (frame[14] & 15) * 4
        hello = frame[tcp + (frame[tcp + 12] >> 4) * 4:] if frame[12:14] == b"\x08\x00" and frame[23] == 6 else b""
        if hello[:1] == b"\x16" and hello[5:6] == b"\x01":
            break

    def number(at):
        return int.from_bytes(hello[at:at + 2], "big")

    at = 43 + 1 + hello[43]
    ciphers = [number(each) for each in range(at + 2, at + 2 + number(at), 2)]
    at += 2 + number(at)
    at += 1 + hello[at]
    end, at = at + 2 + number(at), at + 2
    extensions, curves, formats = [], [], []
    while at < end:
        kind, size = number(at), number(at + 2)
        extensions.append(kind)
        if kind == 10:
            curves = [number(each) for each in range(at + 6, at + 4 + size, 2)]
        if kind == 11:
            formats = list(hello[at + 5:at + 4 + size])
        at += 4 + size
    parts = [[number(9)], ciphers, extensions, curves, formats]
    return hashlib.md5(",".join("-".join(map(str, part)) for part in parts).encode()).hexdigest()


def test_fingerprint_extraction():
    for name in ("tls12", "tls13"):
        flow, = NFStreamer(source=recorded(name), statistical_analysis=True, accounting_mode=1, bpf_filter="tcp",
                           columns=["confidence_name"])
        assert (flow.application_name, flow.application_category_name, flow.application_is_guessed) == ("TLS", "Web", 0)
        assert flow.confidence_name == "DPI" and flow.requested_server_name == "www.example.org"
        assert flow.client_fingerprint == flow.j3a_client == ja3(recorded(name)) and len(flow.server_fingerprint) == 32


def check_facebook(flow):
    assert flow.application_name == "TLS.Facebook" and flow.application_category_name == "SocialNetwork"
    assert flow.application_is_guessed == 0 and flow.confidence_name == "DPI"
    assert flow.requested_server_name in ("facebook.com", "www.facebook.com")
    assert flow.client_fingerprint in ("bfcc1a3891601edb4f137ab7ab25b840", "5c60e71f1b8cd40e4d40ed5b6d666e3f")
    assert flow.server_fingerprint in ("2d1eb5817ece335c24904f516ad5da12", "96681175a9547081bf3d417f1a572091")


def test_fingerprint_extraction_of_facebook():
    def check(path):
        for flow in NFStreamer(source=path, statistical_analysis=True, accounting_mode=1, columns=["confidence_name"]):
            check_facebook(flow)
    return on("facebook.pcap", check)


# --- export, bpf, max_nflows ---------------------------------------------------------------------------------

def check_export(path, folder):
    import pandas

    options = {"source": path, "statistical_analysis": True, "n_dissections": 20}
    frame = NFStreamer(**options).to_pandas()
    hidden = NFStreamer(**options).to_pandas(columns_to_anonymize=["src_ip", "dst_ip"])
    assert hidden.shape == frame.shape
    for name in ("src_ip", "dst_ip"):
        assert hidden[name].nunique() == frame[name].nunique()
    total = NFStreamer(**options).to_csv(folder / "a.csv")
    total_hidden = NFStreamer(**options).to_csv(folder / "b.csv", columns_to_anonymize=["src_ip", "dst_ip"])
    a, b = pandas.read_csv(folder / "a.csv"), pandas.read_csv(folder / "b.csv")
    assert total == total_hidden == len(a) == len(b) == len(frame) == len(hidden)
    assert list(a.columns) == list(b.columns) == list(frame.columns)


def test_export(folder):
    check_export(DEMO, folder)
    check_export(recorded("http2"), folder)


def test_export_of_steam(folder):
    return on("steam.pcap", lambda path: check_export(path, folder))


def test_bpf():
    flows = list(NFStreamer(source=DEMO, bpf_filter="src port 58354 or dst port 58354"))
    assert [(flow.id, flow.src_port) for flow in flows] == [(0, 58354)]


def test_bpf_of_facebook():
    def check(path):
        flows = list(NFStreamer(source=path, bpf_filter="src port 52066 or dst port 52066"))
        assert [(flow.id, flow.src_port) for flow in flows] == [(0, 52066)]
    return on("facebook.pcap", check)


def test_max_nflows():
    numbers = [len(NFStreamer(source=DEMO, max_nflows=limit).to_pandas()) for limit in (0, 10, 22, 100)]
    assert numbers == [22, 10, 22, 22]


def test_max_nflows_of_skype():
    def check(path):
        assert [len(NFStreamer(source=path, max_nflows=limit).to_pandas()) for limit in (0, 100)] == [294, 100]
    return on("skype.pcap", check)


# --- ndpi_integration ------------------------------------------------------------------------------------------

def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ndpi_integration():
    """NFStream's own rows of every capture; the deviations are those that the command has, each with its reason."""
    folder = tap.SHARED / "golden" / "nfstream" / "seed"
    if not folder.is_dir():
        return f"no golden flows in {tap.SHARED}; set WEIR_SHARED"
    golden = load(tap.TOP / "tests" / "golden" / "test_nfstream.py")
    diff = golden.load_diff()
    found = set()
    for path in sorted(path for path in (tap.SHARED / "pcaps").glob("*") if path.suffix != ".tsv"):
        streamer = NFStreamer(source=path, idle_timeout=30, active_timeout=300, n_dissections=16, n_meters=1,
                              statistical_analysis=True, splt_analysis=16, settings=["tunnels=gtp,tzsp,capwap,ipip"])
        ours = []
        try:
            with support.warnings.catch_warnings():
                support.warnings.simplefilter("ignore")
                for flow in streamer:
                    ours.append({name: as_text(value) for name, value in flow.items()})
        except ValueError:
            pass
        theirs = diff.rows(str(folder / (path.name + ".csv")), True)
        found |= {("seed", path.name, kind, flow) for kind, flow in golden.compare(diff, theirs, ours, False)}
    wanted = {each for each in golden.listed() if each[0] == "seed"}
    assert found == wanted, f"not listed: {sorted(found - wanted)}\ngone: {sorted(wanted - found)}"


# --- splt, dhcp, mdns ----------------------------------------------------------------------------------------------

def splt_lists(path, **options):
    frame = NFStreamer(source=path, splt_analysis=5, udps=SPLT(sequence_length=5, accounting_mode=0),
                       **options).to_pandas()
    native, plugin = ([json.loads(frame[prefix + name][0]) for name in ("splt_direction", "splt_ps", "splt_piat_ms")]
                      for prefix in ("", "udps."))
    assert native == plugin
    return native


def test_splt():
    packets = [(t, length, frame) for t, length, frame in read_capture(TLS) if frame[12:14] == b"\x08\x00"
               and frame[23] == 6][:5]
    want = [[int(frame[26:30] != packets[0][2][26:30]) for _, _, frame in packets],
            [length for _, length, _ in packets],
            [0] + [(b[0] - a[0]) // 1000 for a, b in zip(packets, packets[1:])]]
    assert splt_lists(TLS, bpf_filter="tcp") == want


def test_splt_of_google_ssl():
    def check(path):
        direction, sizes, gaps = splt_lists(path)
        assert direction == [0, 1, 0, 0, 1] and sizes == [58, 60, 54, 180, 60]
        assert all(abs(a - b) <= 1 for a, b in zip(gaps, [0, 34, 134, 144, 35])), gaps
    return on("google_ssl.pcap", check)


def by_source(path, plugin):
    frame = NFStreamer(source=path, n_dissections=0, udps=plugin).to_pandas()
    return frame.sort_values(by=["src_ip"]).reset_index(drop=True)


def test_dhcp():
    frame = by_source(recorded("dhcp"), DHCP())
    assert list(frame["udps.dhcp_msg_type"][:2]) == ["MsgType.DISCOVER", "MsgType.REQUEST"]
    assert frame["udps.dhcp_50"][1] == "192.0.2.103" and frame["udps.dhcp_55"][1] == "1,3,6,12,15,28,42"
    assert frame["udps.dhcp_options"][1] == "[53, 50, 54, 57, 55, 12, 60, 61]"
    assert frame["udps.dhcp_oui"][1] == "02:00:00"


def test_dhcp_of_dhcp():
    def check(path):
        frame = by_source(path, DHCP())
        assert len(frame) == 3 and list(frame["udps.dhcp_msg_type"][:2]) == ["MsgType.DISCOVER", "MsgType.REQUEST"]
        assert frame["udps.dhcp_50"][1] == "192.168.0.10" and frame["udps.dhcp_55"][1] == "1,3,6,42"
        assert frame["udps.dhcp_options"][1] == "[53, 61, 50, 54, 55]" and frame["udps.dhcp_oui"][1] == "00:0b:82"
    return on("dhcp.pcap", check)


def test_mdns_of_mdns():
    """test_plugins.py has the same with a message made here."""
    def check(path):
        frame = by_source(path, MDNS())
        assert frame["udps.mdns_ptr"][0] == str([
            "skynet.local", "skynet [00:1a:ef:17:c3:05]._workstation._tcp.local", "recombinator_mpd._mpd._tcp.local",
            "_mpd._tcp.local", "skynet._udisks-ssh._tcp.local", "_udisks-ssh._tcp.local", "_workstation._tcp.local"])
    return on("mdns.pcap", check)


# --- multi_files --------------------------------------------------------------------------------------------------

def test_multi_files(folder):
    """A TLS connection cut into four files is the flow of the whole one."""
    data = pathlib.Path(TLS).read_bytes()
    head, records, at = data[:24], [], 24
    while at < len(data):
        size = 16 + int.from_bytes(data[at + 8:at + 12], "little")
        records.append(data[at:at + size])
        at += size
    paths = []
    for number, (begin, end) in enumerate(((0, 5), (5, 10), (10, 15), (15, len(records)))):
        paths.append(folder / f"part{number}.pcap")
        paths[-1].write_bytes(head + b"".join(records[begin:end]))
    whole, = NFStreamer(source=TLS, bpf_filter="tcp", statistical_analysis=True, splt_analysis=20)
    parts, = NFStreamer(source=paths, bpf_filter="tcp", statistical_analysis=True, splt_analysis=20)
    assert parts.items() == whole.items()
    assert (whole.bidirectional_packets, whole.bidirectional_bytes) == (TLS_PACKETS, 6411)


def test_multi_files_of_one_flow():
    paths = [shared_capture(f"one_flow_{part}.pcap") for part in ("1_5", "6_10", "11_15", "16_19")]
    if None in paths:
        return tap.Absent(MISSING.format("one_flow_1_5.pcap", tap.SHARED))
    flow, = NFStreamer(source=paths, columns=["confidence_name"])
    want = {"src_ip": "192.168.43.18", "src_port": 52066, "dst_ip": "66.220.156.68", "dst_port": 443,
            "expiration_id": 0,
            "bidirectional_first_seen_ms": 1472393122365, "bidirectional_last_seen_ms": 1472393123665,
            "bidirectional_packets": 19, "bidirectional_bytes": 5745, "src2dst_packets": 9, "src2dst_bytes": 1345,
            "dst2src_packets": 10, "dst2src_bytes": 4400, "dst2src_first_seen_ms": 1472393122668,
            "dst2src_last_seen_ms": 1472393123665}
    for name, value in want.items():
        assert getattr(flow, name) == value, (name, getattr(flow, name))
    for name, value in (("bidirectional", 1300), ("src2dst", 1043), ("dst2src", 997)):
        assert abs(getattr(flow, f"{name}_duration_ms") - value) <= 1
    check_facebook(flow)


support.run(globals())
