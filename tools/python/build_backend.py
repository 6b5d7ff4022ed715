# SPDX-License-Identifier: BSD-2-Clause
"""Builds the wheel (PEP 517): pure Python files in a zip, so nothing has to be fetched to build it."""
import base64, hashlib, io, pathlib, re, tarfile, zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE / "weir"


def project(key):
    """A string of pyproject.toml; tomllib came with Python 3.11."""
    return re.search(rf'^{key} = "(.*)"$', (HERE / "pyproject.toml").read_text(), re.M)[1]


def name():
    return f"{project('name')}-{project('version')}"


def metadata():
    return "\n".join([
        "Metadata-Version: 2.1",
        f"Name: {project('name')}",
        f"Version: {project('version')}",
        f"Summary: {project('description')}",
        f"Requires-Python: {project('requires-python')}",
        "License: BSD-2-Clause",
        "Provides-Extra: pandas",
        'Requires-Dist: pandas ; extra == "pandas"',
        "Description-Content-Type: text/markdown",
        "",
        (HERE / "README.md").read_text(),
    ])


WHEEL = "Wheel-Version: 1.0\nGenerator: weir\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_wheel(directory, files):
    """files: name in the wheel -> bytes. RECORD, which lists them, comes last."""
    info = f"{name()}.dist-info"
    files = {**files, f"{info}/METADATA": metadata().encode(), f"{info}/WHEEL": WHEEL.encode()}
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    wheel = f"{name()}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, wheel), "w", zipfile.ZIP_DEFLATED) as out:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)  # a fixed date: the same sources give the same wheel
            entry.external_attr = 0o644 << 16
            out.writestr(entry, data)
    return wheel


def sources():
    return {str(path.relative_to(HERE)): path.read_bytes() for path in sorted(PACKAGE.rglob("*.py"))}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, sources())


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, {"weir.pth": f"{HERE}\n".encode()})


def build_sdist(sdist_directory, config_settings=None):
    archive = f"{name()}.tar.gz"
    files = {**sources(), "PKG-INFO": metadata().encode()}
    for path in ("pyproject.toml", "build_backend.py", "README.md"):
        files[path] = (HERE / path).read_bytes()
    with tarfile.open(pathlib.Path(sdist_directory, archive), "w:gz", format=tarfile.PAX_FORMAT) as out:
        for path, data in files.items():
            entry = tarfile.TarInfo(f"{name()}/{path}")
            entry.size = len(data)
            out.addfile(entry, io.BytesIO(data))
    return archive
