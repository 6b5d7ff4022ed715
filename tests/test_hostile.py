#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hostile and ordinary captures through weir with ASan and UBSan: no finding, no hang, and the
accounting law holds. Exit codes are 0 or, for a file that is broken, 1 with one line that says so.
"""
import concurrent.futures, pathlib, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap

OPTIONS = ["--profile", "all", "--stats", "--splt", "16", "--tcp-end"]
SECONDS = 60


def check(capture):
    """None, or what went wrong."""
    try:
        run = tap.run_weir("-r", capture, *OPTIONS, weir=tap.WEIR_SAN, timeout=SECONDS, packets_column="total_packets")
    except subprocess.TimeoutExpired:
        return f"{capture.name}: still running after {SECONDS} s"
    except AssertionError as wrong:
        return f"{capture.name}: {wrong}"
    if "Sanitizer" in run.err or "runtime error" in run.err:
        return f"{capture.name}: {run.err[:600]}"
    if run.status not in (0, 1) or bool(run.status) != (run.err.count("\n") == 1):
        return f"{capture.name}: exit {run.status}: {run.err!r}"
    return None


def main():
    for folder in ("pcaps-hostile", "pcaps"):
        captures = tap.shared_captures(folder)
        if not captures:
            continue
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            wrong = [w for w in pool.map(check, captures) if w]
        tap.report(not wrong, f"sanitizers: {len(captures)} captures of {folder}", "\n".join(wrong))
    tap.finish()


main()
