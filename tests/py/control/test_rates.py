"""How often one may ask."""

import pytest
from starlette.exceptions import HTTPException

from sems.control.rates import Rates
from sems.testing import Lab

from .web import client


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_twice_a_second_s_worth_at_once_and_then_as_it_comes_back() -> None:
    clock = Clock()
    rates = Rates(5, clock)
    for _ in range(10):
        rates.ask("anna")
    with pytest.raises(HTTPException) as refused:
        rates.ask("anna")
    assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "1"})
    rates.ask("ben")
    clock.now = 0.4
    rates.ask("anna")
    rates.ask("anna")
    with pytest.raises(HTTPException):
        rates.ask("anna")


def test_no_more_is_remembered_than_has_a_use() -> None:
    rates = Rates(1, Clock())
    for number in range(20_000):
        rates.ask(str(number))
    assert len(rates._left) == 10_000


def test_without_a_limit_anything_goes() -> None:
    rates = Rates(0, Clock())
    for _ in range(1000):
        rates.ask("anna")


async def test_who_asks_too_often_is_told_when_to_ask_again(lab: Lab) -> None:
    server = await lab.server(api={"requests_per_second": 1})
    async with client(server, server.operator_token) as sems:
        codes = [(await sems.get("/api/v1/conferences")).status_code for _ in range(4)]
        assert codes[:2] == [200, 200]
        refused = await sems.get("/api/v1/conferences")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert "too often" in refused.json()["detail"]


async def test_tokens_can_not_be_guessed_at_the_door_of_the_operators_page_either(lab: Lab) -> None:
    server = await lab.server(api={"requests_per_second": 1})
    async with client(server, None) as browser:
        codes = [(await browser.post("/operator", data={"token": "guess"})).status_code for _ in range(3)]
    assert codes == [403, 403, 429]
