"""What the documentation says of accounts works as it stands there."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

from sems.testing import Lab

PAGE = (Path(__file__).parents[2] / "docs" / "provider.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


async def registrar(lab: Lab, user: str, password: str) -> str:
    """A provider; where it is."""
    users = [{"name": user, "password": password}]
    await lab.server(name="provider", registrar={"enabled": True}, auth={"users": users})
    return lab.resolve("provider")


async def test_the_first_account_registers_with_its_password_and_its_calls_come_to_the_room(
    lab: Lab,
) -> None:
    account, routes = (tomllib.loads(text) for text in blocks("toml")[:2])
    place = await registrar(lab, "sems", account["accounts"][0]["password"])
    uri = account["accounts"][0]["uri"]
    account["accounts"][0]["uri"] = uri.replace("provider.example", place)
    server = await lab.server(**account, **routes)
    async with asyncio.timeout(20):
        await server.accounts["work"].wait_registered()
    anna = await lab.phone("anna")
    contact = server.accounts["work"].contact
    await anna.call(contact)
    await asyncio.sleep(0.5)
    assert server.conferences.find("standup") is not None


async def test_the_program_tells_for_which_account_a_call_is(lab: Lab, tmp_path: Path) -> None:
    place = await registrar(lab, "sems", "secret")
    script = tmp_path / "which_account.py"
    (code,) = (code for code in blocks("python") if "which_account.py" in code)
    script.write_text(code)
    settings: dict[str, Any] = {
        "accounts": [{"name": "work", "uri": f"sip:sems@{place}", "password": "secret"}],
        "routes": [{"app": "which_account"}],
    }
    server = await lab.server(scripts=[script], **settings)
    async with asyncio.timeout(20):
        await server.accounts["work"].wait_registered()
    anna = await lab.phone("anna")
    await anna.call(server.accounts["work"].contact)
    assert anna.headers["X-Account"] == "work registered"
