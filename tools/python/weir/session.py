# SPDX-License-Identifier: BSD-2-Clause
"""One run of the library: opened, read to its end, freed. Errors become exceptions, messages warnings."""
import contextlib, ctypes, errno, os, signal, sys, threading, warnings

from . import library
from .library import lib

BUFFER = 256 << 10  # bytes of rows a call
WAIT_MS = 100       # how long Ctrl-C may have to wait on a silent wire


class WeirError(ValueError):
    """What the library reports; errno is the system's number. NFStream raises ValueError, so does weir."""

    def __init__(self, message, number):
        super().__init__(message)
        self.errno = number


class WeirWarning(UserWarning):
    """The run goes on, but something is worth knowing."""


def words(texts):
    """A C array of strings up to a NULL."""
    return (ctypes.c_char_p * (len(texts) + 1))(*(os.fsencode(text) for text in texts), None)


class Session:
    """settings: "name=value" of the weir command. host: a hooks.Host, or None. waits: the source may."""

    def __init__(self, settings, host=None, waits=True):
        self.handle = ctypes.c_void_p()
        self.host = host
        self.next_rows = (lib if waits or not host else library.lib_held).weir_streamer__next_rows
        self.messages = []
        self.stopped = False
        self._log = library.LOG(lambda _, level, message: self.messages.append((level, message)))
        self._settings = words(settings)
        options = library.Options(sz=ctypes.sizeof(library.Options), settings=self._settings, log=self._log)
        if host:
            self._plugins = (ctypes.POINTER(library.Plugin) * 2)(ctypes.pointer(host.plugin), None)
            options.plugins = self._plugins
            host.stop = self.stop
        code = lib.weir_streamer__open(ctypes.byref(self.handle), ctypes.byref(options))
        error = self.error(code) if code < 0 else None
        try:
            self.warn(idle=True)
            if error:
                raise error
        except BaseException:  # warnings may be errors
            self.close()
            raise

    def close(self):
        handle, self.handle = self.handle, ctypes.c_void_p()
        lib.weir_streamer__free(handle)

    def error(self, code):
        """What the last call reports; it is told once."""
        told = lib.weir_last_error()
        self.messages = [each for each in self.messages if each[1] != told]
        return WeirError(told.decode(errors="replace") or os.strerror(-code), -code)

    def warn(self, idle=False):
        """Warnings at once; errors when nothing is left that the library could report them with.

        The library's words for an exception of a plugin are left out: end() raises the exception itself.
        """
        if self.host and self.host.error is not None:
            self.messages = [each for each in self.messages if not each[1].startswith(b"plugin python: ")]
        now = [each for each in self.messages if idle or each[0] == library.LOG_WARNING]
        self.messages = [each for each in self.messages if each not in now]
        for _, message in now:
            warnings.warn(message.decode(errors="replace"), WeirWarning, stacklevel=4)

    def columns(self):
        """[(name, type)] of the records."""
        found = (lib.weir_streamer__column(self.handle, place).contents
                 for place in range(lib.weir_streamer__column_count(self.handle)))
        return [(column.name.decode(), column.type) for column in found]

    def counters(self):
        """{name: value} of the accounting of packets."""
        values, place = {}, 0
        while name := lib.weir_counter_name(place):
            values[name.decode()] = lib.weir_streamer__counter(self.handle, place)
            place += 1
        return values

    def stop(self):
        self.stopped = True
        lib.weir_streamer__stop(self.handle)

    def _on_signal(self, *_):
        if self.stopped:
            raise KeyboardInterrupt
        self.stop()

    @contextlib.contextmanager
    def guarded(self):
        """While the library works: Ctrl-C ends the source, and its flows come yet; the second one raises."""
        if threading.current_thread() is not threading.main_thread():  # no signal is handled in others
            yield
            return
        interrupt = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        previous = sys.unraisablehook
        if interrupt:
            signal.signal(signal.SIGINT, self._on_signal)
        if self.host:
            sys.unraisablehook = self.host.unraisable(previous)
        try:
            yield
        finally:
            sys.unraisablehook = previous
            if interrupt:
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def batches(self, tick=None):
        """Rows, as bytes: weir_streamer__next_rows(). tick is called after each call of the library."""
        size, used = BUFFER, ctypes.c_size_t()
        buffer = ctypes.create_string_buffer(size)
        view = memoryview(buffer)
        while True:
            with self.guarded():
                code = self.next_rows(self.handle, buffer, size, ctypes.byref(used), WAIT_MS)
            error = self.error(code) if code < 0 and code != -errno.EAGAIN else None
            self.warn(idle=code == -errno.EAGAIN)
            if tick:
                tick()
            if code > 0:
                yield view[:used.value].tobytes()
            elif code == -errno.ENOSPC and size < library.ROW_MAX:
                size = library.ROW_MAX
                buffer = ctypes.create_string_buffer(size)
                view = memoryview(buffer)
            elif error or not code:
                self.end(error)
                return

    def write(self, tick=None):
        """Everything to the outputs of the settings."""
        code = 1
        while code > 0:
            with self.guarded():
                code = lib.weir_streamer__write(self.handle, WAIT_MS)
            error = self.error(code) if code < 0 else None
            self.warn(idle=code > 0)
            if tick:
                tick()
        self.end(error)

    def end(self, error):
        """A plugin's exception comes first; a capture that breaks off has given all it had."""
        thrown = self.host and self.host.error
        try:
            self.warn(idle=True)
        finally:
            if thrown is not None:
                raise thrown
        if error and ": broken after packet " in str(error):
            warnings.warn(str(error), WeirWarning, stacklevel=4)
        elif error:
            raise error
