#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""NFStreamer's parameters: what is refused, the defaults of both modes, both names of one value."""
import os, pathlib, warnings

import support, tap
from support import DEMO, raises, udp_frame, warns, write_capture
from weir import NFPlugin, NFStreamer, WeirWarning

# NFStream's own list, and more of the kind.
REFUSED = {
    "decode_tunnels": [33, "True", None, 1],
    "bpf_filter": [11, b"tcp", ["tcp"]],
    "promiscuous_mode": ["yes", 89, 0],
    "snapshot_length": ["largest", -1, 0, 1.5, None],
    "socket_buffer_size": ["largest", -1, 2**31],
    "idle_timeout": [-1, "idle", 1.5, 2**64, None],
    "active_timeout": [-1, "active", 0.5, 2**64, None],
    "accounting_mode": [-1, 5, 4, "ip"],
    "udps": [lambda y: y + 1, "NFPlugin", [NFPlugin(), "NFPlugin"], 3, NFPlugin],
    "n_dissections": ["yes", -1, 256, None],
    "statistical_analysis": ["yes", 89, 1],
    "splt_analysis": [-1, 70000, "yes"],
    "n_meters": ["yes", -1],
    "max_nflows": ["yes", -1],
    "performance_report": ["yes", -1],
    "system_visibility_mode": ["yes", -1, 3, 2],
    "system_visibility_poll_ms": ["yes", -1],
    "snaplen": ["largest", -1, 0],
    "plugins": [lambda y: y + 1, "NFPlugin"],
    "dissect": ["yes", 1, None],
    "max_tcp_dissections": ["yes", -1, 256],
    "max_udp_dissections": ["yes", -1, 256],
    "columns": ["ja4", 3, [3]],
    "settings": ["hook=pcap", 3, [b"x"]],
}
ACCEPTED = {
    "decode_tunnels": [True, False], "bpf_filter": [None, "tcp"], "promiscuous_mode": [False],
    "snapshot_length": [1, 10**12], "socket_buffer_size": [2**31 - 1], "idle_timeout": [0, 2**64 // 1000, True],
    "active_timeout": [0, 2**64 // 1000], "accounting_mode": [0, 1, 2, 3], 
    "udps": [None, [], NFPlugin(), [NFPlugin()] * 2],
    "n_dissections": [0, 255], "splt_analysis": [0, 65535], "n_meters": [0, 64], "max_nflows": [0, 10**9],
    "performance_report": [0, 10], "system_visibility_poll_ms": [0], "system_visibility_mode": [0],
    "max_tcp_dissections": [0, 255],
}


def test_refused_values():
    for name, values in REFUSED.items():
        for value in values:
            with raises(ValueError, name if name not in ("snaplen", "plugins") else ""):
                NFStreamer(source=DEMO, **{name: value})
            streamer = NFStreamer(source=DEMO)
            with raises(ValueError):
                setattr(streamer, name, value)


def test_accepted_values():
    for name, values in ACCEPTED.items():
        for value in values:
            assert len(list(NFStreamer(source=DEMO, **{name: value}))) > 0, (name, value)


def test_refused_sources(folder):
    for source in ("inexisting.pcap", 11, None, "", folder, [], [DEMO, "inexisting.pcap"], [DEMO, 11], 1.5, b"no"):
        with raises(ValueError, "source"):
            NFStreamer(source=source)
    with raises(ValueError, "place 1 of the list"):
        NFStreamer(source=[DEMO, "inexisting.pcap"])


def test_sources():
    for source in (DEMO, pathlib.Path(DEMO), os.fsencode(DEMO), [DEMO], (pathlib.Path(DEMO),)):
        assert len(list(NFStreamer(source=source))) == 22
    assert NFStreamer("lo").source == "lo"


def test_bad_filter():
    streamer = NFStreamer(source=DEMO, bpf_filter="my filter")
    for use in (list, NFStreamer.to_pandas, lambda s: s.to_csv("/dev/null")):
        with raises(ValueError, "filter"):
            use(streamer)


def test_no_capture(folder):
    for name, content in (("text", b"no capture, but long enough to be looked at"), ("empty", b"")):
        (folder / name).write_bytes(content)
        with raises(ValueError, name):
            list(NFStreamer(source=folder / name))


def test_unreadable_second_file(folder):
    """The flows of the first one come, then the error."""
    (folder / "b").write_bytes(b"no capture, but long enough to be looked at")
    flows = []
    with raises(ValueError, "unknown file format"):
        for flow in NFStreamer(source=[DEMO, folder / "b"]):
            flows.append(flow)
    assert len(flows) == 22


def test_cut_capture(folder):
    """As with NFStream, the flows up to there and no exception; but a warning."""
    cut = write_capture(folder / "cut.pcap", [(0, udp_frame(1)), (1, udp_frame(2))], cut=5)
    with warns("broken after packet 1"):
        assert [flow.src_port for flow in NFStreamer(source=cut)] == [1]
    with warns("broken after packet 1"):
        assert len(NFStreamer(source=cut).to_pandas()) == 1
    with warns("broken after packet 1"):
        assert NFStreamer(source=cut).to_csv("/dev/null") == 1


def defaults(streamer):
    return (streamer.idle_timeout, streamer.active_timeout, streamer.snaplen, streamer.dissect,
            streamer.max_tcp_dissections, streamer.max_udp_dissections, streamer.n_dissections)


def test_defaults_of_65():
    assert defaults(NFStreamer(source=DEMO)) == (120, 1800, 1536, True, 20, 20, 20)
    assert defaults(NFStreamer(source=DEMO, bpf_filter="tcp", idle_timeout=7)) == (7, 1800, 1536, True, 20, 20, 20)


def test_defaults_of_2019():
    for given in ({"snaplen": 65535}, {"plugins": ()}, {"dissect": True}, {"max_tcp_dissections": 10},
                  {"max_udp_dissections": 16}):
        streamer = NFStreamer(source=DEMO, **given)
        assert defaults(streamer) == (30, 300, 65535, True, 10, 16, 16), given
        assert next(iter(streamer)).keys()[0] == "flow_id", given


def test_both_names_of_a_parameter():
    plugin = NFPlugin()
    streamer = NFStreamer(source=DEMO, snapshot_length=100, udps=plugin)
    assert streamer.snaplen == 100 and streamer.plugins == (plugin,)
    streamer.snaplen, streamer.plugins = 200, None
    assert streamer.snapshot_length == 200 and streamer.udps == ()
    streamer.dissect = False
    assert streamer.n_dissections == 0
    streamer.n_dissections = 7
    assert streamer.dissect and streamer.max_tcp_dissections == streamer.max_udp_dissections == 7


def test_positions():
    """6.5's order."""
    plugin = NFPlugin()
    streamer = NFStreamer(DEMO, False, "tcp", False, 100, 4096, 1, 2, 3, plugin, 4, True, 5, 6, 7, 8, 0, 9)
    assert (streamer.decode_tunnels, streamer.bpf_filter, streamer.promiscuous_mode, streamer.snapshot_length,
            streamer.socket_buffer_size, streamer.idle_timeout, streamer.active_timeout, streamer.accounting_mode,
            streamer.udps, streamer.n_dissections, streamer.statistical_analysis, streamer.splt_analysis,
            streamer.n_meters, streamer.max_nflows, streamer.performance_report,
            streamer.system_visibility_poll_ms) == (
                False, "tcp", False, 100, 4096, 1, 2, 3, (plugin,), 4, True, 5, 6, 7, 8, 9)


def test_unknown_parameter():
    with raises(TypeError):
        NFStreamer(source=DEMO, idle_time=3)


def test_settings_and_columns():
    flow = next(iter(NFStreamer(source=DEMO, columns=["community_id", "client_rtt_us"], settings=["tcp-end"])))
    assert flow.keys()[-2:] == ["community_id", "client_rtt_us"] and flow.community_id.startswith("1:"), flow
    streamer = NFStreamer(source=DEMO, columns=(name for name in ["ja4"]))
    assert streamer.columns == ("ja4",) and [next(iter(streamer)).keys()[-1] for _ in range(2)] == ["ja4"] * 2
    with raises(ValueError, "no-such"):
        list(NFStreamer(source=DEMO, settings=["no-such=1"]))
    with raises(ValueError, "no_such"):
        list(NFStreamer(source=DEMO, columns=["no_such"]))


def test_errors_that_end_nothing_are_told(folder):
    """As warnings, once; the run goes on without what failed."""
    dump = f"plugin={tap.BUILD}/plugins/dump.so:dir=/proc/self/fd"  # nobody makes files there
    for use in (lambda s: len(list(s)), lambda s: len(s.to_pandas()), lambda s: s.to_csv(folder / "a.csv")):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            assert use(NFStreamer(source=DEMO, settings=[dump])) == 22
        assert [each.category for each in told] == [WeirWarning], told
        assert "plugin dump: on_init failed: No such file or directory; it is disabled" in str(told[0].message)


def test_warnings_that_are_errors():
    """Nothing stays open behind one that is raised while a source is opened."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with raises(WeirWarning, "--rotate"):  # what is loaded but once
            list(NFStreamer(source=DEMO, settings=["rotate=1h"]))
        before = os.listdir("/proc/self/fd")
        for _ in range(5):
            with raises(WeirWarning, "--rotate"):
                list(NFStreamer(source=DEMO, settings=["rotate=1h"]))
        assert os.listdir("/proc/self/fd") == before


def test_system_visibility():
    """For interfaces: on a file it is told, never silently left out."""
    with warns("system_visibility_mode"):
        streamer = NFStreamer(source=DEMO, system_visibility_mode=1)
    assert streamer.system_visibility_mode == 0
    with raises(AttributeError, "system_visibility_mode=1 and an interface"):
        next(iter(streamer)).system_process_pid
    assert NFStreamer(source="lo", system_visibility_mode=1).system_visibility_mode == 1
    streamer = NFStreamer(source="lo", system_visibility_mode=1)
    streamer.source = DEMO
    assert "system_process_pid" not in next(iter(streamer)).keys()


def test_first_interface():
    """2019's default source."""
    import weir.parameters as parameters

    try:
        name = parameters.first_interface_up()
    except ValueError as error:
        assert "no interface is up" in str(error)
        with raises(ValueError, "no interface is up"):
            NFStreamer(snaplen=65535)
    else:
        assert NFStreamer(snaplen=65535).source == name


support.run(globals())
