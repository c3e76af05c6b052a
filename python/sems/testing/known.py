"""The sounds that a phone may hear, and which of them it was: by their content, whatever codec they came
through."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine import Prompt, Spectrogram
from ..errors import SoundNotFound

FRAMES = 100
"""Frames of a spectrogram a second."""

# How much what was heard has to look like a sound: the same one through G.711 or Opus looks so by 0.95 and
# more, with a twentieth of the packets lost by 0.88, and hardly another one by 0.8.
_ALIKE = 0.85
# What shares so much of its time with another is a rival of it; and of two whose lengths differ by more than
# that, the shorter is a part of the longer.
_SHARED = 0.6
_LONGER = 1.25
# It is known only so long after its end what it was, for it may be the beginning of something longer.
_SETTLED = round(0.8 * FRAMES)
# Two places so near, in frames, are one.
_NEAR = 10
# From so much of what is under way it can be told what it is.
_BEGUN = round(0.5 * FRAMES)
# How much what comes behind a sound has to look like the rest of one that begins in the same way.
_GOES_ON = 0.6

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Heard:
    """A sound that was recognised.

    >>> await alice.call("sip:mine@sems")
    >>> heard = Heard("welcome", "en", begin=0.1, end=1.4, likeness=0.97)
    >>> heard.end - heard.begin > 1
    True
    """

    name: str
    """As ``call.play()`` knows it; of several that sound the same, the one that was asked for, or the
    first."""
    language: str
    """Of a prompt in a folder of its language that, such as ``de``; otherwise empty."""
    begin: float
    """When it began, in seconds since the call could be heard."""
    end: float
    """When it ended, or, where only its beginning was asked for, when that was over."""
    likeness: float
    """How much it looks like the sound itself: 1 for the same."""

    def __str__(self) -> str:
        name = f"{self.language}/{self.name}" if self.language else self.name
        return f'"{name}" ({self.begin:.1f}–{self.end:.1f} s)'


@dataclass(eq=False, slots=True)
class Known:
    """A sound that may be heard."""

    names: list[tuple[str, str]]
    """Its language and its name; of several that are the same to the last sample, all of them."""
    shape: Spectrogram
    pcm: bytes

    def named(self, name: str, language: str | None) -> tuple[str, str] | None:
        """The first of its names that is meant by that."""
        for its_language, its_name in self.names:
            whole = f"{its_language}/{its_name}" if its_language else its_name
            if name in (its_name, whole) and language in (None, its_language):
                return its_language, its_name
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sound may have been heard, in frames."""

    known: Known
    at: int
    likeness: float

    @property
    def end(self) -> int:
        return self.at + len(self.known.shape)

    def heard(self, names: tuple[str, str], begin: float, frames: int | None = None) -> Heard:
        """What is told of it; the frames began to be counted at ``begin`` seconds."""
        language, name = names
        end = self.end if frames is None else self.at + frames
        return Heard(name, language, begin + self.at / FRAMES, begin + end / FRAMES, round(self.likeness, 3))


# Sounds are read and looked at once, not once for each test. By the path and when it was written.
_shapes: dict[tuple[Path, int], tuple[Spectrogram, bytes]] = {}


class KnownSounds:
    """All of some folders."""

    def __init__(self) -> None:
        self._sounds: dict[bytes, Known] = {}

    def __iter__(self) -> Iterator[Known]:
        return iter(self._sounds.values())

    def add(self, names: tuple[str, str], shape: Spectrogram, pcm: bytes) -> Known:
        """One more, or another name of one."""
        known = self._sounds.get(pcm)
        if known is None:
            known = self._sounds[pcm] = Known([], shape, pcm)
        if names not in known.names:
            known.names.append(names)
        return known

    def add_prompt(self, prompt: Prompt, name: str) -> Known:
        """One that is in no folder."""
        pcm = prompt.pcm
        if not pcm:
            raise ValueError(f"{name} is too long to be recognised")
        return self.add(("", name), Spectrogram(pcm), pcm)

    async def add_folder(
        self, folder: Path, endings: Sequence[str], load: Callable[[Path], Awaitable[Prompt]]
    ) -> None:
        """All files of sound there; in folders that are called like a language, those of the language."""
        for key in _files(folder, endings):
            path, _ = key
            if key not in _shapes:
                try:
                    pcm = (await load(path)).pcm
                except SoundNotFound:
                    # Nobody can have heard it.
                    continue
                _shapes[key] = Spectrogram(pcm), pcm
            shape, pcm = _shapes[key]
            if pcm:
                self.add(_names(path.relative_to(folder)), shape, pcm)

    def named(self, name: str, language: str | None) -> dict[Known, tuple[str, str]]:
        """Those that are meant by a name, and what each is called."""
        return {known: names for known in self if (names := known.named(name, language))}

    # Which of them it was

    def places(self, heard: Spectrogram, first: int = 0) -> list[Place]:
        """All that was heard whole from a frame on, in order."""
        found = [place for known in self for place in _find(heard, known, first, len(heard))]
        left = [place for place in found if not any(_is_rather(other, place) for other in found)]
        return sorted(left, key=lambda place: place.at)

    def most_alike(self, heard: Spectrogram, sought: Iterable[Known], first: int) -> float:
        """How much anything of what was heard from a frame on looks like one of the sounds."""
        return max(
            (
                likeness
                for known in sought
                for _, likeness in heard.find(known.shape, first, len(heard), 0.0, _BEGUN)
            ),
            default=0.0,
        )


class Search:
    """Looks for one of some sounds in what is heard, as it comes."""

    def __init__(self, known: KnownSounds, sought: Iterable[Known], first: int) -> None:
        """``first``: the frame from which on it may begin."""
        self._known = known
        self._looked = dict.fromkeys(sought, first)
        self._found: list[Place] = []

    def look(self, heard: Spectrogram, *, over: bool) -> Place | None:
        """The first of them that was heard and was no other; None: not yet. ``over``: nothing more is going
        to be heard."""
        self._find(heard)
        for place in list(self._found):
            if not over and len(heard) < place.end + _SETTLED:
                break
            rivals = [rival for rival in self._rivals(heard, place, over) if _is_rather(rival, place)]
            if not rivals:
                return place
            if all(rival.end <= len(heard) for rival in rivals):
                self._found.remove(place)
            else:
                # What is under way may still turn out to be something else.
                break
        return None

    def look_for_beginning(self, heard: Spectrogram, frames: int) -> Place | None:
        """The first of them of which so many frames were heard."""
        found = [
            place
            for known, first in self._looked.items()
            for place in _find(heard, known, first, len(heard), frames)
        ]
        return min(found, key=lambda place: place.at, default=None)

    def _find(self, heard: Spectrogram) -> None:
        """Adds what has come."""
        for known, first in self._looked.items():
            for place in _find(heard, known, first, len(heard)):
                same = [
                    old
                    for old in self._found
                    if old.known is known and abs(old.at - place.at) < len(known.shape) / 2
                ]
                if not any(old.likeness >= place.likeness for old in same):
                    self._found = [old for old in self._found if old not in same] + [place]
            # The place where it is most alike may be one at which it is not whole yet.
            self._looked[known] = max(first, len(heard) - len(known.shape) - _NEAR)
        self._found.sort(key=lambda place: place.at)

    def _rivals(self, heard: Spectrogram, place: Place, over: bool) -> Iterator[Place]:
        """What else may have been heard there."""
        begun = None if over else _BEGUN
        for known in self._known:
            if known is not place.known:
                # Where they share enough of their time.
                shared = round(_SHARED * len(place.known.shape))
                first = max(0, place.at + shared - len(known.shape))
                for rival in _find(heard, known, first, place.end - shared, begun):
                    if _goes_on(heard, rival, place):
                        yield rival


def _files(folder: Path, endings: Sequence[str]) -> list[tuple[Path, int]]:
    """The files with such endings below a folder, and when each was written."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [
        (path, path.stat().st_mtime_ns) for path in paths if path.suffix.lower() in endings and path.is_file()
    ]


def _names(path: Path) -> tuple[str, str]:
    """The language and the name of the file at a path below its folder."""
    first, *rest = path.with_suffix("").parts
    if rest and _LANGUAGE.fullmatch(first):
        return first, "/".join(rest)
    return "", "/".join((first, *rest))


def _find(heard: Spectrogram, known: Known, first: int, last: int, begun: int | None = None) -> list[Place]:
    found = heard.find(known.shape, first, last, _ALIKE, begun)
    return [Place(known, at, likeness) for at, likeness in found]


def _is_rather(rival: Place, place: Place) -> bool:
    """What was heard there is the rival: it is longer and as well alike, or more alike."""
    mine, its = place.end - place.at, rival.end - rival.at
    shared = min(rival.end, place.end) - max(rival.at, place.at)
    if rival.known is place.known or shared < _SHARED * mine or its * _LONGER < mine:
        return False
    return its > mine * _LONGER or (rival.likeness, its) > (place.likeness, mine)


def _goes_on(heard: Spectrogram, rival: Place, place: Place) -> bool:
    """Of a rival that has not been heard whole: what came behind the sound is its rest so far."""
    if rival.end <= len(heard):
        return True
    if place.at - rival.at > _SHARED * (place.end - place.at):
        # It began before: what came before the sound was it, too.
        return True
    rest = heard.likeness(rival.known.shape, rival.at, place.end - rival.at, len(heard) - rival.at)
    return rest >= _GOES_ON
