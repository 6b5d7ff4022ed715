# SPDX-License-Identifier: BSD-2-Clause
"""Where the bench finds and puts things, and how it fails. Nothing here touches the disk."""

import os
from pathlib import Path

BENCH = Path(__file__).resolve().parent
TOP = BENCH.parent.parent
BUILD = (TOP / os.environ.get("BUILD", "build")).resolve()
OUT = BUILD / "bench"
WEIR = BUILD / "weir"
SHARED_PCAPS = (TOP / os.environ.get("WEIR_SHARED", "../shared")).resolve() / "pcaps"
OWN_PCAPS = TOP / "tests" / "pcaps" / "recorded"


class BenchError(Exception):
    """Something could not run; the text is one line: what, why, mend."""


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"
