#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--pin: the kernel counts on while the agent is away, and the ledger goes on with the next one.

A sender whose count is known never stops while agents are stopped or killed. Afterwards every
packet it sent is in a record or, of killed agents, in lost.agent_restart. The BPF file system is
this test's own, in a mount namespace that ends with it. Needs root.
"""
import csv, fcntl, json, os, pathlib, random, re, signal, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap

FLOOD = tap.BUILD / "live" / "flood"
FLOWS, RATE = 500, 20000
OPTIONS = ["-q", "-i", "vb", "--hook", "tc", "--direction", "in", "--no-dissect", "--idle-timeout", "1",
           "--active-timeout", "2", "--fields", "src_ip,total_packets"]


class Agents:
    """One agent after the other on the same pins."""

    def __init__(self, net, folder, *options):
        self.net, self.folder, self.pins, self.options = net, folder, folder / "bpf" / "weir", options
        self.count = 0
        (folder / "bpf").mkdir()
        subprocess.run(["mount", "-t", "bpf", "bpf", folder / "bpf"], check=True)

    def start(self, *more):
        self.count += 1
        weir = self.net.b.start(tap.WEIR_SAN, *OPTIONS, "--pin", self.pins, "-o", f"csv:{self.folder}/{self.count}.csv",
                                "--summary", self.summary_path(), *self.options, *more, text=True)
        deadline = time.monotonic() + 10
        while not self.watched() and weir.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return weir

    def watched(self):
        """An agent is there: it holds the lock of the pins, and the interface has its link."""
        if not (self.pins / "link-vb-in").exists():
            return False
        lock = os.open(self.pins, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(lock)

    def summary_path(self):
        return self.folder / f"{self.count}.json"

    def stop(self, weir):
        weir.send_signal(signal.SIGINT)
        _, err = weir.communicate(timeout=30)
        assert weir.returncode == 0, (weir.returncode, err)
        return json.loads(self.summary_path().read_text())

    def recorded(self):
        """Packets in the records of all agents, whole lines only."""
        total = 0
        for path in self.folder.glob("*.csv"):
            text = path.read_text()
            rows = text[:text.rfind("\n") + 1].splitlines()[1:]
            total += sum(int(row[1]) for row in csv.reader(rows))
        return total

    def detach(self):
        return self.net.b.run(tap.WEIR_SAN, "detach", "--pin", self.pins)


def flood(net, packets):
    return net.a.start(FLOOD, "--mode", "packet", "--dev", "va", "--dst-mac", net.b.mac, "--flows", FLOWS, "--packets",
                       packets, "--rate", RATE, text=True)


def sent_by(sender):
    out, err = sender.communicate(timeout=60)
    assert sender.returncode == 0, err
    return json.loads(out)["sent"]


def finish(agents, sent):
    """The last agent is alone with what is left: afterwards nothing is in the map any more."""
    time.sleep(0.2)
    summary = agents.stop(agents.start())
    assert tap.law(summary) is None, summary
    assert summary["seen"] == sent, (sent, summary)
    lost = summary["lost"].pop("agent_restart")
    assert not any(summary["lost"].values()), summary
    assert summary["metered"] + lost == sent, (sent, lost, summary)
    assert agents.recorded() + lost == sent, (agents.recorded(), lost, sent, summary)
    agents.detach()
    assert not agents.pins.exists()
    return lost


def test_graceful(net, folder):
    """Stopped five times under load: nothing is lost."""
    agents = Agents(net, folder)
    weir = agents.start()
    sender = flood(net, 120000)
    for _ in range(5):
        time.sleep(0.7)
        agents.stop(weir)
        weir = agents.start()
    sent = sent_by(sender)
    agents.stop(weir)
    assert finish(agents, sent) == 0


def kill_under_load(net, folder, *options):
    """What was lost with agents that were killed eight times."""
    agents = Agents(net, folder, *options)
    weir = agents.start()
    sender = flood(net, 160000)
    for _ in range(8):
        time.sleep(random.uniform(0.4, 1.0))
        weir.kill()
        weir.wait()
        weir = agents.start()
    sent = sent_by(sender)
    agents.stop(weir)
    return finish(agents, sent)


def test_killed(net, folder):
    """Numbers in the kernel's map outlive the agent; what it held stands in the ledger."""
    print(f"# lost with the agents: {kill_under_load(net, folder)}")


def test_killed_holding(net, folder):
    """A map of 64 flows: the agent holds the others, and every packet of them is told."""
    lost = kill_under_load(net, folder, "--map-entries", "64")
    print(f"# lost with the agents: {lost}")
    assert lost > 0


def test_away(net, folder):
    """No agent for seconds: the kernel counts on, and all of it is exported afterwards."""
    agents = Agents(net, folder)
    agents.stop(agents.start())
    sent = sent_by(flood(net, 60000))
    assert finish(agents, sent) == 0
    assert agents.recorded() == sent


def test_refusals(net, folder):
    """Other settings and a second agent are refused, with what to do."""
    agents = Agents(net, folder)
    weir = agents.start()
    second = agents.start()
    _, err = second.communicate(timeout=20)
    assert second.returncode == 1 and "another weir runs on these pins" in err, (second.returncode, err)
    weir.send_signal(signal.SIGINT)
    weir.communicate(timeout=20)
    other = agents.start("--map-entries", "1000")
    _, err = other.communicate(timeout=20)
    assert other.returncode == 1 and f"weir detach --pin {agents.pins}" in err, (other.returncode, err)
    assert "pins removed" in agents.detach().stdout
    refused = net.b.run(tap.WEIR_SAN, "-i", "vb", "--pin", folder / "plain", check=False)
    assert refused.returncode == 1 and "mount -t bpf" in refused.stderr, refused
    assert not (folder / "plain").exists()


def programs_on(net):
    """Ids of weir's programs on the interface, by weir's own word."""
    return set(re.findall(r"program (\d+)", net.b.run(tap.WEIR, "status", "-i", "vb").stdout))


def is_loaded(program):
    return int(program) in (one["id"] for one in network.bpftool("prog", "show"))


def test_nothing_stays(net, folder):
    """Without --pin an agent leaves nothing, however it ends."""
    for hook in ("tc", "xdp"):
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            weir = net.b.start(tap.WEIR_SAN, "-q", "-i", "vb", "--hook", hook, "-o", "csv:/dev/null")
            deadline = time.monotonic() + 10
            while not programs_on(net) and time.monotonic() < deadline:
                time.sleep(0.1)
            programs = programs_on(net)
            assert programs and all(map(is_loaded, programs)), (hook, how)
            weir.send_signal(how)
            weir.communicate(timeout=20)
            assert not programs_on(net), (hook, how, programs_on(net))
            deadline = time.monotonic() + 5  # off at once, freed in the kernel's own time
            while any(map(is_loaded, programs)) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not any(map(is_loaded, programs)), (hook, how)
            assert "clsact" not in net.b.run("tc", "qdisc", "show", "dev", "vb").stdout, (hook, how)


def test_leftover_filter(net, folder):
    """What a killed weir leaves where there is no TCX; to look for it and to take it away are two capabilities."""
    (folder / "bpf").mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", folder / "bpf"], check=True)
    weir = net.b.start(tap.WEIR_SAN, *OPTIONS)
    deadline = time.monotonic() + 10
    while not programs_on(net) and time.monotonic() < deadline:
        time.sleep(0.02)
    subprocess.run(["bpftool", "prog", "pin", "id", str(min(programs_on(net))), folder / "bpf" / "left"], check=True)
    net.b.run("tc", "qdisc", "add", "dev", "vb", "clsact")
    net.b.run("tc", "filter", "add", "dev", "vb", "ingress", "prio", "1", "handle", "1", "bpf", "da", "object-pinned", folder / "bpf" / "left")
    weir.terminate()
    weir.communicate(timeout=30)
    said = [net.b.run("setpriv", "--bounding-set", f"-all,{kept}", tap.WEIR_SAN, "detach", "-i", "vb", check=False) for kept in (
        "+sys_admin", "+net_admin", "+sys_admin,+net_admin", "+sys_admin")]
    assert [(done.returncode, done.stdout, done.stderr) for done in said] == [
        (1, "", "weir: -i vb: removing filters: Operation not permitted; run as root or with CAP_NET_ADMIN\n"),
        (1, "", "weir: looking at BPF programs: Operation not permitted; run as root or with CAP_SYS_ADMIN\n"),
        (0, "vb: 1 filters removed\n", ""), (0, "nothing to detach\n", "")], said


def main():
    if os.geteuid():
        tap.skip("restart", "needs root for network namespaces and BPF")
        tap.finish()
    if os.environ.get("WEIR_OWN_MOUNTS") != "1":
        os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv], {**os.environ, "WEIR_OWN_MOUNTS": "1"})
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, network.Network() as net:
            try:
                test(net, pathlib.Path(folder))
                tap.report(True, f"restart {name[5:]}")
            except (AssertionError, OSError, subprocess.SubprocessError, ValueError, TypeError) as wrong:
                tap.report(False, f"restart {name[5:]}", repr(wrong)[:1500])
            subprocess.run(["umount", pathlib.Path(folder) / "bpf"], capture_output=True)
    tap.finish()


main()
