"""Sounds from the web."""

from __future__ import annotations

import asyncio
import gzip
import io
import math
import time
import wave
from array import array

import httpx
import pytest
from an_app import app_of

from sems import Call, SoundNotFound
from sems.testing import Lab


def wav(hz: int, seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        samples = (round(8000 * math.sin(2 * math.pi * hz * n / 8000)) for n in range(round(8000 * seconds)))
        out.writeframes(array("h", samples).tobytes())
    return file.getvalue()


class Site:
    """A web server with one sound, of which it has a new version now and then."""

    def __init__(self) -> None:
        self.hz = 440
        self.headers = {"Cache-Control": "max-age=60"}
        self.status = 200
        self.asked: list[str] = []
        self.down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers.get("If-None-Match", "-"))
        if self.down:
            raise httpx.ConnectError("nobody is there")
        etag = f'"{self.hz}"'
        if request.headers.get("If-None-Match") == etag:
            return httpx.Response(304, headers=self.headers)
        return httpx.Response(self.status, content=wav(self.hz), headers={"ETag": etag, **self.headers})


URL = "https://sounds.example/hello.wav"


async def test_a_sound_from_the_web_is_fetched_once_and_again_when_it_has_changed(lab: Lab) -> None:
    site, now = Site(), 1000.0
    seen: list[int] = []

    async def main(call: Call) -> None:
        nonlocal now
        await call.answer()
        # It is fetched …
        await call.play(["tone:sine:1500:500:-12", URL])
        # … and kept, …
        await call.play([URL, URL])
        seen.append(len(site.asked))
        # … its server is asked after a minute whether it has another, …
        now += 61
        await call.play(URL)
        seen.append(len(site.asked))
        # … which it then has, …
        now += 61
        site.hz = 900
        await call.play(URL)
        # … and which is played when the server is gone.
        now += 61
        site.down = True
        await call.play(URL)

    server = await lab.server(apps=[app_of(main)])
    server.sounds.downloads.transport = httpx.MockTransport(site)
    server.sounds.downloads.now = lambda: now
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert seen == [1, 2]
    assert site.asked == ["-", '"440"', '"440"', '"900"']
    assert heard.after(0.6).before(0.3).has_tone(440)
    assert heard.after(heard.seconds - 0.9).before(0.8).has_tone(900)
    assert not heard.after(heard.seconds - 0.9).before(0.8).has_tone(440)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": 404}, "its server says 404 Not Found"),
        ({"down": True}, "nobody is there"),
        ({"hz": 441, "headers": {"Content-Type": "audio/wav"}}, ""),
    ],
)
async def test_what_can_not_be_fetched_is_a_clear_error(
    lab: Lab, change: dict[str, object], why: str
) -> None:
    site = Site()
    vars(site).update(change)
    server = await lab.server()
    server.sounds.downloads.transport = httpx.MockTransport(site)
    fetching = server.sounds.downloads.fetch(URL)
    if not why:
        assert (await fetching).suffix == ".wav"
        return
    with pytest.raises(SoundNotFound, match=f"{URL} can't be fetched: {why}"):
        await fetching


async def test_what_is_kept_is_played_while_its_server_fails_and_no_longer_when_there_is_no_such_sound(
    lab: Lab,
) -> None:
    site, now = Site(), 1000.0
    downloads = (await lab.server()).sounds.downloads
    downloads.transport = httpx.MockTransport(site)
    downloads.now = lambda: now
    kept = await downloads.fetch(URL)
    for status in (500, 503, 429):
        now += 61
        site.hz, site.status = site.hz + 1, status
        assert await downloads.fetch(URL) == kept
        asked = len(site.asked)
        now += 20
        assert await downloads.fetch(URL) == kept
        assert len(site.asked) == asked, "it is not asked again at once"
    for status in (404, 410, 403, 204):
        now += 61
        site.hz, site.status = site.hz + 1, status
        with pytest.raises(SoundNotFound, match=f"its server says {status}"):
            await downloads.fetch(URL)
        assert not kept.exists()
        site.status = 200
        assert await downloads.fetch(URL) == kept


async def test_nobody_waits_for_a_server_of_whose_sound_there_is_one(lab: Lab) -> None:
    site = Site()
    loop = asyncio.get_running_loop()
    slow = False

    async def answer(request: httpx.Request) -> httpx.Response:
        if slow:
            await asyncio.sleep(5)
        return site(request)

    downloads = (await lab.server()).sounds.downloads
    downloads.transport = httpx.MockTransport(answer)
    downloads.now = loop.time
    kept = await downloads.fetch(URL)
    await asyncio.sleep(61)
    slow, site.hz = True, 900
    before, began = await asyncio.to_thread(kept.read_bytes), loop.time()
    assert await downloads.fetch(URL) == kept
    assert loop.time() - began == pytest.approx(1.0, abs=0.1)
    assert await downloads.fetch(URL) == kept
    assert loop.time() - began == pytest.approx(1.0, abs=0.1), "who comes then does not wait at all"
    assert await asyncio.to_thread(kept.read_bytes) == before
    # What comes late is for the next.
    await asyncio.sleep(5)
    assert await asyncio.to_thread(kept.read_bytes) == wav(900)


async def test_a_sound_that_comes_packed_is_refused_since_it_could_unpack_to_any_size(lab: Lab) -> None:
    downloads = (await lab.server()).sounds.downloads
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Accept-Encoding"])
        packed = gzip.compress(bytes(1 << 20))
        return httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})

    downloads.transport = httpx.MockTransport(answer)
    with pytest.raises(SoundNotFound, match=r"its server sends it packed \(gzip\)"):
        await downloads.fetch(URL)
    assert asked == ["identity"]


async def test_thousands_of_small_sounds_make_none_of_them_slower(lab: Lab) -> None:
    server = await lab.server()
    downloads, folder = server.sounds.downloads, server.config.data / "cache"
    downloads.transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"RIFF"))

    def fill() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(3000):
            (folder / f"{number:064}.json").write_text("{}")
            (folder / f"{number:064}.wav").write_bytes(b"RIFF")

    await asyncio.to_thread(fill)
    (folder / ".left.wav.1").write_bytes(b"RIFF")
    began = time.process_time()
    assert (await downloads.fetch(URL)).exists()
    # It looked at each once: looking through all for each took a minute and a half.
    assert time.process_time() - began < 5
    assert not (folder / ".left.wav.1").exists(), "a process has left it that was killed"
    assert (folder / f"{7:064}.wav").exists()


async def test_the_disk_and_the_size_have_limits(lab: Lab) -> None:
    server = await lab.server(files={"download_megabytes": 1, "download_cache_megabytes": 1})
    sounds = {"/a.wav": 700_000, "/b.ulaw": 700_000, "/c.wav": 1_200_000}
    server.sounds.downloads.transport = httpx.MockTransport(
        lambda request: httpx.Response(200, content=bytes(sounds[request.url.path]))
    )
    first = await server.sounds.downloads.fetch("http://x.example/a.wav")
    second = await server.sounds.downloads.fetch("http://x.example/b.ulaw")
    assert (first.exists(), second.exists(), second.suffix) == (False, True, ".ulaw")
    with pytest.raises(SoundNotFound, match="larger than the 1 MiB"):
        await server.sounds.downloads.fetch("http://x.example/c.wav")
