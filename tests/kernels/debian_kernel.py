# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels: the newest package of a series through apt, unpacked once, and its modules."""
import lzma, os, pathlib, re, shutil, subprocess


class Unavailable(Exception):
    """There is no such kernel here; the text says why."""


def run(*command, **kw):
    done = subprocess.run(command, capture_output=True, text=True, **kw)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"{' '.join(command[:2])}: {last}")
    return done.stdout


def natural(text):
    """A sort key in which 9 comes before 10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def newest_package(series):
    """(name, version) of the newest cloud kernel of a series such as 6.1 that apt knows."""
    names = run("apt-cache", "pkgnames", f"linux-image-{series}.").split()
    names = [n for n in names if re.fullmatch(rf"linux-image-{re.escape(series)}\.\d\S*-cloud-amd64", n)]
    for name in sorted(names, key=natural, reverse=True):
        # A name without a version is one that apt has only heard of.
        version = re.search(r"^Version: (\S+)$", run("apt-cache", "show", "--no-all-versions", name), re.M)
        if version:
            return name, version[1]
    raise Unavailable(f"apt knows no linux-image-{series}.*-cloud-amd64")


def with_fresh_lists(action, *args):
    """Does it; when that fails, perhaps because apt's lists are old, once more after an update."""
    try:
        return action(*args)
    except Unavailable:
        if os.geteuid():
            raise
    run("apt-get", "update", "-qq")
    return action(*args)


def unpack(package, place):
    """Downloads a package and leaves its files in place, all or nothing."""
    work = place.with_name(place.name + ".part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    run("apt-get", "download", "-qq", package, cwd=work)
    for deb in work.glob("*.deb"):
        run("dpkg-deb", "--extract", str(deb), str(work))
        deb.unlink()
    work.rename(place)


def fetch_newest(series, cache):
    name, version = newest_package(series)
    place = cache / f"{name}_{version}"
    if not place.is_dir():
        unpack(name, place)
    return place


class Kernel:
    """An unpacked kernel: its release, its image and its modules."""

    def __init__(self, place):
        self.image = next(place.glob("boot/vmlinuz-*"))
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.files = {p.name.split(".ko")[0].replace("-", "_"): p
                      for p in place.glob("lib/modules/*/kernel/**/*.ko*")}

    def modules(self, names):
        """[(name, content)] of those that are modules here, each after those it depends on."""
        found = {}

        def add(name):
            path = self.files.get(name.replace("-", "_"))
            if not path or path.name in found:
                return
            content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
            depends = re.search(rb"\0depends=([^\0]*)", content)
            for other in depends[1].decode().split(",") if depends else []:
                add(other)
            found[path.name] = (name, content)

        for name in names:
            add(name)
        return list(found.values())


def fetch(series, cache):
    """The newest kernel of a series; when apt gives none, one that an earlier run left in the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    try:
        place = with_fresh_lists(fetch_newest, series, cache)
    except Unavailable:
        old = sorted((p for p in cache.glob(f"linux-image-{series}.*") if p.suffix != ".part"), key=lambda p: natural(p.name))
        if not old:
            raise
        place = old[-1]
    for other in cache.glob(f"linux-image-{series}.*"):
        if other != place:
            shutil.rmtree(other)
    return Kernel(place)
