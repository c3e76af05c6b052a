"""What the documentation says of conferences is all of it, and so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sems.conference import Refused
from sems.config import Config, RoomSettings
from sems.config.dialout import DialoutSettings
from sems.config.keys import KeySettings
from sems.config.section import Section
from sems.testing import Lab

PAGE = (Path(__file__).parents[2] / "docs/conference.md").read_text()
#: As the page has them: N, P and parts that stand for others.
SHORT = (
    ("/conferences/{name}/participants/{participant}", "P"),
    ("/conferences/{name}", "N"),
    ("{talk}", "ID"), ("{call}", "ID"), ("{id}", "ID"), ("{secret}", "SECRET"),
)  # fmt: skip
#: Of the operator, and what every page asks first.
ELSEWHERE = ("/calls", "/stats", "/overview", "/registrations", "/traces", "/me", "/conferences")


def defaults(model: type[Section]) -> dict[str, str]:
    """Each key, and what is written in its row."""
    return dict(re.findall(r"^`(\w+)` = `(.*)`$", section_of(model), re.MULTILINE))


def section_of(model: type[Section]) -> str:
    heading = {
        RoomSettings: "## Settings of rooms", KeySettings: "## Keys",
        DialoutSettings: "## Whom rooms may call",
    }[model]  # fmt: skip
    return PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("model", [RoomSettings, KeySettings, DialoutSettings])
def test_every_setting_is_explained_with_what_holds_without_it(model: type[Section]) -> None:
    written = defaults(model)
    assert list(written) == list(model.model_fields)
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "unset" if default in (None, (), {}) else str(default)
        assert written[name] == (shown.lower() if isinstance(default, bool) else shown), name


def test_every_key_is_in_the_table_of_what_can_be_done() -> None:
    table = PAGE.partition("## What can be done")[2].partition("\n## ")[0] + PAGE.partition("## How one")[2]
    for name, code in Config().keys:
        first = re.split(r"[+?]", code)[0]
        assert f"`{first}" in table, f"{name} ({code})"


async def test_every_request_of_conferences_is_in_the_table(lab: Lab) -> None:
    from httpx import ASGITransport, AsyncClient

    server = await lab.server()
    assert server.web_app is not None
    async with AsyncClient(transport=ASGITransport(server.web_app), base_url="http://sems.test") as client:
        paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        short = path
        for long, stands in SHORT:
            short = short.replace(long, stands)
        if short in ELSEWHERE or short.startswith(
            ("/calls/", "/connections", "/boxes", "/overview/", "/traces/")
        ):
            continue
        for method in methods:
            assert re.search(rf"`{method.upper()} {re.escape(short)}[ `]", PAGE), f"{method} {short}"


def test_every_name_of_a_refusal_is_listed() -> None:
    def names(kind: type[Refused]) -> set[str]:
        return {kind.code}.union(*(names(each) for each in kind.__subclasses__()))

    source = (Path(__file__).parents[2] / "python/sems").rglob("*.py")
    given = {name for path in source for name in GIVEN.findall(path.read_text())}
    listed = set(re.findall(r"`(\w+)`", PAGE.partition("said in another language:")[2]))
    assert listed == (names(Refused) | given) - {"refused"}


GIVEN = re.compile(r'(?:NotAllowed|Refused|BadTarget)\(\s*f?"[^"]*",\s*"(\w+)"')
