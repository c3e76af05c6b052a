"""Six digits that bring a browser to the page of a call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sems.conference import TooManyCodes, WrongCode
from sems.conference.pairing import (
    LASTS,
    MOST_OF_SOURCE,
    MOST_OPEN,
    MOST_WRONG,
    MOST_WRONG_OF_CALL,
    MOST_WRONG_OF_SOURCE,
    Pairings,
)
from sems.config.keys import KeySettings


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pairings(clock: Clock) -> Pairings:
    return Pairings(clock=clock)


def member(number: int) -> Any:
    return SimpleNamespace(link=f"link-{number}", call=SimpleNamespace(id=number))


def test_the_browser_that_opened_a_code_is_given_the_link_of_the_phone_that_keyed_it_in(
    pairings: Pairings,
) -> None:
    first, second = pairings.open("192.0.2.1"), pairings.open("192.0.2.1")
    assert first.code.isdecimal()
    assert len(first.code) == 6
    pairings.key_in(first.code, member(1))
    found = pairings.find(first.secret)
    assert found is first
    assert (found.link, found.paired.is_set()) == ("link-1", True)
    assert second.link is None
    with pytest.raises(WrongCode):
        pairings.key_in(first.code, member(2))
    assert pairings.find("x") is None


def test_the_browser_that_knows_what_the_phone_spoke_is_given_its_link_once(pairings: Pairings) -> None:
    code = pairings.speak(member(1))
    assert pairings.claim(code, "192.0.2.1") == "link-1"
    with pytest.raises(WrongCode):
        pairings.claim(code, "192.0.2.1")


def test_what_is_spoken_can_not_be_keyed_in_nor_the_other_way_round(pairings: Pairings) -> None:
    spoken, opened = pairings.speak(member(1)), pairings.open("192.0.2.1")
    with pytest.raises(WrongCode):
        pairings.key_in(spoken, member(2))
    with pytest.raises(WrongCode):
        pairings.claim(opened.code, "192.0.2.1")


def test_a_code_lives_for_two_minutes(pairings: Pairings, clock: Clock) -> None:
    assert LASTS == 120
    opened, spoken = pairings.open("192.0.2.1"), pairings.speak(member(1))
    clock.now += 119
    assert pairings.find(opened.secret) is opened
    clock.now += 1
    assert pairings.find(opened.secret) is None
    with pytest.raises(WrongCode):
        pairings.key_in(opened.code, member(1))
    with pytest.raises(WrongCode):
        pairings.claim(spoken, "192.0.2.1")


def test_a_phone_speaks_the_same_code_again_while_there_is_time_to_type_it(
    pairings: Pairings, clock: Clock
) -> None:
    anna = member(1)
    code = pairings.speak(anna)
    clock.now += 50
    assert pairings.speak(anna) == code
    clock.now += 20
    other = pairings.speak(anna)
    assert other != code
    with pytest.raises(WrongCode):
        pairings.claim(code, "192.0.2.1")
    pairings.forget(anna)
    with pytest.raises(WrongCode):
        pairings.claim(other, "192.0.2.1")


def test_who_guesses_in_a_browser_is_not_listened_to_for_a_while(pairings: Pairings, clock: Clock) -> None:
    code = pairings.speak(member(1))
    wrong = "000000" if code != "000000" else "000001"
    for n in range(MOST_WRONG_OF_SOURCE):
        with pytest.raises(WrongCode):
            # Whoever has one network of IPv6 has many addresses.
            pairings.claim(wrong, f"2001:db8:1:2::{n}")
    with pytest.raises(TooManyCodes, match="busy"):
        pairings.claim(code, "2001:db8:1:2::ffff")
    assert pairings.claim(code, "2001:db8:1:3::1") == "link-1"
    clock.now += LASTS
    with pytest.raises(WrongCode):
        pairings.claim(wrong, "2001:db8:1:2::1")


def test_many_who_guess_together_are_not_listened_to_either(pairings: Pairings, clock: Clock) -> None:
    code = pairings.speak(member(1))
    for n in range(MOST_WRONG):
        with pytest.raises(WrongCode):
            pairings.claim("x", f"192.0.2.{n}")
    with pytest.raises(TooManyCodes):
        pairings.claim(code, "198.51.100.1")
    clock.now += LASTS
    assert pairings.claim(pairings.speak(member(1)), "198.51.100.1") == "link-1"


def test_who_guesses_on_a_phone_is_not_listened_to_for_a_while(pairings: Pairings) -> None:
    opened = pairings.open("192.0.2.1")
    for _ in range(MOST_WRONG_OF_CALL):
        with pytest.raises(WrongCode):
            pairings.key_in("x", member(1))
    with pytest.raises(TooManyCodes):
        pairings.key_in(opened.code, member(1))
    pairings.key_in(opened.code, member(2))
    assert opened.link == "link-2"


def test_one_address_can_not_open_all_codes(pairings: Pairings) -> None:
    for _ in range(MOST_OF_SOURCE):
        pairings.open("192.0.2.1")
    with pytest.raises(TooManyCodes):
        pairings.open("192.0.2.1")
    pairings.open("192.0.2.2")


def test_open_codes_are_bounded_and_no_two_are_alike(pairings: Pairings) -> None:
    codes = [pairings.open(f"192.0.{n // 20}.1").code for n in range(MOST_OPEN)]
    assert len(set(codes)) == MOST_OPEN
    with pytest.raises(TooManyCodes):
        pairings.open("198.51.100.1")


def test_one_mistaken_digit_leads_to_nobody_elses_page(pairings: Pairings) -> None:
    codes = [pairings.open(f"192.0.2.{n}").code for n in range(50)]
    for code in codes:
        for other in codes:
            assert code is other or sum(a != b for a, b in zip(code, other, strict=True)) > 2


def test_codes_that_are_over_leave_nothing_behind(pairings: Pairings, clock: Clock) -> None:
    for n in range(20):
        opened = pairings.open("192.0.2.1")
        spoken = pairings.speak(member(n))
        if n % 2:
            pairings.key_in(opened.code, member(n))
            pairings.claim(spoken, "192.0.2.1")
    clock.now += LASTS
    assert pairings.find("x") is None
    for codes in (pairings._opened_codes, pairings._spoken_codes):
        assert not any(codes._places)


def test_a_code_begins_with_no_key_that_means_something_by_itself() -> None:
    keys = KeySettings()
    digits = keys.first_digits
    assert digits
    assert not {"0", "5", "6", "9"} & set(digits)
    pairings = Pairings(digits)
    assert all(pairings.open(f"192.0.2.{n}").code[0] in digits for n in range(100))
    assert KeySettings(pair="").first_digits == "0123456789"
    assert KeySettings(pair="#*??????").first_digits == "0123456789"


def test_keys_that_leave_no_digit_to_begin_with_are_refused() -> None:
    names = ["help", "accept", "back", "talk", "mute", "hand", "count", "lock", "record", "next"]
    with pytest.raises(ValueError, match="no digit is left"):
        KeySettings(**{name: f"*{digit}" for digit, name in enumerate(names)})
    with pytest.raises(ValueError, match="six digits"):
        KeySettings(pair="*????#")
    with pytest.raises(ValueError, match="for the number"):
        KeySettings(dial="#0")
