# SPDX-License-Identifier: BSD-2-Clause
"""DataFrames of rows, column by column; types are those that NFStream's way through CSV gives:
numbers are numbers, what is empty is NaN, lists are texts.
"""
import math, struct

from . import flow, library

NAN = math.nan
length = struct.Struct("=Q").unpack_from


def offsets(batch):
    """Where the rows begin, in 8 bytes."""
    found, at, end = [], 0, len(batch)
    while at < end:
        found.append((at + 8) >> 3)
        at += 8 + length(batch, at)[0]
    return found


def texts(batch, starts, places, known):
    """Values behind the columns, decoded; known remembers those seen before."""
    values = []
    for start, place in zip(starts, places):
        at, size = place & 0xffffffff, place >> 32
        if size == 0 or size == flow.NO_TEXT:
            values.append(NAN)
            continue
        begin = 8 * start + at
        octets = batch[begin:begin + size]
        text = known.get(octets)
        if text is None:
            text = known[octets] = str(octets, "utf-8", "replace")
        values.append(text)
    return values


def lists(batch, starts, places):
    values = []
    for start, place in zip(starts, places):
        at, size = place & 0xffffffff, place >> 32
        if size == flow.NO_TEXT:
            values.append(NAN)
            continue
        values.append(str(list(struct.unpack_from(f"={size >> 3}q", batch, 8 * start + at))))
    return values


def big_numbers(batch, starts, places):
    return [int.from_bytes(batch[8 * start + (place & 0xffffffff):][:16], "big") for start, place in zip(starts, places)]


class Column:
    """Grows batch by batch."""

    def __init__(self, kind):
        self.kind = kind
        self.parts = []
        self.known = {}

    def add(self, numpy, batch, starts, words):
        if self.kind in (library.UINT, library.INT):
            self.parts.append(words.view(numpy.uint64 if self.kind == library.UINT else numpy.int64))
        elif self.kind == library.DOUBLE:
            self.parts.append(numpy.where(words.view(numpy.uint64) == flow.UNKNOWN, NAN, words.view(numpy.float64)))
        else:
            places = words.view(numpy.uint64).tolist()
            if self.kind == library.LIST:
                self.parts += lists(batch, starts, places)
            elif self.kind == library.UINT128:
                self.parts += big_numbers(batch, starts, places)
            else:
                if len(self.known) > 1 << 16:
                    self.known.clear()
                self.parts += texts(batch, starts, places, self.known)

    def values(self, numpy):
        if self.kind == library.DOUBLE:
            return numpy.concatenate(self.parts)
        if self.kind == library.INT:
            whole = numpy.concatenate(self.parts)
            return numpy.where(whole == -flow.UNKNOWN, NAN, whole) if (whole == -flow.UNKNOWN).any() else whole
        if self.kind == library.UINT:
            whole = numpy.concatenate(self.parts)
            if (whole == flow.UNKNOWN).any():
                return numpy.where(whole == flow.UNKNOWN, NAN, whole)
            return whole if whole.max() >= flow.UNKNOWN else whole.astype(numpy.int64)
        return self.parts


def of_batches(batches, names, kinds, anonymizer):
    import numpy, pandas

    found = [Column(kind) for kind in kinds]
    flows = 0
    for batch in batches:
        starts = offsets(batch)
        flows += len(starts)
        words = numpy.frombuffer(batch, dtype=numpy.int64)
        table = words[numpy.array(starts)[:, None] + numpy.arange(len(kinds))].T.copy()
        for place, column in enumerate(found):
            column.add(numpy, batch, starts, table[place])
    if not flows:
        return None
    return hide(pandas.DataFrame({name: pandas.Series(column.values(numpy)) for name, column in zip(names, found)}),
                anonymizer)


def plain(value, as_text):
    """A value of a plugin as a cell: numbers and truth stay, all else is its text."""
    if value is None or value == "":
        return NAN
    return value if isinstance(value, (int, float)) else as_text(value)


def of_flows(flows, names, anonymizer, as_text):
    import pandas

    if not flows:
        return None
    rows = [dict(each.items()) for each in flows]
    every = dict.fromkeys(names)
    for row in rows:
        every.update(dict.fromkeys(row))
    return hide(pandas.DataFrame({name: pandas.Series([plain(row.get(name), as_text) for row in rows]) for name in every}),
                anonymizer)


def hide(table, anonymizer):
    for name in table.columns:
        if anonymizer.hides(name):
            hashes = {}
            table[name] = [hashes[value] if value in hashes else hashes.setdefault(value, anonymizer.replace(value))
                           for value in ("" if value != value else value for value in table[name])]
    return table
