# SPDX-License-Identifier: BSD-2-Clause
import enum, socket, struct

from ..plugin import NFPlugin
from .datagram import payload

SERVER_PORT = 67
FIXED = 236  # bytes of BOOTP in front of the magic number (RFC 2131, 2)
MAGIC = b"\x63\x82\x53\x63"
PAD, END = 0, 255
HOST_NAME, REQUESTED_ADDRESS, MESSAGE_TYPE, PARAMETERS, MAX_SIZE, VENDOR_CLASS, USER_CLASS = 12, 50, 53, 55, 57, 60, 77


class MsgType(enum.Enum):
    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NACK = 6
    RELEASE = 7
    INFORM = 8


LAST = {MsgType.ACK, MsgType.NACK, MsgType.INFORM, MsgType.DECLINE}


def options(octets):
    """[(code, value)] in order (RFC 2132); what is cut off is left out."""
    found, at = [], FIXED + len(MAGIC)
    while at < len(octets) and octets[at] != END:
        code = octets[at]
        if code == PAD:
            at += 1
            continue
        size = octets[at + 1] if at + 1 < len(octets) else 0
        value = octets[at + 2:at + 2 + size]
        if len(value) < size:
            break
        found.append((code, value))
        at += 2 + size
    return found


def message_type(value):
    number = int.from_bytes(value, "big")
    return MsgType(number) if number in MsgType._value2member_map_ else None


class DHCP(NFPlugin):
    """What clients tell in DHCP; a transaction that is over ends its flow.

    flow.udps: dhcp_msg_type (of the first message), dhcp_12 host name, dhcp_50 requested address, dhcp_55
    list of wanted options, dhcp_57 largest message, dhcp_60 vendor class, dhcp_77 user class, dhcp_options
    options of the request, dhcp_addr address in use, dhcp_oui of the client.
    """

    def on_init(self, packet, flow):
        udps = flow.udps
        udps.dhcp_12 = udps.dhcp_50 = udps.dhcp_55 = udps.dhcp_57 = udps.dhcp_60 = udps.dhcp_77 = None
        udps.dhcp_options = []
        udps.dhcp_addr = udps.dhcp_msg_type = udps.dhcp_oui = None
        self.on_update(packet, flow)

    def on_update(self, packet, flow):
        if flow.dst_port != SERVER_PORT:
            return
        octets = payload(packet)
        if octets[FIXED:FIXED + len(MAGIC)] != MAGIC:
            return
        found = options(octets)
        told = dict(found)
        kind = message_type(told.get(MESSAGE_TYPE, b""))
        self.read_client(flow.udps, told)
        if kind is MsgType.REQUEST:
            flow.udps.dhcp_options = [code for code, _ in found]
            self.read_request(flow.udps, told, octets)
        if kind in LAST or flow.src_ip == "0.0.0.0":
            flow.expiration_id = -1
        if flow.udps.dhcp_msg_type is None:
            flow.udps.dhcp_msg_type = kind

    @staticmethod
    def read_client(udps, told):
        if told.get(HOST_NAME):
            udps.dhcp_12 = told[HOST_NAME].decode("utf-8", "replace")
        if MAX_SIZE in told:
            udps.dhcp_57 = int.from_bytes(told[MAX_SIZE], "big")
        if VENDOR_CLASS in told:
            udps.dhcp_60 = told[VENDOR_CLASS].decode("utf-8", "replace")
        if USER_CLASS in told:
            udps.dhcp_77 = told[USER_CLASS].decode("utf-8", "replace")

    @staticmethod
    def read_request(udps, told, octets):
        udps.dhcp_55 = ",".join(map(str, told[PARAMETERS])) if PARAMETERS in told else None
        wanted = told.get(REQUESTED_ADDRESS, b"")
        udps.dhcp_50 = socket.inet_ntop(socket.AF_INET, wanted) if len(wanted) == 4 else None
        udps.dhcp_oui = "%02x:%02x:%02x" % struct.unpack_from("3B", octets, 28)
        in_use = octets[12:16]
        if any(in_use):
            udps.dhcp_addr = socket.inet_ntop(socket.AF_INET, in_use)
