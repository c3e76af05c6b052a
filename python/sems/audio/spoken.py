"""Numbers, days and times as they are spoken: prompts, one after the other."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .. import checks

if TYPE_CHECKING:
    from .sounds import SoundLibrary

_KEYS: Final = {"*": "key-star", "#": "key-pound"}
_HIGHEST: Final = 99
_ENGLISH: Final = "en"
# A day is called by its weekday as long as no other can be meant by that.
_WEEK: Final = 7
_HALF_A_DAY: Final = 12


class Spoken:
    """Says in one language what differs from call to call.

    >>> import datetime
    >>> spoken = Spoken(server.sounds, "de")
    >>> await call.play(spoken.number(21))                      # "einund", "zwanzig"
    >>> now = datetime.datetime(2026, 11, 26, 14, 30)
    >>> [path.stem for path in spoken.moment(now, now=now)]
    ['today', 'hour-14', 'number-30']

    Everything is a list of sounds, to be played with others or alone. What a language has no prompts for is
    heard in English, days and times as a whole.
    """

    def __init__(self, sounds: SoundLibrary, language: str = _ENGLISH) -> None:
        checks.call("sounds", sounds, "spoken")
        checks.language("language", language)
        self._sounds = sounds
        self.language = language
        """As in RFC 5646: ``en``, ``de``, ``pt-BR``."""

    def digits(self, text: str) -> list[Path]:
        """One key of a telephone after the other, such as a number to call; a ``+`` before it is not said.

        >>> [path.stem for path in Spoken(server.sounds).digits("+49*")]
        ['digit-4', 'digit-9', 'key-star']
        """
        checks.text("text", text)
        keys = text.removeprefix("+")
        if not (keys.isascii() and all(key.isdigit() or key in _KEYS for key in keys)):
            raise checks.wrong("text", "digits, * and #, such as '+49301234'", text)
        return self._all(*(_KEYS.get(key, f"digit-{key}") for key in keys))

    def number(self, number: int) -> list[Path]:
        """A whole number; of one above 99, that it is more than that."""
        checks.whole("number", number, 0)
        if number > _HIGHEST:
            return [*self._all("more-than"), *self.number(_HIGHEST)]
        tens, units = divmod(number, 10)
        if number < 2:
            return self._all(f"digit-{number}")
        if number <= 20 or units == 0 or self._has(f"number-{number}"):
            return self._all(f"number-{number}")
        if self._has(f"and-{units}"):
            return self._all(f"and-{units}", f"number-{10 * tens}")
        return [*self._all(f"number-{10 * tens}"), *self.number(units)]

    def day(self, day: datetime.date, *, today: datetime.date) -> list[Path]:
        """A day as it is called on another: today, yesterday, the weekday of the last six, else the date; of
        another year with that, from 2001 to 2099."""
        checks.kind("day", day, "a date", datetime.date)
        checks.kind("today", today, "a date", datetime.date)
        return self._dates()._day(_date(day), _date(today))

    def time(self, time: datetime.time) -> list[Path]:
        """A time of day to the minute, in a language that counts so (in English) with A.M. or P.M."""
        checks.kind("time", time, "a time", datetime.time)
        return self._dates()._time(time.hour, time.minute)

    def moment(self, moment: datetime.datetime, *, now: datetime.datetime) -> list[Path]:
        """The day and the time of something that has happened, where ``now`` is what is now."""
        checks.kind("moment", moment, "a datetime", datetime.datetime)
        checks.kind("now", now, "a datetime", datetime.datetime)
        return [*self.day(moment, today=now), *self.time(moment.time())]

    def _day(self, day: datetime.date, today: datetime.date) -> list[Path]:
        ago = (today - day).days
        if ago in (0, 1):
            return self._all(("today", "yesterday")[ago])
        if 0 < ago < _WEEK:
            return self._all(f"weekday-{day.isoweekday()}")
        said = self._all(f"day-{day.day}", f"month-{day.month}")
        if day.year == today.year or not 2001 <= day.year <= 2099:
            return said
        return [*said, *self._all("year-20"), *self._two_digits(day.year % 100)]

    def _time(self, hour: int, minute: int) -> list[Path]:
        minutes = self._two_digits(minute) if minute else []
        # A language that has no thirteen o'clock says which half of the day it is.
        if self._has("hour-13"):
            return [*self._all(f"hour-{hour}"), *minutes]
        half, hour = divmod(hour, _HALF_A_DAY)
        noon = "after-noon" if half else "before-noon"
        return [*self._all(f"hour-{hour or _HALF_A_DAY}"), *minutes, *self._all(noon)]

    def _two_digits(self, number: int) -> list[Path]:
        """Minutes, or the end of a year: oh five, in a language that says so."""
        return self._all(f"minute-{number}") if self._has(f"minute-{number}") else self.number(number)

    def _dates(self) -> Spoken:
        """What says days and times: half of them in another language is not understood."""
        return self if self._has("hour-1") else Spoken(self._sounds)

    def _has(self, name: str) -> bool:
        return self._sounds.prompt(name, self.language) is not None

    def _all(self, *names: str) -> list[Path]:
        return [self._sounds.spoken(name, self.language) for name in names]


def _date(day: datetime.date) -> datetime.date:
    return day.date() if isinstance(day, datetime.datetime) else day
