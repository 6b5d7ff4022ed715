# SPDX-License-Identifier: BSD-2-Clause
import struct

from ..plugin import NFPlugin
from .datagram import payload

PORT = 5353
HEADER = struct.Struct("!6H")     # id, flags, questions, answers, authorities, additionals (RFC 1035, 4.1.1)
ANSWER = struct.Struct("!HHIH")   # type, class, time to live, length
PTR = 12
POINTER = 0xc0
LABELS_MAX = 128                  # a name has 255 bytes at most: more is a loop of pointers


def read_name(octets, at):
    """(name, where it ends). ValueError or IndexError where it does not."""
    labels, end = [], None
    for _ in range(LABELS_MAX):
        size = octets[at]
        if size & POINTER == POINTER:
            end = end or at + 2
            at = (size & ~POINTER) << 8 | octets[at + 1]
        elif size:
            labels.append(octets[at + 1:at + 1 + size].decode("utf-8", "replace"))
            at += 1 + size
        else:
            return ".".join(labels), end or at + 1
    raise ValueError("endless name")


def pointers(octets):
    """The names that the answers of type PTR give."""
    _, _, questions, answers, _, _ = HEADER.unpack_from(octets)
    at, found = HEADER.size, []
    for _ in range(questions):
        at = read_name(octets, at)[1] + 4
    for _ in range(answers):
        at = read_name(octets, at)[1]
        kind, _, _, size = ANSWER.unpack_from(octets, at)
        at += ANSWER.size
        if kind == PTR:
            found.append(read_name(octets, at)[0])
        at += size
    return found


class MDNS(NFPlugin):
    """flow.udps.mdns_ptr: the names of all PTR answers, each once, in order; commas become blanks."""

    def on_init(self, packet, flow):
        flow.udps.mdns_ptr = []
        self.on_update(packet, flow)

    def on_update(self, packet, flow):
        if flow.dst_port != PORT:
            return
        try:
            found = pointers(payload(packet))
        except (ValueError, IndexError, struct.error):  # no DNS, or cut off
            return
        for name in (name.replace(",", " ") for name in found):
            if name not in flow.udps.mdns_ptr:
                flow.udps.mdns_ptr.append(name)
