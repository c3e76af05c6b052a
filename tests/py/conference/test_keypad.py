"""What keys mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sems.conference.commands import AskToTalk
from sems.conference.keypad import ACTIONS, LONGEST, Keypad, codes, spoken
from sems.conference.keys_for_rooms import OF_RECORDINGS
from sems.conference.model import ConferenceModel
from sems.conference.participant import Role
from sems.conference.settings import Mode, Settings
from sems.config.keys import KeySettings

TABLE = {
    **{"*6": "mute", "*??????#": "pair", "**+#": "private", "#0+#": "dial", "*#": "code"},
    **{"#*+*?": "move", "#*+**+#": "move_far", "#*+*#+#": "move_beside"},
}


def pressed(keypad: Keypad, keys: str) -> list[tuple[str, str]]:
    return [done for key in keys if (done := keypad.press(key, 0.0))]


@pytest.mark.parametrize(
    ("keys", "meant"),
    [
        ("*6", [("mute", "")]),
        ("123*6", [("mute", "")]),
        ("*4*6", [("mute", "")]),
        ("*412345#", [("pair", "412345")]),
        ("*41234#", []),
        ("**12#", [("private", "12")]),
        ("**#", []),
        ("#0004930#", [("dial", "004930")]),
        ("*#*6", [("code", ""), ("mute", "")]),
        ("#0*6", [("mute", "")]),
        ("#*12*3", [("move", "123")]),
        ("#*12**34#", [("move_far", "12 34")]),
        ("#*12**34#*6", [("move_far", "12 34"), ("mute", "")]),
        ("#*12*#34#", [("move_beside", "12 34")]),
        ("#*12**34*6", [("mute", "")]),
    ],
)
def test_a_code_means_what_the_table_says(keys: str, meant: list[tuple[str, str]]) -> None:
    assert pressed(Keypad(TABLE), keys) == meant


@given(st.text("0123456789*#ABCD", max_size=30))
def test_after_anything_a_pause_makes_the_next_code_count(keys: str) -> None:
    keypad = Keypad(TABLE)
    pressed(keypad, keys)
    assert keypad.press("*", 10.0) is None
    assert keypad.press("6", 10.1) == ("mute", "")


def test_a_code_is_forgotten_when_the_next_key_is_late() -> None:
    keypad = Keypad(TABLE)
    assert keypad.press("*", 0.0) is None
    assert keypad.press("6", 5.1) is None


def test_numbers_without_an_end_are_forgotten() -> None:
    """A telephone can send digits for ever."""
    assert pressed(Keypad(TABLE), "**" + "7" * 5000 + "#") == []
    longest = "7" * (LONGEST - 3)
    assert pressed(Keypad(TABLE), f"#0{longest}#") == [("dial", longest)]
    assert pressed(Keypad(TABLE), f"#0{longest}77#") == []


def test_every_action_has_a_key_that_can_be_changed_or_taken_away() -> None:
    assert set(codes(KeySettings()).values()) == set(ACTIONS)
    assert codes(KeySettings(mute="#A9", hand=""))["#A9"] == "mute"
    assert "hand" not in codes(KeySettings(hand="")).values()


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"mute": "6"}, "one to three keys"),
        ({"mute": "*9"}, "means"),
        ({"mute": "*"}, "keys are wanted"),
        ({"move": "**+*?"}, "means"),
        ({"size": "#01+#"}, "means"),
        ({"mute_other": "*6"}, "place of a person"),
    ],
)
def test_keys_that_can_not_be_told_apart_are_refused(keys: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        KeySettings(**keys)


def test_help_speaks_first_of_what_one_is_asked() -> None:
    room = ConferenceModel()
    anna, ben = room.admit("Anna"), room.admit("Ben")
    room.do(AskToTalk((ben.id,)), by=anna.id)
    assert spoken(room, ben, KeySettings())[:6] == [
        *("key-accept", "key-star", "digit-1"),
        *("key-back", "key-star", "digit-2"),
    ]
    assert "key-accept" not in spoken(room, anna, KeySettings())
    private = spoken(room, anna, KeySettings())
    at = private.index("key-private")
    assert private[at : at + 5] == ["key-private", "key-star", "key-star", "key-person", "key-pound"]
    move = spoken(room, anna, KeySettings())
    at = move.index("key-move")
    assert move[at : at + 6] == [
        "key-move",
        "key-pound",
        "key-star",
        "key-person-or-me",
        "key-star",
        "key-side-room",
    ]
    far = move.index("key-move", at + 1)
    assert move[far + 4 : far + 8] == ["key-star", "key-star", "key-side-room", "key-pound"]


def test_help_speaks_of_what_one_can_do_as_things_are() -> None:
    room = ConferenceModel(settings=Settings(mode=Mode.MODERATED))
    anna, ben = room.admit("Anna"), room.admit("Ben", role=Role.SPEAKER)
    ours, his = (spoken(room, each, KeySettings()) for each in (anna, ben))
    assert his[:6] == ["key-mute", "key-star", "digit-6", "key-hand", "key-star", "digit-9"]
    assert {"key-lock", "key-talk", "key-next"} <= set(ours)
    assert not {"key-redial", "key-cancel", "key-admit", "key-readmit", "key-pause"} & set(ours)
    assert {"key-hear", "key-delete"} <= set(ours) - set(spoken(room, anna, KeySettings(), OF_RECORDINGS))
    assert not {"key-lock", "key-talk", "key-next"} & set(his)


def test_help_speaks_the_keys_with_which_all_begins_that_is_done_with_a_person_once() -> None:
    room = ConferenceModel()
    anna, ben = room.admit("Anna"), room.admit("Ben")
    said = spoken(room, ben, KeySettings())
    at = said.index("key-for-person")
    assert said[at:] == [
        *("key-for-person", "key-star", "key-star", "key-person", "key-star", "key-then"),
        *("key-who", "digit-0", "key-softer-for-me", "digit-7", "key-louder-for-me", "digit-8"),
    ]
    assert spoken(room, anna, KeySettings()).count("key-for-person") == 1
    elsewhere = spoken(room, anna, KeySettings(remove="#A+*4"))
    at = elsewhere.index("key-remove")
    assert elsewhere[at - 6 : at + 2] == [
        *("key-for-person", "key-pound", "digit-A", "key-person", "key-star", "key-then"),
        *("key-remove", "digit-4"),
    ]


def test_all_that_help_says_can_be_said_in_every_language() -> None:
    prompts = Path(__file__).parents[3] / "apps/prompts"
    named = {action.prompt for action in ACTIONS.values() if action.prompt}
    named |= {sound for action in ACTIONS.values() for sound in action.places.values()}
    for folder in (prompts, prompts / "de"):
        there = {each.stem for each in folder.glob("*.wav")}
        assert named | {"key-for-person", "key-then"} <= there, folder
