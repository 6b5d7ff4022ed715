# SPDX-License-Identifier: BSD-2-Clause
"""Two network namespaces joined by a veth pair, for the live tests; nothing else is on that wire.

    with network.Network() as net:              # root; gone again when the block ends, however
        net.b.start("nc", "-l", "9000")         # a Popen, ended with the network at the latest
        net.a.run("nc", "-z", net.b.ip4, 9000)  # waits; CalledProcessError when it fails
        net.a.python("print(1)")                # a Python text instead of a program
        net.b.statistics()["rx_packets"]

Host a has va, host b has vb. Addresses of link and network are fixed and each host knows the
other's, so there is no ARP and no neighbour discovery: what a test counts is what it sends.
IPv6 is off unless asked for (with it, a few multicast listener reports go out in the first
seconds), offloads (GRO, GSO, TSO) are off unless asked for.
"""
import itertools, json, os, shutil, subprocess, sys, time

PREFIX4, PREFIX6 = 24, 64
BPFTOOL = shutil.which("bpftool", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
_numbers = itertools.count()


def ip(*args):
    return subprocess.run(["ip", *map(str, args)], check=True, capture_output=True, text=True).stdout


def bpftool(*args, seconds=10):
    """
    What it shows, from its JSON. It knows no namespaces, and a list fails of one entry that another
    test is making (EAGAIN of a link not attached yet) or ending: then it is asked again.
    """
    deadline = time.monotonic() + seconds
    while True:
        done = subprocess.run([BPFTOOL, "-j", *map(str, args)], capture_output=True, text=True)
        if not done.returncode:
            return json.loads(done.stdout)
        assert time.monotonic() < deadline, (args, done)


class Host:
    """One namespace and its end of the pair. Commands run inside."""

    def __init__(self, name, dev, number):
        self.name, self.dev = name, dev
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.ip4, self.ip6 = f"192.0.2.{number}", f"2001:db8::{number:x}"
        self.started = []

    def command(self, *args):
        return ["ip", "netns", "exec", self.name, *map(str, args)]

    def run(self, *args, check=True, timeout=120, **how):
        return subprocess.run(self.command(*args), check=check, timeout=timeout, text=True,
                              **{"capture_output": True, **how})

    def start(self, *args, **how):
        """
        A Popen with both outputs piped; ip-netns becomes the program, so signals reach it. Unbuffered, for a
        readline() that takes in more than its line keeps the rest from communicate(); with text=True it does.
        """
        process = subprocess.Popen(self.command(*args),
                                   **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0, **how})
        self.started.append(process)
        return process

    def python(self, text, *args, **how):
        return self.run(sys.executable, "-c", text, *args, **how)

    def ip(self, *args):
        return ip("-n", self.name, *args)

    def statistics(self, dev=None):
        """{rx_packets, rx_bytes, rx_dropped, rx_errors, tx_...} of an interface, as ints."""
        found = json.loads(self.ip("-j", "-s", "link", "show", "dev", dev or self.dev))[0]["stats64"]
        return {f"{way}_{what}": value for way in ("rx", "tx") for what, value in found[way].items()}

    def offloads(self, on):
        """GRO, GSO and TSO of this end."""
        state = "on" if on else "off"
        self.run("ethtool", "-K", self.dev, "gro", state, "gso", state, "tso", state)

    def end_processes(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        self.started.clear()

    def make(self, ipv6):
        ip("netns", "add", self.name)
        if not ipv6:
            self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                     "net.ipv6.conf.default.disable_ipv6=1")
        else:
            self.run("sysctl", "-qw", "net.ipv6.conf.default.router_solicitations=0")
        self.ip("link", "set", "lo", "up")

    def configure(self, peer, ipv6):
        """Addresses and neighbours; the link exists."""
        self.ip("link", "set", self.dev, "address", self.mac)
        self.ip("address", "add", f"{self.ip4}/{PREFIX4}", "dev", self.dev)
        if ipv6:
            self.ip("address", "add", f"{self.ip6}/{PREFIX6}", "dev", self.dev, "nodad")
        self.ip("link", "set", self.dev, "up")
        for address in [peer.ip4, *([peer.ip6] if ipv6 else [])]:
            self.ip("neigh", "replace", address, "lladdr", peer.mac, "dev", self.dev, "nud", "permanent")

    def remove(self):
        self.end_processes()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Network:
    """Hosts a and b. queues: receive and transmit queues of each end, as many as CPUs may send."""

    def __init__(self, ipv6=False, offloads=False, queues=1):
        self.ipv6, self.offloads_on, self.queues = ipv6, offloads, queues
        own = f"{os.getpid()}-{next(_numbers)}"
        self.a = Host(f"weir-a{own}", "va", 1)
        self.b = Host(f"weir-b{own}", "vb", 2)
        self.hosts = (self.a, self.b)

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *why):
        self.remove()

    def make(self):
        for host in self.hosts:
            host.make(self.ipv6)
        self.connect()

    def connect(self):
        """Makes the pair; also once a test has deleted it."""
        queues = ["numrxqueues", self.queues, "numtxqueues", self.queues]
        ip("link", "add", self.a.dev, "netns", self.a.name, *queues, "type", "veth",
           "peer", "name", self.b.dev, "netns", self.b.name, *queues)
        for host, peer in ((self.a, self.b), (self.b, self.a)):
            host.configure(peer, self.ipv6)
            host.offloads(self.offloads_on)

    def disconnect(self):
        """Deletes the pair under whoever watches it."""
        self.a.ip("link", "del", self.a.dev)

    def offloads(self, on):
        for host in self.hosts:
            host.offloads(on)

    def remove(self):
        for host in self.hosts:
            host.remove()
