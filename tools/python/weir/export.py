# SPDX-License-Identifier: BSD-2-Clause
"""to_csv() and to_pandas(). What the library can write itself, it writes."""
import os, warnings

from . import columns
from .session import Session, WeirWarning

KEY_BYTES, HASH_DIGITS = 64, 32


class Anonymizer:
    """Values replaced by the first 128 bits of their keyed BLAKE2b-512, as `weir --anonymize` does.

    The key is new for each export. Columns that tell a hidden one are hidden with it.
    """

    def __init__(self, asked):
        self.asked = check_names(asked)
        self.key = os.urandom(KEY_BYTES)

    def hides(self, name):
        return any(columns.tells(name, each) for each in self.asked)

    def found(self, names):
        """Which columns are asked for, or tell one that is asked for and not there. Where none does, it is told."""
        found = []
        for each in self.asked:
            those = [each] if each in names else [name for name in names if columns.tells(name, each)]
            if not those:
                warnings.warn(f"columns_to_anonymize: there is no column {each!r}", WeirWarning, stacklevel=5)
            found += those
        return found

    def replace(self, value):
        import hashlib  # with it comes all of OpenSSL

        text = as_text(value).encode("utf-8", "replace")
        return hashlib.blake2b(text, key=self.key).hexdigest()[:HASH_DIGITS]


def as_text(value):
    """As the library writes CSV: at most six decimals, lists as [1, 2, -1]."""
    if isinstance(value, float):
        digits = f"{value:.6f}".rstrip("0")
        return digits + "0" if digits.endswith(".") else digits
    return "" if value is None else str(value)


def check_names(names):
    names = (names,) if isinstance(names, str) else names
    try:
        return [str(name) for name in names]
    except TypeError:
        raise ValueError(f"columns_to_anonymize: {names!r} is not a list of columns") from None


def check_count(name, value):
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{name}: {value!r} is not an integer from 0")


def default_path(streamer):
    first = streamer.source[0] if isinstance(streamer.source, list) else streamer.source
    return first + ".csv"


def to_csv(streamer, path, hidden, flows_per_file, rotate_files):
    check_count("flows_per_file", flows_per_file)
    check_count("rotate_files", rotate_files)
    path = default_path(streamer) if path is None else os.fsdecode(path)
    anonymizer = Anonymizer(hidden)
    if streamer.udps or flows_per_file:
        return write_flows(streamer, anonymizer, path, flows_per_file, rotate_files)
    return write_library(streamer, anonymizer, path)


def names_of_run(streamer):
    """Its columns, those of the library's plugins among them, which it alone knows."""
    if not any(each.startswith("plugin=") for each in streamer.settings):
        return streamer._own()
    session = Session(streamer._options(streamer._own()))
    try:
        return [name for name, _ in session.columns()]
    finally:
        session.close()


def write_library(streamer, anonymizer, path):
    settings = streamer._options(streamer._own()) + ["quiet", f"output=csv:{path}"]
    hidden = anonymizer.found(names_of_run(streamer)) if anonymizer.asked else ()
    if hidden:
        settings.append("anonymize=" + ",".join(hidden))
    session = Session(settings)
    try:
        session.write(streamer._tick(session))
        return session.counters()["flows"]
    finally:
        session.close()


def part_path(path, part):
    """flows.csv: flows.0.csv; a name without that end gets the number behind it."""
    stem, end = os.path.splitext(path)
    return f"{stem}.{part}{end}" if end == ".csv" else f"{path}.{part}"


def write_flows(streamer, anonymizer, path, flows_per_file, rotate_files):
    """Line by line: for plugins, and for files of so many flows."""
    total = 0
    writer = Writer(anonymizer)
    try:
        for each in streamer:
            part = total // flows_per_file if flows_per_file else 0
            if total == 0 or flows_per_file and total % flows_per_file == 0:
                number = part % rotate_files if rotate_files else part
                writer.begin(part_path(path, number) if flows_per_file else path, each.keys())
            writer.write(each)
            total += 1
        if total == 0:
            writer.begin(part_path(path, 0) if flows_per_file else path, names_of_run(streamer))
    finally:
        writer.close()
    if total:
        anonymizer.found(writer.seen)
    return total


class Writer:
    """One CSV file after the other. The first flow of a file says which columns it has."""

    def __init__(self, anonymizer):
        self.anonymizer = anonymizer
        self.file = None
        self.seen = set()    # names of columns, of all files
        self.missed = set()

    def close(self):
        if self.file:
            self.file.close()

    def begin(self, path, names):
        import csv

        self.close()
        self.file = open(path, "w", newline="", encoding="utf-8", errors="replace")
        self.lines = csv.writer(self.file, lineterminator="\n")
        self.names = list(names)
        self.seen.update(names)
        self.hides = [self.anonymizer.hides(name) for name in names]
        self.lines.writerow(self.names)

    def write(self, each):
        names, values = each.keys(), each.values()
        if names != self.names:
            values = self.arrange(dict(zip(names, values)))
        self.lines.writerow([self.anonymizer.replace(value) if hidden else as_text(value)
                             for hidden, value in zip(self.hides, values)])

    def arrange(self, values):
        """Plugins added something else to this flow than to the first one."""
        for name in values.keys() - set(self.names) - self.missed:
            self.missed.add(name)
            warnings.warn(f"{name} is not in the file: its first flow has none; set it in on_init", WeirWarning,
                          stacklevel=4)
        return [values.get(name) for name in self.names]


def to_pandas(streamer, hidden):
    from . import frame  # pandas is needed here alone

    anonymizer = Anonymizer(hidden)
    if streamer.udps:
        return frame.of_flows(list(streamer), streamer._own(), anonymizer)
    session = Session(streamer._options(streamer._own()))
    try:
        return frame.of_batches(session.batches(streamer._tick(session)), session.columns(), anonymizer)
    finally:
        session.close()
