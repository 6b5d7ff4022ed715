#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--names: every document of every capture has only fields that its schema has, of their types, and the values of plain JSON."""
import datetime, ipaddress, json, pathlib, re, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

DEMO = tap.TOP / "tests/pcaps/recorded/demo.pcap"
COLUMNS = ["--profile", "all", "--stats", "--splt", "4", "--idle-timeout", "5"]

# Types of the fields that weir writes, by hand from https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html
ECS = """
date: @timestamp event.start event.end
keyword: ecs.version event.dataset event.id event.kind event.module event.reason http.response.mime_type network.application
 network.community_id network.iana_number network.protocol network.transport network.type network.vlan.id observer.name
 observer.product observer.type observer.version observer.egress.interface.id observer.egress.interface.name
 observer.ingress.interface.id observer.ingress.interface.name source.mac destination.mac tls.client.ja3 tls.client.server_name
 tls.server.ja3s tls.version tls.version_protocol url.original user_agent.original source.geo.city_name
 source.geo.country_iso_code source.as.organization.name destination.geo.city_name destination.geo.country_iso_code
 destination.as.organization.name
keywords: event.category event.type
long: event.duration event.sequence network.bytes network.packets source.bytes source.packets source.port source.as.number
 destination.bytes destination.packets destination.port destination.as.number
ip: source.ip destination.ip
"""
# And from https://schema.ocsf.io/1.4.0/classes/network_activity and the objects that it names.
OCSF = """
integer: activity_id category_uid class_uid connection_info.direction_id connection_info.protocol_num
 connection_info.protocol_ver_id connection_info.tcp_flags severity_id tls.ja3_hash.algorithm_id tls.ja3s_hash.algorithm_id
long: type_uid src_endpoint.autonomous_system.number dst_endpoint.autonomous_system.number duration traffic.bytes traffic.bytes_in traffic.bytes_out traffic.packets traffic.packets_in traffic.packets_out
time: time start_time end_time
string: activity_name app_name category_name class_name connection_info.community_uid connection_info.protocol_name
 connection_info.uid metadata.log_provider metadata.product.name metadata.product.vendor_name metadata.product.version
 metadata.uid metadata.version status_detail type_name url.url_string tls.sni tls.version tls.ja3_hash.algorithm
 tls.ja3_hash.value tls.ja3s_hash.algorithm tls.ja3s_hash.value src_endpoint.location.country src_endpoint.location.city
 src_endpoint.autonomous_system.name dst_endpoint.location.country dst_endpoint.location.city dst_endpoint.autonomous_system.name
ip: src_endpoint.ip dst_endpoint.ip
mac: src_endpoint.mac dst_endpoint.mac
port: src_endpoint.port dst_endpoint.port
list: ja4_fingerprint_list
"""
REQUIRED = {"ecs": {"@timestamp", "ecs.version", "event.kind", "event.category", "event.type"},
            "ocsf": {"activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata.version",
                     "metadata.product.vendor_name", "connection_info.direction_id"}}


def is_iso(value):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", value) is not None


def is_ip(value):
    return str(ipaddress.ip_address(value)) == value


def whole(value, most):
    return type(value) is int and 0 <= value <= most


CHECKS = {
    "date": is_iso, "keyword": lambda v: type(v) is str and v != "", "keywords": lambda v: v and all(type(x) is str for x in v),
    "long": lambda v: whole(v, 2**63 - 1), "ip": is_ip, "integer": lambda v: whole(v, 2**31 - 1),
    "time": lambda v: whole(v, 2**63 - 1), "string": lambda v: type(v) is str and v != "",
    "mac": lambda v: re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", v) is not None, "port": lambda v: whole(v, 65535),
    "list": lambda v: [set(x) for x in v] == [{"type", "type_id", "value"}],
}


def types_of(table):
    return {name: kind for kind, names in re.findall(r"(\w+):((?:(?!\w+: ).)*)", table, re.S) for name in names.split()}


TYPES = {"ecs": types_of(ECS), "ocsf": types_of(OCSF)}
REST = {"ecs": "weir", "ocsf": "unmapped"}


def no_duplicates(pairs):
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def flat(value, path=""):
    """(path, value) of what is no object."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            assert inner, f"{path}{name} is empty"
            yield from flat(inner, f"{path}{name}.")
        else:
            yield path + name, inner


def documents(folder, names, captures):
    """[(document as paths, plain record)]; both of the same run of packets."""
    reads = [word for capture in captures for word in ("-r", str(capture))]
    for schema in ("plain", names):
        done = subprocess.run([str(tap.WEIR_SAN), "-q", *reads, *COLUMNS, "--names", schema, "-o",
                               f"json:{folder}/{schema}.json"], capture_output=True, timeout=120)
        assert done.returncode == 0, done
    docs = [json.loads(line, object_pairs_hook=no_duplicates) for line in (folder / f"{names}.json").read_text().splitlines()]
    plain = [json.loads(line) for line in (folder / "plain.json").read_text().splitlines()]
    assert len(docs) == len(plain)
    for record in plain:
        record.update({name: int(record[name]) for name in ("first_seen_ns", "last_seen_ns")})  # past 2^53 a string
    return [(dict(flat(doc)), record) for doc, record in zip(docs, plain)]


def wrong_types(names, doc):
    for path, value in doc.items():
        if path.startswith(REST[names] + "."):
            if value is None or value == "":
                yield f"{path}: empty"
        elif path not in TYPES[names]:
            yield f"{path} is no field"
        elif not CHECKS[TYPES[names][path]](value):
            yield f"{path}: {value!r} is no {TYPES[names][path]}"
    yield from (f"{path} is missing" for path in REQUIRED[names] - doc.keys())


def iso(ns):
    second = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc)
    return second.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns % 10**9:09d}Z"


def compare_ecs(doc, r):
    version = re.fullmatch(r"(D?TLS|SSL)v([\d.]+)", r["tls_version"] or "")
    name = r["application_name"].lower()
    wanted = {
        "@timestamp": iso(r["last_seen_ns"]), "event.start": iso(r["first_seen_ns"]), "event.end": iso(r["last_seen_ns"]),
        "event.duration": r["last_seen_ns"] - r["first_seen_ns"], "event.sequence": r["flow_id"],
        "network.iana_number": str(r["protocol"]), "network.type": f"ipv{r['version']}",
        "network.transport": {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 33: "dccp", 50: "esp", 58: "ipv6-icmp", 132: "sctp",
                              136: "udplite"}.get(r["protocol"], doc.get("network.transport")),
        "network.protocol": None if name == "unknown" else name.split(".")[0],
        "network.application": name.partition(".")[2] or None,
        "network.community_id": r["community_id"] or None, "network.bytes": r["total_bytes"], "network.packets": r["total_packets"],
        "network.vlan.id": str(r["vlan_id"]) if r["vlan_id"] else None, "observer.name": r["probe"],
        "tls.client.ja3": r["j3a_client"] or None, "tls.server.ja3s": r["j3a_server"] or None,
        "tls.version": version and version[2], "tls.version_protocol": version and version[1].lower(),
        "tls.client.server_name": (r["requested_server_name"] or None) if version or r["j3a_client"] else None,
        "event.type": ["connection"] if r["flow_end_reason"] == 2 else ["connection", "end"],
    }
    for end, side, way in (("source", "src", "src2dst"), ("destination", "dst", "dst2src")):
        wanted |= {f"{end}.ip": r[f"{side}_ip"], f"{end}.port": r[f"{side}_port"], f"{end}.packets": r[f"{way}_packets"],
                   f"{end}.bytes": r[f"{way}_bytes"], f"{end}.mac": r[f"{side}_mac"].upper().replace(":", "-")}
    return [f"{path}: {doc.get(path)!r} is not {value!r}" for path, value in wanted.items() if doc.get(path) != value]


def compare_ocsf(doc, r):
    wanted = {
        "class_uid": 4001, "category_uid": 4, "type_uid": 400106, "activity_id": 6, "time": r["last_seen_ns"] // 10**6,
        "start_time": r["first_seen"], "end_time": r["last_seen"], "duration": r["duration"],
        "connection_info.protocol_num": r["protocol"], "connection_info.protocol_ver_id": r["version"],
        "connection_info.tcp_flags": r["src2dst_tcp_flags"] | r["dst2src_tcp_flags"], "connection_info.uid": str(r["flow_id"]),
        "connection_info.community_uid": r["community_id"] or None, "app_name": r["application_name"] or None,
        "traffic.bytes": r["total_bytes"], "traffic.packets": r["total_packets"], "traffic.bytes_out": r["src2dst_bytes"],
        "traffic.bytes_in": r["dst2src_bytes"], "traffic.packets_out": r["src2dst_packets"],
        "traffic.packets_in": r["dst2src_packets"], "src_endpoint.ip": r["src_ip"], "dst_endpoint.ip": r["dst_ip"],
        "src_endpoint.port": r["src_port"], "dst_endpoint.port": r["dst_port"], "src_endpoint.mac": r["src_mac"],
    }
    if any(path.startswith("tls.") for path in doc) != ("tls.version" in doc):
        return ["tls without a version"]
    return [f"{path}: {doc.get(path)!r} is not {value!r}" for path, value in wanted.items() if doc.get(path) != value]


def check_rest(names, doc, record):
    """What is under the rest is what plain JSON has."""
    for path, value in doc.items():
        column = path.removeprefix(REST[names] + ".")
        if column != path and str(record[column]) != str(value):
            yield f"{path}: {value!r} is not {record[column]!r}"


def check_all(folder, names, compare):
    wrong, seen = [], set()
    pairs = documents(folder, names, tap.readable_captures())
    for doc, record in pairs:
        wrong += [*wrong_types(names, doc), *compare(doc, record), *check_rest(names, doc, record)]
        seen |= doc.keys()
    assert not wrong, "\n".join(wrong[:10])
    assert len(pairs) > 300, len(pairs)
    return seen


def test_ecs(folder):
    seen = check_all(folder, "ecs", compare_ecs)
    assert {"tls.client.ja3", "tls.client.server_name", "network.application", "network.vlan.id"} <= seen, seen


def test_ocsf(folder):
    seen = check_all(folder, "ocsf", compare_ocsf)
    assert {"tls.ja3_hash.value", "tls.sni", "ja4_fingerprint_list"} <= seen, seen


def test_tables_agree():
    """`weir schema` shows what documents may have, and no more."""
    for names in ("ecs", "ocsf"):
        out = subprocess.run([str(tap.WEIR_SAN), "schema", names], capture_output=True, text=True, check=True, timeout=20).stdout
        paths = {line.split()[0] for line in out.splitlines()}
        known = {p for p in paths if not p.startswith(REST[names] + ".")}
        objects = {re.sub(r"(ja3s?_hash)\.\w+$", r"\1", p) for p in TYPES[names]}
        assert known == objects, known ^ objects


def test_other_formats_are_plain(folder):
    done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--names", "ecs", "--fields", "src_ip", "-o", f"csv:{folder}/a"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "--names: no output is json" in done.stderr, done
    assert (folder / "a").read_text().startswith("src_ip\n")


def test_default_columns_have_the_core():
    """Without --profile and --fields: endpoints, times and volumes are there."""
    out = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--names", "ecs", "-o", "json"], capture_output=True, check=True,
                         timeout=20).stdout
    for line in out.splitlines():
        assert {"source.ip", "destination.ip", "event.start", "network.bytes", "network.transport"} <= dict(flat(json.loads(line))).keys()


def main():
    tap.run_tests(globals(), "names")
    tap.finish()


main()
