#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Python plugins: every packet, flow.udps, ends, exceptions, the plugins of NFStream and those of 2019."""
import copy, gc, os, pathlib, pickle, signal, threading, types, warnings, weakref

import support
from support import DEMO, own_captures, raises, read_capture, recorded, udp_frame, write_capture
from weir import NFPacket, NFPlugin, NFStreamer, session
from weir.hooks import Host
from weir.plugin import Hooks
from weir.plugins import DHCP, MDNS, FlowSlicer, MsgType, SPLT

S = 10**9


class Recorder(NFPlugin):
    """What is called, in order."""

    def __init__(self, **more):
        super().__init__(**more)
        self.calls = []

    def on_init(self, packet, flow):
        self.calls.append(("init", packet.src_port, flow.bidirectional_packets))

    def on_update(self, packet, flow):
        self.calls.append(("update", packet.src_port, flow.bidirectional_packets))

    def on_expire(self, flow):
        self.calls.append(("expire", flow.src_port, flow.bidirectional_packets))

    def cleanup(self):
        self.calls.append(("cleanup",))


def test_order_of_hooks(folder):
    path = write_capture(folder / "a.pcap", [(0, udp_frame(1)), (1, udp_frame(2)), (2, udp_frame(1)),
                                             (130 * S, udp_frame(2))])
    plugin = Recorder()
    flows = list(NFStreamer(source=path, udps=plugin))
    assert [flow.src_port for flow in flows] == [2, 1, 2]
    assert plugin.calls == [("init", 1, 1), ("init", 2, 1), ("update", 1, 2), ("expire", 2, 1), ("init", 2, 1),
                            ("expire", 1, 2), ("expire", 2, 1), ("cleanup",)], plugin.calls


def test_every_packet():
    """Of all own captures: packets and bytes that the hooks see are those of the records."""
    class Count(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.seen = [[0, 0], [0, 0]]
            self.on_update(packet, flow)

        def on_update(self, packet, flow):
            flow.udps.seen[packet.direction][0] += packet.segments
            flow.udps.seen[packet.direction][1] += packet.raw_size
            assert flow.src2dst_packets == flow.udps.seen[0][0] and flow.dst2src_bytes == flow.udps.seen[1][1]
            assert len(packet.values()) == 28 and len(flow.values()) == 39

    total = 0
    hostile = [str(path) for path in (support.tap.SHARED / "pcaps-hostile").glob("*.pcap*")]
    for path in own_captures() + hostile:
        try:
            with support.warnings.catch_warnings():
                support.warnings.simplefilter("ignore")
                flows = list(NFStreamer(source=path, udps=Count()))
        except ValueError:
            continue
        for flow in flows:
            assert flow.udps.seen == [[flow.src2dst_packets, flow.src2dst_bytes],
                                      [flow.dst2src_packets, flow.dst2src_bytes]], path
            total += flow.total_packets
    assert total >= 1700, total


def test_packet_attributes():
    """Each packet of a TCP flow as the file has it."""
    class Keep(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.packets = []
            self.on_update(packet, flow)

        def on_update(self, packet, flow):
            flow.udps.packets.append(dict(zip(packet.keys(), packet.values()), kept=packet))

    flow, = NFStreamer(source=recorded("tls12"), bpf_filter="tcp", udps=Keep())
    frames = [(t, length, frame) for t, length, frame in read_capture(recorded("tls12")) if frame[12:14] == b"\x08\x00"
              and frame[23] == 6]
    assert len(flow.udps.packets) == len(frames) == flow.bidirectional_packets > 10
    before = None
    for packet, (t, length, frame) in zip(flow.udps.packets, frames):
        header = 14 + (frame[14] & 15) * 4
        total = int.from_bytes(frame[16:18], "big")
        flags = frame[header + 13]
        want = {"time": t // 1000, "delta_time": (t - before) // 1000 if before else 0, "raw_size": length,
                "ip_size": total,
                "transport_size": total - header + 14,
                "payload_size": total - header + 14 - (frame[header + 12] >> 4) * 4,
                "src_ip": ".".join(map(str, frame[26:30])), "dst_ip": ".".join(map(str, frame[30:34])),
                "src_mac": frame[6:12].hex(":"), "dst_mac": frame[:6].hex(":"), "src_oui": frame[6:9].hex(":"),
                "dst_oui": frame[:3].hex(":"), "src_port": int.from_bytes(frame[header:header + 2], "big"),
                "dst_port": int.from_bytes(frame[header + 2:header + 4], "big"),
                "protocol": 6, "vlan_id": 0, "ip_version": 4,
                "ip_packet": frame[14:], "tunnel_id": 0,
                "direction": int(frame[26:30] != frames[0][2][26:30]),
                **{name: flags >> bit & 1
                   for bit, name in enumerate(("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"))}}
        kept = packet.pop("kept")
        assert packet == want, {name: (packet[name], want[name]) for name in want if packet[name] != want[name]}
        assert {name: getattr(kept, name) for name in want} == want  # also long after its hook
        seed = (kept.length, kept.version, kept.raw, kept.tcpflags.ack, kept.nfhash, kept.capture_length)
        assert seed == (length, 4, frame[14:], want["ack"], flow.nfhash, len(frame) - 14), seed
        assert kept.ip_src == int.from_bytes(frame[26:30], "big")
        assert pickle.loads(pickle.dumps(kept)).values() == kept.values()
        before = t


def test_ipv6_packet_attributes():
    class First(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.first = packet

    for flow in NFStreamer(source=recorded("ipv6"), udps=First()):
        first = flow.udps.first
        assert (first.src_ip, first.dst_ip, first.ip_version) == (flow.src_ip, flow.dst_ip, 6)
        assert first.ip_packet[0] >> 4 == 6 and first.ip_src == flow.ip_src


def test_packets_that_are_kept_stay_what_they_were():
    """Only some are kept, each way of keeping one is noticed."""
    class Keep(NFPlugin):
        def on_init(self, packet, flow):
            self.on_update(packet, flow)

        def on_update(self, packet, flow):
            number = flow.bidirectional_packets
            told = (packet.time_ns, packet.ip_packet, packet.src_mac)
            if number % 3 == 0:
                self.kept.append((packet, told))
            elif number % 3 == 1:
                self.kept.append(((lambda: packet), told))

    plugin = Keep(kept=[])
    list(NFStreamer(source=DEMO, udps=plugin))
    assert len(plugin.kept) > 150
    for packet, told in plugin.kept:
        packet = packet if isinstance(packet, NFPacket) else packet()
        assert (packet.time_ns, packet.ip_packet, packet.src_mac) == told
    assert len({id(packet) for packet, _ in plugin.kept}) == len(plugin.kept)


def test_live_attributes_of_flows():
    """In hooks a flow has every attribute, of that moment and under both names; then it is the record."""
    class Look(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.sizes = []
            self.on_update(packet, flow)

        def on_update(self, packet, flow):
            flow.udps.sizes.append(packet.raw_size)
            sizes = flow.udps.sizes
            assert flow.bidirectional_packets == flow.total_packets == len(sizes)
            assert flow.bidirectional_bytes == flow.total_bytes == sum(sizes)
            assert flow.bidirectional_max_ps == max(sizes) and flow.bidirectional_min_ps == min(sizes)
            assert flow.splt_ps == (sizes + [-1] * 4)[:4]
            assert flow.last_seen == flow.bidirectional_last_seen_ms == packet.time
            assert flow.src2dst_packets + flow.dst2src_packets == len(sizes)
            assert {flow.src_ip, flow.dst_ip} == {packet.src_ip, packet.dst_ip} and flow.protocol == packet.protocol
            assert flow.expiration_id == 0 and flow.values()[2] == flow.src_ip and flow.ip_version == 4
            assert flow.bidirectional_duration_ms <= flow.last_seen - flow.first_seen + 1
            flow.udps.application = flow.application_name

        def on_expire(self, flow):
            flow.udps.end = flow.values()[:29]

    flows = list(NFStreamer(source=recorded("tls12"), statistical_analysis=True, splt_analysis=4, udps=Look()))
    plain = list(NFStreamer(source=recorded("tls12"), statistical_analysis=True, splt_analysis=4))
    assert len(flows) == len(plain) == 1
    for flow, other in zip(flows, plain):
        assert flow.values()[:len(other.keys())] == other.values() and flow.keys()[:len(other.keys())] == other.keys()
        assert flow.udps.end[2:] == other.values()[2:29]
        assert flow.keys()[-3:] == ["udps.sizes", "udps.application", "udps.end"]
        assert "TLS" in flow.udps.application


def test_kept_flow_is_the_one_that_comes():
    class Keep(NFPlugin):
        def on_init(self, packet, flow):
            self.flows.append(flow)
            if len(self.flows) > 1:
                with raises(RuntimeError, "being metered"):
                    self.flows[0].src_ip

    plugin = Keep(flows=[])
    came = list(NFStreamer(source=DEMO, udps=plugin))
    assert len(came) == 22 and {id(flow) for flow in came} == {id(flow) for flow in plugin.flows}
    assert all(flow.bidirectional_packets > 0 for flow in plugin.flows)


def test_copies_of_a_live_flow():
    """They are finished flows, as the live one was; outside of a hook there is nothing to copy."""
    class Keep(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.mark = [1]
            self.flow = flow

        def on_update(self, packet, flow):
            if flow.bidirectional_packets == 4:
                flow.src_ip = "mine"
                flow.expiration_id = -3
                self.copies += [copy.copy(flow), copy.deepcopy(flow), pickle.loads(pickle.dumps(flow))]

        def on_expire(self, flow):
            flow.udps.mark.append(2)

    plugin = Keep(copies=[])
    list(NFStreamer(source=recorded("tls12"), bpf_filter="tcp", udps=plugin))
    for each, mark in zip(plugin.copies, ([1, 2], [1], [1])):
        assert (each.bidirectional_packets, each.src_ip, each.expiration_id, each.udps.mark) == (4, "mine", -3, mark), each
        assert each.dst_port == 443 or each.src_port == 443, each
    plugin.copies[0].src_ip = "other"
    assert plugin.copies[1].src_ip == "mine" and copy.copy(plugin.copies[0]).src_ip == "other"

    class Outside(Keep):
        def on_init(self, packet, flow):
            for copied in (copy.copy, pickle.dumps) if self.flow else ():
                with raises(RuntimeError, "being metered"):
                    copied(self.flow)
            self.flow = flow

        on_expire = NFPlugin.on_expire
    list(NFStreamer(source=DEMO, udps=Outside(flow=None, copies=[])))

    flow = next(iter(NFStreamer(source=DEMO)))
    flow.src_ip = "a"
    other = copy.copy(flow)
    other.src_ip = "b"
    assert (flow.src_ip, other.src_ip) == ("a", "b")


def test_columns_set_in_hooks():
    class Hide(NFPlugin):
        def on_init(self, packet, flow):
            flow.src_ip = "hidden"
            assert flow.src_ip == "hidden"

        def on_expire(self, flow):
            flow.application_name = "mine"

    flows = list(NFStreamer(source=DEMO, udps=Hide()))
    assert {(flow.src_ip, flow.application_name) for flow in flows} == {("hidden", "mine")}
    assert flows[0].dst_ip == "192.0.2.2"
    frame = NFStreamer(source=DEMO, udps=Hide()).to_pandas()
    assert set(frame.src_ip) == {"hidden"} and set(frame.application_name) == {"mine"}


def test_several_plugins_in_order():
    class One(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.order = [self.number]

        def on_expire(self, flow):
            flow.udps.order.append(self.number)

    class Two(One):
        def on_init(self, packet, flow):
            flow.udps.order.append(self.number)

        def on_update(self, packet, flow):
            flow.udps.order = flow.udps.order[:2]

    for flow in NFStreamer(source=DEMO, udps=[One(number=1), Two(number=2)]):
        assert flow.udps.order == [1, 2, 1, 2]


def test_custom_expiry():
    """expiration_id = -1 ends the flow with that packet, any negative value does."""
    class End(NFPlugin):
        def on_init(self, packet, flow):
            if self.limit == 1:
                flow.expiration_id = self.value

        def on_update(self, packet, flow):
            if flow.bidirectional_packets == self.limit:
                flow.expiration_id = self.value

    packets = next(iter(NFStreamer(source=recorded("tls12"), bpf_filter="tcp"))).total_packets
    for limit in (1, 4, 7):
        for value in (-1, -2):
            flows = list(NFStreamer(source=recorded("tls12"), bpf_filter="tcp", udps=End(limit=limit, value=value)))
            whole, rest = divmod(packets, limit)
            assert [flow.total_packets for flow in flows] == [limit] * whole + [rest] * (rest > 0)
            assert [flow.expiration_id for flow in flows] == [value] * whole + [0] * (rest > 0)


def test_expiry_set_in_on_expire():
    class Mark(NFPlugin):
        def on_expire(self, flow):
            assert flow.expiration_id == 0
            flow.expiration_id = -7

    flows = list(NFStreamer(source=DEMO, udps=Mark()))
    assert len(flows) == 22 and {flow.expiration_id for flow in flows} == {-7}


# --- exceptions ------------------------------------------------------------------------------------

def failing(hook, error=KeyError):
    class Fail(NFPlugin):
        def fail(self, *_):
            self.calls += 1
            if self.calls == self.at:
                raise error("mine")

        cleaned = 0

        def cleanup(self):
            self.cleaned += 1

    setattr(Fail, hook, Fail.fail)
    return Fail


def test_exceptions_reach_the_caller():
    for hook in ("on_init", "on_update", "on_expire"):
        for at in (1, 2, 15):
            for use in (list, NFStreamer.to_pandas, lambda s: s.to_csv("/dev/null")):
                plugin = failing(hook)(at=at, calls=0)
                with raises(KeyError, "mine"):
                    use(NFStreamer(source=DEMO, udps=plugin))
                assert plugin.calls == at and plugin.cleaned == 1, (hook, at, plugin.calls)
    plugin = failing("cleanup")(at=1, calls=0)
    with raises(KeyError, "mine"):
        list(NFStreamer(source=DEMO, udps=plugin))
    with raises(SystemExit):
        list(NFStreamer(source=DEMO, udps=failing("on_update", SystemExit)(at=3, calls=0)))


def test_flow_of_a_hook_that_failed():
    """The library's memory behind it is gone: to read it is refused, by each hook."""
    for hook in ("on_init", "on_update", "on_expire"):
        def fail(self, *arguments):
            self.flow = arguments[-1]
            raise KeyError("mine")

        plugin = type("Fail", (NFPlugin,), {hook: fail})()
        with raises(KeyError, "mine"):
            list(NFStreamer(source=DEMO, udps=plugin))
        assert plugin.flow._at == 0
        for name in ("bidirectional_packets", "expiration_id"):
            with raises(RuntimeError, "being metered"):
                getattr(plugin.flow, name)


def test_interrupt_in_a_hook():
    """KeyboardInterrupt too, raised in a hook or, as Python 3.13 tells it, just before one."""
    for hook in ("on_init", "on_update", "on_expire"):
        with raises(KeyboardInterrupt):
            list(NFStreamer(source=DEMO, udps=failing(hook, KeyboardInterrupt)(at=3, calls=0)))
    host, told, stopped = Host(Hooks([Recorder()], False)), [], []
    host.stop = lambda: stopped.append(True)
    catch = host.unraisable(told.append)
    error = KeyboardInterrupt()
    words = f"Exception ignored on calling ctypes callback function {host.functions[1]!r}"
    of_others = types.SimpleNamespace(object=None, exc_value=error, err_msg="Exception ignored in another function")
    catch(of_others)
    assert told == [of_others] and not stopped and host.error is None
    catch(types.SimpleNamespace(object=None, exc_value=error, err_msg=words))
    assert host.error is error and stopped and told == [of_others]


def test_traceback_shows_the_hook():
    import traceback

    try:
        list(NFStreamer(source=DEMO, udps=failing("on_update")(at=3, calls=0)))
    except KeyError:
        assert "in fail" in traceback.format_exc()


def test_flows_before_the_exception_come(folder):
    """Those that had ended, however they are batched, and no other."""
    path = write_capture(folder / "a.pcap", [(i * 200 * S, udp_frame(1)) for i in range(10)])
    for at in range(1, 11):
        came = []
        with raises(KeyError):
            for flow in NFStreamer(source=path, udps=failing("on_init")(at=at, calls=0)):
                came.append(flow.flow_id)
        assert came == list(range(at - 1)), (at, came)


def test_iterated_again_after_an_exception():
    plugin = failing("on_update")(at=10, calls=0)
    streamer = NFStreamer(source=DEMO, udps=plugin)
    with raises(KeyError):
        list(streamer)
    assert len(list(streamer)) == 22


def test_exception_as_a_wait_runs_out(folder):
    """The library then has nothing more to say than "again": its words do not come before the exception."""
    pipe, stays = folder / "pipe", threading.Event()
    os.mkfifo(pipe)

    def feed():
        with open(pipe, "wb") as end:
            end.write(pathlib.Path(DEMO).read_bytes())
            end.flush()
            stays.wait(10)

    feeder = threading.Thread(target=feed)
    feeder.start()
    waits, session.WAIT_MS = session.WAIT_MS, 0
    try:
        with raises(KeyError, "mine"), warnings.catch_warnings():
            warnings.simplefilter("error")
            list(NFStreamer(source=str(pipe), udps=failing("on_update")(at=1, calls=0)))
    finally:
        session.WAIT_MS = waits
        stays.set()
        feeder.join()


def test_every_cleanup_is_called():
    first, second = failing("cleanup")(at=1, calls=0), Recorder()
    with raises(KeyError):
        list(NFStreamer(source=DEMO, udps=[first, second]))
    assert second.calls[-1] == ("cleanup",)


def test_error_of_the_source_beside_plugins(folder):
    plugin = Recorder()
    with raises(ValueError, "filter"):
        list(NFStreamer(source=DEMO, bpf_filter="my filter", udps=plugin))
    assert plugin.calls == [("cleanup",)]


def test_ended_early():
    plugin = Recorder()
    for flow in NFStreamer(source=DEMO, udps=plugin):
        break
    gc.collect()
    assert plugin.calls.count(("cleanup",)) == 1


def test_nothing_is_left(folder):
    """Plugins and flows are gone with their last reference; memory does not grow with flows."""
    class Fat(NFPlugin):
        def on_init(self, packet, flow):
            flow.udps.fat = bytearray(100_000)

    class Weak:
        pass

    plugin = Fat(mark=Weak())
    gone = weakref.ref(plugin.mark)
    path = write_capture(folder / "a.pcap", [(i * 200 * S, udp_frame(1)) for i in range(5000)])
    largest = 0
    for number, flow in enumerate(NFStreamer(source=path, udps=plugin)):
        if number % 500 == 0:
            with open("/proc/self/statm", encoding="ascii") as file:
                largest = max(largest, int(file.read().split()[1]) * 4)
            if number == 1000:
                before = largest
    del plugin, flow
    gc.collect()
    assert number == 4999 and gone() is None
    assert largest - before < 100_000, f"{largest - before} KiB more"  # all flows at once would be 500 MB


def test_without_reference_cycles():
    """What an iteration made is freed without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        class Mark(NFPlugin):
            def on_init(self, packet, flow):
                flow.udps.mark = Weak()
                self.marks.append(weakref.ref(flow.udps.mark))

        class Weak:
            pass

        plugin = Mark(marks=[])
        for flow in NFStreamer(source=DEMO, udps=plugin):
            pass
        del flow
        alive = sum(mark() is not None for mark in plugin.marks)
    finally:
        gc.enable()
    assert len(plugin.marks) == 22 and alive <= 1, alive


def test_two_streamers_in_two_threads():
    results = {}

    def work(name):
        plugin = Recorder()
        results[name] = len(list(NFStreamer(source=DEMO, udps=plugin))), len(plugin.calls)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(results.values()) == {(22, 242 + 22 + 1)}, results


def test_live_records_in_many_threads():
    """Each thread has its own room for them."""
    class Look(NFPlugin):
        def on_init(self, packet, flow):
            self.on_update(packet, flow)

        def on_update(self, packet, flow):
            assert {flow.src_ip, flow.dst_ip} == {packet.src_ip, packet.dst_ip}
            assert flow.bidirectional_max_ps >= packet.raw_size

    failed = []

    def work(path):
        try:
            for _ in range(15):
                list(NFStreamer(source=path, statistical_analysis=True, udps=Look()))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(path,))
               for path in (DEMO, recorded("http1"), recorded("ipv6"), DEMO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed, failed


def test_signal_handler_that_raises(folder):
    """What a handler raises while hooks run reaches the caller, whichever moment it strikes."""
    path = write_capture(folder / "a.pcap", [(i, udp_frame(1 + i % 1000)) for i in range(60000)])

    class Alarm(Exception):
        pass

    def strike(*_):
        raise Alarm

    class Nothing(NFPlugin):
        def on_update(self, packet, flow):
            pass

    before = signal.signal(signal.SIGALRM, strike)
    try:
        for _ in range(10):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with raises(Alarm):
                while True:
                    list(NFStreamer(source=path, udps=Nothing(), n_dissections=0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- NFStream's plugins ------------------------------------------------------------------------------

def test_flow_slicer():
    plain, = NFStreamer(source=recorded("tls12"), bpf_filter="tcp")
    for limit in (1, 4):
        last = [flow.id for flow in NFStreamer(source=recorded("tls12"), bpf_filter="tcp",
                                               udps=FlowSlicer(limit=limit))][-1]
        assert last == -(-plain.bidirectional_packets // limit) - 1


def test_splt_plugin():
    """The same as the native analysis, in every accounting mode."""
    for path in (DEMO, recorded("ipv6"), recorded("gre")):
        for mode in range(4):
            for flow in NFStreamer(source=path, splt_analysis=5, accounting_mode=mode,
                                   udps=SPLT(sequence_length=5, accounting_mode=mode)):
                assert flow.udps.splt_direction == flow.splt_direction
                assert flow.udps.splt_ps == flow.splt_ps, (path, mode)
                assert flow.udps.splt_piat_ms == flow.splt_piat_ms


def test_dhcp_plugin():
    """DISCOVER and REQUEST come from 0.0.0.0 and end their flows."""
    frame = NFStreamer(source=recorded("dhcp"), n_dissections=0, udps=DHCP()).to_pandas()
    clients = frame[frame.dst_port == 67].reset_index(drop=True)
    assert list(clients["udps.dhcp_msg_type"]) == ["MsgType.DISCOVER", "MsgType.REQUEST"], clients
    request = clients.iloc[1]
    assert (request["udps.dhcp_oui"], request["udps.dhcp_50"]) == ("02:00:00", "192.0.2.103"), request.to_dict()
    assert request["udps.dhcp_options"] == "[53, 50, 54, 57, 55, 12, 60, 61]"
    assert (request["udps.dhcp_55"], request["udps.dhcp_12"]) == ("1,3,6,12,15,28,42", "station")
    assert list(clients.expiration_id) == [-1, -1]


def dhcp_message(kind, options=b"", ciaddr=bytes(4)):
    fixed = bytes([1, 1, 6, 0]) + bytes(8) + ciaddr + bytes(12) + bytes.fromhex("000b8201fc42") + bytes(10) + bytes(192)
    return fixed + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + options + b"\xff"


def with_payload(source, sport, dport, payload):
    ip = support.struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes(source),
                             bytes([192, 0, 2, 9]))
    return bytes(12) + b"\x08\x00" + ip + support.struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def test_dhcp_fields(folder):
    """Every option, cut ones too, message by message."""
    options = (bytes([12, 4]) + b"host" + bytes([61, 2, 1, 2, 50, 4, 192, 168, 0, 10, 55, 4, 1, 3, 6, 42, 57, 2, 5, 220,
                                                 60, 3]) +
               b"abc" + bytes([77, 2]) + b"uc" + bytes([0, 0]))
    frames = [(0, with_payload([0, 0, 0, 0], 68, 67, dhcp_message(3, options))),
              (1, with_payload([192, 0, 2, 5], 68, 67, dhcp_message(8, ciaddr=bytes([192, 0, 2, 5])))),
              (2, with_payload([192, 0, 2, 6], 68, 67, dhcp_message(99, bytes([12, 200]) + b"cut"))),
              (3, with_payload([192, 0, 2, 7], 68, 67, b"no DHCP")),
              (4, with_payload([192, 0, 2, 8], 68, 67, dhcp_message(3, ciaddr=bytes([192, 0, 2, 8]))))]
    told = {flow.src_ip: flow for flow in NFStreamer(source=write_capture(folder / "a.pcap", frames), udps=DHCP())}
    one = told["0.0.0.0"].udps
    told_by_one = (one.dhcp_msg_type, one.dhcp_12, one.dhcp_50, one.dhcp_55, one.dhcp_57, one.dhcp_60, one.dhcp_77,
                   one.dhcp_oui)
    assert told_by_one == (
        MsgType.REQUEST, "host", "192.168.0.10", "1,3,6,42", 1500, "abc", "uc", "00:0b:82")
    assert one.dhcp_options == [53, 12, 61, 50, 55, 57, 60, 77] and one.dhcp_addr is None
    assert told["192.0.2.5"].udps.dhcp_msg_type is MsgType.INFORM and told["192.0.2.5"].expiration_id == -1
    assert told["192.0.2.6"].udps.dhcp_msg_type is None and told["192.0.2.6"].udps.dhcp_12 is None
    assert told["192.0.2.7"].udps.dhcp_msg_type is None and told["192.0.2.7"].expiration_id == 0
    assert told["192.0.2.8"].udps.dhcp_addr == "192.0.2.8"


def dns_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def test_mdns_plugin(folder):
    """PTR answers with compressed names, once each; other answers and broken messages give none."""
    def answer(name, kind, data):
        return name + support.struct.pack("!HHIH", kind, 1, 120, len(data)) + data

    service = dns_name("_http._tcp.local")
    message = support.struct.pack("!6H", 0, 0x8400, 1, 4, 0, 0) + service + bytes([0, 12, 0, 1])
    message += answer(b"\xc0\x0c", 12, b"\x07my, box\xc0\x0c")
    message += answer(b"\xc0\x0c", 12, dns_name("second.local"))
    message += answer(b"\xc0\x0c", 1, bytes([192, 0, 2, 1]))
    message += answer(b"\xc0\x0c", 12, dns_name("second.local"))
    loop = support.struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + b"\xc0\x0c"
    frames = [(0, with_payload([192, 0, 2, 1], 5353, 5353, message)),
              (1, with_payload([192, 0, 2, 2], 5353, 5353, loop)),
              (2, with_payload([192, 0, 2, 3], 5353, 5353, message[:40])), 
              (3, with_payload([192, 0, 2, 4], 5353, 5353, b""))]
    path = write_capture(folder / "a.pcap", frames)
    told = {flow.src_ip: flow.udps.mdns_ptr for flow in NFStreamer(source=path, n_dissections=0, udps=MDNS())}
    assert told == {"192.0.2.1": ["my  box._http._tcp.local", "second.local"], "192.0.2.2": [], "192.0.2.3": [],
                    "192.0.2.4": []}, told
    ip6 = bytes.fromhex("20010db8000000000000000000000001ff0200000000000000000000000000fb")
    udp = support.struct.pack("!HHHH", 5353, 5353, 8 + len(message), 0) + message
    behind = bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp  # hop-by-hop options with nothing in them
    frame = bytes(12) + b"\x86\xdd" + support.struct.pack("!IHBB", 6 << 28, len(behind), 0, 255) + ip6 + behind + bytes(9)
    flow, = NFStreamer(source=write_capture(folder / "6.pcap", [(0, frame)]), n_dissections=0, udps=MDNS())
    assert flow.udps.mdns_ptr == told["192.0.2.1"], flow.udps
    frame = NFStreamer(source=path, n_dissections=0, udps=MDNS()).to_pandas()
    assert frame["udps.mdns_ptr"][0] == "['my  box._http._tcp.local', 'second.local']"


# --- 2019 ----------------------------------------------------------------------------------------------

def test_plugins_of_2019():
    """The documented shape: an attribute of the plugin's name that process() updates, from 0 or init_function."""
    class packets_over_100(NFPlugin):
        def process(self, packet, flow):
            if packet.length >= 100:
                flow.packets_over_100 += 1

    class sizes(NFPlugin):
        def process(self, packet, flow):
            flow.sizes.append(packet.length)

        def giveup(self, flow):
            flow.largest = max(flow.sizes)

    class last(NFPlugin):
        def process(self, packet, flow):
            flow.before = packet.time

    plugins = [packets_over_100(), sizes(init_function=lambda packet: [], volatile=True),
               last(name="before", volatile=False)]
    for flow in NFStreamer(source=DEMO, plugins=plugins):
        assert flow.keys()[-3:] == ["packets_over_100", "before", "largest"], flow.keys()
        assert not hasattr(flow, "sizes") and flow.before == flow.last_seen and flow.largest >= 54
        assert 0 <= flow.packets_over_100 <= flow.total_packets


def test_early_version_three_plugins():
    """on_update(packet, flow) with an attribute that begins at 0, as the README of 2020 had it."""
    class my_awesome_plugin(NFPlugin):
        def on_update(self, obs, entry):
            if obs.length >= 66:
                entry.my_awesome_plugin += 1

    flows = list(NFStreamer(source=DEMO, plugins=[my_awesome_plugin()]))
    assert sum(flow.my_awesome_plugin for flow in flows) > 50 and "my_awesome_plugin=" in str(flows[0])


def test_names_of_2019_plugins_are_unique():
    class total_bytes(NFPlugin):
        pass

    for plugins in ([total_bytes()], [NFPlugin(name="a"), NFPlugin(name="a")], [NFPlugin(), NFPlugin()], [NFPlugin(name="keys")],
                    [NFPlugin(name="_row")]):
        with raises(ValueError, "plugins: two attributes"):
            NFStreamer(source=DEMO, plugins=plugins)
        for plugin in plugins:
            plugin.volatile = False  # makes it one of 2019
        with raises(ValueError, "udps: two attributes"):
            NFStreamer(source=DEMO, udps=plugins)
    entropy = f"plugin={support.tap.BUILD}/plugins/entropy.so"
    for name, options in (("client_rtt_us", {"columns": ["client_rtt_us"]}), ("entropy_src2dst", {"settings": [entropy]})):
        with raises(ValueError, f"would be called '{name}'"):
            list(NFStreamer(source=DEMO, plugins=[NFPlugin(name=name)], **options))
    assert len(list(NFStreamer(source=DEMO, udps=[NFPlugin(name="keys"), NFPlugin(name="keys")]))) == 22


support.run(globals())
