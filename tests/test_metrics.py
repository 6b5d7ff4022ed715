#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--metrics as Prometheus, an orchestrator and an attacker meet it: exact numbers, clear refusals,
and a meter that no client holds up. tests/live/test_metrics.py does so on an interface."""
import concurrent.futures, contextlib, csv, http.client, json, os, pathlib, signal, socket, struct, subprocess, sys, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scrape, tap

DEMO = tap.TOP / "tests" / "pcaps" / "recorded" / "demo.pcap"
COLUMNS = "src_port,total_packets,total_bytes,flow_end_reason,application_name,category_name,duration,protocol"
S = 1_000_000_000


def udp_frame(sport, size=20):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + size, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    return bytes(12) + b"\x08\x00" + ip + struct.pack("!HHHH", sport, 9, 8 + size, 0) + bytes(size)


FILE_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)


def packet(time_ns, frame):
    return struct.pack("<IIII", time_ns // S, time_ns % S, len(frame), len(frame)) + frame


LATE = 16


def with_late_flow(capture):
    """A capture with packets of another flow long after it, before which every flow is idle, and told so."""
    return capture + packet(2_000_000_000 * S, udp_frame(7)) * LATE


class Weir:
    """weir reading what is sent to it, with --metrics on a port of its own."""

    def __init__(self, folder, *args, weir=tap.WEIR_SAN, host="127.0.0.1"):
        self.host, self.port = host, scrape.free_port()
        self.rows, self.accounts = folder / "rows.csv", folder / "summary.json"
        address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.process = subprocess.Popen(
            ["timeout", "-k", "1", "60", str(weir), "-q", "-r", "-", "--metrics", address, "--fields", COLUMNS,
             "--summary", str(self.accounts), "-o", f"csv:{self.rows}", *map(str, args)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.await_server()

    def await_server(self):
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.get("/readyz")[0] == 200:
                    return
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"no server: {self.process.communicate()}")

    def pid(self):
        """weir is a child of timeout(1)."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    def send(self, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def connect(self, timeout=20):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def get(self, path="/metrics", method="GET", body=None, timeout=20):
        c = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            c.request(method, path, body)
            answer = c.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            c.close()

    def page(self):
        status, _, text = self.get()
        assert status == 200, status
        return scrape.parse(text.decode())

    def await_seen(self, packets):
        """The page once it tells of so many packets: the pipe is silent then."""
        end = time.monotonic() + 30
        while (page := self.page())["weir_packets_seen_total"] != packets:
            assert time.monotonic() < end, page["weir_packets_seen_total"]
            time.sleep(0.02)
        return page

    def finish(self, octets=b""):
        self.send(octets)
        _, err = self.process.communicate(timeout=30)
        assert (self.process.returncode, err) == (0, b""), (self.process.returncode, err)
        summary = json.loads(self.accounts.read_text())
        assert tap.law(summary) is None, tap.law(summary)
        return list(csv.DictReader(self.rows.open())), summary

    def __enter__(self):
        return self

    def __exit__(self, *why):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


# --- pages ----------------------------------------------------------------------------------------

def test_pages(d):
    with Weir(d) as weir:
        status, headers, body = weir.get()
        assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
        assert weir.get("/metrics?format=x")[0] == 200
        status, headers, nothing = weir.get(method="HEAD")
        assert status == 200 and nothing == b"" and abs(int(headers["Content-Length"]) - len(body)) < 50, headers
        assert weir.get("/healthz")[::2] == (200, b"ok\n") and weir.get("/readyz")[::2] == (200, b"ready\n")
        for path in ("/", "/metrics/", "/metric", "//metrics", "/healthz/x"):
            assert weir.get(path)[0] == 404, path
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
            status, headers, _ = weir.get("/metrics", method, body=b"x" * 100000 if method == "POST" else None)
            assert status == 405 and headers["Allow"] == "GET, HEAD", (method, status, headers)
        weir.finish(FILE_HEADER)


def test_promtool(d):
    """Prometheus' own checker finds nothing, neither at the start nor with all families there."""
    with Weir(d) as weir:
        for octets in (b"", with_late_flow(DEMO.read_bytes())):
            weir.send(octets)
            weir.await_seen(244 + LATE if octets else 0)
            assert scrape.promtool("check", "metrics", text=weir.get()[2].decode()) is None


def test_numbers(d):
    """While a pipe is silent the page tells of its last packet, and agrees with the summary and the records."""
    with Weir(d) as weir:
        weir.send(with_late_flow(DEMO.read_bytes()))
        page = weir.await_seen(244 + LATE)
        rows, summary = weir.finish()
    ended = [r for r in rows if r["flow_end_reason"] != "4"]
    assert len(rows) == len(ended) + 1 == 23 and page["weir_live_flows"] == 1, page
    assert page["weir_packets_metered_total"] == 242 + LATE and page['weir_packets_ignored_total{reason="not_ip"}'] == 2
    summary["flows"] -= 1
    summary["ended"]["forced"] -= 1
    assert not scrape.differences(page, scrape.of_summary(summary)), scrape.differences(page, scrape.of_summary(summary))
    assert scrape.sums(page, "application") == scrape.of_records(ended, "application_name")
    assert scrape.sums(page, "category") == scrape.of_records(ended, "category_name")
    assert len(scrape.sums(page, "application")) > 5 and not scrape.by_label(page, "weir_interface_flows_total")
    assert scrape.histogram_of([int(r["total_bytes"]) for r in ended], page, "weir_flow_size_bytes") is None
    count = page["weir_flow_duration_seconds_count"]
    assert count == len(ended) and abs(page["weir_flow_duration_seconds_sum"] - sum(int(r["duration"]) for r in ended) / 1e3) < 0.03


def test_columns_do_not_matter(d):
    """Applications are told whatever --fields says, but not with --no-dissect."""
    capture = with_late_flow(DEMO.read_bytes())
    pages = []
    for args in (["--fields", "flow_id"], ["--no-dissect", "--fields", "flow_id"]):
        with Weir(d, *args) as weir:
            weir.send(capture)
            pages.append(weir.await_seen(244 + LATE))
    assert sum(scrape.by_label(pages[0], "weir_application_flows_total").values()) == 22
    assert "DNS" in scrape.by_label(pages[0], "weir_application_flows_total")
    assert not scrape.by_label(pages[1], "weir_application_flows_total") and pages[1]["weir_flows_total"] == 22


def test_process(d):
    """CPU, memory and start of the process are those that the system tells."""
    before = time.time()
    with Weir(d, weir=tap.WEIR) as weir:
        weir.send(with_late_flow(DEMO.read_bytes()))
        page = weir.await_seen(244 + LATE)
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{weir.pid()}/status").read_text().splitlines())
        fds = len(os.listdir(f"/proc/{weir.pid()}/fd"))
        page = weir.page()
    assert before - 1 < page["process_start_time_seconds"] < before + 10, (before, page["process_start_time_seconds"])
    assert 0 < page["process_cpu_seconds_total"] < 5 and page["process_threads"] == 2
    assert abs(page["process_resident_memory_bytes"] - int(status["VmRSS"].split()[0]) * 1024) < 4 << 20
    assert abs(page["process_open_fds"] - fds) <= 2, (page["process_open_fds"], fds)
    info = [key for key in page if key.startswith("weir_build_info")]
    version = subprocess.run([tap.WEIR, "version"], capture_output=True, text=True).stdout
    assert len(info) == 1 and page[info[0]] == 1
    for label, words in (("version", "weir "), ("ndpi", "nDPI "), ("libbpf", "libbpf ")):
        assert f'{label}="{version.split(words)[1].split()[0]}"' in info[0], (info, version)


def test_ipv6(d):
    if not pathlib.Path("/proc/net/if_inet6").exists():
        raise tap.Skipped("the kernel has no IPv6")
    with Weir(d, host="::1") as weir:
        assert weir.get("/healthz")[0] == 200
        weir.finish(FILE_HEADER)


# --- refusals -------------------------------------------------------------------------------------

def refused(d, address, status, words, *prefix):
    out = d / "kept.csv"
    out.write_text("old")
    done = subprocess.run([*prefix, str(tap.WEIR_SAN), "-r", str(DEMO), "-o", f"csv:{out}", "--metrics", address],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == status and words in done.stderr and done.stderr.count("\n") == 1, (address, done)
    assert out.read_text() == "old", address


def test_refusals(d):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(d, str(port), 1, f"weir: --metrics {port}: Address already in use; give another port")
    refused(d, "192.0.2.77:9435", 1, "weir: --metrics 192.0.2.77:9435: Cannot assign requested address; give an address of")
    for address in ("", "x", "0", "65536", "127.0.0.1", "127.0.0.1:", "localhost:9435", "::1:9435", "[::1]"):
        refused(d, address, 2, "weir: --metrics: ")


def test_no_permission(d):
    """In a network namespace of its own root needs the capability, whatever this one's sysctl is."""
    prefix = ["unshare", "-n", "setpriv", "--bounding-set", "-net_bind_service"] if os.geteuid() == 0 else []
    refused(d, "0.0.0.0:1", 1, "Permission denied; ports below 1024", *prefix)


def test_port_is_free_again(d):
    """Connections that linger from a run before do not keep the next one from its port."""
    with Weir(d) as weir:
        weir.page()
        port = weir.port
        weir.finish(FILE_HEADER)
    run = subprocess.run([tap.WEIR_SAN, "-q", "-r", DEMO, "-o", "csv:/dev/null", "--metrics", str(port)],
                         capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, ""), run


# --- signals --------------------------------------------------------------------------------------

def test_signals(d):
    """The server's thread takes none: a stop ends the meter's waiting for a silent pipe."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with Weir(d) as weir:
            weir.send(DEMO.read_bytes())
            weir.await_seen(244)
            began = time.monotonic()
            os.kill(weir.pid(), number)
            weir.process.wait(10)
            assert time.monotonic() - began < 3, number
            assert weir.process.returncode == 0 and len(weir.rows.read_text().splitlines()) == 23, weir.process.returncode


# --- hostile clients ------------------------------------------------------------------------------

PACKETS, FLOWS = 60000, 3000


def stream(weir, seconds):
    """Packets of many flows, spread over the time: what a meter does while it is attacked."""
    weir.send(FILE_HEADER)
    parts = int(seconds * 20)
    for part in range(parts):
        weir.send(b"".join(packet(S + i * 1000, udp_frame(1 + i % FLOWS))
                           for i in range(PACKETS * part // parts, PACKETS * (part + 1) // parts)))
        time.sleep(0.05)


def resident(pid):
    return int(next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                    if line.startswith("VmHWM")).split()[1]) * 1024


MORE_MEMORY = 4 << 20  # 64 clients with 16 KiB and a page each, and what malloc makes of that


def under_attack(d, attack, seconds=4):
    """Runs the attack while packets are read; all of them must be counted and recorded, memory and file descriptors
    bounded, and the next scrape answered within a second. Without sanitizers, for the memory."""
    with Weir(d, weir=tap.WEIR) as calm:
        stream(calm, 0.5)
        calm.await_seen(PACKETS)
        usual = resident(calm.pid())
        calm.finish()
    with Weir(d, weir=tap.WEIR) as weir:
        meter = threading.Thread(target=stream, args=(weir, seconds))
        meter.start()
        with contextlib.ExitStack() as held:
            attack(weir, held)
            meter.join()
            page = weir.await_seen(PACKETS)
            assert page["weir_packets_metered_total"] == PACKETS and page["weir_live_flows"] == FLOWS, page
            assert page["process_open_fds"] < 100, page["process_open_fds"]
            more = resident(weir.pid()) - usual
            assert more < MORE_MEMORY, f"{more} bytes more than {usual}"
        began = time.monotonic()
        weir.page()
        assert time.monotonic() - began < 1
        rows, summary = weir.finish()
    assert len(rows) == FLOWS and sum(int(r["total_packets"]) for r in rows) == PACKETS == summary["metered"]


def test_never_reads(d):
    """Requests are sent, answers are left where they are: on more connections than there are places. The kernel, which
    has the answers then, does not keep them for longer than the server would."""
    def attack(weir, held):
        for _ in range(100):
            s = held.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            s.connect((weir.host, weir.port))
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        held.callback(check, weir.port)

    def check(port):
        for wanted in (100, 0):
            end = time.monotonic() + 14
            while (now := unread(port)) != wanted:
                assert time.monotonic() < end, (now, wanted)
                time.sleep(0.1)
    under_attack(d, attack, seconds=2)


def unread(port):
    """Connections that the server has closed, with bytes that nobody took."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(f[1] == f"0100007F:{port:04X}" and f[3] == "04" and not f[4].startswith("00000000:")
               for f in map(str.split, lines))


def test_parallel_scrapes(d):
    """A thousand at once: all are answered."""
    def attack(weir, held):
        sockets = [held.enter_context(weir.connect()) for _ in range(1000)]
        for s in sockets:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = 0
        for s in sockets:
            answer = b""
            while more := s.recv(65536):
                answer += more
            header, _, body = answer.partition(b"\r\n\r\n")
            assert header.startswith(b"HTTP/1.1 200 "), header
            answers += scrape.parse(body.decode())["weir_packets_lost_total{reason=\"no_memory\"}"] == 0
        assert answers == 1000
    under_attack(d, attack, seconds=3)


def test_slowloris(d):
    """A byte of a request now and then, on more connections than there are places; scrapes still come through."""
    def attack(weir, held):
        sockets = [held.enter_context(weir.connect()) for _ in range(150)]
        slowest = 0
        for i in range(30):
            for s in sockets:
                with contextlib.suppress(OSError):
                    s.send(b"GET /metrics HTTP/1.1\r\n"[i:i + 1] or b"x")
            if i % 10 == 9:
                began = time.monotonic()
                weir.page()
                slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
        assert slowest < 5, slowest
    under_attack(d, attack)


def test_slow_client_has_ten_seconds(d):
    """Where there is room a slow client has its time, but no more, however alive it seems."""
    with Weir(d) as weir, weir.connect() as slow:
        began = time.monotonic()
        end = began + 20
        slow.settimeout(0.5)
        slow.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        while time.monotonic() < end:
            try:
                slow.send(b"x")
                if slow.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 9.5 < time.monotonic() - began < 11.5, time.monotonic() - began
        weir.finish(FILE_HEADER)


def first_line(weir, octets):
    """Of the answer; b"" where the connection is just ended."""
    with weir.connect() as s:
        answer = b""
        with contextlib.suppress(OSError):
            s.sendall(octets)
            while more := s.recv(65536):
                answer += more
        return answer.split(b"\r\n")[0]


def test_oversized(d):
    """Requests longer than 16 KiB are refused, whatever is long in them; the next one is served."""
    cases = ((b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414", b"431")),
             (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n", (b"431", b"413")),
             (b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n", (b"431", b"413")),
             (b"GET /metrics?" + b"a=b&" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (b"414", b"431")),
             (b"x" * (4 << 20), (b"4",)),
             (bytes(range(256)) * 100, (b"4",)))
    endings = (b"GET /metrics HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"",
               b"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\nHost: x\r\n\r\n",
               b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\nffffffffffffffffff\r\n")

    def refuse(case):
        octets, statuses = case
        line = first_line(weir, octets)
        assert line == b"" or line.startswith(tuple(b"HTTP/1.1 " + s for s in statuses)), (octets[:40], line)
        assert weir.get("/healthz")[0] == 200

    def end(octets):
        """Of some of these the server waits for the rest, as long as a client may take."""
        with weir.connect() as s:
            s.sendall(octets)
            s.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while s.recv(65536):
                    pass
        assert weir.get("/healthz")[0] == 200, octets
    with Weir(d) as weir, concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda job: job[0](job[1]), [*((refuse, case) for case in cases), *((end, octets) for octets in endings)]))
        assert first_line(weir, cases[1][0]).startswith(b"HTTP/1.1 4"), "no answer to a long header"
        weir.finish(FILE_HEADER)


# --- threads, dashboard ---------------------------------------------------------------------------

def test_threads(d):
    done = subprocess.run([str(tap.BUILD / "library" / "metrics_threads"), str(DEMO), "22", str(scrape.free_port())],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "not ok" not in done.stdout and done.stderr == "", done


def test_dashboard(d):
    """The dashboard is whole, and Prometheus' own checker takes each of its expressions."""
    dashboard = json.loads(scrape.DASHBOARD.read_text())
    assert dashboard["schemaVersion"] >= 36 and dashboard["title"] == "weir"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    places = [(x, y) for panel in dashboard["panels"] for p in [panel["gridPos"]]
              for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(places)) == len(places) and max(x for x, _ in places) < 24, "panels lie on each other"
    texts = scrape.dashboard_expressions("127.0.0.1:9435", "1m")
    assert len(texts) > 25
    rules = [{"record": f"dashboard:{i}", "expr": text} for i, text in enumerate(texts)]
    (d / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert scrape.promtool("check", "rules", d / "rules.yml") is None, scrape.promtool("check", "rules", d / "rules.yml")
    (d / "wrong.yml").write_text(json.dumps({"groups": [{"name": "x", "rules": [{"record": "x", "expr": "rate(x"}]}]}))
    assert scrape.promtool("check", "rules", d / "wrong.yml"), "promtool takes anything"


def main():
    tap.run_tests(globals(), "metrics", at_once=10)
    tap.finish()


main()
