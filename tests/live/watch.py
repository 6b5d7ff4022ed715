# SPDX-License-Identifier: BSD-2-Clause
"""weir watching an interface of a test's network, from its attachment to its records.

    with watch.Watch(net.b, "tc", "--direction", "in") as weir:
        ...                                       # traffic; all of it is counted
    weir.rows, weir.summary                       # CSV rows as dicts, and the accounting
"""
import csv, io, json, pathlib, signal, tempfile, time

import tap

ATTACH_SECONDS = 20
ATTRIBUTION_LINKS = 5  # of the programs of --attribute
SETTLE_SECONDS = 0.4  # libpcap and the stacks of both hosts hold nothing back longer


def held_by(pid):
    """What a process holds: open files, and by id BPF links, programs and maps."""
    held = {"fds": 0, "link_id": set(), "prog_id": set(), "map_id": set()}
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").glob("*"):
        try:
            text = path.read_text()
        except OSError:
            continue  # closed meanwhile
        held["fds"] += 1
        for line in text.splitlines():
            name, _, value = line.partition(":")
            if name in held:
                held[name].add(int(value))
    return held


def links(pid):
    """How many BPF links the process holds."""
    return len(held_by(pid)["link_id"])


def _sockets(pid):
    """How many packet sockets its network namespace has."""
    return len(pathlib.Path(f"/proc/{pid}/net/packet").read_text().splitlines()) - 1


class Watch:
    def __init__(self, host, hook, *options, dev=None, program=tap.WEIR_SAN):
        self.host, self.hook, self.dev = host, hook, dev or host.dev
        self.program = program
        self.options = [str(option) for option in options]
        self.rows, self.summary, self.csv = [], {}, ""

    def expected_links(self):
        return 1 if "--direction" in self.options or self.dev == "lo" else 2

    def is_attached(self, pid):
        if self.hook == "pcap":
            return _sockets(pid) > 0
        return links(pid) >= self.expected_links()

    def wait(self):
        """weir is a child of timeout(1), which hands signals on."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        end = time.monotonic() + ATTACH_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            self.pid = next((int(child) for child in children.read_text().split() if self.is_attached(child)), None)
            if self.pid:
                time.sleep(0.2)  # pcap: from its socket to its filter
                return
            time.sleep(0.02)
        self.process.terminate()
        raise AssertionError(f"weir does not attach: {self.process.communicate(timeout=5)}")

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out, self.accounts = (pathlib.Path(self.folder.name, name) for name in ("rows.csv", "summary.json"))
        self.process = self.host.start("timeout", "-k", "1", "90", self.program, "-q", "-i", self.dev, "--hook", self.hook,
                                       "--summary", self.accounts, "-o", f"csv:{self.out}", *self.options)
        try:
            self.wait()
        except BaseException:
            self.folder.cleanup()
            raise
        return self

    def __exit__(self, kind, *why):
        with self.folder:
            if kind is None:
                time.sleep(SETTLE_SECONDS)
            self.process.send_signal(signal.SIGINT)
            _, err = self.process.communicate(timeout=30)
            if kind is None:
                self.read(err)

    def read(self, err):
        assert self.process.returncode == 0, err
        self.err = err.decode()
        self.csv = self.out.read_text()
        self.rows = list(csv.DictReader(io.StringIO(self.csv)))
        self.summary = json.loads(self.accounts.read_text())
        wrong = tap.law(self.summary)
        assert wrong is None, wrong
