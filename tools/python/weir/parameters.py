# SPDX-License-Identifier: BSD-2-Clause
"""The parameters of NFStreamer: what each takes, under which names, and what a bad value is told."""
import os
from collections.abc import Iterable

from . import columns
from .flow import NFFlow
from .plugin import NFPlugin, attribute_name, is_of_2019

MILLISECONDS_MAX = (1 << 64) - 1


class Parameter:
    """An attribute whose values are checked whenever they are set."""

    def __init__(self, accepts, wanted):
        self.accepts, self.wanted = accepts, wanted

    def __set_name__(self, owner, name):
        self.name, self.place = name, "_" + name

    def __get__(self, streamer, owner=None):
        return self if streamer is None else getattr(streamer, self.place)

    def __set__(self, streamer, value):
        if not self.accepts(value):
            self.refuse(value)
        setattr(streamer, self.place, value)

    def refuse(self, value):
        raise ValueError(f"{self.name}: {value!r} is not {self.wanted}")


class SecondName:
    """The same parameter under its other name."""

    def __init__(self, name):
        self.name = name

    def __get__(self, streamer, owner=None):
        return self if streamer is None else getattr(streamer, self.name)

    def __set__(self, streamer, value):
        setattr(streamer, self.name, value)


def flag():
    return Parameter(lambda value: isinstance(value, bool), "True or False")


def number(low, high=None):
    wanted = f"an integer from {low}" + (f" to {high}" if high is not None else "")
    return Parameter(lambda value: isinstance(value, int) and value >= low and (high is None or value <= high), wanted)


def seconds():
    return Parameter(lambda value: isinstance(value, int) and 0 <= value * 1000 <= MILLISECONDS_MAX,
                     "a number of whole seconds from 0")


def text_or_none():
    return Parameter(lambda value: value is None or isinstance(value, str), "a filter (pcap-filter(7)) or None")


class Names(Parameter):
    """Of columns, of options: a list of strings; kept as a tuple."""

    def __init__(self):
        super().__init__(lambda values: all(isinstance(each, str) for each in values), "a list of strings")

    def __set__(self, streamer, value):
        if not isinstance(value, Iterable) or isinstance(value, str):
            self.refuse(value)
        super().__set__(streamer, tuple(value))


class Plugins(Parameter):
    """One NFPlugin, several, or None; kept as a tuple. Those of 6.5 are what they are."""

    def __init__(self):
        super().__init__(lambda plugins: all(isinstance(each, NFPlugin) for each in plugins),
                         "an NFPlugin or a list of them")

    def __set__(self, streamer, value):
        self.put(streamer, value, named=False)

    def put(self, streamer, value, named):
        plugins = (value,) if isinstance(value, NFPlugin) else () if value is None else value
        if not isinstance(plugins, Iterable):
            self.refuse(value)
        plugins = tuple(plugins)
        if self.accepts(plugins):
            check_names(plugins, named, ATTRIBUTES)
        super().__set__(streamer, plugins)
        streamer._named_plugins = named


class NamedPlugins(SecondName):
    """Those of 2019: each becomes an attribute of flows, under its name."""

    def __set__(self, streamer, value):
        vars(type(streamer))[self.name].put(streamer, value, named=True)


# What a flow has without any plugin.
ATTRIBUTES = {*columns.SEED, *columns.SEED_APPLICATION, *columns.NFSTREAM, *columns.NFSTREAM_APPLICATION,
              *columns.STATISTICS, *columns.SPLT, *columns.SYSTEM, *dir(NFFlow), "udps"}


def check_names(plugins, named, taken):
    """Those of 2019 become attributes. named: all of them are, as they were given as plugins=..."""
    taken = set(taken)
    for plugin in plugins:
        name = attribute_name(plugin)
        if not named and not is_of_2019(plugin):
            continue
        if name in taken:
            raise ValueError(f"{'plugins' if named else 'udps'}: two attributes of a flow would be called {name!r}; "
                             "give the plugin another name")
        taken.add(name)


def interface_names():
    import socket

    return [name for _, name in socket.if_nameindex()]


def first_interface_up():
    """2019's default source."""
    for name in interface_names():
        try:
            with open(f"/sys/class/net/{name}/flags", encoding="ascii") as flags:
                up = int(flags.read(), 16) & 1
        except OSError:
            continue
        if up and name != "lo":
            return name
    raise ValueError("source: no interface is up; name a capture file or an interface")


def is_capture(path):
    return os.path.exists(path) and not os.path.isdir(path)


class Source(Parameter):
    """A capture file, an interface, or a list of capture files."""

    def __init__(self):
        super().__init__(None, "a capture file that exists, an interface, or a list of capture files")

    def reject(self, value, why):
        raise ValueError(f"source: {value!r} {why}; give {self.wanted}")

    def path(self, value):
        try:
            return os.fsdecode(value)
        except TypeError:
            self.reject(value, "is neither a path nor a name")

    def files(self, values):
        if not values:
            self.reject(values, "is empty")
        for place, path in enumerate(values):
            if not is_capture(path):
                self.reject(path, f"(place {place} of the list) is no file")
        return values

    def __set__(self, streamer, value):
        if isinstance(value, (list, tuple)):
            setattr(streamer, self.place, self.files([self.path(each) for each in value]))
            streamer._live = False
            return
        if value is None and streamer._seed:
            value = first_interface_up()
        name = self.path(value)
        streamer._live = not is_capture(name)
        if streamer._live and name not in interface_names():
            self.reject(name, "is neither a file nor an interface")
        setattr(streamer, self.place, name)
