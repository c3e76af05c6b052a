"""Sounds from the web, kept in files for as long as their servers say (RFC 9111)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ..config.files import FileSettings
from ..errors import SoundNotFound, in_one_line, is_failure
from .decoding import suffixes
from .web import Url, is_within

_KINDS = {
    "audio/wav": ".wav",
    "audio/wave": ".wav",
    "audio/x-wav": ".wav",
    "audio/vnd.wave": ".wav",
    "audio/basic": ".ulaw",
    "audio/pcmu": ".ulaw",
    "audio/pcma": ".alaw",
    "audio/flac": ".flac",
    "audio/x-flac": ".flac",
    "audio/ogg": ".ogg",
    "application/ogg": ".ogg",
    "audio/mpeg": ".mp3",
}
_FRESH = 60.0
"""How long, in seconds, one is taken for fresh whose server says nothing about it."""
_LONGEST = 30 * 86_400.0
_REDIRECTS = 5


@dataclass(slots=True)
class _Kept:
    """What is known of a file that was fetched."""

    file: str
    etag: str | None
    modified: str | None
    fresh_until: float
    """In seconds since 1970."""


class Downloads:
    """Fetches sounds, each once, and again only when its server has another.

    ``Cache-Control`` says how long one is fresh, a minute without it. Then its server is asked whether it
    has changed (``ETag``, ``Last-Modified``). When the server can't be reached, what is there is played.
    """

    def __init__(self, folder: Path, settings: FileSettings) -> None:
        """``folder``: where they are kept."""
        self.transport: httpx.AsyncBaseTransport | None = None
        """In place of the network; for tests."""
        self.now: Callable[[], float] = time.time
        self._folder = folder
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._under_way: dict[Url, asyncio.Task[Path]] = {}

    async def fetch(self, url: str | Url) -> Path:
        """The file in which it is. Raises SoundNotFound."""
        url = Url(url) if isinstance(url, str) else url
        task = self._under_way.get(url)
        if task is None:
            task = self._under_way[url] = asyncio.create_task(self._fetch(url))
            task.add_done_callback(lambda task: task.cancelled() or task.exception())
        # Others may wait for it as well.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is under way."""
        for task in tuple(self._under_way.values()):
            task.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def _fetch(self, url: Url) -> Path:
        kept = None
        try:
            # What was fetched by a way that is not allowed to all is not theirs.
            name = hashlib.sha256("\n".join([url.address, *url.within]).encode()).hexdigest()
            kept = await asyncio.to_thread(self._read, name)
            if kept is not None and self.now() < kept.fresh_until:
                return self._folder / kept.file
            async with asyncio.timeout(self._settings.download_total_seconds):
                return await self._ask(url, name, kept)
        except BaseException as error:
            if not is_failure(error):
                raise
            if kept is not None:
                return self._folder / kept.file
            # What is foreseen says it well; the rest comes from far below, such as a port that there is not.
            foreseen = isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError | SoundNotFound)
            why = str(error) if foreseen else in_one_line(error)
            why = "it takes too long" if isinstance(error, TimeoutError) else why or type(error).__name__
            raise SoundNotFound(f"{url.address} can't be fetched: {why}") from None if foreseen else error
        finally:
            del self._under_way[url]

    async def _ask(self, url: Url, name: str, kept: _Kept | None) -> Path:
        headers = {}
        if kept is not None and kept.etag is not None:
            headers["If-None-Match"] = kept.etag
        if kept is not None and kept.modified is not None:
            headers["If-Modified-Since"] = kept.modified
        most = self._settings.download_megabytes << 20
        async with self._answer(url, headers) as response:
            fresh_until = self.now() + _freshness(response.headers)
            if response.status_code == 304 and kept is not None:
                kept.fresh_until = fresh_until
                await asyncio.to_thread(self._write, name, kept, None)
                return self._folder / kept.file
            if response.status_code != 200:
                raise SoundNotFound(
                    f"its server says {response.status_code} {response.reason_phrase}".strip()
                )
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > most:
                    raise SoundNotFound(
                        f"it is larger than the {most >> 20} MiB of [files] download_megabytes"
                    )
        new = _Kept(
            name + _ending(url.address, response.headers.get("Content-Type", "")),
            response.headers.get("ETag"),
            response.headers.get("Last-Modified"),
            fresh_until,
        )
        await asyncio.to_thread(self._write, name, new, bytes(body))
        return self._folder / new.file

    @contextlib.asynccontextmanager
    async def _answer(self, url: Url, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        """What its server says, or that to which it sends us on."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self.transport, timeout=self._settings.download_seconds, follow_redirects=False
            )
        request: httpx.Request | None = self._client.build_request("GET", url.address, headers=headers)
        for _ in range(_REDIRECTS + 1):
            if request is None:
                return
            if url.within and not is_within(str(request.url), url.within):
                raise SoundNotFound(f"{request.url} is in none of the places from which it may come")
            response = await self._client.send(request, stream=True)
            try:
                request = response.next_request
                if request is None:
                    yield response
            finally:
                await response.aclose()
        if request is not None:
            raise SoundNotFound(f"it is redirected more than {_REDIRECTS} times")

    # In a thread of its own, for disks are slow

    def _read(self, name: str) -> _Kept | None:
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = _Kept(**json.loads((self._folder / f"{name}.json").read_text()))
            if (self._folder / kept.file).is_file():
                return kept
        return None

    def _write(self, name: str, kept: _Kept, body: bytes | None) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if body is not None:
            self._put(kept.file, body)
        self._put(f"{name}.json", json.dumps(asdict(kept)).encode())
        if body is not None:
            self._make_room()

    def _put(self, name: str, content: bytes) -> None:
        """Nobody ever reads half of it."""
        aside = self._folder / f".{name}.{os.getpid()}"
        aside.write_bytes(content)
        aside.replace(self._folder / name)

    def _make_room(self) -> None:
        """Those that were fetched or found unchanged longest ago go first."""
        most = self._settings.download_cache_megabytes << 20
        notes = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for place, note in enumerate(notes):
            files = [path for path in self._folder.glob(f"{note.stem}.*") if path != note]
            total += sum(path.stat().st_size for path in files)
            if total > most and place > 0:
                for path in (note, *files):
                    path.unlink(missing_ok=True)


def _freshness(headers: httpx.Headers) -> float:
    control = headers.get("Cache-Control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return 0.0
    age = re.search(r"max-age=(\d+)", control)
    return _FRESH if age is None else min(float(age[1]), _LONGEST)


def _ending(url: str, content_type: str) -> str:
    """By what the server says that it is, else by its name."""
    kind = _KINDS.get(content_type.partition(";")[0].strip().lower())
    suffix = Path(urlsplit(url).path).suffix.lower()
    return kind or (suffix if suffix in suffixes() else ".wav")
