"""Numbers, days and times are spoken as people say them."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from sems import Spoken
from sems.testing import Lab

PROMPTS = Path(__file__).parents[2] / "apps" / "prompts"
NOW = datetime.datetime(2026, 11, 26, 14, 30)
Speak = Callable[[str], Spoken]


@pytest_asyncio.fixture
async def speak(lab: Lab) -> AsyncIterator[Speak]:
    """Makes what speaks a language."""
    server = await lab.server()
    yield lambda language: Spoken(server.sounds, language)


def texts(language: str) -> dict[str, str]:
    lines = (PROMPTS / f"{language}.txt").read_text().splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line)


def said(sounds: Sequence[Path]) -> str:
    """The words of the prompts."""
    written = {"en": texts("en"), "de": texts("de")}
    words = [written["de" if path.parent.name == "de" else "en"][path.stem] for path in sounds]
    return " ".join(words).replace(",", "")


@pytest.mark.parametrize(
    ("language", "number", "words"),
    [
        ("en", 0, "zero"),
        ("en", 1, "one"),
        ("en", 17, "seventeen"),
        ("en", 20, "twenty"),
        ("en", 21, "twenty one"),
        ("en", 90, "ninety"),
        ("en", 99, "ninety nine"),
        ("en", 100, "more than ninety nine"),
        ("de", 1, "eins"),
        ("de", 12, "zwölf"),
        ("de", 21, "einund zwanzig"),
        ("de-AT", 67, "siebenund sechzig"),
        ("de", 5000, "mehr als neunund neunzig"),
        ("fr", 42, "forty two"),
    ],
)
async def test_a_number_is_put_together(speak: Speak, language: str, number: int, words: str) -> None:
    assert said(speak(language).number(number)) == words


@pytest.mark.parametrize(
    ("day", "english", "german"),
    [
        ((2026, 11, 26), "today", "heute"),
        ((2026, 11, 25), "yesterday", "gestern"),
        ((2026, 11, 24), "on Tuesday", "am Dienstag"),
        ((2026, 11, 20), "on Friday", "am Freitag"),
        # The same weekday as today is not last week's.
        ((2026, 11, 19), "on the nineteenth of November", "am neunzehnten November"),
        ((2026, 1, 1), "on the first of January", "am ersten Januar"),
        (
            (2025, 12, 31),
            "on the thirty-first of December twenty twenty five",
            "am einunddreißigsten Dezember zweitausend fünfund zwanzig",
        ),
        ((2005, 3, 3), "on the third of March twenty oh five", "am dritten März zweitausend fünf"),
        ((1999, 3, 3), "on the third of March", "am dritten März"),
        # A clock that was wrong.
        ((2026, 11, 27), "on the twenty-seventh of November", "am siebenundzwanzigsten November"),
    ],
)
async def test_a_day_is_called_as_it_is_today(
    speak: Speak, day: tuple[int, int, int], english: str, german: str
) -> None:
    for language, words in (("en", english), ("de", german)):
        assert said(speak(language).day(datetime.date(*day), today=NOW)) == words


@pytest.mark.parametrize(
    ("hour", "minute", "english", "german"),
    [
        (0, 0, "at twelve A.M.", "um null Uhr"),
        (0, 5, "at twelve oh five A.M.", "um null Uhr fünf"),
        (1, 30, "at one thirty A.M.", "um ein Uhr dreißig"),
        (11, 59, "at eleven fifty nine A.M.", "um elf Uhr neunund fünfzig"),
        (12, 0, "at twelve P.M.", "um zwölf Uhr"),
        (14, 17, "at two seventeen P.M.", "um vierzehn Uhr siebzehn"),
        (23, 41, "at eleven forty one P.M.", "um dreiundzwanzig Uhr einund vierzig"),
    ],
)
async def test_a_time_is_told_as_the_language_does(
    speak: Speak, hour: int, minute: int, english: str, german: str
) -> None:
    for language, words in (("en", english), ("de", german)):
        assert said(speak(language).time(datetime.time(hour, minute))) == words


async def test_every_minute_and_day_can_be_said(speak: Speak) -> None:
    for language in ("en", "de"):
        spoken = speak(language)
        minutes = {said(spoken.time(datetime.time(*divmod(at, 60)))) for at in range(24 * 60)}
        assert len(minutes) == 24 * 60
        days = {said(spoken.day(NOW.date() - datetime.timedelta(at), today=NOW)) for at in range(400)}
        assert len(days) == 400


async def test_a_moment_is_its_day_and_its_time_by_the_clock_that_it_brings(speak: Speak) -> None:
    at = NOW - datetime.timedelta(hours=15)
    assert said(speak("en").moment(at, now=NOW)) == "yesterday at eleven thirty P.M."
    assert said(speak("de").moment(at, now=NOW)) == "gestern um dreiundzwanzig Uhr dreißig"


async def test_a_number_to_call_is_said_key_by_key(speak: Speak) -> None:
    assert said(speak("de").digits("+490*#")) == "vier neun null Stern Raute"
    assert speak("en").digits("") == []


async def test_half_a_date_in_a_language_is_said_in_english_as_a_whole(
    lab: Lab, make_prompt: Callable[[Path], None]
) -> None:
    server = await lab.server()
    french = server.config.data / "prompts" / "fr"
    for name in ("number-30", "number-71", "today", "digit-1"):
        make_prompt(french / f"{name}.wav")
    spoken = Spoken(server.sounds, "fr")
    assert said(spoken.moment(NOW, now=NOW)) == "today at two thirty P.M."
    # A number that is there as a whole is not put together.
    assert spoken.number(71) == [french / "number-71.wav"]
    make_prompt(french / "hour-1.wav")
    make_prompt(french / "hour-13.wav")
    assert spoken.time(datetime.time(13, 30)) == [french / "hour-13.wav", french / "number-30.wav"]


@pytest.fixture
def make_prompt() -> Callable[[Path], None]:
    """Writes a prompt that says nothing."""

    def make(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((PROMPTS / "digit-1.wav").read_bytes())

    return make
