"""The fixtures for pytest, in a project of somebody else."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

ECHO = """
import asyncio

import pytest
from sems import App, Call
from sems.testing import Lab, Phone, VirtualLoop

app = App("mine")


@app.call
async def main(call: Call) -> None:
    await call.answer()
    await call.play("welcome")


async def test_it_welcomes(lab: Lab, phone: Phone) -> None:
    await lab.server(apps=[app])
    await phone.call("sip:mine@sems")
    await phone.hears("welcome")
    await asyncio.sleep(1000)
    assert isinstance(asyncio.get_running_loop(), VirtualLoop)


@pytest.mark.lab(loss=1.0)
async def test_nobody_is_reached(lab: Lab, phone: Phone) -> None:
    await lab.server(apps=[app])
    await phone.call("sip:mine@sems")


def test_otherwise() -> None:
    pass
"""


FIXTURES = """
import asyncio
from collections.abc import AsyncIterator

import pytest
from sems import App, Call
from sems.testing import Lab, Phone, VirtualLoop

app = App("mine")
told: list[str] = []


@app.call
async def main(call: Call) -> None:
    await call.answer()
    await call.wait_ended()


@pytest.fixture
async def clock() -> float:
    assert isinstance(asyncio.get_running_loop(), VirtualLoop)
    return asyncio.get_running_loop().time()


@pytest.fixture
async def in_a_call(lab: Lab, phone: Phone) -> AsyncIterator[Call]:
    await lab.server(apps=[app])
    call = await phone.call("sip:mine@sems")
    yield call
    await asyncio.sleep(1000)
    told.append(call.state)
    await phone.hang_up()


class TestInAClass:
    @pytest.fixture
    async def both(self, in_a_call: Call, clock: float) -> tuple[Call, float]:
        return in_a_call, clock

    async def test_it_has_both(self, both: tuple[Call, float], lab: Lab) -> None:
        call, clock = both
        assert call.state == "answered"
        await asyncio.sleep(1)
        assert asyncio.get_running_loop().time() >= clock + 1


async def test_the_rest_of_a_fixture_is_done_afterwards(lab: Lab) -> None:
    assert told == ["answered"]
"""


@pytest.mark.parametrize("runner", ["alone", "strict", "auto"])
def test_coroutines_and_fixtures_have_a_lab_and_a_phone_whoever_runs_the_others(
    pytester: pytest.Pytester, runner: str
) -> None:
    pytester.makepyfile(test_a_program=ECHO, test_its_fixtures=FIXTURES)
    options = ["-p", "no:asyncio"]
    if runner != "alone":
        options = [f"--asyncio-mode={runner}", "-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest(*options, "-p", "no:cacheprovider", "--strict-markers", "-Werror")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*CallFailed: *", "FAILED *test_nobody_is_reached*"])


def test_the_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--fixtures", "-p", "no:asyncio")
    result.stdout.fnmatch_lines_random(
        [
            "lab -- *sems/testing/pytest_alone.py:*",
            "    Servers and phones on a network in memory, in virtual time: a sems.testing.Lab.",
            "phone -- *sems/testing/pytest_alone.py:*",
            '    A phone in the lab, called "phone": a sems.testing.Phone.',
        ]
    )
