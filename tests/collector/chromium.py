"""A headless Chromium that takes pictures of pages, driven by its DevTools protocol."""

import asyncio
import base64
import contextlib
import json
import shutil
import struct
import tempfile
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

_START_SECONDS = 30
_COMMAND_SECONDS = 30
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # tests run as root, and open only pages of their own
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


@dataclass
class Page:
    """An open page of the browser."""

    socket: aiohttp.ClientWebSocketResponse
    _numbers: Any = field(default_factory=lambda: count(1))

    async def send(self, method: str, **parameters: Any) -> Any:
        """Return the answer to a command of the protocol."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(_COMMAND_SECONDS):
            while True:
                message = json.loads(await self.socket.receive_str())
                if message.get("id") == number:
                    assert "error" not in message, message
                    return message["result"]

    async def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def open(self, address: str, language: str = "vi", cookie: str | None = None) -> None:
        """Open an address and wait until it is loaded."""
        headers = {"Accept-Language": language}
        if cookie:
            headers["Cookie"] = cookie
        await self.send("Network.enable")
        await self.send("Network.setExtraHTTPHeaders", headers=headers)
        await self.send("Page.navigate", url=address)
        async with asyncio.timeout(_COMMAND_SECONDS):
            # The browser says it by events too, but may have said it before one listens.
            while await self.run("location.href + document.readyState") != f"{address}complete":  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the window, and whether the visitor likes it dark."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, *, whole: bool = False) -> bytes:
        """Return a picture of the window, or of the whole page, as PNG."""
        answer = await self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])


@contextlib.asynccontextmanager
async def open_page() -> AsyncIterator[Page]:
    """Start a browser with one page; end it afterwards."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "these tests need a browser: apt-get install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            program,
            *_ARGUMENTS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            port = await asyncio.to_thread(_debugging_port, Path(folder) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    found = [one for one in await answer.json() if one["type"] == "page"]
                address = found[0]["webSocketDebuggerUrl"]
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            process.terminate()
            await process.wait()


def _debugging_port(file: Path) -> int:
    """Return the port that the browser writes into a file once it listens."""
    until = time.monotonic() + _START_SECONDS
    while not (file.exists() and file.read_text().count("\n")):
        assert time.monotonic() < until, "the browser did not start"
        time.sleep(0.05)
    return int(file.read_text().splitlines()[0])


def colours_in(png: bytes) -> int:
    """Return how many different bytes a picture's lines hold: a blank one has a handful."""
    at, packed = 8, b""
    while at < len(png):
        size, kind = struct.unpack_from("!I4s", png, at)
        if kind == b"IDAT":
            packed += png[at + 8 : at + 8 + size]
        at += 12 + size
    return len(set(zlib.decompress(packed)))
