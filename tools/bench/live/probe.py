# SPDX-License-Identifier: BSD-2-Clause
"""A weir that watches an interface: started, asked for its CPU time, stopped, and its accounting."""

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from paths import WEIR, BenchError, last_line

ATTACH_SECONDS = 1.5  # until the program is loaded and attached, on a busy machine as well
STOP_SECONDS = 60


class Weir:
    """A context manager; after stop() (or the block) summary is what --summary wrote."""

    def __init__(self, host, hook, *options):
        self.host, self.hook, self.options = host, hook, options
        self.summary = None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-bench-")
        self.file = Path(self.folder.name) / "summary.json"
        self.process = self.host.start(
            WEIR, "-q", "-i", self.host.dev, "--hook", self.hook, "--no-dissect",
            "-o", "csv:/dev/null", "--summary", self.file, *self.options, stdout=subprocess.DEVNULL)
        time.sleep(ATTACH_SECONDS)
        if self.process.poll() is not None:
            self.fail("ended at once")
        return self

    def __exit__(self, *why):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def fail(self, what):
        self.process.kill()
        _, err = self.process.communicate()
        raise BenchError(f"weir --hook {self.hook} {what}: {last_line(err.decode())}")

    def cpu_seconds(self):
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            _, err = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end within {STOP_SECONDS} s of SIGINT")
        if self.process.returncode:
            raise BenchError(f"weir --hook {self.hook}: exit code {self.process.returncode}: "
                             f"{last_line(err.decode())}")
        self.summary = json.loads(self.file.read_text())
        return self.summary
