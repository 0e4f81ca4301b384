"""A real browser for tests of the page: headless Chromium, driven over its DevTools protocol. Tests are skipped where there is none."""

import base64
import contextlib
import importlib.util
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--mute-audio",
)
READY = "document.querySelector('#result')?.dataset.ready"
START_READY = "document.querySelector('#recent a') || document.querySelector('#recent')?.innerText.startsWith('No jobs')"
AXE = importlib.util.find_spec("axe_core_python")
PATIENCE_S = 60.0
POLL_S = 0.15


def find_chromium() -> str | None:
    """Find the browser's executable; None where none is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


IS_INSTALLED = find_chromium() is not None


class Browser:
    """One tab. `messages` holds what the console and the page's exceptions said, `requests` the addresses that the page asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._calls, self._opened = connection, 0, 0
        self.messages: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; raises RuntimeError with the browser's error."""
        self._calls += 1
        self._connection.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE_S))
            if answer.get("id") == self._calls:
                if "error" in answer:
                    raise RuntimeError(answer["error"]["message"])
                result: dict[str, Any] = answer["result"]
                return result
            self._record(answer["method"], answer["params"])

    def _record(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.messages.append(" ".join(str(argument.get("value")) for argument in parameters["args"]))
        elif method == "Runtime.exceptionThrown":
            self.messages.append(parameters["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif method == "Log.entryAdded":
            self.messages.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")

    def run(self, script: str) -> Any:
        """Return the value of an expression or promise in the page; raises RuntimeError with the page's exception."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return answer["result"].get("value")

    def open(self, url: str, ready: str) -> None:
        """
        Open an address in a new document, and wait until an expression is true.

        A number in the query makes the document new where only the fragment differs. Documents share a process, which a blank one between
        them would end.
        """
        self._opened += 1
        address = urlsplit(url)._replace(query=f"n={self._opened}", path=urlsplit(url).path or "/")
        self.call("Page.navigate", url=urlunsplit(address))
        self.wait(f"location.search === '?n={self._opened}' && document.body && ({ready})")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true; raises TimeoutError."""
        end_s = time.monotonic() + PATIENCE_S
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end_s:
                raise TimeoutError(f"{condition} did not become true; the page says: {self.run('document.body.innerText')[:400]}")
            time.sleep(POLL_S)

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def choose_files(self, selector: str, *files: Path) -> None:
        """Choose files in a file input."""
        field = self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")["result"]["objectId"]
        self.call("DOM.setFileInputFiles", objectId=field, files=[str(file) for file in files])

    def set_screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the window and the color scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def take_screenshot(self) -> bytes:
        """Return the window as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextlib.contextmanager
def open_browser(executable: str, profile: Path) -> Iterator[Browser]:
    """Run a browser with a new profile in a folder."""
    address = profile / "DevToolsActivePort"
    process = subprocess.Popen(
        [executable, *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end_s = time.monotonic() + PATIENCE_S
        while not (address.exists() and address.read_text().count("\n")) and time.monotonic() < end_s and process.poll() is None:
            time.sleep(0.05)
        port, path = address.read_text().splitlines()
        with connect(f"ws://127.0.0.1:{port}{path}") as control:
            tab = _open_tab(control)
        with connect(f"ws://127.0.0.1:{port}/devtools/page/{tab}", max_size=None) as connection:
            yield Browser(connection)
    finally:
        process.terminate()
        process.wait(20)


def _open_tab(control: ClientConnection) -> str:
    """Open a tab and return its id."""
    control.send(json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
    while "id" not in (answer := json.loads(control.recv(timeout=PATIENCE_S))):
        pass
    return str(answer["result"]["targetId"])


def check_accessibility(page: Browser) -> None:
    """Check the view with axe-core, where it is installed."""
    if AXE is None or AXE.origin is None:
        return
    page.run((Path(AXE.origin).parent / "axe.min.js").read_text() + "; true")
    found = page.run(
        "axe.run(document, {resultTypes: ['violations']}).then((all) => all.violations.map((one) => `${one.id}: ${one.nodes[0].html}`))"
    )
    assert found == []


def check_quiet(page: Browser, service: httpx.Client) -> None:
    """Check that nothing was said on the console, and nothing asked of another host."""
    assert page.messages == []
    assert [url for url in page.requests if not url.startswith((str(service.base_url), "about:", "data:", "blob:"))] == []
