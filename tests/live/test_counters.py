#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""weir's packets and bytes are those of the wire, to the packet: against what others count.

What may be believed depends on where super-packets (GRO/GSO) are split and joined on a veth pair:

- Offloads off: no super-packet reaches the device (TCP makes them, and the stack splits them
  behind TC egress), so what both ends transmitted by `ip -s link` is what was on the wire.
- An XDP program at one end: the driver takes segmentation from the other end, whose stack splits,
  so XDP meets frames of the wire; behind it the driver joins them again (GRO) before TC ingress.
  With a counting XDP program (count.bpf.c) at each end, weir at TC sees super-packets in both
  directions and the counters see what was really carried: the one at A counts B's frames.
- weir itself at XDP: what A transmitted by its statistics, and XDP at A for what B sent.
- No XDP and offloads on: super-packets cross the pair unsplit and no frames exist; the kernel's
  TcpOutSegs and TcpRetransSegs of both ends count their segments.

Two things the kernel's statistics of bytes do not know and are added here: a tag in an skb's
metadata, and the Ethernet header of what goes through lo, or through veth into an end with XDP
(the driver counts behind eth_type_trans() there).
No host has anything else to say: IPv6 is off and neighbours are permanent. Needs root.
"""
import contextlib, json, os, pathlib, struct, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

COUNT = tap.BUILD / "live" / "count.bpf.o"
FIELDS = ["--no-dissect", "--fields", "src_ip,src_port,dst_ip,dst_port,protocol,vlan_id,src_mac,dst_mac,src2dst_packets,"
          "src2dst_bytes,dst2src_packets,dst2src_bytes,total_packets,total_bytes"]
TAG, TAG_BYTES, HEADER_BYTES = 5, 4, 14
LISTENING, PORT = "0A", 5201


# --- traffic ------------------------------------------------------------------------------------

def is_listening(pid):
    return any(line.split()[1].endswith(f":{PORT:04X}") and line.split()[3] == LISTENING
               for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:])


def iperf(net, *options):
    """From a to b, until both have said goodbye."""
    server = net.b.start("iperf3", "-s", "-1", "-B", net.b.ip4)
    end = time.monotonic() + 10
    while not is_listening(server.pid) and time.monotonic() < end:
        time.sleep(0.02)
    net.a.run("iperf3", "-c", net.b.ip4, *options, timeout=30)
    server.communicate(timeout=10)


def tcp_and_udp(net):
    """With several queues as many streams, on all CPUs at once."""
    iperf(net, "-n", "20M", "-P", str(net.queues))
    iperf(net, "-n", "10M", "-P", str(net.queues), "-R")
    iperf(net, "-u", "-b", "200M", "-n", "5M", "-l", "1400")


UDP = """
import socket, sys
port, size, count, gso = map(int, sys.argv[3:])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], port))
if gso:
    s.setsockopt(socket.SOL_UDP if hasattr(socket, "SOL_UDP") else 17, 103, gso) # UDP_SEGMENT
for i in range(count):
    s.sendto(bytes(size), (sys.argv[2], 9))
"""


def udp(source, destination, port, size, count, gso=0):
    """Payloads of size bytes, each split by the kernel where gso is given."""
    source.python(UDP, source.ip4, destination.ip4, port, size, count, gso)


# --- counters of others ---------------------------------------------------------------------------

class LinkCounters:
    """What both ends transmitted."""

    def __init__(self, *hosts, dev=None):
        self.hosts, self.dev = hosts, dev
        self.before = self.now()

    def now(self):
        found = [host.statistics(self.dev) for host in self.hosts]
        return [sum(one[f"tx_{what}"] for one in found) for what in ("packets", "bytes")]

    def packets_and_bytes(self, uncounted=0):
        """uncounted: bytes of each packet that the statistics leave out."""
        packets, octets = (now - before for now, before in zip(self.now(), self.before))
        return packets, octets + uncounted * packets


class XdpCounter:
    """What the end received, by a native XDP program there."""

    def __init__(self, host):
        self.host = host
        host.ip("link", "set", "dev", host.dev, "xdpdrv", "obj", COUNT, "sec", "xdp.frags")
        link = json.loads(host.ip("-j", "link", "show", "dev", host.dev))[0]
        program = link["xdp"]["prog"]["id"]
        self.map = network.bpftool("prog", "show", "id", program)["map_ids"][0]

    def packets_and_bytes(self):
        values = [bytes(int(byte, 16) for byte in cpu["value"])
                  for cpu in network.bpftool("map", "dump", "id", self.map)[0]["values"]]
        pairs = [struct.unpack("QQ", value) for value in values]
        return tuple(map(sum, zip(*pairs)))

    def remove(self):
        self.host.ip("link", "set", "dev", self.host.dev, "xdpdrv", "off")


@contextlib.contextmanager
def xdp_counters(*hosts):
    counters = []
    try:
        for host in hosts:
            counters.append(XdpCounter(host))
        yield counters
    finally:
        for counter in counters:
            counter.remove()


def tcp_segments(*hosts):
    """Sent by the hosts' TCP so far."""
    total = 0
    for host in hosts:
        names, values = (line.split() for line in host.run("cat", "/proc/net/snmp").stdout.splitlines()
                         if line.startswith("Tcp:"))
        total += sum(int(dict(zip(names, values))[name]) for name in ("OutSegs", "RetransSegs"))
    return total


# --- weir's -----------------------------------------------------------------------------------------

def added(*pairs):
    return tuple(map(sum, zip(*pairs)))


def of_rows(rows):
    return added(*((int(row["total_packets"]), int(row["total_bytes"])) for row in rows))


def of_weir(weir):
    """Packets and bytes by the accounting, which the records add up to."""
    total = weir.summary["metered"], weir.summary["bytes"]
    assert weir.summary["seen"] == total[0], weir.summary
    assert of_rows(weir.rows) == total, (of_rows(weir.rows), weir.summary)
    return total


def sent_by(host, rows):
    """By direction, whoever began the flow."""
    return added((0, 0), *((int(row[f"{way}_packets"]), int(row[f"{way}_bytes"]))
                           for row in rows for way, ip in (("src2dst", "src_ip"), ("dst2src", "dst_ip"))
                           if row[ip] == host.ip4))


def equal(what, weir, other):
    assert weir == other, f"{what}: weir {weir}, counted {other}"
    return f"{what} {weir[0]} packets, {weir[1]} bytes" if isinstance(weir, tuple) else f"{what} {weir} packets"


# --- tests: each returns what it found, for the reader of the output ------------------------------------

def check_offloads_off(hook, **how):
    with network.Network(**how) as net:
        if how.get("queues"):
            jumbo(net)
        with watch.Watch(net.b, hook, *FIELDS) as weir:
            from_a, from_b = (LinkCounters(host) for host in net.hosts)
            tcp_and_udp(net)
        link = added(from_a.packets_and_bytes(uncounted(hook)), from_b.packets_and_bytes())
        return equal("link statistics", of_weir(weir), link)


def uncounted(hook):
    """Of what a sends to weir's end."""
    return HEADER_BYTES if hook == "xdp" else 0


def jumbo(net):
    for host in net.hosts:
        host.ip("link", "set", host.dev, "mtu", 9000)


def test_tc_offloads_off():
    return check_offloads_off("tc")


def test_xdp_offloads_off():
    return check_offloads_off("xdp")


def test_pcap_offloads_off():
    return check_offloads_off("pcap")


def test_tc_two_queues_jumbo():
    return check_offloads_off("tc", queues=2)


def test_xdp_two_queues_jumbo():
    return check_offloads_off("xdp", queues=2)


def check_tc_joined(**how):
    """Joined frames at TC, both ways; the counters are on the wire."""
    with network.Network(offloads=True, **how) as net, xdp_counters(*net.hosts) as counters:
        if how.get("queues"):
            jumbo(net)
        with watch.Watch(net.b, "tc", *FIELDS) as weir:
            tcp_and_udp(net)
            udp(net.a, net.b, 7001, 30000, 100, gso=1000)
            udp(net.b, net.a, 7002, 30001, 100, gso=1000)
        from_b, from_a = (counter.packets_and_bytes() for counter in counters)
        of_weir(weir)
        return (equal("from a", sent_by(net.a, weir.rows), from_a) + ", " +
                equal("from b", sent_by(net.b, weir.rows), from_b))


def test_tc_offloads_on():
    return check_tc_joined()


def test_tc_offloads_on_two_queues_jumbo():
    return check_tc_joined(queues=2)


def test_xdp_offloads_on():
    with network.Network(offloads=True) as net, xdp_counters(net.a) as (at_a,):
        with watch.Watch(net.b, "xdp", *FIELDS) as weir:
            link = LinkCounters(net.a)
            tcp_and_udp(net)
            udp(net.a, net.b, 7001, 30000, 100, gso=1000)
        of_weir(weir)
        return (equal("from a", sent_by(net.a, weir.rows), link.packets_and_bytes(uncounted("xdp"))) + ", " +
                equal("from b", sent_by(net.b, weir.rows), at_a.packets_and_bytes()))


def test_tc_super_packets_unsplit():
    with network.Network(offloads=True) as net, watch.Watch(net.b, "tc", *FIELDS) as weir:
        before = tcp_segments(*net.hosts)
        iperf(net, "-n", "50M")
        iperf(net, "-n", "20M", "-R")
        segments = tcp_segments(*net.hosts) - before
    return equal("TCP's statistics", of_weir(weir)[0], segments)


def test_tc_udp_segments():
    """A datagram's length and count are known: 30 of 1000 and one of 1 byte, a hundred times."""
    with network.Network(offloads=True) as net, watch.Watch(net.b, "tc", *FIELDS) as weir:
        udp(net.a, net.b, 7001, 30001, 100, gso=1000)
    return equal("datagrams", sent_by(net.a, weir.rows), (3100, 100 * (30001 + 31 * 42)))


def check_fragments(hook):
    """Fragments of two CPUs' datagrams between each other: six of 8,000 bytes, each in its datagram's flow."""
    count, cpus = 30000, sorted(os.sched_getaffinity(0))[:2]
    with network.Network(queues=2) as net, watch.Watch(net.b, hook, "--direction", "in", *FIELDS) as weir:
        senders = [net.a.start("taskset", "-c", cpu, sys.executable, "-c", UDP, net.a.ip4, net.b.ip4, port, 8000, count, 0)
                   for cpu, port in zip(cpus, (7001, 7002))]
        for sender in senders:
            _, err = sender.communicate(timeout=60)
            assert sender.returncode == 0, err
    found = sorted((row["src_port"], int(row["src2dst_packets"]), int(row["src2dst_bytes"])) for row in weir.rows)
    assert found == [(port, 6 * count, count * (8008 + 6 * 34)) for port in ("7001", "7002")], found
    return equal("fragments", of_weir(weir)[0], 2 * 6 * count)


def test_tc_fragments():
    return check_fragments("tc")


def test_xdp_fragments():
    return check_fragments("xdp")


# --- VLAN -------------------------------------------------------------------------------------------

def tag(host):
    """Frames leave the host tagged and lose their tag when they arrive, behind weir's look."""
    host.run("tc", "qdisc", "add", "dev", host.dev, "clsact")
    for way, section in (("egress", "tc/push"), ("ingress", "tc/pop")):
        host.run("tc", "filter", "add", "dev", host.dev, way, "bpf", "da", "obj", COUNT, "sec", section)


def check_vlan(hook, offloads, inline):
    """weir is first at TC: what comes in has its tag, what goes out has none yet."""
    with network.Network(offloads=offloads) as net:
        for host in net.hosts:
            tag(host)
            host.run("ethtool", "-K", host.dev, "txvlan", "off" if inline else "on")
        with watch.Watch(net.b, hook, *FIELDS) as weir:
            link, segments = [LinkCounters(host) for host in net.hosts], tcp_segments(*net.hosts)
            iperf(net, "-n", "20M")
            iperf(net, "-n", "10M", "-R")
        of_weir(weir)
        tagged, plain = ([row for row in weir.rows if row["vlan_id"] == vlan] for vlan in (str(TAG), "0"))
        assert len(tagged) == len(plain) == 4 and len(weir.rows) == 8, weir.rows
        if offloads:
            return equal("TCP's statistics", of_rows(weir.rows)[0], tcp_segments(*net.hosts) - segments)
        from_a, bytes_a = link[0].packets_and_bytes(uncounted(hook))
        from_b, bytes_b = link[1].packets_and_bytes()
        if not inline:
            bytes_a += TAG_BYTES * from_a
        else:
            bytes_b -= TAG_BYTES * from_b
        return (equal("tagged", of_rows(tagged), (from_a, bytes_a)) + ", " +
                equal("untagged", of_rows(plain), (from_b, bytes_b)))


def test_tc_vlan_in_metadata():
    return check_vlan("tc", offloads=False, inline=False)


def test_tc_vlan_in_frame():
    return check_vlan("tc", offloads=False, inline=True)


def test_tc_vlan_super_packets():
    return check_vlan("tc", offloads=True, inline=False)


def test_xdp_vlan_in_frame():
    """Native XDP on veth does not see a tag in metadata: the kernel's limit, so none is there."""
    return check_vlan("xdp", offloads=False, inline=True)


# --- interfaces of other kinds, and directions ----------------------------------------------------------

def test_loopback():
    """Each packet once, though it leaves and enters."""
    with network.Network() as net:
        host = net.b
        with watch.Watch(host, "tc", *FIELDS, dev="lo") as weir:
            link = LinkCounters(host, dev="lo")
            host.python(UDP, "127.0.0.1", "127.0.0.2", 7001, 100, 1000, 0)
        found = of_weir(weir)
        assert {row["src_ip"]: row["src2dst_packets"] for row in weir.rows}["127.0.0.1"] == "1000", weir.rows
        return equal("lo's statistics", found, link.packets_and_bytes(HEADER_BYTES))


def test_loopback_tcp():
    with network.Network() as net:
        host = net.b
        with watch.Watch(host, "tc", *FIELDS, dev="lo") as weir:
            before = tcp_segments(host)
            net_of_one = type("", (), {"a": host, "b": host})
            iperf(net_of_one, "-n", "50M")
            segments = tcp_segments(host) - before
        return equal("TCP's statistics", of_weir(weir)[0], segments)


TUN = r"""
import fcntl, os, socket, struct, subprocess, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"tun0", 0x1001)) # TUNSETIFF: IFF_TUN | IFF_NO_PI
for args in ("address add 10.9.0.1/24 dev tun0", "link set tun0 up"):
    subprocess.run(["ip", *args.split()], check=True)
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind(("10.9.0.1", 7))
print("ready", flush=True)
sys.stdin.readline()

def checksum(header):
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff

payload = bytes(72)
udp = struct.pack(">HHHH", 4000, 7, 8 + len(payload), 0) + payload
addresses = socket.inet_aton("10.9.0.2") + socket.inet_aton("10.9.0.1")
head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + addresses
head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
six = struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + udp
for i in range(500):
    os.write(tun, head + udp)
    data, sender = echo.recvfrom(2000)
    echo.sendto(data + b"more", sender)
    os.read(tun, 2000)
for i in range(30):
    os.write(tun, six)
print("done", flush=True)
sys.stdin.readline()
"""


def test_tun():
    """No link header: bytes are those of IP, and MAC addresses are zero, as in a file of raw IP."""
    with network.Network() as net:
        process = net.b.start(sys.executable, "-c", TUN, stdin=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n", process.stderr.read()
        with watch.Watch(net.b, "tc", *FIELDS, dev="tun0") as weir:
            process.stdin.write(b"go\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"done\n", process.stderr.read()
        none = "00:00:00:00:00:00"
        wanted = [f"10.9.0.2,4000,10.9.0.1,7,17,0,{none},{none},500,50000,500,52000,1000,102000",
                  f"::1,4000,::2,7,17,0,{none},{none},30,3600,0,0,30,3600"]
        found = sorted(weir.csv.splitlines()[1:])
        assert found == wanted, found
        return "500 packets and answers, 30 of IPv6"


def check_direction(hook):
    for direction, packets in (("in", 10), ("out", 5), ("both", 15)):
        with network.Network() as net:
            options = [] if direction == "both" else ["--direction", direction]
            with watch.Watch(net.b, hook, *FIELDS, *options) as weir:
                udp(net.a, net.b, 9, 100, 10)
                udp(net.b, net.a, 9, 100, 5)
            udp_rows = [row for row in weir.rows if row["protocol"] == "17"]
            equal(direction, of_rows(udp_rows), (packets, packets * 142))
    return "in 10, out 5, both 15 packets"


def test_tc_direction():
    return check_direction("tc")


def test_xdp_direction():
    return check_direction("xdp")


def test_pcap_direction():
    return check_direction("pcap")


def main():
    if os.geteuid():
        tap.skip("live counters", "needs root for network namespaces")
        tap.finish()
    for name, test in list(globals().items()):
        if not name.startswith("test_") or sys.argv[1:] and name[5:] not in sys.argv[1:]:
            continue
        try:
            tap.report(True, f"live counters {name[5:]}: {test()}")
        except subprocess.CalledProcessError as wrong:
            tap.report(False, f"live counters {name[5:]}", f"{wrong}\n{wrong.stderr}")
        except (AssertionError, OSError, KeyError, subprocess.SubprocessError) as wrong:
            tap.report(False, f"live counters {name[5:]}", repr(wrong)[:1500])
    tap.finish()


main()
