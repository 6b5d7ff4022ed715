#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad conditions: each gets a clear line or a named counter, and never a wrong record.

What goes wrong is made to go wrong for real: no permission, no such interface, no native XDP,
another program on the hook, no memory for the map, a full ring, an agent that is stopped, a full
disk, more flows than the map has room for. Needs root.
"""
import csv, json, os, pathlib, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

FLOOD = tap.BUILD / "live" / "flood"
COUNT, TALLY = (tap.BUILD / "live" / f"{name}.bpf.o" for name in ("count", "tally"))
RECORDS = ["--no-dissect", "--fields", "src_ip,total_packets"]


def flood(net, flows, packets, rate=0, mode="packet", order="round"):
    return net.a.start(FLOOD, "--mode", mode, "--dev", "va", "--dst-mac", net.b.mac, "--flows", flows, "--packets", packets,
                       "--rate", rate, "--order", order, text=True)


def sent_by(sender):
    out, err = sender.communicate(timeout=90)
    assert sender.returncode == 0, err
    return json.loads(out)["sent"]


class Agent:
    """weir with its records and its account; the plain build where the rate matters."""

    def __init__(self, net, folder, *options, weir=tap.WEIR, hook="tc", output=None):
        self.records, self.account = folder / "records.csv", folder / "account.json"
        self.process = net.b.start(weir, "-q", "-i", "vb", "--hook", hook, "--direction", "in", *RECORDS, "-o",
                                   f"csv:{output or self.records}", "--summary", self.account, *options, text=True)
        deadline = time.monotonic() + 15
        while self.process.poll() is None and time.monotonic() < deadline:
            if watch.links(self.process.pid):
                return
            time.sleep(0.05)
        raise AssertionError(f"weir does not attach: {self.process.communicate(timeout=5)}")

    def stop(self, status=0):
        self.process.send_signal(signal.SIGINT)
        _, self.err = self.process.communicate(timeout=60)
        assert self.process.returncode == status, (self.process.returncode, self.err)
        self.summary = json.loads(self.account.read_text())
        assert tap.law(self.summary) is None, self.summary
        return self.summary

    def flows(self):
        held = {}
        with open(self.records) as f:
            for row in csv.DictReader(f):
                held[row["src_ip"]] = held.get(row["src_ip"], 0) + int(row["total_packets"])
        return held


def refused(net, *args, prefix=()):
    """The one line and the exit code of a weir that cannot begin."""
    done = net.b.run(*prefix, *(() if prefix else (tap.WEIR_SAN,)), *args, "-o", "csv:/dev/null", check=False, timeout=30)
    assert done.stderr.count("\n") == 1, done
    return done.returncode, done.stderr


def nobody(weir, *capabilities):
    caps = ",".join(f"+{name}" for name in capabilities)
    raise_caps = ["--inh-caps", f"-all,{caps}", "--ambient-caps", caps] if caps else ["--inh-caps", "-all"]
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *raise_caps, weir]


def test_no_permission(net, folder):
    folder.chmod(0o755)
    weir = shutil.copy(tap.WEIR, folder / "weir")
    status, err = refused(net, "-i", "vb", "--hook", "tc", prefix=nobody(weir))
    assert status == 1 and "not permitted" in err and "CAP_BPF" in err, (status, err)
    status, err = refused(net, "-i", "vb", "--hook", "pcap", prefix=nobody(weir))
    assert status == 1 and "CAP_NET_RAW" in err, (status, err)


def test_no_bpf(net, folder):
    """A kernel whose bpf(2) is not there, or refuses: strace(1) answers for it."""
    for error, words in (("ENOSYS", "this kernel has no BPF; use --hook pcap"),
                         ("EPERM", "loading BPF programs is not permitted"),
                         ("ENOMEM", "the kernel refuses memory for the flow map")):
        strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=bpf", "-e", f"inject=bpf:error={error}", tap.WEIR]
        status, err = refused(net, "-i", "vb", "--hook", "tc", prefix=strace)
        assert status == 1 and words in err, (error, status, err)
    # timeout(1) interrupts the whole group; strace keeps signals from itself
    process = net.b.start("timeout", "-s", "INT", "5", *strace[:-2], "inject=bpf:error=ENOSYS", tap.WEIR, "-i", "vb",
                          *RECORDS, "udp", text=True)
    time.sleep(2.5)
    sent = sent_by(flood(net, 3, 30))
    out, err = process.communicate(timeout=20)
    assert err.startswith("weir: warning: watching through libpcap: this kernel has no BPF"), (out, err)
    assert sum(int(line.split(",")[1]) for line in out.splitlines()[1:]) == sent, (out, err)


def test_falls_back_to_libpcap(net, folder):
    """With CAP_NET_RAW alone auto watches through libpcap, and says why in a line."""
    folder.chmod(0o755)
    weir = shutil.copy(tap.WEIR, folder / "weir")
    process = net.b.start(*nobody(weir, "net_raw"), "-i", "vb", *RECORDS, "udp", text=True)
    time.sleep(1.5)
    sent = sent_by(flood(net, 3, 30))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and err.startswith("weir: warning: watching through libpcap: "), (out, err)
    assert sum(int(line.split(",")[1]) for line in out.splitlines()[1:]) == sent, (out, err)


def test_no_such_interface(net, folder):
    for hook in ("auto", "tc", "xdp", "pcap"):
        status, err = refused(net, "-i", "nope", "--hook", hook)
        assert status == 1 and "nope" in err and "ip link" in err, (hook, status, err)


def test_no_native_xdp(net, folder):
    status, err = refused(net, "-i", "lo", "--hook", "xdp")
    assert status == 1 and "lo" in err and "native" in err and "--hook tc" in err, (status, err)


def test_generic_xdp(net, folder):
    """Frames of the wire are counted as such; with offloads on it says that it cannot."""
    agent = Agent(net, folder, hook="xdp-generic")
    sent = sent_by(flood(net, 10, 1000))
    time.sleep(0.3)
    assert agent.stop()["metered"] == sent and set(agent.flows().values()) == {sent // 10}, agent.summary
    net.offloads(True)
    process = net.b.start(tap.WEIR, "-i", "vb", "--hook", "xdp-generic", *RECORDS, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert "vb" in err.splitlines()[0] and "ethtool -K vb" in err.splitlines()[0], err


def xdp_program(net):
    return re.search(r"xdp[^\n]*?id (\d+)", net.b.run("ip", "-d", "link", "show", "vb").stdout)


def test_other_xdp_program(net, folder):
    """It is named, stays where it is, and goes on."""
    net.b.run("ip", "link", "set", "dev", "vb", "xdpdrv", "obj", COUNT, "sec", "xdp.frags")
    before = xdp_program(net)
    status, err = refused(net, "-i", "vb", "--hook", "xdp")
    assert status == 1 and "another XDP program is there (count_xdp" in err and "--hook tc" in err, (status, err)
    assert before and xdp_program(net) and xdp_program(net)[1] == before[1]
    net.b.run("ip", "link", "set", "dev", "vb", "xdpdrv", "off")


def test_other_tc_program(net, folder):
    """A program of others behind weir's sees every packet, while weir watches and afterwards."""
    net.b.run("tc", "qdisc", "add", "dev", "vb", "clsact")
    net.b.run("tc", "filter", "add", "dev", "vb", "ingress", "bpf", "direct-action", "obj", TALLY, "sec", "tc")
    show = ["tc", "filter", "show", "dev", "vb", "ingress"]
    before = net.b.run(*show).stdout

    def tallied():
        maps = network.bpftool("map", "show")
        newest = max(m["id"] for m in maps if m.get("name") == "tally")
        rows = network.bpftool("map", "dump", "id", newest)
        return sum(row["formatted"]["value"] for row in rows)

    agent = Agent(net, folder)
    sent = sent_by(flood(net, 5, 1000))
    time.sleep(0.3)
    assert agent.stop()["metered"] == sent
    assert tallied() == sent, (tallied(), sent)
    sent += sent_by(flood(net, 5, 500))
    time.sleep(0.3)
    assert tallied() == sent and net.b.run(*show).stdout == before


def test_map_memory_refused(net, folder):
    """In a control group with too little memory for the map."""
    group = pathlib.Path(f"/sys/fs/cgroup/memory/weir-test-{os.getpid()}")
    if not group.parent.is_dir():
        group = pathlib.Path(f"/sys/fs/cgroup/weir-test-{os.getpid()}")
    try:
        group.mkdir()
        limit = group / ("memory.limit_in_bytes" if "memory/" in str(group) else "memory.max")
        limit.write_text(str(128 << 20))
        enter = f"echo $$ > {group}/cgroup.procs; exec \"$@\""
        done = subprocess.run(["sh", "-c", enter, "sh", *net.b.command(tap.WEIR, "-i", "vb", "--hook", "tc",
                                                                       "--map-entries", 4000000)],
                              capture_output=True, text=True, timeout=30)
    finally:
        if group.is_dir():
            time.sleep(0.2)
            group.rmdir()
    assert done.returncode == 1, done
    assert done.stderr == "weir: the kernel refuses memory for the flow map; lower --map-entries (4000000)\n", done


def test_agent_stopped(net, folder):
    """SIGSTOP for 10 s under load with a map that holds 64 of 2,000 flows: the ring fills up."""
    agent = Agent(net, folder, "--map-entries", "64")
    sender = flood(net, 2000, 600000, 50000)
    time.sleep(1)
    agent.process.send_signal(signal.SIGSTOP)
    time.sleep(10)
    agent.process.send_signal(signal.SIGCONT)
    sent = sent_by(sender)
    time.sleep(0.5)
    summary = agent.stop()
    assert summary["seen"] == sent and summary["lost"]["ring_full"] > 0, (sent, summary)
    assert sum(agent.flows().values()) == summary["metered"] == sent - sum(summary["lost"].values()), summary
    assert max(agent.flows().values()) <= sent // 2000, summary


def test_disk_full(net, folder):
    """The output's disk is full: said, counted as unexported, exit code 1."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
    try:
        agent = Agent(net, folder, "--idle-timeout", "1", output=disk / "records.csv")
        sent = sent_by(flood(net, 5000, 20000, 20000))
        agent.process.wait(timeout=20)
        agent.err = agent.process.stderr.read()
        summary = json.loads(agent.account.read_text())
    finally:
        subprocess.run(["umount", disk], check=True)
    assert agent.process.returncode == 1 and "No space left on device" in agent.err, agent.err
    assert tap.law(summary) is None and 0 < summary["unexported"] <= summary["metered"] <= sent, (sent, summary)


def check_flows(agent, summary, sent, flows):
    held = agent.flows()
    assert summary["seen"] == sent, (sent, summary)
    assert summary["metered"] + sum(summary["lost"].values()) == sent, (sent, summary)
    assert sum(held.values()) == summary["metered"], (sum(held.values()), summary)
    assert max(held.values()) <= -(-sent // flows), (max(held.values()), summary)


def test_more_flows_than_room(net, folder):
    """20,000 flows into a map of 1,024, at a rate that the agent keeps up with: nothing is lost."""
    agent = Agent(net, folder, "--map-entries", "1024", "--max-flows", "1000000")
    sent = sent_by(flood(net, 20000, 200000, 30000))
    time.sleep(0.5)
    summary = agent.stop()
    check_flows(agent, summary, sent, 20000)
    assert not any(summary["lost"].values()) and summary["overflow"] > 0, summary
    held = agent.flows()
    assert len(held) == 20000 and set(held.values()) == {10}, (len(held), set(held.values()))


def test_flood_of_flows(net, folder):
    """60,000, 300,000 and 1,000,000 flows into a map of 65,536, as fast as frames come."""
    for flows, packets, mode in ((60000, 2000000, "xdp"), (300000, 2000000, "xdp"), (1000000, 2000000, "xdp"),
                                 (60000, 500000, "afxdp"), (300000, 500000, "afxdp")):
        agent = Agent(net, folder, "--map-entries", "65536", hook="xdp")
        sent = sent_by(flood(net, flows, packets, mode=mode))
        time.sleep(1)
        summary = agent.stop()
        check_flows(agent, summary, sent, flows)
        lost = sum(summary["lost"].values())
        print(f"# {flows} flows by {mode}: sent {sent}, metered {summary['metered']}, overflow {summary['overflow']}, lost {lost}")
        assert flows > 65536 or not lost, summary


def main():
    if os.geteuid():
        tap.skip("conditions", "needs root for network namespaces and BPF")
        tap.finish()
    if os.environ.get("WEIR_OWN_MOUNTS") != "1":
        os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv], {**os.environ, "WEIR_OWN_MOUNTS": "1"})
    wanted = sys.argv[1:]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (wanted and name[5:] not in wanted):
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text, network.Network() as net:
            folder = pathlib.Path(text)
            (folder / "bpf").mkdir()
            subprocess.run(["mount", "-t", "bpf", "bpf", folder / "bpf"], check=True)
            try:
                test(net, folder)
                tap.report(True, f"conditions {name[5:]}")
            except (AssertionError, OSError, subprocess.SubprocessError, ValueError, TypeError, KeyError) as wrong:
                tap.report(False, f"conditions {name[5:]}", f"{wrong!r} {getattr(wrong, 'stderr', '')}"[:1500])
            subprocess.run(["umount", folder / "bpf"], capture_output=True)
    tap.finish()


main()
