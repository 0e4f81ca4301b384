"""
Write the client with awaited calls from the one with blocking calls: `make client-models`.

Both perform the same operations, so that they differ only in `async`, `await` and the names of httpx. A test compares the file in
the repository with what this program writes.
"""

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent / "src" / "seismic_atlas_client"
SOURCE, TARGET = PACKAGE / "client.py", PACKAGE / "async_client.py"

NOTE = '''"""
The client with awaited calls: submissions, jobs and their products.

Written by client/generate_async_client.py from client.py; change that, not this file.
"""'''

# What a function that awaits nothing keeps.
PLAIN = ("__init__", "id")

REPLACEMENTS = (
    (r'\A""".*?"""', NOTE),
    (r"^import time$", "import asyncio"),
    (r"\bIterator\b", "AsyncIterator"),
    (r"\bJobHandle\b", "AsyncJobHandle"),
    (r"`Client\.job\(id\)`", "`await AsyncClient.job(id)`"),
    (r"\bclass Client:", "class AsyncClient:"),
    (r"\bclient: Client\b", "client: AsyncClient"),
    (r"with blocking calls\.", "with awaited calls."),
    (
        r"Use it as a context, or call `close`\. One client may be used by several threads\.",
        "Use it as an asynchronous context, or await `close`. Files are read between awaits, in blocks.",
    ),
    (rf"^    def (?!(?:{'|'.join(PLAIN)})\()", "    async def "),
    (r"__(enter|exit)__", r"__a\1__"),
    (r"self\.submit_(\w+)\((.*)\)\.wait\(", r"await (await self.submit_\1(\2)).wait("),
    (r"(self\._client\.run|self\.run|self\._submit|self\._finish|self\.close|self\.refresh|self\.result)\(", r"await \1("),
    (r"(self\._perform|self\._save|self\._follow|self\._http\.request)\(", r"await \1("),
    (r"self\._http\.close\(", "await self._http.aclose("),
    (r"httpx\.BaseTransport", "httpx.AsyncBaseTransport"),
    (r"httpx\.Client\(", "httpx.AsyncClient("),
    (r"yield from page\.jobs", "for job in page.jobs:\n                yield job"),
    (r"time\.sleep\(", "await asyncio.sleep("),
    (r"with self\._http\.stream", "async with self._http.stream"),
    (r"response\.read\(\)", "await response.aread()"),
    (r"for (\w+) in response\.iter_(bytes|lines)", r"async for \1 in response.aiter_\2"),
)


def render_async_client(source: str) -> str:
    """Return the module with awaited calls for the text of the one with blocking calls, formatted by ruff."""
    text = source
    for pattern, replacement in REPLACEMENTS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE | (re.DOTALL if pattern.startswith(r"\A") else 0))
    command = [sys.executable, "-m", "ruff", "format", "--no-cache", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=PACKAGE).stdout


if __name__ == "__main__":
    TARGET.write_text(render_async_client(SOURCE.read_text()))
