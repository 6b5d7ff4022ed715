# SPDX-License-Identifier: BSD-2-Clause
"""Markdown of the live bench: the heading, a section a measurement, tables and verdicts."""

import os
import platform
import shlex
import time

from report import cpu_model, row


def table(header, rows):
    return [row(header), "|---|" + "---:|" * (len(header) - 1), *map(row, rows)]


def section(title, text, lines):
    return ["", f"## {title}", "", text, "", *lines]


def verdict(good, target):
    return f"{target}: **{'pass' if good else 'miss'}**"


def heading(argv, load):
    return ["# weir live bench", "",
            f"- date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
            f"- kernel: {platform.system()} {platform.release()}",
            f"- CPU: {os.cpu_count()} x {cpu_model()}; load average at start {load:.2f}",
            f"- command: {shlex.join(['tools/bench/live/run', *argv])}"]
