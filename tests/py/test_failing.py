"""What a service does wrong is told once, with its call, and disturbs nobody else."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest
from an_app import app_of, failures

from sems import App, Call, CallFailed, Refer, Server, Session, SipRequest
from sems.server.loop import EnduringLoop
from sems.testing import Lab


class Panic(BaseException):
    """As native code raises it."""


async def leave(*_: object) -> NoReturn:
    sys.exit("enough")


async def panic(*_: object) -> NoReturn:
    raise Panic("index out of range")


async def wait_for_what_was_cancelled(*_: object) -> None:
    other = asyncio.create_task(asyncio.sleep(60))
    other.cancel()
    await other


async def _in_a_group(call: Call) -> None:
    async with call.group() as group:
        group.create_task(leave())


async def _in_a_task(call: Call) -> None:
    await asyncio.create_task(leave())


async def _in_while_up(call: Call) -> None:
    await call.while_up(leave())


async def test_who_forgets_to_answer_is_told_so_with_the_call(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        if "Refused" in call.headers:
            await call.reject(486)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="486"):
        await alice.call("sip:mine@sems", headers=[("Refused", "yes")])
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    with pytest.raises(CallFailed, match="480"):
        await alice.call("sip:mine@sems")
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.message == "an app has returned without answer(), reject() or redirect()"
    assert told.caller == alice.uri  # type: ignore[attr-defined]
    assert told.code == 480  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("does", "what"),
    [
        (leave, "SystemExit: enough"),
        (_in_a_group, "SystemExit: enough"),
        (_in_a_task, "SystemExit: enough"),
        (_in_while_up, "SystemExit: enough"),
        (panic, "Panic: index out of range"),
        (wait_for_what_was_cancelled, "CancelledError"),
    ],
)
@pytest.mark.parametrize("answered", [True, False])
async def test_whatever_a_handler_raises_ends_its_call_alone_and_is_logged_once_with_it(
    lab: Lab,
    caplog: pytest.LogCaptureFixture,
    does: Callable[[Call], Awaitable[None]],
    what: str,
    answered: bool,
) -> None:
    async def main(call: Call) -> None:
        if answered:
            await call.answer()
        await does(call)

    server = await lab.server(apps=[app_of(main)])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    other = await bob.call("sip:echo@sems")
    if answered:
        line = await alice.call("sip:mine@sems")
        assert (await line.wait_ended()).cause == "remote"
    else:
        with pytest.raises(CallFailed, match="500 Service Failed"):
            await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    assert other.end is None
    assert len(server.calls) == 1
    (failure,) = failures(caplog)
    assert failure.caller.startswith("sip:alice@")  # type: ignore[attr-defined]
    assert failure.uri.startswith("sip:mine@")  # type: ignore[attr-defined]
    assert caplog.text.count("Traceback") == caplog.text.count(what)
    assert failure.exc_info is not None
    assert failure.exc_info[0] is not None
    assert what.startswith(failure.exc_info[0].__name__)
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_session_that_exits_at_a_key_ends_its_call_alone(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    app = App("mine")

    @app.session
    class Desk(Session):
        async def on_dtmf(self, digit: str) -> None:
            sys.exit("enough")

    await lab.server(apps=[app])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    other, line = await bob.call("sip:echo@sems"), await alice.call("sip:mine@sems")
    await line.send_digits("1")
    assert (await line.wait_ended()).cause == "remote"
    assert other.end is None
    (failure,) = failures(caplog)
    assert failure.caller.startswith("sip:alice@")  # type: ignore[attr-defined]


async def test_a_callback_that_exits_is_told_of_with_its_place(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        call.subscribe(lambda event: sys.exit("a subscriber"))
        asyncio.get_running_loop().call_later(1, sys.exit, "later")
        await call.sleep(5)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    began = asyncio.get_running_loop().time()
    with caplog.at_level(logging.WARNING):
        await line.send_digits("1")
        await line.wait_ended()
    assert asyncio.get_running_loop().time() - began > 4
    messages = [record.message for record in caplog.records]
    assert set(messages) == {"a subscriber failed", "sys.exit() ends what has called it, and not the server"}
    assert messages.count("sys.exit() ends what has called it, and not the server") == 1


@pytest.mark.parametrize("fails", [leave, panic, wait_for_what_was_cancelled])
async def test_a_failing_handler_of_requests_is_logged_with_its_call_and_the_sender_is_answered(
    lab: Lab, caplog: pytest.LogCaptureFixture, fails: Callable[[Any], Awaitable[None]]
) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    async def on_request(request: SipRequest) -> None:
        await fails(request)

    async def on_refer(refer: Refer) -> None:
        await fails(refer)

    app = app_of(main)
    app.request("PUBLISH")(on_request)
    app.message(on_request)
    app.refer(on_refer)
    app.subscription("presence")(fails)
    await lab.server(apps=[app])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    assert (await line.send_message("Hello")).code == 500
    assert (await alice.request("PUBLISH", "sip:mine@sems", headers=[("Event", "x")])).code == 500
    assert (await line.transfer("sip:bob@bob")).code in (503, 603)
    async with await alice.server.subscribe(
        "sip:mine@sems", "presence", destination=lab.resolve("sems"), again=False
    ) as notified:
        assert [told.reason async for told in notified] == ["probation"]
    assert line.end is None
    callers = [
        getattr(record, "caller", None)
        for record in caplog.records
        if record.message == "an app failed at a request"
    ]
    assert callers == [alice.uri, None, alice.uri]
    assert [record.message for record in caplog.records].count("an app failed at a subscription") == 1


async def test_hooks_and_chores_that_exit_are_logged(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    async def main(call: Call) -> None:
        call.server.spawn(leave())
        await call.answer()

    app = app_of(main)
    app.stop(leave)
    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    await line.wait_ended()
    await server.stop()
    assert [record.message for record in caplog.records if record.exc_info] == [
        "a chore failed",
        "a hook of an app failed",
    ]


def test_what_the_loop_is_to_run_may_exit() -> None:
    done: list[str] = []

    async def beside() -> None:
        await leave()

    async def main() -> None:
        task = asyncio.create_task(beside())
        await asyncio.wait({task})
        done.append("went on")
        assert isinstance(task.exception(), SystemExit)
        sys.exit(3)

    async def interrupted() -> None:
        raise KeyboardInterrupt

    async def waits_for_ever() -> None:
        task = asyncio.create_task(interrupted())
        await asyncio.wait({task})

    with asyncio.Runner(loop_factory=EnduringLoop) as runner:
        with pytest.raises(SystemExit) as exited:
            runner.run(main())
        assert exited.value.code == 3
        assert done == ["went on"]
        with pytest.raises(KeyboardInterrupt):
            runner.run(waits_for_ever())


# How the caller is told


@pytest.mark.parametrize(
    ("code", "told"),
    [(486, 486), (699, 699), (302, 480), (407, 480), (700, 500), (200, 500), (-1, 500), (10**9, 500)],
)
async def test_a_handler_that_ends_with_the_failure_of_a_call_leaves_no_caller_unanswered(
    lab: Lab, caplog: pytest.LogCaptureFixture, code: int, told: int
) -> None:
    async def main(call: Call) -> None:
        raise CallFailed(code, "Why Not")

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call("sip:mine@sems")
    assert failed.value.code == told
    assert len(failures(caplog)) == (told == 500)
    await asyncio.sleep(1)
    assert not server.calls


async def test_a_reason_that_can_not_be_told_leaves_no_caller_unanswered(lab: Lab) -> None:
    async def main(call: Call) -> None:
        raise CallFailed(486, "Busy\r\nContact: <sip:eve@example.org>")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call("sip:mine@sems")
    assert failed.value.code in (486, 500)
    assert "eve" not in str(failed.value.targets)


async def test_the_end_of_another_call_that_ends_a_handler_is_told_with_both(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        colleague = await call.server.dial("sip:bob@bob")
        await colleague.play("welcome", repeat=0)

    async def bob_hangs_up() -> None:
        await (await bob.ringing()).answer()
        await asyncio.sleep(2)
        await bob.hang_up()

    await lab.server(apps=[app_of(main)])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    with caplog.at_level(logging.INFO, logger="sems"):
        hanging = asyncio.create_task(bob_hangs_up())
        line = await alice.call("sip:mine@sems")
        await line.wait_ended()
        await hanging
    (told,) = [record for record in caplog.records if record.message.startswith("the end of another call")]
    assert told.levelno == logging.INFO
    assert told.caller.startswith("sip:alice@")  # type: ignore[attr-defined]
    assert told.other_uri.startswith("sip:bob@")  # type: ignore[attr-defined]
    assert told.call != told.other  # type: ignore[attr-defined]
    assert not failures(caplog)


async def test_what_does_not_end_at_a_stop_is_given_up_and_told_of(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def stubborn() -> None:
        until = asyncio.get_running_loop().time() + 600
        while asyncio.get_running_loop().time() < until:
            try:
                await asyncio.sleep(600)
            except asyncio.CancelledError:
                continue

    async def main(call: Call) -> None:
        call.server.spawn(stubborn())
        await call.answer()
        await stubborn()

    app = app_of(main)
    closed: list[str] = []

    @app.stop
    async def endless(server: Server) -> None:
        await stubborn()

    @app.stop
    async def close(server: Server) -> None:
        closed.append("the next one")

    server = await lab.server(apps=[app])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await server.stop()
    assert loop.time() - began < 5
    assert closed == ["the next one"]
    told = [(record.message, getattr(record, "app", None)) for record in caplog.records]
    assert [each for each in told if "given up" in each[0]] == [
        ("a handler does not end though it is cancelled, and is given up", "mine"),
        ("a chore does not end though it is cancelled, and is given up", None),
        ("a hook of an app does not return, and is given up", "mine"),
    ]
    await asyncio.sleep(700)


async def test_a_start_hook_that_does_not_return_is_told_of(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_of(leave)

    @app.start
    async def worker(server: Server) -> None:
        await asyncio.sleep(1e6)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await lab.server(apps=[app])
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "server.spawn()" in record.message
    assert (record.app, record.hook) == ("mine", "worker")  # type: ignore[attr-defined]
