"""Files of sound that the core does not read: decoded once, into files that it does."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import math
import os
import secrets
import wave
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from ..config.files import FileSettings
from ..errors import SoundNotFound, in_one_line
from ..log import logger
from . import brought
from .formats import BEGINNING, Decoded, WritableFormat
from .kinds import NATIVE
from .libsndfile import INSTALL, SUFFIXES

_T = TypeVar("_T")
_PIECE = 32_768
_MOST_KNOWN = 4096
_HEADER = 44
# So many seconds of a long file are decoded before it can be played: far more than is read ahead.
_BEGUN = 30
# So many files are decoded at the same time. They have threads of their own, so that nothing else waits for
# them, such as the disk that takes messages.
_AT_ONCE = 4


class Decoder:
    """Makes WAV of files of other formats, in a thread of its own, and keeps it for as long as there is room
    (``[files] decoded_megabytes``) and the file does not change.

    A file that is so long that the core reads it while it sounds can be played when its beginning is there:
    it is decoded much faster than it is heard. Who seeks in it what is not there yet waits (:meth:`coming`).
    """

    def __init__(self, folder: Path, settings: FileSettings) -> None:
        """``folder``: where what is decoded is kept."""
        self._folder = folder
        self._most = settings.decoded_megabytes << 20
        # What is shorter may be read as a whole.
        self._long = settings.stream_after + _BEGUN
        self._known: dict[str, tuple[tuple[int, int], Path]] = {}
        self._under_way: dict[Path, asyncio.Future[Path]] = {}
        self._coming: dict[Path, Coming] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="decoding")
        self._numbers = itertools.count()

    def close(self) -> None:
        """Ends what is under way, which nobody is to wait for at the end of the process."""
        self._closed = True
        self._threads.shutdown(wait=False)

    async def _in_thread(self, work: Callable[..., _T], *arguments: Any) -> _T:
        if self._closed:
            raise SoundNotFound("the server stops")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def ready(self, path: Path) -> Path | None:
        """What the core reads in place of the file; None: that is not known yet."""
        if path.suffix.lower() in NATIVE:
            return path
        known = self._known.get(str(path))
        with contextlib.suppress(OSError):
            if known is not None and known[0] == _state(path) and known[1].exists():
                return known[1]
        return None

    def coming(self, path: Path) -> Coming | None:
        """How far the file has been decoded; None: no more is to come."""
        return self._coming.get(path)

    async def native(self, path: Path) -> Path:
        """What the core reads in place of the file. Raises SoundNotFound."""
        if (ready := self.ready(path)) is not None:
            return ready
        playable = self._under_way.get(path)
        if playable is None:
            playable = self._under_way[path] = asyncio.get_running_loop().create_future()
            playable.add_done_callback(lambda done: done.cancelled() or done.exception())
            task = asyncio.create_task(self._run(path, playable))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        # Others may wait for it as well.
        return await asyncio.shield(playable)

    async def _run(self, path: Path, playable: asyncio.Future[Path]) -> None:
        """Decodes a file; ``playable`` tells when it can be played, and from where."""
        loop = asyncio.get_running_loop()
        coming = self._coming[path] = Coming(loop)

        def publish(place: Path) -> None:
            if not playable.done():
                playable.set_result(place)

        try:
            publish(
                await self._in_thread(
                    self._decode, path, lambda place: loop.call_soon_threadsafe(publish, place), coming
                )
            )
        except SoundNotFound as error:
            if not playable.done():
                playable.set_exception(error)
            elif not self._closed:
                logger.error("a file can't be decoded to its end, and sounds as far", why=str(error))
        finally:
            playable.cancel()
            del self._under_way[path], self._coming[path]
            coming.complete()

    # In a thread of its own

    def _decode(
        self, path: Path, begun: Callable[[Path], object] = lambda _: None, coming: Coming | None = None
    ) -> Path:
        """What the core reads in place of the file; ``begun`` is told of it before that is complete."""
        try:
            return self._decoded(path, begun, coming)
        except SoundNotFound:
            raise
        except BaseException as error:
            # Nothing but this ends a thread that works for a call.
            raise SoundNotFound(f"{path} can't be read: {in_one_line(error)}") from error

    def _decoded(self, path: Path, begun: Callable[[Path], object], coming: Coming | None) -> Path:
        try:
            state = _state(path)
            if not path.is_file():
                # A pipe would have this thread wait for who writes into it.
                raise SoundNotFound(f"{path}: it is not a file")
            with path.open("rb") as file:
                beginning = file.read(BEGINNING)
        except OSError as error:
            raise SoundNotFound(f"{path}: {(error.strerror or str(error)).lower()}") from None
        if beginning.startswith(b"RIFF") and beginning[8:12] == b"WAVE":
            self._note(path, state, path)
            return path
        try:
            found = _format_of(path, beginning)
        except SoundNotFound as error:
            raise SoundNotFound(f"{path}: {error}") from None
        assert found.format is not None
        source = f"{path.resolve()}\n{state}\n{found.origin}"
        target = self._folder / f"{hashlib.sha256(os.fsencode(source)).hexdigest()}.wav"
        try:
            if target.exists():
                # It is wanted still.
                os.utime(target)
            else:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._sweep()
                self._write(target, found.format.decode(path), begun, coming)
                self._make_room(target)
        except SoundNotFound as error:
            raise SoundNotFound(f"{path}: {error}") from None
        except BaseException as error:
            why = in_one_line(error)
            raise SoundNotFound(f"{path}: {found.name} ({found.origin}) can't read it: {why}") from error
        self._note(path, state, target)
        return target

    def _note(self, path: Path, state: tuple[int, int], target: Path) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[str(path)] = state, target

    def _write(
        self, target: Path, sound: Decoded, begun: Callable[[Path], object], coming: Coming | None
    ) -> None:
        # The same file may be decoded under another of its names meanwhile.
        aside = target.with_name(f".{target.stem}-{next(self._numbers)}.wav.{os.getpid()}")
        frames = sound.frames or 0
        early = _BEGUN * sound.rate if frames > self._long * sound.rate else None
        self._must_fit(2 * frames)
        total = 0
        # It may be another name of what was decoded before.
        aside.unlink(missing_ok=True)
        try:
            # The header tells of all that will be there, so that it can be played already.
            with aside.open("wb") as raw, wave.open(raw, "wb") as file:
                file.setparams((1, 2, sound.rate, frames, "NONE", ""))
                for block in self._while_open(sound.blocks):
                    total += len(block)
                    self._must_fit(total)
                    file.writeframesraw(block)
                    if coming is not None and coming.is_wanted(total / (2 * sound.rate)):
                        # What is told to be there is there for others, too.
                        raw.flush()
                        coming.tell()
                    if early is not None and total >= 2 * early:
                        raw.truncate(_HEADER + 2 * frames)
                        begun(aside)
                        early = None
                raw.truncate(_HEADER + total)
            aside.replace(target)
            if frames > self._long * sound.rate:
                # Who plays it again and again opens it anew by that name.
                aside.symlink_to(target.name)
        except BaseException:
            with contextlib.suppress(OSError):
                # Who plays it comes to an end where it ends.
                os.truncate(aside, _HEADER + total)
            aside.unlink(missing_ok=True)
            raise

    def _must_fit(self, size: int) -> None:
        if size > self._most:
            most = f"{self._most >> 20} MiB of [files] decoded_megabytes"
            raise SoundNotFound(f"decoded it is larger than the {most}")

    def _sweep(self) -> None:
        """Takes away what a process has left that was killed meanwhile, and names of what is gone."""
        for path in self._folder.glob(".*.wav.*"):
            if path.suffix != f".{os.getpid()}" or (path.is_symlink() and not path.exists()):
                path.unlink(missing_ok=True)

    async def convert(self, source: Path, target: Path) -> None:
        """As :meth:`SoundLibrary.convert() <sems.audio.sounds.SoundLibrary.convert>`."""
        await self._in_thread(self._convert, source, target)

    def _convert(self, source: Path, target: Path) -> None:
        # The end of a name says what kind of file it is to be.
        aside = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
        try:
            self._converted(source, aside)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def _converted(self, source: Path, target: Path) -> None:
        with source.open("rb") as file:
            beginning = file.read(BEGINNING)
        sound = self._of_wav(source) if beginning.startswith(b"RIFF") else self._of_format(source, beginning)
        if target.suffix.lower() == ".wav":
            with wave.open(str(target), "wb") as written:
                written.setparams((1, 2, sound.rate, 0, "NONE", ""))
                for block in sound.blocks:
                    written.writeframesraw(block)
            return
        for one in brought.formats():
            if isinstance(one.format, WritableFormat) and target.suffix.lower() in one.format.suffixes:
                one.format.encode(target, sound)
                return
        raise SoundNotFound(f"nothing writes such files{_missing(target)}")

    def _of_wav(self, path: Path) -> Decoded:
        with wave.open(str(path), "rb") as file:
            if (file.getsampwidth(), file.getnchannels()) != (2, 1):
                raise SoundNotFound("only WAV of 16 bits and one channel is converted")
            rate = file.getframerate()
        return Decoded(rate, self._while_open(_samples(path)))

    def _of_format(self, path: Path, beginning: bytes) -> Decoded:
        found = _format_of(path, beginning)
        assert found.format is not None
        sound = found.format.decode(path)
        return Decoded(sound.rate, self._while_open(sound.blocks))

    def _while_open(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            if self._closed:
                raise SoundNotFound("the server stops")
            yield block

    def _make_room(self, newest: Path) -> None:
        """Those that were asked for longest ago go first."""
        total = 0
        for path in sorted(self._folder.glob("*.wav"), key=lambda path: path.stat().st_mtime, reverse=True):
            total += path.stat().st_size
            if total > self._most and path != newest:
                path.unlink(missing_ok=True)


class Coming:
    """What is there of a file that is being decoded."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._seconds = 0.0
        self._wanted = math.inf
        self._complete = False
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def has(self, seconds: float) -> bool:
        """It can be played from there on."""
        return self._complete or self._seconds >= seconds + _BEGUN

    async def reach(self, seconds: float) -> None:
        """Waits until it can be played from there on, or no more is to come."""
        if self.has(seconds):
            return
        there: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((seconds, there))
        self._look()
        await there

    def complete(self) -> None:
        """No more is to come."""
        self._complete = True
        self._look()

    def is_wanted(self, seconds: float) -> bool:
        """For the thread that decodes: so much is there. Whether somebody has waited for it."""
        self._seconds = seconds
        return seconds >= self._wanted

    def tell(self) -> None:
        """For the same thread: tells those who wait."""
        self._wanted = math.inf
        with contextlib.suppress(RuntimeError):
            # A loop that is closed has nobody who waits.
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        for seconds, there in self._waiting:
            if self.has(seconds) and not there.done():
                there.set_result(None)
        self._waiting = [one for one in self._waiting if not one[1].done()]
        self._wanted = min((seconds + _BEGUN for seconds, _ in self._waiting), default=math.inf)


def _samples(path: Path) -> Iterator[bytes]:
    with wave.open(str(path), "rb") as file:
        while block := file.readframes(_PIECE):
            yield block


def suffixes() -> Iterable[str]:
    """How the names of files end that can be read; of soundfile's also where that is not installed, so that
    who asks for one is told what is missing."""
    brought_ = [str(end).lower() for one in brought.load() if one.format for end in one.format.suffixes]
    return dict.fromkeys([*NATIVE, *brought_, *SUFFIXES])


def _format_of(path: Path, beginning: bytes) -> brought.Brought:
    """What reads the file: whoever knows its beginning, first of those that its name is of; else one of
    these. One that fails at that is logged and passed over. Raises SoundNotFound."""
    formats = brought.formats()
    suffix = path.suffix.lower()
    named = [one for one in formats if one.format is not None and suffix in one.format.suffixes]
    failed: dict[str, str] = {}
    for one in (*named, *(one for one in formats if one not in named)):
        try:
            if one.format is not None and one.format.knows(beginning):
                return one
        except BaseException as error:
            failed[one.origin] = f"{one.name} ({one.origin}) failed: {in_one_line(error)}"
            logger.error(
                "a format of files failed", plugin=one.name, origin=one.origin, why=in_one_line(error)
            )
    # Some say by their name alone what they are.
    if well := [one for one in named if one.origin not in failed]:
        return well[0]
    why = "".join(f"; {each}" for each in failed.values())
    raise SoundNotFound(f"nothing reads such files{_missing(path)}{why}")


def _missing(path: Path) -> str:
    absent = brought.own().format is None and path.suffix.lower() in SUFFIXES
    return f": {INSTALL}" if absent else ""


def _state(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_mtime_ns, told.st_size
