#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The image under podman with runc, and under containerd: read-only, with the shipped seccomp profile,
no new privileges, and exactly the capabilities of each row of the table; then with one less.

Needs root and `make container`.
"""
import json, os, pathlib, re, signal, subprocess, sys, tempfile, time, traceback

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "live")]
import network, tap

STORE = tap.BUILD / "container"
IMAGE = "localhost/weir:latest"
CHART = tap.TOP / "tools/deploy/kubernetes/weir"
PROFILE = CHART / "seccomp.json"
CAPABILITIES = json.loads((CHART / "capabilities.json").read_text())
BASE = CAPABILITIES[0]["capabilities"]
FIELDS = ("--no-dissect", "--fields", "src_port,total_packets")
SECONDS = 30
MAX_BYTES = 64 << 20
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40000))
for i in range(int(sys.argv[1])):
    s.sendto(bytes(100), ("192.0.2.2", 9000))
"""
# What containerd gives when nobody says otherwise.
DEFAULTS = ("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
            "SYS_CHROOT", "KILL", "AUDIT_WRITE")

# Options, feature of the table.
ROWS = ((("--hook", "tc"), "tc, xdp"), (("--hook", "xdp"), "tc, xdp"), (("--hook", "pcap"), "pcap"), (("--hook", "tc", "--promisc"), "promisc"),
        (("--hook", "tc", "--attribute", "process"), "attribute"), (("--hook", "tc", "--netns", "{name}"), "netns"),
        (("--hook", "tc", "--netns", "{pid}"), "netns of processes"))
WITH_PINS = ("pin", "status", "detach")  # rows of taken_over()


def row_of(feature):
    return next(r for r in CAPABILITIES if r["feature"] == feature)


def needs(feature):
    row = row_of(feature)
    return row["capabilities"] if "capabilities" in row else [*BASE, *row["adds"]]


class Podman:
    name = "podman"
    base = ["podman", "--root", STORE / "store", "--runroot", STORE / "run", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
            "--runtime", "/usr/sbin/runc"]

    def __init__(self, net, folder):
        self.net = net

    def command(self, capabilities, args, options=(), host=None):
        host = host or self.net.b
        return [*self.base, "run", "--rm", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--read-only", "--cap-drop", "ALL",
                *(f"--cap-add={c}" for c in capabilities), "--security-opt", "no-new-privileges", "--security-opt", f"seccomp={PROFILE}",
                "--network", f"ns:/run/netns/{host.name}", *options, IMAGE, *args]

    host_pid = ("--pid", "host")
    names = ("-v", "/run/netns:/run/netns:ro")

    def pins(self, place):
        return "-v", f"{place}:/run/bpf"

    def __enter__(self):
        return self

    def __exit__(self, *why):
        pass


class Containerd:
    name = "containerd"

    def __init__(self, net, folder):
        self.net, self.folder, self.number = net, folder, 0
        (folder / "config.toml").write_text(f"""version = 2
root = "{folder}/root"
state = "{folder}/state"
oom_score = 0
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{folder}/socket"
""")

    def ctr(self, *args):
        return ["ctr", "--address", self.folder / "socket", *args]

    host_pid = ("--with-ns", "pid:/proc/1/ns/pid")
    names = ("--mount", "type=bind,src=/run/netns,dst=/run/netns,options=rbind:ro")

    def pins(self, place):
        return "--mount", f"type=bind,src={place},dst=/run/bpf,options=rbind:rw"

    def __enter__(self):
        pathlib.Path("/run/containerd").mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/containerd"], check=True)  # another one's state is there
        self.process = subprocess.Popen(["containerd", "-c", self.folder / "config.toml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + SECONDS
            while call(*self.ctr("version")).returncode:
                assert time.monotonic() < end and self.process.poll() is None, "containerd does not start"
                time.sleep(0.1)
            archive = self.folder / "weir.tar"
            done = call(*Podman.base, "save", "--format", "oci-archive", "-o", archive, IMAGE)
            assert done.returncode == 0, done.stderr
            done = call(*self.ctr("images", "import", "--snapshotter", "native", archive))
            assert done.returncode == 0, done.stderr
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *why):
        self.process.terminate()
        self.process.wait(timeout=20)

    def command(self, capabilities, args, options=(), host=None):
        self.number += 1
        host = host or self.net.b
        dropped = [part for c in DEFAULTS for part in ("--cap-drop", f"CAP_{c}") if c not in capabilities]
        added = [part for c in capabilities for part in ("--cap-add", f"CAP_{c}") if c not in DEFAULTS]
        return self.ctr("run", "--rm", "--snapshotter", "native", "--read-only", "--seccomp", "--seccomp-profile", PROFILE, *dropped, *added,
                        "--with-ns", f"network:/run/netns/{host.name}", *options, IMAGE, f"weir{self.number}", "/usr/bin/weir", *args)


def call(*args, **how):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=SECONDS, **how)


def status(net):
    return net.b.run(tap.WEIR, "status").stdout


def attached(net, hook):
    if "pcap" in hook:
        return len(net.b.run("cat", "/proc/net/packet").stdout.splitlines()) > 1
    return status(net).startswith("vb: ")


def start(engine, net, capabilities, *args, options=(), host=None):
    weir = subprocess.Popen([str(a) for a in engine.command(capabilities, ("-q", "-i", "vb", "--direction", "in", *FIELDS, *args, "udp"), options, host)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + SECONDS
    while not attached(net, args):
        assert weir.poll() is None, weir.communicate()
        if time.monotonic() > end:
            weir.terminate()
            raise AssertionError(f"weir does not attach: {status(net)} {weir.communicate(timeout=20)}")
        time.sleep(0.1)
    time.sleep(0.3)
    return weir


def stop(weir):
    weir.send_signal(signal.SIGTERM)
    out, err = weir.communicate(timeout=SECONDS)
    assert weir.returncode == 0, (weir.returncode, err)
    return out.split()[1:]


# Who sends is in a row of --attribute: the receiver is nobody.
ATTRIBUTED = ("--fields", "src_port,total_packets,src_process,dst_process"), f"40000,50,{pathlib.Path(sys.executable).name[:15]},"


def refused(engine, feature, args, options=(), host=None):
    """With each capability of the row away, the rest is refused and the one named. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON."""
    for missing in needs(feature):
        if "SYS_ADMIN" in needs(feature) and missing in ("BPF", "PERFMON"):
            continue
        left = [c for c in needs(feature) if c != missing]
        done = call(*engine.command(left, args, options, host))
        assert done.returncode in (1, 2) and re.search(rf"CAP_{missing}\b", done.stderr), (args, missing, done)
        assert missing in ("NET_RAW", "SYS_PTRACE") or f"without CAP_{missing};" in done.stderr, done.stderr


def rows(engine, net):
    sleeper = net.b.start("sleep", "600")  # of root, with more rights than weir
    for option, feature in ROWS:
        option = [word.format(name=net.b.name, pid=sleeper.pid) for word in option]
        fields, expected = ATTRIBUTED if "--attribute" in option else ((), "40000,50")
        options = engine.host_pid if row_of(feature).get("hostPID") else engine.names if "--netns" in option else ()
        host = net.a if "--netns" in option else net.b
        weir = start(engine, net, needs(feature), *option, *fields, options=options, host=host)
        net.a.python(SEND, 50)
        time.sleep(0.5)
        assert stop(weir) == [expected], (option, engine.name)
        assert status(net) == "weir watches nothing here\n"
        refused(engine, feature, ("-q", "-i", "vb", *option), options, host)
        yield f"{engine.name}: {' '.join(option)} with {', '.join(needs(feature))}, and with one less"


def taken_over(engine, net, folder):
    """A container takes over from the one before: the kernel counted meanwhile. Others look at it, and end it."""
    place = folder / engine.name
    place.mkdir()
    subprocess.run(["mount", "-t", "bpf", "-o", "mode=700", "bpf", place], check=True)
    try:
        options, args = engine.pins(place), ("--hook", "tc", "--idle-timeout", "1", "--pin", "/run/bpf/weir")
        refused(engine, "pin", ("-q", "-i", "vb", *args), options)
        first = start(engine, net, needs("pin"), *args, options=options)
        net.a.python(SEND, 30)
        rows = stop(first)
        net.a.python(SEND, 40)
        second = start(engine, net, needs("pin"), *args, options=options)
        net.a.python(SEND, 50)
        time.sleep(3)  # what is live when weir stops stays in the kernel: the flow has ended by then
        rows += stop(second)
        assert sum(int(row.split(",")[1]) for row in rows) == 120, rows
        for command, feature in (("status",), "status"), (("detach", "--pin", "/run/bpf/weir"), "detach"):
            less = call(*engine.command([c for c in needs(feature) if c != "SYS_ADMIN"], command, options))
            assert less.returncode == 1 and "CAP_SYS_ADMIN" in less.stderr and less.stdout == "", less
            done = call(*engine.command(needs(feature), command, options))
            assert done.returncode == 0 and done.stderr == "", done
            assert done.stdout.startswith("vb: " if feature == "status" else "/run/bpf/weir: "), done
        assert status(net) == "weir watches nothing here\n"
    finally:
        subprocess.run(["umount", place], check=True)
    return f"{engine.name}: a container takes over from the one before; status and detach with {', '.join(needs('detach'))}"


def every_row_runs():
    tested = {feature for _, feature in ROWS} | {*WITH_PINS}
    assert tested == {row["feature"] for row in CAPABILITIES}, tested


def image_is_small(folder):
    done = call(*Podman.base, "image", "inspect", IMAGE)
    image = json.loads(done.stdout)[0]
    assert image["Size"] < MAX_BYTES, image["Size"]
    assert len(image["RootFS"]["Layers"]) == 1, image["RootFS"]
    root = call(*Podman.base, "image", "mount", IMAGE).stdout.strip()
    try:
        odd = call("find", root, "-perm", "/6000").stdout
        assert odd == "", odd
    finally:
        call(*Podman.base, "image", "unmount", IMAGE)
    return f"the image has {image['Size'] / 1e6:.1f} MB in a layer, and no file gives privileges"


def profile_is_copied(net, folder):
    """What the chart's init container does, with no capability at all."""
    (folder / "kubelet").mkdir()
    engine = Podman(net, folder)
    options = ("-v", f"{CHART}:/profile:ro", "-v", f"{folder}/kubelet:/kubelet", "--entrypoint", "/bin/busybox")
    done = call(*engine.command([], ("cp", "/profile/seccomp.json", "/kubelet/weir.json"), options))
    assert done.returncode == 0 and (folder / "kubelet/weir.json").read_text() == PROFILE.read_text(), done.stderr


def seccomp_is_named(net, folder):
    """podman's own profile forbids bpf(2): the message does not send anybody to look for a capability."""
    command = [a for a in Podman(net, folder).command(BASE, ("-q", "-i", "vb", "--hook", "tc")) if a != f"seccomp={PROFILE}"]
    place = [i for i, a in enumerate(command) if a == "--security-opt"][-1]
    done = call(*command[:place], *command[place + 1:])
    assert done.returncode == 1 and "no capability is missing, so a seccomp profile" in done.stderr, done.stderr


def main():
    if os.geteuid():
        tap.skip("containers", "needs root")
        tap.finish()
    with tempfile.TemporaryDirectory() as place, network.Network() as net:
        folder = pathlib.Path(place)

        def step(name, run):
            try:
                told = run()
                tap.report(True, f"containers: {told if isinstance(told, str) else name}")
            except Exception as wrong:
                tap.report(False, f"containers: {name}", (repr(wrong) + traceback.format_exc())[:3000])

        step("every row of the table runs here", every_row_runs)
        step("the image is small", lambda: image_is_small(folder))
        step("the seccomp profile is put where the kubelet looks", lambda: profile_is_copied(net, folder))
        step("a seccomp profile that forbids bpf(2) is named", lambda: seccomp_is_named(net, folder))
        for engine in (Podman, Containerd):
            try:
                with engine(net, folder) as running:
                    for told in rows(running, net):
                        tap.report(True, f"containers: {told}")
                    tap.report(True, f"containers: {taken_over(running, net, folder)}")
            except Exception as wrong:
                tap.report(False, f"containers: {engine.name}", (repr(wrong) + traceback.format_exc())[:3000])
    tap.finish()


# Processes and mounts are this test's own, so that none is left however it ends.
if os.environ.get("WEIR_OWN_MOUNTS") != "1" and not os.geteuid():
    os.environ["WEIR_OWN_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "slave", sys.executable, *sys.argv])
main()
