"""A headless Chromium, driven through chromedriver with the few commands that are needed."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_START_SECONDS = 20
_COMMAND_SECONDS = 30


class Browser:
    """A browser with one page (W3C WebDriver).

    Args:
        driver: chromedriver's address.
    """

    def __init__(self, driver: str) -> None:
        self._driver = driver
        options = {
            "args": [
                "--headless=new",
                "--no-sandbox",  # tests run as root, and open only pages of their own
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
            ]
        }
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options}
        answer = self._command("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{answer['sessionId']}"

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._command("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str) -> Any:
        """Run JavaScript in the page; return what it returns."""
        return self._command(
            "POST", f"{self._session}/execute/sync", {"script": script, "args": []}
        )

    def wait_for(self, script: str, seconds: float) -> Any:
        """Run JavaScript every half second until it returns something true; return that."""
        until = time.monotonic() + seconds
        while not (value := self.run(script)):
            if time.monotonic() > until:
                text = self.run("return document.body.innerText")
                raise TimeoutError(f"{script!r} did not hold within {seconds} s; the page: {text}")
            time.sleep(0.5)
        return value

    def quit(self) -> None:
        """End the browser."""
        self._command("DELETE", self._session)

    def _command(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address is our own chromedriver's
            self._driver + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=_COMMAND_SECONDS) as answer:  # noqa: S310
            return json.load(answer)["value"]


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a browser and end it afterwards.

    Raises:
        AssertionError: there is none on this machine.
    """
    for program in ("chromium", "chromedriver"):
        assert shutil.which(program), (
            f"{program} is needed for this test: apt-get install chromium chromium-driver"
        )
    with (
        tempfile.TemporaryFile(mode="w+") as log,
        subprocess.Popen(["chromedriver", "--port=0"], stdout=log, stderr=log) as driver,
    ):
        try:
            browser = Browser(f"http://127.0.0.1:{_port_of(log.fileno(), driver)}")
            try:
                yield browser
            finally:
                browser.quit()
        finally:
            driver.terminate()


def _port_of(log: int, driver: "subprocess.Popen[bytes]") -> int:
    """Wait for the line that tells the port."""
    file = Path(f"/proc/self/fd/{log}")
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and driver.poll() is None:
        for line in file.read_text(encoding="utf-8").splitlines():
            if "started successfully on port" in line:
                return int(line.rstrip(".").rpartition(" ")[2])
        time.sleep(0.1)
    raise AssertionError(f"chromedriver did not start: {file.read_text(encoding='utf-8')}")
