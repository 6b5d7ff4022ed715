# SPDX-License-Identifier: BSD-2-Clause
"""Peers that take all and keep nothing, a process of its own: stream sockets by TCP and UNIX, datagrams as
syslog's, HTTP. Run as a program it prints where each listens, a "name address" a line, and ends with stdin."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

from paths import BENCH, BUILD, BenchError

CHUNK = 1 << 20
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"errors":false}'


def drop(connection):
    room = bytearray(CHUNK)
    while connection.recv_into(room):
        pass


def answer(connection):
    """A request after the other; bodies have a length, as weir's do."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(CHUNK)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        left = int(re.search(rb"(?i)content-length: *(\d+)", head)[1]) - len(data)
        while left > 0:
            left -= len(connection.recv(min(left, CHUNK)))
        data = b""
        connection.sendall(ANSWER)


def serve(listener, take):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=take, args=(connection,), daemon=True).start()


def listen(family, address):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    return listener


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, family, address, take in (("tcp", socket.AF_INET, ("127.0.0.1", 0), drop),
                                            ("http", socket.AF_INET, ("127.0.0.1", 0), answer),
                                            ("unix", socket.AF_UNIX, f"{folder}/stream", drop)):
            listener = listen(family, address)
            threading.Thread(target=serve, args=(listener, take), daemon=True).start()
            found = listener.getsockname()
            print(name, found if name == "unix" else f"127.0.0.1:{found[1]}")
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(f"{folder}/log")
        threading.Thread(target=drop, args=(log,), daemon=True).start()
        print("syslog", f"{folder}/log", flush=True)
        sys.stdin.read()


class Sinks:
    """All of them, while it is open; addresses: {name: address}, kafka's too."""

    def __init__(self):
        self.addresses = {}
        self.processes = []

    def start(self, argv, lines):
        try:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                       stderr=subprocess.DEVNULL)
        except OSError as error:
            raise BenchError(f"{argv[0]}: {error.strerror}: run make bench-export") from None
        self.processes.append(process)
        return [process.stdout.readline().split() for _ in range(lines)]

    def __enter__(self):
        try:
            self.addresses.update(self.start([sys.executable, str(BENCH / "sinks.py")], 4))
            self.addresses["kafka"] = self.start([str(BUILD / "interop/kafka_mock"), "3", "flows"], 1)[0][0]
        except (ValueError, IndexError):
            self.close()
            raise BenchError("a peer to send to has not started: see tools/bench/sinks.py") from None
        except BenchError:
            self.close()
            raise
        return self

    def __exit__(self, *why):
        self.close()

    def close(self):
        for process in self.processes:
            process.stdin.close()
            process.wait(timeout=30)


if __name__ == "__main__":
    main()
    os._exit(0)
