"""Parameters of a service, as a route or a neighbour has written them."""

from __future__ import annotations

from .. import checks

#: More digits say the same: it is more than any of them may be.
_DIGITS = 10


class Params(dict[str, str]):
    """The parameters by their names, with what services read from them. What makes no sense counts as not
    said: a call does not fail for a slip of the pen.

    >>> params = Params({"repeat": "3", "delay": "much"})
    >>> params.times(most=10), params.number("delay", 500, most=10_000)
    (3, 500)
    """

    def number(self, name: str, default: int = 0, *, least: int = 0, most: int) -> int:
        """A whole number, brought within ``least`` and ``most``; ``default`` for what is none.

        >>> delay = call.params.number("delay", most=10_000)
        """
        checks.kind("name", name, "a text", str)
        for what, limit in (("default", default), ("least", least), ("most", most)):
            checks.whole(what, limit, 0, checks.HIGHEST)
        value = self.get(name, "").strip()
        if not (value.isascii() and value.isdigit()):
            return default
        # A number of ten thousand digits is not made one.
        digits = value.lstrip("0") or "0"
        return max(least, most if len(digits) > _DIGITS else min(int(digits), most))

    def times(self, name: str = "repeat", *, most: int) -> int:
        """How many times something is to be done, 1 to ``most``, as :meth:`Call.play()
        <sems.audio.media.CallMedia.play>` takes it: 0 for ``forever``, once without it and for what is no
        number (RFC 4240 §3)."""
        checks.kind("name", name, "a text", str)
        checks.whole("most", most, 1)
        forever = self.get(name, "").strip().lower() == "forever"
        return 0 if forever else self.number(name, 1, least=1, most=most)
