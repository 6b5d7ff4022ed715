#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weir under a service manager: what it tells NOTIFY_SOCKET, the journal, SIGHUP, capabilities, units.

The manager is this test: a datagram socket as systemd's. Needs root.
"""
import contextlib, csv, json, os, pathlib, pty, re, signal, socket, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

SYSTEMD = tap.TOP / "tools" / "deploy" / "systemd"
DEMO = tap.TOP / "tests" / "pcaps" / "recorded" / "demo.pcap"
UNITS = ("weir.service", "weir@.service")
FIELDS = ("--no-dissect", "--fields", "src_port,total_packets")
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", int(sys.argv[2])))
for i in range(int(sys.argv[1])):
    s.sendto(bytes(100), ("192.0.2.2", 9000))
"""
SECONDS = 20  # how long a message is waited for that has to come

net = network.Network()


def send(packets, port=40000):
    net.a.python(SEND, packets, port)


class Manager:
    """NOTIFY_SOCKET, and what came there so far."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self.socket.settimeout(SECONDS)
        self.address, self.seen = address, []

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.address, **more}

    def next(self):
        self.seen.append(self.socket.recv(4096).decode())
        return self.seen[-1]

    def until(self, start):
        while not self.next().startswith(start):
            pass
        return self.seen[-1]

    def rest(self):
        self.socket.settimeout(0)
        try:
            while True:
                self.next()
        except BlockingIOError:
            return self.seen


def start(manager, *args, **environment):
    """weir without a terminal, as services are."""
    return net.b.start("timeout", "-k", "1", "60", tap.WEIR_SAN, *args, env=manager.environment(**environment),
                       start_new_session=True, text=True)


def stop(weir):
    weir.send_signal(signal.SIGTERM)
    out, err = weir.communicate(timeout=30)
    assert weir.returncode == 0, err
    return out, err


def wait_for(path, meanwhile=lambda: None):
    for _ in range(SECONDS * 20):
        if path.exists():
            return
        meanwhile()
        time.sleep(0.05)
    raise AssertionError(f"{path} does not come")


def options(folder, *more):
    return "-i", "vb", "--hook", "tc", "--direction", "in", "--summary", folder / "s.json", *FIELDS, *more, "udp"


# --- readiness ------------------------------------------------------------------------------------

def test_ready_is_attached(folder):
    """Packets sent as soon as READY=1 is there are counted, every one; STOPPING=1 is the last word."""
    manager = Manager(str(folder / "notify"))
    weir = start(manager, *options(folder, "-q"))
    assert manager.next() == "READY=1"
    send(500)
    out, _ = stop(weir)
    assert out.splitlines()[1:] == ["40000,500"], out
    assert json.loads((folder / "s.json").read_text())["metered"] == 500
    told = manager.rest()
    assert told.count("READY=1") == 1 and told[-1].startswith("STOPPING=1\n"), told
    assert not any("WATCHDOG" in x for x in told), told


def test_abstract_socket(folder):
    """@NAME, which belongs to a network namespace: this one's."""
    manager = Manager(f"@weir-test-{os.getpid()}")
    done = subprocess.run([tap.WEIR_SAN, "-q", "-r", DEMO], env=manager.environment(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    told = manager.rest()
    assert told[0] == "READY=1" and told[-1].startswith("STOPPING=1\n"), told


def test_not_ready_without_interface(folder):
    manager = Manager(str(folder / "notify"))
    weir = start(manager, "-i", "none0", "--hook", "tc")
    _, err = weir.communicate(timeout=30)
    assert weir.returncode == 1 and "none0" in err and manager.rest() == [], (err, manager.seen)


def test_signs_of_life(folder):
    """WATCHDOG=1 comes again and again within WATCHDOG_USEC, else a manager would kill it; a status too."""
    manager = Manager(str(folder / "notify"))
    weir = start(manager, *options(folder, "-q"), WATCHDOG_USEC="1000000")
    manager.until("WATCHDOG=1")
    status = manager.until("STATUS=") if not any(x.startswith("STATUS") for x in manager.seen) else manager.seen[-1]
    assert re.fullmatch(r"STATUS=\d+ packets, \d+ live flows, 0 lost", status), status
    manager.socket.settimeout(1)  # as the manager would wait
    for _ in range(4):
        manager.until("WATCHDOG=1")
    stop(weir)


def test_watchdog_of_another(folder):
    manager = Manager(str(folder / "notify"))
    weir = start(manager, *options(folder, "-q"), WATCHDOG_USEC="1000", WATCHDOG_PID="1")
    manager.until("STATUS=")
    stop(weir)
    assert not any("WATCHDOG" in x for x in manager.rest()), manager.seen


def test_full_queue(folder):
    """Ready is told when there is room, also after a reload for which there was none."""
    manager, out = Manager(str(folder / "notify")), folder / "a.csv"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, contextlib.suppress(BlockingIOError):
        other.connect(manager.address)
        other.setblocking(False)
        while True:
            other.send(b"somebody else's")
    weir = start(manager, *options(folder, "-q", "--active-timeout", "1", "-o", f"csv:{out}"))
    wait_for(out)
    out.rename(folder / "before.csv")
    os.kill(child_of(weir.pid), signal.SIGHUP)
    wait_for(out, lambda: send(1))  # a new file comes with a record
    manager.until("READY=1")
    assert not any(x.startswith("RELOADING") for x in manager.seen), manager.seen
    stop(weir)


def test_nobody_listens(folder):
    weir = net.b.start("timeout", "-k", "1", "60", tap.WEIR_SAN, "-q", "-r", DEMO,
                       env={**os.environ, "NOTIFY_SOCKET": str(folder / "none")}, text=True)
    out, err = weir.communicate(timeout=30)
    assert weir.returncode == 0 and len(out.splitlines()) == 23, (out, err)
    assert err == "weir: warning: NOTIFY_SOCKET: No such file or directory; nobody is told when weir is ready\n", err


def children_of(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# --- the journal ------------------------------------------------------------------------------------

def test_journal_lines(folder):
    """Priorities in front where stderr is the journal's stream, and only there."""
    ours, theirs = socket.socketpair()
    st = os.fstat(theirs.fileno())
    for name, expected in ((f"{st.st_dev}:{st.st_ino}", ("<3>", "<6>seen 0, ")), (f"{st.st_dev}:1", ("weir: ", "weir: seen 0, "))):
        for args, beginning in ((("-r", folder / "none"), expected[0]), (("-i", "lo", "--hook", "tc"), expected[1])):
            weir = net.b.start("timeout", "-s", "INT", "1", tap.WEIR_SAN, *args, env={**os.environ, "JOURNAL_STREAM": name},
                               stderr=theirs.fileno())
            weir.wait(timeout=30)
            text = ours.recv(4096).decode()
            assert text.startswith(beginning) and text.count("\n") == 1, text
            assert "weir: " not in text or beginning.startswith("weir"), text
    ours.close(), theirs.close()


def test_journal_fields(folder):
    """What the journal takes by its own protocol: fields of each message, a counter each of an account."""
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(str(folder / "socket"))
    journal.settimeout(20)
    ours, theirs = socket.socketpair()
    st = os.fstat(theirs.fileno())
    in_place = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs run /run && mkdir -p /run/systemd/journal && '
                'mount --bind "$0" /run/systemd/journal && exec "$@"', folder]
    weir = net.b.start("timeout", "-k", "1", "60", *in_place, tap.WEIR_SAN, "-i", "vb", "--hook", "tc", "--direction", "in", *FIELDS,
                       "-o", "csv:" + str(folder / "none/a.csv"), env={**os.environ, "JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"},
                       stderr=theirs.fileno())
    assert weir.wait(timeout=30) == 1
    failure = journal.recv(65536).decode()
    assert failure.endswith("\nPRIORITY=3\nSYSLOG_IDENTIFIER=weir\n") and re.match(r"MESSAGE=[^\n]*none/a.csv: No such file", failure), failure
    assert "WEIR_SEEN=0\n" in journal.recv(65536).decode()
    weir = net.b.start("timeout", "-s", "INT", "3", *in_place, tap.WEIR_SAN, "-i", "vb", "--hook", "tc", "--direction", "in", *FIELDS, "udp",
                       env={**os.environ, "JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"}, stderr=theirs.fileno())
    while not any(map(watch.links, children_of(weir.pid))):
        assert weir.poll() is None, weir.communicate()
        time.sleep(0.05)
    send(50)
    account = dict(line.split("=", 1) for line in journal.recv(65536).decode().splitlines())
    weir.communicate(timeout=30)
    assert account["MESSAGE"].startswith("seen 50, metered 50,") and account["PRIORITY"] == "6", account
    assert (account["WEIR_SEEN"], account["WEIR_LOST_RING_FULL"], account["WEIR_FLOWS"]) == ("50", "0", "1"), account
    ours.setblocking(False)
    theirs.close()
    assert ours.recv(100) == b"", "something went to the stream, too"
    ours.close(), journal.close()


# --- SIGHUP -------------------------------------------------------------------------------------------

def child_of(pid):
    """weir itself: a hang-up would have timeout(1) kill it soon."""
    return children_of(pid)[0]


def hang_up(manager, weir):
    """Until the reload is over: RELOADING=1 with a time, then READY=1."""
    os.kill(child_of(weir.pid), signal.SIGHUP)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", manager.until("RELOADING=1")), manager.seen
    manager.until("READY=1")


def reader(path):
    done = subprocess.run([tap.BUILD / "interop" / "fixbuf_read", path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return [r for r in map(json.loads, done.stdout.splitlines()) if "sourceTransportPort" in r]


def test_reopen(folder):
    """What was moved away is followed by a new file, whole by itself; what is in place goes on; no record is lost."""
    names = ("a.csv", "b.ipfix", "kept.csv")
    manager = Manager(str(folder / "notify"))
    weir = start(manager, *options(folder, "-q", "--idle-timeout", "1", "-o", f"csv:{folder}/a.csv", "-o", f"ipfix:{folder}/b.ipfix",
                                 "-o", f"csv:{folder}/kept.csv"))
    manager.until("READY=1")
    for turn in range(3):
        send(10 + turn, 41000 + turn)
        while f"{41000 + turn},{10 + turn}" not in (folder / "kept.csv").read_text():
            assert weir.poll() is None, weir.communicate()
            time.sleep(0.05)
        if turn == 2:
            break
        for name in names[:2]:
            (folder / name).rename(folder / f"{name}.{turn}")
        hang_up(manager, weir)
    stop(weir)
    rows = [list(csv.reader((folder / name).open())) for name in ("a.csv.0", "a.csv.1", "a.csv", "kept.csv")]
    header, records = ["src_port", "total_packets"], [[str(41000 + i), str(10 + i)] for i in range(3)]
    assert rows == [[header, records[0]], [header, records[1]], [header, records[2]], [header, *records]], rows
    ports = [[r["sourceTransportPort"] for r in reader(folder / name)] for name in ("b.ipfix.0", "b.ipfix.1", "b.ipfix")]
    assert ports == [[41000], [41001], [41002]], ports


def test_reopen_fails(folder):
    """The directory of the file has gone: an error that says so, and what is left is accounted for."""
    manager = Manager(str(folder / "notify"))
    (folder / "d").mkdir()
    weir = start(manager, *options(folder, "-q", "-o", f"csv:{folder}/d/a.csv"))
    manager.until("READY=1")
    (folder / "d").rename(folder / "e")
    hang_up(manager, weir)
    send(7)
    weir.send_signal(signal.SIGTERM)
    _, err = weir.communicate(timeout=30)
    assert weir.returncode == 1 and f"weir: {folder}/d/a.csv: No such file or directory" in err, err
    summary = json.loads((folder / "s.json").read_text())
    assert tap.law(summary) is None and summary["metered"] == summary["unexported"] == 7, summary


def test_terminal_closes(folder):
    """In a terminal SIGHUP is its end: what was counted is written."""
    pid, terminal = pty.fork()
    if not pid:
        command = net.b.command("timeout", "--foreground", "-k", "1", "60", tap.WEIR_SAN, *options(folder, "-o", f"csv:{folder}/a.csv"))
        os.execvp(command[0], list(map(str, command)))
    wait_for(folder / "a.csv")
    time.sleep(0.5)
    send(5)
    os.kill(child_of(pid), signal.SIGHUP)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert (folder / "a.csv").read_text().splitlines() == ["src_port,total_packets", "40000,5"]


# --- capabilities -------------------------------------------------------------------------------------

CAPABILITIES = json.loads((tap.TOP / "tools/deploy/kubernetes/weir/capabilities.json").read_text())
BASE = CAPABILITIES[0]["capabilities"]


def row(feature):
    return next(r for r in CAPABILITIES if r["feature"] == feature)


def needs(feature):
    """The exact set of a row."""
    r = row(feature)
    return r["capabilities"] if "capabilities" in r else [*BASE, *r["adds"]]


def with_capabilities(names, *command):
    """Of nobody, who has these capabilities and can get no others."""
    names = ",".join(["-all", *(f"+{name.lower()}" for name in names)])
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={names}", f"--ambient-caps={names}",
            f"--bounding-set={names}", "--no-new-privs", *map(str, command)]


def counts(manager, names, *args, host=net.b):
    """Attaches to vb, counts and detaches with these capabilities."""
    weir = host.start("timeout", "-k", "1", "60", *with_capabilities(names, tap.WEIR, "-q", "-i", "vb", "--direction", "in", *FIELDS, *args, "udp"),
                       env=manager.environment(), text=True)
    manager.socket.settimeout(0.1)
    while not manager.seen:
        assert weir.poll() is None, weir.communicate()
        try:
            manager.next()
        except TimeoutError:
            pass
    assert manager.seen[0] == "READY=1", manager.seen
    send(50)
    time.sleep(0.3)  # of pcap, the socket's buffer
    out, _ = stop(weir)
    assert out.splitlines()[1:] == ["40000,50"], (names, args, out)
    assert net.b.run(tap.WEIR, "status").stdout.splitlines() == ["weir watches nothing here"]


def refused(names, *args, host=net.b):
    done = host.run("timeout", "-s", "INT", "-k", "1", "20", *with_capabilities(names, tap.WEIR, *args), check=False)
    assert done.returncode in (1, 2), (names, args, done.stdout, done.stderr)
    return done.stderr


def one_less(names):
    """(what is left, what is missing), for each of them."""
    return [([n for n in names if n != missing], f"CAP_{missing}") for missing in names]


def test_capabilities_of_hooks(folder):
    for hook, feature in (("tc", "tc, xdp"), ("xdp", "tc, xdp"), ("xdp-generic", "tc, xdp"), ("pcap", "pcap")):
        socket_path = folder / f"notify-{hook}"
        manager = Manager(str(socket_path))
        folder.chmod(0o755), socket_path.chmod(0o777)
        counts(manager, needs(feature), "--hook", hook)
        for left, missing in one_less(needs(feature)):
            err = refused(left, "-q", "-i", "vb", "--hook", hook)
            if hook == "pcap":
                assert err.endswith(f"run as root or with {missing}\n"), (hook, err)
            else:
                assert err.startswith(f"weir: loading BPF programs is not permitted without {missing};"), (hook, err)


def test_capabilities_of_promisc(folder):
    manager = Manager(str(folder / "notify"))
    folder.chmod(0o755), (folder / "notify").chmod(0o777)
    counts(manager, needs("promisc"), "--hook", "tc", "--promisc")
    assert "--promisc needs CAP_NET_RAW" in refused(BASE, "-q", "-i", "vb", "--hook", "tc", "--promisc")


def test_capabilities_of_pins(folder):
    """A directory of its own in a BPF file system is all that pins need; detaching them, too."""
    folder.chmod(0o755)
    (folder / "bpf").mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", folder / "bpf"], check=True)
    try:
        (folder / "bpf" / "weir").mkdir()
        os.chown(folder / "bpf" / "weir", 65534, 65534)
        (folder / "bpf").chmod(0o755)
        pins = folder / "bpf" / "weir"
        for turn in range(2):
            done = net.b.run("timeout", "-s", "INT", "-k", "1", "1.5",
                             *with_capabilities(needs("pin"), tap.WEIR, "-q", "-i", "vb", "--direction", "in", *FIELDS, "--pin", pins, "udp"),
                             check=False)
            assert done.stderr == "" and len(list(pins.iterdir())) == 7, (done, list(pins.iterdir()))
            send(9)
        done = net.b.run("timeout", "-s", "INT", "-k", "1", "1.5",
                         *with_capabilities(needs("pin"), tap.WEIR, "-q", "-i", "vb", "--direction", "in", *FIELDS, "--pin", pins, "udp"),
                         check=False)
        assert done.stdout.splitlines()[1:] == ["40000,9"], done
        net.b.run(tap.WEIR, "detach", "--pin", pins)
        assert not pins.exists()
    finally:
        subprocess.run(["umount", folder / "bpf"], check=True)


def test_capabilities_of_status(folder):
    done = net.b.run(*with_capabilities(needs("status"), tap.WEIR, "status"))
    assert done.stdout == "weir watches nothing here\n", done
    assert "run as root or with CAP_SYS_ADMIN" in refused(BASE, "status")


def test_capabilities_of_namespaces(folder):
    """Of another namespace than weir's own, by its name and by a process with more rights than weir."""
    in_turn(folder, "netns", "--netns", net.b.name, host=net.a)
    pid = net.b.start("sleep", "60").pid
    in_turn(folder, "netns of processes", "--netns", str(pid), host=net.a)
    done = net.a.run("timeout", "-s", "INT", "-k", "1", "2.5", *with_capabilities(needs("netns"), tap.WEIR, "-q", "-i", "vb", "--netns", "all"),
                     check=False)
    assert done.stderr == "weir: warning: --netns all: not all processes may be looked at (CAP_SYS_PTRACE); namespaces without a name may be missed\n", done


def test_capabilities_of_attribution(folder):
    return in_turn(folder, "attribute", "--attribute", "process")


def in_turn(folder, feature, option, value, host=net.b):
    """A row of an option that a build may lack."""
    if option not in subprocess.run([tap.WEIR, "--help-all"], capture_output=True, text=True).stdout:
        return tap.Absent(f"this weir has no {option}")
    place = folder / f"notify-{feature}"
    manager = Manager(str(place))
    folder.chmod(0o755), place.chmod(0o777)
    counts(manager, needs(feature), "--hook", "tc", option, value, host=host)
    for left, missing in one_less(needs(feature)):
        if "SYS_ADMIN" in left and missing in ("CAP_BPF", "CAP_PERFMON"):
            continue  # it stands for these
        err = refused(left, "-q", "-i", "vb", "--hook", "tc", option, value, host=host)
        assert f"without {missing};" in err or err.endswith(f"take {missing}\n"), (missing, err)


def test_seccomp_is_named(folder):
    """Where no capability is missing, the message does not send anybody to look for one."""
    done = net.b.run("timeout", "-k", "1", "20", "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=bpf", "-e", "inject=bpf:error=EPERM", tap.WEIR,
                     "-q", "-i", "vb", "--hook", "tc", check=False)
    assert done.returncode == 1 and "no capability is missing, so a seccomp profile" in done.stderr, done


# --- the units ----------------------------------------------------------------------------------------

def settings(unit):
    """[(name, value)], as the file has them."""
    lines = (SYSTEMD / unit).read_text().splitlines()
    return [tuple(line.split("=", 1)) for line in lines if re.match(r"\w+=", line)]


def test_units_are_valid(folder):
    """systemd-analyze has nothing to say, once the programs they name are there."""
    for unit in UNITS:
        text = (SYSTEMD / unit).read_text()
        (folder / unit).write_text(re.sub(r"/usr/(bin/weir|libexec/weir/stopped)(?= )", "/bin/true", text))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", folder / unit], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stdout + done.stderr == "", (unit, done.stdout + done.stderr)


def test_units_are_hardened(folder):
    for unit in UNITS:
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", SYSTEMD / unit],
                              capture_output=True, text=True, timeout=60)
        level = float(re.search(r"Overall exposure level for \S+: (\S+)", done.stdout)[1])
        assert done.returncode == 0 and level <= 2.0, (unit, level)


def test_units_are_alike(folder):
    """The instance is the one unit but for what names the interface."""
    one, each = (dict(settings(unit)) for unit in UNITS)
    plain = {name: re.sub(r" -i %I|-%i|/%i| on %I| sys-subsystem-net-devices-%i.device", "", value) for name, value in each.items()}
    assert plain == one, {name: (plain.get(name), one.get(name)) for name in plain.keys() | one.keys() if plain.get(name) != one.get(name)}


def test_units_have_the_capabilities_of_the_table(folder):
    for unit in UNITS:
        for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
            assert sorted(dict(settings(unit))[name].split()) == [f"CAP_{c}" for c in BASE], (unit, name)


def test_hang_up_is_reload(folder):
    assert dict(settings("weir.service"))["ExecReload"] == "/bin/kill -HUP $MAINPID"


def main():
    with net:
        tap.run_tests(globals(), "service:")
    tap.finish()


main()
