# SPDX-License-Identifier: BSD-2-Clause
"""Runs one program once through cost.c and says what it cost."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from paths import OUT, BenchError, last_line
from probes import SINK_PORT

LIMIT_S = 300  # wall; the slowest peer takes 20, so what takes longer hangs


@dataclass
class Cost:
    cpu: float  # user + system seconds, children that were waited for included
    wall: float  # seconds
    rss: float  # MiB, peak


def environment():
    """Without the user's weir settings, which would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WEIR_")}
    return {**kept, "LC_ALL": "C"}


def run_in(probe, capture, tmp):
    sink = str(SINK_PORT) if probe.sends else "-"
    argv = [str(OUT / "cost"), str(LIMIT_S), sink, *probe.command(capture.path, tmp)]
    done = subprocess.run(argv, text=True, errors="replace", capture_output=True,
                          env=environment())
    if done.returncode:
        raise BenchError(last_line(done.stderr))
    words = done.stdout.split()
    told = dict(zip(words[::2], map(int, words[1::2])))
    if told["wall_us"] >= LIMIT_S * 1e6:
        raise BenchError(f"ended after {LIMIT_S} s: leave it out with --tools")
    if told["code"]:
        raise BenchError(f"exit code {told['code']}: {last_line(done.stderr)}")
    return Cost((told["user_us"] + told["system_us"]) / 1e6, told["wall_us"] / 1e6,
                told["rss_kib"] / 1024)


def run_once(probe, capture):
    tmp = tempfile.mkdtemp(prefix="tmp-", dir=OUT)
    try:
        return run_in(probe, capture, tmp)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
