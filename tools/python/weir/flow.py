# SPDX-License-Identifier: BSD-2-Clause
"""NFFlow: a record's bytes, decoded attribute by attribute when they are read.

A class is made for each set of columns; its properties know their places. weir.h describes the bytes
at weir_streamer__next_rows().
"""
import collections, ctypes, functools, operator, struct, sys, threading

from . import columns, library, memory

UNKNOWN = 1 << 63  # WEIR_ABSENT, as an unsigned number
NO_TEXT = 1 << 31  # and its high half, where a text has its length

_unsigned = struct.Struct("=Q").unpack_from
_signed = struct.Struct("=q").unpack_from
_double = struct.Struct("=d").unpack_from
_place = struct.Struct("=II").unpack_from
_first, _second = ("at", "size") if sys.byteorder == "little" else ("size", "at")

TEXT_BODY = f"""
    {_first}, {_second} = _place(row, {{0}})
    try:
        return row[at:at + size].decode() if size != NO_TEXT else ""
    except UnicodeDecodeError:
        return row[at:at + size].decode("utf-8", "replace")"""
BODIES = {
    library.UINT: """
    value = _unsigned(row, {0})[0]
    return value if value != UNKNOWN else None""",
    library.INT: """
    value = _signed(row, {0})[0]
    return value if value != -UNKNOWN else None""",
    library.DOUBLE: """
    value = _double(row, {0})[0]
    return value if value or _unsigned(row, {0})[0] != UNKNOWN else None""",
    library.TEXT: TEXT_BODY,
    library.ADDRESS: TEXT_BODY,
    library.MAC: TEXT_BODY,
    library.UINT128: f"""
    {_first}, {_second} = _place(row, {{0}})
    return int.from_bytes(row[at:at + 16], "big") if size != NO_TEXT else None""",
    library.LIST: f"""
    {_first}, {_second} = _place(row, {{0}})
    return list(struct.unpack_from("=%dq" % (size >> 3), row, at)) if size != NO_TEXT else None""",
}
# Which bytes: of a finished flow, of a live one as it is now, of a live one at its beginning.
FINISHED = "self._row"
NOW = "self._row or self._read()"
BEGINNING = "self._begun or self._read()"


def compile_getter(kind, place, source):
    """The function behind a property: one call, everything about the column is in its text."""
    text = f"def get(self):\n    row = {source}" + BODIES[kind].format(8 * place)
    scope = dict(globals())
    exec(text, scope)
    return scope["get"]


def _number(address):
    import ipaddress

    return int(ipaddress.ip_address(address))


def _nfhash(flow):
    return (_number(flow.src_ip) + _number(flow.dst_ip) + flow.src_port + flow.dst_port + flow.protocol +
            flow.vlan_id) % (1 << 64)


DERIVED = dict(zip(columns.DERIVED, (
    lambda flow: flow.src_mac[:8], lambda flow: flow.dst_mac[:8],
    lambda flow: _number(flow.src_ip), lambda flow: _number(flow.dst_ip), _nfhash)))

# Why an attribute is not there, by the end of its name.
NEEDS = {
    **{name: "splt_analysis above 0" for name in columns.SPLT},
    **{end: "statistical_analysis=True" for end in ("_ps", "_piat_ms", "_packets")},
    **{name: "system_visibility_mode=1 and an interface" for name in columns.SYSTEM},
    "tunnel_id": "decode_tunnels=True", "udps": "a plugin (udps=...)",
    **{name: "dissection (n_dissections above 0, or dissect=True)"
       for name in columns.SEED_APPLICATION + columns.NFSTREAM_APPLICATION},
}


class UDPS:
    """What plugins keep of a flow: flow.udps.anything = ..."""

    def __repr__(self):
        return "UDPS(" + ", ".join(f"{name}={value!r}" for name, value in vars(self).items()) + ")"


class NFFlow:
    """A finished flow. Its attributes have the names of both NFStream 6.5 and its documentation of 2019."""

    __slots__ = ("_row", "_edits")
    _names = ()   # own columns, in order
    _spec = None  # what makes this class

    def __init__(self, row=None):
        self._row = row

    def __getattr__(self, name):
        need = next((need for end, need in NEEDS.items() if name.endswith(end)), None)
        raise AttributeError(f"a flow has no attribute {name!r}" + (f" here; it needs {need}" if need else ""))

    def keys(self):
        """Names of the columns, then udps.NAME for what plugins added."""
        return [*self._names, *(name for name, value in self._added())]

    def values(self):
        return [*self._own_values(), *(value for name, value in self._added())]

    def items(self):
        return list(zip(self.keys(), self.values()))

    def to_namedtuple(self):
        """As of early versions of NFStream; the dots of udps.NAME become underscores."""
        return _tuple_type(tuple(self.keys()))(*self.values())

    def _added(self):
        return ()

    def _own_values(self):
        return self._get_own(self)

    def __str__(self):
        return "NFFlow(" + ",\n       ".join(f"{name}={value!r}" for name, value in self.items()) + ")"

    __repr__ = __str__

    def __reduce__(self):
        extra = {name: getattr(self, name) for name in ("_edits", "udps") if hasattr(self, name)}
        return _restore, (*self._spec, self._row, extra, getattr(self, "__dict__", {}))


@functools.lru_cache(maxsize=64)
def _tuple_type(keys):
    return collections.namedtuple("NFFlow", [key.replace(".", "_") for key in keys], rename=True)


class PluginFlow:
    """What flows have in addition where there are plugins."""

    __slots__ = ()

    def _added(self):
        named = [(name, value) for name, value in vars(self).items() if name[0] != "_"]
        return named + [(f"udps.{name}", value) for name, value in vars(self.udps).items()]


class LiveFlow:
    """A flow that is being metered: its attributes are of this moment, and only inside a hook."""

    __slots__ = ()

    def _read(self):
        """The record as it is now; kept until the next hook, and the first one for what never changes."""
        if not self._at:
            raise RuntimeError("this flow is still being metered: read it in a hook, or when it has ended")
        record = library.lib_held.weir_flow__record(self._at)
        size = library.lib_held.weir_record__row(record, _room.buffer, library.ROW_MAX) if record else -1
        if size < 0:
            raise MemoryError("no memory for the record of a live flow")
        self._row = _room.octets[:size].tobytes()
        if self._begun is None:
            self._begun = self._row
        return self._row

    def __reduce__(self):
        """A copy is a finished flow, as this one is now."""
        self._read()
        return super().__reduce__()


class Room(threading.local):
    """For one row; each thread has its own."""

    def __init__(self):
        octets = bytearray(library.ROW_MAX)
        self.octets = memoryview(octets)
        self.buffer = (ctypes.c_char * library.ROW_MAX).from_buffer(octets)


_room = Room()

# struct weir_flow: byte offsets of what is read without making a record.
FLOW_ID, PACKETS, BYTES, FIRST_NS, LAST_NS, EXPIRATION_ID = 0, 8, 24, 40, 48, 56
NS_PER_MS = 1_000_000

_LIVE = {
    "flow_id": "word(at)",
    "bidirectional_packets": f"word(at + {PACKETS}) + word(at + {PACKETS + 8})",
    "bidirectional_bytes": f"word(at + {BYTES}) + word(at + {BYTES + 8})",
    "src2dst_packets": f"word(at + {PACKETS})", "dst2src_packets": f"word(at + {PACKETS + 8})",
    "src2dst_bytes": f"word(at + {BYTES})", "dst2src_bytes": f"word(at + {BYTES + 8})",
    "bidirectional_first_seen_ms": f"word(at + {FIRST_NS}) // {NS_PER_MS}",
    "bidirectional_last_seen_ms": f"word(at + {LAST_NS}) // {NS_PER_MS}",
    "expiration_id": f"INT32[(at + {EXPIRATION_ID}) >> 2]",
}
# What a flow begins with never changes: read from the first record that was made of it.
_CONSTANT = {"src_ip", "dst_ip", "src_mac", "dst_mac", "src_port", "dst_port", "protocol", "ip_version", "version",
             "vlan_id", "tunnel_id", "ip_src", "ip_dst", "nfhash"}


def _live_getter(expression):
    text = f"def get(self):\n    at = self._at or self._read()\n    return {expression}"
    while "word(" in text:
        before, _, rest = text.partition("word(")
        inside, _, after = rest.partition(")")
        text = f"{before}UINT64[({inside}) >> 3]{after}"
    scope = {"UINT64": memory.UINT64, "INT32": memory.INT32}
    exec(text, scope)
    return scope["get"]


def _edit(flow, name, value):
    """A column that the user sets: only flows that this is done to pay for it."""
    if not hasattr(flow, "_edits"):
        flow._edits = {}
        flow.__class__ = edited(type(flow))
    flow._edits[name] = value


def _property(name, get):
    return property(get, functools.partial(_set, name))


def _set(name, flow, value):
    _edit(flow, name, value)


def _set_expiration(flow, value):
    if not flow._at:
        raise RuntimeError("expiration_id of a live flow is set in a hook")
    memory.INT32[(flow._at + EXPIRATION_ID) >> 2] = value


@functools.lru_cache(maxsize=None)
def edited(base):
    """The class of flows of base that have columns set by the user."""
    def overriding(name, get):
        def read(self):
            edits = self._edits
            return edits[name] if name in edits else get(self)
        return property(read, functools.partial(_set, name))

    places = {}
    for cls in reversed(base.__mro__):
        places.update({name: value for name, value in vars(cls).items() if isinstance(value, property)})
    live = issubclass(base, LiveFlow)
    body = {name: value if live and name == "expiration_id" else overriding(name, value.fget)
            for name, value in places.items()}
    return type("NFFlow", (base,), {"__slots__": (), "__module__": __name__, **body})


def _properties(spec, constant_source, source):
    """name -> getter of every attribute, both vocabularies."""
    names, carried, types = spec
    getters = {}
    for place, (name, kind) in enumerate(zip(carried, types)):
        getters[name] = compile_getter(kind, place, constant_source if name in _CONSTANT else source)
    for name, get in DERIVED.items():
        getters.setdefault(name, get)
    for old, new in columns.SAME.items():
        for name, other in ((old, new), (new, old)):
            if name not in getters and other in getters:
                getters[name] = getters[other]
    return getters


def _class(spec, bases, getters, **more):
    body = {name: _property(name, get) for name, get in getters.items()}
    return type("NFFlow", bases, {"__module__": __name__, "__slots__": (), **body, **more})


class Layout:
    """The classes for flows with these columns. names: own ones; carried, types: those of the records."""

    def __init__(self, names, carried, types):
        spec = (tuple(names), tuple(carried), tuple(types))
        self.names, self.carried, self.types = spec
        own = operator.attrgetter(*names) if len(names) > 1 else lambda flow: (getattr(flow, names[0]),)
        finished = _properties(spec, FINISHED, FINISHED)
        self.finished = _class(spec, (NFFlow,), finished, _names=spec[0], _spec=spec, _get_own=staticmethod(own))
        extended = _class(spec, (PluginFlow, self.finished), {},
                          __slots__=("udps", "_at", "_begun", "_ended", "__dict__"))
        self.extended = extended
        live = _properties(spec, BEGINNING, NOW)
        for name, expression in _LIVE.items():
            for each in (name, columns.OTHER_NAME.get(name)):
                if each in live:
                    live[each] = _live_getter(expression)
        self.live = _class(spec, (LiveFlow, extended), live)
        self.live.expiration_id = property(live["expiration_id"], _set_expiration)

    def finish(self, flow, row):
        """The live flow becomes a finished one: the same object, which its plugins may know."""
        flow._row = row
        flow._at = 0
        flow.__class__ = self.extended if type(flow) is self.live else edited(self.extended)


@functools.lru_cache(maxsize=64)
def layout(names, carried, types):
    return Layout(names, carried, types)


def _restore(names, carried, types, row, extra, more):
    """Of a pickle."""
    made = layout(names, carried, types)
    flow = (made.extended if "udps" in extra else made.finished)(row)
    if "_edits" in extra:
        flow.__class__ = edited(type(flow))
    for name, value in extra.items():
        setattr(flow, name, dict(value) if name == "_edits" else value)
    for name, value in more.items():
        setattr(flow, name, value)
    return flow
