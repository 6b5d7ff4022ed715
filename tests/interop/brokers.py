# SPDX-License-Identifier: BSD-2-Clause
"""Kafka brokers of the tests: librdkafka's mock cluster, and kcat as the consumer."""
import subprocess

import tap


class Brokers:
    def __init__(self, count=3):
        self.process = subprocess.Popen([str(tap.BUILD / "interop/kafka_mock"), str(count), "flows", "twin"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=1)
        self.address = self.process.stdout.readline().strip()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        assert self.process.stdout.readline() == "done\n"

    def read(self, topic="flows"):
        """[(key, value)] of the whole topic, values as bytes."""
        done = subprocess.run(["kcat", "-C", "-b", self.address, "-t", topic, "-e", "-q", "-o", "beginning", "-f", r"%k\n%S\n%s"],
                              capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        messages, rest = [], done.stdout
        while rest:
            key, length, rest = rest.split(b"\n", 2)
            messages.append((key.decode(), rest[:int(length)]))
            rest = rest[int(length):]
        return messages

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.process.stdin.close()
        self.process.wait(timeout=20)
