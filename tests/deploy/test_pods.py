#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whose flows are in Kubernetes: pods by containerd's CRI with CNI's ptp, of which weir watches the host's ends as they come.

A pod talks with another and with the node; the node, and a pod in the node's network, with a pod. What a row says
of process, container and pod at its ends is right. Needs root.
"""
import os, pathlib, subprocess, sys, time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parents[1] / "live")]
import tap, watch

try:
    import cri
except ImportError as why:
    cri, missing = None, why

PYTHON = "/usr/bin/python3"
SERVER = """
import socket
server = socket.create_server(("0.0.0.0", {port}))
while True:
    client, _ = server.accept()
    client.recv(9); client.send(b"x"); client.close()
"""
# Five connections by itself, five by children that live no longer than that.
CLIENT = """
import ctypes, os, socket, time
def talk(port):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("", port)); server.connect(("{address}", {port}))
        server.send(b"x"); server.recv(9)
for i in range(5):
    talk({first} + i)
    if not os.fork():
        ctypes.CDLL(None).prctl(15, b"child", 0, 0, 0)
        talk({first} + 5 + i); os._exit(0)
    os.wait()
print("done", flush=True)
time.sleep(60)
"""
CALLS = 10
FILTER = "tcp and portrange 20000-20399"
NODE = ("", "", "", "")  # container, namespace, pod, container's name


class Here:
    """Of watch.Watch: where weir runs, and what it watches there."""
    dev = "veth*"

    def start(self, *command):
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Watch(watch.Watch):
    """Attached to so many interfaces."""
    interfaces = 0

    def is_attached(self, pid):
        return watch.links(pid) == watch.ATTRIBUTION_LINKS + 2 * self.interfaces

    def wait_for(self, interfaces):
        self.interfaces = interfaces
        self.wait()


def start(pod, name, text):
    """The container, its first process, and what a row says of it."""
    container = pod.create(name, PYTHON, "-c", text).start()
    meta = pod.config.metadata
    return container.pid, (container.id, meta.namespace, meta.name, name)


def await_lines(what, read):
    end = time.monotonic() + 30
    while read() != ["done"]:
        assert time.monotonic() < end, f"{what}: {read()}"
        time.sleep(0.05)


def await_port(port):
    """Its server listens, in whichever namespace: the call fails until then."""
    end = time.monotonic() + 20
    while subprocess.run([PYTHON, "-c", f"import socket; socket.create_connection({port!r})"], capture_output=True, check=False).returncode:
        assert time.monotonic() < end, port
        time.sleep(0.05)


NOBODY = (0, "", ("", "", "", ""))


def told(row, end):
    return (int(row[f"{end}_pid"]), row[f"{end}_process"],
            tuple(row[f"{end}_{what}"] for what in ("container", "pod_namespace", "pod", "pod_container")))


def ends(row, clients, servers):
    """Of each end: True, it is named right; None, it is not named; False."""
    first, index = int(row["src_port"]) // 100 * 100, int(row["src_port"]) % 100
    (pid, owner), client = clients[first], told(row, "src")
    server, owner_there = servers[row["dst_ip"], int(row["dst_port"])]
    right = client == (pid, "python3", owner) if index < 5 else client[0] not in (0, pid) and client[1:] == ("child", owner)
    return tuple(None if end == NOBODY else good for end, good in (
        (client, right), (told(row, "dst"), told(row, "dst") == (server, "python3", owner_there))))


def talk(node, weir):
    """All connections there are, while weir watches; who has the ports of the clients, and of the servers."""
    here, web, cart = weir.host, node.pod("shop", "web-0"), node.pod("shop", "cart-5d4f")
    agent = node.pod("kube-system", "agent-x2x", host_network=True)
    weir.wait_for(2)
    servers = {(web.ip, 8000): start(web, "http", SERVER.format(port=8000))}
    on_node = here.start(PYTHON, "-c", SERVER.format(port=8001))
    servers[cri.GATEWAY, 8001] = on_node.pid, NODE
    for place in servers:
        await_port(place)
    clients = {20000: start(cart, "front", CLIENT.format(address=web.ip, port=8000, first=20000)),
               20100: start(cart, "back", CLIENT.format(address=cri.GATEWAY, port=8001, first=20100)),
               20200: start(agent, "agent", CLIENT.format(address=web.ip, port=8000, first=20200))}
    of_node = here.start(PYTHON, "-c", CLIENT.format(address=web.ip, port=8000, first=20300))
    clients[20300] = of_node.pid, NODE
    for pod, name in ((cart, "front"), (cart, "back"), (agent, "agent")):
        await_lines(name, lambda pod=pod, name=name: pod.log(name))
    assert of_node.stdout.readline() == b"done\n"
    for process in (of_node, on_node):
        process.kill()
        process.communicate()
    return clients, servers


def watch_pods(folder, *options):
    """{first port of a client: what its rows have of both ends, and how often}, and the summary's word."""
    with cri.Node(folder) as node:
        with Watch(Here(), "tc", "--no-dissect", "--attribute", "all", "--pod-logs", node.logs, *options, FILTER) as weir:
            clients, servers = talk(node, weir)
        found = {first: {} for first in clients}
        for row in weir.rows:
            seen, what = found[int(row["src_port"]) // 100 * 100], ends(row, clients, servers)
            assert False not in what, (row, clients, servers)
            seen[what] = seen.get(what, 0) + 1
    return found, weir.summary["attribution"]


BOTH = {(True, True): CALLS}


def test_every_interface(folder):
    """Between two pods each flow is met at both, and each tells of its pod: routed packets have lost their socket."""
    found, summary = watch_pods(folder)
    assert found == {20000: {(True, None): CALLS, (None, True): CALLS}, 20100: BOTH, 20200: BOTH, 20300: BOTH}, found
    assert summary == {"known": 8 * CALLS, "unknown": 0, "lost": 0}, summary


def test_dedup(folder):
    """Each direction is counted where it was met first, at the pod that it comes from."""
    found, summary = watch_pods(folder, "--dedup")
    assert found == {20000: BOTH, 20100: BOTH, 20200: BOTH, 20300: BOTH}, found
    assert summary == {"known": 8 * CALLS, "unknown": 0, "lost": 0}, summary


def main():
    if os.geteuid():
        tap.skip("pods", "needs root")
    elif not cri:
        tap.skip("pods", f"{missing}; run tools/install-deps")
    elif os.environ.get("WEIR_OWN_MOUNTS") != "1":  # network and mounts are this test's own
        os.environ["WEIR_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "slave", sys.executable, *sys.argv])
    else:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        tap.run_tests(globals(), "pods")
    tap.finish()


main()
