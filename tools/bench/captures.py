# SPDX-License-Identifier: BSD-2-Clause
"""Builds the C programs of the bench, and makes the benchmark captures with them.

A capture is made anew whenever what it is made of has changed: the generator's source, its
arguments, or the bytes of a source capture. A file half made is never taken for a capture.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from paths import BENCH, OUT, OWN_PCAPS, SHARED_PCAPS, BenchError, last_line

GENERATOR = ["benchgen.c", "gen_mix.c", "gen_many.c", "gen_elephant.c", "frame.c", "readdress.c",
             "capture_out.c"]
PROGRAMS = {"benchgen": GENERATOR, "readfloor": ["readfloor.c"], "flowfloor": ["flowfloor.c"],
            "cost": ["cost.c"]}
CFLAGS = "-O2 -g -std=gnu11 -Wall -Wextra"
CAPTURES = ("mix", "many", "elephant")
ARGUMENTS = {"mix": ["-n", "1750000", "-s", "1", "-d", "1200", "-k", "700"],
             "many": ["-n", "1000000", "-s", "1"],
             "elephant": ["-n", "3000000", "-s", "1"]}


@dataclass
class Capture:
    name: str
    origin: str  # what it was made of, for the report
    packets: int
    flows: int  # as flowfloor counts them
    bytes: int
    made_of: str  # digest over everything the file depends on

    @property
    def path(self):
        return OUT / f"{self.name}.pcap"


def call(argv):
    """Runs a step that has to work; returns what it printed."""
    done = subprocess.run(argv, text=True, capture_output=True)
    if done.returncode:
        name = Path(argv[0]).name
        raise BenchError(f"{name}: exit code {done.returncode}: {last_line(done.stderr)}")
    return done.stdout


def build():
    OUT.mkdir(parents=True, exist_ok=True)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    for program, sources in PROGRAMS.items():
        call(compiler + shlex.split(CFLAGS) + ["-o", str(OUT / program)]
             + [str(BENCH / source) for source in sources] + ["-lpcap"])


def listed_sources():
    lines = (BENCH / "mix.sources").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def mix_sources():
    """Paths to merge, and a line that says which they are."""
    if SHARED_PCAPS.is_dir():
        listed = [SHARED_PCAPS / name for name in listed_sources()]
        found = [path for path in listed if path.is_file()]
        if found:
            missing = [path.name for path in listed if path not in found]
            note = f"; not there: {', '.join(missing)}" if missing else ""
            return found, f"{len(found)} of {len(listed)} captures of WEIR_SHARED{note}"
    own = sorted(OWN_PCAPS.glob("*.pcap"))
    if not own:
        raise BenchError("mix: no source captures: set WEIR_SHARED or record tests/pcaps/recorded")
    return own, (f"the project's own {len(own)} captures (WEIR_SHARED is not there): "
                 "figures do not compare with those made of WEIR_SHARED")


def digest(name, sources):
    total = hashlib.sha256()
    headers = sorted(BENCH.glob("*.h"))
    for path in headers + [BENCH / source for source in GENERATOR] + sources:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    total.update(json.dumps([name, ARGUMENTS[name]]).encode())
    return total.hexdigest()


def load(name, made_of):
    """The capture as made earlier, or None."""
    try:
        capture = Capture(**json.loads((OUT / f"{name}.json").read_text()))
        current = capture.made_of == made_of and capture.path.stat().st_size == capture.bytes
    except (OSError, ValueError, TypeError):
        return None
    return capture if current else None


def make(name, sources, origin, made_of):
    part = OUT / f"{name}.part"
    record = OUT / f"{name}.json"
    record.unlink(missing_ok=True)
    call([str(OUT / "benchgen"), *ARGUMENTS[name], name, str(part), *map(str, sources)])
    shape = call([str(OUT / "flowfloor"), str(part)])
    packets, flows = map(int, re.search(r"packets (\d+) .*flows (\d+)", shape).groups())
    capture = Capture(name, origin, packets, flows, part.stat().st_size, made_of)
    part.rename(capture.path)
    record.write_text(json.dumps(asdict(capture), indent=1) + "\n")
    return capture


def get(name):
    sources, origin = mix_sources() if name == "mix" else ([], "synthetic")
    made_of = digest(name, sources)
    return load(name, made_of) or make(name, sources, origin, made_of)
