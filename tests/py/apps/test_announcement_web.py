"""The app ``announcement``, and what it plays from the web."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from sems import CallFailed, ConfigError
from sems.audio.web import is_within
from sems.config import load_config
from sems.testing import Lab

MakeTone = Callable[..., Path]
PREFIX = "https://sounds.example/announcements"
ALLOWED = {"announcements": {"urls": [PREFIX]}}


class Site:
    """A web server that has one tone everywhere, and sends on from some places."""

    def __init__(self, folder: Path, make_tone: MakeTone) -> None:
        self.content = make_tone(folder / "served.wav", 440, 1).read_bytes()
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append(url)
        if (to := self.redirects.get(url)) is not None:
            return httpx.Response(302, headers={"Location": to})
        return httpx.Response(200, content=self.content)


def play(url: str) -> str:
    return f"sip:annc@sems;play={quote(url, safe='')}"


@pytest.mark.parametrize(
    ("url", "within"),
    [
        (f"{PREFIX}/hello.wav", True),
        (f"{PREFIX}/a/b.wav?version=2", True),
        ("HTTPS://Sounds.Example:443/announcements/hello.wav", True),
        (f"{PREFIX}/with%20blank.wav", True),
        (PREFIX, True),
        (f"{PREFIX}-of-others/hello.wav", False),
        ("http://sounds.example/announcements/hello.wav", False),
        ("https://sounds.example:8443/announcements/hello.wav", False),
        ("https://sounds.example.evil.example/announcements/hello.wav", False),
        ("https://sounds.example@evil.example/announcements/hello.wav", False),
        ("https://evil.example/https://sounds.example/announcements/a.wav", False),
        (f"{PREFIX}/../secret.wav", False),
        (f"{PREFIX}/%2e%2e/secret.wav", False),
        (f"{PREFIX}/%2E./secret.wav", False),
        (f"{PREFIX}/..%2fsecret.wav", False),
        (f"{PREFIX}/%252e%252e/secret.wav", False),
        (f"{PREFIX}/..\\secret.wav", False),
        (f"{PREFIX}/%5c..%5csecret.wav", False),
        (f"{PREFIX}/..;/secret.wav", False),
        (f"{PREFIX}/..;x=1/secret.wav", False),
        (f"{PREFIX}/%2e%2e%3b/secret.wav", False),
        (f"{PREFIX}/%c0%ae%c0%ae/secret.wav", False),
        (f"{PREFIX}/%c3%a4;x=1/a.wav;v=2", True),
        (f"{PREFIX}/a%00.wav", False),
        (f"{PREFIX}/a#b", False),
        ("https://sounds.example\\@evil.example/announcements/a.wav", False),
        ("https://sounds.example:port/announcements/a.wav", False),
        ("https:///announcements/a.wav", False),
        ("file:///announcements/a.wav", False),
        ("ftp://sounds.example/announcements/a.wav", False),
    ],
)
def test_which_addresses_lie_below_a_prefix(url: str, within: bool) -> None:
    assert is_within(url, [PREFIX]) is within
    assert is_within(url, [f"{PREFIX}/"]) is (within and url != PREFIX)


async def test_what_is_below_a_configured_prefix_is_played(lab: Lab, make_tone: MakeTone) -> None:
    server = await lab.server(**ALLOWED)
    site = Site(lab.folder, make_tone)
    site.redirects[f"{PREFIX}/moved.wav"] = "hello.wav"
    server.sounds.downloads.transport = httpx.MockTransport(site)
    alice = await lab.phone("alice")
    for name in ("hello.wav", "moved.wav"):
        await alice.call(play(f"{PREFIX}/{name}"))
        assert (await alice.hear_all(5)).has_tone(440)
    assert site.asked == [f"{PREFIX}/{name}" for name in ("hello.wav", "moved.wav", "hello.wav")]


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/hello.wav", f"{PREFIX}/../secret.wav", f"{PREFIX}/%2e%2e/secret.wav"],
)
async def test_nothing_else_is_even_asked_for(lab: Lab, make_tone: MakeTone, url: str) -> None:
    server = await lab.server(**ALLOWED)
    site = Site(lab.folder, make_tone)
    server.sounds.downloads.transport = httpx.MockTransport(site)
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="404 No Such Announcement"):
        await alice.call(play(url))
    assert site.asked == []


async def test_without_prefixes_nothing_is_fetched(lab: Lab, make_tone: MakeTone) -> None:
    server = await lab.server()
    site = Site(lab.folder, make_tone)
    server.sounds.downloads.transport = httpx.MockTransport(site)
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="404"):
        await alice.call(play(f"{PREFIX}/hello.wav"))
    assert site.asked == []


async def test_no_redirect_leads_out_of_the_prefixes(
    lab: Lab, make_tone: MakeTone, caplog: pytest.LogCaptureFixture
) -> None:
    server = await lab.server(**ALLOWED)
    site = Site(lab.folder, make_tone)
    inner = "http://169.254.169.254/announcements/secret.wav"
    site.redirects = {f"{PREFIX}/a.wav": f"{PREFIX}/b.wav", f"{PREFIX}/b.wav": inner}
    site.redirects[f"{PREFIX}/round.wav"] = f"{PREFIX}/round.wav"
    server.sounds.downloads.transport = httpx.MockTransport(site)
    alice = await lab.phone("alice")
    # An app of the house may go there, and what it has fetched is nobody else's.
    assert (await server.sounds.downloads.fetch(f"{PREFIX}/b.wav")).is_file()
    site.asked.clear()
    for name in ("a", "b", "round"):
        with pytest.raises(CallFailed, match="404"):
            await alice.call(play(f"{PREFIX}/{name}.wav"))
    assert inner not in site.asked
    said = [one.why for one in caplog.records if one.message == "an announcement can't be played"]  # type: ignore[attr-defined]
    assert f"{inner} is in none of the places from which it may come" in said[0]
    assert "it is redirected more than 5 times" in said[2]


async def test_what_is_too_large_or_takes_too_long_is_refused(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {**ALLOWED, "files": {"download_megabytes": 1, "download_total_seconds": 5}}
    server = await lab.server(**settings)

    async def drips() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(1)
            yield b"."

    def answer(request: httpx.Request) -> httpx.Response:
        large = "large" in request.url.path
        return httpx.Response(200, content=bytes(2 << 20) if large else drips())

    server.sounds.downloads.transport = httpx.MockTransport(answer)
    alice = await lab.phone("alice")
    for name in ("large", "slow"):
        with pytest.raises(CallFailed, match="404"):
            await alice.call(play(f"{PREFIX}/{name}.wav"))
    said = [one.why for one in caplog.records if one.message == "an announcement can't be played"]  # type: ignore[attr-defined]
    assert "it is larger than the 1 MiB" in said[0]
    assert "it takes too long" in said[1]


@pytest.mark.parametrize("prefix", ["ftp://x.example/", "https://user@x.example/", "sounds", "https://x/?a"])
def test_a_prefix_must_be_one(prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "sems.toml"
    file.write_text(f'[announcements]\nurls = ["{prefix}"]\n')
    with pytest.raises(ConfigError, match="an http or https address is wanted"):
        load_config({"config": file}, environ={})
