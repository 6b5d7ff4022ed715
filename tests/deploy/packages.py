#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages in a Debian of their own, with systemd as its first process: install, run,
reload, crash, upgrade, remove, purge. Packets are counted across all of it.

The root is made by mmdebstrap once (build/deb/rootfs) and stays as it is: what happens goes into an
overlay in this process's own mount namespace, and is gone with it. Needs root and `make deb`.
"""
import csv, io, json, os, pathlib, re, shutil, signal, subprocess, sys, tempfile, time, traceback

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "live")]
import network, tap

DEB = tap.BUILD / "deb"
ROOTFS = DEB / "rootfs"
BASE = ("systemd", "systemd-sysv", "dbus", "iproute2", "procps", "python3", "passwd", "kmod")
SECONDS = 60
SEND = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40000))
for i in range(int(sys.argv[1])):
    s.sendto(bytes(100), ("192.0.2.2", 9000))
    time.sleep(0.001)
"""
CONFIG = """interface: [vb]
direction: in
no-dissect: true
fields: [src_port, total_packets]
idle-timeout: 1
active-timeout: 2
filter: udp port 9000
output: [csv:flows.csv]
append: true
"""


def packages(*names):
    """The .deb files of these, and what they depend on."""
    files = [next(DEB.glob(f"{name}_*.deb")) for name in names]
    return files


def dependencies():
    """Of all our packages, those that are not ours."""
    words = set()
    for deb in packages("weir", "libweir0", "libweir-dev", "python3-weir"):
        text = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, capture_output=True, text=True).stdout
        words |= {part.split("|")[0].split("(")[0].strip().removesuffix(":any") for part in text.split(",")}
    return sorted(words - {"weir", "libweir0", ""})


def make_rootfs():
    wanted, made_of = " ".join([*BASE, *dependencies()]), DEB / "rootfs.packages"
    if made_of.exists() and made_of.read_text() == wanted:
        return
    shutil.rmtree(ROOTFS, ignore_errors=True)
    subprocess.run([tap.TOP / "tools/deploy/debian/bootstrap", ROOTFS, f"--include={','.join([*BASE, *dependencies()])}"],
                   check=True)
    made_of.write_text(wanted)


def upgrade_of(deb, folder):
    """The same package, one version later."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+1", control.read_text(), flags=re.M))
    out = folder / "later.deb"
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", tree, out], check=True, capture_output=True)
    shutil.rmtree(tree)
    return out


class Machine:
    """systemd-nspawn in a host's network namespace."""

    def __init__(self, host, folder):
        self.host, self.root, self.bpf = host, folder / "root", folder / "bpf"
        for name in ("root", "tmp", "bpf"):
            (folder / name).mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder / "tmp"], check=True)
        for name in ("upper", "work"):
            (folder / "tmp" / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={ROOTFS},upperdir={folder}/tmp/upper,workdir={folder}/tmp/work", self.root], check=True)
        subprocess.run(["mount", "-t", "bpf", "-o", "mode=700", "bpf", self.bpf], check=True)

    def groups(self):
        """The control groups that systemd-nspawn makes for its own."""
        return {path for name in ("payload", "supervisor") for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/{name}")}

    def __enter__(self):
        self.groups_before = self.groups()
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit", "--console=pipe",
             f"--network-namespace-path=/run/netns/{self.host.name}", f"--bind={self.bpf}:/sys/fs/bpf",
             "--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON", "--system-call-filter=bpf perf_event_open"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            self.wait()
        except BaseException:
            self.end()
            raise
        return self

    def wait(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.stdout.read().decode()
            for pid in children.read_text().split():
                self.leader = pid
                if self.run("test", "-S", "/run/systemd/private", check=False).returncode == 0:
                    self.run("systemctl", "is-system-running", "--wait", check=False)
                    return
            time.sleep(0.1)
        raise AssertionError("systemd does not start")

    def run(self, *args, check=True, **how):
        done = subprocess.run(["nsenter", "-t", self.leader, "-a", *map(str, args)], capture_output=True, text=True,
                              timeout=SECONDS, stdin=subprocess.DEVNULL, **how)
        if check and done.returncode:
            raise AssertionError(f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.journal()}")
        return done

    def journal(self):
        return self.run("journalctl", "-u", "weir*", "--no-pager", "-o", "cat", check=False).stdout[-3000:]

    def shell(self, text, **how):
        return self.run("sh", "-euc", text, **how).stdout

    def show(self, name, unit="weir"):
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def install(self, *files):
        for file in files:
            shutil.copy(file, self.root / "var/tmp")
        return self.shell("dpkg -i " + " ".join(f"/var/tmp/{pathlib.Path(file).name}" for file in files) + " 2>&1; rm /var/tmp/*.deb")

    def files(self):
        """Everything that is not log, state of dpkg or systemd, or made anew at each start."""
        text = self.shell("find / -xdev ! -type s | grep -vE '^/(proc|sys|run|dev|tmp|var/(log|tmp|cache|lib/(dpkg|systemd|private)|backups))'"
                          " | grep -vE '^/etc/(passwd|group|shadow|gshadow)-$|^/etc/\\.pwd.lock|__pycache__|aliases.db' | sort; getent passwd; getent group")
        return text.splitlines()

    def __exit__(self, *why):
        self.end()

    def end(self):
        self.process.terminate()
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        for group in self.groups() - self.groups_before:
            subprocess.run(["find", group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], capture_output=True)


class Flows:
    """What was sent, and what records say."""

    def __init__(self, net, machine):
        self.net, self.machine, self.sent = net, machine, 0

    def send(self, packets):
        self.sent += packets
        self.net.a.python(SEND, packets)

    def start(self, packets):
        self.sent += packets
        return self.net.a.start(sys.executable, "-c", SEND, packets)

    def recorded(self, folder="/var/lib/weir"):
        total = 0
        for name in self.machine.shell(f"ls {folder}/*.csv*").split():
            text = (self.machine.root / name[1:]).read_text()
            rows = list(csv.reader(io.StringIO(text)))
            assert rows[0] == ["src_port", "total_packets"] and ["src_port", "total_packets"] not in rows[1:], (name, rows[:3])
            assert all(row[0] == "40000" for row in rows[1:]), rows
            total += sum(int(row[1]) for row in rows[1:])
        return total


def bpf_programs(net):
    return net.b.run(tap.WEIR, "status").stdout


def pins(machine):
    """Ours: the kernel puts files of its own into a BPF file system."""
    return [path.name for path in machine.bpf.iterdir() if path.name.startswith("weir")]


def lives_through(net, m):
    """The steps, in order; each a name and what has to hold."""
    flows = Flows(net, m)
    before = m.files()

    said = m.install(*packages("weir", "libweir0", "libweir-dev", "python3-weir"))
    assert "rror" not in said, said
    yield "installs"

    assert m.run("systemctl", "is-enabled", "weir", check=False).stdout == "disabled\n"
    assert m.show("ActiveState") == "inactive"
    shutil.copy(tap.TOP / "tests/pcaps/recorded/demo.pcap", m.root / "var/tmp/demo.pcap")
    assert m.run("weir", "-q", "-r", "/var/tmp/demo.pcap", "--plugin", "splt").stdout.count("\n") == 23
    count = m.run("python3", "-c", "from weir import NFStreamer; print(len(list(NFStreamer(source='/var/tmp/demo.pcap'))))").stdout
    assert count == "22\n", count
    yield "runs, from the command line and from Python; nothing was started"

    failed = m.run("systemctl", "start", "weir", check=False)
    assert failed.returncode, "an unconfigured service started"
    assert "nothing to read" in m.journal()
    m.shell("systemctl stop weir; systemctl reset-failed weir")
    (m.root / "etc/weir/weir.yaml").write_text(CONFIG)
    m.run("systemctl", "start", "weir")
    assert m.show("ActiveState") == "active"
    pid = m.show("MainPID")
    status = dict(line.split(":\t", 1) for line in m.shell(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    capabilities = 1 << 12 | 1 << 38 | 1 << 39  # NET_ADMIN, PERFMON, BPF
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {capabilities}, status
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and status["Uid"].split()[0] != "0", status
    flows.send(100)
    yield "the service is ready when it is attached, with its capabilities and no others"

    end = time.monotonic() + SECONDS
    while not re.fullmatch(r"\d+ packets, \d+ live flows, 0 lost", m.show("StatusText")) and time.monotonic() < end:
        time.sleep(0.2)
    assert re.fullmatch(r"\d+ packets, \d+ live flows, 0 lost", m.show("StatusText")), m.show("StatusText")
    while flows.recorded() < 100:
        assert time.monotonic() < end, m.journal()
        time.sleep(0.1)
    m.shell("mv /var/lib/weir/flows.csv /var/lib/weir/flows.csv.1; systemctl reload weir")
    assert m.show("MainPID") == pid
    flows.send(50)
    yield "a status is told; after a reload the moved file is followed by a new one"

    sender = flows.start(3000)
    m.install(upgrade_of(packages("weir")[0], m.root.parent))
    assert m.show("ActiveState") == "active" and m.show("MainPID") != pid, m.journal()
    assert m.run("dpkg-query", "-W", "-f", "${Version}", "weir").stdout.endswith("+1")
    sender.communicate(timeout=SECONDS)
    yield "an upgrade restarts it"

    pid, sender = m.show("MainPID"), flows.start(1000)
    m.run("systemctl", "restart", "weir")
    assert m.show("ActiveState") == "active" and m.show("MainPID") != pid
    sender.communicate(timeout=SECONDS)
    time.sleep(1.5)  # the flow's idle timeout: it is in a record, so that a kill may lose none
    while flows.recorded() < flows.sent:
        assert time.monotonic() < end + SECONDS, (flows.recorded(), flows.sent)
        time.sleep(0.1)
    pid = m.show("MainPID")
    m.shell(f"kill -KILL {pid}")
    flows.send(2000)
    while m.show("ActiveState") != "active" or m.show("MainPID") in (pid, "0"):
        assert time.monotonic() < end + SECONDS, m.journal()
        time.sleep(0.1)
    yield "a restart and a crash leave it counting"

    m.shell("mkdir -p /run/systemd/system/weir.service.d; printf '[Service]\\nWatchdogSec=1\\n' >/run/systemd/system/weir.service.d/w.conf;"
            "systemctl daemon-reload; systemctl restart weir")
    pid, restarts = m.show("MainPID"), int(m.show("NRestarts"))
    time.sleep(3)  # alive, or it would have been killed
    assert m.show("MainPID") == pid and m.show("NRestarts") == str(restarts), m.journal()
    m.shell(f"kill -STOP {pid}")
    end = time.monotonic() + SECONDS
    while m.show("ActiveState") != "active" or m.show("MainPID") in (pid, "0"):
        assert time.monotonic() < end, m.journal()
        time.sleep(0.1)
    assert "Watchdog timeout" in m.journal(), m.journal()
    m.shell("rm -r /run/systemd/system/weir.service.d; systemctl daemon-reload")
    yield "the watchdog lets it live, and ends it when it hangs"

    m.run("systemctl", "stop", "weir")
    assert flows.recorded() == flows.sent, (flows.recorded(), flows.sent, m.journal())
    assert bpf_programs(net) == "weir watches nothing here\n", bpf_programs(net)
    assert pins(m) == [], pins(m)
    yield f"no packet of {flows.sent} is missing, and after a stop nothing is left in the kernel"

    m.run("systemctl", "start", "weir@vb")
    flows.sent = 0
    flows.send(70)
    m.run("systemctl", "stop", "weir@vb")
    assert flows.recorded("/var/lib/weir/vb") == 70
    assert pins(m) == [], pins(m)
    entries = map(json.loads, m.run("journalctl", "-u", "weir@vb", "-o", "json").stdout.splitlines())
    account = [e for e in entries if "WEIR_SEEN" in e][-1]
    assert (account["WEIR_METERED"], account["PRIORITY"], account["SYSLOG_IDENTIFIER"]) == ("70", "6", "weir"), account
    yield "an instance watches its interface; the journal has its account, a field a counter"

    m.run("systemctl", "start", "weir", "weir@vb")
    m.run("dpkg", "-P", "weir", "python3-weir", "libweir-dev", "libweir0")
    assert bpf_programs(net) == "weir watches nothing here\n" and pins(m) == []
    m.shell("rm -f /var/tmp/demo.pcap")
    after = m.files()
    assert after == before, sorted(set(after) ^ set(before))
    yield "a purge while it runs leaves no file, no user and no program"


def main():
    if os.geteuid():
        tap.skip("packages", "needs root")
        tap.finish()
    make_rootfs()
    with tempfile.TemporaryDirectory() as folder, network.Network() as net:
        try:
            with_machine(net, pathlib.Path(folder))
        finally:
            for name in ("root", "tmp", "bpf"):
                subprocess.run(["umount", pathlib.Path(folder, name)], capture_output=True)
    tap.finish()


def with_machine(net, folder):
    step = "nothing"
    with Machine(net.b, folder) as machine:
        try:
            for step in lives_through(net, machine):
                tap.report(True, f"packages: {step}")
        except Exception:
            tap.report(False, f"packages: after: {step}", f"{traceback.format_exc()[-1500:]}\n{machine.journal()}")


# Mounts are this process's own, so that none is left however it ends.
if os.environ.get("WEIR_OWN_MOUNTS") != "1" and not os.geteuid():
    os.environ["WEIR_OWN_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "slave", sys.executable, *sys.argv])
main()
