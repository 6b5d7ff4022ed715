#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""--geoip and --mac-vendors: every address of a capture as mmdblookup finds it, vendors as IEEE's list has them.

The databases are made here, by Debian's MaxMind::DB::Writer.
"""
import json, os, pathlib, re, shutil, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

PCAPS = tap.TOP / "tests" / "pcaps"
OUI = pathlib.Path("/usr/share/ieee-data/oui.txt")
PLACES = [("192.0.2.0/25", "DE", "Köln", "", ""), ("192.0.2.2/32", "FR", "", "", ""), ("198.51.100.0/24", "NZ", "Ōtautahi", "", ""),
          ("10.0.0.0/8", "US", "", "", ""), ("2001:db8::/32", "JP", "京都", "", "")]
SYSTEMS = [("192.0.2.0/24", "", "", "64496", "Example, \"Net\""), ("10.0.0.0/8", "", "", "4294967295", "Largest"),
           ("2001:db8::/48", "", "", "64511", "Six")]
ENDS = ("src", "dst")
GEO = [f"{end}_{what}" for end in ENDS for what in ("country", "city", "asn", "as_org")]


def database(path, rows, version=6):
    text = "".join("\t".join(row) + "\n" for row in rows if version == 6 or ":" not in row[0])
    subprocess.run([tap.TOP / "tests/golden/make_mmdb.pl", path, str(version)], input=text.encode(), check=True)
    return path


def databases(folder):
    return database(folder / "city.mmdb", PLACES), database(folder / "asn.mmdb", SYSTEMS)


def asked(file, address, *path):
    """What mmdblookup says, "" for nothing."""
    done = subprocess.run(["mmdblookup", "--file", file, "--ip", address, *path], capture_output=True, text=True)
    match = re.search(r'^\s*(?:"(.*)"|(\d+)) <', done.stdout, re.M)
    return (match[1] if match[1] is not None else match[2]) if match else ""


def wanted(files, address):
    city, asn = files
    return {"country": asked(city, address, "country", "iso_code"), "city": asked(city, address, "city", "names", "en"),
            "asn": asked(asn, address, "autonomous_system_number") or "0",
            "as_org": asked(asn, address, "autonomous_system_organization")}


def rows(*args):
    run = tap.run_weir(*args, weir=tap.WEIR_SAN)
    assert run.status == 0, run.err
    return run.rows(), run.summary


def refused(*args):
    run = subprocess.run([tap.WEIR_SAN, "-q", "-r", PCAPS / "recorded/http1.pcap", *args], capture_output=True, text=True, timeout=60)
    assert run.returncode in (1, 2) and run.stdout == "" and run.stderr.count("\n") == 1, (run.returncode, run.stderr)
    return run.stderr


def test_every_address(folder):
    files = databases(folder)
    known, seen = {}, 0
    for capture in sorted((PCAPS / "recorded").glob("*.pcap")):
        found, summary = rows("-r", capture, "--geoip", files[0], "--geoip", files[1])
        assert summary["geoip"] == {"errors": 0}
        for row in found:
            assert list(row)[-8:] == GEO, list(row)
            for end in ENDS:
                address = row[f"{end}_ip"]
                known.setdefault(address, wanted(files, address))
                got = {what: row[f"{end}_{what}"] for what in known[address]}
                assert got == known[address], (capture.name, address, got, known[address])
                seen += got["country"] != ""
    assert seen > 40 and {place["country"] for place in known.values()} >= {"", "DE", "FR", "JP"}, known


def test_order_and_version(folder):
    """Of two files that know a value the first one tells; one of IPv4 alone knows no IPv6."""
    files = databases(folder)
    other = database(folder / "other.mmdb", [("192.0.2.0/24", "AQ", "Vostok", "1", "One")], version=4)
    fields = ["--fields", "src_country,src_city,src_asn"]
    for geoip, told in (((other, *files), "AQ,Vostok,1"), ((*files, other), "DE,Köln,64496")):
        found, _ = rows("-r", PCAPS / "recorded/http1.pcap", *fields, *(x for file in geoip for x in ("--geoip", file)))
        assert {",".join(row.values()) for row in found} == {told}, found
    found, summary = rows("-r", PCAPS / "recorded/ipv6.pcap", *fields, "--geoip", other)
    assert found and {tuple(row.values()) for row in found} == {("", "", "0")} and summary["geoip"]["errors"] == 0, found


def test_off_and_profiles(folder):
    city, _ = databases(folder)
    for profile in ("seed", "nfstream", "all"):
        plain, _ = rows("-r", PCAPS / "recorded/http1.pcap", "--profile", profile)
        assert not set(GEO) & set(plain[0]) and "src_mac_vendor" not in plain[0]
        more, _ = rows("-r", PCAPS / "recorded/http1.pcap", "--profile", profile, "--geoip", city)
        assert set(GEO) <= set(more[0]) and [r["src_ip"] for r in more] == [r["src_ip"] for r in plain]
    assert '"src_asn" needs a database; give --geoip FILE' in refused("--fields", "src_ip,src_asn")


def test_json_and_ipfix(folder):
    """Numbers are numbers; 16 and 17 are IANA's elements, as tshark reads them."""
    files = databases(folder)
    geoip = [x for file in files for x in ("--geoip", file)]
    done = subprocess.run([tap.WEIR_SAN, "-q", "-r", PCAPS / "recorded/http1.pcap", "-o", "json:-", *geoip], capture_output=True, timeout=60)
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["src_country"], first["src_city"], first["src_asn"], first["src_as_org"]) == ("DE", "Köln", 64496, 'Example, "Net"'), first
    fields = subprocess.run([tap.WEIR_SAN, "fields"], capture_output=True, text=True).stdout
    assert re.search(r"^src_asn +uint32 +- +0/16 ", fields, re.M) and re.search(r"^dst_asn +uint32 +- +0/17 ", fields, re.M)
    assert re.search(r"^src_as_org +string +- +pen/64 ", fields, re.M)


def test_hostile_databases(folder):
    """What is no database is refused in a line; what is damaged ends no run, and what it says wrongly is counted."""
    _, file = databases(folder)
    good = file.read_bytes()
    bad = folder / "bad.mmdb"
    for content in (b"", b"not a database\n" * 100, good[:len(good) // 2], good[:-40]):
        bad.write_bytes(content)
        said = refused("--geoip", bad)
        assert said.startswith(f"weir: --geoip {bad}: ") and said.endswith("(.mmdb)\n"), said
    assert refused("--geoip", folder / "none.mmdb").endswith("No such file or directory; give a readable file\n")
    data = good.index(b"\xab\xcd\xefMaxMind.com")
    errors = 0
    for at in range(0, data, max(1, data // 24)):
        bad.write_bytes(good[:at] + bytes([good[at] ^ 0xff]) + good[at + 1:])
        run = tap.run_weir("-r", PCAPS / "recorded/http1.pcap", "--geoip", bad, weir=tap.WEIR_SAN)
        assert run.status in (0, 1, 2) and "Sanitizer" not in run.err, run.err
        errors += run.summary["geoip"]["errors"] if run.summary else 0
    assert errors > 0


def test_mac_vendors(folder):
    own = folder / "oui.txt"
    own.write_text("OUI/MA-L\tOrganization\r\n\r\n02-00-00   (hex)\t\tÉcole, \"One\"\r\n020000     (base 16)\t\tOne\r\n\t\tStreet\r\n")
    found, _ = rows("-r", PCAPS / "recorded/http1.pcap", "--mac-vendors", own)
    for row in found:
        assert list(row)[-2:] == ["src_mac_vendor", "dst_mac_vendor"]
    found, _ = rows("-r", PCAPS / "recorded/http1.pcap", "--mac-vendors", own, "--fields", "src_mac,src_mac_vendor,dst_mac,dst_mac_vendor")
    for row in found:
        for end in ENDS:
            assert row[f"{end}_mac_vendor"] == ("École, \"One\"" if row[f"{end}_mac"].startswith("02:00:00") else ""), row
    assert any(row["src_mac_vendor"] for row in found)
    for name, content, words in (("none.txt", None, "No such file or directory; give IEEE's oui.txt"), ("no.txt", "a,b\n" * 50, "is no list of lines")):
        if content:
            (folder / name).write_text(content)
        assert words in refused("--mac-vendors", folder / name)


def test_ieee_list(folder):
    """Without --mac-vendors, a column that needs it takes Debian's list."""
    listed = dict(re.findall(r"^([0-9A-F-]{8})   \(hex\)\t\t(.+?)\s*$", OUI.read_text(), re.M))
    capture = folder / "a.pcap"
    wires = sorted(listed)[:: len(listed) // 40]
    import struct
    packets = b""
    for i, wire in enumerate(wires):
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])) + struct.pack("!HHHH", 1000 + i, 9, 8, 0)
        frame = bytes(6) + bytes.fromhex(wire.replace("-", "")) + b"\1\2\3" + b"\x08\x00" + ip
        packets += struct.pack("<IIII", 1_700_000_000, i, len(frame), len(frame)) + frame
    capture.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + packets)
    found, _ = rows("-r", capture, "--fields", "src_port,src_mac_vendor,dst_mac_vendor")
    assert [(int(r["src_port"]) - 1000, r["src_mac_vendor"], r["dst_mac_vendor"]) for r in found] == [(i, listed[w], "") for i, w in enumerate(wires)]


if __name__ == "__main__":
    for tool in ("mmdblookup", "perl"):
        assert shutil.which(tool), f"{tool} is missing; run tools/install-deps"
    tap.run_tests(globals(), "geoip")
    tap.finish()
