#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The plugins that come with weir, in whole runs: against weir's own columns, against tshark and against arithmetic
over the same packets; then all of them at once, sanitized, over every capture there is."""
import collections, concurrent.futures, csv, io, math, os, pathlib, re, struct, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

PLUGINS, PLUGINS_SAN = tap.BUILD / "plugins", tap.BUILD / "plugins-san"
PCAPS = tap.TOP / "tests" / "pcaps"
RECORDED = PCAPS / "recorded"
OWN = sorted(p for folder in ("recorded", "crafted") for p in (PCAPS / folder).glob("*.pcap*"))
NO_TIMEOUT = ["--idle-timeout", "1000000000", "--active-timeout", "1000000000"]
PTR = 12


def plugin(name, options="", folder=PLUGINS):
    return ["--plugin", f"{folder}/{name}.so" + (f":{options}" if options else "")]


def run(capture, *args, **how):
    """Rows of a run that nothing was lost in; a capture may be broken at its end."""
    done = tap.run_weir("-r", capture, *args, packets_column="total_packets", **how)
    assert done.status in (0, 1) and (done.status == 1) == (done.err.count("\n") == 1), done.err
    if done.summary is None: # nothing could be read of it
        assert done.status == 1 and not done.out, done.err
        return []
    assert done.summary["plugin"]["errors"] == 0, done.err
    return done.rows()


def tshark(capture, shown, *fields):
    words = ["tshark", "-r", str(capture), "-Y", shown, "-T", "fields", *(w for f in fields for w in ("-e", f))]
    text = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    return [line.split("\t") for line in text.splitlines()]


def all_captures():
    return OWN + tap.shared_captures()


def holding(captures, *octets):
    """Those with any of the octets in them, which what a test looks for cannot do without: tshark takes long to start."""
    return [c for c in captures if any(o in c.read_bytes() for o in octets)]


def each(captures, check):
    """check(capture) of all, two at a time; the first wrong ones in the message."""
    def told(capture):
        try:
            check(capture)
        except Exception as wrong: # whatever it is, of this capture
            return f"{capture.name}: {wrong!r}"[:700]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong = [w for w in pool.map(told, captures) if w]
    assert not wrong, "\n".join(wrong[:5])


def reading(captures):
    return [word for capture in captures for word in ("-r", capture)]


def each_run(captures, check):
    """check([capture, ...]) of many at once, for weir takes longer to start than to read one; it returns the Run.

    A broken capture ends a run; the next one begins behind it.
    """
    def to_the_end(batch):
        batch = list(batch)
        while batch:
            done = check(batch)
            broken = [n for n, capture in enumerate(batch) if f"weir: {capture}: " in done.err]
            assert len(broken) == (done.status == 1) == done.err.count("\n"), done.err
            batch = batch[broken[0] + 1:] if broken else []

    each([Batch(captures[n:n + 20]) for n in range(0, len(captures), 20)], to_the_end)


class Batch(list):
    @property
    def name(self):
        return f"{self[0].name} to {self[-1].name}"


# --- slicer -----------------------------------------------------------------------------------------------------------

FLOWS = ["--no-dissect", "--fields", "flow_id,total_packets,expiration_id,flow_end_reason", *NO_TIMEOUT]


def test_slicer():
    """A flow of n packets becomes ceil(n / limit) flows, of limit packets each but for the last one."""
    def check(capture):
        whole = [int(r["total_packets"]) for r in run(capture, *FLOWS)]
        for limit in (1, 4, 7):
            rows = run(capture, *FLOWS, *plugin("slicer", f"limit={limit}"))
            wanted = sorted(n for packets in whole
                            for n in [limit] * (packets // limit) + [packets % limit] * (packets % limit > 0))
            assert sorted(int(r["total_packets"]) for r in rows) == wanted, (limit, rows)
            for r in rows:
                full = int(r["total_packets"]) == limit
                assert (r["expiration_id"], r["flow_end_reason"]) == ("-1" if full else "0", "4"), r
    each([c for c in OWN if c.name != "time-edges.pcap"], check) # centuries end by any timeout


# --- splt -------------------------------------------------------------------------------------------------------------

def same_splt(captures, packets, size, options):
    done = tap.run_weir(*reading(captures), "--no-dissect", "--splt", packets, "--accounting", size, "--fields",
                        "splt_direction,splt_ps,splt_piat_ms,total_packets", *plugin("splt", options), packets_column="total_packets")
    for r in done.rows():
        for name in ("direction", "ps", "piat_ms"):
            assert r[f"splt_{name}"] == r[f"splt_plugin_{name}"], (size, r)
    assert done.summary is None or done.summary["plugin"]["errors"] == 0, done.err
    return done


def test_splt():
    """The columns of --splt, flow by flow, by each layer."""
    for size in ("link", "ip", "transport", "payload"):
        each_run(OWN, lambda batch: same_splt(batch, 20, size, f"size={size}"))
    assert len(same_splt([RECORDED / "demo.pcap"], 255, "link", "packets=255").rows()) == 22
    assert len(same_splt([RECORDED / "demo.pcap"], 1, "ip", "size=ip,packets=1").rows()) == 22


def test_splt_shared():
    each_run(tap.shared_captures(), lambda batch: same_splt(batch, 20, "link", "packets=20"))


# --- dump -------------------------------------------------------------------------------------------------------------

def read_pcap(path):
    """(time in ns, bytes, length) of each packet of a file that dump wrote."""
    data = path.read_bytes()
    assert data[:24] == struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 101), data[:24]
    at = 24
    while at < len(data):
        seconds, ns, captured, length = struct.unpack_from("=IIII", data, at)
        assert at + 16 + captured <= len(data), f"{path.name} is torn"
        yield seconds * 10**9 + ns, data[at + 16:at + 16 + captured], length
        at += 16 + captured


DUMPED = ["--no-dissect", "--accounting", "ip", "--fields", "flow_id,total_packets,total_bytes,first_seen,last_seen"]


def dumped_files(folder, row):
    names = [row["dump_file"]] + [row["dump_file"].replace(".pcap", f".{n}.pcap") for n in range(1, int(row["dump_files"]))]
    assert row["dump_file"] == f"flow-{row['flow_id']}.pcap", row
    return [folder / name for name in names]


def dump_is_whole(capture, options=""):
    """Each flow's packets, bytes and times are those of its files; weir reads the same account from them."""
    with tempfile.TemporaryDirectory() as name:
        folder, files = pathlib.Path(name), []
        rows = run(capture, *DUMPED, *NO_TIMEOUT, *plugin("dump", f"dir={folder}{options}"))
        for r in rows:
            mine = dumped_files(folder, r)
            packets = [p for path in mine for p in read_pcap(path)]
            assert len(packets) == int(r["total_packets"]) == int(r["dump_packets"]), r
            assert sum(length for _, _, length in packets) == int(r["total_bytes"]), r
            if not capture.name.startswith("time-"):
                assert min(t for t, _, _ in packets) // 10**6 == int(r["first_seen"]), r
                assert max(t for t, _, _ in packets) // 10**6 == int(r["last_seen"]), r
            files += mine
        assert sorted(folder.iterdir()) == sorted(files)
        if not files:
            return
        again = tap.run_weir(*reading(files), *DUMPED, "--tunnels", "none")
        assert again.summary["metered"] == sum(int(r["total_packets"]) for r in rows), again.summary
        assert again.summary["bytes"] == sum(int(r["total_bytes"]) for r in rows), again.summary


def test_dump():
    each(OWN, dump_is_whole)
    for options in (",max-files=1", ",rotate=4000", ",rotate=1,max-files=2"):
        dump_is_whole(RECORDED / "demo.pcap", options)


def frames_of(capture):
    """Frames by time, of a little-endian pcap."""
    data, frames = capture.read_bytes(), collections.defaultdict(list)
    unit = {0xA1B23C4D: 1, 0xA1B2C3D4: 1000}[struct.unpack_from("<I", data)[0]]
    at = 24
    while at < len(data):
        seconds, fraction, captured, _ = struct.unpack_from("<IIII", data, at)
        frames[seconds * 10**9 + fraction * unit].append(data[at + 16:at + 16 + captured])
        at += 16 + captured
    return frames


def test_dump_bytes():
    """What is in a file is in the frame of that time, IP header first; capinfos and tshark agree on the counts."""
    for name in ("demo", "vlan", "geneve", "tls13"):
        capture = RECORDED / f"{name}.pcap"
        frames = frames_of(capture)
        with tempfile.TemporaryDirectory() as folder:
            rows = run(capture, *DUMPED, *plugin("dump", f"dir={folder}"))
            paths = sorted(pathlib.Path(folder).iterdir())
            packets = [p for path in paths for p in read_pcap(path)]
            assert len(packets) == sum(int(r["total_packets"]) for r in rows) > 0
            for time, data, length in packets:
                assert data[0] >> 4 in (4, 6) and any(data in frame for frame in frames[time]), (name, time)
                assert length == len(data), (name, time)
            assert len(paths) == len(rows)
            sizes = [row["dump_packets"] for row in sorted(rows, key=lambda r: r["dump_file"])]
            told = subprocess.run(["capinfos", "-T", "-r", "-c", "-E", *paths], capture_output=True, text=True, timeout=60)
            assert [line.split("\t") for line in told.stdout.splitlines()] == [
                [str(path), "rawip", size] for path, size in zip(paths, sizes)], told
            joined = pathlib.Path(folder) / "joined.pcap"
            subprocess.run(["mergecap", "-a", "-F", "nsecpcap", "-w", joined, *paths], check=True, timeout=60)
            assert len(tshark(joined, "ip or ipv6", "frame.number")) == len(packets)


def test_dump_first_packets():
    with tempfile.TemporaryDirectory() as folder:
        rows = run(RECORDED / "demo.pcap", *DUMPED, *plugin("dump", f"dir={folder},packets=3"))
        assert [int(r["dump_packets"]) for r in rows] == [min(3, int(r["total_packets"])) for r in rows]
        for r in rows:
            packets = list(read_pcap(pathlib.Path(folder) / r["dump_file"]))
            assert len(packets) == int(r["dump_packets"])
            assert packets[0][0] // 10**6 == int(r["first_seen"]), r


def test_dump_full_disk():
    """The plugin is told off by name, files end with whole packets, every record is written; strict ends the run."""
    if os.geteuid():
        return "needs root, for a small file system of its own"
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as kept:
        inside = 'mount -t tmpfs -o size=40k tmpfs "$0" && "$@"; status=$?; cp "$0"/* "$KEPT" && exit $status'
        weir = [str(tap.WEIR_SAN), "-q", "-r", str(RECORDED / "demo.pcap"), *DUMPED, *plugin("dump", f"dir={name}", PLUGINS_SAN)]
        words = ["unshare", "-m", "sh", "-c", inside, name, *weir]
        how = {"capture_output": True, "text": True, "timeout": 60, "env": dict(os.environ, KEPT=kept)}
        done = subprocess.run(words, **how)
        assert done.returncode == 0 and re.fullmatch(r"weir: plugin dump: on_(init|update) failed: No space left on device; "
                                                     r"it is disabled from here on, mend that and start again "
                                                     r"\(--plugin-strict ends the run instead\)\n", done.stderr), done
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        whole = run(RECORDED / "demo.pcap", *DUMPED)
        assert [r["total_packets"] for r in rows] == [r["total_packets"] for r in whole]
        written = {r["dump_file"]: int(r["dump_packets"]) for r in rows if r["dump_file"]}
        assert 0 < sum(written.values()) < sum(int(r["total_packets"]) for r in rows)
        assert {p.name: len(list(read_pcap(p))) for p in pathlib.Path(kept).iterdir()} == written
        assert subprocess.run([*words, "--plugin-strict"], **how).returncode == 1


# --- dhcp -------------------------------------------------------------------------------------------------------------

def test_dhcp():
    """A client that asks for an address, uses it and gives it back (recorded: busybox and dnsmasq)."""
    rows = run(RECORDED / "dhcp.pcap", "--no-dissect", "--fields", "src_ip,total_packets,expiration_id", *plugin("dhcp"))
    names = ["src_ip", "total_packets", "expiration_id", "dhcp_msg_type", "dhcp_messages", "dhcp_options", "dhcp_50", "dhcp_55",
             "dhcp_oui", "dhcp_12", "dhcp_57", "dhcp_60", "dhcp_77", "dhcp_addr"]
    got = [tuple(r[n] for n in names) for r in rows]
    wanted = "1,3,6,12,15,28,42"
    assert got == [
        ("0.0.0.0", "1", "-1", "DISCOVER", "DISCOVER", "53,57,55,12,60,61", "", wanted, "02:00:00", "station", "576",
         "udhcp 1.35.0", "", ""),
        ("0.0.0.0", "1", "-1", "REQUEST", "REQUEST", "53,50,54,57,55,12,60,61", "192.0.2.103", wanted, "02:00:00", "station",
         "576", "udhcp 1.35.0", "", ""),
        ("192.0.2.2", "2", "-1", "OFFER", "OFFER,ACK", "", "", "", "", "", "0", "", "", "192.0.2.103"),
        ("192.0.2.103", "2", "0", "", "", "", "", "", "", "", "0", "", "", ""),
        ("192.0.2.103", "1", "0", "RELEASE", "RELEASE", "53,54,61", "", "", "02:00:00", "", "0", "", "", ""),
    ], got


TYPES = ["", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NACK", "RELEASE", "INFORM"]


def test_dhcp_and_tshark():
    """As many messages of each type as tshark sees, and the same host names."""
    def check(capture):
        rows = run(capture, "--no-dissect", "--fields", "total_packets", *plugin("dhcp", "split=no,packets=65535"))
        got = collections.Counter(t for r in rows for t in r["dhcp_messages"].split(",") if t)
        shown = tshark(capture, "dhcp and not icmp and udp.port == 67", "dhcp.option.dhcp", "dhcp.option.hostname", "dhcp.type")
        assert got == collections.Counter(TYPES[int(line[0])] if line[0] else "BOOTP" for line in shown), (got, shown)
        names = {r["dhcp_12"] for r in rows if r["dhcp_12"]}
        assert names <= {line[1] for line in shown if line[2] == "1"}, names
        found.update(got)
    found = collections.Counter()
    with_ports = holding(all_captures(), *(struct.pack("!HH", *ports) for ports in ((67, 68), (68, 67), (67, 67))))
    each(with_ports, check)
    assert found["DISCOVER"] >= 1 and found["ACK"] >= 1, found


# --- mdns -------------------------------------------------------------------------------------------------------------

def dns_name(text):
    return b"".join(bytes([len(label)]) + label for label in text) + b"\0"


def mdns_message(questions, answers):
    """PTR questions and answers, names as lists of labels; the owner of an answer points to the first question."""
    data = struct.pack("!HHHHHH", 0, 0x8400 if answers else 0, len(questions), len(answers), 0, 0)
    for name in questions:
        data += dns_name(name) + struct.pack("!HH", PTR, 1)
    for name in answers:
        owner = struct.pack("!H", 0xC00C) if questions else dns_name([b"local"])
        data += owner + struct.pack("!HHIH", PTR, 1, 120, len(dns_name(name))) + dns_name(name)
    return data


def mdns_capture(path, messages):
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for n, message in enumerate(messages):
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(message), 0, 0, 255, 17, 0, bytes([192, 0, 2, 9]), bytes([224, 0, 0, 251]))
        packet = ip + struct.pack("!HHHH", 5353, 5353, 8 + len(message), 0) + message
        data += struct.pack("<IIII", 1700000000 + n, 0, len(packet), len(packet)) + packet
    path.write_bytes(data)
    return path


SERVICES = [[b"host", b"local"], [b"host [02:00:00:00:00:09]", b"_workstation", b"_tcp", b"local"], [b"music", b"_mpd", b"_tcp", b"local"],
            [b"_mpd", b"_tcp", b"local"], [b"host", b"_udisks-ssh", b"_tcp", b"local"], [b"_udisks-ssh", b"_tcp", b"local"],
            [b"_workstation", b"_tcp", b"local"]]


def test_mdns():
    """Seven names of a host that announces itself, each once, and its question; tshark reads the same."""
    with tempfile.TemporaryDirectory() as folder:
        asked = [b"_services", b"_dns-sd", b"_udp", b"local"]
        capture = mdns_capture(pathlib.Path(folder) / "mdns.pcap", [
            mdns_message([asked], []), mdns_message([], SERVICES[:3]), mdns_message([asked], SERVICES[2:]), mdns_message([], SERVICES)])
        rows = run(capture, "--no-dissect", "--fields", "total_packets", *plugin("mdns"))
        joined = [b".".join(name).decode() for name in SERVICES]
        assert [(r["total_packets"], r["mdns_ptr"].split(","), r["mdns_queries"]) for r in rows] == [
            ("4", joined, "_services._dns-sd._udp.local")], rows
        shown = tshark(capture, "mdns", "dns.ptr.domain_name", "dns.qry.name")
        assert shown[3][0].split(",") == joined and shown[0][1] == "_services._dns-sd._udp.local", shown


def test_mdns_and_tshark():
    """The questions and answers that tshark sees in captures of others."""
    def check(capture):
        shown = tshark(capture, "mdns and udp and not icmp and not icmpv6", "dns.ptr.domain_name", "dns.qry.name", "dns.qry.type")
        rows = run(capture, "--no-dissect", "--fields", "total_packets", *plugin("mdns", "packets=65535"))
        types = {t for line in shown for t in line[2].split(",")}
        for place, column in enumerate(("mdns_ptr", "mdns_queries")):
            if column == "mdns_queries" and types - {str(PTR), ""}:
                continue
            got = {n for r in rows for n in r[column].split(",")} - {""}
            assert got == {n for line in shown for n in line[place].split(",")} - {""}, (column, got, shown)
            found.update(got)
    found = set()
    captures, port = tap.shared_captures(), struct.pack("!H", 5353)
    each(holding(captures, port + port, bytes([224, 0, 0, 251]), bytes([0xff, 2, *bytes(13), 0xfb])), check)
    assert found or not captures


# --- entropy ----------------------------------------------------------------------------------------------------------

def entropy_of(data):
    return sum(-n / len(data) * math.log2(n / len(data)) for n in collections.Counter(data).values()) if data else 0


def test_entropy():
    """The formula, over the payload that tshark shows of each flow."""
    for name in ("demo", "http1", "tls13", "dns-udp", "redis"):
        capture = RECORDED / f"{name}.pcap"
        shown, compared = collections.defaultdict(bytes), 0
        for source, port, destination, other, tcp, udp in (
                line[:1] + [line[1] or line[2]] + line[3:4] + [line[4] or line[5]] + line[6:8]
                for line in tshark(capture, "not icmp and ip and (tcp or udp)", "ip.src", "tcp.srcport", "udp.srcport", "ip.dst",
                                   "tcp.dstport", "udp.dstport", "tcp.payload", "udp.payload")):
            shown[source, port, destination, other] += bytes.fromhex(tcp or udp)
        for r in run(capture, *NO_TIMEOUT, "--no-dissect", "--fields", "src_ip,src_port,dst_ip,dst_port,protocol,version,total_packets",
                     *plugin("entropy")):
            if r["protocol"] not in ("6", "17") or r["version"] != "4":
                continue
            ends = (r["src_ip"], r["src_port"]), (r["dst_ip"], r["dst_port"])
            for way, (a, b) in (("src2dst", ends), ("dst2src", ends[::-1])):
                data = shown[a + b]
                assert int(r[f"entropy_{way}_bytes"]) == len(data), (name, r)
                assert abs(float(r[f"entropy_{way}"]) - entropy_of(data)) < 1e-6, (name, r, entropy_of(data))
                compared += len(data) > 0
        assert compared >= 2, name


# --- all of them ------------------------------------------------------------------------------------------------------

def test_refused():
    """Exit 2 and one line that names the plugin, the option and what would do."""
    for options, words in (("slicer", "plugin slicer: limit is missing, as in limit=10"),
                           ("slicer:limit=ten", 'plugin slicer: limit: "ten" is no number from 1 to 4294967295'),
                           ("splt:size=all", 'plugin splt: size: "all" is none of link, ip, transport, payload'),
                           ("dhcp:splt=1", 'plugin dhcp: "splt" is none of its options: packets, split'),
                           ("mdns:x", 'plugin mdns: "x" is none of its options: packets'),
                           ("entropy:bytes=", 'plugin entropy: bytes: "" is no number from 1 to 18446744073709551615'),
                           ("dump:dir=/no/such", "plugin dump: dir: /no/such: No such file or directory")):
        name, _, rest = options.partition(":")
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(RECORDED / "demo.pcap"), *plugin(name, rest, PLUGINS_SAN)],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and not done.stdout, done
        assert done.stderr == f"weir: {words}; see its documentation\n", done.stderr


def test_too_many_files():
    """What the process may not open is said at once, not when the first file too many disables the plugin."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["prlimit", "--nofile=256", str(tap.WEIR_SAN), "-q", "-r", str(RECORDED / "demo.pcap"), "-o", "csv:/dev/null"]
        for files, words in (("256", "plugin dump: max-files: 256 files at once are more than the 256 that the process may open"),
                             ("224", "")):
            done = subprocess.run([*command, *plugin("dump", f"dir={folder},max-files={files}", PLUGINS_SAN)],
                                  capture_output=True, text=True, timeout=60)
            assert (done.returncode, bool(done.stderr)) == ((2, True) if words else (0, False)) and words in done.stderr, done


MANUAL = (tap.TOP / "user" / "man" / "weir-plugins.7").read_text()


def test_manual():
    """Every plugin, option and column is in the manual, and no other; the example there is a plugin."""
    sections = dict(re.findall(r"^\.Ss (\w+)\n(.*?)(?=^\.S[sh] )", MANUAL, re.M | re.S))
    assert sorted(sections) == sorted(p.stem for p in (tap.TOP / "user" / "plugins").glob("*.c")), sorted(sections)
    with tempfile.TemporaryDirectory() as folder:
        given = {"slicer": "limit=1", "dump": f"dir={folder}"}
        for name, text in sections.items():
            weir = [str(tap.WEIR), "-q", "-r", str(RECORDED / "demo.pcap"), "--fields", "flow_id"]
            refused = subprocess.run([*weir, *plugin(name, "no-such")], capture_output=True, text=True, timeout=60).stderr
            keys = re.search(r"is none of its options: (.*); see", refused)[1].split(", ")
            assert sorted(re.findall(r"^\.It Cm (\S+) Ns =", text, re.M)) == sorted(keys), (name, keys)
            done = subprocess.run([*weir, *plugin(name, given.get(name, ""))], capture_output=True, text=True, timeout=60)
            columns = done.stdout.splitlines()[0].split(",")[1:]
            listed = [w for line in re.findall(r"^\.It Cm ([\w, ]+)$", text, re.M) for w in line.replace(",", " ").split()]
            assert sorted(listed) == sorted(columns), (name, listed, columns)
        example = re.search(r"^(#include <weir/plugin.h>\n.*?)^\.Ed", MANUAL, re.M | re.S)[1]
        source, out = pathlib.Path(folder) / "empty.c", pathlib.Path(folder) / "empty.so"
        source.write_text(example)
        empty = tshark(RECORDED / "demo.pcap", "tcp.len == 0 or udp.length == 8", "frame.number")
        for compiler in (["cc", "-std=c11"], ["c++", "-x", "c++", "-std=c++20", "-fvisibility=hidden"]):
            words = [*compiler, "-Wall", "-Werror", "-pedantic", f"-I{tap.TOP}/include", "-shared", "-fPIC", "-o", out, source]
            subprocess.run(words, check=True, timeout=60)
            rows = run(RECORDED / "demo.pcap", "--no-dissect", "--fields", "total_packets", "--plugin", out)
            assert sum(int(r["empty_packets"]) for r in rows) == len(empty) > 0, rows


def sanitized(captures, limit):
    with tempfile.TemporaryDirectory() as folder:
        chosen = [w for name, options in (("slicer", f"limit={limit}"), ("dump", f"dir={folder},max-files=3,rotate=5000"),
                                          ("splt", ""), ("dhcp", ""), ("mdns", ""), ("entropy", ""))
                  for w in plugin(name, options, PLUGINS_SAN)]
        done = tap.run_weir(*reading(captures), "--no-dissect", "--stats", *chosen,
                            "-o", "csv:-", "-o", "json:/dev/null", weir=tap.WEIR_SAN, packets_column="total_packets")
        assert "Sanitizer" not in done.err and "runtime error" not in done.err, done.err
        assert done.status in (0, 1), done.err
        assert done.summary is None or done.summary["plugin"]["errors"] == 0, done.err
        wanted = sum(int(r["dump_packets"]) for r in done.rows())
        assert sum(1 for path in pathlib.Path(folder).iterdir() for _ in read_pcap(path)) == wanted
        return done


def all_sanitized(captures):
    for limit in (3, 1000000):
        each_run(captures, lambda batch: sanitized(batch, limit))


def test_sanitized_own():
    all_sanitized(OWN)


def test_sanitized_hostile():
    all_sanitized(tap.shared_captures("pcaps-hostile"))


def test_sanitized_shared():
    all_sanitized(tap.shared_captures())


# --- captures that others test with, where they are -----------------------------------------------------------------------

def test_google_ssl():
    """28 packets of one flow: 28 flows of one, 7 of four; and its first five packets."""
    found = sorted(tap.SHARED.glob("*/*google_ssl.pcap"))
    if not found:
        return tap.Absent(f"no google_ssl.pcap below {tap.SHARED}")
    assert len(run(found[0], *FLOWS, *plugin("slicer", "limit=1"))) == 28
    assert len(run(found[0], *FLOWS, *plugin("slicer", "limit=4"))) == 7
    row, = run(found[0], "--no-dissect", "--fields", "total_packets", *plugin("splt", "packets=5,size=link"))
    assert row["splt_plugin_direction"] == "[0, 1, 0, 0, 1]" and row["splt_plugin_ps"] == "[58, 60, 54, 180, 60]", row
    assert row["splt_plugin_piat_ms"] == "[0, 33, 133, 144, 34]", row # whole ms of gaps, not gaps of whole ms


def main():
    tap.run_tests(globals(), "plugins")
    tap.finish()


main()
