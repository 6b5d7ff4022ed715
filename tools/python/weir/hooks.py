# SPDX-License-Identifier: BSD-2-Clause
"""Python plugins as one plugin of the library.

The state of a flow in the library is a number, the key of its NFFlow here; a column of that name brings
it back with the record. No exception passes through the library: the first one is kept, the run is
ended, and the caller gets it.
"""
import itertools, sys

from . import flow as flows
from . import library, memory, packet

CANCELED = -125  # ECANCELED


class Host:
    """The plugin that is handed to a streamer. Keep it for as long as the streamer lives."""

    def __init__(self, hooks):
        self.hooks = hooks
        self.flows = {}      # key -> NFFlow, from its first packet until its record is taken
        self.layout = None   # set when the columns are known, before the first packet
        self.error = None
        self.stop = None     # ends the run
        key = library.PluginColumn(library.KEY_COLUMN.encode(), b"", b"number of the flow in Python", library.STORE_U64, 0)
        self.columns = (library.PluginColumn * 1)(key)
        on_init, on_update = packet_hooks(self)
        on_expire = expire_hook(self)
        self.callbacks = {"on_init": library.ON_PACKET(on_init), "on_expire": library.ON_EXPIRE(on_expire)}
        if hooks.updates:
            self.callbacks["on_update"] = library.ON_PACKET(on_update)
        self.plugin = library.Plugin(
            abi=library.PLUGIN_ABI, packets=library.EVERY_PACKET if hooks.updates else 1, name=b"python", version=b"1",
            flow_size=8, column_count=1, columns=self.columns, **self.callbacks)
        self.functions = (on_init, on_update, on_expire)

    def take(self, key, row):
        """The flow of a record; None for one that an exception has cut off."""
        flow = self.flows.pop(key, None)
        if flow is None:  # key 0: no packet of it was seen here
            flow = self.layout.extended(row)
            flow.udps = flows.UDPS()
            return flow
        if not flow._ended:
            return None
        self.layout.finish(flow, row)
        return flow

    def fail(self, error):
        if self.error is None:
            self.error = error
        return CANCELED

    def is_of_hook(self, what):
        """Python 3.13 names the function in words alone."""
        return what.object in self.functions or (
            what.object is None and any(repr(each) in (what.err_msg or "") for each in self.functions))

    def unraisable(self, previous):
        """For sys.unraisablehook: what a signal handler raises when a hook is about to begin."""
        def catch(what):
            if what.exc_value is not None and self.is_of_hook(what):
                self.fail(what.exc_value)
                self.stop()
            else:
                previous(what)
        return catch


def in_order(hooks):
    """One function that calls all of them."""
    if len(hooks) == 1:
        return hooks[0]

    def call(*arguments):
        for hook in hooks:
            hook(*arguments)
    return call


def leave(flow):
    """The hook of a flow is over: what the library has of it may be gone when it is read next."""
    if flow is not None:
        flow._at = 0


def packet_hooks(host):
    """on_init and on_update. They share one packet: it is filled anew unless somebody has kept it."""
    flow_of, keys = host.flows, itertools.count(1)
    words, octets, size, references = memory.UINT64, memory.BYTES, packet.SIZE, sys.getrefcount
    init, update = in_order(host.hooks.inits), in_order(host.hooks.updates)
    current, content = packet.blank()
    unkept = references(current)

    def put_away():
        """The packet at hand lives on with who kept it; the next one gets a new object."""
        nonlocal current, content
        current._keep()
        current, content = packet.blank()

    def failed(error, flow):
        host.fail(error)
        try:
            if flow is not None and flow._at:  # the packet is in the frames of the error, too
                put_away()
        finally:
            leave(flow)
        return CANCELED

    def on_init(_context, state, source, address):
        flow = None
        try:
            key = next(keys)
            words[state >> 3] = key
            flow = flow_of[key] = host.layout.live(None)
            flow.udps = flows.UDPS()
            flow._begun = None
            flow._ended = False
            flow._at = address
            content[:] = octets[source:source + size]
            current._flow = flow
            init(current, flow)
            if references(current) != unkept:
                put_away()
            flow._at = 0
            return 0
        except BaseException as error:
            return failed(error, flow)

    def on_update(_context, state, source, address):
        flow = None
        try:
            if not source:  # packets were counted that nobody was shown
                return 0
            flow = flow_of[words[state >> 3]]
            flow._at = address
            flow._row = None
            content[:] = octets[source:source + size]
            current._flow = flow
            update(current, flow)
            if references(current) != unkept:
                put_away()
            flow._at = 0
            return 0
        except BaseException as error:
            return failed(error, flow)

    return on_init, on_update


def expire_hook(host):
    flow_of, words = host.flows, memory.UINT64
    expire = in_order(host.hooks.expires)

    def on_expire(_context, state, address):
        flow = None
        try:
            flow = flow_of[words[state >> 3]]
            flow._at = address
            flow._row = None
            expire(flow)
            flow._at = 0
            flow._ended = True
            return 0
        except BaseException as error:
            leave(flow)
            return host.fail(error)

    return on_expire
