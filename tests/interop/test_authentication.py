"""Names and passwords with SIPp and linphone: asking them, and being asked."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peers import sipp
from peers.linphone import Linphone
from peers.ports import free_port
from peers.sipp_server import SippServer
from sems import App, Call, CallFailed, Config, Server
from sems.plugins import Apps

# The SIPp of Debian 12 knows MD5 only.
GATE: dict[str, Any] = {
    "realm": "sems.example",
    "users": [{"name": "ann", "password": "secret"}],
    "algorithms": ["MD5"],
}


@contextlib.asynccontextmanager
async def sems(folder: Path, calls: list[Call] | None = None, **auth: object) -> AsyncIterator[Server]:
    """A server that has nothing left when it stops."""
    low = free_port(span=40)
    given = {
        "host": "127.0.0.1",
        "sip_port": 0,
        "rtp_ports": (low, low + 39),
        "data": folder / "data",
        "auth": auth,
    }
    app = App("gate")

    @app.call
    async def main(call: Call) -> None:
        assert calls is not None
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    apps = Apps()
    apps.add(app)
    async with Server(Config.model_validate(given), apps=apps, web=False) as server:
        yield server
        for _ in range(100):
            stats = server.engine.core.stats()
            if not any(stats[gauge] for gauge in ("calls", "legs", "rtp_ports")):
                return
            await asyncio.sleep(0.05)  # the last BYE has been answered; its leg goes at the next tick
        raise AssertionError(stats)


async def run(scenario: str, server: Server, folder: Path, **keys: object) -> str:
    """SIPp calls `gate`, and signs for it: by itself it would sign for the server's address alone. All that
    it has sent and received."""
    about = f"gate@127.0.0.1:{server.sip_port}"
    await sipp.run(
        scenario, server.sip_port, "gate", folder, timeout=10, keys=keys, options=("-auth_uri", about)
    )
    return "\n".join(file.read_text() for file in folder.glob(f"sipp-{scenario}/*messages.log"))


async def test_a_phone_that_is_asked_gets_through_and_its_answer_is_of_no_use_to_others(
    tmp_path: Path,
) -> None:
    calls: list[Call] = []
    async with sems(tmp_path, calls, challenge=["INVITE"], **GATE) as server:
        messages = await run("auth_call", server, tmp_path)
        assert [call.authenticated_user for call in calls] == ["ann"]
        overheard = re.search(r"^Authorization: (.*)$", messages, re.MULTILINE)
        assert overheard
        await run("auth_overheard", server, tmp_path, answer=overheard[1])
    assert len(calls) == 1


async def test_a_phone_with_a_wrong_password_is_asked_again(tmp_path: Path) -> None:
    calls: list[Call] = []
    async with sems(tmp_path, calls, challenge=["INVITE"], **GATE) as server:
        await run("auth_wrong", server, tmp_path)
        assert server.engine.core.stats()["auth_failures"] == 1
    assert not calls


async def test_requests_outside_calls_are_asked_as_the_configuration_has_it(tmp_path: Path) -> None:
    async with sems(tmp_path, challenge=["OPTIONS"], **GATE) as server:
        await run("auth_options", server, tmp_path)
        assert server.engine.core.stats()["auth_challenges"] == 1


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_linphone_takes_of_what_is_offered_what_it_knows(tmp_path: Path, algorithm: str) -> None:
    calls: list[Call] = []
    users = [{"name": "linphone", "password": "secret"}]
    async with (
        sems(tmp_path, calls, challenge=["INVITE"], realm="sems.example", users=users) as server,
        Linphone(tmp_path, "lin", password=("sems.example", "secret"), algorithm=algorithm) as lin,
    ):
        await lin.dial(f"sip:gate@127.0.0.1:{server.sip_port}")
        assert [call.authenticated_user for call in calls] == ["linphone"]
        assert f"algorithm={algorithm}" in calls[0].headers["Authorization"]
        await lin.hang_up()


PROXY = {
    "status": "407 Proxy Authentication Required",
    "ask": "Proxy-Authenticate",
    "answer": "Proxy-Authorization",
    "if_right": "",
}
END = {
    "status": "401 Unauthorized",
    "ask": "WWW-Authenticate",
    "answer": "Authorization",
    "if_right": 'test="right"',
}


@pytest.mark.parametrize("keys", [PROXY, END], ids=["407", "401"])
async def test_we_answer_whoever_asks_at_any_time_of_a_call(tmp_path: Path, keys: dict[str, str]) -> None:
    async with sems(tmp_path) as server, SippServer("challenges", tmp_path, keys=keys, calls=1) as phone:
        async with await server.dial(phone.uri, username="ann", password="secret", timeout=5) as call:
            await call.hold(True)
        await phone.ended()
    assert len(phone.received("INVITE")) == 5
    assert len(phone.received("BYE")) == 2


async def test_sipp_sees_that_a_password_is_wrong(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, SippServer("challenges", tmp_path, keys=END, calls=1) as phone:
        with pytest.raises(CallFailed, match="403 Wrong Answer"):
            await server.dial(phone.uri, username="ann", password="guess", timeout=5)
    assert len(phone.received("INVITE")) == 2


async def test_two_proxies_and_the_server_behind_them_are_all_answered(tmp_path: Path) -> None:
    credentials = [{"realm": realm, "username": realm, "password": "x"} for realm in ("near", "far", "end")]
    async with (
        sems(tmp_path, credentials=credentials) as server,
        SippServer("challenges_of_three", tmp_path, calls=1) as phone,
    ):
        async with await server.dial(phone.uri, timeout=5):
            pass
        await phone.ended()
