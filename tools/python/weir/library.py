# SPDX-License-Identifier: BSD-2-Clause
"""Finds libweir and declares what the package calls of it: include/weir/weir.h and plugin.h."""
import ctypes, os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_size_t, c_uint32, c_uint64,
                    c_void_p)

SONAME = "libweir.so.0"
ROW_MAX = 2 << 20
PLUGIN_ABI = 1
EVERY_PACKET = 0xffffffff
STORE_U64 = 4
KEY_COLUMN = "weir.python"  # of the plugin that Python's are: hooks.py
LOG_WARNING = 1

UINT, INT, DOUBLE, TEXT, ADDRESS, MAC, UINT128, LIST = range(8)


class Column(Structure):
    _fields_ = [("name", c_char_p), ("unit", c_char_p), ("help", c_char_p), ("type", c_int),
                ("ipfix_enterprise", c_uint32), ("ipfix_id", c_uint32)]


class PluginColumn(Structure):
    _fields_ = [("name", c_char_p), ("unit", c_char_p), ("help", c_char_p), ("storage", c_int),
                ("offset", c_uint32)]


# Pointers come as integers: what the hooks are handed is read through weir.memory.
ON_PACKET = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_void_p)
ON_EXPIRE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)
LOG = CFUNCTYPE(None, c_void_p, c_int, c_char_p)


class Plugin(Structure):
    _fields_ = [("abi", c_uint32), ("packets", c_uint32), ("name", c_char_p), ("version", c_char_p),
                ("flow_size", c_uint32), ("column_count", c_uint32), ("columns", POINTER(PluginColumn)),
                ("open", c_void_p), ("on_init", ON_PACKET), ("on_update", ON_PACKET),
                ("on_expire", ON_EXPIRE), ("on_release", c_void_p), ("cleanup", c_void_p)]


class Options(Structure):
    _fields_ = [("sz", c_size_t), ("source", c_char_p), ("settings", POINTER(c_char_p)), ("argc", c_int),
                ("argv", POINTER(c_char_p)), ("log", LOG), ("log_context", c_void_p),
                ("plugins", POINTER(POINTER(Plugin))), ("plugin_data", POINTER(c_void_p))]


PROTOTYPES = {
    "weir_version": (c_char_p, ()),
    "weir_last_error": (c_char_p, ()),
    "weir_streamer__open": (c_int, (POINTER(c_void_p), POINTER(Options))),
    "weir_streamer__free": (None, (c_void_p,)),
    "weir_streamer__stop": (None, (c_void_p,)),
    "weir_streamer__write": (c_int, (c_void_p, c_int)),
    "weir_streamer__next_rows": (c_int, (c_void_p, c_void_p, c_size_t, POINTER(c_size_t), c_int)),
    "weir_streamer__column_count": (c_size_t, (c_void_p,)),
    "weir_streamer__column": (POINTER(Column), (c_void_p, c_int)),
    "weir_streamer__counter": (c_uint64, (c_void_p, c_size_t)),
    "weir_counter_name": (c_char_p, (c_size_t,)),
    "weir_flow__record": (c_void_p, (c_void_p,)),
    "weir_record__row": (c_int, (c_void_p, c_void_p, c_size_t)),
}


def candidates():
    """WEIR_LIBRARY alone, or where the loader looks, then a build beside these sources."""
    named = os.environ.get("WEIR_LIBRARY")
    if named:
        return [named]
    checkout = os.path.realpath(__file__).rsplit(os.sep, 4)[0]
    in_checkout = os.path.isfile(os.path.join(checkout, "include", "weir", "weir.h"))
    return [SONAME, *([os.path.join(checkout, "build", SONAME)] if in_checkout else [])]


def declare(library):
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def load():
    """The library twice: as usual, and with the interpreter's lock held while it works."""
    tried = []
    for path in candidates():
        try:
            return declare(ctypes.CDLL(path)), declare(ctypes.PyDLL(path))
        except (OSError, AttributeError) as error:
            tried.append(f"{path}: {error}")
    raise ImportError(f"weir: libweir cannot be loaded ({'; '.join(tried)}); install weir (`make install`), build it "
                      f"(`make`), or name the library in the environment: WEIR_LIBRARY=/path/to/{SONAME}") from None


# Hooks of a file's packets run all the time: with lib_held they need not take the lock each time, which
# makes a sixth; other threads get it while they run. Where waiting is possible, it is lib.
lib, lib_held = load()
