# SPDX-License-Identifier: BSD-2-Clause
"""NFPlugin, and what it means to the meter: which of its hooks there are to call."""


class NFPlugin:
    """Sees every packet of every flow. Keyword arguments become attributes.

    on_init(packet, flow)      the flow's first packet; it is counted already
    on_update(packet, flow)    each further packet; flow.expiration_id = -1 ends the flow with it
    on_expire(flow)            the flow has ended
    cleanup()                  the iteration has ended, however

    Given as plugins=..., or with methods of 2019: process(packet, flow) for each packet, the first one
    too, and giveup(flow) at the end. The attribute flow.NAME then exists; it begins as
    init_function(packet) and is removed at the end if the plugin is volatile.
    """

    def __init__(self, **kwargs):
        for name, value in kwargs.items():
            setattr(self, name, value)

    def on_init(self, packet, flow):
        pass

    def on_update(self, packet, flow):
        pass

    def on_expire(self, flow):
        pass

    def cleanup(self):
        pass


def _own(plugin, name):
    """The plugin's hook, or None where it is the empty one."""
    hook = getattr(plugin, name, None)
    return None if getattr(hook, "__func__", None) is vars(NFPlugin).get(name, 0) else hook


def is_of_2019(plugin):
    return any(hasattr(plugin, name) for name in ("process", "giveup", "init_function", "volatile"))


def attribute_name(plugin):
    return getattr(plugin, "name", type(plugin).__name__)


class Seed:
    """A plugin of 2019 as one of today."""

    def __init__(self, plugin):
        self.plugin = plugin
        self.name = attribute_name(plugin)
        self.begin = getattr(plugin, "init_function", None) or (lambda packet: 0)
        self.volatile = getattr(plugin, "volatile", False)
        self.process = getattr(plugin, "process", None)
        self.init, self.update, self.expire = (_own(plugin, name) for name in ("on_init", "on_update", "on_expire"))
        self.giveup = getattr(plugin, "giveup", None)

    def on_init(self, packet, flow):
        setattr(flow, self.name, self.begin(packet))
        for hook in (self.init, self.process):
            if hook:
                hook(packet, flow)

    def updates(self):
        return [hook for hook in (self.update, self.process) if hook]

    def on_expire(self, flow):
        for hook in (self.expire, self.giveup):
            if hook:
                hook(flow)
        if self.volatile:
            delattr(flow, self.name)


class Hooks:
    """What is to be called, in order, of all plugins. named: they were given as plugins=..."""

    def __init__(self, plugins, named):
        self.inits, self.updates, self.expires = [], [], []
        for plugin in plugins:
            if named or is_of_2019(plugin):
                adapter = Seed(plugin)
                self.inits.append(adapter.on_init)
                self.updates += adapter.updates()
                self.expires.append(adapter.on_expire)
                continue
            for hooks, name in ((self.inits, "on_init"), (self.updates, "on_update"), (self.expires, "on_expire")):
                hook = _own(plugin, name)
                if hook:
                    hooks.append(hook)
