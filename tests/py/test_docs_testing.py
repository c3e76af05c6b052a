"""The tests that docs/testing.md shows pass as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester) -> None:
    for name, code in re.findall(r"^```python\n# (test_\w+)\.py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        pytester.makepyfile(**{name: code})
    pytester.runpytest("-p", "no:asyncio", "-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_what_runs_without_pytest_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n# by_hand\.py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(code, "by_hand.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "True\n"
