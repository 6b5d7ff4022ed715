# SPDX-License-Identifier: BSD-2-Clause
"""What the Python tests share: TAP output, where things are, and running weir.

Every run of weir goes through run_weir(), which checks the accounting law:
seen = metered + filtered + ignored + lost, and the packets of all records add up to metered.
"""
import concurrent.futures, csv, io, json, os, pathlib, re, subprocess, sys, tempfile, traceback

csv.field_size_limit(1 << 30)
TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build")).resolve()
SHARED = pathlib.Path(os.environ.get("WEIR_SHARED", TOP.parent / "shared"))
WEIR = BUILD / "weir"
WEIR_SAN = BUILD / "weir-san"

_count = 0
_failed = 0


def report(good, name, why=""):
    global _count, _failed
    _count += 1
    _failed += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {name}")
    for line in why.splitlines()[:30] if not good else []:
        print("#", line)
    sys.stdout.flush()


def skip(name, why):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}")


def finish():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)


class Absent(str):
    """What a test returns whose capture is not one of those given: a comment, not a skip, for nothing here could run it.

    Other words that a test returns say why it is skipped.
    """


class Skipped(Exception):
    """Why a test cannot run here."""


def chosen(scope):
    """(name, function) of each test_* of a file; words on the command line choose some."""
    for name, test in list(scope.items()):
        if name.startswith("test_") and callable(test) and (len(sys.argv) == 1 or name[5:] in sys.argv[1:]):
            yield name[5:], test


def tell(told, why):
    """why: what the test returned, words if it did not run."""
    if isinstance(why, Absent):
        print(f"# {told}: {why}")
    elif isinstance(why, str):
        skip(told, why)
    else:
        report(True, told)


def run_test(test):
    """What the test returned or raised; it has a folder of its own where it takes one."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return test(pathlib.Path(folder)) if test.__code__.co_argcount else test()
        except Exception as error:
            error.words = traceback.format_exc()[-3000:]
            return error


def run_tests(scope, prefix, at_once=1):
    """Runs the tests of a file, so many at once if they wait most of their time, and tells in order what became of them."""
    tests = list(chosen(scope))
    if at_once == 1: # in the main thread, which alone gets signals
        tell_all(prefix, tests, map(run_test, [test for _, test in tests]))
        return
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        tell_all(prefix, tests, pool.map(run_test, [test for _, test in tests]))


def tell_all(prefix, tests, results):
    for (name, _), why in zip(tests, results):
        told = f"{prefix} {name}"
        if isinstance(why, Skipped):
            skip(told, why)
        elif isinstance(why, Exception):
            report(False, told, why.words)
        else:
            tell(told, why)


def shared_captures(folder="pcaps"):
    """The optional captures, or [] after a skip."""
    files = sorted(p for p in (SHARED / folder).glob("*") if p.suffix != ".tsv") if SHARED.is_dir() else []
    if not files:
        skip(folder, f"no captures in {SHARED}/{folder}; set WEIR_SHARED")
    return files


BROKEN = re.compile(r"cut-|dlt-unknown|nothing|pcapng-(cut|links|no-)|record-huge|text\.|version-1")


def readable_captures():
    """Our own but for those that end a run, to be read one after another."""
    files = [p for d in ("recorded", "crafted") for p in sorted((TOP / "tests/pcaps" / d).glob("*.pcap*"))]
    return [p for p in files if not BROKEN.match(p.name)]


def pcap_offset(data, packets):
    """Where so many packets of a little-endian pcap end."""
    at = 24
    for _ in range(packets):
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
    return at


def law(summary):
    """None, or what is wrong with the accounting."""
    terms = [summary["metered"], summary["filtered"], *summary["ignored"].values(), *summary["lost"].values()]
    if summary["seen"] != sum(terms):
        return f"seen {summary['seen']} is not the sum of {terms}"
    if summary["flows"] != sum(summary["ended"].values()):
        return f"flows {summary['flows']} is not the sum of {summary['ended']}"
    return None


class Run:
    def __init__(self, status, out, err, summary):
        self.status, self.out, self.err, self.summary = status, out, err, summary

    def rows(self):
        return list(csv.DictReader(io.StringIO(self.out)))


def run_weir(*args, weir=WEIR, timeout=120, packets_column=None):
    """Runs weir on captures; CSV on stdout. Raises AssertionError when the law does not hold."""
    with tempfile.NamedTemporaryFile(suffix=".json") as f:
        done = subprocess.run([str(weir), "-q", "--summary", f.name, *map(str, args)],
                              capture_output=True, timeout=timeout)
        text = pathlib.Path(f.name).read_text()
    run = Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"),
              json.loads(text) if text else None)
    if run.summary:
        wrong = law(run.summary)
        assert wrong is None, wrong
        if packets_column:
            total = sum(int(r[packets_column]) for r in run.rows())
            total += run.summary["unexported"]
            assert total == run.summary["metered"], f"records hold {total} packets, {run.summary['metered']} metered"
    return run
