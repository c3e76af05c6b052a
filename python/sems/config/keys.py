"""``[keys]``: what can be keyed in on a telephone during a conference."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from .section import Section


def _code(value: str) -> str:
    # What is dialled to somebody's menu or to hang up begins with neither.
    if value and not re.fullmatch(r"[*#][0-9A-D*#]{1,3}", value):
        raise ValueError('* or # and one to three keys are wanted, such as "*6", or "" for no key at all')
    return value


def _pairing(value: str) -> str:
    if value and not re.fullmatch(r"[*#]{1,2}\?{6}[*#]?", value):
        raise ValueError('* or # and ?????? for six digits are wanted, such as "*??????#", or ""')
    return value


def _dialling(value: str) -> str:
    if value and not re.fullmatch(r"[*#][0-9A-D*#]{1,3}\+[*#]", value):
        raise ValueError('* or #, a key, + for the number and * or # are wanted, such as "#0+#", or ""')
    return value


def _person(value: str) -> str:
    if value and not re.fullmatch(r"[*#][A-D*#]{0,2}\+[*#]", value):
        raise ValueError('* or #, + for the place of a person and * or # are wanted, such as "**+#", or ""')
    return value


def _of_person(value: str) -> str:
    if value and not re.fullmatch(r"[*#][A-D*#]{0,2}\+[*#][0-9A-D*#]{1,2}", value):
        raise ValueError('+ for the place of a person and one or two keys are wanted, such as "**+*6", or ""')
    return value


def _moving(value: str) -> str:
    if value and not re.fullmatch(r"[*#][A-D*#]?\+[*#]\?", value):
        raise ValueError('+ for the place of a person and ? for the room are wanted, such as "#*+*?", or ""')
    return value


def _moving_far(value: str) -> str:
    if value and not re.fullmatch(r"[*#][A-D*#]?\+[*#]{1,2}\+[*#]", value):
        raise ValueError(
            '+ for the place of a person and + for where to are wanted, such as "#*+**+#", or ""'
        )
    return value


Code = Annotated[str, AfterValidator(_code)]
Number = Annotated[str, AfterValidator(_dialling)]
Person = Annotated[str, AfterValidator(_person)]
OfPerson = Annotated[str, AfterValidator(_of_person)]


def _same(code: str, other: str) -> bool:
    return code.startswith(other) or other.startswith(code)


def _begin_alike(code: str, other: str) -> bool:
    """Something can be keyed in that is one of them and the beginning of the other."""
    if not code or not other:
        return True
    digits = "0123456789"
    ours, theirs = (digits if each[0] in "+?" else each[0] for each in (code, other))
    if not set(ours) & set(theirs):
        return False
    # Behind a + comes no digit, so it is at its end exactly where the other one is.
    stays = [code] * (code[0] == "+"), [other] * (other[0] == "+")
    return (
        _begin_alike(code[1:], other[1:])
        or any(_begin_alike(each, other[1:]) for each in stays[0])
        or any(_begin_alike(code[1:], each) for each in stays[1])
    )


class KeySettings(Section):
    """``[keys]``: what can be keyed in on a telephone during a conference; ``""``: nothing. Everything that
    a participant may do on the page has a key, and ``help`` speaks those that he can use."""

    help: Code = "*0"
    """Speaks the keys to whoever asks, softly over the room."""
    talk: Code = "*5"
    """Wants to be heard: a moderator takes the floor for it. Again: gives it back."""
    mute: Code = "*6"
    """Mutes himself, or ends that."""
    hand: Code = "*9"
    """Raises his hand, or lowers it."""
    accept: Code = "*1"
    """Comes to the private talk to which he was asked."""
    back: Code = "*2"
    """Goes back to the room: from a talk, to which he was only asked or which he has asked for, or from a
    side room."""
    private: Person = "**+#"
    """Asks to a private talk whoever has the place that is keyed in for ``+``, which the page
    shows beside each."""
    background: Code = "**#"
    """Hears the room in a private talk, or does not."""
    coach: Person = "#*+#"
    """A moderator speaks to that one alone."""
    move: Annotated[str, AfterValidator(_moving)] = "#*+*?"
    """A moderator moves that one, or with ``0`` for ``+`` himself, to the side room of the number that is
    keyed in for ``?``, or with ``0`` back to the main room."""
    move_far: Annotated[str, AfterValidator(_moving_far)] = "#*+**+#"
    """The same with the number of any side room, of up to three digits, in the place of the second ``+``."""
    move_beside: Annotated[str, AfterValidator(_moving_far)] = "#*+*#+#"
    """The same to the room of whoever has the place that is keyed in for the second ``+``, whatever its name
    is."""
    gather: Code = "##0"
    """A moderator brings everybody back from the side rooms."""
    admit: Code = "##1"
    """A moderator lets in all who wait."""
    count: Code = "#1"
    """Says how many are here."""
    lock: Code = "#3"
    """A moderator locks the room, or unlocks it."""
    record: Code = "#4"
    """A moderator begins to record, or ends it."""
    next: Code = "#5"
    """A moderator gives the floor to whoever has waited longest, and takes it from those to whom it was
    given before."""
    silence: Code = "#6"
    """A moderator mutes everybody else but moderators."""
    softer: Code = "#7"
    """He hears the room softer."""
    louder: Code = "#8"
    """He hears the room louder."""

    pair: Annotated[str, AfterValidator(_pairing)] = "*??????#"
    """Opens his page in the browser that shows these six digits."""
    code: Code = "*#"
    """Speaks six digits that open his page in the browser in which they are typed."""

    dial: Number = "#0+#"
    """Calls the number keyed in for ``+`` into the room."""
    redial: Code = "#2"
    """Calls again who was called last in vain."""
    cancel: Code = "#9"
    """Takes back the last call that rings."""

    who: OfPerson = "**+*0"
    """Speaks the name of whoever has the place that is keyed in for ``+``, if it was spoken at the door."""
    give_floor: OfPerson = "**+*5"
    """A moderator gives that one the floor, or takes it back."""
    mute_other: OfPerson = "**+*6"
    """A moderator mutes that one, or lets him be heard again."""
    softer_for_me: OfPerson = "**+*7"
    """He alone hears that one softer."""
    louder_for_me: OfPerson = "**+*8"
    """He alone hears that one louder."""
    lower_hand: OfPerson = "**+*9"
    """A moderator lowers the hand of that one."""
    moderator: OfPerson = "**+*1"
    """A moderator makes that one a moderator too."""
    speaker: OfPerson = "**+*2"
    """A moderator makes that one somebody who may speak, and no more."""
    listener: OfPerson = "**+*3"
    """A moderator makes that one somebody who only listens."""
    softer_for_all: OfPerson = "**+*#7"
    """A moderator makes that one softer for all."""
    louder_for_all: OfPerson = "**+*#8"
    """A moderator makes that one louder for all."""
    remove: OfPerson = "**+*4"
    """A moderator takes that one out of the room."""
    admit_one: Person = "##*+#"
    """A moderator lets in whoever has the place that is keyed in for ``+`` among those who wait."""
    turn_away: Person = "##*+*"
    """A moderator turns away that one."""

    readmit: Code = "##2"
    """A moderator brings back whoever was removed last."""
    pause: Code = "##41"
    """A moderator pauses the recording, or goes on with it."""
    record_members: Code = "##44"
    """A moderator begins to record, everybody in a file of his own, or ends it."""
    hear: Number = "##42+#"
    """A moderator hears a recording of this conference, ``1`` the newest, or ends that."""
    delete: Number = "##43+#"
    """A moderator deletes a recording, counted in the same way."""
    open: Code = "##51"
    """A moderator makes the room open."""
    moderated: Code = "##52"
    """A moderator makes it moderated."""
    lecture: Code = "##53"
    """A moderator makes it a lecture."""
    talk_time: Number = "##6+#"
    """A moderator says for how many seconds the floor is given to somebody; ``0``: until it is taken."""
    waiting_room: Code = "##31"
    """A moderator opens the waiting room, or closes it."""
    wait_for_moderator: Code = "##32"
    """A moderator lets those wait who come while no moderator is there, or not."""
    quiet: Code = "##33"
    """A moderator switches off the sounds of coming and going, or on."""
    size: Number = "##9+#"
    """A moderator says how many can be here at once; ``0``: as many as there are calls."""
    pin: Number = "##7+#"
    """A moderator says what is to be keyed in to come in; ``0``: nothing."""
    moderator_pin: Number = "##8+#"
    """A moderator says what moderators key in instead; ``0``: nobody becomes one by a PIN."""

    @property
    def first_digits(self) -> str:
        """What the six digits of ``pair`` can begin with: no key that means something there by itself."""
        before = self.pair.partition("?")[0]
        codes = [getattr(self, name) for name in type(self).model_fields]
        taken = {code[len(before) : len(before) + 1] for code in codes if before and code.startswith(before)}
        return "".join(digit for digit in "0123456789" if digit not in taken)

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Self:
        taken: dict[str, str] = {}
        for name in type(self).model_fields:
            code = getattr(self, name)
            for other, owner in taken.items():
                if code and (
                    _begin_alike(code, other) if "pair" not in (name, owner) else _same(code, other)
                ):
                    raise ValueError(f"{code} can not mean {name}: {other} means {owner}")
            if code:
                taken[code] = name
        if self.pair and not self.first_digits:
            raise ValueError(f"{self.pair} can not mean pair: no digit is left behind its beginning")
        return self
