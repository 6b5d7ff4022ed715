#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A capture gives the same records from the wire as from its file, whatever the hook.

The Ethernet frames of our captures, and of the optional public ones, go over a veth pair one by
one. weir watches the far end by tc, xdp and pcap, and reads exactly the frames that were sent from
a file; the records must be the same multiset of rows, in every column but those of OTHER below.
Captures are joined, in the wire's order and in the file's alike, so that a flow that several of
them have is one flow in both. The timeouts are longer than the test, as the packets' times differ.

A socket takes no frame shorter than an Ethernet header, and the kernel drops a frame whose outer
VLAN tag it cannot take off (the tag is cut) before anybody but XDP sees it: those are not sent.
MTU 65535 lets all others through. Where an xdp program is, the driver copies frames into pages
(frags), so that is tested as well. Needs root.
"""
import collections, csv, io, os, pathlib, re, socket, struct, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap, watch

OPTIONS = ["--profile", "all", "--stats", "--splt", "8", "--probe-name", "probe",
           "--idle-timeout", "100000", "--active-timeout", "1000000"]

# What says when or how fast a packet came (the clock is another), where (a file has no place), or in which order
# flows began.
OTHER = re.compile("|".join([
    "(flow_)?id",                                           # numbers in the order of first packets
    ".*(first|last)_seen(_ms|_ns)?", ".*duration(_ms)?",    # times
    ".*_per_second",                                        # divided by the duration
    ".*_piat_ms",                                           # gaps, of SPLT too
    ".*_rtt_us", "app_latency_us",                          # gaps of a handshake
    "(in|e)gress_(interface|ifindex)", "netns",             # places
]))

MTU = 65535
HEADER, CUT_TAG = 14, 20  # bytes: Ethernet; and with a tag and the type behind it
TAGS = (b"\x81\x00", b"\x88\xa8")
ETHERNET = 1
PACE_FRAMES, PACE_SECONDS = 64, 0.003  # the sanitizers make weir slow, and no copy may be missed

# (hook, offloads of the veth pair)
WATCHERS = [("tc", False), ("tc", True), ("xdp", False), ("xdp", True), ("pcap", False)]


# --- captures -----------------------------------------------------------------------------------

def pcap_frames(data):
    """(link type, captured bytes) of each packet; the file may be cut anywhere."""
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    link, at = struct.unpack_from(order + "I", data, 20)[0] & 0xffff, 24
    while at + 16 <= len(data):
        captured, = struct.unpack_from(order + "I", data, at + 8)
        at += 16 + captured
        if at <= len(data):
            yield link, data[at - captured:at]


def pcapng_frames(data):
    at, links, order = 0, [], "<"
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":  # a section
            order, links = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">", []
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12 or at + length > len(data):
            return
        if kind == 1:  # an interface
            links.append(struct.unpack_from(order + "H", data, at + 8)[0])
        elif kind == 6:  # an enhanced packet
            interface, _, _, captured = struct.unpack_from(order + "IIII", data, at + 8)
            if interface < len(links) and captured + 32 <= length:
                yield links[interface], data[at + 28:at + 28 + captured]
        at += length


def may_be_sent(frame):
    return HEADER <= len(frame) <= MTU + HEADER and not (frame[12:14] in TAGS and len(frame) < CUT_TAG)


def frames_of(path):
    """The frames that can be sent and how many cannot; nothing of what is not Ethernet."""
    data = path.read_bytes()
    if len(data) < 24 or data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4",
                                          b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a"):
        return [], 0
    reader = pcapng_frames if data[0] == 0x0a else pcap_frames
    frames = [frame for link, frame in reader(data) if link == ETHERNET]
    good = [frame for frame in frames if may_be_sent(frame)]
    return good, len(frames) - len(good)


def write_capture(path, frames):
    """With a microsecond between frames, from now on: certificates are judged by it."""
    now = int(time.time())
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, ETHERNET))
        for i, frame in enumerate(frames):
            out.write(struct.pack("<IIII", now + i // 10**6, i % 10**6, len(frame), len(frame)) + frame)


# --- the wire -----------------------------------------------------------------------------------

def send(path):
    """Runs in the sender's namespace, on one CPU: on two, frames could overtake each other."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(("va", 0))
    for i, (_, frame) in enumerate(pcap_frames(pathlib.Path(path).read_bytes())):
        wire.send(frame)
        if i % PACE_FRAMES == 0:
            time.sleep(PACE_SECONDS)


def watch_frames(net, hook, capture):
    """What weir says of the frames on the wire."""
    with watch.Watch(net.b, hook, "--direction", "in", "--promisc", *OPTIONS) as weir:
        net.a.run(sys.executable, __file__, "--send", capture)
    return weir.csv, weir.summary


# --- comparison ---------------------------------------------------------------------------------

def counted(text):
    """The multiset of rows without OTHER's columns."""
    return collections.Counter(tuple((name, value) for name, value in row.items() if not OTHER.fullmatch(name))
                               for row in csv.DictReader(io.StringIO(text)))


def nearest(row, others):
    return max(others, key=lambda other: sum(a == b for a, b in zip(row, other)), default=())


def differences(file, live):
    """The rows that only one side has, by the columns in which they differ from the most alike."""
    missing, extra = file - live, live - file
    lines = [f"{file.total()} records from the file, {live.total()} from the wire"]
    for row in missing:
        other = dict(nearest(row, extra))
        head = " ".join(value for name, value in row if name in ("src_ip", "src_port", "dst_ip", "dst_port", "protocol"))
        lines.append(f"{head}: " + "; ".join(f"{name} {value!r} from the wire {other.get(name)!r}"
                                             for name, value in row if other.get(name) != value))
    lines += [f"only from the wire: {dict(row)}" for row in extra][:3]
    return "\n".join(lines) if missing or extra else ""


def accounting(file, live):
    """The summaries are equal in all that is about packets."""
    names = ("seen", "metered", "filtered", "ignored", "lost", "missed_copies", "bytes", "flows")
    return "\n".join(f"{name}: {file[name]} from the file, {live[name]} from the wire"
                     for name in names if file[name] != live[name])


def read_file(capture):
    run = tap.run_weir("-r", capture, *OPTIONS, weir=tap.WEIR_SAN, packets_column="total_packets")
    assert run.status == 0, run.err
    return counted(run.out), run.summary


def compare(net, folder, group, frames, note):
    capture = folder / "sent.pcap"
    write_capture(capture, frames)
    file, file_summary = read_file(capture)
    for hook, offloads in WATCHERS:
        net.offloads(offloads)
        name = f"parity {group} {hook}, offloads {'on' if offloads else 'off'}"
        try:
            text, summary = watch_frames(net, hook, capture)
            live = counted(text)
            why = differences(file, live) or accounting(file_summary, summary)
            if summary["seen"] != len(frames):
                why += f"\n{len(frames)} sent, {summary['seen']} seen"
        except (AssertionError, OSError, subprocess.SubprocessError) as wrong:
            why, live = repr(wrong), file
        tap.report(not why, f"{name}: {len(frames)} frames, {live.total()} records{note}", why)


def groups():
    own = tap.TOP / "tests" / "pcaps"
    for folder in (own / "recorded", own / "crafted", None):
        paths = sorted(folder.glob("*")) if folder else tap.shared_captures()
        found = [frames_of(path) for path in paths]
        frames = [frame for good, _ in found for frame in good]
        if frames:
            left_out = sum(number for _, number in found)
            captures = sum(1 for good, _ in found if good)
            yield (f"{folder.name if folder else 'public'} ({captures} captures)", frames,
                   f", {left_out} frames cannot be sent" if left_out else "")


def main():
    if sys.argv[1:2] == ["--send"]:
        send(sys.argv[2])
        return
    if os.geteuid():
        tap.skip("live parity", "needs root for network namespaces")
        tap.finish()
    with network.Network() as net, tempfile.TemporaryDirectory() as folder:
        for host in net.hosts:
            host.ip("link", "set", host.dev, "mtu", MTU)
        for group, frames, note in groups():
            compare(net, pathlib.Path(folder), group, frames, note)
    tap.finish()


main()
