"""What the README shows works as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from sems import App, Prompt, Refer, SipRequest
from sems.config import load_config
from sems.testing import Lab

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def example(language: str, containing: str) -> str:
    """The one block of code in that language that has `containing` in it."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return found


async def test_the_service_in_ten_lines_asks_and_answers(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "hello.py"
    script.write_text(example("python", "call.ask"))
    await lab.server(scripts=[script])
    phone = await lab.phone("Anna")
    await phone.call("sip:hello@sems")
    await phone.key("4711")
    assert not (await phone.hear(1.0)).is_silent, "the digits are read back"
    await phone.ended()


async def test_the_app_that_takes_more_transfers_answers_texts_and_notifies(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "desk.py"
    script.write_text(example("python", "app.subscription"))
    await lab.server(scripts=[script])
    desk, phone = f"sip:desk@{lab.resolve('sems')}", App("anna")
    texts: list[str] = []
    targets: list[str] = []

    @phone.message
    async def on_text(message: SipRequest) -> None:
        texts.append(message.text)

    @phone.refer
    async def on_refer(refer: Refer) -> None:
        targets.append(refer.target)
        await refer.accept()
        await refer.progress(200)

    anna = await lab.server(name="anna", apps=[phone])
    address = f"sip:anna@{lab.resolve('anna')}"
    call = await anna.dial(desk, from_uri=address)
    call.app_name = "anna"
    await call.wait_ended()
    assert targets == ["sip:reception@192.0.2.7"]
    assert (await anna.send_message(desk, "Hello", from_uri=address)).ok
    await asyncio.sleep(1)
    assert texts == ["You said: Hello"]
    async with await anna.subscribe(desk, "message-summary") as notifications:
        assert (await anext(notifications)).text == "Messages-Waiting: no"


@pytest.mark.parametrize("name", ["test_the_echo_is_heard", "test_the_caller_is_asked_for_the_pin"])
async def test_the_tests_pass(lab: Lab, name: str) -> None:
    names: dict[str, object] = {}
    exec(example("python", "sems.testing"), names)
    await names[name](lab)  # type: ignore[operator]


async def test_the_program_that_listens_says_back_what_it_hears(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "listener.py"
    script.write_text(example("python", "call.audio"))
    await lab.server(scripts=[script])
    phone = await lab.phone("Anna")
    await phone.call("sip:listener@sems")
    phone.say(Prompt.tone("sine:440:300:-12"))
    await phone.hear(0.3)
    assert (await phone.hear(1.5)).has_tone(440)


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "sems.toml"
    file.write_text(example("toml", "sems.toml"))
    config = load_config({"config": file}, environ={}).config
    assert config.room("board").max_members == 12
    assert config.routes[0].app == "conference"
    assert config.limits.max_calls == 500
    assert [str(network) for network in config.trusted] == ["127.0.0.1/32", "192.0.2.10/32"]


def test_the_account_and_the_users_are_valid(tmp_path: Path) -> None:
    file = tmp_path / "sems.toml"
    file.write_text(example("toml", "[[accounts]]"))
    config = load_config({"config": file}, environ={}).config
    assert (config.accounts[0].name, config.auth.users[0].name) == ("work", "anna")


def test_every_page_that_is_linked_exists() -> None:
    for target in re.findall(r"\]\(([^):]+)\)", README):
        assert (ROOT / target).exists(), target
