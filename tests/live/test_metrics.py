#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--metrics of a weir that watches an interface: exact numbers by every hook, readiness, a real Prometheus that scrapes
under load, and the dashboard's every expression answered by it. Needs root."""
import contextlib, json, os, pathlib, subprocess, sys, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, scrape, tap, watch

FLOOD = tap.BUILD / "live" / "flood"
COLUMNS = "total_packets,total_bytes,application_name,category_name,flow_end_reason"
PORT = 9435

SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 40000))
for i in range(int(sys.argv[3])):
    s.sendto(bytes(100), (sys.argv[2], 53))
"""

net = network.Network()


def get(path):
    """(status, body) as a client in weir's namespace."""
    done = net.b.run("curl", "-s", "-m", "5", "-w", "\n%{http_code}", f"http://127.0.0.1:{PORT}{path}", check=False)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def page():
    status, body = get("/metrics")
    assert status == 200, (status, body)
    return scrape.parse(body)


def await_page(seconds=10, **wanted):
    """The page once it has these values."""
    end = time.monotonic() + seconds
    while any(now.get(name) != value for now in [page()] for name, value in wanted.items()):
        assert time.monotonic() < end, {name: page().get(name) for name in wanted}
        time.sleep(0.1)
    return page()


# Packets a second, and for how long Prometheus scrapes under them: 60 is the minute of a real look.
RATE, LOAD_SECONDS = 25000, int(os.environ.get("LOAD_SECONDS", "5"))


def flood(packets, flows, *args):
    return net.a.run(FLOOD, "--mode", "packet", "--dev", "va", "--dst-mac", net.b.mac, "--flows", flows, "--packets", packets,
                     *args, timeout=60 + LOAD_SECONDS)


# --- numbers ----------------------------------------------------------------------------------------

def test_numbers(folder):
    """By every hook: what the page tells when all flows have ended is what summary and records tell at the end."""
    for hook in ("tc", "xdp", "pcap"):
        with watch.Watch(net.b, hook, "--metrics", PORT, "--fields", COLUMNS, "--idle-timeout", "1", "udp") as weir:
            assert get("/readyz") == (200, "ready\n"), get("/readyz")
            flood(3000, 300)
            net.a.python(SEND, net.a.ip4, net.b.ip4, 5)
            found = await_page(weir_packets_metered_total=3005, weir_live_flows=0, weir_flows_total=301)
        assert len(weir.rows) == 301
        wrong = scrape.differences(found, scrape.of_summary(weir.summary))
        assert not wrong, (hook, wrong)
        assert scrape.sums(found, "application") == scrape.of_records(weir.rows, "application_name"), hook
        assert scrape.sums(found, "category") == scrape.of_records(weir.rows, "category_name"), hook
        total = [sum(int(r[c]) for r in weir.rows) for c in ("total_packets", "total_bytes")]
        assert scrape.sums(found, "interface") == {"vb": (301, *total)}, (hook, found)
        assert scrape.histogram_of([int(r["total_bytes"]) for r in weir.rows], found, "weir_flow_size_bytes") is None
        kernel = {name: found.get(name) for name in ("weir_map_entries", "weir_map_capacity_entries", "weir_ring_used_bytes",
                                                     "weir_ring_capacity_bytes", "weir_bpf_run_seconds_total")}
        if hook == "pcap":
            assert set(kernel.values()) == {None}, kernel
        else:
            assert list(kernel.values())[:4] == [0, 262144, 0, 32 << 20] and kernel["weir_bpf_run_seconds_total"] >= 0, kernel


def test_two_interfaces(folder):
    """Each has its own sums, those of a silent one being 0."""
    with watch.Watch(net.b, "tc", "-i", "lo", "-i", "quiet0", "--metrics", PORT, "--fields", COLUMNS, "--idle-timeout", "1",
                     "src port 40000") as weir:
        zero = {name: (0, 0, 0) for name in ("vb", "lo", "quiet0")}
        assert scrape.sums(page(), "interface") == zero, page()
        net.a.python(SEND, net.a.ip4, net.b.ip4, 7)
        net.b.python(SEND, "127.0.0.1", "127.0.0.2", 3)
        found = await_page(weir_flows_total=2)
        assert scrape.sums(found, "interface") == zero | {"vb": (1, 7, 7 * 142), "lo": (1, 3, 3 * 142)}, found
    assert weir.summary["metered"] == 10


# --- statistics of IPFIX --------------------------------------------------------------------------------

def test_ipfix_statistics(folder):
    """What is exported about the run has what the kernel's program counted, too: packets that the filter there does not match."""
    file = folder / "flows.ipfix"
    with watch.Watch(net.b, "tc", "-o", f"ipfix:{file}", "src port 40000") as weir:
        flood(3000, 300)
        net.a.python(SEND, net.a.ip4, net.b.ip4, 5)
    done = subprocess.run([tap.BUILD / "interop" / "fixbuf_read", file], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    told = [r for line in done.stdout.splitlines() for r in [json.loads(line)] if "observedFlowTotalCount" in r][-1]
    summary = weir.summary
    assert summary["filtered"] >= 2995 and summary["metered"] >= 5, summary
    assert told["ignoredPacketTotalCount"] == summary["filtered"] + sum(summary["ignored"].values()), (told, summary)
    assert told["droppedPacketTotalCount"] == sum(summary["lost"].values()) and told["observedFlowTotalCount"] == summary["flows"], (told, summary)


# --- readiness ----------------------------------------------------------------------------------------

def await_status(path, status, seconds):
    end = time.monotonic() + seconds
    while get(path)[0] != status:
        assert time.monotonic() < end, (path, get(path))
        time.sleep(0.1)


def test_readiness(folder):
    """An output that nobody reads stops the meter: not ready any more, but alive; and ready when it goes on."""
    weir = net.b.start("timeout", "-k", "1", "60", tap.WEIR_SAN, "-q", "-i", "vb", "--metrics", PORT, "--idle-timeout", "1",
                       "--fields", "src_ip,src_port,dst_ip,dst_port,protocol,total_packets,total_bytes")
    await_status("/readyz", 200, 20)
    flood(20000, 4000)
    began = time.monotonic()
    await_status("/readyz", 503, 15)
    assert time.monotonic() - began > 4.5
    assert get("/readyz")[1] == "not ready: the meter does not go on\n" and get("/healthz") == (200, "ok\n")
    assert page()["weir_snapshot_age_seconds"] > 4
    reader = threading.Thread(target=weir.stdout.read)
    reader.start()
    await_status("/readyz", 200, 5)
    await_page(weir_flows_total=4000, weir_packets_metered_total=20000)
    weir.terminate()
    reader.join(20)
    assert weir.wait(20) == 0, weir.stderr.read()


# --- Prometheus ---------------------------------------------------------------------------------------

CONFIG = f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
- job_name: weir
  static_configs: [{{targets: ["127.0.0.1:{PORT}"]}}]
"""

ASK = """
import json, sys, urllib.parse, urllib.request
def ask(query):
    url = "http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": query})
    return json.load(urllib.request.urlopen(url, timeout=5))["data"]["result"]
print(json.dumps([ask(query) for query in json.load(sys.stdin)]))
"""


def ask(*queries):
    """The results of instant queries: [[{metric, value}]]."""
    return json.loads(net.b.run(sys.executable, "-c", ASK, input=json.dumps(queries)).stdout)


def value_of(result):
    assert len(result) == 1, result
    return float(result[0]["value"][1])


class Prometheus:
    def __init__(self, folder):
        config = folder / "prometheus.yml"
        config.write_text(CONFIG)
        self.process = net.b.start("timeout", "-k", "1", str(60 + LOAD_SECONDS), "prometheus", f"--config.file={config}", "--log.level=error",
                                   f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:9090")
        end = time.monotonic() + 20
        while net.b.run("curl", "-sf", "-m", "2", "http://127.0.0.1:9090/-/ready", check=False).returncode:
            assert time.monotonic() < end and self.process.poll() is None, "Prometheus does not start"
            time.sleep(0.1)

    def __enter__(self):
        """It looks for targets every five seconds."""
        end = time.monotonic() + 10
        while not ask("up == 1")[0]:
            assert time.monotonic() < end, "Prometheus does not scrape"
            time.sleep(0.2)
        return self

    def __exit__(self, *why):
        self.process.terminate()
        try:
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()


SINK = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 9995))
while s.recv(65536):
    pass
"""


@contextlib.contextmanager
def collector():
    """For an output over a network, of which the dashboard has panels."""
    process = net.b.start("timeout", "-k", "1", str(90 + LOAD_SECONDS), sys.executable, "-c", SINK)
    end = time.monotonic() + 20
    while ":270B" not in net.b.run("cat", "/proc/net/udp").stdout:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    try:
        yield "ipfix:udp://127.0.0.1:9995"
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_prometheus(folder):
    """It scrapes under load; nothing is lost, its answers are exact, and the dashboard shows something everywhere."""
    packets = RATE * LOAD_SECONDS
    with collector() as output, \
            watch.Watch(net.b, "tc", "--metrics", PORT, "--fields", COLUMNS, "--idle-timeout", "1", "--active-timeout", "1", "-o", output) as weir, \
            Prometheus(folder):
        load = threading.Thread(target=flood, args=(packets, 500, "--rate", RATE))
        load.start()
        scrapes = 0
        while load.is_alive():
            page()
            scrapes += 1
        load.join()
        found = await_page(weir_packets_metered_total=packets, weir_live_flows=0, weir_map_entries=0)
        found = await_page(**{'weir_export_records_total{result="sent"}': found["weir_flows_total"]})
        queue = {name: found[f'weir_output_{name}{{output="2:ipfix:udp"}}'] for name in ("queue_records", "queue_bytes", "sent_records_total")}
        assert queue == {"queue_records": 0, "queue_bytes": 0, "sent_records_total": found["weir_flows_total"]}, queue
        time.sleep(1.2)
        exact = ("up", "weir_packets_metered_total", "weir_flows_total", "sum(weir_application_packets_total)",
                 "sum(weir_flows_ended_total)", "weir_flow_duration_seconds_count", "weir_packets_seen_total - "
                 "weir_packets_metered_total - weir_packets_filtered_total - sum without (reason) (weir_packets_ignored_total) "
                 "- sum without (reason) (weir_packets_lost_total)", "count_over_time(up[15s]) > bool 8", "min_over_time(up[15s])")
        flows = found["weir_flows_total"]
        expected = [1, packets, flows, packets, flows, flows, 0, 1, 1]
        got = [value_of(result) for result in ask(*exact)]
        assert got == expected, list(zip(exact, got, expected))
        texts = scrape.dashboard_expressions(instance=f"127.0.0.1:{PORT}", interval="15s")
        empty = [text for text, result in zip(texts, ask(*texts)) if not result]
        assert not empty, empty
        speed = value_of(ask("max_over_time(rate(weir_packets_metered_total[2s])[10s:500ms])")[0])
        assert 10000 < speed < 60000, speed
    assert not scrape.differences(found, scrape.of_summary(weir.summary)), (found, weir.summary)
    assert len(weir.rows) == flows >= 500 and scrapes > 20 and weir.summary["metered"] == packets, (len(weir.rows), flows, scrapes, weir.summary)
    assert scrape.sums(found, "application") == scrape.of_records(weir.rows, "application_name")


def main():
    if os.geteuid():
        tap.skip("live metrics", "needs root for network namespaces")
        tap.finish()
    with net:
        net.b.ip("link", "add", "quiet0", "type", "veth", "peer", "name", "quiet1")
        net.b.ip("link", "set", "quiet0", "up")
        tap.run_tests(globals(), "live metrics")
    tap.finish()


main()
