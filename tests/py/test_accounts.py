"""Being registered, as a phone is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sems import App, Call, CallFailed, SipRequest, Subscription
from sems.config import load_config
from sems.errors import ConfigError
from sems.locating.resolver import Destination
from sems.sip.headers import split_host_port
from sems.testing import Lab


class Registrar:
    """A small provider: it keeps who registers, and asks for a password."""

    def __init__(self) -> None:
        self.app = App("registrar")
        self.requests: list[SipRequest] = []
        self.service_route = ""
        self.refuse_with: int | None = None

        @self.app.request("REGISTER")
        async def take(request: SipRequest) -> None:
            self.requests.append(request)
            if self.refuse_with is not None:
                await request.respond(self.refuse_with)
                return
            contacts = [("Contact", contact) for contact in request.headers.all("Contact")]
            kept = [contact for contact in contacts if not contact[1].endswith("expires=0")]
            more = [("Service-Route", self.service_route)] if self.service_route else []
            await request.respond(200, headers=[*kept, *more])

    async def start(self, lab: Lab) -> str:
        auth = {
            "challenge": ["REGISTER", "INVITE"],
            "realm": "provider",
            "users": [{"name": "sems", "password": "secret"}],
        }
        await lab.server(name="provider", apps=[self.app], auth=auth)
        return lab.resolve("provider")


async def registered(lab: Lab, address: str, **account: Any) -> Any:
    settings = {"uri": f"sip:sems@{address}", "name": "work", "password": "secret"} | account
    server = await lab.server(name="sems", accounts=[settings])
    await asyncio.wait_for(server.accounts["work"].wait_registered(), 30)
    return server


async def test_an_account_is_registered_with_its_password_and_refreshed(lab: Lab) -> None:
    registrar = Registrar()
    server = await registered(lab, await registrar.start(lab), expires=100)
    account = server.accounts["work"]
    assert account.state == "registered"
    assert registrar.requests[0].authenticated_user == "sems"
    assert account.contact in registrar.requests[0].headers["Contact"]
    await asyncio.sleep(1000)
    assert 11 <= len(registrar.requests) <= 15


async def test_it_is_taken_back_when_the_server_stops(lab: Lab) -> None:
    registrar = Registrar()
    server = await registered(lab, await registrar.start(lab))
    await server.stop()
    assert registrar.requests[-1].headers["Expires"] == "0"


async def test_a_registrar_that_comes_late_is_found_in_the_end(lab: Lab) -> None:
    registrar = Registrar()
    registrar.refuse_with = 503
    address = await registrar.start(lab)
    settings = {"uri": f"sip:sems@{address}", "name": "work", "password": "secret"}
    server = await lab.server(name="sems", accounts=[settings])
    await asyncio.sleep(100)
    account = server.accounts["work"]
    assert (account.state, account.code) == ("failed", 503)
    registrar.refuse_with = None
    await asyncio.wait_for(account.wait_registered(), 300)


class Servers:
    """What leads to several servers by one name."""

    def __init__(self, *addresses: str) -> None:
        self._servers = [Destination("udp", *place) for place in map(split_host_port, addresses)]

    async def resolve(self, uri: str) -> list[Destination]:
        """All of them, whatever is asked."""
        return self._servers


async def test_a_registrar_that_fails_is_followed_by_the_next_at_once_and_each_has_its_turn(lab: Lab) -> None:
    first, second = Registrar(), Registrar()
    address = await first.start(lab)
    await lab.server(name="second", apps=[second.app])
    server = await registered(lab, address, expires=100)
    server.ways.resolver = Servers(address, lab.resolve("second"))
    first.refuse_with = second.refuse_with = 503
    seen = len(first.requests)
    await asyncio.sleep(600)
    # Both have been asked each time, and no more often than one would be.
    assert abs((len(first.requests) - seen) - len(second.requests)) <= 1
    assert 2 <= len(second.requests) <= 8
    second.refuse_with = None
    await asyncio.wait_for(server.accounts["work"].wait_registered(), 1800)
    destinations, _ = server.accounts["work"].way(f"sip:bob@{address}")
    assert destinations == [f"udp:{lab.resolve('second')}", f"udp:{address}"]


async def test_a_wrong_password_is_told_and_not_tried_every_second(lab: Lab) -> None:
    registrar = Registrar()
    address = await registrar.start(lab)
    settings = {"uri": f"sip:sems@{address}", "name": "work", "password": "wrong"}
    server = await lab.server(name="sems", accounts=[settings])
    await asyncio.sleep(200)
    account = server.accounts["work"]
    assert (account.state, account.code, account.reason) == ("failed", 401, "Unauthorized")
    assert server.engine.core.stats()["auth_answers"] == 1


async def test_a_call_for_the_account_is_known_by_it_and_routes_match_on_it(lab: Lab) -> None:
    calls: list[Call] = []
    app = App("reception")

    @app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    registrar = Registrar()
    address = await registrar.start(lab)
    settings = {"uri": f"sip:sems@{address}", "name": "work", "password": "secret"}
    routes = [{"account": "work", "app": "reception"}]
    server = await lab.server(name="sems", apps=[app], accounts=[settings], routes=routes)
    account = server.accounts["work"]
    await asyncio.wait_for(account.wait_registered(), 30)
    phone = await lab.server(name="phone")
    async with await phone.dial(account.contact):
        assert [call.account for call in calls] == ["work"]
    # A stranger who guesses the name is none of the account's callers.
    async with await phone.dial(f"sip:sems@{lab.resolve('sems')}") as call:
        assert len(calls) == 1
        assert call.state == "answered"


async def test_a_call_is_placed_as_the_account(lab: Lab) -> None:
    calls: list[Call] = []
    registrar = Registrar()

    @registrar.app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    address = await registrar.start(lab)
    registrar.service_route = f"<sip:{address};lr>"
    server = await registered(lab, address)
    assert server.accounts["work"].service_route == [f"sip:{address};lr"]
    async with await server.dial("sip:registrar@elsewhere.example", account="work") as call:
        assert call.account == "work"
        assert [one.authenticated_user for one in calls] == ["sems"]
        assert calls[0].caller_uri == f"sip:sems@{address}"
        assert calls[0].headers["Contact"] == f"<{server.accounts['work'].contact}>"
        assert calls[0].headers["Route"] == f"<sip:{address};lr>"
    with pytest.raises(ValueError, match="there is no account named 'home'"):
        await server.dial("sip:a@192.0.2.1", account="home")


async def test_a_call_as_an_account_goes_by_its_proxy_as_a_loose_router(lab: Lab) -> None:
    calls: list[Call] = []
    registrar = Registrar()

    @registrar.app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    address = await registrar.start(lab)
    server = await registered(lab, address, proxy=f"sip:{address}")
    async with await server.dial("sip:registrar@elsewhere.example", account="work"):
        assert calls[0].uri == "sip:registrar@elsewhere.example"
        assert calls[0].headers["Route"] == f"<sip:{address};lr>"


async def test_whom_we_merely_call_does_not_get_the_answer_of_an_account(lab: Lab) -> None:
    """Not even in the name of our provider: it could pass on a question of the provider's."""
    registrar = Registrar()
    server = await registered(lab, await registrar.start(lab))
    assert server.accounts["work"].realms == ["provider"]
    eve = await eavesdropper(lab)
    with pytest.raises(CallFailed, match="401"):
        await server.dial(f"sip:eve@{eve}", account="work")
    assert server.engine.core.stats()["auth_answers"] == 1  # the registrar's


async def test_a_realm_of_an_account_is_answered_wherever_it_asks(lab: Lab) -> None:
    registrar = Registrar()
    server = await registered(lab, await registrar.start(lab), realm="provider")
    eve = await eavesdropper(lab)
    async with await server.dial(f"sip:eve@{eve}", account="work"):
        assert server.engine.core.stats()["auth_answers"] == 2


async def eavesdropper(lab: Lab) -> str:
    """Somebody who asks for the password of our provider, and takes it."""
    app = App("eve")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    users = [{"name": "sems", "password": "secret"}]
    auth = {"challenge": ["INVITE"], "realm": "provider", "users": users}
    await lab.server(name="eve", apps=[app], auth=auth)
    return lab.resolve("eve")


async def test_requests_beside_calls_are_sent_as_the_account(lab: Lab) -> None:
    registrar = Registrar()
    got: list[SipRequest | Subscription] = []

    @registrar.app.message
    async def on_text(message: SipRequest) -> None:
        got.append(message)

    @registrar.app.subscription("presence")
    async def on_subscription(subscription: Subscription) -> None:
        got.append(subscription)
        await subscription.notify("here")

    address = await registrar.start(lab)
    server = await registered(lab, address, proxy=f"sip:{address}")
    whom = "sip:registrar@elsewhere.example"
    assert (await server.send_message(whom, "Hello", account="work")).ok
    async with await server.subscribe(whom, "presence", account="work"):
        pass
    assert [one.headers["From"].partition(";")[0] for one in got] == [f"<sip:sems@{address}>"] * 2
    with pytest.raises(ValueError, match="there is no account named 'home'"):
        await server.send_message(whom, "Hello", account="home")


async def test_each_of_several_accounts_is_told_how_it_stands(lab: Lab) -> None:
    address = await Registrar().start(lab)
    one = {"uri": f"sip:sems@{address}", "name": "one", "password": "secret"}
    two = {"uri": f"sip:sems@{address}", "name": "two", "password": "wrong"}
    server = await lab.server(name="sems", accounts=[two, one])
    await asyncio.wait_for(server.accounts["one"].wait_registered(), 30)
    await asyncio.sleep(5)
    assert server.accounts["two"].state == "failed"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('uri = "sip:provider.example"', "an address is wanted, such as sip:sems@provider.example"),
        ('uri = "sip:a@b"\nregistrar = "b"', "a server is wanted, such as sip:provider.example"),
        ('uri = "sip:a@b"\nexpires = 5', "greater than or equal to 60"),
        (
            'uri = "sip:a@b"\n[[accounts]]\nuri = "sips:a@b"',
            r"^\S+sems.toml:1: accounts: there are two accounts named a@b$",
        ),
        (
            'uri = "sip:a@b"\n[[routes]]\naccount = "typo"\napp = "echo"',
            r"^\S+sems.toml:3: routes: there is no account named typo$",
        ),
    ],
)
def test_what_can_not_be_registered_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "sems.toml"
    path.write_text(f"[[accounts]]\n{text}")
    with pytest.raises(ConfigError, match=problem):
        load_config({"config": path}, environ={})
