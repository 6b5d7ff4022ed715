#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every flow of every capture, as IPFIX and NetFlow v9, read by others and compared with weir's CSV.

libfixbuf reads every value, by names that it learns from the messages; tshark what has an element of
IANA's; nfcapd with nfdump, and nfacctd, read both protocols over loopback in a network namespace. Each
capture is an observation domain of its own, so that one file holds them all.
"""
import csv, datetime, ipaddress, json, os, pathlib, re, signal, socket, struct, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

WRITE = tap.BUILD / "interop" / "ipfix_write"
FUZZED = tap.BUILD / "interop" / "ipfix_fuzzed"
READ = tap.BUILD / "interop" / "fixbuf_read"
COLUMNS = ["--profile", "all", "--stats", "--splt", "20", "--tcp-end", "--probe-name", "probe-ä"]
UNKNOWN = 2**64 - 1

# IANA's names, as libfixbuf has them, of what has no name of ours.
IANA = {
    "flowId": "flow_id", "flowEndReason": "flow_end_reason", "protocolIdentifier": "protocol", "ipVersion": "version",
    "sourceIPv4Address": "src_ip", "destinationIPv4Address": "dst_ip", "sourceIPv6Address": "src_ip",
    "destinationIPv6Address": "dst_ip", "sourceMacAddress": "src_mac", "destinationMacAddress": "dst_mac",
    "sourceTransportPort": "src_port", "destinationTransportPort": "dst_port", "vlanId": "vlan_id",
    "flowStartMilliseconds": "first_seen", "flowEndMilliseconds": "last_seen", "flowDurationMilliseconds": "duration",
    "flowStartNanoseconds": "first_seen_ns", "flowEndNanoseconds": "last_seen_ns",
    "applicationName": "application_name", "applicationCategoryName": "category_name",
    "httpUserAgent": "user_agent", "httpContentType": "content_type",
    "icmpTypeIPv4": "icmp_type", "icmpCodeIPv4": "icmp_code", "icmpTypeIPv6": "icmp_type", "icmpCodeIPv6": "icmp_code",
}
SIDES = {
    "octetDeltaCount": "bytes", "packetDeltaCount": "packets", "tcpControlBits": "tcp_flags", "ipClassOfService": "tos",
    "ipDiffServCodePoint": "dscp", "minimumTTL": "min_ttl", "maximumTTL": "max_ttl", "tcpSynTotalCount": "syn_packets",
    "tcpFinTotalCount": "fin_packets", "tcpRstTotalCount": "rst_packets", "tcpPshTotalCount": "psh_packets",
    "tcpAckTotalCount": "ack_packets", "tcpUrgTotalCount": "urg_packets",
}
for name, column in SIDES.items():
    IANA[name] = "src2dst_" + column
    IANA["reverse" + name[0].upper() + name[1:]] = "dst2src_" + column
# What no column is, and columns that are another one in another form.
EXTRA = {"template", "domain", "applicationId", "biflowDirection", "icmpTypeCodeIPv4", "icmpTypeCodeIPv6"}
SAME = {"ip_src", "ip_dst"}


def captures():
    own = tap.TOP / "tests" / "pcaps"
    files = [p for d in ("recorded", "crafted") for p in sorted((own / d).glob("*.pcap*"))]
    return files + [p for p in tap.shared_captures() if p.suffix != ".md"]


def write(d, protocol, form, files, *options):
    """(file, rows of the CSV, what the program said)."""
    out, table = d / f"{protocol}-{form}", d / f"{protocol}-{form}.csv"
    done = subprocess.run([WRITE, protocol, form, out, table, *COLUMNS, *options, "--", *files], capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with open(table, newline="", encoding="utf-8", errors="surrogateescape") as f:
        rows = list(csv.DictReader(f))
    assert int(done.stdout) == len(rows), (done.stdout, len(rows))
    return out, rows, done.stderr


def as_utf8(text):
    """Bytes that are not UTF-8 as U+FFFD each."""
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


def equal(value, text):
    """Whether what was decoded is what the CSV shows."""
    if isinstance(value, list):
        wanted = [int(x) for x in text.strip("[]").split(",") if x.strip()]
        return value + [-1] * (len(wanted) - len(value)) == wanted
    if value == UNKNOWN and text == "":
        return True
    if isinstance(value, str):
        return value == as_utf8(text)
    if isinstance(value, float) or "." in text:
        return abs(float(text) - value) <= 5.1e-7 + abs(value) * 1e-15
    return str(value) == text


# --- libfixbuf ------------------------------------------------------------------------------------

def read_with_fixbuf(path):
    """Data records, in order; raises when libfixbuf complains."""
    done = subprocess.run([READ, path], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def differences(record, row):
    seen = {"domain"}
    for name, value in record.items():
        if name in EXTRA:
            continue
        column = IANA.get(name, name)
        seen.add(column)
        if column not in row:
            yield f"{name} is no column"
        elif column.endswith("_ip"):
            if ipaddress.ip_address(value) != ipaddress.ip_address(row[column]):
                yield f"{column}: {value} is not {row[column]}"
        elif not equal(value, row[column]):
            yield f"{column}: {value!r} is not {row[column]!r}"
    missing = set(row) - seen - SAME
    if row["protocol"] not in ("1", "58"):
        missing -= {"icmp_type", "icmp_code"}
    if missing:
        yield f"missing: {sorted(missing)}"


def compare_fixbuf(path, rows):
    flows = [r for r in read_with_fixbuf(path) if r["template"] < 260]
    if len(flows) != len(rows):
        return [f"{len(flows)} records of {len(rows)} flows"]
    wrong = []
    for i, (record, row) in enumerate(zip(flows, rows)):
        if str(record["domain"]) != row["domain"]:
            wrong.append(f"flow {i}: domain {record['domain']}")
        wrong += [f"flow {i}: {d}" for d in differences(record, row)]
    return wrong


def test_fixbuf(d, files):
    path, rows, said = write(d, "ipfix", "file", files)
    assert said == "", said
    wrong = compare_fixbuf(path, rows)
    tap.report(not wrong, f"libfixbuf reads {len(rows)} flows of {len(files)} captures from a file", "\n".join(wrong))
    return path, rows


def payloads(path):
    """Of the datagrams in a capture of ours."""
    data = path.read_bytes()[24:]
    while data:
        length = struct.unpack_from("<I", data, 8)[0]
        yield data[16 + 28:16 + length]
        data = data[16 + length:]


def test_names(d):
    """Without --fields and --profile IPFIX has what names a record in a fleet."""
    for name in "ab":
        run = tap.run_weir("-r", tap.TOP / "tests/pcaps/recorded/demo.pcap", "-o", f"ipfix:{d}/{name}", "--probe-name", name)
        assert run.status == 0, run.err
    names = {n: [(r["probe"], r["run_id"], r["flowId"]) for r in read_with_fixbuf(d / n) if r["template"] < 260] for n in "ab"}
    good = all({n for n, _, _ in names[n]} == {n} and len({run for _, run, _ in names[n]}) == 1 and
               sorted(f for _, _, f in names[n]) == list(range(22)) for n in "ab")
    tap.report(good and names["a"][0][1] != names["b"][0][1], "records of IPFIX are named", str(names))


def test_fixbuf_datagrams(d, files):
    """(the datagrams as a capture, rows)"""
    datagrams, rows, said = write(d, "ipfix", "pcap", files, "--ipfix-mtu", "1200")
    path = d / "ipfix-datagrams"
    path.write_bytes(b"".join(payloads(datagrams)))
    wrong = compare_fixbuf(path, rows)
    tap.report(not wrong and said == "", f"libfixbuf reads {len(rows)} flows from datagrams", "\n".join(wrong) + said)
    wrong = check_messages(path, 1200)
    tap.report(not wrong, "datagrams: sizes, sequence numbers, templates first", "\n".join(wrong))
    return datagrams, rows


def test_applications(path, rows):
    """The options name every number that a record has."""
    names, wrong, numbers = {}, [], set()
    flows = iter(rows)
    for r in read_with_fixbuf(path):
        if r["template"] == 260:
            names[r["domain"], r["applicationId"]] = r["applicationName"]
        elif r["template"] < 260:
            row = next(flows)
            numbers.add(r["applicationId"])
            told = names.get((r["domain"], r["applicationId"]))
            number = (int(row["master_protocol"]) << 12 | int(row["app_protocol"])).to_bytes(3, "big").hex(":")
            if told != row["application_name"] or r["applicationId"] != "06:" + number:
                wrong.append(f"{r['applicationId']}: {told} is not {row['application_name']}")
    tap.report(not wrong and len(numbers) > 20, f"options name the {len(numbers)} applications", "\n".join(wrong))


# --- a look at the bytes ----------------------------------------------------------------------------

def messages(data):
    while data:
        length = struct.unpack_from("!H", data, 2)[0]
        yield data[:length]
        data = data[length:]


def sets_of(message):
    at = 16
    while at < len(message):
        number, length = struct.unpack_from("!HH", message, at)
        assert length > 4 and at + length <= len(message), (at, length)
        yield number, message[at + 4:at + length]
        at += length


def templates_of(number, body):
    """(number, lengths of its fields) of each template in a set."""
    at = 0
    while at < len(body):
        template, count = struct.unpack_from("!HH", body, at)
        at += 4 if number == 2 else 6
        lengths = []
        for _ in range(count):
            lengths.append(struct.unpack_from("!H", body, at + 2)[0])
            at += 8 if body[at] & 0x80 else 4
        yield template, lengths


def count_records(body, lengths):
    at = count = 0
    while at < len(body):
        for length in lengths:
            if length == 65535:
                length, at = body[at], at + 1
                if length == 255:
                    length, at = struct.unpack_from("!H", body, at)[0], at + 2
            at += length
        count += 1
    assert at == len(body), (at, len(body))
    return count


def check_messages(path, most):
    """What RFC 7011 says of messages. One that is longer than most holds one record or template."""
    wrong, known, expected = [], {}, {}
    for message in messages(path.read_bytes()):
        version, length, _, sequence, domain = struct.unpack_from("!HHIII", message)
        held = counted = 0
        for number, body in sets_of(message):
            if number in (2, 3):
                found = dict(templates_of(number, body))
                known.setdefault(domain, {}).update(found)
                held += len(found)
            elif number not in known.get(domain, ()):
                wrong.append(f"domain {domain}: set {number} before its template")
            else:
                counted += count_records(body, known[domain][number])
        if version != 10 or (length > most and held + counted > 1):
            wrong.append(f"domain {domain}: version {version}, {length} bytes with {held} templates, {counted} records")
        if sequence != expected.get(domain, 0):
            wrong.append(f"domain {domain}: sequence {sequence}, not {expected.get(domain, 0)}")
        expected[domain] = expected.get(domain, 0) + counted
    return wrong


# --- tshark -----------------------------------------------------------------------------------------

# Fields, and the columns that are that field in a record, in their order.
TSHARK = {
    "cflow.srcport": ["src_port"], "cflow.dstport": ["dst_port"], "cflow.protocol": ["protocol"],
    "cflow.ip_version": ["version"], "cflow.vlanid": ["vlan_id"], "cflow.srcmac": ["src_mac"],
    "cflow.dstmac": ["dst_mac"],
    "cflow.flow_end_reason": ["flow_end_reason"], "cflow.flow_id": ["flow_id"],
    "cflow.octets": ["dst2src_bytes", "src2dst_bytes"], "cflow.packets": ["dst2src_packets", "src2dst_packets"],
    "cflow.tcpflags": ["dst2src_tcp_flags", "src2dst_tcp_flags"], "cflow.tos": ["dst2src_tos", "src2dst_tos"],
    "cflow.ip_dscp": ["dst2src_dscp", "src2dst_dscp"], "cflow.ttl_min": ["dst2src_min_ttl", "src2dst_min_ttl"],
    "cflow.ttl_max": ["dst2src_max_ttl", "src2dst_max_ttl"],
    "cflow.total_tcp_syn": ["dst2src_syn_packets", "src2dst_syn_packets"],
    "cflow.total_tcp_fin": ["dst2src_fin_packets", "src2dst_fin_packets"],
    "cflow.abstimestart": ["first_seen", "first_seen_ns"], "cflow.abstimeend": ["last_seen", "last_seen_ns"],
    "cflow.biflow_direction": ["="],
}
# One direction a record: columns of the source's packets, then of the destination's.
MIRRORED = {
    "cflow.srcport": "src_port", "cflow.dstport": "dst_port", "cflow.protocol": "protocol", "cflow.srcmac": "src_mac",
    "cflow.dstmac": "dst_mac", "cflow.octets": "src2dst_bytes", "cflow.packets": "src2dst_packets",
    "cflow.tcpflags": "src2dst_tcp_flags", "cflow.ttl_min": "src2dst_min_ttl",
    "cflow.flow_end_reason": "flow_end_reason", "cflow.total_tcp_ack": "src2dst_ack_packets",
}


def frames(path, fields):
    """The lists of the fields' values, frame by frame."""
    command = ["tshark", "-n", "-r", path, "-d", "udp.port==2055,cflow", "-o", "cflow.max_template_fields:0",
               "-T", "fields", "-E", "aggregator=|", *[x for f in fields for x in ("-e", f)]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ, TZ="UTC"))
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        yield [[v for v in values.split("|") if v] for values in line.split("\t")]


def tshark(path, fields):
    """{field: its values in the order of the file}."""
    doubts = ["_ws.malformed", "_ws.expert.message"]
    out = {f: [] for f in [*fields, *doubts]}
    for frame in frames(path, out):
        for f, values in zip(out, frame):
            out[f] += values
    assert not any(out[f] for f in doubts), [out[f][:3] for f in doubts]
    return out


def as_number(text):
    """tshark's 0x1f and times, as numbers; times in ns."""
    match = re.match(r"(.* \d\d:\d\d:\d\d)\.(\d{9}) UTC$", text)
    if match:
        seconds = datetime.datetime.strptime(match[1] + " +0000", "%b %d, %Y %H:%M:%S %z").timestamp()
        return str(int(seconds) * 10**9 + int(match[2]))
    return str(int(text, 16)) if text.startswith("0x") else text


def in_ns(column, value):
    return str(int(value) * 10**6) if column in ("first_seen", "last_seen") else value


def compare_lists(found, wanted):
    wrong = []
    for field, values in wanted.items():
        got = [as_number(v) for v in found[field]]
        if got != values:
            at = next((i for i, (a, b) in enumerate(zip(got, values)) if a != b), min(len(got), len(values)))
            wrong.append(f"{field}: {len(got)} of {len(values)}; {at}: {got[at:at + 1]} is not {values[at:at + 1]}")
    return wrong


def test_tshark(path, rows):
    found = tshark(path, [*TSHARK, "cflow.srcaddr", "cflow.dstaddrv6", "cflow.icmp_ipv6_type"])
    wanted = {f: ["1" if c == "=" else in_ns(c, r[c]) for r in rows for c in columns] for f, columns in TSHARK.items()}
    wanted["cflow.srcaddr"] = [r["src_ip"] for r in rows if r["version"] == "4"]
    wanted["cflow.dstaddrv6"] = [r["dst_ip"] for r in rows if r["version"] == "6"]
    # of elements 178 and 139
    wanted["cflow.icmp_ipv6_type"] = [t for r in rows if r["protocol"] == "58" and r["version"] == "6"
                                      for t in (r["icmp_type"], r["icmp_type"])]
    wrong = compare_lists(found, wanted)
    tap.report(not wrong, f"tshark reads {len(rows)} flows by IANA's elements", "\n".join(wrong))


def mirror(column):
    return re.sub("src|dst", lambda m: "dst" if m[0] == "src" else "src", column)


def directions(rows):
    """What NetFlow v9 has as records: (row, whether it is the destination's)."""
    for row in rows:
        for reverse in (False, True):
            if row["dst2src_packets" if reverse else "src2dst_packets"] != "0":
                yield row, reverse


def test_tshark_netflow9(path, rows):
    found = tshark(path, [*MIRRORED, "cflow.srcaddr"])
    both = list(directions(rows))
    wanted = {f: [r[mirror(c) if reverse else c] for r, reverse in both] for f, c in MIRRORED.items()}
    wanted["cflow.srcaddr"] = [r["dst_ip" if reverse else "src_ip"] for r, reverse in both if r["version"] == "4"]
    wrong = compare_lists(found, wanted)
    tap.report(not wrong, f"tshark reads {len(both)} directions of {len(rows)} flows as NetFlow v9", "\n".join(wrong))


def test_uptime(path, rows):
    """Elements 21 and 22 with the header's two clocks give the times, but for crafted ones near 1970."""
    flows, wrong, compared = directions(rows), [], 0
    fields = ["cflow.sysuptime", "cflow.unix_secs", "cflow.srcport", "cflow.timestart", "cflow.timeend"]
    for uptime, seconds, ports, *switched in frames(path, fields):
        here = [next(flows) for _ in ports]
        wanted = [[r[("dst2src" if reverse else "src2dst") + end] for r, reverse in here] for end in ("_first_seen_ms", "_last_seen_ms")]
        up = round(float(uptime[0]) * 1000)
        if not 0 < up < 2**32 - 1 or any(len(times) != len(here) for times in switched):
            continue
        found = [[str(int(seconds[0]) * 1000 - up + round(float(t) * 1000)) for t in times] for times in switched]
        wrong += [f"{f} is not {w}" for f, w in zip(found, wanted) if f != w]
        # pmacct takes what is after the header's time for a wrap
        wrong += [f"{t} after {uptime[0]}" for times in switched for t in times if float(t) > float(uptime[0])]
        compared += len(here)
    tap.report(not wrong and compared > 0.97 * len(list(directions(rows))),
               f"NetFlow v9's uptime tells start and end of {compared} directions", "\n".join(wrong))


# --- records of any kind ----------------------------------------------------------------------------

def fuzzed(d, protocol, runs=60, seed=1):
    """(file, data records in it)"""
    out = d / f"fuzzed-{protocol}"
    done = subprocess.run([FUZZED, protocol, out, str(seed), str(runs)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return out, int(done.stdout)


def test_fuzzed(d):
    path, wanted = fuzzed(d, "ipfix")
    records = [r for r in read_with_fixbuf(path) if r["template"] < 260]
    wrong = [] if len(records) == wanted > 1000 else [f"{len(records)} of {wanted}"]
    tap.report(not wrong, f"libfixbuf decodes {len(records)} records of any kind", "\n".join(wrong))
    reasons = [str(r["flowEndReason"]) for r in records]
    found = tshark(path, ["cflow.flow_end_reason"])["cflow.flow_end_reason"]
    tap.report(found == reasons, f"tshark decodes {len(found)} records of any kind", f"{len(found)} of {len(reasons)}")
    path, wanted = fuzzed(d, "netflow9")
    found = tshark(path, ["cflow.flow_end_reason"])["cflow.flow_end_reason"]
    tap.report(len(found) == wanted > 1000, f"tshark decodes {len(found)} records of any kind as NetFlow v9", f"{len(found)} of {wanted}")


# --- collectors -------------------------------------------------------------------------------------

# Sends the payloads of a capture, no faster than the collector reads them; nothing may be lost on the way.
SENDER = """
import socket, struct, sys, time
def collector():
    return next(f for f in (line.split() for line in open("/proc/net/udp").readlines()[1:]) if f[1].endswith(":270B"))
def wait(most):
    while int(collector()[4].split(":")[1], 16) > most:
        time.sleep(0.001)
data = open(sys.argv[1], "rb").read()[24:]
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while data:
    length = struct.unpack_from("<I", data, 8)[0]
    out.sendto(data[16 + 28:16 + length], ("127.0.0.1", 9995))
    data = data[16 + length:]
    wait(60000)
wait(0)
sys.exit(collector()[12] != "0")
"""


def collect(path, command, end, is_ready=lambda: True):
    """What the collector said, which in a network namespace with nothing else had all of the datagrams at port 9995."""
    name = f"weir-nf-{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        collector = subprocess.Popen([*inside, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                     env=dict(os.environ, TZ="UTC"))
        try:
            await_collector(inside, collector, is_ready)
            subprocess.run([*inside, sys.executable, "-c", SENDER, path], check=True, timeout=60)
            time.sleep(0.5)
            collector.send_signal(end)
            return collector.communicate(timeout=30)[0]
        finally:
            if collector.poll() is None:
                collector.kill()
                collector.wait()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def await_collector(inside, collector, is_ready):
    end = time.monotonic() + 20
    while (":270B" not in subprocess.run([*inside, "cat", "/proc/net/udp"], capture_output=True, text=True).stdout
           or not is_ready()):
        assert time.monotonic() < end and collector.poll() is None, "the collector does not listen"
        time.sleep(0.05)


def with_namespace(name):
    if os.geteuid():
        tap.skip(name, "needs root for a network namespace")
    return not os.geteuid()


# --- nfdump -----------------------------------------------------------------------------------------

NFDUMP = "%ts|%te|%pr|%sa|%sp|%da|%dp|%flg|%pkt|%byt|%opkt|%obyt|%svln"


def nfdump(into, form):
    done = subprocess.run(["nfdump", "-6", "-q", "-N", "-R", into, "-o", form], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, TZ="UTC"))
    return done.stdout.splitlines()


def nfdump_time(ms):
    at = datetime.datetime.fromtimestamp(int(ms) // 1000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{int(ms) % 1000:03}"


def nfdump_flags(value):
    return "".join(letter if int(value) >> bit & 1 else "." for bit, letter in
                   ((7, "C"), (6, "E"), (5, "U"), (4, "A"), (3, "P"), (2, "R"), (1, "S"), (0, "F")))


def as_nfdump(row, reverse, both):
    """The row that nfdump should show: the flow, or one direction of it."""
    way, back = ("dst", "src") if reverse else ("src", "dst")
    first, last = (row["first_seen"], row["last_seen"]) if both else (
        row[f"{way}2{back}_first_seen_ms"], row[f"{way}2{back}_last_seen_ms"])
    icmp = row["protocol"] == ("1" if row["version"] == "4" else "58")
    return [nfdump_time(first), nfdump_time(last), row["protocol"], row[way + "_ip"], row[way + "_port"],
            row[back + "_ip"], f"{row['icmp_type']}.{row['icmp_code']}" if icmp else row[back + "_port"],
            nfdump_flags(row[f"{way}2{back}_tcp_flags"]), row[f"{way}2{back}_packets"], row[f"{way}2{back}_bytes"],
            row["dst2src_packets"] if both else "0", row["dst2src_bytes"] if both else "0", row["vlan_id"]]


def test_nfdump(d, path, rows, protocol):
    name = f"nfcapd and nfdump read {{}} of {len(rows)} flows as {protocol}"
    if not with_namespace(name.format("records")):
        return
    into = d / f"nfcapd-{path.name}"
    into.mkdir()
    said = collect(path, ["nfcapd", "-b", "127.0.0.1", "-p", "9995", "-w", into, "-B", "8000000"], signal.SIGTERM)
    both = protocol == "IPFIX"
    records = [(r, False) for r in rows] if both else list(directions(rows))
    found = [[v.strip() for v in line.split("|")] for line in nfdump(into, "fmt:" + NFDUMP) if "|" in line]
    wanted = [as_nfdump(*r, both) for r in records]
    wrong = [f"{f} is not {w}" for f, w in zip(found, wanted) if f != w]
    # only this form has them, and of NetFlow v9 nfdump takes none
    reasons = [int(line.split("0x")[1][:2], 16) for line in nfdump(into, "raw") if line.strip().startswith("end reason")]
    ends = [int(r["flow_end_reason"]) for r, _ in records if both]
    wrong += [f"end reason {f} is not {w}" for f, w in zip(reasons, ends) if f != w]
    if len(found) != len(wanted) or len(reasons) != len(ends):
        wrong.append(f"{len(found)}, {len(reasons)} of {len(wanted)}: {said[-300:]}")
    tap.report(not wrong, name.format(len(found)), "\n".join(wrong))


# --- nfacctd ----------------------------------------------------------------------------------------

NFACCTD = """
daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: 9995
nfacctd_pipe_size: 8000000
logfile: {d}/nfacctd.log
timestamps_utc: true
aggregate_primitives: {d}/primitives
plugins: print[a]
aggregate[a]: src_host, dst_host, src_port, dst_port, proto, tcpflags, vlan, timestamp_start, timestamp_end, {more}
print_output[a]: json
print_output_file[a]: {d}/nfacctd.json
print_refresh_time[a]: 600
print_cache_entries[a]: 65536
plugin_pipe_size: 64000000
plugin_buffer_size: 640000
"""
PRIMITIVES = {"flow_end_reason": (136, 1), "src2dst_min_ttl": (52, 1), "src2dst_max_ttl": (53, 1)}
BIFLOW = {"dst2src_packets": ("29305:2", 8), "dst2src_bytes": ("29305:1", 8), "flow_id": (148, 8)}
NO_TIME = ("", "")


def nfacctd_time(ms, whole):
    """pmacct cuts NetFlow v9's uptimes, which count backwards from the header's second, to seconds."""
    at = int(ms) if not whole else -(-int(ms) // 1000) * 1000
    return nfdump_time(at) + "000"


def nfacctd_times(first, last, whole):
    """pmacct takes second 0 of 1970 for no time."""
    return NO_TIME if int(first) < 1000 else (nfacctd_time(first, whole), nfacctd_time(last, whole))


def as_nfacctd(row, reverse, both, more):
    """(what identifies the record, packets, octets, TCP flags)"""
    way, back = ("dst", "src") if reverse else ("src", "dst")
    first, last = (row["first_seen"], row["last_seen"]) if both else (
        row[f"{way}2{back}_first_seen_ms"], row[f"{way}2{back}_last_seen_ms"])
    key = (row[way + "_ip"], row[back + "_ip"], row[way + "_port"], row[back + "_port"], row["protocol"], row["vlan_id"],
           *nfacctd_times(first, last, not both), *(row[mirror(name) if reverse else name] for name in more))
    return key, int(row[f"{way}2{back}_packets"]), int(row[f"{way}2{back}_bytes"]), int(row[f"{way}2{back}_tcp_flags"])


def from_nfacctd(line, more):
    r = json.loads(line)
    times = r["timestamp_start"], r["timestamp_end"]
    if times[1].startswith(("0000", "1970-01-01 00:00:0")):
        times = NO_TIME
    protocol = r["ip_proto"] if r["ip_proto"].isdigit() else str(socket.getprotobyname(r["ip_proto"]))
    key = (r["ip_src"], r["ip_dst"], str(r["port_src"]), str(r["port_dst"]), protocol, str(r["vlan"]), *times,
           *(str(r[name]) for name in more))
    return key, r["packets"], r["bytes"], int(r["tcp_flags"])


def add_up(records):
    """nfacctd has one for all that are alike, with their sums and the union of their flags."""
    sums = {}
    for key, packets, octets, flags in records:
        before = sums.get(key, (0, 0, 0))
        sums[key] = (before[0] + packets, before[1] + octets, before[2] | flags)
    return sums


def test_nfacctd(d, path, rows, protocol):
    name = f"nfacctd reads {{}} records of {len(rows)} flows as {protocol}"
    if not with_namespace(name.format("the")):
        return
    both = protocol == "IPFIX"
    more = PRIMITIVES | (BIFLOW if both else {})
    (d / "primitives").write_text("".join(f"name={n} field_type={t} len={size} semantics=u_int\n" for n, (t, size) in more.items()))
    (d / "nfacctd.conf").write_text(NFACCTD.format(d=d, more=", ".join(more)))
    log = d / "nfacctd.log"
    log.unlink(missing_ok=True)
    # The process that prints takes longer to start than the one that listens, and would miss the signal.
    said = collect(path, ["nfacctd", "-f", d / "nfacctd.conf"], signal.SIGINT,
                   lambda: log.exists() and "JSON: setting object handlers" in log.read_text())
    lines = (d / "nfacctd.json").read_text().splitlines() if (d / "nfacctd.json").exists() else []
    found = add_up(from_nfacctd(line, more) for line in lines)
    records = [(r, False) for r in rows] if both else list(directions(rows))
    wanted = add_up(as_nfacctd(*r, both, more) for r in records)
    wrong = [f"{key}: {found.get(key)} is not {sums}" for key, sums in wanted.items() if found.get(key) != sums]
    wrong += [f"{key} is no flow" for key in found.keys() - wanted.keys()]
    tap.report(not wrong and len(wanted) > 0.95 * len(records), name.format(len(found)),
               "\n".join(wrong) + said[-300:] + log.read_text()[-300:])
    (d / "nfacctd.json").unlink(missing_ok=True)


def main():
    files = captures()
    with tempfile.TemporaryDirectory() as name:
        d = pathlib.Path(name)
        path, rows = test_fixbuf(d, files)
        test_names(d)
        test_applications(path, rows)
        test_tshark(path, rows)
        test_fuzzed(d)
        datagrams = test_fixbuf_datagrams(d, files)
        path, rows, _ = write(d, "netflow9", "pcap", files)
        test_tshark_netflow9(path, rows)
        test_uptime(path, rows)
        test_nfdump(d, path, rows, "NetFlow v9")
        test_nfacctd(d, path, rows, "NetFlow v9")
        test_nfdump(d, *datagrams, "IPFIX")
        test_nfacctd(d, *datagrams, "IPFIX")
    tap.finish()


if __name__ == "__main__":
    main()
