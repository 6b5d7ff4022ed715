#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Outputs over a network: peers that are there, late, dead and back, slow, or never; every record is sent, dropped or failed,
and counted so."""
import gzip, http.server, json, pathlib, re, socket, struct, subprocess, sys, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

DEMO = tap.TOP / "tests/pcaps/recorded/demo.pcap"
FLOWS = 22
# Every packet is a flow: some hundreds of records from a small file.
MANY = ["--active-timeout", "0"]
PACKETS = 242


def weir(folder, *args, source=DEMO, sanitized=True):
    program = tap.WEIR_SAN if sanitized else tap.WEIR
    return subprocess.Popen([str(program), "-q", "-r", str(source), "--fields", "flow_id,total_packets",
                             "--summary", str(folder / "s.json"), *map(str, args)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, folder, status=0):
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, (process.returncode, err)
    summary = json.loads((folder / "s.json").read_text())
    assert tap.law(summary) is None, summary
    return err, summary["export"], summary["flows"]


def listen(kind=socket.AF_INET, address=("127.0.0.1", 0)):
    s = socket.socket(kind, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen()
    s.settimeout(20)
    return s


def read_all(connection):
    data = b""
    connection.settimeout(20)
    while chunk := connection.recv(65536):
        data += chunk
    return data


def ids(data):
    return [json.loads(line)["flow_id"] for line in data.splitlines()]


def test_tcp(folder):
    with listen() as s:
        process = weir(folder, "-o", f"json:tcp://127.0.0.1:{s.getsockname()[1]}", *MANY)
        connection, _ = s.accept()
        data = read_all(connection)
    err, counts, flows = finish(process, folder)
    assert sorted(ids(data)) == list(range(PACKETS)) and flows == PACKETS, len(ids(data))
    assert counts == {"sent": PACKETS, "retried": 0, "dropped": 0, "failed": 0} and not err, (counts, err)


def test_csv_has_its_header(folder):
    with listen() as s:
        process = weir(folder, "-o", f"csv:tcp://127.0.0.1:{s.getsockname()[1]}", "-o", "csv:-")
        data = read_all(s.accept()[0]).decode()
        out = process.communicate(timeout=20)[0]
    assert data == out and data.startswith("flow_id,total_packets\n") and data.count("\n") == FLOWS + 1, data[:200]


def test_unix(folder):
    path = folder / "collector.sock"
    with listen(socket.AF_UNIX, str(path)) as s:
        process = weir(folder, "-o", f"json:unix:{path}")
        data = read_all(s.accept()[0])
    assert finish(process, folder)[1]["sent"] == FLOWS and len(ids(data)) == FLOWS


def test_udp(folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(20)
        process = weir(folder, "-o", f"json:udp://127.0.0.1:{s.getsockname()[1]}", *MANY)
        data, sizes = b"", []
        while len(data.splitlines()) < PACKETS:
            datagram = s.recv(65536)
            assert datagram.endswith(b"\n")
            sizes.append(len(datagram))
            data += datagram
    assert finish(process, folder)[1]["sent"] == PACKETS and sorted(ids(data)) == list(range(PACKETS))
    assert max(sizes) <= 1232 and min(sizes[:-1]) > 1100, sizes


def receive(s):
    try:
        return s.recv(65536)
    except TimeoutError:
        return None


def refuse_late(s, raw):
    """Each datagram to s is refused some ms after it came, as by a host afar: port unreachable. Ends when none comes any more."""
    port = s.getsockname()[1]
    raw.settimeout(3)
    while packet := receive(raw):
        if packet[22:24] != port.to_bytes(2, "big"):
            continue
        time.sleep(0.01)
        message = b"\3\3\0\0\0\0\0\0" + packet[:28]
        total = sum(int.from_bytes(message[i:i + 2], "big") for i in range(0, len(message), 2))
        total = (total & 0xffff) + (total >> 16)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
            icmp.sendto(message[:2] + (~(total + (total >> 16)) & 0xffff).to_bytes(2, "big") + message[4:], ("127.0.0.1", 0))


def test_udp_refused_late(folder):
    """A host afar says only after a datagram has gone that nobody listens there: those are failed, with a word."""
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        return "raw sockets are for root"
    with raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        refuser = threading.Thread(target=refuse_late, args=(s, raw))
        refuser.start()
        err, counts, _ = finish(weir(folder, "-o", f"json:udp://127.0.0.1:{s.getsockname()[1]}", "--pace", "20", *MANY), folder)
        refuser.join()
    assert counts["failed"] > PACKETS / 2 and counts["failed"] + counts["sent"] == PACKETS, counts
    assert err.count("\n") == 1 and "Connection refused; records that are refused count as failed" in err, err


def test_pace(folder):
    """From a capture no faster than told, and the end waits for what is queued then."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(20)
        began, datagrams, got = time.monotonic(), 0, []
        process = weir(folder, "-o", f"json:udp://127.0.0.1:{s.getsockname()[1]}", "--pace", "25", "--flush-timeout", "0.1", *MANY)
        while len(got) < PACKETS:
            got += ids(s.recv(65536))
            datagrams += 1
        took = time.monotonic() - began
    assert finish(process, folder)[1] == {"sent": PACKETS, "retried": 0, "dropped": 0, "failed": 0}
    assert sorted(got) == list(range(PACKETS)) and datagrams > 5 and took >= (datagrams - 1) / 25 - 0.005, (took, datagrams)


def test_export_time(folder):
    """RFC 7011, 3.1: that of leaving, also of what has waited; sequence numbers stay those of the records."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(0.2)
        process = weir(folder, "-o", f"ipfix:udp://127.0.0.1:{s.getsockname()[1]}", "--pace", "4", "--ipfix-mtu", "512", *MANY)
        ages, sequences = [], []
        while process.poll() is None:
            try:
                version, _, sent, sequence = struct.unpack_from(">HHII", s.recv(65536))
            except TimeoutError:
                continue
            ages.append(time.time() - sent)
            sequences.append(sequence)
            assert version == 10
    assert finish(process, folder)[1]["sent"] == PACKETS and len(ages) > 7, ages
    assert 0 <= min(ages) and max(ages) < 1.5 and sequences == sorted(sequences) and sequences[0] == 0, (ages, sequences)


def test_late(folder):
    """Nobody listens when weir starts: what is queued waits, over TCP and over UDP."""
    for scheme, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        probe = socket.socket(socket.AF_INET, kind)
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
        probe.close()
        process = weir(folder, "-o", f"json:{scheme}://127.0.0.1:{address[1]}")
        time.sleep(1)
        with socket.socket(socket.AF_INET, kind) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(address)
            s.settimeout(20)
            if scheme == "tcp":
                s.listen()
                data = read_all(s.accept()[0])
            else:
                data = b""
                while len(data.splitlines()) < FLOWS:
                    data += s.recv(65536)
        err, counts, _ = finish(process, folder)
        assert sorted(ids(data)) == list(range(FLOWS)) and counts["sent"] == FLOWS and counts["dropped"] == 0, (scheme, counts)


def test_never(folder):
    """At the end what could not be sent is dropped, after the flush timeout, with a word."""
    with listen() as s:
        port = s.getsockname()[1]
    began = time.monotonic()
    err, counts, _ = finish(weir(folder, "-o", f"json:tcp://127.0.0.1:{port}", "--flush-timeout", "0.5"), folder)
    assert counts == {"sent": 0, "retried": 0, "dropped": FLOWS, "failed": 0}, counts
    assert "Connection refused; 22 records could not be sent in time" in err and time.monotonic() - began < 10, err


def test_dies_and_comes_back(folder):
    """A collector reads some and is gone: the rest, and what its end may have swallowed, goes to the next one."""
    with listen() as s:
        feed = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", "-", "--fields", "flow_id", "--summary", str(folder / "s.json"), *MANY,
                                 "-o", f"json:tcp://127.0.0.1:{s.getsockname()[1]}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        packets = DEMO.read_bytes()
        feed.stdin.write(packets[:len(packets) // 2])
        feed.stdin.flush()
        first, _ = s.accept()
        data = read_what_came(first)
        first.close()
        feed.stdin.write(packets[len(packets) // 2:])
        feed.stdin.close()
        second, _ = s.accept()
        rest = read_all(second)
        err = feed.stderr.read().decode()
        assert feed.wait(timeout=20) == 0, err
    counts = json.loads((folder / "s.json").read_text())["export"]
    whole = data[:data.rfind(b"\n") + 1]
    assert set(ids(whole)) | set(ids(rest)) == set(range(PACKETS)), (len(ids(whole)), len(ids(rest)))
    assert counts["sent"] == PACKETS and counts["dropped"] == 0, counts


def test_unix_unread(folder):
    """A reader that ends before it has read all: what it left, which only weir still has, goes to the next one."""
    path = folder / "collector.sock"
    with listen(socket.AF_UNIX, str(path)) as s:
        process = subprocess.Popen([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--fields", "flow_id", "--summary", str(folder / "s.json"), *MANY,
                                    "-o", f"json:unix:{path}", "--flush-timeout", "20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first, _ = s.accept()
        first.recv(10)
        time.sleep(0.3)
        first.close()
        data = read_all(s.accept()[0])
    err, counts, _ = finish(process, folder)
    assert sorted(ids(data)) == list(range(PACKETS)) and counts["sent"] == PACKETS and counts["dropped"] == 0, (len(ids(data)), counts, err)


def test_reset_at_the_end(folder):
    """The connection breaks when all was handed to the system, which had not sent it all: the peer is back, and gets it."""
    with listen() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        process = weir(folder, "-o", f"json:tcp://127.0.0.1:{s.getsockname()[1]}", "--flush-timeout", "20", "--fields", FIELDS, *MANY)
        first, _ = s.accept()
        time.sleep(0.5)
        first.close()
        data = read_all(s.accept()[0])
    err, counts, _ = finish(process, folder)
    assert sorted(ids(data)) == list(range(PACKETS)) and counts["sent"] == PACKETS and counts["dropped"] == 0, (len(ids(data)), counts, err)


def read_what_came(connection):
    """Until nothing has come for a while: a peer that closes with bytes unread loses what it has acknowledged."""
    connection.settimeout(20)
    data = connection.recv(65536)
    connection.settimeout(1)
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except TimeoutError:
        return data


def test_zero_window(folder):
    """A peer that never reads: with drop-oldest the run ends in time and each record is accounted for."""
    with listen() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        process = weir(folder, "-o", f"json:tcp://127.0.0.1:{s.getsockname()[1]}", "-o", f"csv:{folder}/all.csv", "--flush-timeout", "0.3",
                       "--queue", "65536B", "--queue-policy", "drop-oldest", "--profile", "all", "--fields", FIELDS, *MANY,
                       source=big(folder))
        held, _ = s.accept()
        err, counts, flows = finish(process, folder)
        held.close()
    assert flows > 20000 and counts["dropped"] > 10000 and counts["failed"] == 0, (flows, counts)
    assert counts["sent"] + counts["dropped"] == flows, (counts, flows)
    assert (folder / "all.csv").read_text().count("\n") == flows + 1


MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], timeout=60)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def peak(folder, *args):
    """Bytes of memory at most, and the accounting."""
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tap.WEIR), "-q", "-r", str(big(folder)), *MANY, "--summary", str(folder / "s.json"),
                           "-o", f"csv:{folder}/all.csv", *map(str, args)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "s.json").read_text())
    assert tap.law(summary) is None and (folder / "all.csv").read_text().count("\n") == summary["flows"] + 1 > 20000
    return int(done.stdout) * 1024, summary["export"], summary["flows"]


def test_zero_windows_and_memory(folder):
    """Collectors of IPFIX and of rows that never read: the other output has every record, all are accounted for, and memory is bounded by
    the queues."""
    with listen() as s, listen() as t:
        for one in (s, t):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        outputs = [word for one, form in ((s, "ipfix"), (t, "json")) for word in ("-o", f"{form}:tcp://127.0.0.1:{one.getsockname()[1]}")]
        usual, _, _ = peak(folder)
        most, counts, flows = peak(folder, *outputs, "--queue", "1MiB", "--queue-policy", "drop-oldest", "--flush-timeout", "0.2")
    assert counts["sent"] + counts["dropped"] == 2 * flows and counts["dropped"] > 10000 and counts["failed"] == 0, (counts, flows)
    assert most - usual < 8 << 20, (most, usual)


def test_block(folder):
    """With block the file waits for a slow peer, and nothing is lost."""
    with listen() as s:
        process = weir(folder, "-o", f"json:tcp://127.0.0.1:{s.getsockname()[1]}", "--queue", "65536B", "--fields", FIELDS, *MANY,
                       source=big(folder))
        connection, _ = s.accept()
        time.sleep(1)
        assert process.poll() is None
        data = read_all(connection)
    err, counts, flows = finish(process, folder)
    assert counts == {"sent": flows, "retried": 0, "dropped": 0, "failed": 0} and len(data.splitlines()) == flows, counts


def test_beside_a_full_disk(folder):
    """An output that fails ends the run: what the others have is sent, the last records too."""
    with listen() as s, listen() as t:
        outputs = [word for one, form in ((s, "json"), (t, "ipfix")) for word in ("-o", f"{form}:tcp://127.0.0.1:{one.getsockname()[1]}")]
        process = weir(folder, *outputs, "-o", "csv:/dev/full", *MANY, source=big(folder))
        connections = [one.accept()[0] for one in (s, t)]
        data = [read_all(one) for one in connections]
    err, counts, flows = finish(process, folder, 1)
    assert counts == {"sent": 2 * flows, "retried": 0, "dropped": 0, "failed": 0} and flows > 1000, (counts, flows)
    assert len(data[0].splitlines()) == flows and "No space left on device" in err, (len(data[0].splitlines()), err)


class Http:
    """A server of one path; statuses are given in turn, then 200."""

    def __init__(self, *statuses):
        self.bodies, self.refused, statuses = [], 0, list(statuses)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                assert self.headers["Content-Encoding"] == "gzip" and self.headers["Content-Type"] == "application/x-ndjson"
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                status = statuses.pop(0) if statuses else 200
                if status == 200:
                    outer.bodies.append(body)
                else:
                    outer.refused += 1
                self.send_response(status)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/flows?a=b"

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.server.shutdown()
        self.server.server_close()


def test_http(folder):
    with Http() as server:
        _, counts, flows = finish(weir(folder, "-o", f"json:{server.url}", "--fields", FIELDS, *MANY, source=big(folder)), folder)
    assert counts == {"sent": flows, "retried": 0, "dropped": 0, "failed": 0}, counts
    assert sum(body.count(b"\n") for body in server.bodies) == flows and 5 < len(server.bodies) < 100, len(server.bodies)
    assert all(body.endswith(b"}\n") for body in server.bodies) and max(map(len, server.bodies)) <= 262144


def test_http_busy(folder):
    """A server that is busy twice gets the same batch again."""
    with Http(503, 429) as server:
        err, counts, _ = finish(weir(folder, "-o", f"json:{server.url}"), folder)
    assert counts["sent"] == FLOWS and counts["failed"] == 0 and server.refused == 2, counts
    assert [sorted(ids(body)) for body in server.bodies] == [list(range(FLOWS))], server.bodies


def test_secrets_stay(folder):
    """No word about an output has its password or the values of its query, some of which are secrets."""
    user = "http://me:s3cret@127.0.0.1:9"
    for outputs, shown in (([f"json:{user}/x?token=s3cret"], "-o json:http://me:***@127.0.0.1:9/x?...: "),
                           (["json:http:me:s3cr@et@127.0.0.1:9"], "-o json:http:me:***@127.0.0.1:9: "),
                           (["json:kafka://127.0.0.1:9/t?sasl.password=s3cret"], "-o json:kafka://127.0.0.1:9/t?...: "),
                           (["json:kafka://127.0.0.1:9/t?no.such=s3cret"], "-o json:kafka://127.0.0.1:9/t?...: "),
                           ([f"ipfix:{user}"], "-o ipfix:http://me:***@127.0.0.1:9: "), ([f"json:x{user}"], "-o json:xhttp://me:***@"),
                           ([f"jsn:{user}"], "-o jsn:http://me:***@"), ([f"csv:{user}/_bulk"], "give json:http://me:***@"),
                           ([f"json:{user}", f"csv:{user}"], 'two outputs go to "http://me:***@127.0.0.1:9"')):
        args = [word for output in outputs for word in ("-o", output)]
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--flush-timeout", "0.3", *args], capture_output=True, text=True, timeout=20)
        assert "s3cr" not in done.stderr and done.stderr and all(shown in line for line in done.stderr.splitlines()), (outputs, done)


def test_http_refuses(folder):
    with Http(400) as server:
        err, counts, _ = finish(weir(folder, "-o", f"json:{server.url}"), folder)
    assert counts == {"sent": 0, "retried": 0, "dropped": 0, "failed": FLOWS} and not server.bodies, counts


def test_syslog(folder):
    path = str(folder / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(20)
        process = weir(folder, "-o", f"json:syslog:{path}")
        messages = [s.recv(65536).decode() for _ in range(FLOWS)]
    assert finish(process, folder)[1]["sent"] == FLOWS
    form = re.compile(r"<30>\w{3} [ \d]\d \d\d:\d\d:\d\d weir\[\d+\]: (\{.*\})$")
    assert sorted(json.loads(form.match(m)[1])["flow_id"] for m in messages) == list(range(FLOWS)), messages[0]


def test_what_no_message_holds(folder):
    """A list too long for any message is cut, and the word about it names what helps."""
    path, data = folder / "long.pcap", DEMO.read_bytes()
    path.write_bytes(data[:24] + data[24:] * 600)
    said = []
    for mtu, splt in ((512, 65535), (65507, 65535), (512, 1000)):
        done = subprocess.run([str(tap.WEIR), "-q", "-r", str(path), "--fields", "flow_id,splt_direction,splt_ps,splt_piat_ms", "--splt", str(splt),
                               "--active-timeout", "1000000", "-o", f"ipfix:{folder}/x.ipfix", "--ipfix-mtu", str(mtu)],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        said.append(done.stderr)
    assert said[0] == said[1] and re.search(r"ipfix: \d+ texts or lists were cut, as a message has 65507 bytes; lower --splt", said[0]), said
    assert not said[2], said


def test_refused(folder):
    """What no address can be is said before anything is read, in one line."""
    for target, words in (("tcp://", "give host:port"), ("tcp://host", "give host:port"), ("tcp://host:0", "the port is 1 to 65535"),
                          ("udp://h:70000", "the port is 1 to 65535"), ("tcp://::1:4739", "stands in brackets"),
                          ("unix:relative", "give the whole path"), ("unix:/" + "x" * 200, "107 bytes at most"),
                          ("http://", "is no URL"), ("syslog:x", "give syslog:"), ("gopher://h:1", 'unknown target "gopher://"')):
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "-o", f"json:{target}"], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done
    done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--queue", "10"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "is not a size" in done.stderr, done


FIELDS = "flow_id,src_ip,dst_ip,src_mac,dst_mac,application_name,first_seen_ns,last_seen_ns,community_id"


def big(folder):
    """The demo a hundred times over."""
    path, data = folder / "big.pcap", DEMO.read_bytes()
    if not path.exists():
        path.write_bytes(data[:24] + data[24:] * 100)
    return path


def main():
    tap.run_tests(globals(), "export")
    tap.finish()


main()
