#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The project's own captures against their expected records, every column of them.

tests/golden/expected/ holds one CSV a capture and the exit code and message where reading it is
meant to fail. The columns that nDPI fills were made with 4.2 and are compared with that only.

usage: test_own.py [--update]     --update rewrites the expected files; read the diff before a commit
"""
import csv, io, pathlib, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tap

EXPECTED = pathlib.Path(__file__).with_name("expected")
OPTIONS = ["--profile", "all", "--stats", "--splt", "8", "--probe-name", "probe"]
NDPI_COLUMNS = {"master_protocol", "app_protocol", "application_name", "category_name", "application_is_guessed",
                "application_confidence", "confidence_name", "client_info", "server_info", "j3a_client", "j3a_server",
                "requested_server_name", "client_fingerprint", "server_fingerprint", "hassh_client", "hassh_server",
                "tls_version", "alpn", "user_agent", "content_type", "url", "risk", "risk_names"}


def captures():
    folder = tap.TOP / "tests" / "pcaps"
    return sorted(p for d in ("recorded", "crafted") for p in (folder / d).glob("*") if p.suffix in (".pcap", ".pcapng"))


def message(run, capture):
    return run.err.replace(str(capture), "CAPTURE")


def differences(wanted, found, ndpi):
    wanted, found = (list(csv.DictReader(io.StringIO(t))) for t in (wanted, found))
    if len(wanted) != len(found):
        return f"{len(wanted)} records wanted, {len(found)} found"
    wrong = [f"record {i}: {c}: wanted {w[c]!r}, found {f.get(c)!r}" for i, (w, f) in enumerate(zip(wanted, found))
             for c in w if w[c] != f.get(c) and (ndpi or c not in NDPI_COLUMNS)]
    return "\n".join(wrong)


def main():
    import subprocess
    ndpi = "nDPI 4.2" in subprocess.run([tap.WEIR, "version"], capture_output=True, text=True).stdout
    EXPECTED.mkdir(exist_ok=True)
    for capture in captures():
        run = tap.run_weir("-r", capture, *OPTIONS, weir=tap.WEIR_SAN, packets_column="total_packets")
        csv_file = EXPECTED / f"{capture.parent.name}__{capture.name}.csv"
        err_file = csv_file.with_suffix(".err")
        if "--update" in sys.argv:
            csv_file.write_text(run.out)
            err_file.unlink(missing_ok=True)
            if run.status:
                err_file.write_text(f"{run.status} {message(run, capture)}")
            continue
        wanted_err = err_file.read_text() if err_file.exists() else ""
        found_err = f"{run.status} {message(run, capture)}" if run.status or run.err else ""
        why = differences(csv_file.read_text(), run.out, ndpi) if csv_file.exists() else "no expected records"
        if wanted_err != found_err:
            why += f"\nwanted {wanted_err!r}, found {found_err!r}"
        tap.report(not why, f"own {capture.parent.name}/{capture.name}", why)
    if "--update" not in sys.argv:
        tap.finish()


main()
