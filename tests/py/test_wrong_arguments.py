"""A wrong argument of a public method is refused at once, in a sentence that names it; nothing is sent."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from array import array
from collections.abc import Iterator
from typing import Any

import pytest
from wrong import TABLE, Values, a_coroutine_function

from sems import (
    App,
    Audio,
    Call,
    Conference,
    ConfigError,
    EspeakNg,
    Headers,
    Listening,
    Notifications,
    Params,
    Playback,
    PrivateTalk,
    Prompt,
    Recording,
    Refer,
    Room,
    Say,
    Server,
    Session,
    SipRequest,
    Spoken,
    Subscription,
    testing,
)
from sems.audio.sounds import SoundLibrary
from sems.client import Client
from sems.conference import Conferences
from sems.connecting import Connections
from sems.connecting.connection import Wanted
from sems.plugins import Apps
from sems.testing import Hearing, Lab, Phone

CLASSES: tuple[type, ...] = (
    Call,
    Server,
    App,
    Session,
    Room,
    PrivateTalk,
    Playback,
    Recording,
    Audio,
    Listening,
)
CLASSES += (
    SoundLibrary,
    Conferences,
    Conference,
    Connections,
    SipRequest,
    Refer,
    Subscription,
    Notifications,
)
CLASSES += (Lab, Phone, Hearing, EspeakNg, Say, Spoken)
CLASSES += (Headers, Params, Apps, Client)
MADE_BY_APPS = (App, Server, Lab, Hearing, EspeakNg, Say, Spoken, Headers, Client)
# Doors between our own parts: their documentation says for whom they are.
OURS = ("For ", "Forgets a conference", "The call is that participant's")
# What SEMS calls, and apps override.
OVERRIDDEN = "on_"


def arguments(kind: type, name: str) -> dict[str, inspect.Parameter]:
    method = inspect.getattr_static(kind, name)
    function = method.__func__ if isinstance(method, classmethod | staticmethod) else method
    bound = 0 if isinstance(method, staticmethod) else 1
    return dict(list(inspect.signature(function).parameters.items())[bound:])


def methods() -> Iterator[tuple[type, str]]:
    """All public ones that take something."""
    for kind in CLASSES:
        for name in dir(kind):
            method = inspect.getattr_static(kind, name)
            function = getattr(method, "__func__", method)
            if not inspect.isfunction(function) or (
                name.startswith("_") and not (name == "__init__" and kind in MADE_BY_APPS)
            ):
                continue
            if kind is Session and name.startswith(OVERRIDDEN):
                continue
            if arguments(kind, name) and not (inspect.getdoc(function) or "").startswith(OURS):
                yield kind, name


def test_every_argument_of_every_public_method_has_a_row() -> None:
    known = {f"{kind.__name__}.{name}": arguments(kind, name) for kind, name in methods()}
    assert sorted(known) == sorted(TABLE)
    for method, its in known.items():
        named = {name for name, one in its.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}
        listed = set(TABLE[method][1])
        assert named <= listed, f"{method}: {named - listed}"
        assert listed == named or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in its.values()), (
            method
        )


def problem(method: str, name: str, value: object, error: BaseException | None) -> str | None:
    """What is wrong with how an argument was refused."""
    told = f"{method}({name}={value!r:.60})"
    if error is None:
        return f"{told} is taken"
    if type(error) not in (ValueError, TypeError, ConfigError):
        return f"{told}: {type(error).__name__}: {error}"
    text = str(error)
    # What an app is made of is called by what it is for.
    of_an_app = name in ("handler", "hook", "kind") and not method.startswith("Client.")
    named = "what " if of_an_app else name
    if named not in text or "\n" in text or len(text) > 400:
        return f"{told}: {text}"
    return None


class Scene:
    """A call that is answered, and all that there is around it."""

    def __init__(self, lab: Lab, server: Server, alice: Phone) -> None:
        self.lab, self.server, self.alice = lab, server, alice
        self.at_hand: dict[str, Any] = {}
        self.of: dict[type, Any] = {Lab: lab, Server: server, Phone: alice}

    def state(self) -> object:
        """What a refused argument leaves as it is: what was sent, ordered and made, and the time."""
        call = self.of[Call]
        return (
            asyncio.get_running_loop().time(),
            len(self.server.trace(call.id).entries),
            len(self.server.traced_calls()),
            len(self.alice.server.trace(self.alice.line.id).entries if self.alice.line else ()),
            len(self.alice.server.traced_calls()),
            set(self.server.calls),
            set(self.server.rooms),
            len(asyncio.all_tasks()),
            call.room,
            self.alice.line,
        )

    async def refused(self, kind: type, name: str) -> list[str]:
        """Tries all that an argument may not be; what went wrong."""
        method = f"{kind.__name__}.{name}"
        given, wrong = TABLE[method]
        verb = kind if name == "__init__" else getattr(self.of[kind], name)
        its = arguments(kind, name)
        before, found = self.state(), []
        for argument, value in ((argument, value) for argument, values in wrong.items() for value in values):
            error: BaseException | None = None
            try:
                result = self.called(verb, its, {**given, argument: value})
                if inspect.isawaitable(result):
                    async with asyncio.timeout(0.5):
                        await result
                elif inspect.isasyncgen(result):
                    await anext(result)
            except BaseException as raised:
                error = raised
            if why := problem(method, argument, value, error):
                found.append(why)
            elif self.state() != before:
                found.append(f"{method}({argument}={value!r:.60}) has done something")
                before = self.state()
        return found

    def called(self, verb: Any, its: dict[str, inspect.Parameter], values: dict[str, Any]) -> Any:
        values = {
            name: self.at_hand.get(value, value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        positional = []
        rest = [name for name, one in its.items() if one.kind is inspect.Parameter.VAR_POSITIONAL]
        if rest:
            # What comes before others is given by its place.
            before = list(its)[: list(its).index(rest[0]) + 1]
            positional = [values.pop(name) for name in before if name in values]
        return verb(*positional, **values)


@contextlib.asynccontextmanager
async def scene(lab: Lab) -> Any:
    """Everything that has a method, in one server."""
    app, took = App("mine"), asyncio.Queue[Any]()

    async def keep(it: Any) -> None:
        took.put_nowait(it)
        await asyncio.sleep(3000)

    class Desk(Session):
        async def run(self) -> None:
            took.put_nowait(self)
            await asyncio.sleep(3000)

    app.session(Desk)
    app.request("OPTIONS")(keep)
    app.refer(keep)
    app.subscription("presence")(keep)
    server = await lab.server(apps=[app])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    there = Scene(lab, server, alice)
    sessions = []
    for phone in (alice, bob):
        await phone.call("sip:mine@sems")
        sessions.append(await took.get())
    call, other = (session.call for session in sessions)
    there.of[Session], there.of[Call] = sessions[0], call
    there.of[App], there.of[EspeakNg] = App(), EspeakNg()
    room = there.of[Room] = await server.open_room()
    await call.join(room)
    await other.join(room)
    there.of[PrivateTalk] = await room.private_talk(call, other)
    there.of[Playback] = call.start_play(Prompt.tone("silence:60000"), repeat=0)
    there.of[Recording] = await room.record(lab.folder / "room", members="each")
    there.of[Audio], there.of[SoundLibrary] = call.audio, server.sounds
    there.of[Spoken] = Spoken(server.sounds)
    there.of[Conferences], there.of[Connections] = server.conferences, server.connections
    there.of[Conference] = server.conferences.get("standup")
    there.of[Hearing] = Hearing(array("h", bytes(1600)))
    there.of[Headers], there.of[Params], there.of[Apps] = Headers(), Params(), Apps()
    there.of[Client] = Client("http://sems.test", "a token")
    asking = [
        asyncio.create_task(alice.request("OPTIONS", "sip:mine@sems")),
        asyncio.create_task(alice.line.transfer("sip:bob@bob")),
        asyncio.create_task(
            alice.server.subscribe("sip:mine@sems", "presence", destination=lab.place("sems"))
        ),
    ]
    for _ in asking:
        it = await took.get()
        there.of[type(it)] = it
    there.at_hand = {"@call": call, "@request": there.of[SipRequest], "@refer": there.of[Refer]}
    there.at_hand |= {"@sounds": server.sounds}
    there.at_hand |= {"@subscription": there.of[Subscription], "@wanted": Wanted(first="anna", second="ben")}
    yield there
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_a_wrong_argument_is_refused_at_once_in_a_sentence_that_names_it(lab: Lab) -> None:
    found: list[str] = []
    async with scene(lab) as there:
        for kind, name in methods():
            found += await there.refused(kind, name)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("function", "name", "wrong"),
    [
        (testing.run, "main", (7, None, "x", a_coroutine_function)),
        (testing.replay, "file", (7, None, b"x", "", "a\0")),
    ],
)
def test_so_is_one_of_a_function(function: Any, name: str, wrong: Values) -> None:
    for value in wrong:
        with pytest.raises((TypeError, ValueError), match=f"{name} has to be"):
            function(value)


def test_a_limit_of_virtual_time_is_a_number_of_seconds() -> None:
    for limit in (0, -1, float("nan"), float("inf"), "x", None):
        coroutine = asyncio.sleep(0)
        with pytest.raises((TypeError, ValueError), match="limit has to be a number of seconds"):
            testing.run(coroutine, limit=limit)  # type: ignore[arg-type]
        coroutine.close()


async def test_a_call_is_not_transferred_to_itself(lab: Lab) -> None:
    async with scene(lab) as there:
        call = there.of[Call]
        with pytest.raises(ValueError, match="to has to be another call"):
            await call.transfer(call)
        await there.alice.hang_up()
        await call.wait_ended()
