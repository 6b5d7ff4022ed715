#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the crafted captures: what a meter must survive and count right, but no program sends.

The same files come out on every run and machine. What each holds stands beside the function that
makes it, in crafting/.
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

from crafting import capture  # noqa: E402
# The order of import is the order of the table.
from crafting import link, dlt, network, transport, tunnel, timing, formats  # noqa: E402 F401


def write_all(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for theme in capture.THEMES:
        content, _ = theme.make()
        (directory / theme.name).write_bytes(content)


def check_all(directory):
    """Print what differs from the files that stand there; the number of differences."""
    expected = {theme.name: theme.make()[0] for theme in capture.THEMES}
    present = {path.name: path.read_bytes() for path in directory.glob('*')}
    wrong = sorted(name for name in expected.keys() | present.keys()
                   if expected.get(name) != present.get(name))
    for name in wrong:
        print(f'{directory / name}: not what craft.py writes; run craft.py', file=sys.stderr)
    return len(wrong)


def print_table():
    print('| file | packets | what it holds |\n|---|---|---|')
    for theme in capture.THEMES:
        print(f'| {theme.name} | {theme.make()[1]} | {theme.about} |')


def main():
    parser = argparse.ArgumentParser(description='Write the crafted captures.')
    parser.add_argument('directory', nargs='?', type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent / 'crafted')
    action = parser.add_mutually_exclusive_group()
    action.add_argument('--check', action='store_true', help='compare only, exit 1 if different')
    action.add_argument('--table', action='store_true', help='print the table of the README')
    options = parser.parse_args()
    if options.table:
        print_table()
    elif options.check:
        return 1 if check_all(options.directory) else 0
    else:
        write_all(options.directory)
    return 0


if __name__ == '__main__':
    sys.exit(main())
