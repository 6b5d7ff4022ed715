#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The pipeline of tools/deploy/pipeline with Debian's ClickHouse: records come from librdkafka's mock cluster and by HTTP, some of
them several times, and every sum is that of weir's own CSV and summary. Queries, dashboard and upkeep are the shipped files."""
import collections, contextlib, csv, json, os, pathlib, re, shutil, socket, struct, subprocess, sys, tempfile, time, urllib.parse, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

PIPELINE = tap.TOP / "tools/deploy/pipeline"
CAPTURES = [tap.TOP / f"tests/pcaps/recorded/{name}.pcap" for name in ("demo", "dns-udp", "ipv6", "icmp", "tls13", "vlan", "sctp", "mqtt")]
NOW = int(time.time())
RECENT, YESTERDAY = NOW - 1800, NOW - NOW % 86400 - 43200
DAY = 86400

# A time zone that is not ours, for dates are UTC whatever the server's is. Brokers of the mock cluster let a group wait 3 s.
CONFIG = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>67108864</mark_cache_size><timezone>America/New_York</timezone>
<kafka><session_timeout_ms>4000</session_timeout_ms><heartbeat_interval_ms>500</heartbeat_interval_ms></kafka>
</yandex>"""
USERS = """<yandex><profiles><default><stream_flush_interval_ms>3000</stream_flush_interval_ms></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default/></quotas></yandex>"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Store:
    """A ClickHouse server of this test's own."""

    def __init__(self, folder):
        self.http, self.tcp = free_port(), free_port()
        (folder / "config.d").mkdir()
        shutil.copy(PIPELINE / "kafka.xml", folder / "config.d")
        (folder / "config.xml").write_text(CONFIG.format(folder=folder, http=self.http, tcp=self.tcp))
        (folder / "users.xml").write_text(USERS)
        self.folder = folder
        self.start()

    def start(self):
        self.process = subprocess.Popen(["clickhouse-server", f"--config-file={self.folder}/config.xml"], cwd=self.folder,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            with contextlib.suppress(OSError):
                return self.ask("SELECT 1")
            assert self.process.poll() is None, (self.folder / "errors").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError("clickhouse-server does not answer")

    def post(self, body, **parameters):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/?{urllib.parse.urlencode(parameters)}", body, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters} {body[:2000]}: {error.read().decode()}") from None

    def ask(self, sql):
        """Rows of a query."""
        return json.loads(self.post(f"{sql}\nFORMAT JSONCompact".encode(), output_format_json_quote_64bit_integers="0"))["data"]

    def run(self, sql):
        """What clickhouse-client says to statements."""
        done = subprocess.run(["clickhouse-client", "--port", str(self.tcp), "--multiquery"], input=sql, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout

    def apply(self, door, folder=PIPELINE):
        done = subprocess.run([str(folder / "apply"), door, "--port", str(self.tcp)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, done.stderr

    def url(self):
        sql = "INSERT INTO weir.flows_http FORMAT JSONEachRow"
        return f"http://127.0.0.1:{self.http}/?query={urllib.parse.quote(sql)}&input_format_skip_unknown_fields=1"

    def close_doors(self):
        """Debian's server sometimes dies of a Kafka table that goes: then it is started anew, and closes."""
        for _ in range(3):
            with contextlib.suppress(AssertionError):
                return self.run((PIPELINE / "close.sql").read_text())
            print("# the server died while it closed")
            self.process.wait(timeout=30)
            self.start()
        raise AssertionError("the server dies whenever it closes")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Brokers:
    def __init__(self):
        self.process = subprocess.Popen([str(tap.BUILD / "interop/kafka_mock"), "1", "flows"], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.address = self.process.stdout.readline().strip()

    def send_again(self):
        """Every record of the topic goes onto it once more."""
        base = ["kcat", "-b", self.address, "-t", "flows", "-q"]
        records = subprocess.run([*base, "-C", "-e", "-o", "beginning"], capture_output=True, timeout=60, check=True).stdout
        subprocess.run([*base, "-P"], input=records, timeout=60, check=True)
        return records.count(b"\n")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


# --- what weir says ---------------------------------------------------------------------------------------------------------------

def moved(folder, start):
    """The captures, as if they had been taken one minute after the other from then on."""
    paths = []
    for i, path in enumerate(CAPTURES):
        data = bytearray(path.read_bytes())
        order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        at, first = 24, None
        while at < len(data):
            seconds, _, length, _ = struct.unpack_from(order + "4I", data, at)
            first = seconds if first is None else first
            struct.pack_into(order + "I", data, at, seconds - first + start + 60 * i)
            at += 16 + length
        paths.append(folder / f"{start}-{i}.pcap")
        paths[-1].write_bytes(data)
    return paths


class Records:
    """A run of weir with the pipeline's columns: its CSV and its summary."""

    def __init__(self, folder, probe, start, *args):
        summary, rows = folder / f"{probe}.json", folder / f"{probe}.csv"
        sources = [word for path in moved(folder, start) for word in ("-r", str(path))]
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-c", str(PIPELINE / "weir.yaml"), *sources, "--probe-name", probe,
                               "--summary", str(summary), "-o", f"csv:{rows}", *args], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, done.stderr
        self.probe, self.summary = probe, json.loads(summary.read_text())
        self.rows = list(csv.DictReader(rows.open()))
        assert tap.law(self.summary) is None and len(self.rows) == self.summary["flows"] == self.summary["export"]["sent"] > 40, self.summary
        assert self.totals() == (self.summary["flows"], self.summary["metered"], self.summary["bytes"])

    def totals(self):
        return tuple(map(sum, zip(*self.applications().values())))

    def applications(self):
        """{application: (flows, packets, bytes)}"""
        found = collections.defaultdict(lambda: (0, 0, 0))
        for r in self.rows:
            more = (1, int(r["src2dst_packets"]) + int(r["dst2src_packets"]), int(r["src2dst_bytes"]) + int(r["dst2src_bytes"]))
            found[r["application_name"]] = tuple(map(sum, zip(found[r["application_name"]], more)))
        return dict(found)

    def hosts(self):
        """{address: (flows, packets sent, bytes sent, packets received, bytes received)}"""
        found = collections.defaultdict(lambda: (0,) * 5)
        for r in self.rows:
            there, back = [(int(r[f"{way}_packets"]), int(r[f"{way}_bytes"])) for way in ("src2dst", "dst2src")]
            for host, more in ((r["src_ip"], (1, *there, *back)), (r["dst_ip"], (1, *back, *there))):
                found[host] = tuple(map(sum, zip(found[host], more)))
        return dict(found)


def check(store, records, copies):
    """Every table has the records once for who reads with FINAL, and that many times altogether."""
    mine = f"WHERE probe = '{records.probe}'"
    for table, rows in (("flows", 1), ("application_minutes", 1), ("host_minutes", 2)):
        found = [store.ask(f"SELECT count() FROM weir.{table} {final} {mine}")[0][0] for final in ("", "FINAL")]
        assert found == [copies * rows * len(records.rows), rows * len(records.rows)], (table, found, len(records.rows))
    columns = list(records.rows[0])
    stored = store.ask(f"SELECT {','.join(columns)} FROM weir.flows FINAL {mine} ORDER BY flow_id")
    expected = [["" if value is None else str(value) for value in row] for row in stored]
    assert expected == [list(r.values()) for r in sorted(records.rows, key=lambda r: int(r["flow_id"]))]
    found = store.ask(f"SELECT application_name, count(), sum(packets), sum(bytes) FROM weir.application_minutes FINAL {mine} GROUP BY application_name")
    assert {name: tuple(sums) for name, *sums in found} == records.applications(), found
    found = store.ask("SELECT host, count(), sum(sent_packets), sum(sent_bytes), sum(received_packets), sum(received_bytes) "
                      f"FROM weir.host_minutes FINAL {mine} GROUP BY host")
    assert {name: tuple(sums) for name, *sums in found} == records.hosts(), found
    minutes = {int(r["last_seen"]) // 60000 * 60 for r in records.rows}
    for table in ("flows", "application_minutes", "host_minutes"):
        found = {row[0] for row in store.ask(f"SELECT DISTINCT toUInt32(minute) FROM weir.{table} {mine}")}
        assert found == minutes, (table, found, minutes)


# --- the tests: one server, in this order --------------------------------------------------------------------------------------------

store = brokers = by_kafka = None


def test_http(folder):
    """By HTTP; then the same bytes once more, as after an answer that was lost."""
    lines = folder / "lines.json"
    records = Records(folder, "by-http", RECENT, "-o", f"json:{store.url()}", "-o", f"json:{lines}")
    check(store, records, copies=1)
    store.post(lines.read_bytes(), query="INSERT INTO weir.flows_http FORMAT JSONEachRow")
    check(store, records, copies=2)
    store.run("OPTIMIZE TABLE weir.flows FINAL; OPTIMIZE TABLE weir.application_minutes FINAL; OPTIMIZE TABLE weir.host_minutes FINAL;")
    check(store, records, copies=1)


TEXTS = ("probe", "run_id", "src_ip", "dst_ip", "application", "category", "requested", "ja4", "community")


def synthetic(**columns):
    names = (PIPELINE / "weir.yaml").read_text().split("fields: ")[1].split("\n")[0].split(",")
    return json.dumps({**{name: None if name.endswith("_rtt_us") else "" if name.startswith(TEXTS) else 0
                          for name in names}, **columns}) + "\n"


def insert(*records):
    store.post("".join(records).encode(), query="INSERT INTO weir.flows_http FORMAT JSONEachRow")


def test_settle(folder):
    """A day that is over becomes rows of hours; doing it twice changes nothing."""
    records = Records(folder, "yesterday", YESTERDAY, "-o", f"json:{store.url()}")
    for _ in range(2):
        store.run((PIPELINE / "settle.sql").read_text())
        found = store.ask("SELECT application_name, sum(flows), sum(packets), sum(bytes) FROM weir.application_hours FINAL GROUP BY application_name")
        assert {name: tuple(sums) for name, *sums in found} == records.applications(), found
        found = store.ask("SELECT host, sum(flows), sum(sent_packets), sum(sent_bytes), sum(received_packets), sum(received_bytes) "
                          "FROM weir.host_hours FINAL GROUP BY host")
        assert {name: tuple(sums) for name, *sums in found} == records.hosts(), found
    assert store.ask("SELECT DISTINCT toUInt32(hour) FROM weir.host_hours") == [[YESTERDAY]]


def test_drop_old():
    """Flows are kept for 30 days, minutes for 90."""
    ages = (10, 40, 100)
    insert(*(synthetic(probe="old", run_id="00", flow_id=days, last_seen=(NOW - days * DAY) * 1000, src_ip="a", dst_ip="b") for days in ages))
    statements = store.run((PIPELINE / "drop-old.sql").read_text())
    assert statements.count("DROP PARTITION") == 4, statements
    store.run(statements)
    kept = [sorted({row[0] for row in store.ask(f"SELECT flow_id FROM weir.{table} WHERE probe = 'old'")})
            for table in ("flows", "application_minutes", "host_minutes")]
    assert kept == [[10], [10, 40], [10, 40]], kept


def check_topic(records, copies):
    """Once they are here: the door's views are fed one after the other."""
    for _ in range(300):
        found = [store.ask(f"SELECT count() FROM weir.{table} WHERE probe = '{records.probe}'")[0][0]
                 for table in ("flows", "application_minutes", "host_minutes")]
        if found == [n * copies * len(records.rows) for n in (1, 1, 2)]:
            break
        time.sleep(0.1)
    check(store, records, copies)


def test_kafka():
    """From the topic, on which every record is twice."""
    check_topic(by_kafka, copies=2)


def test_queries():
    """Every example runs and has an answer."""
    insert(*(synthetic(probe="scan", run_id="02", flow_id=i, last_seen=NOW * 1000, src_ip="192.0.2.9", dst_ip="192.0.2.1", dst_port=i,
                       src2dst_packets=1, src2dst_bytes=60) for i in range(1, 102)))
    text = re.sub(r"--.*", "", (PIPELINE / "queries.sql").read_text())
    queries = [query for query in text.split(";") if query.strip()]
    assert len(queries) >= 9
    for query in queries:
        assert store.ask(query), query
    assert store.ask(queries[5]) == [["192.0.2.9", 1, 101, 101]]
    runs = {row[0]: row[2:] for row in store.ask(queries[-1])}
    assert runs["by-kafka"][0] == len(by_kafka.rows) and runs["by-kafka"][1] == 0, runs


def as_grafana(sql):
    """The macros of Grafana's ClickHouse source and the dashboard's variables, for the last six hours."""
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= toDateTime({NOW - 6 * 3600}) AND \1 <= toDateTime({NOW + 60})", sql)
    sql = sql.replace("$__interval_s", "30").replace("${probe:singlequote}", "'by-kafka','yesterday'")
    assert "$" not in sql, sql
    return sql


def test_dashboard():
    """The dashboard is whole, and each of its expressions has an answer."""
    dashboard = json.loads((PIPELINE / "dashboard.json").read_text())
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    assert {row[0] for row in store.ask(variables["probe"]["query"])} >= {"by-kafka", "by-http", "yesterday"}
    panels = dashboard["panels"]
    places = [(x, y) for p in (panel["gridPos"] for panel in panels) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(places)) == len(places) and max(x for x, _ in places) < 24, "panels lie on each other"
    assert len({panel["id"] for panel in panels}) == len(panels) >= 12
    totals = {}
    for panel in panels:
        for target in panel["targets"]:
            sql = target["rawSql"]
            # The long history is of days before.
            rows = store.ask(as_grafana(sql.replace("$__timeFilter(hour)", f"hour >= toDateTime({YESTERDAY - DAY})")))
            assert rows and rows != [[0]], panel["title"]
            totals[panel["title"]] = rows
    now = [totals[name][0][0] for name in ("Flows", "Packets", "Bytes")]
    assert now == list(by_kafka.totals()), (now, by_kafka.totals())
    rates = sum(row[2] for row in totals["Categories"]) * 60 / 8
    assert round(rates) == by_kafka.totals()[2], rates


def test_upgrade(folder):
    """A column more, as the README says: the tables keep what they have, and the topic is read on from where it was."""
    before = store.ask("SELECT count() FROM weir.flows")
    shutil.copytree(PIPELINE, folder / "pipeline")
    for name in ("1-tables.sql", "2-http.sql", "3-kafka.sql"):
        text = (folder / "pipeline" / name).read_text()
        (folder / "pipeline" / name).write_text(text.replace("    community_id String", "    community_id String,\n    user_agent String")
                                                .replace("ja4, community_id", "ja4, community_id, user_agent"))
    store.close_doors()
    while_closed = Records(folder, "while-closed", RECENT, "-o", f"json:kafka://{brokers.address}/flows")
    store.run("ALTER TABLE weir.flows ADD COLUMN user_agent String;")
    store.apply("http", folder / "pipeline")
    store.apply(f"kafka://{brokers.address}/flows", folder / "pipeline")
    assert store.ask("SELECT count() FROM weir.flows WHERE user_agent = ''") == before
    insert(synthetic(probe="new", run_id="01", last_seen=NOW * 1000, user_agent="curl/7"))
    assert store.ask("SELECT probe FROM weir.flows FINAL WHERE user_agent = 'curl/7'") == [["new"]]
    check_topic(while_closed, copies=1)
    check(store, by_kafka, copies=2)


def test_apply_refuses():
    for words in ([], ["tcp://x"], ["kafka://b"], ["kafka://b/"], ["kafka://b'/t"], ["kafka://b/t;x"]):
        done = subprocess.run([str(PIPELINE / "apply"), *words], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and done.stderr, (words, done)


def main():
    global store, brokers, by_kafka
    missing = [name for name in ("clickhouse-server", "clickhouse-client", "kcat")
               if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        tap.skip("pipeline", f"{missing[0]} is not installed; run tools/install-deps")
        return tap.finish()
    os.environ["PATH"] += ":/usr/sbin"
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        brokers = Brokers()
        stack.callback(brokers.close)
        # Before anybody reads: a group that is new begins at the beginning.
        by_kafka = Records(folder, "by-kafka", RECENT, "-o", f"json:kafka://{brokers.address}/flows")
        assert brokers.send_again() == len(by_kafka.rows)
        store = Store(folder)
        stack.callback(store.close)
        store.apply(f"kafka://{brokers.address}/flows")
        store.apply("http")
        tap.run_tests(globals(), "pipeline")
    tap.finish()


main()
