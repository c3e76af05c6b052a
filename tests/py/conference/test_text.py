"""The rules of text in a conference."""

import pytest

from sems.conference import Message, Say, TooFast
from sems.conference.errors import NotHere, Refused
from sems.conference.events import MessageFailed, MessageSent, TextsChanged
from sems.conference.model import ConferenceModel
from sems.conference.participant import Role
from sems.conference.text import (
    BURST,
    LONGEST,
    MOST_CHARACTERS,
    MOST_FAILURES,
    MOST_KEPT,
    WINDOW,
    NothingSaid,
    TooLong,
    clean,
    report_texts,
    report_undelivered,
)


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1, moderator), Ben (2) and Cleo (3), who may only listen."""
    room = ConferenceModel()
    room.admit("Anna")
    room.admit("Ben", texts=True)
    room.admit("Cleo", role=Role.LISTENER)
    return room


def lines(room: ConferenceModel) -> list[str]:
    return [each.text for each in room.messages.values()]


def test_a_line_has_its_sender_its_time_and_a_number(room: ConferenceModel) -> None:
    room.do(Say("Hello", at=1_700_000_000.25), by=2)
    (event,) = room.since(room.sequence - 1) or ()
    assert isinstance(event, MessageSent)
    assert (event.by, event.audience) == (2, None)
    assert event.message == Message(event.sequence, 1_700_000_000.25, 2, "Ben", "Hello")
    assert list(room.messages.values()) == [event.message]


def test_who_may_only_listen_may_write_and_so_may_the_operator(room: ConferenceModel) -> None:
    room.do(Say("Louder, please", at=1), by=3)
    room.do(Say("The building is closing", at=2), by=None)
    assert [each.name for each in room.messages.values()] == ["Cleo", "Operator"]


def test_a_private_line_is_read_by_whom_it_is_for_and_not_even_by_the_operator(room: ConferenceModel) -> None:
    room.do(Say("Psst", at=1, to=(3, 3)), by=2)
    (message,) = room.messages.values()
    assert (message.to, message.to_names) == ((3,), ("Cleo",))
    assert [message.is_for(reader) for reader in (1, 2, 3, None)] == [False, True, True, False]
    (event,) = room.since(room.sequence - 1) or ()
    assert event.audience == {2, 3}
    assert [event.is_for(reader) for reader in (1, 2, 3, None)] == [False, True, True, False]


def test_what_the_operator_writes_to_one_he_reads_himself(room: ConferenceModel) -> None:
    room.do(Say("You left your lights on", at=1, to=(2,)), by=None)
    (message,) = room.messages.values()
    assert [message.is_for(reader) for reader in (1, 2, 3, None)] == [False, True, False, True]


@pytest.mark.parametrize("to", [(2, 77), (0,)])
def test_a_line_to_somebody_who_is_not_here_is_refused(room: ConferenceModel, to: tuple[int, ...]) -> None:
    with pytest.raises(NotHere):
        room.do(Say("Hello", at=1, to=to), by=1)
    assert not room.messages


@pytest.mark.parametrize(
    "text", ["", " \r\n\t ", "\x00\x07\x1b", "\u202e\u2069", "\u200b \u2060\ufe0f\u3164"]
)
def test_a_line_without_text_is_refused(room: ConferenceModel, text: str) -> None:
    with pytest.raises(NothingSaid):
        room.do(Say(text, at=1), by=1)
    with pytest.raises(NothingSaid):
        room.do(Say("Hello", at=1, to=()), by=1)
    assert not room.messages


def test_a_line_has_a_greatest_length(room: ConferenceModel) -> None:
    room.do(Say("ü" * LONGEST, at=1), by=1)
    with pytest.raises(TooLong, match="2000"):
        room.do(Say("ü" * (LONGEST + 1), at=1), by=1)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("a\r\nb\rc\u2028d\ve", "a\nb\nc\nd\ne"),
        ("\x1b[31mred\x00\x7f\x9b", "[31mred"),
        ("col\tumn", "col umn"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("  <b>&amp;</b> https://example.org/?a=1&b  ", "<b>&amp;</b> https://example.org/?a=1&b"),
        ("👩‍👩‍👧 Grüße, 你好, שלום", "👩‍👩‍👧 Grüße, 你好, שלום"),
        ("\ud800x", "x"),
    ],
)
def test_only_what_can_be_read_is_kept_of_a_line(sent: str, read: str) -> None:
    assert clean(sent) == read


def test_who_writes_too_fast_has_to_wait_and_nobody_else(room: ConferenceModel) -> None:
    for number in range(BURST):
        room.do(Say("Buy!", at=100 + number / 10), by=2)
    with pytest.raises(TooFast, match="busy"):
        room.do(Say("Buy!", at=101.5), by=2)
    room.do(Say("Stop that", at=101.5), by=1)
    with pytest.raises(TooFast):
        room.do(Say("Buy!", at=100 + WINDOW - 0.01), by=2)
    room.do(Say("Sorry", at=100 + WINDOW), by=2)


def test_a_clock_that_was_put_back_silences_nobody(room: ConferenceModel) -> None:
    for number in range(BURST):
        room.do(Say("Hello", at=1000 + number / 10), by=2)
    room.do(Say("Is it still summer?", at=100), by=2)


def test_so_many_lines_are_kept_and_no_more(room: ConferenceModel) -> None:
    for number in range(MOST_KEPT + 3):
        room.do(Say(str(number), at=100 * number), by=1)
    assert lines(room) == [str(number) for number in range(3, MOST_KEPT + 3)]


def test_so_many_characters_are_kept_and_no_more(room: ConferenceModel) -> None:
    most = MOST_CHARACTERS // LONGEST
    for number in range(most + 1):
        room.do(Say(str(number).rjust(LONGEST, "."), at=100 * number), by=1)
    assert len(lines(room)) == most
    assert lines(room)[0].endswith(".1")


def test_what_is_for_some_takes_no_room_from_what_all_may_read(room: ConferenceModel) -> None:
    room.do(Say("The door code is 12", at=0), by=2)
    for number in range(MOST_CHARACTERS // LONGEST + 1):
        room.do(Say(str(number).rjust(LONGEST, "."), at=100 * number, to=(2,)), by=1)
    first, second, *_ = lines(room)
    assert first == "The door code is 12"
    assert second.endswith(".1")


def test_a_line_stays_when_its_sender_has_left(room: ConferenceModel) -> None:
    room.do(Say("Bye", at=1), by=2)
    room.leave(2)
    assert lines(room) == ["Bye"]


def test_whom_a_line_does_not_reach_is_told_to_its_sender_alone(room: ConferenceModel) -> None:
    room.do(Say("Hello", at=1), by=1)
    (id,) = room.messages
    report_undelivered(room, id, 2, "His phone does not answer.")
    (event,) = room.since(room.sequence - 1) or ()
    assert isinstance(event, MessageFailed)
    assert [event.is_for(reader) for reader in (1, 2, 3, None)] == [True, False, False, False]
    (failure,) = room.messages[id].failed
    assert (failure.participant, failure.name, failure.reason) == (2, "Ben", "His phone does not answer.")
    assert room.messages[id].as_seen_by(1).failed == (failure,)
    assert room.messages[id].as_seen_by(3).failed == ()


def test_failures_of_lines_that_are_gone_or_of_who_is_gone_are_forgotten(room: ConferenceModel) -> None:
    room.do(Say("Hello", at=1), by=1)
    (id,) = room.messages
    sequence = room.sequence
    report_undelivered(room, id + 1, 2, "His phone does not answer.")
    report_undelivered(room, id, 77, "His phone does not answer.")
    assert room.sequence == sequence


def test_of_many_failures_some_are_kept(room: ConferenceModel) -> None:
    room.do(Say("Hello", at=1), by=1)
    (id,) = room.messages
    for _ in range(MOST_FAILURES + 10):
        report_undelivered(room, id, 2, "His phone does not answer.")
    assert len(room.messages[id].failed) == MOST_FAILURES


def test_it_can_turn_out_that_a_phone_takes_texts_or_does_not(room: ConferenceModel) -> None:
    assert [each.texts for each in room.participants.values()] == [False, True, False]
    sequence = room.sequence
    report_texts(room, 1, True)
    report_texts(room, 2, True)
    report_texts(room, 77, True)
    (event,) = room.since(sequence) or ()
    assert isinstance(event, TextsChanged)
    assert room.participants[1].texts
    report_texts(room, 1, False)
    assert not room.participants[1].texts


def test_every_refusal_is_a_sentence(room: ConferenceModel) -> None:
    for refusal in (NothingSaid(), TooLong(), TooFast()):
        assert isinstance(refusal, Refused)
        assert str(refusal).endswith(".")
