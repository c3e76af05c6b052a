"""Sounds by name: where their files are, and keeping them ready to play."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..config import Config
from ..engine import Engine, Prompt
from ..errors import EngineError, SoundNotFound
from .downloads import Downloads, is_url
from .voice import EspeakNg, Say, Speaker

Sound = str | Path | Prompt | Say
"""What can be played: the name of a sound, ``tone:`` with one that is generated (``tone:busy:us``), an
address in the web (``https://…``), the path of a file (WAV, or G.711 by its name), a prompt, or a text."""

_TONE = "tone:"

_TONES = 512
"""How many generated sounds stay coded in memory."""
_ENDINGS = (".wav", ".ulaw", ".ul", ".pcmu", ".alaw", ".al", ".pcma")
"""How the names of files of sound end: WAV, and raw G.711."""


def shipped(folder: str) -> Path:
    """A folder that comes with SEMS (``apps`` or ``web``): in the source tree, or in the package.

    An editable install leaves copies in the package that grow stale, so the tree comes first.
    """
    package = Path(str(importlib.resources.files("sems")))
    tree = package.parent.parent
    for place in (tree / folder if (tree / "Cargo.toml").is_file() else package / folder, package / folder):
        if place.is_dir():
            return place
    raise SoundNotFound(f"this installation of SEMS lacks its folder {folder!r}")


@dataclass(frozen=True, slots=True)
class Url:
    """A sound in the web."""

    address: str


class SoundLibrary:
    """Finds the files of sounds. What has been played is kept coded by the core, as ``[files]`` says.

    A name is a path below one of the folders, without its ``.wav`` (or ``.ulaw``, ``.alaw`` and the
    like): ``welcome``, ``digits/7``. It can never lead out of a folder.
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        self._engine = engine
        self.announcements: tuple[Path, ...] = (*config.announcements.folders, config.data / "announcements")
        """The folders that callers may choose from."""
        self.prompts: tuple[Path, ...] = (config.data / "prompts", shipped("apps") / "prompts")
        """The folders of what apps say; your own come before the shipped ones."""
        self.downloads = Downloads(config.data / "cache", config.files)
        """Sounds from the web."""
        self.speaker = Speaker(EspeakNg())
        """Texts."""
        self._tones: dict[str, Prompt] = {}

    def announcement(self, name: str) -> Path | None:
        """The file of that name in the announcement folders. Safe for names that come from outside."""
        return _find(name, self.announcements)

    def named(self, name: str, *, beside: Path | None = None) -> Path | Prompt:
        """What :meth:`tone` makes of a name that begins with ``tone:``, such as ``tone:busy:us``; the file
        of any other. Raises SoundNotFound."""
        if name.startswith(_TONE):
            return self.tone(name.removeprefix(_TONE))
        return self.find(name, beside=beside)

    def place(self, sound: Sound, *, beside: Path | None = None) -> Path | Prompt | Say | Url:
        """Where a sound is. Raises SoundNotFound."""
        if not isinstance(sound, str):
            return sound
        return Url(sound) if is_url(sound) else self.named(sound, beside=beside)

    def find(self, name: str, *, beside: Path | None = None) -> Path:
        """The file of that name: in the folder ``beside``, or among announcements and prompts.

        Raises SoundNotFound.
        """
        folders = (*(() if beside is None else (beside,)), *self.announcements, *self.prompts)
        path = _find(name, folders)
        if path is None:
            raise SoundNotFound(f"there is no sound named {name!r} in {', '.join(map(str, folders))}")
        return path

    def spoken(self, name: str, language: str) -> Path:
        """A prompt in this language: ``de/welcome``; in English where there is none. Raises SoundNotFound."""
        for folder in (language, language.partition("-")[0]):
            if path := _find(f"{folder}/{name}", self.prompts):
                return path
        return self.find(name)

    def tone(self, spec: str) -> Prompt:
        """A generated sound: ``join``, ``beep``, ``silence:500``, ``sine:440:1000:-10`` and the others of
        :meth:`sems.Prompt.tone`. Raises SoundNotFound for any other."""
        prompt = self._tones.get(spec)
        if prompt is None:
            try:
                prompt = Prompt.tone(spec)
            except ValueError as error:
                raise SoundNotFound(f"there is no tone {spec!r}: {error}") from None
            if len(self._tones) < _TONES:
                self._tones[spec] = prompt
        return prompt

    def ready(self, place: Path | Prompt | Say | Url) -> Prompt | None:
        """The sound, if it was read or spoken before, is still kept and has not changed."""
        match place:
            case Prompt():
                return place
            case Path():
                return self._engine.core.ready_prompt(str(place))
            case Say():
                return self.speaker.ready(place)
            case Url():
                # Its server may have another.
                return None

    async def load(self, place: Path | Prompt | Say | Url) -> Prompt:
        """Reads a file, fetches it or has a text spoken, unless that was done already. Raises
        SoundNotFound."""
        if (prompt := self.ready(place)) is not None:
            return prompt
        if isinstance(place, Say):
            return await self.speaker.prompt(place)
        path = await self.downloads.fetch(place.address) if isinstance(place, Url) else place
        if (prompt := self._engine.core.ready_prompt(str(path))) is not None:
            return prompt
        try:
            return await self._engine.loaded(self._engine.core.load_prompt(str(path)))
        except EngineError as error:
            raise SoundNotFound(str(error)) from None


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    if not name or "\0" in name or len(name) > 255:
        return None
    names = (name,) if name.lower().endswith(_ENDINGS) else tuple(name + ending for ending in _ENDINGS)
    for folder in folders:
        try:
            root = folder.resolve()
            for file_name in names:
                path = (root / file_name).resolve()
                if path.is_relative_to(root) and path.is_file():
                    return path
        except (OSError, ValueError):
            continue
    return None
