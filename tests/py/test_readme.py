"""What the README shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

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


async def test_the_test_of_the_echo_passes(lab: Lab) -> None:
    names: dict[str, object] = {}
    exec(example("python", "sems.testing"), names)
    await names["test_the_echo_is_heard"](lab)  # type: ignore[operator]


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "sems.toml"
    file.write_text(example("toml", "sems.toml"))
    config = load_config({"config": file}, environ={}).config
    assert config.room("board").max_members == 12
    assert config.routes[0].app == "conference"


def test_every_page_that_is_linked_exists() -> None:
    for target in re.findall(r"\]\(([^):]+)\)", README):
        assert (ROOT / target).exists(), target
