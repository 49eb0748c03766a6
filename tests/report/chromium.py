"""A tab of the real Chromium, driven over its DevTools pipe: clicks, keys, pictures, and what it logged, asked and downloaded."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
SECONDS = 60.0
"""How long one answer of the browser may take."""

READY = """new Promise(done => requestAnimationFrame(() => setTimeout(() => done(Math.max(
  ...[["navigation", "loadEventEnd"], ["paint", "startTime"], ["mark", "startTime"]].flatMap(
    ([kind, moment]) => performance.getEntriesByType(kind).map(entry => entry[moment])))))))"""
"""Milliseconds from the start of loading until the page is loaded, painted, and its explorer built, whichever comes last."""

_KEYS = {
    "Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), "End": (35, ""), "Home": (36, ""), "PageDown": (34, ""), "ArrowDown": (40, ""),
    "/": (191, "/"), " ": (32, " "),
}  # fmt: skip


class Tab:
    """One page. `log` holds console messages, uncaught errors and policy violations; `requests` every address asked for beside the page."""

    def __init__(self, send: int, receive: int, downloads: Path) -> None:
        self._send, self._receive = send, receive
        self._number, self._bytes, self._session = 0, b"", ""
        self._loaded = False
        self._page = ""
        self._downloaded: list[str] = []
        self.downloads = downloads
        self.log: list[str] = []
        self.requests: list[str] = []
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads), eventsEnabled=True)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol and its result; an error of the browser is an AssertionError."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._send, data) :]
        until = time.monotonic() + SECONDS
        while True:
            answer = self._next(until)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def go(self, file: Path, anchor: str = "", *, script: bool = True) -> None:
        """Open a file of the disk and wait until it is loaded and, where scripts run, its explorer is built if it has one."""
        self._loaded, self._page = False, file.as_uri()
        self.call("Page.navigate", url="about:blank")
        self._wait(lambda: self._loaded)
        self._loaded = False
        self.call("Page.navigate", url=self._page + anchor)
        self._wait(lambda: self._loaded)
        built = "!document.getElementById('data') || performance.getEntriesByName('explorer').length > 0"
        self._wait(lambda: not script or self.run(built) is True)

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def click(self, selector: str) -> None:
        """A click of the mouse in the middle of an element, which must be what lies there."""
        place = self.run(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); found.scrollIntoView({{block: 'center'}});"
            "const box = found.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2,"
            "hit = document.elementFromPoint(x, y); return [x, y, found.contains(hit)]; })()"
        )
        assert place[2], f"{selector} is covered"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """One key of the keyboard."""
        code, text = _KEYS[key]
        pressed = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """Size and colour scheme of the screen."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def png(self, path: Path) -> None:
        """A picture of what is on the screen."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def pdf(self) -> bytes:
        """The page, printed."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    def downloaded(self) -> Path:
        """The last file the page offered, once it is complete."""
        self._wait(lambda: bool(self._downloaded))
        return self.downloads / self._downloaded.pop()

    def _wait(self, done: Any) -> None:
        until = time.monotonic() + SECONDS
        while not done():
            if not self._session or not self._pending(0.02):
                assert time.monotonic() < until, "the browser takes too long"
                continue
            self._next(until)

    def _pending(self, seconds: float) -> bool:
        return b"\0" in self._bytes or bool(select.select([self._receive], [], [], seconds)[0])

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._bytes:
            assert self._pending(max(0, until - time.monotonic())), "the browser does not answer"
            read = os.read(self._receive, 1 << 16)
            assert read, "the browser is gone"
            self._bytes += read
        text, _, self._bytes = self._bytes.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Runtime.consoleAPICalled":
            self.log.append(f"{told['type']}: {[entry.get('value', entry.get('description')) for entry in told['args']]}")
        elif event == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.log.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Log.entryAdded":
            self.log.append(f"{told['entry']['source']}: {told['entry']['text']}")
        elif event == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if not address.startswith(("data:", "blob:", "about:")) and address.partition("#")[0] != self._page:
                self.requests.append(address)
        elif event == "Browser.downloadWillBegin":
            self._name = told["suggestedFilename"]
        elif event == "Browser.downloadProgress" and told["state"] == "completed":
            self._downloaded.append(self._name)


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """A browser with a fresh profile in `folder`, which it leaves with the block."""
    assert PROGRAM
    downloads = folder / "downloads"
    downloads.mkdir(exist_ok=True)
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()

    def wire() -> None:
        # Chromium reads commands from descriptor 3 and answers on 4; both may be taken by the other ends here.
        reads, writes = fcntl.fcntl(theirs_in, fcntl.F_DUPFD, 10), fcntl.fcntl(theirs_out, fcntl.F_DUPFD, 10)
        os.dup2(reads, 3)
        os.dup2(writes, 4)
        os.close(reads)
        os.close(writes)

    process = subprocess.Popen(
        [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", "about:blank"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=wire,  # noqa: PLW1509
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        page = Tab(ours_out, ours_in, downloads)
        yield page
        page.call("Browser.close")
    finally:
        os.close(ours_out)
        os.close(ours_in)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
