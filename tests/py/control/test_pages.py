"""The pages as they are served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sems.audio.sounds import shipped
from sems.control.pages import lean

from .conftest import Meeting

WEB = shipped("web")


@pytest.mark.parametrize(
    "path", ["/", "/operator", "/c/none", "/nothing", "/static/none.js", "/api/v1/x", "/healthz"]
)
async def test_every_answer_carries_what_protects_a_page(meeting: Meeting, path: str) -> None:
    async with meeting.client(None) as browser:
        headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_a_file_is_sent_once_and_then_only_asked_for(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        first = await browser.get("/static/conference/main.js")
        assert first.status_code == 200
        assert first.headers["content-type"].startswith("text/javascript")
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers["content-encoding"] == "gzip"
        assert first.text == lean(WEB / "conference/main.js")
        again = await browser.get(
            "/static/conference/main.js", headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304
        assert again.content == b""
        plain = await browser.get("/static/style.css", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "%2e%2e/pyproject.toml", "conference.html", "", "nothing.js"]
)
async def test_nothing_but_the_files_of_the_pages_is_served(meeting: Meeting, path: str) -> None:
    async with meeting.client(None) as browser:
        assert (await browser.get(f"/static/{path}")).status_code == 404


async def test_the_front_page_says_what_to_dial_and_lists_no_room(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        page = (await browser.get("/")).text
        assert "sip:ROOM@sems.test" in page
        assert "standup" not in page
        strange = await browser.get("/", headers={"Host": '"><script>alert(1)</script>'})
        assert "<script>alert" not in strange.text


async def test_healthz_answers_without_a_token(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        response = await browser.get("/healthz")
    assert (response.status_code, response.text) == (200, "ok\n")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/a/b/c", 404), ("PUT", "/", 405)])
async def test_a_wrong_address_is_answered_with_a_page_that_finds_its_style(
    meeting: Meeting, method: str, path: str, status: int
) -> None:
    async with meeting.client(None) as browser:
        response = await browser.request(method, path)
        assert response.status_code == status
        assert response.headers["content-type"].startswith("text/html")
        link = re.search(r'stylesheet" href="([^"]+)"', response.text)
        assert link is not None
        assert (await browser.get(str(response.url.join(link[1])))).status_code == 200


async def test_a_page_needs_all_that_it_names_and_nothing_from_elsewhere(meeting: Meeting) -> None:
    pages = ("/", "/operator", f"/c/{meeting.token('anna')}", "/c/none")
    async with meeting.client(None) as browser:
        for path in pages:
            page = await browser.get(path)
            named = re.findall(r'(?:href|src|action)="([^"]+)"', page.text)
            assert named
            for reference in named:
                assert not re.match(r"(https?:)?//", reference)
                if "static/" in reference:
                    assert (await browser.get(str(page.url.join(reference)))).status_code == 200
    for script in WEB.rglob("*.js"):
        for imported in re.findall(r'from "([^"]+)"', script.read_text()):
            assert imported.startswith(".")
            assert (script.parent / imported).resolve().is_file()


async def test_a_page_is_small_with_all_that_it_needs(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        for path in ("/", "/operator", f"/c/{meeting.token('anna')}"):
            page = await browser.get(path)
            named = re.findall(r'(?:href|src)="([^"]+/[^"]+)"', page.text)
            named += re.findall("<([^>]+)>", page.headers.get("link", ""))
            needed = {str(page.url.join(each)) for each in named}
            files = [await browser.get(url) for url in needed if "static/" in url]
            assert len(files) >= 1
            assert len(page.content) + sum(len(each.content) for each in files) < 100_000, path


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.[jc]s*")), ids=lambda path: path.name)
def test_what_is_served_is_the_source_without_indents_and_comments(path: Path) -> None:
    source, served = path.read_text(), lean(path)
    assert not re.search(r"^\s|^//|/\* |^\*", served, re.MULTILINE)
    assert len(served) < 0.95 * len(source)
    # A text over several lines would lose its indents, and what begins like a comment in it.
    assert not [line for line in source.splitlines() if line.count("`") % 2]
    code = re.sub(r"^\s*/\*.*?\*/$|^\s*//[^\n]*", "", source, flags=re.DOTALL | re.MULTILINE)
    assert "".join(served.split()) == "".join(code.split())
    texts = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
    assert texts.findall(served) == texts.findall(code)


def test_no_script_makes_markup_of_text() -> None:
    for script in WEB.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script.read_text()
        )


def test_all_languages_say_the_same_things() -> None:
    keys = {
        path.stem: re.findall(r"^  (\w+):", path.read_text(), re.MULTILINE)
        for path in (WEB / "words").glob("*.js")
    }
    assert set(keys) >= {"en", "de"}
    for language, named in keys.items():
        assert named == keys["en"], language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-CH,de;q=0.9,en;q=0.5", "de"),
        ("fr, en;q=0.2, de;q=0.3", "de"),
        ("en-GB,de", "en"),
        ("fr", "en"),
        ("", "en"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=nonsense", "de"),
        ("*", "en"),
        ("../../x;q=1", "en"),
    ],
)
async def test_a_page_is_in_the_language_that_its_reader_likes_best(
    meeting: Meeting, accepted: str, language: str
) -> None:
    async with meeting.client(None) as browser:
        page = await browser.get(f"/c/{meeting.token('anna')}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in page.text
    assert f"<../static/words/{language}.js>; rel=modulepreload" in page.headers["link"]
