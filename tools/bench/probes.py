# SPDX-License-Identifier: BSD-2-Clause
"""The programs that are measured: one row each, which every other part of the bench reads."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Optional

from paths import OUT, WEIR

SINK_PORT = 9995  # in a network namespace of its own, so always free


@dataclass
class Probe:
    name: str
    program: str  # a path, or a name to be found in PATH
    arguments: str  # {F} is the capture, {TMP} an empty directory, {PORT} a UDP sink
    version: list = field(default_factory=list)  # arguments that make it tell its version
    sends: bool = False  # exports to a UDP sink

    def find(self) -> Optional[str]:
        # Daemons live in sbin, which is not in everybody's PATH.
        return shutil.which(self.program) or shutil.which(self.program,
                                                          path="/usr/sbin:/usr/local/sbin:/sbin")

    def missing(self) -> str:
        if self.program == str(WEIR):
            return "the weir binary is missing: run make"
        return f"{self.program} is not installed"

    def command(self, capture, tmp):
        words = self.arguments.split()
        return [self.find()] + [word.format(F=capture, TMP=tmp, PORT=SINK_PORT) for word in words]

    def ask_version(self):
        found = self.find()
        if not found or not self.version:
            return None
        done = subprocess.run([found, *self.version], text=True, errors="replace", timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)
        match = re.search(r"\d+(\.\w+)+", done.stdout)
        return match.group(0) if match else "unknown"


PROBES = [
    Probe("readfloor", str(OUT / "readfloor"), "{F}"),
    Probe("flowfloor", str(OUT / "flowfloor"), "{F}"),
    Probe("weir", str(WEIR), "-r {F} -q --stats --splt 20 -o csv:/dev/null", ["version"]),
    Probe("weir-bare", str(WEIR), "-r {F} -q --no-dissect -o csv:/dev/null"),
    Probe("libweir", str(OUT / "iterate"), "{F}"),  # the work of weir, read by the C API
    Probe("ndpiReader", "ndpiReader", "-q -i {F}", ["-h"]),
    # With a control socket softflowd 1.1.0 may wait for a client of it for ever, file or not.
    Probe("softflowd", "softflowd",
          "-r {F} -d -v 9 -m 2000000 -p {TMP}/pid -c none -n 127.0.0.1:{PORT}", ["-h"], sends=True),
    Probe("nfpcapd", "nfpcapd", "-r {F} -l {TMP} -t 3600", ["-V"]),
    Probe("argus", "argus", "-X -r {F} -w {TMP}/out", ["-h"]),
    Probe("tcpdump", "tcpdump", "-r {F} -w /dev/null", ["--version"]),
]
NAMES = [probe.name for probe in PROBES]
