#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""flood sends what it says, flow by flow, counted by a BPF program where the packets arrive.

Needs root.
"""
import contextlib, json, os, pathlib, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import network, tap

FLOOD, TALLY = tap.BUILD / "live/flood", tap.BUILD / "live/tally.bpf.o"
MODES = ("xdp", "afxdp", "packet")
FLOWS = 500


class Tally:
    """The counting program on net.b, at "tc" (ingress) or as "xdpdrv"."""

    def __init__(self, net, where):
        self.net, self.where = net, where
        if where == "tc":
            net.b.run("tc", "qdisc", "add", "dev", "vb", "clsact")
            net.b.run("tc", "filter", "add", "dev", "vb", "ingress", "bpf", "da", "obj", TALLY, "sec", "tc")
            shown = json.loads(net.b.run("tc", "-j", "filter", "show", "dev", "vb", "ingress").stdout)
            program = next(f["options"]["prog"]["id"] for f in shown if "options" in f)
        else:
            net.b.ip("link", "set", "vb", where, "obj", TALLY, "sec", "xdp")
            program = json.loads(net.b.ip("-j", "link", "show", "vb"))[0]["xdp"]["prog"]["id"]
        self.map = network.bpftool("prog", "show", "id", program)["map_ids"][0]

    def flows(self):
        """{flow number: packets}"""
        found = {}
        for entry in (e["formatted"] for e in network.bpftool("map", "dump", "id", self.map)):
            address, port = entry["key"] >> 16, entry["key"] & 0xffff
            flow = address - (10 << 24)
            assert port == 1024 + flow % 60000, (hex(address), port)
            found[flow] = entry["value"]
        return found


@contextlib.contextmanager
def receiver(where, gro):
    with network.Network() as net:
        net.b.run("ethtool", "-K", "vb", "gro", "on" if gro else "off")
        yield net, Tally(net, where)


def flood(net, mode, packets, *args, flows=FLOWS, check=True):
    return net.a.run(FLOOD, "--mode", mode, "--dev", "va", "--dst-mac", net.b.mac, "--flows", flows,
                     "--packets", packets, *args, check=check)


def sent(net, *args, **how):
    told = json.loads(flood(net, *args, **how).stdout)
    time.sleep(0.3)
    return told


def exact(mode, where, gro):
    with receiver(where, gro) as (net, tally):
        told = sent(net, mode, 100 * FLOWS, "--size", 100)
        flows, dropped = tally.flows(), net.a.statistics()["tx_dropped"]
    assert (told["sent"], told["bytes"], told["dropped"]) == (100 * FLOWS, 10000 * FLOWS, 0), told
    assert dropped == told["retries"], (dropped, told)
    assert sum(flows.values()) == 100 * FLOWS and sorted(flows) == list(range(FLOWS)), flows
    if mode != "afxdp" or not told["retries"]:
        assert set(flows.values()) == {100}, flows


def test_tc_ingress_with_gro():
    for mode in MODES:
        exact(mode, "tc", True)


def test_tc_ingress_without_napi():
    for mode in ("afxdp", "packet"):
        exact(mode, "tc", False)


def test_native_xdp():
    for mode in MODES:
        exact(mode, "xdpdrv", False)


def test_no_napi_refuses_live_frames():
    with receiver("tc", False) as (net, tally):
        done = flood(net, "xdp", 1000, check=False)
        flows = tally.flows()
    assert done.returncode == 1 and not done.stdout and not flows, (done, flows)
    assert "gro on" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_refused_frames_go_again():
    """With its NAPI in a thread of its own, the receiver cannot follow and its ring is full."""
    for mode in ("xdp", "packet"):
        with receiver("tc", True) as (net, tally):
            net.b.run("sh", "-c", "echo 1 > /sys/class/net/vb/threaded")
            told = sent(net, mode, 200 * FLOWS)
            flows, dropped = tally.flows(), net.a.statistics()["tx_dropped"]
        assert set(flows.values()) == {200} and len(flows) == FLOWS, (told, flows)
        assert told["sent"] == 200 * FLOWS and told["retries"] == dropped, (told, dropped)
        assert mode == "packet" or told["retries"] > 0, told


def test_random_order():
    """The same packets in every mode; another seed gives others."""
    found = {}
    for mode, seed in (("xdp", 7), ("packet", 7), ("packet", 8)):
        with receiver("tc", True) as (net, tally):
            sent(net, mode, 5000, "--order", "random", "--seed", seed, flows=100000)
            found[mode, seed] = tally.flows()
    assert sum(found["xdp", 7].values()) == 5000 and len(found["xdp", 7]) > 4500
    assert found["xdp", 7] == found["packet", 7] != found["packet", 8]


def test_rate():
    for mode in MODES:
        with receiver("tc", True) as (net, _):
            told = sent(net, mode, 20000, "--rate", 20000)
        assert told["sent"] == 20000 and 0.98 <= told["seconds"] < 3, told


def test_errors():
    with network.Network() as net:
        for args, words in ((["--size", "59"], "60 to 1514"), (["--flows", "0"], "from 1"), (["--order", "x"], "round or"),
                            (["--mode", "x"], "afxdp"), (["--dev", "nope"], "--dev nope"), (["--cpu", "900"], "--cpu 900")):
            done = flood(net, "packet", 1, *args, check=False)
            assert done.returncode in (1, 2) and words in done.stderr and not done.stdout, (args, done)


def main():
    if os.geteuid():
        tap.skip("flood", "needs root for network namespaces")
        tap.finish()
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            try:
                test()
                tap.report(True, f"flood {name[5:]}")
            except (AssertionError, OSError, subprocess.SubprocessError) as wrong:
                why = getattr(wrong, "stderr", "") or repr(wrong)
                tap.report(False, f"flood {name[5:]}", why[:1500])
    tap.finish()


main()
