# SPDX-License-Identifier: BSD-2-Clause
"""DataFrames of rows, column by column. Types are those that NFStream's way through CSV gives: numbers
are numbers, what is empty is NaN, lists are texts.
"""
import math, struct

import numpy, pandas

from . import flow, library
from .export import as_text

CHUNK = 4 << 20       # bytes of rows that are taken apart at once
KNOWN_MAX = 1 << 16   # texts of a column that are remembered
NAN = math.nan
_length = struct.Struct("=Q").unpack_from


def chunks(batches):
    """Fewer and larger ones: what numpy does costs more a call than a row."""
    waiting, size = [], 0
    for batch in batches:
        waiting.append(batch)
        size += len(batch)
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def starts_of(rows):
    """Where each row begins, in bytes."""
    found, at, end = [], 0, len(rows)
    while at < end:
        found.append(at + 8)
        at += 8 + _length(rows, at)[0]
    return numpy.array(found, dtype=numpy.int64)


class Numbers:
    """A column of integers: int64, uint64 for what is larger, and float64 with NaN if some are not known."""

    def __init__(self, unknown, dtype):
        self.unknown, self.dtype, self.parts = unknown, dtype, []

    def add(self, rows, starts, values):
        self.parts.append(values.view(self.dtype))

    def all(self):
        values = numpy.concatenate(self.parts)
        missing = values == self.dtype(self.unknown)
        if missing.any():
            return numpy.where(missing, NAN, values)
        return values if values.max() > numpy.iinfo(numpy.int64).max else values.astype(numpy.int64)


class Doubles:
    def __init__(self):
        self.parts = []

    def add(self, rows, starts, values):
        self.parts.append(numpy.where(values.view(numpy.uint64) == flow.UNKNOWN, NAN, values.view(numpy.float64)))

    def all(self):
        return numpy.concatenate(self.parts)


class Objects:
    """A column of what lies behind the columns, each value as bytes given to decode()."""

    def __init__(self, decode):
        self.decode, self.parts, self.known = decode, [], {}

    def add(self, rows, starts, values):
        places = values.view(numpy.uint64)
        sizes = (places >> numpy.uint64(32)).astype(numpy.int64)
        filled = numpy.flatnonzero((sizes != 0) & (sizes != flow.NO_TEXT))
        begins = starts[filled] + (places[filled] & numpy.uint64(0xffffffff)).astype(numpy.int64)
        found = numpy.full(len(places), NAN, dtype=object)
        found[filled] = self.decoded(rows, begins.tolist(), (begins + sizes[filled]).tolist())
        self.parts.append(found)

    def decoded(self, rows, begins, ends):
        if len(self.known) > KNOWN_MAX:
            self.known.clear()
        known, learn = self.known.get, self.learn
        return [known(rows[begin:end]) or learn(rows[begin:end]) for begin, end in zip(begins, ends)]

    def learn(self, octets):
        value = self.known[octets] = self.decode(octets)
        return value

    def all(self):
        values = numpy.concatenate(self.parts)
        return values.astype(float) if pandas.isna(values).all() else values


def text(octets):
    return octets.decode("utf-8", "replace")


def list_text(octets):
    return str(list(struct.unpack(f"={len(octets) >> 3}q", octets)))


def big_number(octets):
    return int.from_bytes(octets, "big")


def column(kind):
    if kind == library.UINT:
        return Numbers(flow.UNKNOWN, numpy.uint64)
    if kind == library.INT:
        return Numbers(-flow.UNKNOWN, numpy.int64)
    if kind == library.DOUBLE:
        return Doubles()
    return Objects({library.LIST: list_text, library.UINT128: big_number}.get(kind, text))


def of_batches(batches, described, anonymizer):
    """None if there was no row. described: (name, type) of each column."""
    columns = [column(kind) for _, kind in described]
    flows = 0
    for rows in chunks(batches):
        starts = starts_of(rows)
        flows += len(starts)
        words = numpy.frombuffer(rows, dtype=numpy.int64)
        table = words[(starts >> 3) + numpy.arange(len(columns))[:, None]]
        for place, each in enumerate(columns):
            each.add(rows, starts, table[place])
    if not flows:
        return None
    return hide(pandas.DataFrame({name: each.all() for (name, _), each in zip(described, columns)}), anonymizer)


def cell(value):
    """A plugin's value: numbers and truth stay, all else is its text."""
    if value is None or value == "":
        return NAN
    return value if isinstance(value, (int, float)) else as_text(value)


def of_flows(flows, names, anonymizer):
    """Flows of plugins; a column that a flow does not have is NaN there."""
    rows = [dict(each.items()) for each in flows]
    if not rows:
        return None
    every = dict.fromkeys(names)
    for row in rows:
        every.update(dict.fromkeys(row))
    return hide(pandas.DataFrame({name: [cell(row.get(name)) for row in rows] for name in every}), anonymizer)


def hide(table, anonymizer):
    anonymizer.found(table.columns)
    for name in filter(anonymizer.hides, table.columns):
        hashes = {value: anonymizer.replace(None if value != value else value) for value in table[name].unique()}
        table[name] = table[name].map(hashes)
    return table
