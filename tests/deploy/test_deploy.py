#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is packaged says the same in every place: versions, dependencies; and other tools accept it."""
import json, pathlib, re, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

DEPLOY = tap.TOP / "tools" / "deploy"
SPEC = DEPLOY / "rpm" / "weir.spec"

# rpmlint of Debian has Mandriva's names of libraries, and no network.
RPMLINT = {"no-buildroot-tag", "invalid-url", "lib-package-without-%mklibname"}

# Debian's name -> Fedora's, where they are not NAME-dev and NAME-devel.
FEDORA = {"libcurl4-openssl-dev": "libcurl-devel", "libgcrypt20-dev": "libgcrypt-devel", "libjson-c-dev": "json-c-devel", "libndpi-dev": "ndpi-devel", "pkg-config": "pkgconf-pkg-config",
          "libxxhash-dev": "xxhash-devel", "zlib1g-dev": "zlib-devel", "python3": "python3-devel"}
# Of Debian's packaging and build-essential, and of Fedora's.
ONLY_DEBIAN = {"debhelper-compat", "dh-python", "dh-sequence-installsysusers", "dh-sequence-python3"}
ONLY_FEDORA = {"gcc", "make", "systemd-rpm-macros"}


def first(pattern, path):
    return re.search(pattern, path.read_text(), re.M)[1]


def build_depends():
    text = re.search(r"^Build-Depends:((?:.*\n )*.*)$", (DEPLOY / "debian/control").read_text(), re.M)[1]
    return {part.split("(")[0].strip() for part in text.split(",")}


def test_versions():
    version = first(r"^VERSION := (.*)$", tap.TOP / "Makefile")
    found = {"debian": first(r"^weir \((.*)\)", DEPLOY / "debian/changelog"), "rpm": first(r"^Version: +(.*)$", SPEC),
             "python": first(r'^version = "(.*)"$', tap.TOP / "tools/python/pyproject.toml")}
    assert set(found.values()) == {version}, (version, found)


def test_soname():
    soname = first(r"^SONAME := libweir\.so\.(.*)$", tap.TOP / "Makefile")
    assert f"\nPackage: libweir{soname}\n" in (DEPLOY / "debian/control").read_text()
    assert first(r"^%global soversion (.*)$", SPEC) == soname


def test_build_dependencies():
    """What tools/install-deps installs for building is what each package asks for."""
    installed = set(first(r"^build='([^']*)'", tap.TOP / "tools/install-deps").split())
    debian = build_depends()
    assert installed - {"gcc", "make"} == debian - ONLY_DEBIAN - {"python3"}, installed ^ debian
    fedora = set(re.findall(r"^BuildRequires: +(\S+)", SPEC.read_text(), re.M))
    expected = {FEDORA.get(name, re.sub("-dev$", "-devel", name)) for name in debian - ONLY_DEBIAN}
    assert fedora - ONLY_FEDORA == expected, fedora ^ expected


def test_spec_is_valid():
    done = subprocess.run(["rpmspec", "-P", SPEC], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    done = subprocess.run(["rpmlint", SPEC], capture_output=True, text=True, timeout=60)
    said = set(re.findall(r": [EW]: (\S+)", done.stdout))
    assert "1 specfiles checked" in done.stdout and said <= RPMLINT, done.stdout


def files(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


def test_make_install_systemd(folder):
    """Units name the places of the installation; what somebody has configured is left alone, and left."""
    def make(target):
        done = subprocess.run(["make", "-s", target, f"DESTDIR={folder}", "PREFIX=/opt/weir", f"BUILD={tap.BUILD}"], cwd=tap.TOP,
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr

    (folder / "etc/weir").mkdir(parents=True)
    (folder / "etc/weir/weir.yaml").write_text("interface: [eth7]\n")
    make("install-systemd")
    assert (folder / "etc/weir/weir.yaml").read_text() == "interface: [eth7]\n"
    for unit in ("weir.service", "weir@.service"):
        programs = re.findall(r"^Exec\w+=\+?(\S+)", (folder / "opt/weir/lib/systemd/system" / unit).read_text(), re.M)
        assert programs == ["/usr/bin/install", "/opt/weir/bin/weir", "/bin/kill", "/opt/weir/libexec/weir/stopped"], programs
    stopped = (folder / "opt/weir/libexec/weir/stopped").read_text()
    assert "exec /opt/weir/bin/weir detach" in stopped and "/usr/bin/weir" not in stopped
    assert {"opt/weir/lib/sysusers.d/weir.conf", "opt/weir/share/bash-completion/completions/weir", "opt/weir/share/zsh/site-functions/_weir",
            "opt/weir/share/fish/vendor_completions.d/weir.fish", "etc/logrotate.d/weir"} <= files(folder)
    make("uninstall")
    assert files(folder) == {"etc/weir/weir.yaml"}, files(folder)


def row(r):
    """A row of the table as the manual for operators has it."""
    capabilities = ", ".join(r["capabilities"]) if "capabilities" in r else "and " + ", ".join(r["adds"]) if r["adds"] else ""
    host_pid = "yes" if r.get("hostPID") else ""
    return "| " + " | ".join([r["feature"], f"`{r['option']}`", capabilities, host_pid, r["why"]]).replace("|  |", "| |") + " |"


def test_capabilities_are_told():
    """The table of the README is the one that the chart applies and the live tests run, row by row."""
    text = (DEPLOY / "README.md").read_text()
    table = text[text.index("| feature | option |"):].split("\n\n")[0].splitlines()[2:]
    expected = [re.sub(r"\|  (?=\|)", "| ", row(r)) for r in json.loads((DEPLOY / "kubernetes/weir/capabilities.json").read_text())]
    assert table == expected, [pair for pair in zip(table, expected) if pair[0] != pair[1]]


tap.run_tests(globals(), "deploy:")
tap.finish()
