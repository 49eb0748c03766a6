"""A TCP relay that goes wrong at an exact byte of the server's answers."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType

MODES = ("blackhole", "close", "reset", "corrupt", "drip")
_CHUNK = 4096


class FaultProxy:
    """Relays to a local port until `at` bytes have come back, then misbehaves: falls silent (blackhole), closes, resets, alters one
    byte (corrupt) or goes on byte by byte (drip). Without a mode it only counts."""

    def __init__(self, target: int, mode: str = "", at: int = 0) -> None:
        self.relayed = 0
        self.connections = 0
        self._target, self._mode, self._at = target, mode, at
        self._sockets: list[socket.socket] = []
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                for relay, origin, sink in ((self._requests, client, server), (self._answers, server, client)):
                    thread = threading.Thread(target=relay, args=(origin, sink), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    @staticmethod
    def _requests(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_CHUNK):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_CHUNK):
                before = self._at - self.relayed
                if not self._mode or len(data) <= before:
                    client.sendall(data)
                    self.relayed += len(data)
                    continue
                client.sendall(data[:before])
                self.relayed += before
                self._misbehave(client, data[before:])
                if self._mode != "corrupt":
                    return
                self.relayed += len(data) - before
                self._mode = ""
            client.shutdown(socket.SHUT_WR)

    def _misbehave(self, client: socket.socket, rest: bytes) -> None:
        if self._mode == "blackhole":
            self._stopped.wait()
        elif self._mode == "close":
            client.shutdown(socket.SHUT_RDWR)
        elif self._mode == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.shutdown(socket.SHUT_RD)  # wakes the other thread, whose read would keep the connection open
            client.close()
        elif self._mode == "corrupt":
            client.sendall(bytes((rest[0] ^ 0xFF,)) + rest[1:])
        elif self._mode == "drip":
            # The bytes that follow do not matter: what is tested is that a little all the time is not progress.
            for byte in rest * 1000:
                if self._stopped.is_set():
                    return
                client.sendall(bytes((byte,)))
                time.sleep(0.05)
