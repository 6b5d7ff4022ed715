#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""libweir as a packager and a developer meet it: installed into a prefix, found by pkg-config, built against in C11 and
C++, shared and static, with the symbols that the headers name and no others, without a leak; and plugins that are none."""
import os, pathlib, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

DEMO = tap.TOP / "tests/pcaps/recorded/demo.pcap"
EXAMPLES = tap.TOP / "tools/examples"
LIBRARY = tap.BUILD / "library"
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def call(*words, **how):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=300, **how)
    assert done.returncode == 0, (words, done.stdout[-500:], done.stderr[-1500:])
    return done.stdout


def flags(prefix, *wanted):
    env = dict(os.environ, PKG_CONFIG_PATH=f"{prefix}/lib/pkgconfig")
    return call("pkg-config", *wanted, "weir", env=env).split()


def install(prefix):
    call("make", "-s", "install", f"PREFIX={prefix}", f"BUILD={tap.BUILD}", cwd=tap.TOP)
    names = sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*") if not p.is_dir())
    for name in ("bin/weir", "lib/libweir.so", "lib/libweir.so.0", "lib/libweir.a", "lib/pkgconfig/weir.pc",
                 "include/weir/weir.h", "include/weir/plugin.h", "share/man/man8/weir.8",
                 "share/man/man7/weir-plugins.7", *(f"lib/weir/plugins/{p.stem}.so" for p in (tap.TOP / "user/plugins").glob("*.c"))):
        assert name in names, (name, names)
    assert call(prefix / "bin/weir", "-q", "-r", DEMO, "--fields", "flow_id").count("\n") == 23


def uninstall(prefix):
    call("make", "-s", "uninstall", f"PREFIX={prefix}", f"BUILD={tap.BUILD}", cwd=tap.TOP)
    left = [p for p in prefix.rglob("*") if not p.is_dir()]
    assert not left, left


EXPECTED = "192.0.2.1 -> 192.0.2.2 port 53: DNS\n"


def flows_of(program, **env):
    text = call(program, DEMO, env=dict(os.environ, **env))
    assert text.count("\n") == 22 and EXPECTED in text and ": TLS" in text, text
    return text


def shared_c11(prefix):
    out = prefix / "flows-c11"
    call("cc", "-std=c11", *STRICT, EXAMPLES / "flows.c", "-o", out, *flags(prefix, "--cflags", "--libs"))
    flows_of(out, LD_LIBRARY_PATH=f"{prefix}/lib")
    assert "libweir.so.0" in call("readelf", "-d", out)


def shared_cxx(prefix):
    out = prefix / "flows-cxx"
    call("c++", "-x", "c++", "-std=c++17", *STRICT, "-Wno-missing-field-initializers", EXAMPLES / "flows.c", "-o", out,
         *flags(prefix, "--cflags", "--libs"))
    flows_of(out, LD_LIBRARY_PATH=f"{prefix}/lib")


def static_c11(prefix):
    """libweir.a, other libraries shared: what a container image wants."""
    out = prefix / "flows-static"
    libs = [w for w in flags(prefix, "--static", "--libs") if w != "-lweir"]
    call("cc", "-std=c11", *STRICT, EXAMPLES / "flows.c", prefix / "lib/libweir.a", "-o", out, *flags(prefix, "--cflags"), *libs)
    assert "libweir" not in call("readelf", "-d", out)
    flows_of(out)


def symbols(prefix):
    """What is exported is what the headers declare, all under one version."""
    headers = "".join((tap.TOP / "include/weir" / name).read_text() for name in ("weir.h", "plugin.h"))
    declared = set(re.findall(r"^WEIR_API [^;]*?(weir_\w+)\(", headers, re.M | re.S))
    found = {}
    for line in call("nm", "-D", "--defined-only", prefix / "lib/libweir.so.0").splitlines():
        name, _, version = line.split()[-1].partition("@@")
        if version:
            found[name] = version
    assert set(found) == declared and len(declared) == 28, (set(found) ^ declared, len(declared))
    assert set(found.values()) == {"LIBWEIR_0.1"}, set(found.values())
    static = {line.split()[-1] for line in call("nm", "-g", "--defined-only", prefix / "lib/libweir.a").splitlines() if " T " in line}
    assert static == declared, static ^ declared


def valgrind(prefix):
    program = prefix / "flows-c11"
    done = subprocess.run(["valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect",
                           program, DEMO],
                          capture_output=True, text=True, timeout=300, env=dict(os.environ, LD_LIBRARY_PATH=f"{prefix}/lib"))
    assert done.returncode == 0 and EXPECTED in done.stdout, done.stderr[-3000:]


def weir(*args):
    return subprocess.run([str(tap.WEIR_SAN), "-q", "-r", str(DEMO), *map(str, args)], capture_output=True, text=True, timeout=60)


def plugin_example(prefix):
    out = prefix / "count_syn.so"
    call("cc", "-std=c11", *STRICT, "-shared", "-fPIC", EXAMPLES / "count_syn.c", "-o", out, *flags(prefix, "--cflags"))
    done = weir("--plugin", out, "--fields", "protocol,syn_count", "tcp port 22")
    assert (done.stdout, done.stderr) == ("protocol,syn_count\n6,2\n", ""), done


def plugins_that_are_none(prefix):
    for path, words in ((LIBRARY / "probe-abi.so", "is built for plugin ABI 99, and this weir has 1"),
                        (LIBRARY / "probe-mute.so", "has no symbol weir_plugin"),
                        (DEMO, "invalid ELF header"), ("/no/such.so", "No such file"), ("no-such", "no-such.so")):
        done = weir("--plugin", path)
        assert done.returncode == 2 and done.stdout == "" and words in done.stderr and done.stderr.count("\n") == 1, done
    done = weir("--plugin", f"{LIBRARY}/probe.so:cut=4,nope=1")
    assert done.returncode == 2 and "plugin probe: knows only cut" in done.stderr, done
    for text in (":=1", ":cut=1,", ":,"):
        done = weir("--plugin", f"{LIBRARY}/probe.so{text}")
        assert done.returncode == 2 and "an option has no key" in done.stderr, done
    done = weir("--plugin", f"{LIBRARY}/probe.so", "--plugin", f"{LIBRARY}/probe-two.so")
    assert done.returncode == 2 and 'there is a column "probe_packets" already' in done.stderr, done


def formats(prefix):
    """The columns of a plugin in each of them, by name where --fields places them."""
    args = ("--plugin", LIBRARY / "probe.so", "--fields", "probe_last,dst_port,probe_packets", "tcp port 22")
    assert weir(*args, "-o", "csv").stdout.splitlines()[1].startswith("src,22,48,"), weir(*args)
    assert '{"probe_last":"src","dst_port":22,"probe_packets":48,' in weir(*args, "-o", "json").stdout
    assert re.search(r"probe_last +dst_port +probe_packets .*\n.*src +22 +48 ", weir(*args, "-o", "table").stdout)
    hidden = weir(*args, "-o", "csv", "--anonymize", "probe_last").stdout.splitlines()[1]
    assert re.match(r"[0-9a-f]{32},22,48,", hidden), hidden


def cut(prefix):
    done = weir("--plugin", f"{LIBRARY}/probe.so:cut=10", "--fields", "total_packets,expiration_id,flow_end_reason", "tcp port 22")
    rows = [line.split(",")[:3] for line in done.stdout.splitlines()[1:]]
    assert rows == [["10", "-1", "4"]] * 4 + [["8", "0", "4"]], rows


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix = pathlib.Path(folder)
        for check in (install, shared_c11, shared_cxx, static_c11, symbols, valgrind, plugin_example, plugins_that_are_none,
                      formats, cut):
            try:
                check(prefix)
                tap.report(True, f"library {check.__name__}")
            except (AssertionError, OSError, subprocess.SubprocessError) as why:
                tap.report(False, f"library {check.__name__}", repr(why)[:1500])
        for path in prefix.iterdir():
            if not path.is_dir():
                path.unlink()
        try:
            uninstall(prefix)
            tap.report(True, "library uninstall")
        except (AssertionError, subprocess.SubprocessError) as why:
            tap.report(False, "library uninstall", repr(why)[:500])
    tap.finish()


main()
