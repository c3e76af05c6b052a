"""What can't take a call is refused where it is given, and not at the first call."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sems import App, Call, PluginError, Session
from sems.plugins import Apps

DECORATORS: dict[str, Callable[[App], Callable[[Any], Any]]] = {
    "call": lambda app: app.call,
    "message": lambda app: app.message,
    "refer": lambda app: app.refer,
    "subscription": lambda app: app.subscription("presence"),
    "info": lambda app: app.info("x"),
    "request": lambda app: app.request("OPTIONS"),
    "start": lambda app: app.start,
    "stop": lambda app: app.stop,
}


def plain(it: object) -> None:
    """Forgotten: async."""


async def yielding(it: object) -> AsyncIterator[None]:
    yield


async def without_an_argument() -> None:
    pass


async def with_two(it: object, more: object) -> None:
    pass


@pytest.mark.parametrize("name", DECORATORS)
@pytest.mark.parametrize("handler", [plain, yielding, without_an_argument, with_two])
def test_it_is_refused_with_its_name_file_and_line(name: str, handler: Any) -> None:
    at = rf"{handler.__name__}\(\) in line {handler.__code__.co_firstlineno} of {__file__}"
    with pytest.raises(TypeError, match=at):
        DECORATORS[name](App())(handler)


@pytest.mark.parametrize("name", DECORATORS)
@pytest.mark.parametrize("handler", [None, "main", 7, Session])
def test_what_is_no_function_is_refused(name: str, handler: Any) -> None:
    with pytest.raises(TypeError, match="has to be a coroutine function"):
        DECORATORS[name](App())(handler)


def test_whatever_can_be_awaited_with_a_call_is_taken() -> None:
    class Callable:
        async def __call__(self, call: Call) -> None:
            pass

        async def method(self, call: Call) -> None:
            pass

    async def with_more(call: Call, more: int = 0, *, other: int = 0) -> None:
        pass

    @functools.wraps(with_more)
    def decorated(call: Call) -> Any:
        return with_more(call)

    app = App()
    for handler in (
        Callable(),
        Callable().method,
        with_more,
        decorated,
        functools.partial(with_two, "first"),
        functools.partial(with_more, other=1),
        lambda call: asyncio.sleep(0),
        asyncio.Queue[object]().put,
    ):
        assert app.call(handler) is handler


def test_a_method_of_a_session_that_is_no_coroutine_function_is_refused() -> None:
    class Desk(Session):
        def on_dtmf(self, digit: str) -> None:  # type: ignore[override]
            pass

    class Other(Session):
        async def on_bye(self) -> None:  # type: ignore[override]
            pass

    with pytest.raises(TypeError, match=r"on_dtmf of Desk has .*async def.* in line \d+ of .*test_handlers"):
        App().session(Desk)
    with pytest.raises(TypeError, match=r"on_bye of Other has to take self and end: .*on_bye\(\) in line"):
        App().session(Other)
    with pytest.raises(TypeError, match="a class of Session"):
        App().session(str)  # type: ignore[type-var]


@pytest.mark.parametrize("method", ["INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE"])
def test_a_method_of_calls_can_not_be_taken_raw(method: str) -> None:
    with pytest.raises(ValueError, match=f"any method but those of calls .*{method}"):
        App().request(method)


@pytest.mark.parametrize("word", ["", "two words", "a\r\nb", "zoë", "\0"])
def test_what_is_no_word_of_sip_can_not_be_taken(word: str) -> None:
    for take in (App().request, App().info, App().subscription):
        with pytest.raises(ValueError, match="has to be"):
            take(word)
    for code in (0, 199, 700, 99999, True, "200"):
        with pytest.raises((ValueError, TypeError), match="default has to be a whole number from 200 to 699"):
            App().request("OPTIONS", default=code)  # type: ignore[arg-type]


def test_a_script_with_such_a_handler_does_not_load(tmp_path: Path) -> None:
    script = tmp_path / "desk.py"
    script.write_text("from sems import App\n\napp = App()\n\n\n@app.call\ndef main(call):\n    pass\n")
    with pytest.raises(PluginError, match=r"desk\.py: line 6: .*coroutine function.* main\(\) in line 6 of"):
        Apps.find([script])
