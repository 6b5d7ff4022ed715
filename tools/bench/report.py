# SPDX-License-Identifier: BSD-2-Clause
"""Turns what was measured into Markdown: a table a capture, and the targets under it."""

import os
import platform
import shlex
import time
from dataclasses import dataclass
from statistics import median
from typing import Optional

from probes import PROBES

HEADER = ["tool", "CPU s (median)", "min-max", "wall s", "RSS MiB", "Mpkt per CPU s",
          "x ndpiReader", "x flowfloor"]


@dataclass
class Target:
    capture: str
    tool: str
    what: str
    ratio: float  # CPU of the tool over CPU of the peer, at most
    peer: str
    rss: Optional[int] = None  # MiB, at most


TARGETS = [
    Target("mix", "weir", "full work", 0.45, "ndpiReader", 150),
    Target("many", "weir", "full work", 0.33, "ndpiReader", 700),
    Target("elephant", "weir", "full work", 1.0, "ndpiReader"),
    Target("mix", "weir-bare", "without dissection and stats", 1.3, "flowfloor"),
    Target("mix", "libweir", "the same by the C API", 1.03, "weir"),
]


@dataclass
class Result:
    """One capture. costs has a list of runs for every tool that ran through."""
    capture: object
    costs: dict
    skipped: dict  # tool: reason

    def cpu(self, tool):
        return median(cost.cpu for cost in self.costs[tool])

    def wall(self, tool):
        return median(cost.wall for cost in self.costs[tool])

    def rss(self, tool):
        return max(cost.rss for cost in self.costs[tool])

    def ratio(self, tool, peer):
        if tool not in self.costs or peer not in self.costs:
            return None
        return self.cpu(tool) / self.cpu(peer)


def cells(result, tool):
    cpu = result.cpu(tool)
    runs = [cost.cpu for cost in result.costs[tool]]
    ratios = [result.ratio(tool, peer) for peer in ("ndpiReader", "flowfloor")]
    return [tool, f"{cpu:.2f}", f"{min(runs):.2f}-{max(runs):.2f}", f"{result.wall(tool):.2f}",
            f"{result.rss(tool):.0f}", f"{result.capture.packets / cpu / 1e6:.2f}",
            *("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios)]


def row(words):
    return "| " + " | ".join(words) + " |"


def table(result):
    lines = [row(HEADER), "|---|" + "---:|" * (len(HEADER) - 1)]
    return lines + [row(cells(result, tool)) for tool in result.costs]


def verdict(value, limit):
    return "pass" if value <= limit else "miss"


def why_not(target, result):
    for tool in (target.tool, target.peer):
        if tool not in result.costs:
            return f"not measured ({tool}: {result.skipped.get(tool, 'not asked for')})"
    return None


def target_lines(target, result):
    reason = why_not(target, result)
    name = f"- {target.tool}, {target.what}:"
    goal = f"CPU <= {target.ratio} x {target.peer}"
    if reason:
        memory = f", RSS <= {target.rss} MiB" if target.rss else ""
        return [f"{name} {goal}{memory}: {reason}"]
    ratio = result.ratio(target.tool, target.peer)
    lines = [f"{name} {goal}: {ratio:.3f}: **{verdict(ratio, target.ratio)}**"]
    if target.rss:
        rss = result.rss(target.tool)
        lines.append(f"{name} RSS <= {target.rss} MiB: {rss:.0f}: **{verdict(rss, target.rss)}**")
    return lines


def section(result):
    capture = result.capture
    lines = ["", f"## {capture.name}", "",
             f"{capture.packets:,} packets, {capture.flows:,} flows, {capture.bytes:,} bytes; "
             f"made of: {capture.origin}.", ""]
    if result.costs:
        lines += table(result) + [""]
    lines += [f"- skipped {tool}: {reason}" for tool, reason in result.skipped.items()]
    for target in TARGETS:
        if target.capture == capture.name:
            lines += target_lines(target, result)
    return lines


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
            for line in cpuinfo:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def versions(tools):
    told = [(probe.name, probe.ask_version()) for probe in PROBES if probe.name in tools]
    return ", ".join(f"{name} {version}" for name, version in told if version)


def heading(argv, runs, tools, load):
    return ["# weir bench", "",
            f"- date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
            f"- kernel: {platform.system()} {platform.release()}",
            f"- CPU: {os.cpu_count()} x {cpu_model()}; load average at start {load:.2f}",
            f"- versions: {versions(tools) or 'none of the peers is installed'}",
            f"- command: {shlex.join(['tools/bench/run', *argv])}",
            f"- figures: median of {runs} interleaved runs; CPU = user + system, children "
            "included; RSS = highest peak"]


def render(argv, runs, tools, load, results, failures):
    lines = heading(argv, runs, tools, load)
    for result in results:
        lines += section(result)
    if failures:
        lines += ["", "## Could not run", ""] + [f"- {failure}" for failure in failures]
    return "\n".join(lines) + "\n"
