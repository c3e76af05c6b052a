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
    if value and not re.fullmatch(r"[*#][0-9A-D*#]{1,2}\+[*#]", value):
        raise ValueError('* or #, a key, + for the number and * or # are wanted, such as "#0+#", or ""')
    return value


def _person(value: str) -> str:
    if value and not re.fullmatch(r"[*#][A-D*#]?\+[*#]", value):
        raise ValueError('* or #, + for the place of a person and * or # are wanted, such as "**+#", or ""')
    return value


def _moving(value: str) -> str:
    if value and not re.fullmatch(r"[*#][A-D*#]?\+[*#]\?", value):
        raise ValueError('+ for the place of a person and ? for the room are wanted, such as "#*+*?", or ""')
    return value


Code = Annotated[str, AfterValidator(_code)]


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
    private: Annotated[str, AfterValidator(_person)] = "**+#"
    """Asks to a private talk whoever has the place that is keyed in for ``+``, counted in the order in which
    they came."""
    background: Code = "**#"
    """Hears the room in a private talk, or does not."""
    coach: Annotated[str, AfterValidator(_person)] = "#*+#"
    """A moderator speaks to that one alone."""
    move: Annotated[str, AfterValidator(_moving)] = "#*+*?"
    """A moderator moves that one to the side room of the number that is keyed in for ``?``, or with ``0``
    back to the main room."""
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

    dial: Annotated[str, AfterValidator(_dialling)] = "#0+#"
    """Calls the number keyed in for ``+`` into the room."""
    redial: Code = "#2"
    """Calls again who was called last in vain."""
    cancel: Code = "#9"
    """Takes back the last call that rings."""

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
                if code and (code.startswith(other) or other.startswith(code)):
                    raise ValueError(f"{code} can not mean {name}: {other} means {owner}")
            if code:
                taken[code] = name
        if self.pair and not self.first_digits:
            raise ValueError(f"{self.pair} can not mean pair: no digit is left behind its beginning")
        return self
