#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Loki's push API and the bulk API of Elasticsearch, as servers that take nothing but what those document, and refuse, in part too."""
import collections, datetime, gzip, http.server, json, pathlib, re, subprocess, sys, threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

DEMO = tap.TOP / "tests/pcaps/recorded/demo.pcap"
FLOWS = 22


class Server:
    """Answers are (status, body) by handle(path, headers, body)."""

    def __init__(self, handle):
        self.requests = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.requests += 1
                data = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Encoding"] == "gzip"
                status, body = handle(self.path, self.headers, gzip.decompress(data))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.server.shutdown()
        self.server.server_close()


def run(folder, *args):
    """(stderr, counts, records of a JSON file beside it)"""
    done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--summary", str(folder / "s.json"), "--probe-name", 'edge "1"',
                           "-o", f"json:{folder}/lines.json", *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    summary = json.loads((folder / "s.json").read_text())
    assert tap.law(summary) is None, summary
    return done.stderr, summary["export"], [json.loads(line) for line in (folder / "lines.json").read_text().splitlines()]


def counts_of(sent=0, retried=0, dropped=0, failed=0):
    return {"sent": sent, "retried": retried, "dropped": dropped, "failed": failed}


# --- Loki -----------------------------------------------------------------------------------------------------------------------------

def pushed(path, headers, body):
    """[(labels, ns, line)] of a push; AssertionError when it is none."""
    assert path == "/loki/api/v1/push" and headers["Content-Type"] == "application/json", (path, headers)
    push = json.loads(body)
    assert list(push) == ["streams"]
    found = []
    for stream in push["streams"]:
        assert list(stream) == ["stream", "values"] and stream["values"], stream
        assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) and isinstance(value, str) for name, value in stream["stream"].items())
        for ns, line in stream["values"]:
            assert re.fullmatch(r"\d{19}", ns) and isinstance(line, str), ns
            found.append((stream["stream"], int(ns), line))
    return found


def test_loki(folder):
    lines, first = [], [(429, b"too much"), (500, b"")]

    def handle(*request):
        found = pushed(*request)
        if first:
            return first.pop(0)
        lines.extend(found)
        return 204, b""

    with Server(handle) as server:
        err, counts, records = run(folder, "--fields", "flow_id,last_seen_ns,client_info,user_agent,application_name",
                                   "-o", f"json:http://{server.address}/loki/api/v1/push")
    assert counts == counts_of(sent=FLOWS, retried=2 * FLOWS), counts
    assert [json.loads(line) for _, _, line in lines] == records and len(records) == FLOWS
    assert [ns for _, ns, _ in lines] == [int(r["last_seen_ns"]) for r in records]
    assert all(labels == {"job": "weir", "probe": 'edge "1"'} for labels, _, _ in lines), lines[0]


def test_loki_hides_the_probe(folder):
    labels = []

    def handle(*request):
        labels.extend(labels for labels, _, _ in pushed(*request))
        return 204, b""

    with Server(handle) as server:
        run(folder, "--fields", "flow_id,probe", "--anonymize", "probe", "-o", f"json:http://{server.address}/loki/api/v1/push")
    assert labels == [{"job": "weir"}] * FLOWS, labels


def test_loki_batches(folder):
    """Each of many bodies is whole."""
    big = folder / "big.pcap"
    data, lines = DEMO.read_bytes(), []
    big.write_bytes(data[:24] + data[24:] * 40)

    def handle(*request):
        lines.extend(json.loads(line)["flow_id"] for _, _, line in pushed(*request))
        return 204, b""

    with Server(handle) as server:
        _, counts, records = run(folder, "-r", str(big), "--active-timeout", "0", "-o", f"json:http://{server.address}/loki/api/v1/push")
    assert sorted(lines) == sorted(r["flow_id"] for r in records) and server.requests > 5, (len(lines), len(records))
    assert counts == counts_of(sent=len(records)), counts


def test_loki_refuses(folder):
    """Its words are told once."""
    with Server(lambda *request: (400, b"entry too far behind\nmore")) as server:
        err, counts, _ = run(folder, "-o", f"json:http://{server.address}/loki/api/v1/push")
    assert counts == counts_of(failed=FLOWS), counts
    assert err.count("\n") == 1 and "HTTP status 400: entry too far behind; records that are refused count as failed" in err, err


# --- bulk -------------------------------------------------------------------------------------------------------------------------------

class Index:
    """An index as Elasticsearch keeps it: a name is created once. refuse: {flow_id: statuses, one a request}."""

    def __init__(self, refuse=None):
        self.documents, self.refuse = {}, refuse or {}
        self.seen = collections.Counter()

    def create(self, name, document):
        flow = int(name.partition("-")[2])
        self.seen[flow] += 1
        statuses = self.refuse.get(flow)
        status = statuses.pop(0) if statuses else 409 if name in self.documents else 201
        if status == 201:
            self.documents[name] = document
        item = {"_index": "flows", "_id": name, "status": status}
        if status > 299:
            item["error"] = {"type": "x", "reason": f"because of {status}", "caused_by": {"status": 200}}
        return {"create": item}

    def handle(self, path, headers, body):
        assert path.partition("?")[0] == "/flows/_bulk" and headers["Content-Type"] == "application/x-ndjson", path
        assert body.endswith(b"}\n")
        lines = [json.loads(line, object_pairs_hook=self.once) for line in body.splitlines()]
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            assert list(action) == ["create"] and list(action["create"]) == ["_id"], action
            items.append(self.create(action["create"]["_id"], document))
        errors = any(item["create"]["status"] > 299 for item in items)
        return 200, json.dumps({"took": 3, "errors": errors, "items": items}).encode()

    @staticmethod
    def once(pairs):
        """A document with a key twice is refused."""
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)


def bulk(folder, index, *args):
    with Server(index.handle) as server:
        return run(folder, "--fields", "run_id,flow_id,last_seen_ns,application_name", "-o", f"json:http://{server.address}/flows/_bulk?pipeline=p", *args)


def check_documents(index, records, without=()):
    expected = {f"{r['run_id']}-{r['flow_id']}": r for r in records if r["flow_id"] not in without}
    found = {name: {key: value for key, value in d.items() if key != "@timestamp"} for name, d in index.documents.items()}
    assert found == expected, (len(found), len(expected))
    for document in index.documents.values():
        seconds, ns = divmod(int(document["last_seen_ns"]), 10**9)
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        assert document["@timestamp"] == f"{moment:%Y-%m-%dT%H:%M:%S}.{ns:09}Z", document


def test_bulk(folder):
    index = Index()
    err, counts, records = bulk(folder, index)
    check_documents(index, records)
    assert counts == counts_of(sent=FLOWS) and not err, (counts, err)


def test_bulk_ecs(folder):
    """Names that have @timestamp have it once, and the same."""
    plain, named = Index(), Index()
    bulk(folder, plain)
    with Server(named.handle) as server:
        _, counts, _ = run(folder, "--names", "ecs", "-o", f"json:http://{server.address}/flows/_bulk")
    assert counts == counts_of(sent=FLOWS), counts
    times = [{int(name.partition("-")[2]): d["@timestamp"] for name, d in index.documents.items()} for index in (plain, named)]
    assert times[0] == times[1] and len(times[0]) == FLOWS, times


def test_bulk_refuses_some(folder):
    """Records that the index will never take are failed, the others sent, with the first one's reason."""
    index = Index({3: [400], 7: [400]})
    err, counts, records = bulk(folder, index)
    check_documents(index, records, without=(3, 7))
    assert counts == counts_of(sent=FLOWS - 2, failed=2), counts
    assert err.count("\n") == 1 and "status 400 of a record: because of 400; records that are refused count as failed" in err, err


def test_bulk_later(folder):
    """A record that is to come later has its batch sent again; what was taken then is there already, once."""
    index = Index({3: [429, 503], 7: [400, 400, 400]})
    err, counts, records = bulk(folder, index)
    check_documents(index, records, without=(7,))
    assert index.seen == {r["flow_id"]: 3 for r in records}, index.seen
    assert counts == counts_of(sent=FLOWS - 1, retried=2 * FLOWS, failed=1), counts


def test_bulk_answers(folder):
    """What is no answer of that API takes no record."""
    for body in (b"", b"<html>login</html>", b"[]", b"{}", b'{"errors":"no"}', b'{"errors":true}', b'{"errors":true,"items":[{}]}',
                 b'{"errors":true,"items":[1]}', b'{"errors":true,"items":[{"create":{}}]}', b'{"errors":true,"items":{', b"[" * 100000, b"\xff\x00"):
        with Server(lambda *request: (200, body)) as server:
            err, counts, _ = run(folder, "-o", f"json:http://{server.address}/_bulk")
        assert counts == counts_of(failed=FLOWS) and "the answer is none of a bulk API" in err, (body[:40], counts, err)


MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], timeout=60)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def test_bulk_answers_and_memory(folder):
    """An answer of millions of values takes no more memory than its text, and some."""
    for item in (b"{},", b"1,", b'{"create":{"status":201,"error":{"":{}}}},'):
        body = b'{"errors":true,"items":[' + item * (8000000 // len(item)) + b"{}]}"
        with Server(lambda *request: (200, body)) as server:
            done = subprocess.run([sys.executable, "-c", MEASURE, str(tap.WEIR), "-q", "-r", str(DEMO), "-o", f"json:http://{server.address}/_bulk"],
                                  capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "the answer is none of a bulk API" in done.stderr, done
        assert int(done.stdout) < 100 << 10, (item, done.stdout)


def test_refused():
    for path in ("_bulk", "loki/api/v1/push"):
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "-o", f"csv:http://127.0.0.1:9/{path}"], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode == 2 and f"/{path} takes json" in done.stderr and done.stderr.count("\n") == 1, done


def test_hidden_columns():
    """What a body tells besides the columns must not tell one that is hidden."""
    for path, column in (("loki/api/v1/push", "last_seen_ns"), ("_bulk", "last_seen_ns"), ("_bulk", "flow_id"), ("_bulk", "run_id")):
        done = subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), "--fields", "run_id,flow_id,last_seen_ns", "--anonymize", column,
                               "-o", f"json:http://127.0.0.1:9/{path}"], capture_output=True, text=True, timeout=20)
        words = f"/{path} tells {column.removesuffix('_ns')}, which --anonymize hides"
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done


def main():
    tap.run_tests(globals(), "http api")
    tap.finish()


main()
