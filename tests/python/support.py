# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the Python package share. They run under Debian's python3, which has pandas."""
import contextlib, os, pathlib, struct, sys, warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import tap

PACKAGE = tap.TOP / "tools" / "python"
LIBRARY = tap.BUILD / "libweir.so.0"
os.environ["WEIR_LIBRARY"] = str(LIBRARY)
sys.path.insert(0, str(PACKAGE))
sys.dont_write_bytecode = True

RECORDED = tap.TOP / "tests" / "pcaps" / "recorded"
CRAFTED = tap.TOP / "tests" / "pcaps" / "crafted"
DEMO = str(RECORDED / "demo.pcap")
T0 = 1_700_000_000


def recorded(name):
    return str(RECORDED / f"{name}.pcap")


def crafted(name):
    return str(CRAFTED / f"{name}.pcap")


def own_captures():
    return sorted(str(path) for folder in (RECORDED, CRAFTED) for path in folder.glob("*.pcap*"))


def shared_capture(name):
    """A capture of NFStream's own tests, if $WEIR_SHARED/pcaps has it, or None."""
    for path in (tap.SHARED / "pcaps" / name, tap.SHARED / "pcaps" / f"ndpi__{name}"):
        if path.is_file():
            return str(path)
    return None


def udp_frame(sport, size=20, dport=9):
    """An Ethernet frame with a UDP datagram from 192.0.2.1:sport to 192.0.2.2:dport."""
    addresses = bytes([192, 0, 2, 1, 192, 0, 2, 2])
    words = sum(struct.unpack("!4H", addresses)) + 0x4500 + 28 + size + 0x4011
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + size, 0, 0, 64, 17, ~(words % 0xFFFF) & 0xFFFF) + addresses
    return bytes(12) + b"\x08\x00" + ip + struct.pack("!HHHH", sport, dport, 8 + size, 0) + bytes(size)


def write_capture(path, packets, cut=0):
    """packets: (time in ns since T0, frame). A little-endian nanosecond pcap, perhaps cut short."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for t, frame in packets:
        parts += struct.pack("<IIII", T0 + t // 10**9, t % 10**9, len(frame), len(frame)), frame
    data = b"".join(parts)
    pathlib.Path(path).write_bytes(data[:len(data) - cut])
    return str(path)


def read_capture(path):
    """[(time in us, wire length, bytes)] of a classic little-endian microsecond pcap."""
    data = pathlib.Path(path).read_bytes()
    assert struct.unpack_from("<I", data)[0] == 0xA1B2C3D4, path
    at, packets = 24, []
    while at < len(data):
        seconds, us, captured, length = struct.unpack_from("<IIII", data, at)
        packets.append((seconds * 10**6 + us, length, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return packets


@contextlib.contextmanager
def raises(kind, text=""):
    try:
        yield
    except kind as error:
        assert text in str(error), f"{error!s} does not hold {text!r}"
    else:
        raise AssertionError(f"no {kind.__name__}")


@contextlib.contextmanager
def warns(text):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    found = [str(each.message) for each in told]
    assert any(text in each for each in found), f"{text!r} is not in {found}"


def run(scope):
    warnings.simplefilter("error")
    tap.run_tests(scope, pathlib.Path(scope["__file__"]).stem.replace("test_", "python "))
    tap.finish()
