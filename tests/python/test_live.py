#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""NFStreamer on an interface: two namespaces, a veth pair, traffic from here; exact counts. Needs root.

The documented program runs unchanged but for its import line, on a file and on the interface.
"""
import json, os, shutil, signal, subprocess, sys, time

import support, tap
from support import DEMO, raises

sys.path.insert(0, str(tap.TOP / "tests" / "live"))
import network

SEND = """
import socket, sys
sockets = {}
for i in range(int(sys.argv[1])):
    port = 20000 + i % int(sys.argv[2])
    if port not in sockets:
        sockets[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets[port].bind(("192.0.2.1", port))
    sockets[port].sendto(bytes(100), ("192.0.2.2", 9000))
    if len(sockets) > 500:
        for each in sockets.values():
            each.close()
        sockets.clear()
"""
# Takes the packets, so that no ICMP message answers them.
SINK = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.2", 9000))
while True:
    s.recv(2000)
"""
SNIPPET = """\
from weir import NFStreamer
my_awesome_streamer = NFStreamer(source={source!r}{more})
for flow in my_awesome_streamer:
    print(flow)  # print it, append to pandas Dataframe or whatever you want :)!
"""
READY_S = 1.5

net = None


def environment():
    return dict(os.environ, PYTHONPATH=str(support.PACKAGE), PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1")


def start(program, wait=READY_S):
    process = net.b.start("/usr/bin/python3", "-W", "error", "-c", program, env=environment(), text=True)
    time.sleep(wait)
    return process


def send(packets, ports=1):
    net.a.python(SEND, packets, ports)


def interrupt(process, seconds=10):
    """(output, errors, exit code, how long it took) after Ctrl-C."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=seconds)
    return out, err, process.returncode, time.monotonic() - began


def test_documented_program_on_a_file(folder):
    shutil.copy(DEMO, folder / "facebook.pcap")
    program = SNIPPET.format(source="facebook.pcap", more="")
    done = subprocess.run(["/usr/bin/python3", "-c", program], cwd=folder, env=environment(), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("NFFlow(id=") == 22, done


def test_documented_program_on_an_interface():
    """Ctrl-C ends it, and the flows that were under way come yet."""
    for more, name in (("", "bidirectional_packets"), (", snaplen=65535", "total_packets")):
        process = start(SNIPPET.format(source="vb", more=more))
        send(5000, 10)
        time.sleep(0.5)
        out, err, status, took = interrupt(process)
        assert status == 0 and err == "", (status, err)
        assert out.count("NFFlow(") == 10 and out.count(f"{name}=500,") == 10, out[:2000]
        assert took < 3, took


def test_ctrl_c_on_a_silent_wire():
    for more in ("", ", udps=P()"):
        program = "from weir import *\nclass P(NFPlugin):\n    def on_update(self, p, f): pass\n"
        process = start(program + f"for flow in NFStreamer(source='vb'{more}): pass\nprint('ended')")
        out, err, status, took = interrupt(process)
        assert (out, err, status) == ("ended\n", "", 0) and took < 2, (out, err, status, took)


def test_idle_flow_comes_without_further_packets():
    process = start("from weir import NFStreamer\n"
                    "for flow in NFStreamer('vb', idle_timeout=1): print(flow.bidirectional_packets)")
    send(3)
    began = time.monotonic()
    line = process.stdout.readline()
    took = time.monotonic() - began
    interrupt(process)
    assert line == "3\n" and 0.5 < took < 3, (line, took)


def test_plugins_see_every_packet():
    program = """
from weir import *
class Count(NFPlugin):
    def on_init(self, packet, flow):
        flow.udps.packets, flow.udps.bytes, flow.udps.octets = 1, packet.raw_size, len(packet.ip_packet)
    def on_update(self, packet, flow):
        flow.udps.packets += 1
        flow.udps.bytes += packet.raw_size
        flow.udps.octets += len(packet.ip_packet)
        assert flow.bidirectional_packets == flow.udps.packets and flow.src_ip == '192.0.2.1'
    def cleanup(self):
        print('cleanup')
for flow in NFStreamer('vb', udps=Count(), bpf_filter='udp'):
    print(flow.bidirectional_packets, flow.udps.packets, flow.udps.bytes, flow.udps.octets, flow.src_mac)
"""
    process = start(program)
    send(4000, 4)
    time.sleep(1)
    out, err, status, _ = interrupt(process)
    assert (err, status) == ("", 0), err
    assert out == "1000 1000 142000 128000 02:00:00:00:00:01\n" * 4 + "cleanup\n", out


def test_custom_expiry():
    process = start("from weir import *\nfrom weir.plugins import FlowSlicer\n"
                    "for flow in NFStreamer('vb', udps=FlowSlicer(limit=4)):\n"
                    "    print(flow.bidirectional_packets, flow.expiration_id)")
    send(400)
    time.sleep(1)
    out, err, status, _ = interrupt(process)
    assert (err, status, out) == ("", 0, "4 -1\n" * 100), (out, err)


def test_exception_in_a_plugin():
    """NFStream's caller waits for ever."""
    process = start("""
from weir import *
class Fail(NFPlugin):
    def on_update(self, packet, flow):
        if flow.bidirectional_packets == 100: raise KeyError('mine')
try:
    for flow in NFStreamer('vb', udps=Fail()): print(flow)
except KeyError as error:
    print(repr(error))
""")
    send(200)
    out, err = process.communicate(timeout=10)
    assert (out, err, process.returncode) == ("KeyError('mine')\n", "", 0), (out, err)


def test_system_visibility():
    """The process of the source, also one that lives no longer than a poll of NFStream's; else of the destination."""
    udp = "import os, socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('192.0.2.2', {}))\n"
    process = start("from weir import NFStreamer\n"
                    "for flow in NFStreamer('vb', system_visibility_mode=1, bpf_filter='udp'):\n"
                    "    print(flow.keys()[-2:], flow.src_port, flow.system_process_pid, repr(flow.system_process_name))")
    server = net.b.start(sys.executable, "-c", udp.format(9100) + "s.recv(9); s.recv(9)")
    client = int(net.b.python(udp.format(9200) + "s.sendto(b'x', ('192.0.2.1', 9000)); print(os.getpid())").stdout)
    of_nobody = [support.udp_frame(9300, 1, 9100), support.udp_frame(9300, 1, 9400)]
    net.a.python("import socket, sys\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('va', 0))\n"
                 "for frame in sys.argv[1:]: s.send(bytes.fromhex(frame))",
                 *((bytes.fromhex(net.b.mac.replace(":", "")) + frame[6:]).hex() for frame in of_nobody))
    time.sleep(0.5)
    out, err, status, _ = interrupt(process)
    name, names = repr(os.path.basename(sys.executable)), "['system_process_pid', 'system_process_name']"
    assert (err, status) == ("", 0), err
    assert sorted(out.splitlines()) == sorted([f"{names} 9200 {client} {name}", f"{names} 9300 {server.pid} {name}",
                                               f"{names} 9300 -1 ''"]), (out, client, server.pid)


def test_performance_report():
    process = start("from weir import NFStreamer\n"
                    "for flow in NFStreamer('vb', performance_report=1, idle_timeout=1): pass")
    send(3000, 3)
    time.sleep(3.5)
    out, err, status, _ = interrupt(process)
    reports = [json.loads(line) for line in out.splitlines()]
    assert (err, status) == ("", 0) and 3 <= len(reports) <= 7, (out, err)
    assert list(reports[-1]) == ["flows_expired", "packets_processed", "packets_ignored",
                                 "packets_dropped_filtered_by_kernel",
                                 "meters_packets_processing_balance"]
    assert reports[-1]["packets_processed"] == 3000 and reports[-1]["flows_expired"] == 3, reports
    assert reports[-1]["meters_packets_processing_balance"] == [3000], reports


def test_to_csv_and_to_pandas(folder):
    for use in (f"to_csv({str(folder / 'a.csv')!r})", "to_pandas().shape[0]"):
        process = start(f"from weir import NFStreamer\nprint(NFStreamer('vb', bpf_filter='udp').{use})", wait=2.5)
        send(100, 5)
        time.sleep(0.5)
        out, err, status, _ = interrupt(process)
        assert (out, err, status) == ("5\n", "", 0), (use, out, err)


def test_max_nflows_ends_the_run():
    process = start("from weir import NFStreamer\nprint(len(list(NFStreamer('vb', max_nflows=3, idle_timeout=1))))")
    send(100, 5)
    out, err = process.communicate(timeout=10)
    assert (out, err) == ("3\n", ""), (out, err)


def test_other_threads_run_meanwhile():
    process = start("""
import threading, time
from weir import *
class P(NFPlugin):
    def on_update(self, p, f): pass
ticks = 0
def count():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1
threading.Thread(target=count, daemon=True).start()
for flow in NFStreamer('vb', udps=P()): pass
print(ticks)
""", wait=3)
    out, err, status, _ = interrupt(process)
    assert status == 0 and int(out) > 150, (out, err)


def test_no_leak_over_many_flows():
    """20,000 flows with a plugin that keeps 1 kB each: memory stays where it was after the first 2,000."""
    process = start("""
from weir import *
class Keep(NFPlugin):
    def on_init(self, packet, flow): flow.udps.kept = [packet, bytearray(1000)]
    def on_update(self, packet, flow): pass
for number, flow in enumerate(NFStreamer('vb', udps=Keep(), idle_timeout=1, bpf_filter='udp')):
    if number in (2000, 19999):
        print(int(open('/proc/self/statm').read().split()[1]) * 4, flush=True)
    if number == 19999: break
""".replace("open(", "__import__('pathlib').Path(").replace(").read()", ").read_text()"))
    for _ in range(10):
        send(2000, 2000)
        time.sleep(1.2)
    out, err = process.communicate(timeout=20)
    first, last = map(int, out.split())
    assert last - first < 8000, f"{last - first} KiB more"


def test_flows_that_plugins_have_not_seen(folder):
    """Flows that another agent began (--pin) come with what they have; no hook was called."""
    pins = folder / "bpf"
    pins.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", pins], check=True)
    try:
        first = net.b.start(tap.WEIR, "-q", "-i", "vb", "--pin", pins / "weir", "--no-dissect", "-o", "csv:/dev/null")
        time.sleep(READY_S)
        send(300, 3)
        time.sleep(0.5)
        first.kill()
        first.wait()
        process = start(f"""
from weir import *
class Count(NFPlugin):
    def on_init(self, packet, flow): flow.udps.packets = 1
    def on_update(self, packet, flow): flow.udps.packets += 1
for flow in NFStreamer('vb', udps=Count(), bpf_filter='udp', settings=['pin={pins}/weir'], n_dissections=0):
    print(flow.src_port, flow.bidirectional_packets, vars(flow.udps), flow.keys()[-1])
""")
        out, err, status, _ = interrupt(process)
        net.b.run(tap.WEIR, "detach", "--pin", pins / "weir")
    finally:
        subprocess.run(["umount", "-l", pins], check=True)
    assert (status, err) == (0, ""), err
    assert sorted(out.splitlines()) == [f"{20000 + i} 100 {{}} dst2src_bytes" for i in range(3)], out


def test_pins_again(folder):
    """A program may use the same pins twice, one after the other; not at once."""
    pins = folder / "bpf"
    pins.mkdir()
    subprocess.run(["mount", "-t", "bpf", "bpf", pins], check=True)
    try:
        process = start(f"""
from weir import *
for turn in range(3):
    for flow in NFStreamer('vb', idle_timeout=1, n_dissections=0, settings=['pin={pins}/weir', 'stop-after=1']):
        print('turn', turn)
""")
        while process.poll() is None:
            send(1)
            time.sleep(1.5)
        out, err = process.communicate()
        net.b.run(tap.WEIR, "detach", "--pin", pins / "weir")
    finally:
        subprocess.run(["umount", "-l", pins], check=True)
    assert (out, err) == ("turn 0\nturn 1\nturn 2\n", ""), (out, err)


def test_without_privileges():
    """NFStream's test of the source "lo" (no privilege) is refused with ValueError."""
    program = ("import os; from weir import *; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
               "try: NFStreamer(source='lo').to_pandas()\nexcept ValueError as error: print('refused:', error)")
    done = net.b.run("/usr/bin/python3", "-c", program, check=False, env=environment())
    assert done.returncode == 0 and done.stdout.startswith("refused: "), done


def test_interface_that_is_not_there():
    with raises(ValueError, "neither a file nor an interface"):
        from weir import NFStreamer
        NFStreamer(source="nosuch0")


if os.geteuid() != 0:
    tap.skip("python live", "needs root")
    tap.finish()
with network.Network() as net:
    net.b.start("/usr/bin/python3", "-c", SINK)
    support.run(globals())
