#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""to_csv() and to_pandas(): the same rows by every way, names hidden, files by number of flows."""
import csv, os, pathlib, re, subprocess

import pandas

import support, tap
from support import DEMO, raises, recorded, warns, write_capture
from weir import NFPlugin, NFStreamer, columns

FULL = {"statistical_analysis": True, "splt_analysis": 5}
# Columns from databases, and from the machine that is watched.
OF_ELSEWHERE = "(src|dst)_(country|city|as|mac_vendor|pid|process|cgroup|container|pod)|system_|run_id "


class Mark(NFPlugin):
    def on_init(self, packet, flow):
        flow.udps.size = packet.raw_size
        flow.udps.text = 'a "quoted", text'
        flow.udps.nothing = None
        flow.udps.list = [1, 2]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_csv_is_the_command_s(folder):
    """Byte by byte, in both modes; and the number of flows is returned."""
    for options, arguments in (({}, ["--profile", "nfstream", "--idle-timeout", "120", "--active-timeout", "1800",
                                     "--max-tcp-dissections", "20", "--max-udp-dissections", "20"]),
                               ({"snaplen": 65535}, ["--profile", "seed"])):
        for path in (DEMO, recorded("ipv6"), recorded("http1")):
            target = folder / "flows.csv"
            number = NFStreamer(source=path, **options, **FULL).to_csv(target)
            run = tap.run_weir("-r", path, *arguments, "--stats", "--splt", "5")
            assert target.read_text() == run.out and number == len(run.rows()), path


def test_csv_with_plugins_is_the_same_in_front(folder):
    for options in ({}, {"snaplen": 100}):
        number = NFStreamer(source=DEMO, **options, **FULL).to_csv(folder / "a.csv")
        with_plugin = NFStreamer(source=DEMO, udps=Mark(), **options, **FULL)
        assert with_plugin.to_csv(folder / "b.csv") == number == 22
        a, b = read(folder / "a.csv"), read(folder / "b.csv")
        assert [row[:len(a[0])] for row in b] == a
        assert [row[len(a[0]):] for row in b][:1] == [["udps.size", "udps.text", "udps.nothing", "udps.list"]]
        assert {tuple(row[-3:]) for row in b[1:]} == {('a "quoted", text', "", "[1, 2]")}
        assert (folder / "b.csv").read_text().splitlines()[1].endswith('"a ""quoted"", text",,"[1, 2]"')


def test_default_path(folder):
    copy = folder / "demo.pcap"
    copy.write_bytes(pathlib.Path(DEMO).read_bytes())
    assert NFStreamer(source=copy).to_csv() == 22 and len(read(folder / "demo.pcap.csv")) == 23
    os.remove(folder / "demo.pcap.csv")
    assert NFStreamer(source=[copy, copy]).to_csv() == 22 and len(read(folder / "demo.pcap.csv")) == 23


def test_flows_per_file(folder):
    """5 flows a file, and numbers that begin again; a folder with csv in its name is left alone."""
    where = folder / "csvdir"
    where.mkdir()
    for plugins in (None, Mark()):
        assert NFStreamer(source=DEMO, udps=plugins).to_csv(where / "f.csv", flows_per_file=5) == 22
        assert sorted(os.listdir(where)) == [f"f.{i}.csv" for i in range(5)]
        assert [len(read(where / f"f.{i}.csv")) for i in range(5)] == [6, 6, 6, 6, 3]
        heads = {tuple(read(where / f"f.{i}.csv")[0]) for i in range(5)}
        assert len(heads) == 1
        for name in os.listdir(where):
            os.remove(where / name)
    assert NFStreamer(source=DEMO).to_csv(where / "f.csv", flows_per_file=5, rotate_files=2) == 22
    assert sorted(os.listdir(where)) == ["f.0.csv", "f.1.csv"]
    assert [len(read(where / f"f.{i}.csv")) for i in range(2)] == [3, 6]


def test_refused_arguments(folder):
    for name in ("flows_per_file", "rotate_files"):
        for value in (-1, "many", 1.5, None):
            with raises(ValueError, name):
                NFStreamer(source=DEMO).to_csv(folder / "a.csv", **{name: value})
    for use in (lambda s, c: s.to_csv(folder / "a.csv", columns_to_anonymize=c), lambda s, c: s.to_pandas(c)):
        with raises(ValueError, "columns_to_anonymize"):
            use(NFStreamer(source=DEMO), 3)
    with raises(ValueError, "No such file"):
        NFStreamer(source=DEMO).to_csv(folder / "none" / "a.csv")
    with raises(OSError, "No such file"):
        NFStreamer(source=DEMO, udps=Mark()).to_csv(folder / "none" / "a.csv")


def test_no_flows(folder):
    """A header alone; NFStream leaves no file, which readers fall over. No flow, no DataFrame, as NFStream."""
    empty = write_capture(folder / "a.pcap", [])
    for options in ({}, {"udps": Mark()}, {"snaplen": 5}):
        streamer = NFStreamer(source=empty, **options)
        assert streamer.to_csv(folder / "a.csv") == 0 and len(read(folder / "a.csv")) == 1
        assert streamer.to_pandas() is None and list(streamer) == []


def test_pandas_values():
    """Every cell is the flow's attribute; texts that are empty are NaN, lists are their text, as from NFStream."""
    for options in ({}, {"snaplen": 65535}):
        for path in (DEMO, recorded("ipv6"), recorded("postgres")):
            frame = NFStreamer(source=path, **options, **FULL).to_pandas()
            flows = list(NFStreamer(source=path, **options, **FULL))
            assert list(frame.columns) == flows[0].keys() and len(frame) == len(flows)
            for name in frame.columns:
                for cell, flow in zip(frame[name], flows):
                    value = getattr(flow, name)
                    value = str(value) if isinstance(value, list) else value
                    assert cell == value or value == "" and cell != cell, (name, cell, value)


def test_pandas_types():
    frame = NFStreamer(source=DEMO, **FULL).to_pandas()
    kinds = {name: str(frame[name].dtype) for name in frame.columns}
    assert {kinds[name] for name in columns.STATISTICS} == {"int64", "float64"}
    assert {name for name, kind in kinds.items() if kind == "object"} == {
        "src_ip", "src_mac", "src_oui", "dst_ip", "dst_mac", "dst_oui", *columns.SPLT, "application_name",
        "application_category_name", "requested_server_name", "client_fingerprint", "server_fingerprint", "user_agent",
        "content_type"}, kinds
    frame = NFStreamer(source=recorded("tls12"), columns=["client_rtt_us"]).to_pandas()
    assert str(frame.client_rtt_us.dtype) in ("float64", "int64")


def test_pandas_with_plugins():
    plain, marked = (NFStreamer(source=DEMO, udps=plugin, **FULL).to_pandas() for plugin in (None, Mark()))
    pandas.testing.assert_frame_equal(marked[plain.columns], plain)
    assert list(marked.columns[-4:]) == ["udps.size", "udps.text", "udps.nothing", "udps.list"]
    assert marked["udps.nothing"].isna().all() and set(marked["udps.list"]) == {"[1, 2]"}
    assert str(marked["udps.size"].dtype) == "int64"


def test_plugins_that_differ_by_flow(folder):
    """DataFrames have every column; a file has those of its first flow, and says so."""
    class Late(NFPlugin):
        def on_expire(self, flow):
            setattr(flow.udps, "first" if flow.flow_id == 0 else "other", 1)

    frame = NFStreamer(source=DEMO, udps=Late()).to_pandas()
    assert int(frame["udps.first"].sum()) == 1 and int(frame["udps.other"].sum()) == 21
    with warns("udps.other is not in the file"):
        NFStreamer(source=DEMO, udps=Late()).to_csv(folder / "a.csv")
    rows = read(folder / "a.csv")
    assert rows[0][-1] == "udps.first" and [row[-1] for row in rows[1:]] == ["1"] + [""] * 21


def test_anonymised(folder):
    """The same flows with hidden addresses, by each way; equal values stay equal, the rest is as it was."""
    plain = NFStreamer(source=DEMO, **FULL).to_pandas()
    hidden = ["src_ip", "dst_ip", "src_mac"]
    NFStreamer(source=DEMO, **FULL).to_csv(folder / "a.csv", columns_to_anonymize=hidden)
    NFStreamer(source=DEMO, udps=Mark(), **FULL).to_csv(folder / "b.csv", columns_to_anonymize=hidden + ["udps.text"])
    frames = [NFStreamer(source=DEMO, **FULL).to_pandas(columns_to_anonymize=hidden),
              NFStreamer(source=DEMO, udps=Mark(), **FULL).to_pandas(columns_to_anonymize=hidden),
              pandas.read_csv(folder / "a.csv"), pandas.read_csv(folder / "b.csv")]
    for frame in frames:
        assert len(frame) == len(plain) == 22
        for name in hidden:
            assert all(re.fullmatch("[0-9a-f]{32}", each) for each in frame[name]), frame[name]
            assert list(pandas.factorize(frame[name])[0]) == list(pandas.factorize(plain[name])[0]), name
        rest = plain.columns.drop([*hidden, "src_oui"])
        pandas.testing.assert_frame_equal(frame[rest], plain[rest], rtol=1e-5)
    assert len({frame.src_ip[0] for frame in frames}) == 4  # another key each time
    assert re.fullmatch("[0-9a-f]{32}", frames[3]["udps.text"][0])


def test_anonymised_addresses_go_together(folder):
    """What would tell an address is hidden with it, as the command does."""
    streamer = NFStreamer(source=DEMO, snaplen=100, columns=["community_id"])
    streamer.to_csv(folder / "a.csv", ["src_ip"])
    for frame in (streamer.to_pandas(["src_ip"]), pandas.read_csv(folder / "a.csv")):
        assert set(hidden_in(frame)) == {"src_ip", "dst_ip", "ip_src", "ip_dst", "nfhash", "community_id"}


def hidden_in(frame):
    return [name for name in frame.columns if frame[name].map(lambda each: bool(re.fullmatch("[0-9a-f]{32}", str(each)))).all()]


def test_what_goes_together_is_the_command_s(folder):
    """For each column that is hidden alone: what is hidden with it here, and in the file that the library writes."""
    listed = subprocess.run([tap.WEIR, "fields"], capture_output=True, text=True, timeout=20).stdout.splitlines()
    names = [line.split()[0] for line in listed if line[:1].islower() and not re.match(OF_ELSEWHERE, line)]
    assert len(names) > 150 and "src_ip" in names, names
    streamer = NFStreamer(source=recorded("tls12"), snaplen=100, columns=names, bpf_filter="tcp", **FULL)

    def cells(*hidden):
        streamer.to_csv(folder / "a.csv", hidden)
        header, row = read(folder / "a.csv")
        return dict(zip(header, row))

    plain = cells()
    for name in plain.keys() - set(columns.STATISTICS):
        changed = [each for each, cell in cells(name).items() if cell != plain[each]]
        assert changed == [each for each in plain if columns.tells(each, name)], (name, changed)


def test_other_names_are_hidden_too(folder):
    """By the name of the other mode, and by that of a column that is not there but tells one that is."""
    for options, asked, hidden in (({}, ["first_seen"], ["bidirectional_first_seen_ms", "src2dst_first_seen_ms"]), ({}, ["ip_src"], ["src_ip", "dst_ip"]),
                                   ({"snaplen": 9}, ["ip_version"], ["version"])):
        for udps in (None, Mark()):
            streamer = NFStreamer(source=DEMO, udps=udps, **options)
            streamer.to_csv(folder / "a.csv", asked)
            for frame in (streamer.to_pandas(asked), pandas.read_csv(folder / "a.csv")):
                assert hidden_in(frame) == hidden, (asked, udps)


def test_columns_of_plugins_are_hidden(folder):
    """Those of the library's plugins, flow.udps and the attributes of 2019; where there is none it is told."""
    class size(NFPlugin):
        def process(self, packet, flow):
            flow.size += packet.length

    entropy = [f"plugin={tap.BUILD}/plugins/entropy.so"]
    for options, name in (({"settings": entropy}, "entropy_src2dst"), ({"settings": entropy, "udps": Mark()}, "entropy_src2dst"),
                          ({"settings": entropy, "udps": Mark()}, "udps.size"), ({"plugins": [size()]}, "size")):
        streamer = NFStreamer(source=DEMO, **options)
        assert streamer.to_csv(folder / "a.csv", [name]) == 22
        for frame in (streamer.to_pandas([name]), pandas.read_csv(folder / "a.csv")):
            assert hidden_in(frame) == [name], (options, name)
    for use in (lambda s: s.to_csv(folder / "a.csv", ["udps.x"]), lambda s: s.to_pandas(["udps.x"])):
        for options in ({}, {"settings": entropy}, {"udps": Mark()}):
            with warns("there is no column 'udps.x'"):
                use(NFStreamer(source=DEMO, **options))


def test_columns_of_the_library_s_plugins(folder):
    """Of every export, behind weir's own, with the same values whether Python plugins run beside them or not."""
    settings = [f"plugin={tap.BUILD}/plugins/{name}.so" for name in ("entropy", "mdns")]
    run = tap.run_weir("-r", DEMO, "--profile", "nfstream", *(word for each in settings for word in ("--plugin", each[7:])))
    rows = list(csv.reader(run.out.splitlines()))
    added = ["entropy_src2dst", "entropy_dst2src", "entropy_src2dst_bytes", "entropy_dst2src_bytes", "mdns_ptr", "mdns_queries"]
    assert rows[0][-6:] == added
    for udps, more in ((None, []), (Mark(), ["udps.size", "udps.text", "udps.nothing", "udps.list"])):
        streamer = NFStreamer(source=DEMO, udps=udps, settings=settings)
        flows = list(streamer)
        assert {tuple(flow.keys()) for flow in flows} == {(*rows[0], *more)}
        assert [flow.entropy_src2dst_bytes for flow in flows] == [int(row[-4]) for row in rows[1:]]
        assert all(abs(flow.entropy_src2dst - float(row[-6])) < 1e-6 for flow, row in zip(flows, rows[1:]))
        assert list(streamer.to_pandas().columns) == rows[0] + more
        for options in ({}, {"flows_per_file": 100}):
            streamer.to_csv(folder / "a.csv", **options)
            assert [row[len(rows[0]) - 6:len(rows[0])] for row in read(folder / ("a.0.csv" if options else "a.csv"))] == [
                row[-6:] for row in rows]


def test_unknown_columns_are_told(folder):
    with warns("there is no column 'no_such'"):
        frame = NFStreamer(source=DEMO).to_pandas(columns_to_anonymize=["no_such", "src_ip"])
    assert len(frame.src_ip[0]) == 32
    with warns("there is no column 'no_such'"):
        assert NFStreamer(source=DEMO).to_csv(folder / "a.csv", ["no_such"]) == 22


def test_odd_paths(folder):
    """Names with what has a meaning elsewhere."""
    for name in ("a b.csv", "a,b.csv", "a=b.csv", "100%Y.csv", "ü.csv", "a:b.csv", "plain"):
        assert NFStreamer(source=DEMO).to_csv(folder / name) == 22
        assert len(read(folder / name)) == 23, name
        copy = folder / f"{name}.pcap"
        copy.write_bytes(pathlib.Path(DEMO).read_bytes())
        assert len(list(NFStreamer(source=copy))) == 22, name


support.run(globals())
