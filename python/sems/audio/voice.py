"""Text to speech: the component that does it, and keeping what was said ready to be said again."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .. import checks
from ..engine import Prompt
from ..errors import NoVoice, in_one_line, is_failure

_KEPT = 256
"""How many texts stay spoken in memory …"""
_KEPT_SECONDS = 30.0
"""… if they are no longer than this."""
_PATIENCE = 30.0
"""How long, in seconds, ``espeak-ng`` may take for a text."""
_LONGEST = 120.0
"""How long, in seconds, any voice may take: one that takes longer will never end."""
_AT_ONCE = 4
"""So many texts are spoken by ``espeak-ng`` at the same time."""


@dataclass(frozen=True, slots=True)
class Say:
    """A text, played like any sound: ``call.play(["tone:beep", Say("Hello")])``, ``call.ask(Say("Yes?"))``.

    >>> await call.play(["tone:beep", Say("Guten Tag", language="de")])
    """

    text: str
    """What is to be said."""
    language: str = "en"
    """As in RFC 5646: ``en``, ``de``, ``pt-BR``."""

    def __post_init__(self) -> None:
        checks.text("text", self.text, lines=True)
        checks.language("language", self.language)


@dataclass(frozen=True, slots=True)
class Speech:
    """A text as it is spoken.

    >>> half_a_second = Speech(bytes(8000), rate=8000)
    """

    pcm: bytes
    """16-bit little-endian mono samples."""
    rate: int
    """How many of them make a second."""


@runtime_checkable
class Voice(Protocol):
    """A text-to-speech component. The default is :class:`EspeakNg`; another is
    ``server.voice = MyVoice()``.

    >>> class MyVoice:
    ...     async def speak(self, text: str, language: str) -> Speech:
    ...         return Speech(await my_service(text, language), rate=24_000)
    """

    async def speak(self, text: str, language: str) -> Speech:
        """The text, spoken. Raises NoVoice when that can't be done."""


class EspeakNg:
    """The voices of ``espeak-ng``, a program that has to be installed.

    >>> server.voice = EspeakNg(words_per_minute=180, voices={"en": "en-us"})
    >>> await call.say("Somebody will be with you soon.")
    """

    def __init__(
        self,
        *,
        program: str = "espeak-ng",
        words_per_minute: int = 160,
        voices: Mapping[str, str] | None = None,
    ) -> None:
        """``voices``: which of its voices speaks a language, such as ``{"en": "en-us+f3"}``; without it the
        one that has the name of the language."""
        checks.text("program", program, empty=False)
        checks.whole("words_per_minute", words_per_minute, 1, 1000)
        if voices is not None:
            checks.kind("voices", voices, "a mapping of languages to voices, or None", Mapping)
        self.program = program
        self.words_per_minute = words_per_minute
        self.voices = dict(voices or {})
        # Their own, so that nothing else waits for a voice that is slow.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="speaking")

    async def speak(self, text: str, language: str) -> Speech:
        """As :meth:`Voice.speak`."""
        # What can be played can be spoken.
        Say(text, language)
        if shutil.which(self.program) is None:
            raise NoVoice(
                f"nothing can be said: {self.program} is not installed (Debian: apt install espeak-ng), "
                "and no other voice was given to the server"
            )
        voice = self.voices.get(language, language.lower())
        # The text comes by its standard input, where nothing is taken for an option.
        command = [self.program, "-v", voice, "-s", str(self.words_per_minute), "--stdin", "--stdout"]
        return await asyncio.get_running_loop().run_in_executor(self._threads, _run, command, text)


def _run(command: list[str], text: str) -> Speech:
    try:
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NoVoice(f"{command[0]} can't speak: {error}") from None
    if done.returncode != 0:
        why = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise NoVoice(f"{command[0]} can't speak: {why or f'it ended with {done.returncode}'}")
    return _read(done.stdout)


def _read(wav: bytes) -> Speech:
    """A WAV that was written to a pipe: its header could not know how long it would be."""
    data = wav.find(b"data", 12)
    if wav[:4] != b"RIFF" or data < 0:
        raise NoVoice("what was spoken is no WAV")
    return Speech(wav[data + 8 :][: (len(wav) - data - 8) // 2 * 2], int.from_bytes(wav[24:28], "little"))


class Speaker:
    """Has texts spoken by a voice, each once."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self._kept: OrderedDict[Say, Prompt] = OrderedDict()
        self._under_way: dict[Say, asyncio.Task[Prompt]] = {}

    def ready(self, say: Say) -> Prompt | None:
        """The text, if it was spoken before."""
        prompt = self._kept.get(say)
        if prompt is not None:
            self._kept.move_to_end(say)
        return prompt

    async def prompt(self, say: Say) -> Prompt:
        """The text as a sound. Raises NoVoice."""
        if (prompt := self.ready(say)) is not None:
            return prompt
        task = self._under_way.get(say)
        if task is None:
            task = self._under_way[say] = asyncio.create_task(self._speak(say))
            task.add_done_callback(lambda task: task.cancelled() or task.exception())
        # Others may wait for it as well.
        return await asyncio.shield(task)

    async def _speak(self, say: Say) -> Prompt:
        try:
            async with (limit := asyncio.timeout(_LONGEST)):
                speech = await self.voice.speak(say.text, say.language)
            # It takes a second for some minutes, in which nothing else is to wait.
            prompt = await asyncio.to_thread(Prompt.from_pcm, speech.pcm, speech.rate)
        except BaseException as error:
            if isinstance(error, NoVoice) or not is_failure(error):
                raise
            why = f"it has said nothing for {_LONGEST:.0f} s" if limit.expired() else in_one_line(error)
            raise NoVoice(f"{type(self.voice).__name__} can't speak: {why}") from error
        finally:
            del self._under_way[say]
        if prompt.duration_ms <= _KEPT_SECONDS * 1000:
            self._kept[say] = prompt
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return prompt
