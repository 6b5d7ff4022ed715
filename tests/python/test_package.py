#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Installing the package without a network, finding the library, and other interpreters."""
import ctypes, os, pathlib, re, shutil, subprocess, sys

import support, tap
from support import DEMO

COUNT = f"from weir import NFStreamer; print(len(list(NFStreamer({DEMO!r}))))"


def python(program, interpreter="/usr/bin/python3", cwd="/", **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEIR_", "PYTHON"))}
    return subprocess.run([interpreter, "-c", program], env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **variables},
                          cwd=cwd,
                          capture_output=True, text=True, timeout=60)


def copy_of_sources(folder):
    """pip builds in the tree: not in ours."""
    where = folder / "checkout" / "tools" / "python"
    shutil.copytree(support.PACKAGE, where, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    return where


def pip(*arguments):
    """Offline: any look at an index is an error."""
    return subprocess.run(["/usr/bin/python3", "-m", "pip", "install", "--quiet", "--no-index", "--no-cache-dir",
                           "--no-deps",
                           "--disable-pip-version-check", "--root-user-action=ignore", *map(str, arguments)],
                          capture_output=True, text=True, timeout=120, cwd="/")


def test_pip_install(folder):
    sources = copy_of_sources(folder)
    for number, more in enumerate(([], ["--no-build-isolation"])):
        target = folder / f"target{number}"
        done = pip("--target", target, *more, sources)
        assert done.returncode == 0, done.stderr
        names = {str(path.relative_to(support.PACKAGE)) for path in (support.PACKAGE / "weir").rglob("*.py")}
        installed = {str(path.relative_to(target)) for path in target.rglob("*.py")}
        assert installed == names, installed ^ names
        done = python(COUNT + "; import weir, weir.plugins; print(weir.__file__)", PYTHONPATH=str(target),
                      WEIR_LIBRARY=str(support.LIBRARY))
        assert done.stdout.split() == ["22", str(target / "weir" / "__init__.py")], done
        about = python("from importlib.metadata import metadata; found = metadata('weir')\n"
                       "print(found['Name'], found['Version'], found['License'])", PYTHONPATH=str(target))
        assert about.stdout == "weir 0.1.0 BSD-2-Clause\n", about


def test_wheel_is_reproducible_and_whole(folder):
    sys.path.insert(0, str(support.PACKAGE))
    import build_backend

    first, second = folder / "a", folder / "b"
    for where in (first, second):
        where.mkdir()
        build_backend.build_wheel(where)
        build_backend.build_sdist(where)
    wheels = [next(where.glob("*.whl")).read_bytes() for where in (first, second)]
    assert wheels[0] == wheels[1]
    done = subprocess.run(["tar", "tzf", str(next(first.glob("*.tar.gz")))], capture_output=True, text=True)
    assert "weir-0.1.0/pyproject.toml" in done.stdout and "weir-0.1.0/weir/plugins/dhcp.py" in done.stdout, done


def test_editable_install(folder):
    sources = copy_of_sources(folder)
    done = pip("--target", folder / "target", "-e", sources)
    assert done.returncode == 0, done.stderr
    assert (folder / "target" / "weir.pth").read_text() == f"{sources}\n"


def test_imported_when_needed():
    """What a plain iteration does not need costs no program its start; names are there all the same."""
    program = ("import sys, weir\n"
               "late = 'weir.export weir.hooks weir.packet weir.frame weir.performance csv hashlib json socket ipaddress pathlib'\n"
               "print([name for name in late.split() if name in sys.modules])\n"
               "from weir import *\nprint(NFPacket.__name__, weir.NFPacket is NFPacket)\nweir.no_such")
    done = python(program, PYTHONPATH=str(support.PACKAGE), WEIR_LIBRARY=str(support.LIBRARY))
    assert done.stdout.splitlines() == ["[]", "NFPacket True"], done
    assert "AttributeError: module 'weir' has no attribute 'no_such'" in done.stderr, done


def test_versions_agree():
    import weir

    makefile = (tap.TOP / "Makefile").read_text()
    version = re.search(r"^VERSION\s*:?=\s*(\S+)", makefile, re.M)[1]
    project = (support.PACKAGE / "pyproject.toml").read_text()
    assert weir.__version__ == version == re.search(r'^version = "(.*)"', project, re.M)[1]


def test_library_of_the_checkout(folder):
    """Without WEIR_LIBRARY, and none installed, the build beside the sources is taken."""
    checkout = folder / "checkout"
    copy_of_sources(folder)
    (checkout / "include" / "weir").mkdir(parents=True)
    (checkout / "include" / "weir" / "weir.h").touch()
    (checkout / "build").mkdir()
    shutil.copy(support.LIBRARY, checkout / "build" / "libweir.so.0")
    program = "import weir.library as l; print(l.candidates())\n" + COUNT
    done = python(program, PYTHONPATH=str(checkout / "tools" / "python"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(["libweir.so.0", str(checkout / "build" / "libweir.so.0")]), "22"], done


def test_library_of_the_loader(folder):
    """Installed: the package lies anywhere, the library where the loader looks."""
    copy_of_sources(folder)
    shutil.copy(support.LIBRARY, folder / "libweir.so.0")
    done = python(COUNT, PYTHONPATH=str(folder / "checkout" / "tools" / "python"), LD_LIBRARY_PATH=str(folder))
    assert done.stdout == "22\n", done


def test_library_that_is_missing(folder):
    copy_of_sources(folder)
    (folder / "text").write_text("no library")
    path = str(folder / "checkout" / "tools" / "python")
    for library in ("/nowhere/libweir.so.0", str(folder / "text"), "libc.so.6"):
        done = python("import weir", PYTHONPATH=path, WEIR_LIBRARY=library)
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 1, done
        assert last.startswith(f"ImportError: weir: libweir cannot be loaded ({library}: "), last
        assert last.endswith("WEIR_LIBRARY=/path/to/libweir.so.0"), last


def test_structures_are_those_of_the_headers(folder):
    """Sizes and offsets, as the compiler sees them."""
    from weir import flow, library, packet

    fields = {"plugin": library.Plugin, "plugin_column": library.PluginColumn, "streamer_opts": library.Options,
              "column": library.Column}
    lines, want = [], []
    for name, structure in fields.items():
        lines.append(f'printf("%zu\\n", sizeof(struct weir_{name}));')
        want.append(ctypes.sizeof(structure))
        for member, *_ in structure._fields_:
            lines.append(f'printf("%zu\\n", offsetof(struct weir_{name}, {member}));')
            want.append(getattr(structure, member).offset)
    members = {"raw_size": "length", "ip_size": "ip_length", "transport_size": "transport_length",
               "payload_size": "payload_length",
               "_raw": "raw", "_src": "src_ip", "_dst": "dst_ip", "ip_version": "version", "_flags": "tcp_flags",
               "_reserved": "reserved"}
    for member, *_ in packet.NFPacket._fields_:
        lines.append(f'printf("%zu\\n", offsetof(struct weir_packet, {members.get(member, member)}));')
        want.append(getattr(packet.NFPacket, member).offset)
    for member, place in (("flow_id", flow.FLOW_ID), ("packets", flow.PACKETS), ("bytes", flow.BYTES),
                          ("first_ns", flow.FIRST_NS),
                          ("last_ns", flow.LAST_NS), ("expiration_id", flow.EXPIRATION_ID)):
        lines.append(f'printf("%zu\\n", offsetof(struct weir_flow, {member}));')
        want.append(place)
    for expression, value in (("sizeof(struct weir_packet)", packet.SIZE), ("WEIR_ROW_MAX", library.ROW_MAX),
                              ("WEIR_PLUGIN_ABI", library.PLUGIN_ABI), ("WEIR_EVERY_PACKET", library.EVERY_PACKET),
                              ("WEIR_STORE_U64", library.STORE_U64), ("WEIR_LOG_WARNING", library.LOG_WARNING),
                              ("WEIR_UINT", library.UINT), ("WEIR_INT", library.INT), ("WEIR_DOUBLE", library.DOUBLE),
                              ("WEIR_TEXT", library.TEXT), ("WEIR_ADDRESS", library.ADDRESS), ("WEIR_MAC", library.MAC),
                              ("WEIR_UINT128", library.UINT128), ("WEIR_LIST", library.LIST), 
                              ("WEIR_ABSENT", flow.UNKNOWN)):
        lines.append(f'printf("%zu\\n", (size_t)({expression}));')
        want.append(value)
    source = folder / "a.c"
    source.write_text("#include <stdio.h>\n#include <weir/plugin.h>\nint main(void) {\n" + "\n".join(lines) +
                      "\nreturn 0; }\n")
    subprocess.run([os.environ.get("CC", "cc"), f"-I{tap.TOP / 'include'}", "-o", str(folder / "a"), str(source)],
                   check=True)
    got = subprocess.run([str(folder / "a")], capture_output=True, text=True, check=True).stdout.split()
    assert [int(each) for each in got] == want, [(line, each, value) for line, each, value in zip(lines, got, want)
                                                 if int(each) != value]


def interpreters():
    """Every Python from 3.9 on that runs here, once."""
    named = [shutil.which(name) for name in ("python3", *(f"python3.{minor}" for minor in range(9, 20)))]
    kept = pathlib.Path.home().glob(".pyenv/versions/3.*/bin/python3")
    found = {}
    for path in filter(None, [*named, *map(str, kept)]):
        done = python("import sys; print(sys.executable) if sys.version_info >= (3, 9) else exit(1)", path)
        if done.returncode == 0:
            found[os.path.realpath(done.stdout.strip())] = path
    return list(found.values())


def test_other_interpreters():
    """Without pandas too."""
    found = interpreters()
    assert found
    for interpreter in found:
        done = python(COUNT + f"""
from weir import NFPlugin
class P(NFPlugin):
    def on_init(self, packet, flow): flow.udps.n = 0; self.on_update(packet, flow)
    def on_update(self, packet, flow): flow.udps.n += 1; flow.udps.last = packet
flows = list(NFStreamer({DEMO!r}, udps=P()))
assert all(flow.udps.n == flow.bidirectional_packets and flow.udps.last.ip_packet for flow in flows)
print(NFStreamer({DEMO!r}).to_csv('/dev/null'))""", interpreter, PYTHONPATH=str(support.PACKAGE),
                      WEIR_LIBRARY=str(support.LIBRARY))
        assert done.stdout == "22\n22\n" and done.returncode == 0, (interpreter, done)


support.run(globals())
