#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which interface a flow was met on: columns, patterns of names, interfaces that come and go.

Every namespace is this test's own and goes with it. Needs root.
"""
import concurrent.futures, contextlib, json, os, pathlib, signal, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

PLACES = ["--no-dissect", "--fields", "src_ip,src_port,ingress_interface,egress_interface,ingress_ifindex,egress_ifindex,"
          "netns,src2dst_packets,dst2src_packets"]

# argv: own address, own port, peer address, peer port, packets, bytes of each
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
for i in range(int(sys.argv[5])):
    s.sendto(bytes(int(sys.argv[6])), (sys.argv[3], int(sys.argv[4])))
"""


def send(host, peer, sport, dport, packets, size=100):
    host.python(SEND, host.ip4, sport, peer.ip4, dport, packets, size)


def index_of(host, dev):
    return json.loads(host.ip("-j", "link", "show", "dev", dev))[0]["ifindex"]


class Watching(watch.Watch):
    """links: how many weir is to hold, of all its interfaces, before traffic begins."""

    def __init__(self, host, hook, interfaces, *options, links, program=tap.WEIR_SAN):
        more = [word for name in interfaces[1:] for word in ("-i", name)]
        super().__init__(host, hook, *more, *options, dev=interfaces[0], program=program)
        self.links = links

    def is_attached(self, pid):
        if self.hook == "pcap":
            return watch._sockets(pid) >= self.links // 2
        return watch.links(pid) == self.links

    def sockets(self):
        """Inodes of the packet sockets there are."""
        return {line.split()[-1] for line in pathlib.Path(f"/proc/{self.pid}/net/packet").read_text().splitlines()[1:]}

    def reopened(self, before):
        """libpcap's socket ends with an interface that goes down: waits for one that was not there before."""
        end = time.monotonic() + 10
        while self.hook == "pcap" and (self.sockets() == before or len(self.sockets()) < len(before)):
            assert time.monotonic() < end, (before, self.sockets())
            time.sleep(0.02)
        time.sleep(0.2)  # from the socket to its filter

    def settled(self, links):
        """Waits until it holds so many links."""
        self.links = links
        self.wait()


class Pair:
    """A veth pair more: name in b, p<number> in a."""

    def __init__(self, net, name, number, up=True):
        self.net, self.name, self.number = net, name, number
        self.a4, self.b4 = f"198.18.{number}.1", f"198.18.{number}.2"
        network.ip("link", "add", f"p{number}", "netns", net.a.name, "address", f"02:00:00:01:{number:02x}:01",
                   "type", "veth", "peer", "name", name, "netns", net.b.name, "address", f"02:00:00:01:{number:02x}:02")
        for host, dev, own, other, tail in ((net.a, f"p{number}", self.a4, self.b4, 2), (net.b, name, self.b4, self.a4, 1)):
            host.ip("address", "add", f"{own}/24", "dev", dev)
            host.ip("link", "set", dev, "up")
            host.ip("neigh", "replace", other, "lladdr", f"02:00:00:01:{number:02x}:{tail:02x}", "dev", dev, "nud", "permanent")

    def send(self, packets, sport=40000):
        self.net.a.python(SEND, self.a4, sport, self.b4, 9000, packets, 100)

    def remove(self):
        self.net.a.ip("link", "del", f"p{self.number}")


def packets_by(rows, *names):
    held = {}
    for row in rows:
        key = values(row, *names)
        held[key] = held.get(key, 0) + int(row["src2dst_packets"]) + int(row["dst2src_packets"])
    return held


def values(row, *names):
    return tuple(row[name] for name in names)


def test_columns(net):
    """What comes in has an ingress interface, what goes out an egress interface; the first packet decides."""
    index = str(index_of(net.b, "vb"))
    for hook in ("tc", "xdp", "pcap"):
        with watch.Watch(net.b, hook, *PLACES, "udp") as weir:
            send(net.a, net.b, 40000, 9000, 3)
            send(net.b, net.a, 9000, 40000, 2)
            send(net.b, net.a, 40001, 9000, 4)
        rows = {row["src_ip"]: row for row in weir.rows}
        assert len(weir.rows) == 2, weir.rows
        assert values(rows[net.a.ip4], "ingress_interface", "egress_interface", "ingress_ifindex", "egress_ifindex") == \
            ("vb", "", index, "0"), (hook, rows)
        assert values(rows[net.a.ip4], "src2dst_packets", "dst2src_packets", "netns") == ("3", "2", net.b.name), (hook, rows)
        assert values(rows[net.b.ip4], "ingress_interface", "egress_interface", "ingress_ifindex", "egress_ifindex") == \
            ("", "vb", "0", index), (hook, rows)


def settle(hook):
    """What libpcap holds back is gone with its interface."""
    if hook == "pcap":
        time.sleep(watch.SETTLE_SECONDS)


def test_patterns(net):
    """Patterns and exclusions, at the start and later; a name that changes is followed, and may exclude."""
    for hook in ("tc", "pcap"):
        first, mgmt = Pair(net, "veth1", 1), Pair(net, "veth-mgmt", 2)
        with Watching(net.b, hook, ["veth*", "!veth-mgmt", "!*-out"], *PLACES, "udp", links=2) as weir:
            second, other = Pair(net, "veth2", 3), Pair(net, "eth9", 4)
            weir.settled(4)
            for n, pair in enumerate((first, second, mgmt, other), 1):
                pair.send(n)
            settle(hook)
            net.b.ip("link", "set", "eth9", "down")
            net.b.ip("link", "set", "eth9", "name", "veth9")  # now it is asked for
            net.b.ip("link", "set", "veth9", "up")
            net.b.ip("neigh", "replace", other.a4, "lladdr", "02:00:00:01:04:01", "dev", "veth9", "nud", "permanent")
            weir.settled(6)
            net.b.ip("link", "set", "veth2", "down")
            net.b.ip("link", "set", "veth2", "name", "lan2")  # what is watched stays so
            net.b.ip("link", "set", "lan2", "up")
            net.b.ip("link", "set", "veth1", "down")
            net.b.ip("link", "set", "veth1", "name", "veth1-out")  # until it is excluded
            net.b.ip("link", "set", "veth1-out", "up")
            weir.settled(4)
            for pair in (first, second, other):
                pair.send(10)
        held = packets_by(weir.rows, "src_ip", "ingress_interface")
        assert held == {(first.a4, "veth1-out"): 1, (second.a4, "lan2"): 12, (other.a4, "veth9"): 10}, (hook, held)
        assert weir.summary["watch"]["failed"] == 0, weir.summary
        for pair in (first, second, mgmt, other):
            pair.remove()


def test_renamed(net):
    """What was named is watched on under another name, until another interface has the one that was given."""
    for hook in ("tc", "pcap"):
        first = Pair(net, "veth1", 1)
        with Watching(net.b, hook, ["vb", "veth1"], *PLACES, "udp", links=4) as weir:
            first.send(2)
            settle(hook)
            sockets = weir.sockets()
            net.b.ip("link", "set", "veth1", "down")
            net.b.ip("link", "set", "veth1", "name", "lan1")
            net.b.ip("link", "set", "lan1", "up")
            net.b.ip("neigh", "replace", first.a4, "lladdr", "02:00:00:01:01:01", "dev", "lan1", "nud", "permanent")
            weir.reopened(sockets)
            first.send(3)
            settle(hook)
            second = Pair(net, "veth1", 2)
            assert weir.process.stderr.readline() == b"weir: warning: lan1: no longer watched: veth1 is another interface now\n"
            weir.settled(4)
            first.send(100)
            second.send(4)
        held = packets_by(weir.rows, "src_ip", "ingress_interface")
        assert held == {(first.a4, "lan1"): 5, (second.a4, "veth1"): 4}, (hook, held)
        assert not weir.err, (hook, weir.err)
        for pair in (first, second):
            pair.remove()


FLOOD = tap.BUILD / "live" / "flood"


def test_replaced_amid_traffic(net):
    """What is met while weir lets go of an interface is that interface's still."""
    first = Pair(net, "veth1", 1)
    with Watching(net.b, "tc", ["vb", "veth1"], *PLACES, "udp", links=4) as weir:
        net.b.ip("link", "set", "veth1", "down")
        net.b.ip("link", "set", "veth1", "name", "lan1")
        net.b.ip("link", "set", "lan1", "up")
        sender = net.b.start(FLOOD, "--mode", "packet", "--dev", "lan1", "--dst-mac", "02:00:00:01:01:01", "--flows", 5,
                             "--packets", 40000, "--rate", 20000, text=True)
        assert settled(lambda: net.b.statistics("lan1")["tx_packets"] > 10000)
        second = Pair(net, "veth1", 2)
        weir.settled(4)
        sender.communicate(timeout=60)
    held = packets_by(weir.rows, "egress_interface")
    assert list(held) == [("lan1",)] and 0 < held["lan1",] < 40000, held
    for pair in (first, second):
        pair.remove()


def test_names_change_unseen(net):
    """While events wait, a name goes from one interface to another: each is watched, and once."""
    for hook in ("tc", "pcap"):
        with Watching(net.b, hook, ["x*"], *PLACES, "udp", links=0) as weir:
            weir.process.stderr.readline()  # that it waits: it has begun
            os.kill(weir.pid, signal.SIGSTOP)
            first = Pair(net, "x0", 1)
            net.b.ip("link", "set", "x0", "down")
            net.b.ip("link", "set", "x0", "name", "x1")
            net.b.ip("link", "set", "x1", "up")
            net.b.ip("neigh", "replace", first.a4, "lladdr", "02:00:00:01:01:01", "dev", "x1", "nud", "permanent")
            second = Pair(net, "x0", 2)
            os.kill(weir.pid, signal.SIGCONT)
            weir.settled(4)
            first.send(3)
            second.send(5)
        held = packets_by(weir.rows, "src_ip", "ingress_interface")
        assert held == {(first.a4, "x1"): 3, (second.a4, "x0"): 5}, (hook, held)
        assert not weir.err and weir.summary["watch"]["failed"] == 0, (hook, weir.err, weir.summary)
        for pair in (first, second):
            pair.remove()


def test_all(net):
    """Every interface; the loopback's packets once."""
    pair = Pair(net, "x1", 1)
    with Watching(net.b, "tc", ["all", "!x1"], *PLACES, "udp", links=3) as weir:
        send(net.a, net.b, 40000, 9000, 3)
        pair.send(5)
        net.b.python(SEND, "127.0.0.1", 40001, "127.0.0.1", 9000, 7, 100)
    held = packets_by(weir.rows, "src_ip", "ingress_interface", "egress_interface")
    assert held == {(net.a.ip4, "vb", ""): 3, ("127.0.0.1", "lo", ""): 7}, held


def test_none_yet(net):
    """Patterns that match nothing are waited for, and it is said; a name must be there."""
    for hook in ("tc", "pcap"):
        with Watching(net.b, hook, ["late*"], *PLACES, "udp", links=0) as weir:
            said = weir.process.stderr.readline().decode()
            pair = Pair(net, "late0", 1)
            weir.settled(2)
            pair.send(3)
        assert packets_by(weir.rows, "ingress_interface") == {("late0",): 3}, (hook, weir.rows)
        assert said == "weir: warning: no interface of -i late* is there yet; waiting for one\n", (hook, said)
        assert not weir.err, (hook, weir.err)
        pair.remove()
        done = net.b.run("timeout", "-k", "1", "30", tap.WEIR_SAN, "-i", "late*", "-i", "nope", "--hook", hook, check=False)
        assert done.returncode == 1 and done.stderr.startswith("weir: -i nope: "), done


def test_some_refuse(net):
    """One that cannot be watched is named and counted; the others go on."""
    pair = Pair(net, "veth1", 1)
    with Watching(net.b, "xdp", ["veth*", "lo*"], *PLACES, "udp", links=2) as weir:
        pair.send(4)
    assert packets_by(weir.rows, "ingress_interface") == {("veth1",): 4}, weir.rows
    assert weir.summary["watch"]["failed"] == 1, weir.summary
    assert weir.err.startswith("weir: warning: lo: is not watched: attaching XDP failed: driver has no native mode") and \
        weir.err.count("\n") == 1, weir.err


def resident_kb(pid):
    return int(pathlib.Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


def in_kernel(held):
    """The same as the whole system has it: links of these programs, and entries of the map of interfaces."""
    links = [link["id"] for link in network.bpftool("link", "show") if link.get("prog_id") in held["prog_id"]]
    maps = [m["id"] for m in network.bpftool("map", "show") if m["id"] in held["map_id"]]
    (interfaces,) = (m["id"] for m in network.bpftool("map", "show") if m["id"] in held["map_id"] and m.get("name") == "interfaces")
    return sorted(links), sorted(maps), len(network.bpftool("map", "dump", "id", interfaces))


def batch(host, lines):
    subprocess.run(["ip", "-n", host.name, "-batch", "-"], input="\n".join(lines) + "\n", check=True, capture_output=True, text=True)


def churn(net, weir, rounds, count):
    """Interfaces come, carry packets, and go again."""
    sent = 0
    for _ in range(rounds):
        pair = Pair(net, "veth0", 1)
        batch(net.b, [f"link add veth{i} type veth peer name peer{i}" for i in range(1, count)])
        weir.settled(2 + 2 * count)
        pair.send(5)
        sent += 5
        batch(net.b, [f"link del veth{i}" for i in range(1, count)])
        pair.remove()
        weir.settled(2)
    return sent


def test_churn(net):
    """200 interfaces come and go under traffic: nothing is left of them, and nothing is missing."""
    with Watching(net.b, "tc", ["vb", "veth*"], "--direction", "both", "--idle-timeout", "1", *PLACES, "udp", links=2,
                  program=tap.WEIR) as weir:
        sent = churn(net, weir, 1, 10)
        sender = net.a.start(FLOOD, "--mode", "packet", "--dev", "va", "--dst-mac", net.b.mac, "--flows", 50, "--packets",
                             60000, "--rate", 20000, text=True)
        before, memory = watch.held_by(weir.pid), resident_kb(weir.pid)
        kernel = in_kernel(before)
        sent += churn(net, weir, 5, 40)
        after = watch.held_by(weir.pid)
        grown = resident_kb(weir.pid) - memory
        flooded = json.loads(sender.communicate(timeout=60)[0])["sent"]
        assert after == before and in_kernel(after) == kernel, (before, after, kernel)
        assert grown < 1024, grown
        print(f"# 200 interfaces: {before['fds']} files, {len(kernel[0])} links, {len(kernel[1])} maps, {grown:+} kB")
    held = packets_by(weir.rows, "ingress_interface")
    assert held == {("vb",): flooded, ("veth0",): sent}, (held, flooded, sent)
    assert weir.summary["metered"] == flooded + sent and weir.summary["watch"]["failed"] == 0, weir.summary
    assert not any(weir.summary["lost"].values()), weir.summary


def netlink_drops(pid):
    rows = [line.split() for line in pathlib.Path(f"/proc/{pid}/net/netlink").read_text().splitlines()[1:]]
    return sum(int(row[8]) for row in rows if row[1] == "0")


def rings_of(pid):
    """Bytes of the rings that libpcap shares with the kernel, an interface each."""
    spans = [line.split()[0].split("-") for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines() if "socket:[" in line]
    return [int(end, 16) - int(begin, 16) for begin, end in spans]


def test_many_rings(net):
    """Under libpcap many interfaces do not take the memory of as many busy ones."""
    batch(net.b, [f"link add x{i} type veth peer name peer{i}" for i in range(40)])
    batch(net.b, [f"link set {end}{i} up" for i in range(40) for end in ("x", "peer")])
    with Watching(net.b, "pcap", ["x*", "vb"], *PLACES, "udp", links=82) as weir:
        assert settled(lambda: len(rings_of(weir.pid)) == 41), rings_of(weir.pid)
        rings = rings_of(weir.pid)
        assert max(rings) == 32 << 20 and min(rings) >= 1 << 20 and sum(rings) <= 400 << 20, rings
        batch(net.b, [f"link del x{i}" for i in range(40)])
        weir.settled(2)
        batch(net.b, ["link add x50 type veth peer name peer50", "link set x50 up", "link set peer50 up"])
        assert settled(lambda: rings_of(weir.pid) == [32 << 20] * 2), rings_of(weir.pid)


def test_lost_events(net):
    """More events than the socket has room for: what is there is asked for anew."""
    first = Pair(net, "veth1", 1)
    with Watching(net.b, "tc", ["veth*"], *PLACES, "udp", links=2) as weir:
        os.kill(weir.pid, signal.SIGSTOP)
        batch(net.b, [f"link set dev lo mtu {9000 + i % 2}" for i in range(4000)])
        assert netlink_drops(weir.pid) > 0
        first.remove()
        pairs = [Pair(net, f"veth{i}", i) for i in (2, 3)]
        os.kill(weir.pid, signal.SIGCONT)
        weir.settled(4)
        for pair in pairs:
            pair.send(pair.number)
    held = packets_by(weir.rows, "ingress_interface")
    assert held == {("veth2",): 2, ("veth3",): 3}, held


def test_lost_names(net):
    """The last name of an interface is among the lost events, one before it is not."""
    first = Pair(net, "veth1", 1)
    for hook in ("tc", "pcap"):
        with Watching(net.b, hook, ["veth*"], *PLACES, "udp", links=2) as weir:
            os.kill(weir.pid, signal.SIGSTOP)
            net.b.ip("link", "set", "veth1", "down")
            net.b.ip("link", "set", "veth1", "name", "veth8")
            batch(net.b, [f"link set dev lo mtu {9000 + i % 2}" for i in range(4000)])
            net.b.ip("link", "set", "veth8", "name", "veth1")
            net.b.ip("link", "set", "veth1", "up")
            time.sleep(1.5)  # for what the kernel tells later of the link
            assert netlink_drops(weir.pid) > 0
            os.kill(weir.pid, signal.SIGCONT)
            time.sleep(1)  # it has read what there was
            weir.settled(2)
            net.b.ip("neigh", "replace", first.a4, "lladdr", "02:00:00:01:01:01", "dev", "veth1", "nud", "permanent")
            first.send(4)
        assert packets_by(weir.rows, "ingress_interface") == {("veth1",): 4}, (hook, weir.rows)


@contextlib.contextmanager
def pins_of(net):
    """Where weir may pin; what it has pinned goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "bpf", "bpf", folder], check=True)
        try:
            yield pathlib.Path(folder) / "weir"
        finally:
            subprocess.run(["umount", folder], check=True)


def test_pin(net):
    """The kernel counts on while no weir runs; its flows and links are known by interface, whatever that is called by then."""
    with pins_of(net) as pins:
        pin(net, pins)


def pin(net, pins):
    options = [*PLACES, "--pin", pins, "--filter", "udp"]
    kept, gone = Pair(net, "veth1", 1), Pair(net, "veth2", 2)
    with Watching(net.b, "tc", ["veth*"], *options, links=4):
        kept.send(1)
    kept.send(2)
    gone.send(3)
    net.b.ip("link", "set", "veth1", "down")
    net.b.ip("link", "set", "veth1", "name", "veth7")
    net.b.ip("link", "set", "veth7", "up")
    net.b.ip("neigh", "replace", kept.a4, "lladdr", "02:00:00:01:01:01", "dev", "veth7", "nud", "permanent")
    kept.send(4)
    gone.remove()
    new = Pair(net, "veth3", 3)
    new.send(100)  # nobody watches it yet
    with Watching(net.b, "tc", ["veth*"], *options, links=4) as weir:
        kept.send(5)
        new.send(6)
        assert sorted(path.name for path in pins.glob("link-*")) == [f"link-{dev}-{way}" for dev in ("veth3", "veth7") for way in ("in", "out")]
    held = packets_by(weir.rows, "ingress_interface")
    assert held == {("veth7",): 11, ("veth2",): 3, ("veth3",): 6}, held
    assert net.b.run(tap.WEIR_SAN, "status", "-i", "veth*").stdout.count("weir_tc_out") == 2
    net.b.run(tap.WEIR_SAN, "detach", "--pin", pins)
    assert not pins.exists() and net.b.run(tap.WEIR_SAN, "status").stdout == "weir watches nothing here\n"


def links_in(pins):
    return sorted(path.name[len("link-"):] for path in pins.glob("link-*"))


def test_pin_otherwise(net):
    """The next agent has another hook, or watches one direction: what it does not use is gone, and packets count once."""
    with pins_of(net) as pins:
        for hook, direction, held, links in (("tc", "both", (4, 3), ["vb-in", "vb-out"]), ("xdp", "both", (4, 3), ["vb-out", "vb-xdp"]),
                                             ("xdp", "in", (4, 0), ["vb-xdp"]), ("tc", "out", (0, 3), ["vb-out"])):
            with Watching(net.b, hook, ["vb"], "--direction", direction, *PLACES, "--pin", pins, "udp", links=len(links)) as weir:
                assert links_in(pins) == links, (hook, direction, links_in(pins))
                send(net.a, net.b, 40000, 9000, 4)
                send(net.b, net.a, 9001, 40001, 3)
            counted = packets_by(weir.rows, "src_port")
            assert (counted.get(("40000",), 0), counted.get(("9001",), 0)) == held, (hook, direction, counted)


def test_pin_by_other_names(net):
    """What was watched by a pattern has another number by its name; its packets have it."""
    pairs = [Pair(net, f"veth{i}", i) for i in (1, 2)]
    with pins_of(net) as pins:
        for interfaces in (["veth*"], ["veth1", "veth2"], ["veth*"], ["veth2", "veth1"]):
            with Watching(net.b, "tc", interfaces, *PLACES, "--pin", pins, "udp", links=4) as weir:
                for pair in pairs:
                    pair.send(pair.number)
            assert packets_by(weir.rows, "ingress_interface") == {("veth1",): 1, ("veth2",): 2}, (interfaces, weir.rows)


def test_pin_without_a_start(net):
    """What cannot begin leaves nothing of its own, and everything of an agent before it."""
    with pins_of(net) as pins:
        options = ["--hook", "tc", "--pin", pins, *PLACES]
        for names in (["vb", "nope"], ["nope", "vb"], ["vb", "nope"]):
            named = [word for name in names for word in ("-i", name)]
            done = net.b.run("timeout", "-k", "1", "30", tap.WEIR_SAN, *named, *options, check=False)
            assert done.returncode == 1 and done.stderr.startswith("weir: -i nope: "), done
            assert not list(pins.iterdir()), list(pins.iterdir())
            assert net.b.run(tap.WEIR_SAN, "status").stdout == "weir watches nothing here\n"
        with Watching(net.b, "tc", ["vb"], *PLACES, "--pin", pins, "udp", links=2):
            pass
        done = net.b.run("timeout", "-k", "1", "30", tap.WEIR_SAN, "-i", "vb", "-i", "nope", *options, "udp", check=False)
        assert done.returncode == 1 and links_in(pins) == ["vb-in", "vb-out"], (done, links_in(pins))
        send(net.a, net.b, 40000, 9000, 4)
        with Watching(net.b, "tc", ["vb"], *PLACES, "--pin", pins, "udp", links=2) as weir:
            pass
        assert packets_by(weir.rows, "src_port") == {("40000",): 4}, weir.rows


def test_pin_in_part(net):
    """An interface of which one direction cannot be pinned is not watched at all."""
    pairs = [Pair(net, f"veth{i}", i) for i in (1, 2)]
    with pins_of(net) as pins:
        (pins / "link-veth1-out").mkdir(parents=True)
        with Watching(net.b, "tc", ["veth*"], *PLACES, "--pin", pins, "udp", links=2) as weir:
            assert links_in(pins) == ["veth1-out", "veth2-in", "veth2-out"], links_in(pins)
            for pair in pairs:
                pair.send(pair.number)
        assert packets_by(weir.rows, "ingress_interface") == {("veth2",): 2}, weir.rows
        assert weir.summary["watch"]["failed"] == 1 and weir.err.startswith("weir: warning: veth1: is not watched: a link"), weir.err


class Bridged:
    """a - veth - b, which bridges - veth - c: packets cross vb and vc, those of b itself br0 and one of them."""

    def __init__(self, net):
        self.net = net
        self.c = network.Host(net.b.name.replace("-b", "-c"), "vd", 3)

    def __enter__(self):
        net, c = self.net, self.c
        c.make(False)
        network.ip("link", "add", "vd", "netns", c.name, "address", c.mac, "type", "veth", "peer", "name", "vc", "netns", net.b.name)
        net.b.ip("address", "flush", "dev", "vb")
        net.b.ip("link", "add", "br0", "address", net.b.mac, "type", "bridge")
        for dev in ("vb", "vc"):
            net.b.ip("link", "set", dev, "master", "br0", "up")
        net.b.ip("link", "set", "vb", "address", "02:00:00:00:00:b2")
        net.b.ip("link", "set", "vc", "address", "02:00:00:00:00:b3")
        net.b.ip("address", "add", f"{net.b.ip4}/24", "dev", "br0")
        net.b.ip("link", "set", "br0", "up")
        c.ip("address", "add", f"{c.ip4}/24", "dev", "vd")
        c.ip("link", "set", "vd", "up")
        for host, dev in ((net.a, "va"), (net.b, "br0"), (c, "vd")):
            for peer in (net.a, net.b, c):
                if peer is not host:
                    host.ip("neigh", "replace", peer.ip4, "lladdr", peer.mac, "dev", dev, "nud", "permanent")
        # The bridge knows where everybody is, so that it floods nothing.
        net.b.run("bridge", "fdb", "replace", net.a.mac, "dev", "vb", "master", "static")
        net.b.run("bridge", "fdb", "replace", c.mac, "dev", "vc", "master", "static")
        return self

    def __exit__(self, *why):
        self.c.remove()

    def talk(self):
        """a to c and back, b to c and back."""
        send(self.net.a, self.c, 40000, 9000, 20)
        send(self.c, self.net.a, 9000, 40000, 5)
        send(self.net.b, self.c, 40001, 9000, 30)
        send(self.c, self.net.b, 9000, 40001, 7)


def by_flow(rows):
    return {values(row, "src_port", "ingress_interface", "egress_interface"): values(row, "src2dst_packets", "dst2src_packets") for row in rows}


def test_fragments(net):
    """Of a datagram that crosses two interfaces each has all fragments, in its own flow."""
    with Bridged(net) as bridged:
        for hook in ("tc", "pcap"):
            with Watching(net.b, hook, ["vb", "vc"], *PLACES, "udp", links=4) as weir:
                send(net.a, bridged.c, 40000, 9000, 10, 3000)
            held = sorted((row["src_port"], row["ingress_interface"] or row["egress_interface"], row["src2dst_packets"]) for row in weir.rows)
            assert held == [("40000", "vb", "30"), ("40000", "vc", "30")], (hook, held)


def test_dedup(net):
    """What crosses several interfaces is counted at each without --dedup, and once with it."""
    with Bridged(net) as bridged:
        for hook in ("tc", "xdp", "pcap"):
            interfaces = ["all", "!lo"] if hook != "xdp" else ["vb", "vc"]
            links = 6 if hook != "xdp" else 4
            with Watching(net.b, hook, interfaces, *PLACES, "udp", links=links) as weir:
                bridged.talk()
            everywhere = {("40000", "vb", ""): ("20", "5"), ("40000", "", "vc"): ("20", "5"), ("40001", "", "vc"): ("30", "7")}
            if hook != "xdp":
                everywhere["40001", "", "br0"] = ("30", "7")
            if hook == "pcap":  # a bridged frame has another's address: taken to come in
                everywhere["40000", "vc", ""] = everywhere.pop(("40000", "", "vc"))
                everywhere["40001", "vc", ""] = everywhere.pop(("40001", "", "vc"))
            assert by_flow(weir.rows) == everywhere and len(weir.rows) == len(everywhere), (hook, weir.rows)
            assert weir.summary["ignored"]["duplicate"] == 0, weir.summary
            with Watching(net.b, hook, interfaces, "--dedup", *PLACES, "udp", links=links) as weir:
                bridged.talk()
            once = {("40000", "vb", ""): ("20", "5"), ("40001", "", "vc" if hook == "xdp" else "br0"): ("30", "7")}
            if hook == "pcap":  # interfaces are read in turn: any of them may be the first
                once = {(port, *place[1:]): counts for place in by_flow(weir.rows)
                        for port, counts in (("40000", ("20", "5")), ("40001", ("30", "7"))) if place[0] == port}
            assert by_flow(weir.rows) == once and len(weir.rows) == 2, (hook, weir.rows)
            summary = weir.summary
            duplicates = 25 if hook == "xdp" else 62
            assert summary["metered"] == 62 and summary["ignored"]["duplicate"] == duplicates, (hook, summary)


def test_dedup_overflow(net):
    """A map without room: the agent knows what is counted elsewhere."""
    with Bridged(net) as bridged:
        with Watching(net.b, "tc", ["all", "!lo"], "--dedup", "--map-entries", "64", *PLACES, "udp", links=6) as weir:
            sender = net.a.start(FLOOD, "--mode", "packet", "--dev", "va", "--dst-mac", bridged.c.mac, "--flows", 500,
                                 "--packets", 20000, "--rate", 10000, text=True)
            sent = json.loads(sender.communicate(timeout=60)[0])["sent"]
        summary = weir.summary
        assert summary["seen"] - summary["filtered"] == 2 * sent and not any(summary["lost"].values()), (sent, summary)
        assert summary["metered"] + summary["ignored"]["duplicate"] == 2 * sent, (sent, summary)
        assert summary["overflow"] > 0 and sum(packets_by(weir.rows, "src_ip").values()) == summary["metered"], summary
        assert summary["metered"] == sent, (sent, summary)


def test_dedup_moves(net):
    """The owner of a flow goes away, or sees it no more: another interface counts on."""
    with Bridged(net) as bridged:
        with Watching(net.b, "tc", ["vb", "vc", "br0"], "--dedup", *PLACES, "udp", links=6) as weir:
            send(net.b, bridged.c, 40001, 9000, 10)  # at br0
            net.b.ip("link", "set", "vc", "nomaster")  # now vc is b's own, and br0 out of the way
            net.b.ip("link", "set", "vc", "address", net.b.mac)
            net.b.ip("address", "del", f"{net.b.ip4}/24", "dev", "br0")
            net.b.ip("address", "add", f"{net.b.ip4}/24", "dev", "vc")
            net.b.ip("neigh", "replace", bridged.c.ip4, "lladdr", bridged.c.mac, "dev", "vc", "nud", "permanent")
            time.sleep(1.1)
            send(net.b, bridged.c, 40001, 9000, 4)  # br0 was silent for a second: at vc
            net.b.ip("link", "set", "vc", "master", "br0")
            net.b.ip("address", "del", f"{net.b.ip4}/24", "dev", "vc")
            net.b.ip("address", "add", f"{net.b.ip4}/24", "dev", "br0")
            net.b.ip("neigh", "replace", bridged.c.ip4, "lladdr", bridged.c.mac, "dev", "br0", "nud", "permanent")
            send(net.b, bridged.c, 40001, 9000, 3)  # met at br0, and counted at vc still, or at br0 if a second has passed
        (row,) = [row for row in weir.rows if row["src_port"] == "40001"]
        assert values(row, "egress_interface", "src2dst_packets") == ("vc", "17"), weir.rows
        network.ip("link", "add", "va2", "netns", net.a.name, "address", "02:00:00:00:00:a2", "type", "veth",
                   "peer", "name", "vb2", "netns", net.b.name)
        net.b.ip("link", "set", "vb2", "master", "br0", "up")
        with Watching(net.b, "tc", ["v*"], "--dedup", *PLACES, "udp", links=6) as weir:
            send(net.a, bridged.c, 40002, 9000, 10)
            net.b.ip("link", "del", "vb")  # the owner goes, and the flow comes by vb2
            net.a.ip("address", "add", f"{net.a.ip4}/24", "dev", "va2")
            net.a.ip("link", "set", "va2", "up")
            net.a.ip("neigh", "replace", bridged.c.ip4, "lladdr", bridged.c.mac, "dev", "va2", "nud", "permanent")
            weir.settled(4)
            send(net.a, bridged.c, 40002, 9000, 4)
        assert by_flow(weir.rows) == {("40002", "vb2", ""): ("14", "0")}, weir.rows
        assert weir.summary["metered"] == 14 and weir.summary["ignored"]["duplicate"] == 14, weir.summary


def test_dedup_vlan(net):
    """A VLAN's interface and the one below it: once, with the tag."""
    for host, own, other in ((net.a, net.a, net.b), (net.b, net.b, net.a)):
        try:
            host.ip("link", "add", "link", host.dev, "name", "vlan10", "type", "vlan", "id", "10")
        except subprocess.CalledProcessError as wrong:
            if "Unknown device type" in wrong.stderr:
                return tap.Absent("this kernel has no VLAN interfaces; tests/kernels has them")
            raise
        host.ip("address", "add", f"198.18.0.{1 if host is net.a else 2}/24", "dev", "vlan10")
        host.ip("link", "set", "vlan10", "up")
        host.ip("neigh", "replace", f"198.18.0.{2 if host is net.a else 1}", "lladdr", other.mac, "dev", "vlan10", "nud", "permanent")
    fields = ["--no-dissect", "--fields", "vlan_id,ingress_interface,egress_interface,src2dst_packets,dst2src_packets"]
    for hook in ("tc", "pcap"):
        with Watching(net.b, hook, ["vb", "vlan*"], "--dedup", *fields, "udp or vlan", links=4) as weir:
            net.a.python(SEND, "198.18.0.1", 40000, "198.18.0.2", 9000, 6, 100)
            net.b.python(SEND, "198.18.0.2", 9000, "198.18.0.1", 40000, 5, 100)
        assert [tuple(row.values()) for row in weir.rows] == [("10", "vb", "", "6", "5")], (hook, weir.rows)
        assert weir.summary["ignored"]["duplicate"] == 11, (hook, weir.summary)


def settled(check, seconds=15):
    """Waits for what happens by itself, at most so long."""
    end = time.monotonic() + seconds
    while not check() and time.monotonic() < end:
        time.sleep(0.05)
    return check()


def test_namespaces(net):
    """Two namespaces with the same addresses and indexes; each interface's flows are its own."""
    with network.Network() as one, network.Network() as two:
        assert index_of(one.b, "vb") == index_of(two.b, "vb")
        for hook in ("tc", "xdp"):
            with Watching(net.b, hook, ["vb"], "--netns", one.b.name, "--netns", two.b.name, *PLACES, "udp", links=4) as weir:
                send(one.a, one.b, 40000, 9000, 3)
                send(two.a, two.b, 40000, 9000, 5)
                send(two.b, two.a, 9000, 40000, 2)
                send(net.a, net.b, 40000, 9000, 100)  # not asked for
                told = net.b.run(tap.WEIR_SAN, "status", "--netns", one.b.name, "--netns", two.b.name).stdout
            assert sorted(line.split(":")[0] for line in told.splitlines() if "weir_" in line) == \
                sorted(f"{other.b.name}/vb" for other in (one, two)) and "metered 10," in told, told
            held = {values(row, "netns", "ingress_interface"): values(row, "src2dst_packets", "dst2src_packets") for row in weir.rows}
            assert held == {(one.b.name, "vb"): ("3", "0"), (two.b.name, "vb"): ("5", "2")}, (hook, weir.rows)
            assert len({row["ingress_ifindex"] for row in weir.rows}) == 1 and weir.summary["metered"] == 10, weir.rows


def test_namespaces_come_and_go(net):
    """Of all namespaces the interfaces of a name; weir keeps no namespace alive, and follows what moves between them."""
    name = f"v7x{os.getpid() % 10000}"
    held = ("fds", "link_id", "prog_id", "map_id")
    with Watching(net.b, "tc", [f"{name}*"], "--netns", "all", *PLACES, "udp", links=0, program=tap.WEIR) as weir:
        weir.process.stderr.readline()  # that it waits: it has begun
        programs = watch.held_by(weir.pid)["prog_id"]
        sent = in_namespaces(weir, f"{name}a")
        assert settled(lambda: watch.held_by(weir.pid)["prog_id"] == programs)
        before = values(watch.held_by(weir.pid), *held)
        sent += in_namespaces(weir, f"{name}b")
        # It may be looking around at this very moment.
        assert settled(lambda: values(watch.held_by(weir.pid), *held) == before), (before, watch.held_by(weir.pid))
    assert sum(packets_by(weir.rows, "ingress_interface").values()) == sent, (sent, weir.rows)
    assert set(packets_by(weir.rows, "ingress_interface")) == {(f"{name}a",), (f"{name}b",)}, weir.rows


def in_namespaces(weir, name):
    """An interface goes to another namespace and back; its own loses its name and then its last process."""
    with network.Network() as one:
        pair = Pair(one, name, 1)
        weir.settled(2)
        pair.send(3)
        for there, ip4 in ((one.a, pair.b4), (one.b, pair.b4)):
            here = one.b if there is one.a else one.a
            links = watch.held_by(weir.pid)["link_id"]
            here.ip("link", "set", name, "netns", there.name)
            there.ip("address", "add", f"{ip4}/24", "dev", name)
            there.ip("link", "set", name, "up")
            assert settled(lambda: len(watch.held_by(weir.pid)["link_id"]) == 2 and not watch.held_by(weir.pid)["link_id"] & links)
        one.b.ip("neigh", "replace", pair.a4, "lladdr", "02:00:00:01:01:01", "dev", name, "nud", "permanent")
        pair.send(4)
        keeper = one.b.start("sleep", "60")
        assert settled(lambda: is_elsewhere(keeper))
        network.ip("netns", "del", one.b.name)
        time.sleep(2.1)  # weir looks twice
        pair.send(6)
        keeper.kill()
        keeper.wait()
        assert settled(lambda: "p1" not in one.a.ip("-br", "link")), "the namespace lives on"
        weir.settled(0)
    return 13


def test_namespaces_and_few_files(net):
    """With no more files to open, what is watched stays so, and the rest is named once."""
    name = f"v8x{os.getpid() % 10000}"
    for limit in (64, 65):  # links come in pairs
        with network.Network() as one:
            batch(one.b, [f"link add {name}-{i} type veth peer name peer{i}" for i in range(24)])
            process = net.b.start("timeout", "-k", "1", "60", "prlimit", f"--nofile={limit}:{limit}", tap.WEIR, "-q", "-i", f"{name}*",
                                  "--hook", "tc", "--netns", "all", *PLACES)
            first = process.stderr.readline()
            pid = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
            before = None
            while before != (before := watch.held_by(pid)):
                time.sleep(0.5)
            time.sleep(3.1)  # weir looks three times
            after = watch.held_by(pid)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        refused = [line for line in (first + err).decode().splitlines() if "not all processes may be looked at" not in line]  # of this machine
        assert before["link_id"] == after["link_id"], (limit, before, after, err)
        assert all("is not watched: " in line for line in refused) and 2 * (24 - len(refused)) == len(before["link_id"]) > 0, (limit, refused)


def test_namespaces_and_fewer_files(net):
    """Without files for its programs, or with those alone and none for a look at the namespaces, it says what to raise."""
    said = []
    for limit in range(10, 64):
        process = net.b.start("timeout", "-k", "1", "60", "prlimit", f"--nofile={limit}:{limit}", tap.WEIR, "-q", "-i", "none*",
                              "--hook", "tc", "--netns", "all", *PLACES)
        said.append(process.stderr.readline())
        if said[-1].startswith(b"weir: warning: "):
            break  # it has begun
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    mend = b"Too many open files; allow more open files: ulimit -n, or LimitNOFILE= of its unit\n"
    assert set(said[:-1]) == {b"weir: " + mend, b"weir: --netns all: " + mend}, said


def is_elsewhere(process):
    """Whether it is in another network namespace by now: ip-netns takes a moment."""
    return os.readlink(f"/proc/{process.pid}/ns/net") != os.readlink("/proc/self/ns/net")


def test_namespace_of_process(net):
    """By the id of a process; what is no namespace is refused, and what does not go with one."""
    with network.Network() as one:
        process = one.b.start("sleep", "60")
        assert settled(lambda: is_elsewhere(process))
        with Watching(net.b, "tc", ["vb"], "--netns", process.pid, *PLACES, "udp", links=2) as weir:
            send(one.a, one.b, 40000, 9000, 3)
        assert packets_by(weir.rows, "netns", "ingress_interface") == {(one.b.name, "vb"): 3}, weir.rows
    for options, words, status in ((["--netns", "nope"], "weir: --netns nope: no such namespace; ", 2),
                                   (["--netns", "all", "--pin", "/sys/fs/bpf/x"], "weir: --netns: another namespace is entered", 2)):
        done = net.b.run(tap.WEIR_SAN, "-i", "vb", *options, check=False)
        assert done.returncode == status and done.stderr.startswith(words) and done.stderr.count("\n") == 1, done


def run(test):
    """What is told of it: (good, why), or a reason to skip it."""
    with network.Network() as net:
        try:
            return test(net) or (True, "")
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError, KeyError) as wrong:
            return False, f"{wrong!r} {getattr(wrong, 'stderr', '')}"[:1500]


def main():
    if os.geteuid():
        tap.skip("interfaces", "needs root for network namespaces")
        tap.finish()
    if os.environ.get("WEIR_OWN_MOUNTS") != "1":
        os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv], {**os.environ, "WEIR_OWN_MOUNTS": "1"})
    chosen = list(tap.chosen(globals()))
    # They wait most of the time, each in namespaces of its own.
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for (name, _), told in zip(chosen, pool.map(run, (test for _, test in chosen))):
            if isinstance(told, str):
                tap.tell(f"interfaces {name}", told)
            else:
                tap.report(told[0], f"interfaces {name}", told[1])
    tap.finish()


main()
