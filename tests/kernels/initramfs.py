# SPDX-License-Identifier: BSD-2-Clause
"""The guest's file system: programs with all their shared libraries, modules, tests, as one cpio."""
import pathlib, re, shutil, subprocess


def libraries(program):
    """What the dynamic linker loads for a program, itself included; [] for scripts and static ones."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    missing = re.findall(r"(\S+) => not found", done.stdout)
    if missing:
        raise OSError(f"{program}: shared libraries not found: {' '.join(missing)}")
    return re.findall(r"(/\S+) \(0x", done.stdout)


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


class Initramfs:
    """A tree that is filled, then written. It is not compressed: emulated, that costs more than reading."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("bin", "dev", "proc", "run", "sys", "tmp"):
            (self.root / name).mkdir(parents=True)

    def file(self, source, path):
        copy(source, self.root / path)

    def program(self, source, path):
        self.file(source, path)
        (self.root / path).chmod(0o755)
        for library in libraries(source):
            copy(library, self.root / library[1:])

    def modules(self, modules):
        """Named so that the order of names is the order of loading."""
        folder = self.root / "modules"
        folder.mkdir()
        for i, (name, content) in enumerate(modules):
            (folder / f"{i:02}-{name}.ko").write_bytes(content)

    def write(self, path):
        names = sorted(str(p.relative_to(self.root)) for p in self.root.rglob("*"))
        with open(path, "wb") as out:
            subprocess.run(["cpio", "--create", "--format=newc", "--owner=0:0", "--quiet"], cwd=self.root,
                           input="\n".join(names).encode(), stdout=out, check=True)
