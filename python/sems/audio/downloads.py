"""Sounds from the web, kept in files for as long as their servers say (RFC 9111)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import time
from collections import defaultdict
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
_PATIENCE = 1.0
"""How long, in seconds, a server is waited for where there is a sound that it may have changed."""
_AGAIN = 30.0
"""After how long, in seconds, a server that does not answer is asked again."""
_AT_ONCE = 16
"""So many are fetched at the same time; the others wait their turn."""
_PIECE = 1 << 20
"""So much of each is held in memory."""
_MOST_KEPT = 20_000
"""So many are kept, however small they are."""
_BUSY = frozenset({408, 429})
"""What a server says that may say something else in a while, beside 5xx."""


class _Refused(SoundNotFound):
    """Its server has answered, and there is no such sound for us any more."""


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
    has changed (``ETag``, ``Last-Modified``). When the server can't be reached, has a failure or takes longer
    than a second, what is there is played (RFC 5861), and it is asked again half a minute later; when it says
    that there is no such sound any more, what is there is forgotten.
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
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, url: str | Url) -> Path:
        """The file in which it is. Raises SoundNotFound."""
        url = Url(url) if isinstance(url, str) else url
        # What was fetched by a way that is not allowed to all is not theirs.
        key = "\n".join([url.address, *url.within]).encode("utf-8", "surrogatepass")
        name = hashlib.sha256(key).hexdigest()
        kept = await asyncio.to_thread(self._read, name)
        if kept is not None and self.now() < kept.fresh_until:
            return self._folder / kept.file
        task = self._under_way.get(url)
        if task is None:
            task = self._under_way[url] = asyncio.create_task(self._fetch(url, name))
            task.add_done_callback(lambda task: task.cancelled() or task.exception())
        if kept is not None:
            await asyncio.wait({task}, timeout=_PATIENCE)
            if not task.done():
                # A caller hears rather the old one than nothing. The new one comes meanwhile.
                await self._put_off(name, kept)
                return self._folder / kept.file
        # Others may wait for it as well.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is under way."""
        for task in tuple(self._under_way.values()):
            task.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def _fetch(self, url: Url, name: str) -> Path:
        kept = None
        try:
            # It may just have come.
            kept = await asyncio.to_thread(self._read, name)
            if kept is not None and self.now() < kept.fresh_until:
                return self._folder / kept.file
            async with asyncio.timeout(self._settings.download_total_seconds), self._places:
                return await self._ask(url, name, kept)
        except BaseException as error:
            if not is_failure(error):
                raise
            if isinstance(error, _Refused):
                await asyncio.to_thread(self._forget, name)
            elif kept is not None:
                await self._put_off(name, kept)
                return self._folder / kept.file
            # What is foreseen says it well; the rest comes from far below, such as a port that there is not.
            foreseen = isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError | SoundNotFound)
            why = str(error) if foreseen else in_one_line(error)
            why = "it takes too long" if isinstance(error, TimeoutError) else why or type(error).__name__
            raise SoundNotFound(f"{url.address} can't be fetched: {why}") from None if foreseen else error
        finally:
            del self._under_way[url]

    async def _put_off(self, name: str, kept: _Kept) -> None:
        """Its server is not asked again at once."""
        kept.fresh_until = self.now() + _AGAIN
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._write, name, kept)

    async def _ask(self, url: Url, name: str, kept: _Kept | None) -> Path:
        # A packed one could unpack to any size.
        headers = {"Accept-Encoding": "identity"}
        if kept is not None and kept.etag is not None:
            headers["If-None-Match"] = kept.etag
        if kept is not None and kept.modified is not None:
            headers["If-Modified-Since"] = kept.modified
        async with self._answer(url, headers) as response:
            fresh_until = self.now() + _freshness(response.headers)
            if response.status_code == 304 and kept is not None:
                kept.fresh_until = fresh_until
                await asyncio.to_thread(self._write, name, kept)
                return self._folder / kept.file
            if response.status_code != 200:
                passing = response.status_code >= 500 or response.status_code in _BUSY
                raise (SoundNotFound if passing else _Refused)(
                    f"its server says {response.status_code} {response.reason_phrase}".strip()
                )
            if (packed := response.headers.get("Content-Encoding", "identity")) != "identity":
                raise _Refused(f"its server sends it packed ({packed})")
            new = _Kept(
                name + _ending(url.address, response.headers.get("Content-Type", "")),
                response.headers.get("ETag"),
                response.headers.get("Last-Modified"),
                fresh_until,
            )
            aside = self._aside(new.file)
            try:
                await self._receive(response, aside)
                await asyncio.to_thread(self._take, aside, name, new)
            finally:
                await asyncio.to_thread(aside.unlink, missing_ok=True)
        return self._folder / new.file

    async def _receive(self, response: httpx.Response, aside: Path) -> None:
        """Writes what comes to a file, piece by piece."""
        most = self._settings.download_megabytes << 20
        total = 0
        await asyncio.to_thread(self._begin, aside)
        async for part in response.aiter_bytes(_PIECE):
            total += len(part)
            if total > most:
                raise _Refused(f"it is larger than the {most >> 20} MiB of [files] download_megabytes")
            await asyncio.to_thread(_append, aside, part)

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
                raise _Refused(f"{request.url} is in none of the places from which it may come")
            response = await self._client.send(request, stream=True)
            try:
                request = response.next_request
                if request is None:
                    yield response
            finally:
                await response.aclose()
        if request is not None:
            raise _Refused(f"it is redirected more than {_REDIRECTS} times")

    # In a thread of its own, for disks are slow

    def _read(self, name: str) -> _Kept | None:
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = _Kept(**json.loads((self._folder / f"{name}.json").read_text()))
            if (self._folder / kept.file).is_file():
                return kept
        return None

    def _begin(self, aside: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(b"")

    def _take(self, aside: Path, name: str, kept: _Kept) -> None:
        """Nobody ever reads half of it."""
        aside.replace(self._folder / kept.file)
        self._write(name, kept)
        self._make_room()

    def _write(self, name: str, kept: _Kept) -> None:
        note = self._folder / f"{name}.json"
        aside = self._aside(note.name)
        aside.write_text(json.dumps(asdict(kept)))
        aside.replace(note)

    def _forget(self, name: str) -> None:
        with contextlib.suppress(OSError):
            if (kept := self._read(name)) is not None:
                (self._folder / f"{name}.json").unlink(missing_ok=True)
                (self._folder / kept.file).unlink(missing_ok=True)

    def _aside(self, name: str) -> Path:
        return self._folder / f".{name}.{os.getpid()}"

    def _make_room(self) -> None:
        """Those that were fetched or found unchanged longest ago go first."""
        most = self._settings.download_cache_megabytes << 20
        noted: dict[str, float] = {}
        sizes: dict[str, int] = defaultdict(int)
        files: dict[str, list[str]] = defaultdict(list)
        # All is looked at once, for it may be much.
        with os.scandir(self._folder) as entries:
            for entry in entries:
                name, _, ending = entry.name.partition(".")
                with contextlib.suppress(FileNotFoundError):
                    if not name:
                        if not entry.name.endswith(f".{os.getpid()}"):
                            # A process has left it that was killed.
                            os.unlink(entry.path)
                    elif ending == "json":
                        noted[name] = entry.stat().st_mtime
                    elif entry.is_file():
                        sizes[name] += entry.stat().st_size
                        files[name].append(entry.path)
        total = 0
        for place, name in enumerate(sorted(noted, key=noted.__getitem__, reverse=True)):
            total += sizes[name]
            if place > 0 and (total > most or place >= _MOST_KEPT):
                for path in (str(self._folder / f"{name}.json"), *files[name]):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


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
