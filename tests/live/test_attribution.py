#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whose a flow is: processes of many kinds talk over a veth pair, and each flow must name the right ones at both ends.

Every process says its own number; what weir says of it may be right or, where a test says so, unknown, and never wrong.
The namespaces and cgroups are this test's own and go with it. Needs root.
"""
import contextlib, csv, json, os, pathlib, shutil, signal, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

INITIAL_PID_NAMESPACE = 4026531836  # PROC_PID_INIT_INO
UID, CONTAINER = "8c5e2b3a-1d2f-4a5b-9c6d-7e8f90a1b2c3", "0123456789abcdef" * 4
COMMON = """
import array, ctypes, os, signal, socket, struct, subprocess, sys, threading, time
HERE, THERE = sys.argv[1:3]
def name(text): ctypes.CDLL(None).prctl(15, text.encode(), 0, 0, 0)
def tcp(port, family=socket.AF_INET):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((HERE, port)); s.listen(64); return s
def udp(port=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((HERE, port)); return s
def ready(*pids): print(*(pids or [os.getpid()]), flush=True)
def serve(c):
    c.recv(100); c.send(b"%d" % os.getpid()); c.close()
"""


class Attributed(watch.Watch):
    """hook tc, with --attribute."""

    def __init__(self, host, *options, dev=None):
        super().__init__(host, "tc", "--no-dissect", *(options or ("--attribute", "process")), dev=dev)

    def expected_links(self):
        return super().expected_links() + watch.ATTRIBUTION_LINKS

    def read(self, err):
        self.err = err.decode()
        super().read(err)

    def row(self, *ports, protocol=6):
        """The one flow with this port at either end, or with these two."""
        found = [r for r in self.rows if {*map(str, ports)} <= {r["src_port"], r["dst_port"]} and int(r["protocol"]) == protocol]
        assert len(found) == 1, (ports, [(r["src_port"], r["dst_port"]) for r in self.rows])
        return found[0]


class Actor:
    """A Python text that runs in a host's namespace; its first line says pids."""

    def __init__(self, host, peer, text, *args):
        self.process = host.start(sys.executable, "-c", COMMON + text, host.ip4, peer.ip4, *map(str, args), stdin=subprocess.PIPE)
        self.line = self.process.stdout.readline().decode()
        if not self.line:
            raise AssertionError(self.process.stderr.read().decode())
        self.pids = [int(word) for word in self.line.split()]
        self.pid = self.pids[0]

    def go(self):
        """Past its wait for input; its next line as numbers."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]


def ends(row):
    return [(int(row[f"{end}_pid"]), row[f"{end}_process"]) for end in ("src", "dst")]


# Connects N times; a line of "local port, what the server said" each.
CLIENT = """
name("the client"); ready()
sys.stdin.readline()
out = []
for _ in range(int(sys.argv[4])):
    c = socket.create_connection((THERE, int(sys.argv[3])), source_address=(HERE, 0))
    c.send(b"hello"); out += [c.getsockname()[1], int(c.recv(100))]; c.close()
ready(*out)
sys.stdin.readline()
"""


def pairs(numbers):
    return list(zip(numbers[::2], numbers[1::2]))


@contextlib.contextmanager
def network_of_two():
    with network.Network() as net:
        yield net


def test_short_lived(folder):
    """curl after curl, each gone when its flow ends, and children that send one datagram and exit."""
    children = """
out = []
sys.stdin.readline()
for i in range(100):
    pid = os.fork()
    if not pid:
        name("child"); udp(30000 + i).sendto(b"x", (THERE, 9)); os._exit(0)
    os.waitpid(pid, 0); out += [30000 + i, pid]
ready(*out)
"""
    server = "s = tcp(8000); name('the server'); ready()\nwhile True: c, _ = s.accept(); c.recv(1000); c.send(b'HTTP/1.0 200 OK\\r\\n\\r\\n'); c.close()"
    with network_of_two() as net:
        there = Actor(net.b, net.a, server)
        parent = Actor(net.a, net.b, "ready()" + children)
        with Attributed(net.b, "--attribute", "process", "tcp or udp") as weir:
            curls = []
            for i in range(20):
                curl = net.a.start("curl", "-s", "--local-port", str(20000 + i), f"http://{net.b.ip4}:8000/")
                curl.wait(timeout=20)
                curls.append(curl.pid)
            sent = pairs(parent.go())
    assert len(weir.rows) == 120
    for i, pid in enumerate(curls):
        assert ends(weir.row(20000 + i)) == [(pid, "curl"), (there.pid, "the server")], (weir.row(20000 + i), pid, there.pid)
    for port, pid in sent:
        assert ends(weir.row(port, protocol=17)) == [(pid, "child"), (0, "")], (weir.row(port, protocol=17), pid)
    # Nobody receives at port 9, and that end is on weir's own host.
    assert weir.summary["attribution"] == {"known": 140, "unknown": 100, "lost": 0}, weir.summary


def test_workers(folder):
    """Who serves is told, not who listened: forked workers, a process per connection, and a socket passed on."""
    prefork = """
s = tcp(8000); name("master"); pids = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        name("worker")
        while True: serve(s.accept()[0])
    pids.append(pid)
ready(os.getpid(), *pids)
signal.pause()
"""
    inetd = """
s = tcp(8001); name("inetd"); signal.signal(signal.SIGCHLD, signal.SIG_IGN); ready()
while True:
    c, _ = s.accept()
    if not os.fork(): name("per call"); serve(c); os._exit(0)
    c.close()
"""
    passed = """
s = tcp(8002); name("acceptor")
one, other = socket.socketpair(socket.AF_UNIX)
pid = os.fork()
if not pid:
    s.close(); name("receiver")
    while True:
        _, control, _, _ = other.recvmsg(1, socket.CMSG_SPACE(4))
        serve(socket.socket(fileno=struct.unpack("i", control[0][2])[0]))
ready(os.getpid(), pid)
while True:
    c, _ = s.accept()
    c.recv(2, socket.MSG_PEEK)
    one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", c.fileno()))]); c.close()
"""
    with network_of_two() as net:
        for text in (prefork, inetd, passed):
            Actor(net.b, net.a, text)
        clients = {port: Actor(net.a, net.b, CLIENT, port, 10) for port in (8000, 8001, 8002)}
        with Attributed(net.b) as weir:
            said = {port: pairs(client.go()) for port, client in clients.items()}
    names = {8000: "worker", 8001: "per call", 8002: "receiver"}
    assert len(weir.rows) == 30
    for server, calls in said.items():
        for port, pid in calls:
            row = weir.row(port, server)
            assert ends(row) == [(clients[server].pid, "the client"), (pid, names[server])], (row, pid)
    assert weir.summary["attribution"] == {"known": 60, "unknown": 0, "lost": 0}, weir.summary["attribution"]


NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{ access_log off; server {{ listen 8000 reuseport; location / {{ return 200 "$pid"; }} }} }}
"""


def test_nginx(folder):
    """The worker that serves a connection, which says its own number; the process that listened made them all."""
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        raise tap.Skipped("no nginx; run tools/install-deps")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    folder.chmod(0o755)
    with network_of_two() as net:
        master = net.b.start("/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log")
        while net.a.run("curl", "-s", f"http://{net.b.ip4}:8000/", check=False).returncode:
            assert master.poll() is None, master.stderr.read()
            time.sleep(0.05)
        with Attributed(net.b) as weir:
            said = {port: int(net.a.run("curl", "-s", "--local-port", str(port), f"http://{net.b.ip4}:8000/").stdout)
                    for port in range(20000, 20040)}
        master.terminate()
        master.wait(timeout=20)
    told = {port: ends(weir.row(port))[1] for port in said}
    assert told == {port: (pid, "nginx") for port, pid in said.items()}, (told, said)
    assert len(set(said.values())) == 2 and master.pid not in said.values(), (said, master.pid)


def test_datagrams(folder):
    """Unconnected sockets: a server that answers, one that never does, one that processes use in turns."""
    answers = "s = udp(9000); name('answers'); ready()\nwhile True: d, a = s.recvfrom(99); s.sendto(b'%d' % os.getpid(), a)"
    silent = "s = udp(9001); name('silent'); ready()\nwhile True: s.recv(99)"
    turns = """
s = udp(9002); pids = []; ends = [os.pipe() for _ in range(2)]
for r, w in ends:
    pid = os.fork()
    if not pid:
        while os.read(r, 1): d, a = s.recvfrom(99); s.sendto(b"%d" % os.getpid(), a)
    pids.append(pid)
ready(*pids)
for i in range(40): os.write(ends[i % 2][1], b"x"); time.sleep(0.01) if i % 2 else 0
signal.pause()
"""
    client = """
s = udp(); name("sender"); ready()
sys.stdin.readline()
out = [s.getsockname()[1]]
for port, count in ((9000, 1), (9001, 1), (9002, 40)):
    for _ in range(count):
        s.sendto(b"x", (THERE, port))
        if port != 9001: s.recv(99)
ready(*out)
"""
    with network_of_two() as net:
        servers = [Actor(net.b, net.a, text) for text in (answers, silent, turns)]
        sender = Actor(net.a, net.b, client)
        with Attributed(net.b) as weir:
            sender.go()
    assert len(weir.rows) == 3
    for server, port, told in zip(servers, (9000, 9001, 9002), ("answers", "silent", "")):
        assert ends(weir.row(port, protocol=17)) == [(sender.pid, "sender"), (server.pid if told else 0, told)], weir.row(port, protocol=17)
    assert weir.summary["attribution"] == {"known": 5, "unknown": 1, "lost": 0}, weir.summary["attribution"]


def test_before_the_start(folder):
    """Connections older than weir: one whose processes go on, one whose server only holds it, one held by two."""
    server = """
s = tcp(8000); name("older")
ready()
a, b, c = (s.accept()[0] for _ in range(3))
pid = os.fork()
if not pid: name("heir"); a.close(); b.close(); signal.pause()
ready(pid)
a.recv(99); a.send(b"x")
signal.pause()
"""
    client = """
name("elder"); ready()
conns = [socket.create_connection((THERE, 8000), source_address=(HERE, 0)) for _ in range(3)]
ready(*(c.getsockname()[1] for c in conns))
sys.stdin.readline()
for c in conns: c.send(b"hello")
conns[0].recv(1)
time.sleep(0.2)
ready()
signal.pause()
"""
    with network_of_two() as net:
        there = Actor(net.b, net.a, server)
        here = Actor(net.a, net.b, client)
        ports = [int(word) for word in here.process.stdout.readline().split()]
        there.process.stdout.readline()
        with Attributed(net.b) as weir:
            here.go()
    assert [ends(weir.row(port)) for port in ports] == [
        [(here.pid, "elder"), (there.pid, "older")], [(here.pid, "elder"), (there.pid, "older")], [(here.pid, "elder"), (0, "")]]
    assert weir.summary["attribution"] == {"known": 5, "unknown": 1, "lost": 0}, weir.summary["attribution"]


def test_names(folder):
    """The process's name, not the thread's, and the last one it had; a refused connection has no server; IPv6."""
    server = """
s = tcp(8000); six = socket.create_server(("2001:db8::2", 8001), family=socket.AF_INET6); name("server"); ready()
def run(): name("a thread"); serve(s.accept()[0])
t = threading.Thread(target=run); t.start(); t.join()
serve(six.accept()[0])
signal.pause()
"""
    client = """
name("first name"); ready()
sys.stdin.readline()
c = socket.create_connection((THERE, 8000), source_address=(HERE, 0)); c.send(b"x"); c.recv(99)
try: socket.create_connection((THERE, 8009), source_address=(HERE, 10009))
except OSError: pass
d = socket.create_connection(("2001:db8::2", 8001)); d.send(b"x"); d.recv(99)
ready(c.getsockname()[1], d.getsockname()[1])
os.execvp("sleep", ["sleep", "60"])
"""
    with network.Network(ipv6=True) as net:
        there = Actor(net.b, net.a, server)
        here = Actor(net.a, net.b, client)
        with Attributed(net.b, "--attribute", "process", "tcp") as weir:
            port, six = here.go()
            time.sleep(0.3)  # until it is sleep
    assert ends(weir.row(port)) == [(here.pid, "sleep"), (there.pid, "server")], weir.row(port)
    assert ends(weir.row(six)) == [(here.pid, "sleep"), (there.pid, "server")], weir.row(six)
    assert ends(weir.row(10009)) == [(here.pid, "sleep"), (0, "")], weir.row(10009)
    assert weir.summary["attribution"] == {"known": 5, "unknown": 1, "lost": 0}, weir.summary["attribution"]


def test_loopback(folder):
    """Both ends on one interface; NFStream's names have the source's process."""
    with network_of_two() as net:
        there = Actor(net.b, net.b, "s = tcp(8000); name('server'); ready()\nserve(s.accept()[0]); signal.pause()")
        here = Actor(net.b, net.b, CLIENT, 8000, 1)
        with Attributed(net.b, "--attribute", "process", "--profile", "nfstream", dev="lo") as weir:
            port, _ = here.go()
    row = weir.row(port)
    assert ends(row) == [(here.pid, "the client"), (there.pid, "server")], row
    assert (int(row["system_process_pid"]), row["system_process_name"]) == (here.pid, "the client"), row


# --- cgroups, containers, pods -------------------------------------------------------------------

def unified():
    """Where cgroup v2 is mounted."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, path, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(path)
    raise tap.Skipped("no cgroup v2 is mounted")


@contextlib.contextmanager
def cgroup(*names):
    """Makes the groups, one in another, and takes away what is empty again."""
    made, path = [], unified()
    try:
        for name in names:
            path /= name
            if not path.exists():
                path.mkdir()
                made.append(path)
        yield path
    finally:
        for path in reversed(made):
            for _ in range(100):
                try:
                    path.rmdir()
                    break
                except OSError:
                    time.sleep(0.05)


def test_cgroups_and_pods(folder):
    """Short-lived processes in cgroups as container runtimes call them, pods as the kubelet calls their logs."""
    own = f"weir-test-{os.getpid()}"
    logs = folder / "pods"
    (logs / f"shop_cart-5d4f_{UID}" / "app").mkdir(parents=True)
    there = ("s = tcp(8000); name('server'); ready()\nwhile True: serve(s.accept()[0])")
    call = """
ready(); sys.stdin.readline()
c = socket.create_connection((THERE, 8000), source_address=(HERE, int(sys.argv[3]))); c.send(b"x"); c.recv(99)
"""
    with network_of_two() as net, cgroup(own, f"docker-{CONTAINER}.scope") as docker, \
            cgroup(own, "kubepods", f"pod{UID}", CONTAINER) as pod:
        server = Actor(net.b, net.a, there)
        with Attributed(net.b, "--attribute", "all", "--pod-logs", logs) as weir:
            for path, port in ((docker, 20001), (pod, 20002)):
                actor = Actor(net.a, net.b, call, port)
                (path / "cgroup.procs").write_text(str(actor.pid))
                actor.go()
                actor.process.wait(timeout=20)
        inodes = [str(path.stat().st_ino) for path in (docker, pod)]
    names = ("cgroup", "cgroup_id", "container", "pod_namespace", "pod", "pod_container", "pod_labels")
    told = [[weir.row(port)[f"src_{name}"] for name in names] for port in (20001, 20002)]
    assert told == [[f"/{own}/docker-{CONTAINER}.scope", inodes[0], CONTAINER, "", "", "", ""],
                    [f"/{own}/kubepods/pod{UID}/{CONTAINER}", inodes[1], CONTAINER, "shop", "cart-5d4f", "app", ""]], told
    row = weir.row(20001)
    assert (int(row["dst_pid"]), row["dst_container"], row["dst_pod"]) == (server.pid, "", ""), row


# The API server: refuses the first request, then tells of pods in pieces, then of one that changes.
API = """
import json, ssl
def event(kind, uid, name, labels, container):
    status = {"containerStatuses": [{"name": "app\\x1b", "containerID": "containerd://" + container}]}
    return json.dumps({"type": kind, "object": {"kind": "Pod", "metadata": {"uid": uid, "name": name, "namespace": "shop", "labels": labels}, "status": status}}).encode() + b"\\n"
folder, uid, container = sys.argv[3:6]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
s = socket.create_server(("127.0.0.1", 6443)); ready()
def answer(head):
    c = context.wrap_socket(s.accept()[0], server_side=True); request = b""
    while b"\\r\\n\\r\\n" not in request: request += c.recv(9999)
    c.sendall(head)
    return c, request
c, _ = answer(b"HTTP/1.1 403 Forbidden\\r\\nContent-Length: 2\\r\\n\\r\\n{}"); c.close()
c, request = answer(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n")
text = event("ADDED", "1", "another", {}, "1" * 64) + event("ADDED", uid, "cart-old", {"app": "old"}, container) + event("BOOKMARK", "", "", {}, "")
text += event("MODIFIED", uid, "cart-5d4f", {"app": "cart", "tier": "front"}, container) + event("DELETED", "1", "another", {}, "1" * 64)
for i in range(0, len(text), 50): c.sendall(text[i:i + 50]); time.sleep(0.005)
print(json.dumps(request.decode()), flush=True)
signal.pause()
"""


@contextlib.contextmanager
def environment(**values):
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


HOSTILE = r"""
import ssl
def make_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[3] + "/cert.pem", sys.argv[3] + "/key.pem")
    return context
context = make_context(); s = socket.create_server(("127.0.0.1", 6443)); ready()
odd = [b'[1]', b'7', b'{}', b'{"type":5}', b'{"type":"ADDED"}', b'{"type":"ADDED","object":[]}', b'{"type":"ADDED","object":{"metadata":{"uid":7}}}',
       b'{"type":"ADDED","object":{"metadata":{"uid":"u","name":null,"labels":[1]},"status":{"containerStatuses":[1,{"containerID":5},{"containerID":"x"}]}}}',
       b'{"type":"ADDED","object":{"metadata":{"uid":"\u0000","labels":{"a":1}},"status":[]}}', b'{"type":"ADDED","object":{"metadata":', b'}']
def answer(status, body):
    c = context.wrap_socket(s.accept()[0], server_side=True)
    if not c.recv(9999): raise OSError
    c.sendall(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n" + body)
    return c
def goes_on(c):
    try:
        for _ in range(1000): c.sendall(bytes(65536))
    except OSError: return 0
    return 1
ended = goes_on(answer(b"500 No", b""))
pod = b'{"type":"ADDED","object":{"metadata":{"uid":"u"}}}'
large = [b'{"type":"ADDED","object":{"metadata":{"uid":"%d","labels":{"a":"%s"}}}}' % (i, b"x" * 8000000) for i in range(6)]
for body in (b"".join(large), pod + b'{"type":"ERROR","object":{"message":"too\nold"}}', b"\n".join(odd)): answer(b"200 OK", body).close()
time.sleep(0.3); ready(ended)
sys.stdin.readline(); context = make_context(); left = 1
for _ in range(3):  # the first connection may be older than the new certificate
    try: answer(b"200 OK", b"").close(); left = 0; break
    except OSError: pass
ready(left)
"""


def make_account(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=api",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    shutil.copy(folder / "cert.pem", folder / "ca.crt")
    (folder / "token").write_text("secret-token\n")


def test_hostile_api_server(folder):
    """Answers that are none are told, and the meter goes on; what is not understood is passed over."""
    make_account(folder)
    with network_of_two() as net, environment(KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT="6443"):
        api = Actor(net.b, net.a, HOSTILE, folder)
        with Attributed(net.b, "--attribute", "pod", "--service-account", folder) as weir:
            assert api.process.stdout.readline() == b"0\n"  # an answer that goes on for ever is left
            make_account(folder)
            assert api.go() == [0]  # the new certificate is taken
            Actor(net.a, net.b, "udp(1).sendto(b'x', (THERE, 9)); ready()")
    assert weir.row(9, protocol=17)["total_packets"] == "1"
    said = [f"weir: warning: --attribute pod: the API server: {why}; names come from --pod-logs meanwhile"
            for why in ("HTTP status 500", "too?old", "the answer is no JSON")]
    said.insert(1, "weir: warning: --attribute pod: the API server tells of more than 65536 pods or 32 MiB of names and labels; "
                "names of the others come from --pod-logs; with NODE_NAME only the pods of this node are watched")
    assert weir.err.splitlines() == said, weir.err


def test_api_server(folder):
    """Names, container and labels from the API server, asked with the account's token by its own certificate."""
    make_account(folder)
    call = "ready(); sys.stdin.readline()\nc = socket.create_connection((THERE, 8000), source_address=(HERE, 20002)); c.send(b'x'); c.recv(99)"
    own = f"weir-test-{os.getpid()}"
    with network_of_two() as net, cgroup(own, "kubepods", f"pod{UID}", CONTAINER) as pod, \
            environment(KUBERNETES_SERVICE_HOST="127.0.0.1", KUBERNETES_SERVICE_PORT="6443", NODE_NAME="node-1"):
        Actor(net.b, net.a, "s = tcp(8000); ready()\nwhile True: serve(s.accept()[0])")
        api = Actor(net.b, net.b, API, folder, UID, CONTAINER)
        with Attributed(net.b, "--attribute", "pod", "--service-account", folder, "--pod-logs", folder / "none") as weir:
            request = json.loads(api.process.stdout.readline())
            actor = Actor(net.a, net.b, call)
            (pod / "cgroup.procs").write_text(str(actor.pid))
            actor.go()
            actor.process.wait(timeout=20)
    row = weir.row(20002)
    assert [row[f"src_pod{what}"] for what in ("_namespace", "", "_container", "_labels")] == ["shop", "cart-5d4f", "app?", "app=cart,tier=front"], row
    assert request.startswith("GET /api/v1/pods?watch=1&timeoutSeconds=300&fieldSelector=spec.nodeName%3Dnode-1 HTTP/1.1\r\n"), request
    assert "\r\nAuthorization: Bearer secret-token\r\n" in request and "\r\nHost: 127.0.0.1:6443\r\n" in request, request
    assert weir.err.count("API server: HTTP status 403: the service account may not list and watch pods") == weir.err.count("\n") == 1, weir.err


def test_runc(folder):
    """A container by runc: busybox's wget in a root of its own, in the network namespace of the host."""
    if not shutil.which("runc"):
        raise tap.Skipped("no runc; run tools/install-deps")
    busybox, ident = shutil.which("busybox"), os.urandom(32).hex()
    root = folder / "bundle" / "rootfs"
    (root / "bin").mkdir(parents=True)
    for name in ("busybox", "wget"):
        shutil.copy(busybox, root / "bin" / name)
    subprocess.run(["runc", "spec"], cwd=folder / "bundle", check=True)
    config = json.loads((folder / "bundle" / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": ["/bin/wget", "-q", "-O", "/dev/null", "http://192.0.2.2:8000/"], "rlimits": []}
    with network_of_two() as net:
        for space in config["linux"]["namespaces"]:
            if space["type"] == "network":
                space["path"] = f"/run/netns/{net.a.name}"
        config["linux"]["cgroupsPath"] = f"/{ident}"
        (folder / "bundle" / "config.json").write_text(json.dumps(config))
        server = Actor(net.b, net.a, "s = tcp(8000); name('server'); ready()\n"
                       "while True: c, _ = s.accept(); c.recv(1000); c.send(b'HTTP/1.0 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'); c.close()")
        with Attributed(net.b, "--attribute", "all") as weir:
            ran = subprocess.run(["runc", "--root", folder / "state", "run", "-b", folder / "bundle", f"weir-test-{os.getpid()}"],
                                 capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    row = weir.row(8000)
    assert (row["src_process"], row["src_container"], row["src_cgroup"]) == ("wget", ident, f"/{ident}"), row
    assert (int(row["dst_pid"]), row["dst_process"], row["dst_container"]) == (server.pid, "server", ""), row


def child_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_without_the_hosts_processes(folder):
    """In a PID namespace of its own, as a container has: who uses a socket is told by the host's number, who only holds it is not."""
    rows = folder / "rows.csv"
    with network_of_two() as net:
        there = Actor(net.b, net.a, "s = tcp(8000); name('server'); ready()\nwhile True: serve(s.accept()[0])")
        here = Actor(net.a, net.b, CLIENT, 8000, 1)
        outer = net.b.start("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "timeout", "-k", "1", "60", tap.WEIR_SAN, "-q", "-i", "vb",
                            "--hook", "tc", "--no-dissect", "--attribute", "process", "-o", f"csv:{rows}", "tcp")
        end = time.monotonic() + watch.ATTACH_SECONDS
        while True:
            try:
                inner = child_of(outer.pid)
                if watch.links(child_of(inner)) >= 2 + watch.ATTRIBUTION_LINKS:
                    break
            except (OSError, IndexError):
                pass  # not there yet
            assert outer.poll() is None and time.monotonic() < end, outer.communicate()
            time.sleep(0.02)
        time.sleep(0.2)
        here.go()
        time.sleep(watch.SETTLE_SECONDS)
        os.kill(inner, signal.SIGINT)
        _, err = outer.communicate(timeout=30)
    found = list(csv.DictReader(rows.open()))
    assert [ends(row) for row in found] == [[(here.pid, "the client"), (there.pid, "server")]], found
    assert err.decode() == ("weir: warning: --attribute: the host's processes are not seen from here (--pid host, hostPID); "
                            "flows of those that do nothing more with a socket stay unknown\n"), err


# --- what it is not for --------------------------------------------------------------------------

def test_off(folder):
    """Without --attribute there is no such program and no such column; with it where it cannot be, a word."""
    with network_of_two() as net:
        with watch.Watch(net.b, "tc") as weir:
            own = watch.held_by(weir.pid)["prog_id"]
            programs = [program for program in network.bpftool("prog", "show") if program["id"] in own]
            Actor(net.a, net.b, "udp(1).sendto(b'x', (THERE, 9)); ready()")
        assert {program["type"] for program in programs} == {"syscall", "sched_cls"}, programs
        assert weir.rows and not any("pid" in name for name in weir.rows[0]), weir.rows[0]
        refused = [(("-i", "vb", "--hook", "pcap", "--attribute", "process"), "--attribute: --hook pcap sees no sockets; give --hook tc or xdp"),
                   (("-i", "vb", "--fields", "src_pid"), 'column "src_pid" needs an interface and --attribute process; give both'),
                   (("-i", "vb", "--attribute", "user"), "--attribute")]
        for args, words in refused:
            done = net.b.run(tap.WEIR_SAN, *args, check=False)
            assert done.returncode in (1, 2) and words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    capture = tap.TOP / "tests/pcaps/recorded/http1.pcap"
    done = subprocess.run([tap.WEIR_SAN, "-q", "-r", capture, "--attribute", "process"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "a capture tells no processes" in done.stderr and "src_pid" not in done.stdout, done.stderr


if __name__ == "__main__":
    if os.geteuid():
        tap.skip("attribution", "needs root for network namespaces")
    elif os.stat("/proc/self/ns/pid").st_ino != INITIAL_PID_NAMESPACE:
        tap.skip("attribution", "processes here have other numbers than the host knows them by")
    else:
        tap.run_tests(globals(), "attribution")
    tap.finish()
