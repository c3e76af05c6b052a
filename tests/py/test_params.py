"""What services read from their parameters."""

from __future__ import annotations

import pytest

from sems import Params


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("7", 7), (" 7 ", 7), ("007", 7), ("0", 2), ("1", 2), ("99", 50), ("9" * 5000, 50),
        ("0" * 5000 + "8", 8),
        ("", 5), ("seven", 5), ("-3", 5), ("1.5", 5), ("٣", 5), ("²", 5), ("0x10", 5),
    ],
)  # fmt: skip
def test_a_number_is_brought_within_its_bounds_and_what_is_none_counts_as_not_said(
    written: str, number: int
) -> None:
    assert Params(n=written).number("n", 5, least=2, most=50) == number
    assert Params().number("n", 5, least=2, most=50) == 5


@pytest.mark.parametrize(
    ("written", "times"), [("forever", 0), (" Forever", 0), ("3", 3), ("0", 1), ("999", 100), ("often", 1)]
)
def test_times_are_a_number_or_forever(written: str, times: int) -> None:
    assert Params(repeat=written).times(most=100) == times
    assert Params().times(most=100) == 1
