"""A call and what is done while it lasts: everything ends with it, by one exception, and nothing is left."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine

import pytest
from an_app import app_of, failures

from sems import App, Call, CallFailed, HungUp
from sems.testing import Lab


async def hung_up_on(lab: Lab, app: App) -> None:
    """Alice calls, and hangs up after a second."""
    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert not server.calls


async def test_a_hang_up_cancels_whatever_a_group_waits_for(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    async def waits(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            seen.append(name)

    async def main(call: Call) -> None:
        await call.answer()
        try:
            async with call.group() as group:
                group.create_task(waits("a"))
                group.create_task(waits("b"))
                await asyncio.sleep(3600)
        except HungUp as hung_up:
            seen.append(hung_up.end.cause)
            raise

    await hung_up_on(lab, app_of(main))
    assert (sorted(seen[:2]), seen[2:]) == (["a", "b"], ["remote"])
    assert not failures(caplog)


async def test_a_group_whose_block_is_done_waits_for_its_tasks_and_for_nothing_else(lab: Lab) -> None:
    seen: list[object] = []

    async def keys(call: Call) -> None:
        seen.append(await call.digit())

    async def main(call: Call) -> None:
        await call.answer()
        async with call.group() as group:
            group.create_task(keys(call))
        seen.append("done")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.key("5")
    assert (await alice.ended()).cause == "remote"
    assert seen == ["5", "done"]


async def test_a_task_that_fails_ends_the_group_and_the_call_with_one_traceback(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ZeroDivisionError

    async def main(call: Call) -> None:
        await call.answer()
        async with call.group() as group:
            group.create_task(fails())
            await call.play("tone:dial", repeat=0)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    (failure,) = failures(caplog)
    assert failure.exc_info is not None
    assert isinstance(failure.exc_info[1], ZeroDivisionError)
    told = vars(failure)
    fields = told.get("fields") or told
    assert "sip:alice@" in str(fields), "the line says whose call it was"


async def test_a_cancelled_group_is_cancelled_and_not_hung_up(lab: Lab) -> None:
    seen: list[type[BaseException]] = []

    async def waits(call: Call) -> None:
        try:
            async with call.group():
                await asyncio.sleep(3600)
        except BaseException as error:
            seen.append(type(error))
            raise

    async def main(call: Call) -> None:
        await call.answer()
        task = asyncio.create_task(waits(call))
        await call.sleep(0.5)
        task.cancel()
        await asyncio.wait({task})

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert seen == [asyncio.CancelledError]


async def test_a_wait_for_something_foreign_ends_with_the_call_and_cancels_it(lab: Lab) -> None:
    seen: list[object] = []

    async def fetch() -> str:
        try:
            await asyncio.sleep(0.5 if not seen else 3600)
            return "fetched"
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main(call: Call) -> None:
        await call.answer()
        seen.append(await call.while_up(fetch()))
        with pytest.raises(HungUp):
            await call.while_up(fetch())
        await asyncio.sleep(0)
        shared = asyncio.get_running_loop().create_future()
        with pytest.raises(HungUp):
            await call.while_up(shared)
        seen.append(shared.cancelled())

    await hung_up_on(lab, app_of(main))
    assert seen == ["fetched", "cancelled", False]


async def test_a_call_that_can_not_be_put_through_is_refused_with_the_code_of_that(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        await call.server.dial("sip:bob@bob", timeout=5)

    await lab.server(apps=[app_of(main)])
    alice, bob = [await lab.phone(name) for name in ("alice", "bob")]
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    await (await bob.ringing()).reject(486)
    with pytest.raises(CallFailed, match="486 Busy Here"):
        await calling
    assert not failures(caplog)


async def test_what_would_last_as_long_as_a_call_that_has_ended_never_begins(lab: Lab) -> None:
    begun: list[str] = []
    works: list[Coroutine[None, None, None]] = []

    async def work() -> None:
        begun.append("work")

    async def main(call: Call) -> None:
        await call.hangup()
        works.append(work())
        await call.while_up(works[0])

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed):
        await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    # Closed, so that Python has nothing to warn of.
    assert inspect.getcoroutinestate(works[0]) == inspect.CORO_CLOSED
    assert not begun
