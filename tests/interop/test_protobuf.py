#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every record as Protocol Buffers, read by protoc and by Google's library from `weir schema`, equals its JSON.

Runs under Debian's python3, which has the library.
"""
import json, pathlib, socket, subprocess, sys, threading

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import brokers, tap

DEMO = tap.TOP / "tests/pcaps/recorded/demo.pcap"
EVERYTHING = ["--profile", "all", "--stats", "--splt", "20", "--tcp-end", "--probe-name", "probe-ä"]


def weir(*args, program=tap.WEIR_SAN):
    return subprocess.run([str(program), *map(str, args)], capture_output=True, timeout=120)


def message_class(folder, *options):
    """What protoc and the library make of the schema."""
    done = weir("schema", "protobuf", *options)
    assert done.returncode == 0 and not done.stderr, done
    (folder / "weir.proto").write_bytes(done.stdout)
    subprocess.run(["protoc", f"-I{folder}", f"--descriptor_set_out={folder}/set", "weir.proto"], check=True, timeout=60)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorSet.FromString((folder / "set").read_bytes()).file[0])
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("weir.Flow"))


def delimited(data):
    """Messages with their length in front, as Java's parseDelimitedFrom() and ClickHouse read them."""
    at = 0
    while at < len(data):
        length = shift = 0
        while True:
            byte, at = data[at], at + 1
            length |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        assert at + length <= len(data), "the last message is cut"
        yield data[at:at + length]
        at += length


def parse(Flow, message):
    flow = Flow()
    assert flow.ParseFromString(message) == len(message)
    assert len(flow.UnknownFields()) == 0
    return flow


def same(value, text):
    if isinstance(value, float):
        return abs(value - text) <= 5.1e-7 + abs(value) * 1e-15
    if isinstance(text, list):
        return list(value) == text
    return str(value) == str(text)


def differences(flow, row):
    columns = {name.replace(".", "_"): value for name, value in row.items()}
    for field, _ in flow.ListFields():
        if field.name not in columns:
            yield f"{field.name} is no column"
    for name, value in columns.items():
        if value is None or (flow.DESCRIPTOR.fields_by_name[name].has_presence and not flow.HasField(name)):
            if value is not None or flow.HasField(name):
                yield f"{name}: only one of the two is absent"
        elif not same(getattr(flow, name), value):
            yield f"{name}: {getattr(flow, name)!r} is not {value!r}"


def compare(Flow, messages, rows):
    messages, rows = list(messages), list(rows)
    assert len(messages) == len(rows), (len(messages), len(rows))
    flows = [parse(Flow, m) for m in messages]
    wrong = [d for flow, row in zip(flows, rows) for d in differences(flow, row)]
    assert not wrong, "\n".join(wrong[:20])
    return flows


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def both(folder, Flow, captures, *options):
    """All captures to both formats in one run."""
    reads = [word for capture in captures for word in ("-r", capture)]
    done = weir("-q", *reads, *options, "-o", f"protobuf:{folder}/a.pb", "-o", f"json:{folder}/a.json")
    assert done.returncode == 0, done
    return compare(Flow, delimited((folder / "a.pb").read_bytes()), lines(folder / "a.json"))


def test_own_captures(folder):
    flows = both(folder, message_class(folder), tap.readable_captures(), *EVERYTHING, "--idle-timeout", "5")
    assert len(flows) > 300
    assert any(f.HasField("server_rtt_us") for f in flows) and not all(f.HasField("server_rtt_us") for f in flows)


def test_public_captures(folder):
    files = tap.shared_captures()
    if not files:
        return
    while (done := weir("-q", *(w for f in files for w in ("-r", f)), "-o", "json:/dev/null", program=tap.WEIR)).returncode:
        files.remove(pathlib.Path(done.stderr.decode().split(": ")[1]))  # of a link type that weir does not know
    flows = both(folder, message_class(folder), files, *EVERYTHING)
    assert len(flows) > 1000, len(flows)


def test_nfstream_columns(folder):
    """Names of a profile are names of fields."""
    flows = both(folder, message_class(folder), [DEMO], "--profile", "nfstream", "--stats")
    assert sum(f.bidirectional_packets for f in flows) == 242 and not any(f.total_packets for f in flows)


def test_protoc_decodes(folder):
    """protoc alone, without any code: one record, whole."""
    message_class(folder)
    out = weir("-q", "-r", DEMO, "--fields", "src_ip,dst_port,expiration_id,first_seen,application_name,splt_ps,client_rtt_us",
               "--splt", "3", "-o", "protobuf:-", "--stop-after", "2").stdout
    json_out = weir("-q", "-r", DEMO, "--fields", "src_ip,dst_port,first_seen,application_name,splt_ps", "--splt", "3", "-o", "json",
                    "--stop-after", "2").stdout
    for message, line in zip(delimited(out), json_out.splitlines()):
        done = subprocess.run(["protoc", f"-I{folder}", "--decode", "weir.Flow", "weir.proto"], input=message, capture_output=True,
                              timeout=60)
        row = json.loads(line)
        wanted = [f'src_ip: "{row["src_ip"]}"', f"dst_port: {row['dst_port']}", f"first_seen: {row['first_seen']}",
                  f'application_name: "{row["application_name"]}"', *(f"splt_ps: {n}" for n in row["splt_ps"])]
        assert done.returncode == 0 and sorted(done.stdout.decode().splitlines()) == sorted(wanted), done


def test_plugin_columns(folder):
    plugin = "--plugin", f"{tap.BUILD}/plugins-san/entropy.so"
    Flow = message_class(folder, *plugin)
    added = [f.name for f in Flow.DESCRIPTOR.fields if f.number >= 16384]
    flows = both(folder, Flow, [DEMO], *plugin)
    assert added and any(getattr(f, name) for f in flows for name in added), added


def test_hidden_columns(folder):
    """Texts hold the hash; numbers, which have no room for it, are left out."""
    Flow = message_class(folder)
    weir("-q", "-r", DEMO, "--fields", "src_ip,src_port,dst_port,src_mac", "--anonymize", "src_ip,src_port,src_mac", "-o",
         f"protobuf:{folder}/a.pb", "-o", f"json:{folder}/a.json")
    rows = lines(folder / "a.json")
    assert all(len(row[name]) == 32 for row in rows for name in ("src_ip", "src_port", "src_mac"))
    flows = compare(Flow, delimited((folder / "a.pb").read_bytes()), [{**row, "src_port": 0} for row in rows])
    assert len(flows) == 22


def test_kafka(folder):
    """A message is one record alone."""
    Flow = message_class(folder)
    with brokers.Brokers(1) as cluster:
        done = weir("-q", "-r", DEMO, *EVERYTHING, "-o", f"protobuf:kafka://{cluster.address}/flows", "-o",
                    f"json:kafka://{cluster.address}/twin")
        assert done.returncode == 0, done
        flows = {f.flow_id: (key, f) for key, value in cluster.read("flows") for f in [parse(Flow, value)]}
        rows = {row["flow_id"]: (key, row) for key, value in cluster.read("twin") for row in [json.loads(value)]}
    assert len(flows) == len(rows) == 22 and flows.keys() == rows.keys()
    wrong = [d for i, (key, flow) in flows.items() for d in differences(flow, rows[i][1])]
    assert not wrong, wrong[:20]
    assert all(key == rows[i][0] == flow.community_id for i, (key, flow) in flows.items())
    assert len({(f.probe, f.run_id) for _, f in flows.values()}) == 1 and len(flows[0][1].run_id) == 16


def test_tcp(folder):
    """A stream of messages over a connection, whole."""
    Flow, received = message_class(folder), []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)

        def take():
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(65536):
                    received.append(data)

        thread = threading.Thread(target=take)
        thread.start()
        done = weir("-q", "-r", DEMO, "-o", f"protobuf:tcp://127.0.0.1:{server.getsockname()[1]}", "-o", f"json:{folder}/a.json")
        thread.join(60)
    assert done.returncode == 0, done
    compare(Flow, delimited(b"".join(received)), lines(folder / "a.json"))


def test_refused():
    for target, words in (("http://h/", "http takes lines"), ("syslog:", "syslog takes lines")):
        done = weir("-q", "-r", DEMO, "-o", f"protobuf:{target}")
        assert done.returncode == 2 and words in done.stderr.decode() and done.stderr.count(b"\n") == 1, done
    for args, words in (((), "no schema of that name"), (("avro",), "give weir schema protobuf, ecs or ocsf"), (("protobuf", "x"), '"x" is none')):
        done = weir("schema", *args)
        assert done.returncode == 2 and words in done.stderr.decode() and done.stderr.count(b"\n") == 1, done


def main():
    tap.run_tests(globals(), "protobuf")
    tap.finish()


main()
