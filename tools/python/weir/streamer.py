# SPDX-License-Identifier: BSD-2-Clause
"""NFStreamer: the parameters of NFStream 6.5 and of 2019, and the flows they give."""
import os, struct, warnings

from . import columns, flow, parameters
from .library import KEY_COLUMN
from .session import Session, WeirWarning

NOT_GIVEN = type("NotGiven", (), {"__repr__": lambda self: "default"})()
ACCOUNTING = ("link", "ip", "transport", "payload")
SNAPLEN_MIN, SNAPLEN_MAX = 64, 262144
SECONDS_MAX = 1_000_000_000  # the library's bound: 31 years
DISSECTIONS_MAX = 255


class NFStreamer:
    """Flows of a capture file, of a list of them, or of an interface.

    Parameters that only NFStream's documentation of 2019 has (snaplen, plugins, dissect,
    max_tcp_dissections, max_udp_dissections) select its defaults and its names of columns; without
    them they are NFStream 6.5's. columns adds columns of weir (`weir fields`), settings are options of
    the weir command by their long names ("hook=pcap", "tcp-end").
    """

    source = parameters.Source()
    decode_tunnels = parameters.flag()
    bpf_filter = parameters.text_or_none()
    promiscuous_mode = parameters.flag()
    snapshot_length = parameters.number(1)
    snaplen = parameters.SecondName("snapshot_length")
    socket_buffer_size = parameters.number(0, (1 << 31) - 1)
    idle_timeout = parameters.seconds()
    active_timeout = parameters.seconds()
    accounting_mode = parameters.number(0, len(ACCOUNTING) - 1)
    udps = parameters.Plugins()
    plugins = parameters.NamedPlugins("udps")
    dissect = parameters.flag()
    max_tcp_dissections = parameters.number(0, DISSECTIONS_MAX)
    max_udp_dissections = parameters.number(0, DISSECTIONS_MAX)
    statistical_analysis = parameters.flag()
    splt_analysis = parameters.number(0, 65535)
    n_meters = parameters.number(0)
    max_nflows = parameters.number(0)
    performance_report = parameters.number(0)
    system_visibility_poll_ms = parameters.number(0)
    columns = parameters.Names()
    settings = parameters.Names()

    def __init__(self, source=None, decode_tunnels=True, bpf_filter=None, promiscuous_mode=True,
                 snapshot_length=NOT_GIVEN, socket_buffer_size=0, idle_timeout=NOT_GIVEN, active_timeout=NOT_GIVEN,
                 accounting_mode=0, udps=None, n_dissections=NOT_GIVEN, statistical_analysis=False, splt_analysis=0,
                 n_meters=0, max_nflows=0, performance_report=0, system_visibility_mode=0,
                 system_visibility_poll_ms=100, *, snaplen=NOT_GIVEN, plugins=NOT_GIVEN, dissect=NOT_GIVEN,
                 max_tcp_dissections=NOT_GIVEN, max_udp_dissections=NOT_GIVEN, columns=(), settings=()):
        self._seed = any(given is not NOT_GIVEN
                         for given in (snaplen, plugins, dissect, max_tcp_dissections, max_udp_dissections))

        def choose(old, new, *given):
            return next((value for value in given if value is not NOT_GIVEN), old if self._seed else new)

        self.source = source
        self.decode_tunnels = decode_tunnels
        self.bpf_filter = bpf_filter
        self.promiscuous_mode = promiscuous_mode
        self.snapshot_length = choose(65535, 1536, snaplen, snapshot_length)
        self.socket_buffer_size = socket_buffer_size
        self.idle_timeout = choose(30, 120, idle_timeout)
        self.active_timeout = choose(300, 1800, active_timeout)
        self.accounting_mode = accounting_mode
        self.udps = udps
        if plugins is not NOT_GIVEN:
            self.plugins = plugins
        self.dissect = choose(True, True, dissect)
        self.max_tcp_dissections = choose(10, 20, max_tcp_dissections)
        self.max_udp_dissections = choose(16, 20, max_udp_dissections)
        if n_dissections is not NOT_GIVEN:
            self.n_dissections = n_dissections
        self.statistical_analysis = statistical_analysis
        self.splt_analysis = splt_analysis
        self.n_meters = n_meters
        self.max_nflows = max_nflows
        self.performance_report = performance_report
        self.system_visibility_mode = system_visibility_mode
        self.system_visibility_poll_ms = system_visibility_poll_ms
        self.columns = columns
        self.settings = settings

    @property
    def n_dissections(self):
        """Packets of a flow that nDPI may see; 0 = no dissection. 6.5 has one number for TCP and UDP."""
        return max(self.max_tcp_dissections, self.max_udp_dissections) if self.dissect else 0

    @n_dissections.setter
    def n_dissections(self, value):
        if not isinstance(value, int) or not 0 <= value <= DISSECTIONS_MAX:
            raise ValueError(f"n_dissections: {value!r} is not an integer from 0 to {DISSECTIONS_MAX}")
        self.dissect = value > 0
        if value:
            self.max_tcp_dissections = self.max_udp_dissections = value

    @property
    def system_visibility_mode(self):
        return self._system_visibility_mode

    @system_visibility_mode.setter
    def system_visibility_mode(self, value):
        if not isinstance(value, int) or value not in (0, 1):
            raise ValueError(f"system_visibility_mode: {value!r} is not 0 or 1")
        if value and not self._live:
            warnings.warn("system_visibility_mode is for interfaces; it is 0 now", WeirWarning, stacklevel=3)
        self._system_visibility_mode = value if self._live else 0

    # --- flows ------------------------------------------------------------------------------------

    def __iter__(self):
        return self._with_plugins() if self.udps else self._without_plugins()

    def _without_plugins(self):
        session = Session(self._options(self._carried()))
        try:
            make, length = self._layout(session).finished, struct.Struct("=Q").unpack_from
            for batch in session.batches(self._tick(session)):
                at, end = 0, len(batch)
                while at < end:
                    first = at + 8
                    at = first + length(batch, at)[0]
                    yield make(batch[first:at])
        finally:
            session.close()

    def _with_plugins(self):
        """After an exception of a plugin come the flows that had ended before it, then the exception."""
        from .hooks import Host
        from .plugin import Hooks

        host = Host(Hooks(self.udps, self._named_plugins))
        session = None
        try:
            session = Session(self._options(self._carried()), host, waits=self._may_wait())
            host.layout = self._layout(session)
            length, key_at = struct.Struct("=Q").unpack_from, 8 * host.layout.carried.index(KEY_COLUMN)
            for batch in session.batches(self._tick(session)):
                at, end = 0, len(batch)
                while at < end:
                    first = at + 8
                    at = first + length(batch, at)[0]
                    ended = host.take(length(batch, first + key_at)[0], batch[first:at])
                    if ended is not None:
                        yield ended
        finally:
            if session:
                session.close()
            self._clean_up()

    def _clean_up(self):
        """Every plugin's cleanup() is called; the first exception of them is told."""
        first = None
        for plugin in self.udps:
            try:
                plugin.cleanup()
            except Exception as error:
                first = first or error
        if first:
            raise first

    def _may_wait(self):
        """Whether packets may be long in coming: not in files, but on interfaces and in pipes."""
        files = self.source if isinstance(self.source, list) else [self.source]
        return self._live or not all(os.path.isfile(path) for path in files)

    def _layout(self, session):
        names, types = zip(*session.columns())
        made = flow.layout((*self._own(), *self._native(names)), names, types)
        parameters.check_names(self.udps, self._named_plugins, dir(made.extended))
        return made

    def _native(self, names):
        """Of the columns of a run those of plugins of the library (settings=["plugin=..."])."""
        asked = {KEY_COLUMN, *self._own(), *self._carried()}
        return [name for name in names if name not in asked]

    def _tick(self, session):
        if not self._live or not self.performance_report:
            return None
        from .performance import Performance

        return Performance(session, self.performance_report).tick

    # --- exports ----------------------------------------------------------------------------------

    def to_csv(self, path=None, columns_to_anonymize=(), flows_per_file=0, rotate_files=0):
        """Writes CSV (RFC 4180) and returns the number of flows. Without a path: beside the source."""
        from . import export

        return export.to_csv(self, path, columns_to_anonymize, flows_per_file, rotate_files)

    def to_pandas(self, columns_to_anonymize=()):
        """A DataFrame, or None if there was no flow."""
        from . import export

        return export.to_pandas(self, columns_to_anonymize)

    # --- for the library --------------------------------------------------------------------------

    def _sees_processes(self):
        return self._live and self.system_visibility_mode

    def _switches(self):
        added = (*columns.SYSTEM, *self.columns) if self._sees_processes() else self.columns
        return self.decode_tunnels, self.statistical_analysis, self.splt_analysis > 0, self.dissect, added

    def _own(self):
        return columns.own(self._seed, *self._switches())

    def _carried(self):
        return columns.carried(self._seed, *self._switches())

    def _options(self, fields):
        """The options of the command that mean the same."""
        given = self._source_options()
        given += [f"idle-timeout={min(self.idle_timeout, SECONDS_MAX):d}",
                  f"active-timeout={min(self.active_timeout, SECONDS_MAX):d}",
                  f"accounting={ACCOUNTING[self.accounting_mode]}",
                  f"tunnels={'all' if self.decode_tunnels else 'ipip'}",
                  f"fields={','.join(fields)}"]
        if self.bpf_filter:
            given.append(f"filter={self.bpf_filter}")
        if self.statistical_analysis:
            given.append("stats")
        if self.splt_analysis:
            given.append(f"splt={self.splt_analysis:d}")
        if self._sees_processes():
            given.append("attribute=process")
        if self.max_nflows:
            given.append(f"stop-after={self.max_nflows:d}")
        if self.udps:
            given.append("plugin-strict")
        return given + self._dissection_options() + list(self.settings)

    def _source_options(self):
        if not self._live:
            files = self.source if isinstance(self.source, list) else [self.source]
            return [f"read={path}" for path in files]
        snaplen = min(max(self.snapshot_length, SNAPLEN_MIN), SNAPLEN_MAX)
        return [f"interface={self.source}", f"snaplen={snaplen:d}", *(["promisc"] if self.promiscuous_mode else [])]

    def _dissection_options(self):
        if not self.dissect:
            return ["no-dissect"]
        return [f"max-tcp-dissections={self.max_tcp_dissections:d}",
                f"max-udp-dissections={self.max_udp_dissections:d}"]

