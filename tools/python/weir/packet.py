# SPDX-License-Identifier: BSD-2-Clause
"""NFPacket: the library's struct weir_packet under the names of NFStream, 6.5's and 2019's."""
import collections, ctypes, ipaddress, socket, sys

FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")  # from the lowest bit
NS_PER_MS = 1_000_000

TCPFlags = collections.namedtuple("tcpflags", ("syn", "cwr", "ece", "urg", "ack", "psh", "rst", "fin"))

NAMES = ("time", "delta_time", "direction", "raw_size", "ip_size", "transport_size", "payload_size", "src_ip",
         "src_mac", "src_oui", "dst_ip", "dst_mac", "dst_oui", "src_port", "dst_port", "protocol", "vlan_id",
         "ip_version", "ip_packet", "syn", "cwr", "ece", "urg", "ack", "psh", "rst", "fin", "tunnel_id")


class _Bits(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint8, 1) for name in (FLAGS if sys.byteorder == "little" else FLAGS[::-1])]


class _Flags(ctypes.Union):
    _anonymous_ = ("bits",)
    _fields_ = [("tcp_flags", ctypes.c_uint8), ("bits", _Bits)]


class NFPacket(ctypes.Structure):
    """A packet, in a hook. It may be kept: what lies outside of it is then copied when the hook ends."""

    _anonymous_ = ("_flags",)
    _fields_ = [("time_ns", ctypes.c_uint64), ("delta_ns", ctypes.c_uint64), ("raw_size", ctypes.c_uint32),
                ("ip_size", ctypes.c_uint32), ("transport_size", ctypes.c_uint32), ("payload_size", ctypes.c_uint32),
                ("capture_length", ctypes.c_uint32), ("segments", ctypes.c_uint32), ("_raw", ctypes.c_uint64),
                ("nfhash", ctypes.c_uint64), ("_src", ctypes.c_uint8 * 16), ("_dst", ctypes.c_uint8 * 16),
                ("src_port", ctypes.c_uint16), ("dst_port", ctypes.c_uint16), ("vlan_id", ctypes.c_uint16),
                ("protocol", ctypes.c_uint8), ("ip_version", ctypes.c_uint8), ("_flags", _Flags),
                ("direction", ctypes.c_uint8), ("tunnel_id", ctypes.c_uint8), ("_reserved", ctypes.c_uint8)]

    _kept = None  # its bytes and the flow's link addresses, once the packet outlives its hook

    @property
    def time(self):
        return self.time_ns // NS_PER_MS

    @property
    def delta_time(self):
        return self.delta_ns // NS_PER_MS

    @property
    def ip_packet(self):
        """The bytes that were captured, from the innermost IP header on."""
        if self._kept:
            return self._kept[0]
        return ctypes.string_at(self._raw, self.capture_length) if self._raw else b""

    raw = ip_packet

    def _address(self, octets):
        if self.ip_version == 4:
            return socket.inet_ntop(socket.AF_INET, bytes(octets)[12:])
        return socket.inet_ntop(socket.AF_INET6, bytes(octets))

    @property
    def src_ip(self):
        return self._address(self._src)

    @property
    def dst_ip(self):
        return self._address(self._dst)

    @property
    def ip_src(self):
        return int(ipaddress.ip_address(self.src_ip))

    @property
    def ip_dst(self):
        return int(ipaddress.ip_address(self.dst_ip))

    def _macs(self):
        """(source, destination) of the flow."""
        return self._kept[1] if self._kept else (self._flow.src_mac, self._flow.dst_mac)

    @property
    def src_mac(self):
        return self._macs()[self.direction]

    @property
    def dst_mac(self):
        return self._macs()[1 - self.direction]

    @property
    def src_oui(self):
        return self.src_mac[:8]

    @property
    def dst_oui(self):
        return self.dst_mac[:8]

    @property
    def tcpflags(self):
        return TCPFlags(*(getattr(self, name) for name in TCPFlags._fields))

    def _keep(self):
        """The hook ends and somebody has kept the packet."""
        self._kept = self.ip_packet, self._macs()
        self._flow = None

    def keys(self):
        return list(NAMES)

    def values(self):
        return [getattr(self, name) for name in NAMES]

    def __repr__(self):
        return "NFPacket(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in NAMES) + ")"

    def __reduce__(self):
        return _restore, (bytes(self), self.ip_packet, self._macs())


for alias, name in (("length", "raw_size"), ("version", "ip_version")):
    setattr(NFPacket, alias, vars(NFPacket)[name])

SIZE = ctypes.sizeof(NFPacket)


def blank():
    """A packet to fill, and its bytes."""
    octets = bytearray(SIZE)
    return NFPacket.from_buffer(octets), memoryview(octets)


def _restore(octets, raw, macs):
    """Of a pickle."""
    packet = NFPacket.from_buffer_copy(octets)
    packet._kept = raw, macs
    return packet
