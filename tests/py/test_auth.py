"""Names and passwords: asking for them, and being asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sems import App, Call, CallFailed
from sems.config import Config, load_config
from sems.errors import ConfigError
from sems.testing import Lab

USERS = [{"name": "ann", "password": "secret"}]
GATE = {"challenge": ["INVITE"], "realm": "sems.example", "users": USERS}


def greeter() -> tuple[App, list[Call]]:
    app, calls = App("greeter"), []

    @app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    return app, calls


async def test_who_has_the_password_gets_through_and_the_app_knows_who_it_is(lab: Lab) -> None:
    app, calls = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE)
    caller = await lab.server(name="caller")
    uri = f"sip:greeter@{lab.resolve('gate')}"
    call = await caller.dial(uri, username="ann", password="secret")
    assert [one.authenticated_user for one in calls] == ["ann"]
    await call.hangup()


@pytest.mark.parametrize("password", [None, "wrong"])
async def test_who_has_not_does_not(lab: Lab, password: str | None) -> None:
    app, calls = greeter()
    gate = await lab.server(name="gate", apps=[app], auth=GATE)
    caller = await lab.server(name="caller")
    username = None if password is None else "ann"
    with pytest.raises(CallFailed) as failed:
        await caller.dial(f"sip:greeter@{lab.resolve('gate')}", username=username, password=password)
    assert failed.value.code == 401
    assert not calls
    stats = gate.engine.core.stats()
    assert stats["auth_challenges"] == 1
    assert stats["auth_failures"] == (0 if password is None else 1)
    assert stats["calls_total"] == stats["sessions"] == stats["transactions"] == 0


async def test_credentials_of_the_configuration_are_used_for_their_realm(lab: Lab) -> None:
    app, calls = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE)
    credentials = [
        {"realm": "elsewhere", "username": "eve", "password": "x"},
        {"realm": "sems.example", "username": "ann", "password": "secret"},
    ]
    caller = await lab.server(name="caller", auth={"credentials": credentials})
    call = await caller.dial(f"sip:greeter@{lab.resolve('gate')}")
    assert [one.authenticated_user for one in calls] == ["ann"]
    await call.hold(True)
    await call.hold(False)
    await call.hangup()


async def test_a_password_for_one_call_does_not_go_where_the_call_is_sent_on_to(lab: Lab) -> None:
    app, calls = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE)
    caller = await lab.server(name="caller")
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(
        caller.dial(alice.uri, username="ann", password="secret", follow_redirects=True)
    )
    contact = f"<sip:greeter@{lab.resolve('gate')}>"
    await (await alice.ringing()).reject(302, headers=[("Contact", contact)])
    with pytest.raises(CallFailed, match="401"):
        await dialing
    assert not calls
    assert caller.engine.core.stats()["auth_answers"] == 0


def question(realm: str) -> list[tuple[str, str]]:
    return [("WWW-Authenticate", f'Digest realm="{realm}", nonce="1", qop="auth"')]


@pytest.mark.parametrize(
    ("realm", "answered"), [(None, ["one"]), ("two", ["two"]), ("three", []), ("*", ["one", "two"])]
)
async def test_a_password_is_for_the_realm_given_with_it_or_else_for_who_asks_first(
    lab: Lab, realm: str | None, answered: list[str]
) -> None:
    caller = await lab.server(name="caller")
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(
        caller.dial(alice.uri, username="ann", password="secret", realm=realm, timeout=5)
    )
    given: list[str] = []
    for asks in ("two", "one", "two") if realm == "two" else ("one", "two", "one"):
        call = await alice.ringing()
        given = call.headers.all("Authorization")
        await call.reject(401, headers=question(asks))
        if asks not in answered:
            break
    with pytest.raises(CallFailed, match="401"):
        await dialing
    assert [re.findall(r'realm="(\w+)"', one)[0] for one in given] == answered


async def test_a_realm_is_for_a_password(lab: Lab) -> None:
    caller = await lab.server(name="caller")
    with pytest.raises(ValueError, match="a realm is for a username and a password"):
        await caller.dial("sip:alice@10.0.0.9", realm="r")


async def test_who_tries_one_password_after_the_other_waits_and_the_right_one_elsewhere_does_not(
    lab: Lab,
) -> None:
    app, calls = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE)
    uri = f"sip:greeter@{lab.resolve('gate')}"
    thief = await lab.server(name="thief")
    codes = []
    for number in range(12):
        with pytest.raises(CallFailed) as failed:
            await thief.dial(uri, username="ann", password=f"guess{number}")
        codes.append(failed.value.code)
    assert codes == [401] * 10 + [503] * 2
    ann = await lab.server(name="ann")
    async with await ann.dial(uri, username="ann", password="secret"):
        assert len(calls) == 1
    await asyncio.sleep(60)
    async with await thief.dial(uri, username="ann", password="secret"):
        assert len(calls) == 2


async def test_exempt_networks_are_not_asked(lab: Lab) -> None:
    app, calls = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE | {"exempt": ["10.0.0.0/8"]})
    caller = await lab.server(name="caller")
    async with await caller.dial(f"sip:greeter@{lab.resolve('gate')}"):
        assert [one.authenticated_user for one in calls] == [None]


async def test_a_dial_that_is_given_up_while_it_is_asked_leaves_nothing(lab: Lab) -> None:
    app, _ = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE)
    caller = await lab.server(name="caller")
    uri = f"sip:greeter@{lab.resolve('gate')}"
    for milliseconds in range(4):
        dialing = asyncio.create_task(caller.dial(uri, username="ann", password="secret"))
        await asyncio.sleep(milliseconds / 1000)
        dialing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialing
    await asyncio.sleep(40)
    stats = caller.engine.core.stats()
    assert (stats["calls"], stats["sessions"], stats["transactions"]) == (0, 0, 0)


@pytest.mark.lab(seed=5, loss=0.2, duplicate=0.1, jitter_ms=30)
async def test_under_loss_everyone_with_a_password_gets_through(lab: Lab) -> None:
    app, calls = greeter()
    await lab.server(name="gate", apps=[app], auth=GATE)
    caller = await lab.server(name="caller")
    uri = f"sip:greeter@{lab.resolve('gate')}"
    for _ in range(20):
        async with await caller.dial(uri, username="ann", password="secret"):
            pass
    assert len(calls) == 20
    assert {one.authenticated_user for one in calls} == {"ann"}


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Config]:
    def load(text: str) -> Config:
        path = tmp_path / "sems.toml"
        path.write_text(text)
        return load_config({"config": path}, environ={}).config

    return load


def test_the_configuration_names_who_may_call(load: Callable[[str], Config]) -> None:
    config = load(
        """
        [auth]
        challenge = ["INVITE", "MESSAGE"]
        algorithms = ["MD5"]
        [[auth.users]]
        name = "ann"
        password = "hunter2"
        [[auth.users]]
        name = "bob"
        ha1 = "939E7578ED9E3C518A452ACEE763BCE9"
        [[auth.credentials]]
        realm = "*"
        username = "sems"
        password = "hunter2"
        """
    )
    assert config.auth.users[1].ha1 == "939e7578ed9e3c518a452acee763bce9"
    assert "hunter2" not in repr(config)
    assert "939e" not in repr(config)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[auth.credentials]]\nusername = "a"\npassword = "x"', "realm"),
        ('challenge = ["INVITE"]', "challenge needs users, or nobody could answer"),
        ('challenge = ["ACK"]', "no ACK can be challenged, since it can't be sent again"),
        ('challenge = ["invite"]', "a method of SIP is wanted, such as INVITE"),
        ('[[auth.users]]\nname = "a"', "either password or ha1 is wanted"),
        (
            '[[auth.users]]\nname = "a"\nha1 = "939e7578ed9e3c518a452acee763bce9"',
            'the ha1 of a is of MD5, so algorithms must be ["MD5"]',
        ),
        (
            '[[auth.users]]\nname = "a"\npassword = "x"\n[[auth.users]]\nname = "a"\npassword = "y"',
            "there are two users named a",
        ),
    ],
)
def test_what_nobody_could_answer_is_refused(load: Callable[[str], Config], text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem.replace("[", "\\[")):
        load(f"[auth]\n{text}")


def test_a_wrong_secret_is_not_repeated(load: Callable[[str], Config]) -> None:
    with pytest.raises(ConfigError) as wrong:
        load('[auth]\n[[auth.users]]\nname = "a"\nha1 = "hunter2"')
    assert "hunter2" not in str(wrong.value)
