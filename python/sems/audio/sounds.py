"""Sounds by name: where their files are, and keeping them ready to play."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from .. import checks
from ..config import Config
from ..engine import Engine, Prompt
from ..errors import EngineError, SoundNotFound, in_one_line, is_failure
from ..shipped import shipped
from ..sip.language import tag
from . import decoding
from .downloads import Downloads
from .voice import EspeakNg, Say, Speaker
from .web import Url, is_url, is_within

Sound = str | Path | Prompt | Say | Url
"""What can be played: the name of a sound, ``tone:`` with one that is generated (``tone:busy:us``), an
address in the web (``https://…``), the path of a file (WAV, G.711 by its name, or what formats read), a
prompt, a text, or what :meth:`SoundLibrary.announcement` has found."""


_SOUND = "a sound (a name, a path, a prompt, Say(…)), or a list where several may be played"


def checked(name: str, sound: Sound | Sequence[Sound]) -> list[Sound]:
    """The sounds of an argument, one after the other; TypeError for what is none."""
    sounds = [sound] if isinstance(sound, Sound) else sound
    if not isinstance(sounds, Sequence) or isinstance(sounds, bytes | bytearray | memoryview):
        raise checks.wrong(name, _SOUND, sound, TypeError)
    for each in sounds:
        if not isinstance(each, Sound):
            raise checks.wrong(name, _SOUND, each, TypeError)
        if isinstance(each, Path):
            checks.path(name, each)
    return list(sounds)


_TONE = "tone:"
_ENGLISH = "en"
"""What prompts are in that are in no folder of a language."""

_TONES = 512
_TONE_NAMES = (
    "beep, join, leave, muted, unmuted, hand-up, hand-down, silence:MS, sine:HZ:MS:DBOV (such as "
    "sine:440:1000:-20), dtmf:KEYS, dial, ringback, busy, congestion, waiting and special"
)
"""How many generated sounds stay coded in memory."""


class SoundLibrary:
    """Finds the files of sounds. What has been played is kept coded by the core, as ``[files]`` says.

    A name is a path below one of the folders, without its ``.wav`` (or ``.ulaw``, ``.flac`` and the
    like, in small letters or capitals): ``welcome``, ``digits/7``. It can never lead out of a folder.

    >>> sounds = server.sounds
    >>> prompt = await sounds.load(sounds.find("welcome"))
    >>> sounds.ready(sounds.find("welcome")).duration_ms == prompt.duration_ms
    True
    >>> sounds.tone("busy:us").duration_ms
    1000
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        self._engine = engine
        self.announcements: tuple[Path, ...] = (*config.announcements.folders, config.data / "announcements")
        """The folders that callers may choose from."""
        self.prompts: tuple[Path, ...] = (config.data / "prompts", shipped("apps") / "prompts")
        """The folders of what apps say; your own come before the shipped ones."""
        self.downloads = Downloads(config.data / "cache", config.files)
        """Sounds from the web."""
        self._decoder = decoding.Decoder(config.data / "cache" / "decoded", config.files)
        self.speaker = Speaker(EspeakNg())
        """Texts."""
        self._tones: dict[str, Prompt] = {}
        self._urls = config.announcements.urls
        self._language = config.announcements.language

    def announcement(
        self, name: str, *, domain: str = "", languages: Sequence[str] = ()
    ) -> Path | Url | None:
        """The announcement of that name, or at that address in the web; None: there is none that callers may
        have. Safe for names that come from outside: what is found is in the announcement folders, or below
        one of ``[announcements] urls``.

        Who is called at ``domain`` gets what that has in its own folder, before what is for all; either in
        the first of ``languages`` that it is there in, else in another dialect of theirs, else in that of
        ``[announcements] language``, else what is in no language's folder: ``DOMAIN/de/NAME``,
        ``DOMAIN/NAME``, ``de/NAME``, ``NAME``. Where it is in none of these, a language of the same country
        does (RFC 4240 §3: of ``ca-FR`` that is ``fr-FR``). It looks for hundreds of files where there is
        none: with folders on a slow disk call it by ``asyncio.to_thread``.
        """
        checks.kind("name", name, "a text", str)
        checks.kind("domain", domain, "a text", str)
        checks.texts("languages", languages)
        if is_url(name):
            return Url(name, self._urls) if is_within(name, self._urls) else None
        wanted = _folders(languages)
        usual = [language for language in _folders([self._language]) if language not in wanted]
        beginnings = list(dict.fromkeys((f"{domain}/" if domain else "", "")))
        for beginning in beginnings:
            for language in chain(wanted, self._dialects(beginning, wanted), (*usual, "")):
                path = _find(f"{beginning}{language}{'/' if language else ''}{name}", self.announcements)
                if path is not None:
                    return path
        for beginning in beginnings:
            for language in self._neighbours(beginning, wanted):
                if path := _find(f"{beginning}{language}/{name}", self.announcements):
                    return path
        return None

    def _dialects(self, beginning: str, wanted: Sequence[str]) -> Iterator[str]:
        """The folders there of other dialects of the languages that are wanted."""
        if wanted:
            there = self._languages(beginning)
            for language in dict.fromkeys(each.partition("-")[0] for each in wanted):
                yield from (each for each in there if each.startswith(f"{language}-") and each not in wanted)

    def _neighbours(self, beginning: str, wanted: Sequence[str]) -> Iterator[str]:
        """The folders there of other languages of the countries that are wanted."""
        countries = dict.fromkeys(each[-2:] for each in wanted if each[-3:-2] == "-")
        there = self._languages(beginning) if countries else []
        for country in countries:
            yield from (each for each in there if each.endswith(f"-{country}"))

    def _languages(self, beginning: str) -> list[str]:
        """The folders of dialects that are there."""
        found: dict[str, None] = {}
        for folder in self.announcements:
            with contextlib.suppress(OSError, ValueError):
                found |= dict.fromkeys(name for name in sorted(os.listdir(folder / beginning)) if "-" in name)
        return [name for name in found if tag(name) == name]

    def named(self, name: str, *, beside: Path | None = None) -> Path | Prompt:
        """What :meth:`tone` makes of a name that begins with ``tone:``, such as ``tone:busy:us``; the file
        of any other. Raises SoundNotFound."""
        checks.kind("name", name, "a text", str)
        _check_folder(beside)
        if name.startswith(_TONE):
            return self.tone(name.removeprefix(_TONE))
        return self.find(name, beside=beside)

    def place(self, sound: Sound, *, beside: Path | None = None) -> Path | Prompt | Say | Url:
        """Where a sound is. Raises SoundNotFound."""
        if not isinstance(sound, Sound):
            raise checks.wrong("sound", _SOUND, sound, TypeError)
        checked("sound", sound)
        _check_folder(beside)
        if not isinstance(sound, str):
            return sound
        return Url(sound) if is_url(sound) else self.named(sound, beside=beside)

    def find(self, name: str, *, beside: Path | None = None) -> Path:
        """The file of that name: in the folder ``beside``, or among announcements and prompts.

        Raises SoundNotFound.
        """
        checks.kind("name", name, "a text", str)
        _check_folder(beside)
        folders = (*(() if beside is None else (beside,)), *self.announcements, *self.prompts)
        path = _find(name, folders)
        if path is None:
            raise SoundNotFound(_not_found(name, folders))
        return path

    def spoken(self, name: str, *languages: str) -> Path:
        """A prompt in the first of these languages that it is there in: ``de/welcome``; in English where it
        is in none. Raises SoundNotFound."""
        checks.kind("name", name, "a text", str)
        checks.texts("languages", languages)
        for folder in _folders(languages):
            if path := _find(f"{folder}/{name}", self.prompts):
                return path
            if folder == _ENGLISH:
                break
        return self.find(name)

    def prompt(self, name: str, language: str) -> Path | None:
        """The prompt of that name in that language, and no other; None: there is none."""
        checks.kind("name", name, "a text", str)
        checks.text("language", language, empty=False)
        for folder in _folders([language]):
            if path := _find(f"{folder}/{name}", self.prompts):
                return path
            # What is in no language's folder is in English.
            if folder == _ENGLISH:
                return _find(name, self.prompts)
        return None

    def tone(self, spec: str) -> Prompt:
        """A generated sound: ``join``, ``beep``, ``silence:500``, ``sine:440:1000:-10`` and the others of
        :meth:`sems.Prompt.tone`. Raises SoundNotFound for any other."""
        checks.text("spec", spec)
        prompt = self._tones.get(spec)
        if prompt is None:
            try:
                prompt = Prompt.tone(spec)
            except ValueError:
                raise SoundNotFound(f"there is no tone {spec!r}: what can be had is {_TONE_NAMES}") from None
            if len(self._tones) < _TONES:
                self._tones[spec] = prompt
        return prompt

    async def convert(self, source: Path, target: Path) -> None:
        """Writes a file of sound as one of another kind, which the end of its name says: of WAV (16 bits, one
        channel) or what formats read, WAV or what formats write, such as FLAC where ``soundfile`` is
        installed. It is written aside and takes the place of what was there when it is complete.

        >>> take = await call.record_until("said.wav", limit=5)
        >>> await call.server.sounds.convert(take.path, take.path.with_name("copy.wav"))

        Raises SoundNotFound.
        """
        checks.kind("source", source, "a Path", Path)
        checks.kind("target", target, "a Path", Path)
        checks.path("source", source)
        checks.path("target", target)
        try:
            await self._decoder.convert(source, target)
        except BaseException as error:
            if not is_failure(error):
                raise
            raise SoundNotFound(f"{source} can't be written as {target}: {in_one_line(error)}") from None

    async def close(self) -> None:
        """For the server: ends what is being fetched and decoded."""
        self._decoder.close()
        await self.downloads.close()

    def ready(self, place: Path | Prompt | Say | Url) -> Prompt | None:
        """The sound, if it was read or spoken before, is still kept and has not changed."""
        checks.kind("place", place, "what place() has found", Path, Prompt, Say, Url)
        match place:
            case Prompt():
                return place
            case Path():
                native = self._decoder.ready(place)
                return None if native is None else self._engine.core.ready_prompt(str(native))
            case Say():
                return self.speaker.ready(place)
            case Url():
                # Its server may have another.
                return None

    async def load(self, place: Path | Prompt | Say | Url) -> Prompt:
        """Reads a file, fetches it or has a text spoken, unless that was done already. Raises
        SoundNotFound."""
        checks.kind("place", place, "what place() has found", Path, Prompt, Say, Url)
        return (await self.open(place))[0]

    async def open(self, place: Path | Prompt | Say | Url) -> tuple[Prompt, decoding.Coming | None]:
        """For playbacks: the same, and how far it has been decoded if that is not to its end."""
        try:
            return await self._load(place)
        except BaseException as error:
            if isinstance(error, SoundNotFound) or not is_failure(error):
                raise
            raise SoundNotFound(f"{place} can't be played: {in_one_line(error)}") from error

    async def _load(self, place: Path | Prompt | Say | Url) -> tuple[Prompt, decoding.Coming | None]:
        if (prompt := self.ready(place)) is not None:
            return prompt, None
        if isinstance(place, Say):
            return await self.speaker.prompt(place), None
        file = await self.downloads.fetch(place) if isinstance(place, Url) else place
        if isinstance(file, Prompt):
            return file, None
        path = await self._decoder.native(file)
        prompt = self._engine.core.ready_prompt(str(path))
        if prompt is None:
            try:
                prompt = await self._engine.loaded(self._engine.core.load_prompt(str(path)))
            except EngineError as error:
                raise SoundNotFound(str(error)) from None
        return prompt, self._decoder.coming(file)


def _check_folder(beside: Path | None) -> None:
    if beside is not None:
        checks.kind("beside", beside, "a Path, or None", Path)


def _folders(languages: Iterable[str]) -> list[str]:
    """The folders of languages: of ``de-AT`` that, and ``de``, unless another dialect is wanted first."""
    found: dict[str, None] = {}
    for language in languages:
        found |= {language: None, language.partition("-")[0]: None}
    return list(found)


def _not_found(name: str, folders: Iterable[Path]) -> str:
    places = [os.path.abspath(folder) for folder in folders]
    with contextlib.suppress(OSError, ValueError):
        for place in places:
            if os.path.isfile(file := os.path.join(place, name)):
                return f"{file} is no sound by its name, which has to end in {', '.join(decoding.suffixes())}"
    return f"there is no sound named {name!r} in {', '.join(places)}"


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    if not name or "\0" in name or len(name) > 255:
        return None
    endings = tuple(decoding.suffixes())
    # Recorders and cameras write theirs in capitals.
    endings = ("",) if name.lower().endswith(endings) else (*endings, *map(str.upper, endings))
    for folder in folders:
        try:
            # Texts, not Paths: most of what is asked for is not there, and that is to cost little.
            beginning = os.path.join(folder, name)
            if not os.path.isdir(os.path.dirname(beginning)):
                continue
            for ending in endings:
                if os.path.isfile(beginning + ending):
                    # Whatever the name says, and wherever links lead, it has to be in there.
                    found = Path(os.path.realpath(beginning + ending))
                    if found.is_relative_to(os.path.realpath(folder)):
                        return found
        except (OSError, ValueError):
            continue
    return None
