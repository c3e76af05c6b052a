"""What is remembered of the calls of the last hour."""

from typing import cast

from sems import Call
from sems.events import EndReason
from sems.server.history import History


class Clock:
    now = 6000.0

    def __call__(self) -> float:
        return self.now


class Ended:
    """A call that is over."""

    started = 100.0

    def __init__(self, code: int | None = None, answered_at: float | None = None) -> None:
        self.answered_at = answered_at
        self.end = EndReason("remote", code, "")


def ended(code: int | None = None, answered_at: float | None = None) -> Call:
    return cast(Call, Ended(code, answered_at))


def test_calls_are_counted_by_the_minute_in_which_they_begin_and_end() -> None:
    clock = Clock()
    history = History(clock)
    for _ in range(3):
        history.begins()
    clock.now += 60
    history.ends(ended(answered_at=100.25))
    history.ends(ended(answered_at=100.75))
    history.ends(ended(486))
    clock.now += 60
    history.begins()
    history.ends(ended(None))
    first, second, third = history.minutes
    assert (first.begun, first.most) == (3, 3)
    assert (second.begun, second.most, second.answered, second.setup_seconds) == (0, 3, 2, 1.0)
    assert second.codes == {"4xx": 1}
    assert (third.most, third.codes) == (1, {"none": 1})


def test_an_hour_is_remembered_and_no_more() -> None:
    clock = Clock()
    history = History(clock)
    for _ in range(200):
        history.begins()
        clock.now += 60
    assert len(history.minutes) == 60
    clock.now += 3600
    assert [each.begun for each in history.minutes] == [0]
