"""What a phone can tell of what it hears."""

from __future__ import annotations

import asyncio
import itertools
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import checks
from ..audio.sounds import Sound, checked
from ..events import EndReason
from ..sip.headers import Headers
from .ear import Ear
from .hearing import RATE, Hearing
from .known import FRAMES, Heard, Known, KnownSounds, Search

if TYPE_CHECKING:
    from ..call import Call
    from .lab import Lab

# How often it is looked whether a sound was heard, in seconds.
_LOOK_EVERY = 0.1
# What is louder than this, in dBov, for longer than so many seconds is told of when a sound is missed.
_AUDIBLE = -50.0
_NOTABLE = 0.2
# Pauses up to this, in seconds, don't part what is told.
_PAUSE = 0.5


class NotHeard(AssertionError):
    """A phone waited for a sound that did not come.

    >>> await alice.call("sip:mine@sems")
    >>> try:
    ...     await alice.hears("goodbye", seconds=1)
    ... except NotHeard as error:
    ...     print(error)
    """


class PhoneListening:
    """The listening half of a :class:`~sems.testing.Phone`."""

    name: str
    line: Call | None
    _lab: Lab
    _ear: Ear | None

    async def ended(self) -> EndReason:
        """Waits until the call is over."""
        return await self._up().wait_ended()

    @property
    def link(self) -> str | None:
        """The control page that the other side gave, from ``u=`` in its SDP."""
        return self._up().peer_link

    @property
    def headers(self) -> Headers:
        """The header fields of the answer."""
        return self._up().headers

    # As it is

    async def hear(self, seconds: float = 1.0) -> Hearing:
        """Listens for so long, from now on. Works as well in early media, after :meth:`dial`."""
        checks.seconds("seconds", seconds)
        ear = self._hear(self._up())
        with ear.following() as heard:
            await asyncio.sleep(seconds)
            ear.take()
        return Hearing(heard[: round(seconds * RATE)])

    async def hear_all(self, most: float = 300.0) -> Hearing:
        """Listens until the call is over, or for ``most`` seconds."""
        checks.seconds("most", most)
        ear = self._hear(self._up())
        with ear.following() as heard:
            await _ends_within(ear.call, most)
            ear.take()
        return Hearing(heard)

    # By its content

    async def hears(
        self,
        sound: Sound | Sequence[Sound],
        *,
        within: float = 30.0,
        language: str | None = None,
        seconds: float | None = None,
    ) -> Heard:
        """Waits until a sound is heard, from where the one before ended that it was asked for, or from the
        first moment of the call. Anything may be heard before. Returns what it was, and when.

        >>> await alice.call("sip:pin@sems")
        >>> await alice.hears("enter-pin")
        >>> await alice.key("1234#")

        ``sound``: the name of a prompt or an announcement of the servers of the lab, the path of a file, a
        prompt or a :class:`~sems.Say`; of a list all are to be heard in their order, and the last is told. It
        is known by its content, in every codec and also when a twentieth of the packets is lost, and told
        from what sounds alike and from what it is only a part of; to be sure of that takes until 0.8 seconds
        after its end. ``language``: of a prompt, such as ``de``, or ``""`` for those in no folder of a
        language; None: any. ``seconds``: so much of its beginning is enough, as for who interrupts it.

        Raises NotHeard, an AssertionError that tells what was heard instead, when it has not come ``within``
        so many seconds, or the call ends before; SoundNotFound when there is no such sound.
        """
        parts = checked("sound", sound)
        checks.seconds("within", within)
        checks.language("language", language, empty=True, none=True)
        checks.seconds("seconds", seconds, more_than_0=True, none=True)
        if not parts:
            raise ValueError("there is nothing to be heard")
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        known = await self._lab.known_sounds()
        for part in parts:
            sought = await self._lab.sought(known, part, language)
            heard = await self._wait_for(known, sought, _called(part), within, end, seconds)
        return heard

    async def heard(self) -> list[Heard]:
        """Every sound of the servers of the lab that was heard whole in this call so far, in order."""
        known = await self._lab.known_sounds()
        ear = self._hear(self._up())
        return [place.heard(place.known.names[0], ear.begin) for place in known.places(ear.shape)]

    async def _wait_for(
        self,
        known: KnownSounds,
        sought: dict[Known, tuple[str, str]],
        name: str,
        within: float,
        until: float,
        seconds: float | None,
    ) -> Heard:
        loop = asyncio.get_running_loop()
        while not (call := self._up()).has_media and not self._hears(call):
            if call.end is not None or loop.time() >= until:
                raise NotHeard(f"{self.name} did not hear {name}, but there was no way for sound")
            await _ends_within(call, _LOOK_EVERY)
        ear = self._hear(call)
        frames = None if seconds is None else round(seconds * FRAMES)
        search = Search(known, sought, ear.cursor)
        while True:
            shape = ear.shape
            over = ear.call.end is not None or loop.time() >= until
            if frames is None:
                place = search.look(shape, over=over)
            else:
                place = search.look_for_beginning(shape, frames)
            if place is not None:
                ear.cursor = place.end if frames is None else min(place.end, place.at + frames)
                return place.heard(sought[place.known], ear.begin, frames)
            if over:
                raise NotHeard(self._instead(known, sought, name, within, seconds, ear))
            await _ends_within(ear.call, min(_LOOK_EVERY, max(0.001, until - loop.time())))

    def _instead(
        self,
        known: KnownSounds,
        sought: dict[Known, tuple[str, str]],
        name: str,
        within: float,
        seconds: float | None,
        ear: Ear,
    ) -> str:
        """What there was in place of a sound, in words."""
        shape = ear.shape
        found = known.places(shape, ear.cursor)
        told = [(place.at, str(place.heard(place.known.names[0], ear.begin))) for place in found]
        whole = Hearing(ear.kept)
        at = ear.cursor
        for place in [*found, None]:
            to = len(shape) if place is None else place.at
            told += [
                (begin, f"{what} ({ear.begin + begin / FRAMES:.1f}–{ear.begin + end / FRAMES:.1f} s)")
                for begin, end, what in _others(whole, at, to)
            ]
            at = max(at, to if place is None else place.end)
        when = f"within {within:g} s" if ear.call.end is None else f"before the call ended ({ear.call.end})"
        what = "" if seconds is None else f"the first {seconds:g} s of "
        if not told:
            return f"{self.name} did not hear {what}{name} {when}, but silence"
        alike = known.most_alike(shape, sought, ear.cursor)
        instead = ", then ".join(text for _, text in sorted(told))
        tones = {_tone(Hearing(array("h", each.pcm))) for each in sought}
        hint = "".join(
            f" (a steady tone has no shape to be known by: (await phone.hear(1)).has_tone({hz}) looks for it)"
            for hz in tones
            if hz is not None
        )
        return (
            f"{self.name} did not hear {what}{name} {when}, but {instead}; nothing of it is "
            f"more than {alike:.0%} alike{hint}"
        )

    def _hear(self, call: Call) -> Ear:
        """Listens to the call from now on, if it does not already."""
        if self._ear is None or self._ear.call is not call:
            self._hear_no_more()
            self._ear = Ear(call)
        return self._ear

    def _hears(self, call: Call) -> bool:
        return self._ear is not None and self._ear.call is call

    def _hear_no_more(self) -> None:
        if self._ear is not None:
            self._ear.close()

    def _up(self) -> Call:
        if self.line is None:
            raise RuntimeError(f"{self.name} is in no call")
        return self.line


async def _ends_within(call: Call, seconds: float) -> None:
    """Waits for the end of a call, but no longer than that."""
    try:
        async with asyncio.timeout(seconds):
            await call.wait_ended()
    except TimeoutError:
        pass


def _called(sound: Sound) -> str:
    return f'"{sound}"' if isinstance(sound, str | Path) else repr(sound)


def _others(heard: Hearing, first: int, last: int) -> list[tuple[int, int, str]]:
    """What is no known sound between two frames: from which to which, and what it is like."""
    step = RATE // FRAMES * 5
    begin, end = first * RATE // FRAMES, last * RATE // FRAMES
    loud = [
        at for at in range(begin, end - step + 1, step) if Hearing(heard.pcm[at : at + step]).level > _AUDIBLE
    ]
    stretches: list[list[int]] = []
    for at in loud:
        if stretches and at - stretches[-1][1] <= _PAUSE * RATE:
            stretches[-1][1] = at + step
        else:
            stretches.append([at, at + step])
    return [
        (start * FRAMES // RATE, stop * FRAMES // RATE, _like(Hearing(heard.pcm[start:stop])))
        for start, stop in stretches
        if stop - start >= _NOTABLE * RATE
    ]


def _like(heard: Hearing) -> str:
    """A tone, or something else."""
    # Where it begins and ends it may be something else.
    edge = len(heard) // 4
    heard = Hearing(heard.pcm[edge:-edge])
    hz = _tone(heard)
    what = "something unknown" if hz is None else f"a tone of about {hz} Hz"
    return f"{what} at {heard.level:.0f} dBov"


def _tone(heard: Hearing) -> int | None:
    """The frequency of what is one steady tone, in hertz; None: it is something else."""
    hz = _crossings(heard.pcm) / 2 / heard.seconds
    first, last = max(1, round(hz) - 12), min(RATE // 2, round(hz) + 12)
    near = max(range(first, last + 1), key=heard.tone_level)
    return near if heard.tone_level(near) > heard.level - 1.0 else None


def _crossings(pcm: array[int]) -> int:
    return sum((one < 0) != (other < 0) for one, other in itertools.pairwise(pcm))
