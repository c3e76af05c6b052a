"""What SIPp tells us: of a state that we follow, and of who calls, by which ways."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peers import sipp
from peers.ports import free_port
from peers.sipp_server import SippServer
from sems import App, Call, Config, Server
from sems.plugins import Apps


class Listener:
    """The app ``plain``, which answers with what it is told of the caller."""

    def __init__(self) -> None:
        self.asserted: str | None = None
        self.privacy: frozenset[str] = frozenset()
        self.app = App("plain")
        self.app.call(self._on_call)

    async def _on_call(self, call: Call) -> None:
        self.asserted = (
            call.asserted_identity and f"{call.asserted_identity.name} {call.asserted_identity.uri}"
        )
        self.privacy = call.privacy
        told = {
            "X-Diversions": [f"{one.uri} {one.reason} {one.counter}" for one in call.diversions],
            "X-History": [f"{one.index} {one.uri} {one.reason and one.reason.cause}" for one in call.history],
            "X-Reasons": [f"{one.protocol} {one.cause} {one.text}" for one in call.reasons],
        }
        await call.answer(headers=[(name, ", ".join(entries)) for name, entries in told.items()])
        await call.wait_ended()


@contextlib.asynccontextmanager
async def sems(folder: Path, *found: App, **settings: Any) -> AsyncIterator[Server]:
    """A server of ours with these apps."""
    low = free_port(span=40)
    given = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data"}
    apps = Apps()
    for app in found:
        apps.add(app)
    async with Server(Config.model_validate(given | settings), apps=apps, web=False) as server:
        yield server


async def test_a_notifier_is_followed_from_before_its_answer_to_its_last_word(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, SippServer("notifies", tmp_path, calls=1) as notifier:
        told = await server.subscribe(notifier.uri, "message-summary")
        states = [(one.state, one.reason, one.text.strip()) async for one in told]
        await notifier.ended()
        assert not server.subscriptions
    assert states == [
        ("active", None, "Voice-Message: 1/0"),
        ("active", None, "Voice-Message: 2/0"),
        ("active", None, "Voice-Message: 2/0"),
        ("terminated", "noresource", "Voice-Message: 0/0"),
    ]


async def test_a_notifier_that_asks_who_we_are_and_wants_longer_subscriptions_gets_both(
    tmp_path: Path,
) -> None:
    async with sems(tmp_path) as server, SippServer("notifies_whom_it_knows", tmp_path, calls=1) as notifier:
        who = {"username": "ann", "password": "secret"}
        told = await server.subscribe(notifier.uri, "message-summary", **who, again=False)
        assert [one.reason async for one in told] == ["noresource"]
        await notifier.ended()
    contacts = {
        line
        for subscribe in notifier.received("SUBSCRIBE")
        for line in subscribe.splitlines()
        if line.startswith("Contact:")
    }
    assert len(notifier.received("SUBSCRIBE")) == 3
    assert len(contacts) == 1


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_neighbour_says_who_calls_and_by_which_ways(tmp_path: Path, trusted: bool) -> None:
    listener = Listener()
    networks = ["127.0.0.0/8" if trusted else "192.0.2.0/24"]
    async with sems(tmp_path, listener.app, trusted=networks) as server:
        await sipp.run("identity", server.sip_port, "plain", tmp_path)
    if trusted:
        assert listener.asserted == "Alice, at Work sip:alice@example.org"
        assert listener.privacy == {"id"}
    else:
        assert listener.asserted is None
        assert not listener.privacy


async def test_who_calls_by_our_word_is_told_beside_an_anonymous_from(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, SippServer("answers", tmp_path) as phone:
        how: dict[str, Any] = {"asserted_identity": '"Ann" <sip:ann@example.org>', "privacy": ["id"]}
        async with await server.dial(phone.uri, from_uri="sip:ann@example.org", timeout=5, **how):
            (invite,) = phone.received("INVITE")
    fields = dict(line.split(": ", 1) for line in invite.splitlines() if ": " in line)
    assert fields["From"].startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
    assert fields["P-Asserted-Identity"] == '"Ann" <sip:ann@example.org>'
    assert fields["Privacy"] == "id"
