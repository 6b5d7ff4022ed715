#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weir on a real interface: two namespaces, a veth pair, traffic from here; exact counts.

The namespaces are this test's own and go with it. Needs root.
"""
import json, os, pathlib, re, signal, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap

SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40000))
for i in range(int(sys.argv[1])):
    s.sendto(bytes(100), ("192.0.2.2", 9000))
"""

net = network.Network()


def start(*args):
    weir = net.b.start(tap.WEIR_SAN, *args, text=False)
    time.sleep(1.5)
    return weir


def send(packets):
    net.a.python(SEND, packets)


def stop(weir):
    weir.send_signal(signal.SIGINT)
    out, err = weir.communicate(timeout=20)
    return out.decode(), err.decode(), weir.returncode


FIELDS = ["--no-dissect", "--fields", "src_ip,src_port,dst_ip,dst_port,protocol,total_packets,total_bytes,flow_end_reason"]
HOOKS = ("pcap", "tc")


def test_counts(folder):
    weir = start("-q", "-i", "vb", *FIELDS, "--summary", folder / "s.json", "udp")
    send(5000)
    time.sleep(1)
    out, err, status = stop(weir)
    assert out.splitlines()[1:] == ["192.0.2.1,40000,192.0.2.2,9000,17,5000,710000,4"], (out, err)
    summary = json.loads((folder / "s.json").read_text())
    assert status == 0 and tap.law(summary) is None and summary["metered"] == 5000, summary


# Sends 200 datagrams, and at once what ends the run is done: argv: a pid to interrupt, or what ip(8) shall do.
SEND_AND_END = SEND + """
import os, signal, subprocess
if len(sys.argv) == 3: os.kill(int(sys.argv[2]), signal.SIGINT)
else: subprocess.run(["ip", "link", "set", *sys.argv[2:]], check=True)
"""


def test_last_packets(folder):
    """What came just before the end of a run, or before an interface went down, is still in libpcap's buffer."""
    for hook in HOOKS:
        for end in ("stop", "down"):
            weir = start("-q", "-i", "vb", "--hook", hook, *FIELDS, "--summary", folder / "s.json", "udp")
            words = (weir.pid,) if end == "stop" else ("va", "down")
            net.a.python(SEND_AND_END, 200, *words)
            if end == "down":
                time.sleep(0.5)
                weir.send_signal(signal.SIGINT)
            out, err = weir.communicate(timeout=20)
            summary = json.loads((folder / "s.json").read_text())
            assert tap.law(summary) is None and summary["metered"] == summary["seen"] - summary["filtered"] == 200, (hook, end, summary)
            assert out.decode().splitlines()[1:] == ["192.0.2.1,40000,192.0.2.2,9000,17,200,28400,4"], (hook, end, out, err)
            net.a.ip("link", "set", "va", "up")
            net.a.ip("neigh", "replace", net.b.ip4, "lladdr", net.b.mac, "dev", "va", "nud", "permanent")


def test_silent_wire(folder):
    """A flow is exported within its idle timeout and a second, though no packet follows."""
    weir = start("-q", "-i", "vb", *FIELDS, "--idle-timeout", "1", "udp")
    send(3)
    began = time.monotonic()
    weir.stdout.readline()
    row = weir.stdout.readline().decode()
    took = time.monotonic() - began
    stop(weir)
    assert row.strip() == "192.0.2.1,40000,192.0.2.2,9000,17,3,426,1" and took < 2.0, (row, took)


def test_two_interfaces(folder):
    """The same packets on lo and the veth are not mixed up, and each interface keeps its own flow."""
    weir = start("-q", "-i", "vb", "-i", "lo", *FIELDS, "udp")
    send(7)
    time.sleep(0.5)
    out, _, _ = stop(weir)
    assert out.splitlines()[1:] == ["192.0.2.1,40000,192.0.2.2,9000,17,7,994,4"], out


def test_interface_goes_away(folder):
    """weir waits for it, its flows end in time, and what it carries when it is back is counted."""
    for hook in HOOKS:
        weir = start("-q", "-i", "vb", "--hook", hook, *FIELDS, "--idle-timeout", "1", "--summary", folder / "s.json", "udp")
        send(2)
        time.sleep(0.5)
        net.disconnect()
        try:
            said = [weir.stderr.readline().decode()]
            rows = [weir.stdout.readline().decode() for _ in range(2)]
        finally:
            net.connect()
        said += [weir.stderr.readline().decode()]
        send(3)
        rows += [weir.stdout.readline().decode()]
        assert weir.poll() is None
        out, err, status = stop(weir)
        summary = json.loads((folder / "s.json").read_text())
        assert rows[1:] == [f"192.0.2.1,40000,192.0.2.2,9000,17,{n},{n * 142},1\n" for n in (2, 3)], (hook, rows)
        assert said == ["weir: warning: vb: gone; waiting for it to come back\n", "weir: warning: vb: back and watched\n"], said
        assert status == 0 and not out and not err and tap.law(summary) is None and summary["metered"] == 5, (hook, summary)


def test_link_down_and_up(folder):
    """An interface that is only down is not gone."""
    for hook in HOOKS:
        weir = start("-q", "-i", "vb", "--hook", hook, *FIELDS, "udp")
        send(2)
        net.b.ip("link", "set", "vb", "down")
        time.sleep(1)
        net.b.ip("link", "set", "vb", "up")
        time.sleep(1.5)
        send(3)
        time.sleep(0.5)
        out, err, status = stop(weir)
        assert out.splitlines()[1:] == ["192.0.2.1,40000,192.0.2.2,9000,17,5,710,4"], (hook, out, err)
        assert status == 0 and not err, (hook, err)


def test_direction(folder):
    """Of eight packets that come in and three that go out, --direction keeps one way."""
    answer = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('192.0.2.2', 9000))\n" \
             "for _ in range(3): s.sendto(bytes(100), ('192.0.2.1', 40000))"
    fields = ["--no-dissect", "--fields", "src_port,src2dst_packets,dst2src_packets"]
    for hook in HOOKS:
        for way, expected in (("in", "40000,8,0"), ("out", "9000,3,0"), ("both", "40000,8,3")):
            weir = start("-q", "-i", "vb", "--hook", hook, "--direction", way, *fields, "udp")
            send(8)
            net.b.python(answer)
            time.sleep(0.5)
            out, err, _ = stop(weir)
            assert out.splitlines()[1:] == [expected] and not err, (hook, way, out, err)


def test_loopback_once(folder):
    """What goes out on lo comes in on it: counted there, once."""
    talk = """
import socket
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 40000))
b.bind(("127.0.0.1", 9000))
for one, other, packets in ((a, b, 8), (b, a, 3)):
    for _ in range(packets):
        one.sendto(bytes(100), other.getsockname())
"""
    fields = ["--no-dissect", "--fields", "src_port,src2dst_packets,dst2src_packets"]
    for hook in HOOKS:
        for way, expected in (("both", ["40000,8,3"]), ("in", ["40000,8,3"]), ("out", [])):
            weir = start("-i", "lo", "--hook", hook, "--direction", way, *fields, "udp port 9000")
            net.b.python(talk)
            time.sleep(0.5)
            out, err, _ = stop(weir)
            assert out.splitlines()[1:] == expected, (hook, way, out, err)
            assert ("with --direction out none is" in err) == (way == "out"), (hook, way, err)


def test_summary_now(folder):
    """SIGUSR1 asks for the account so far, and --stats-interval tells rates; both with -q too."""
    weir = start("-q", "-i", "vb", *FIELDS, "--stats-interval", "0.5", "udp")
    send(50)
    time.sleep(1)
    weir.send_signal(signal.SIGUSR1)
    time.sleep(0.5)
    out, err, _ = stop(weir)
    assert out.splitlines()[1:] == ["192.0.2.1,40000,192.0.2.2,9000,17,50,7100,4"], (out, err)
    summaries = [x for x in err.splitlines() if x.startswith("weir: seen ")]
    rates = [x for x in err.splitlines() if " pps, " in x]
    assert len(summaries) == 1 and "metered 50," in summaries[0] and summaries[0].endswith(", flows 0"), err
    assert len(rates) >= 3 and all("lost 0 (+0), cpu " in x for x in rates), err
    assert [x for x in rates if not x.startswith("weir: 0 pps")] and any("flows 1, " in x for x in rates), err


def test_status(folder):
    """What is attached, its map and its account, as seen by another weir; then no more."""
    def ask(*args):
        return net.b.run(tap.WEIR_SAN, *args).stdout.splitlines()

    weir = start("-q", "-i", "vb", "--hook", "tc", "--map-entries", "4096", *FIELDS, "udp")
    send(20)
    attached, fill, rate, ledger = ask("status")
    assert re.fullmatch(r"vb: in weir_\w+ \(program \d+\), out weir_\w+ \(program \d+\)", attached), attached
    assert fill == "map: 1 of 4096 flows (0.0 %)" and rate == "rate: 0 packets/s, 0.000 Mbit/s", (fill, rate)
    assert re.match(r"ledger: seen \d+, metered 20, filtered \d+, ", ledger), ledger
    assert ask("status", "-i", "lo") == ["weir watches nothing here"]
    assert ask("detach") == ["nothing to detach"]  # of a weir that lives
    out, _, _ = stop(weir)
    assert out.splitlines()[1:] == ["192.0.2.1,40000,192.0.2.2,9000,17,20,2840,4"], out
    assert ask("status") == ["weir watches nothing here"]


def test_errors(folder):
    for args, words in ((["-i", "nope"], "-i nope: "), (["-i", "vb", "-r", "x"], "-r and -i"),
                        (["-i", "vb", "udp prot"], "udp ^prot"),
                        (["--hook", "pcap", "-i", "nflog", "--direction", "in"], "-i nflog: ")):
        weir = start(*args)
        _, err = weir.communicate(timeout=20)
        assert weir.returncode in (1, 2) and words in err.decode() and err.count(b"\n") == 1, (args, err)


def main():
    if os.geteuid():
        tap.skip("live", "needs root for network namespaces")
        tap.finish()
    with net:
        for name, test in list(globals().items()):
            if not name.startswith("test_"):
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    test(pathlib.Path(folder))
                    tap.report(True, f"live {name[5:]}")
                except (AssertionError, OSError, subprocess.SubprocessError) as wrong:
                    tap.report(False, f"live {name[5:]}", repr(wrong)[:1500])
    tap.finish()


main()
