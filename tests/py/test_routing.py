"""Which app takes a call."""

from __future__ import annotations

from typing import Any

import pytest

from sems.config import Config
from sems.routing import Refusal, Target, choose
from sems.sip.headers import Headers, SipUri

APPS = {"announcement", "conference", "echo", "ring"}


def chosen(
    uri: str, headers: dict[str, str] | None = None, *, trusted: bool = False, **settings: Any
) -> Target | Refusal:
    config = Config.model_validate(settings)
    return choose(
        SipUri.parse(uri), Headers((headers or {}).items()), trusted=trusted, config=config, apps=APPS
    )


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:standup@h", Target("conference")),
        ("sip:echo@h", Target("echo")),
        ("sip:Echo@h", Target("conference")),
        ("sip:conf=abc@h", Target("conference", {"room": "abc"})),
        ("sip:annc@h;play=hello;repeat=2", Target("announcement", {"play": "hello", "repeat": "2"})),
        ("tel:+4930", Target("conference")),
        ("sip:h", Refusal(484, "Address Incomplete")),
    ],
)
def test_without_routes_the_user_part_decides(uri: str, target: Target | Refusal) -> None:
    assert chosen(uri) == target


def test_rfc_4240_has_no_dialogs_here_and_a_room_may_still_be_called_so() -> None:
    uri = "sip:dialog@sems;voicexml=http://vxml.example.com/promptcollect.vxml"
    assert chosen(uri) == Refusal(488, "No VoiceXML Here")
    assert chosen("sip:dialog@sems") == Target("conference")


def test_a_trusted_neighbour_names_the_app_and_its_parameters() -> None:
    headers = {"P-App-Name": "ring", "P-App-Param": "seconds=3;x"}
    assert chosen("sip:standup@h", headers, trusted=True) == Target("ring", {"seconds": "3", "x": ""})


def test_what_a_stranger_asks_for_in_headers_is_not_heard() -> None:
    headers = {"P-App-Name": "ring", "P-App-Param": "moderator=yes"}
    assert chosen("sip:standup@h", headers) == Target("conference")


def test_a_neighbour_may_give_parameters_without_naming_the_app() -> None:
    headers = {"P-App-Param": "moderator=yes"}
    assert chosen("sip:standup@h", headers, trusted=True) == Target("conference", {"moderator": "yes"})
    assert chosen("sip:conf=abc@h", headers, trusted=True) == Target(
        "conference", {"room": "abc", "moderator": "yes"}
    )


def test_an_unknown_app_is_not_found() -> None:
    assert chosen("sip:x@h", {"P-App-Name": "fax"}, trusted=True) == Refusal(404, "No Such Service")
    assert chosen("sip:x@h", routes=[{"app": "fax"}]) == Refusal(404, "No Such Service")


def test_the_first_route_that_matches_wins() -> None:
    routes = [{"user": "1..", "app": "ring"}, {"user": "1.*", "app": "echo"}]
    assert chosen("sip:123@h", routes=routes) == Target("ring")
    assert chosen("sip:1234@h", routes=routes) == Target("echo")
    assert chosen("sip:2@h", routes=routes) == Target("conference")


def test_routes_come_before_what_a_neighbour_says() -> None:
    headers = {"P-App-Name": "ring", "P-App-Param": "seconds=3"}
    routes = [{"app": "echo", "params": {"seconds": "9", "more": "1"}}]
    assert chosen("sip:x@h", headers, trusted=True, routes=routes) == Target(
        "echo", {"seconds": "3", "more": "1"}
    )


def test_all_conditions_of_a_route_must_hold() -> None:
    routes = [
        {"user": "a", "domain": r"example\.com", "headers": {"X-Tenant": "^acme"}, "app": "echo"},
        {"app": "ring"},
    ]
    acme = {"x-tenant": "acme-2"}
    assert chosen("sip:a@Example.com", acme, routes=routes) == Target("echo")
    assert chosen("sip:b@example.com", acme, routes=routes) == Target("ring")
    assert chosen("sip:a@examplescom", acme, routes=routes) == Target("ring")
    assert chosen("sip:a@example.com", {"x-tenant": "not-acme"}, routes=routes) == Target("ring")
    assert chosen("sip:a@example.com", routes=routes) == Target("ring")


def test_parameters_of_a_route_are_filled_in() -> None:
    routes = [
        {
            "user": r"room-(?P<number>\d+)(?P<rest>x)?",
            "headers": {"X-T": "(?P<tenant>[a-z]+)"},
            "app": "conference",
            "params": {"room": "{tenant}/{number}{rest}", "said": "{user}@{domain}"},
        }
    ]
    assert chosen("sip:room-7@h", {"X-T": "9acme"}, routes=routes) == Target(
        "conference", {"room": "acme/7", "said": "room-7@h"}
    )
