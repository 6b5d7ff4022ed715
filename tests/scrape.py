# SPDX-License-Identifier: BSD-2-Clause
"""Metrics as a test reads them: parsed, and what they must be by a summary and by records."""
import collections, contextlib, json, random, re, socket, subprocess

import tap

DASHBOARD = tap.TOP / "tools" / "deploy" / "grafana" / "weir.json"
LINE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')

# Names of the counter table's rows and groups in metrics, where they are not packets_NAME.
TOP = {"bytes": "weir_bytes_total", "flows": "weir_flows_total"}
GROUPS = {"ended": ("weir_flows_ended_total", "reason"), "plugin": ("weir_plugin_events_total", "event"),
          "attribution": ("weir_attribution_events_total", "event"), "geoip": ("weir_geoip_events_total", "event"),
          "export": ("weir_export_records_total", "result"), "watch": ("weir_watch_events_total", "event")}


def parse(text):
    """{'name{label="value"}': number} of a page; AssertionError when a line is none or comes twice."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = LINE.match(line)
        assert match, line
        if match[2]:
            assert LABEL.sub("", match[2]) == "", line
        key = line.rsplit(" ", 1)[0]
        assert key not in found, line
        found[key] = float(match[3])
    return found


def of_summary(summary):
    """What a page must have by the JSON of --summary, every counter of it."""
    found = {}
    for name, value in summary.items():
        if isinstance(value, dict):
            metric, label = GROUPS.get(name, (f"weir_packets_{name}_total", "reason"))
            found |= {f'{metric}{{{label}="{reason}"}}': number for reason, number in value.items()}
        else:
            found[TOP.get(name, f"weir_packets_{name}_total")] = value
    return found


def by_label(samples, metric):
    """{label's value: number}"""
    return {LABEL.match(key[len(metric) + 1:-1])[2]: value for key, value in samples.items() if key.startswith(metric + "{")}


def of_records(records, column):
    """{value of the column: (flows, packets, bytes)}"""
    found = collections.defaultdict(lambda: [0, 0, 0])
    for r in records:
        for i, more in enumerate((1, int(r["total_packets"]), int(r["total_bytes"]))):
            found[r[column]][i] += more
    return {name: tuple(sums) for name, sums in found.items()}


def sums(samples, kind):
    """The same of a page: kind is application, category or interface."""
    flows, packets, octets = (by_label(samples, f"weir_{kind}_{what}_total") for what in ("flows", "packets", "bytes"))
    assert flows.keys() == packets.keys() == octets.keys()
    return {name: (flows[name], packets[name], octets[name]) for name in flows}


def histogram_of(values, samples, metric):
    """None, or how the histogram on the page is not that of the values."""
    for bound, count in by_label(samples, metric + "_bucket").items():
        expected = sum(v <= float(bound) for v in values)
        if count != expected:
            return f"{metric} le {bound}: {count}, not {expected}"
    if samples[metric + "_count"] != len(values):
        return f"{metric}: count {samples[metric + '_count']}, not {len(values)}"
    if abs(samples[metric + "_sum"] - sum(values)) > 1e-9 * max(sum(values), 1):
        return f"{metric}: sum {samples[metric + '_sum']}, not {sum(values)}"
    return None


def differences(samples, expected):
    """Those of expected that the page has not so."""
    return {key: (samples.get(key), value) for key, value in expected.items() if samples.get(key) != value}


def promtool(*args, text=""):
    """None, or what promtool has to say."""
    done = subprocess.run(["promtool", *map(str, args)], input=text, capture_output=True, text=True, timeout=30)
    said = done.stdout + done.stderr
    return said if done.returncode or "error" in said.lower() else None


def dashboard_expressions(instance, interval):
    """All of the dashboard's, with its variables filled in as Grafana does."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    texts = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    for name, value in (("$__rate_interval", interval), ("$__range", interval), ("$instance", f"({instance})")):
        texts = [text.replace(name, value) for text in texts]
    assert not any("$" in text for text in texts), texts
    return texts


_given = set()


def free_port():
    """One below those that the system gives to clients, so that none of them has it meanwhile; each once."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port
