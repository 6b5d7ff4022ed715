# SPDX-License-Identifier: BSD-2-Clause
"""performance_report: a line of JSON in intervals, under NFStream's names."""
import json, time


class Performance:
    """tick() is called while flows are waited for, several times a second."""

    def __init__(self, session, interval):
        self.session, self.interval = session, interval
        self.due = time.monotonic() + interval

    def tick(self):
        now = time.monotonic()
        if now < self.due:
            return
        self.due += self.interval * (1 + int((now - self.due) / self.interval))
        print(json.dumps(report(self.session.counters())), flush=True)


def report(counters):
    def total(group):
        return sum(value for name, value in counters.items() if name.startswith(group + "."))

    return {"flows_expired": counters["flows"],
            "packets_processed": counters["metered"],
            "packets_ignored": total("ignored"),
            "packets_dropped_filtered_by_kernel": counters["filtered"] + total("lost"),
            "meters_packets_processing_balance": [counters["metered"]]}
