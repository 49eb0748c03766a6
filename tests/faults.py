"""A TCP relay that goes wrong at an exact byte of the server's answers: in front of LDAP, of a login server, of Microsoft Graph."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from types import TracebackType

MODES = ("refuse", "blackhole", "close", "reset", "delay", "cut", "corrupt", "drip")
_CHUNK = 4096
_DELAY = 0.005


class FaultProxy:
    """Relays to a local port until `at` bytes have come back, then misbehaves for ever, or `once` only.

    refuse: closes, and nobody listens any more · blackhole: falls silent · close: ends both directions · reset · delay: waits before each
    block, loses nothing · cut: ends the answers only, as a half-closed connection does · corrupt: alters one byte · drip: goes on byte by
    byte. Without a mode it only counts: `relayed` bytes so far, and how many they were when each connection was `opened`. The byte may
    be chosen late, by `arm`.
    """

    def __init__(self, target: int, mode: str = "", at: int = 0) -> None:
        self.relayed = 0
        self.opened: list[int] = []
        self._target, self._mode, self._at, self._once = target, mode, at, False
        self._sockets: list[socket.socket] = []
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        if mode == "refuse" and at == 0:
            _end(self._listener)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        for sock in (self._listener, *self._sockets):
            _end(sock)
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def arm(self, mode: str, after: int, *, once: bool = False) -> None:
        """Go wrong after so many more bytes of answers."""
        self._mode, self._at, self._once = mode, self.relayed + after, once

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stopped.is_set():
                client, _ = self._listener.accept()
                self.opened.append(self.relayed)
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
                    # Counted first: who has an answer may ask for the next before this thread goes on.
                    self.relayed += len(data)
                    client.sendall(data)
                    continue
                mode = self._mode
                if self._once or mode == "corrupt":
                    self._mode = ""
                self.relayed += before
                client.sendall(data[:before])
                if not self._misbehave(mode, client, data[before:]):
                    return
                self.relayed += len(data) - before
                self._at = self.relayed
            client.shutdown(socket.SHUT_WR)

    def _misbehave(self, mode: str, client: socket.socket, rest: bytes) -> bool:
        """Go wrong with `rest`; whether the relay goes on afterwards."""
        if mode == "blackhole":
            self._stopped.wait()
        elif mode == "refuse":
            _end(self._listener)
            _end(client)
        elif mode == "close":
            _end(client)
        elif mode == "cut":
            client.shutdown(socket.SHUT_WR)
        elif mode == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.shutdown(socket.SHUT_RD)  # wakes the other thread, whose read would keep the connection open
            client.close()
        elif mode == "drip":
            # The bytes that follow do not matter: what is tested is that a little all the time is not progress.
            for byte in rest * 1000:
                if self._stopped.is_set():
                    break
                client.sendall(bytes((byte,)))
                time.sleep(0.05)
        elif mode == "delay":
            time.sleep(_DELAY)
            client.sendall(rest)
        elif mode == "corrupt":
            client.sendall(bytes((rest[0] ^ 0xFF,)) + rest[1:])
        return mode in ("delay", "corrupt")


def _end(sock: socket.socket) -> None:
    """Shut down; a listening socket refuses from then on, and keeps its port."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
