"""The pages as they are served."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

import sems
from sems.control.bundle import script, style
from sems.shipped import shipped
from sems.testing import Lab

from .conftest import OPERATOR, Meeting
from .web import client

WEB = shipped("web")
PACKAGE = Path(sems.__file__).parent
LANGUAGES = sorted(path.stem for path in (WEB / "words").glob("*.js"))


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
        first = await browser.get("/static/conference.en.js")
        assert first.status_code == 200
        assert first.headers["content-type"].startswith("text/javascript")
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers["content-encoding"] == "gzip"
        assert first.text == script(WEB, "conference/main.js", {"words/en.js": "words/en.js"})
        again = await browser.get(
            "/static/conference.en.js", headers={"If-None-Match": first.headers["etag"]}
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
    for path in WEB.rglob("*.js"):
        for imported in re.findall(r'from "([^"]+)"', path.read_text()):
            assert imported.startswith(".")
            assert (path.parent / imported).resolve().is_file()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_is_small_and_needs_one_script_and_one_style_sheet(
    meeting: Meeting, language: str
) -> None:
    async with meeting.client(None) as browser:
        browser.headers["Accept-Language"] = language
        await browser.post("/operator", data={"token": OPERATOR})
        for path in ("/", "/operator", f"/c/{meeting.token('anna')}"):
            page = await browser.get(path)
            named = re.findall(r'(?:href|src)="([^"]*static/[^"]+)"', page.text)
            files = [await browser.get(str(page.url.join(each))) for each in named]
            assert [each.status_code for each in files] == [200, 200]
            assert len(page.content) + sum(len(each.content) for each in files) < 100_000, path


async def test_the_front_page_tells_of_the_keys_of_the_configuration(lab: Lab) -> None:
    server = await lab.server(keys={"pair": "*??????*", "code": ""})
    async with client(server, None) as browser:
        front = (await browser.get("/")).text
    assert 'data-pair="*??????*" data-code=""' in front


async def test_the_page_of_the_operator_is_in_the_language_of_its_reader(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        browser.headers["Accept-Language"] = "de"
        await browser.post("/operator", data={"token": OPERATOR})
        page = (await browser.get("/operator")).text
        assert '<html lang="de">' in page
        assert '<h2 id="rooms-title">Räume</h2>' in page
        script = (await browser.get("/static/operator.de.js")).text
        assert "Auflegen: " in script
        assert "Hang up" not in script


def test_a_script_brings_all_that_it_needs_in_the_language_of_its_reader(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words/en.js").write_text('export const words = { hello: "Hello" };\n')
    (tmp_path / "words/de.js").write_text(
        'export const words = {\n  bye: { now: "Weg" },\n  hello: "Guten Tag",\n};\n'
    )
    (tmp_path / "tell.js").write_text(
        'import { words as all } from "./words/en.js";\n\n'
        "export async function tell() {\n  return all.hello;\n}\n"
    )
    (tmp_path / "main.js").write_text(
        'import * as telling from "./tell.js";\nimport { tell } from "./tell.js";\n\ntell(telling);\n'
    )
    bundle = script(tmp_path, "main.js", {"words/en.js": "words/de.js"})
    assert bundle.splitlines() == [
        'let words={a:"Guten Tag",};',
        "let $1=(()=>{let all=words;async function tell(){return all.a}",
        "return{tell}})();",
        "(()=>{let telling=$1,tell=$1.tell;tell(telling);",
        "})();",
    ]
    (tmp_path / "main.js").write_text("export default 1;\n")
    with pytest.raises(ValueError, match=r"main\.js imports or exports in a way"):
        script(tmp_path, "main.js")
    (tmp_path / "main.js").write_text("tell(`${name}${code ? ` (${code})` : ``}`);\n")
    with pytest.raises(ValueError, match=r"main\.js has a template in a template"):
        script(tmp_path, "main.js")
    for empty in ("while (next(1, (2)));", "if (a) for (const b of c());", "if (a);"):
        (tmp_path / "main.js").write_text(f"function f() {{\n  {empty}\n}}\n")
        with pytest.raises(ValueError, match=r"main\.js has a loop or condition without a body"):
            script(tmp_path, "main.js")


def test_texts_templates_and_regular_expressions_of_a_script_are_not_made_shorter(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text(
        "for (const each of [1]) {\n  do {\n    const { a } = { a: 'const {;}' };\n  } while (each);\n}\n"
        'const say = (a) => {\n  tell("const [\\";}", `const ${a};}`, a.match(/["];}/));\n'
        "  return /const a;}/;\n};\n"
    )
    assert script(tmp_path, "main.js").splitlines() == [
        "(()=>{for(let each of[1]){do{let{a}={a:'const {;}'}}while(each)}",
        'let say=(a)=>{tell("const [\\";}",`const ${a};}`,a.match(/["];}/));return/const a;}/};',
        "})();",
    ]


def test_a_module_stands_in_a_function_of_its_own_where_another_has_a_name_in_common(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text("const SIZE = 1;\n\nexport const one = () => SIZE;\n")
    (tmp_path / "two.js").write_text(
        'import { one } from "./one.js";\n\nconst { SIZE, b } = one();\n\nexport class Two {}\n'
    )
    (tmp_path / "three.js").write_text(
        'import { one } from "./one.js";\nimport { Two } from "./two.js";\n\nexport const three = one(Two);\n'
    )
    (tmp_path / "main.js").write_text(
        'import { three } from "./three.js";\nimport { Two } from "./two.js";\n\nthree(Two);\n'
    )
    assert script(tmp_path, "main.js").splitlines() == [
        "let SIZE=1;let one=()=>SIZE;",
        "let $1=(()=>{let{SIZE,b}=one();class Two{}",
        "return{Two}})();",
        "let Two=$1.Two;let three=one(Two);",
        "(()=>{let Two=$1.Two;three(Two);",
        "})();",
    ]
    (tmp_path / "main.js").write_text('import { one as other } from "./one.js";\n\nconst one = other;\n')
    assert script(tmp_path, "main.js").splitlines() == [
        "let $0=(()=>{let SIZE=1;let one=()=>SIZE;",
        "return{one}})();",
        "(()=>{let other=$0.one;let one=other;",
        "})();",
    ]


def test_what_is_private_to_a_class_has_a_short_name_and_what_only_looks_like_it_keeps_its_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.js").write_text(
        "export class Line {\n  #waiting = 1;\n\n  get #long() {\n    return this.#waiting;\n  }\n\n"
        '  async #ask() {\n    return this.#long + find("#waiting, #long", other.#waiting);\n  }\n\n'
        "  ask() {\n    this.#ask();\n  }\n}\n"
    )
    assert script(tmp_path, "main.js") == (
        "let $0=(()=>{class Line{#a=1;get#b(){return this.#a}\nasync#c(){return this.#b+"
        'find("#waiting, #long",other.#a)}\n'
        "ask(){this.#c()}}\nreturn{Line}})();"
    )


def test_a_style_sheet_is_served_without_blanks_and_comments(tmp_path: Path) -> None:
    (tmp_path / "one.css").write_text("/* one */\na :is(b),\nc {\n  margin: calc(1px + 2px) 0;\n}\n")
    (tmp_path / "two.css").write_text('a::before {\n  content: "a, /* b */ {  }";\n}\n')
    assert style(tmp_path, ["one.css", "two.css"]) == (
        'a :is(b),c{margin:calc(1px + 2px) 0}\na::before{content:"a, /* b */ {  }"}'
    )


def test_no_script_makes_markup_of_text() -> None:
    for path in WEB.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text()
        )


def test_what_words_a_page_needs_can_be_told_from_its_scripts() -> None:
    for path in WEB.rglob("*.js"):
        assert not re.search(r"\bwords\[|\} = words|\.\.\.words", path.read_text())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", ["conference/main.js", "operator/main.js", "front.js"])
def test_a_script_has_every_word_that_it_says(page: str, language: str) -> None:
    words = (WEB / f"words/{language}.js").read_text()
    said = set(re.findall(r"\bwords\.(\w+)", script(WEB, page)))
    known = {name for name in said if re.search(rf"^  {name}:", words, re.MULTILINE)}
    assert known == said
    made = script(WEB, page, {"words/en.js": f"words/{language}.js"})
    short = set(re.findall(r"\bwords\.(\w+)", made))
    assert len(short) == len(said)
    assert all(re.search(rf"[{{,\n]{name}:", made) for name in short)


def test_all_languages_say_the_same_things() -> None:
    keys = {
        path.stem: re.findall(r"^  (\w+):", path.read_text(), re.MULTILINE)
        for path in (WEB / "words").glob("*.js")
    }
    assert set(keys) >= {"en", "de"}
    for language, named in keys.items():
        assert named == keys["en"], language


# What pages never ask for, or say in words of their own.
UNSAID = {"refused", "not_allowed", "only_operator", "operator_takes_no_part", "other_rooms", "other_site"}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_refusal_is_said_in_every_language(language: str) -> None:
    sources = [
        path.read_text() for part in ("conference", "control") for path in (PACKAGE / part).rglob("*.py")
    ]
    codes = {
        code for source in sources for code in re.findall(r'^    code(?:: str)? = "(\w+)"', source, re.M)
    }
    for source in sources:
        for call in re.findall(r"(?:NotAllowed|Refused)\((.*?)\)$", source, re.DOTALL | re.MULTILINE):
            codes.update(re.findall(r'"([a-z]+(?:_[a-z]+)*)",?\s*$', call))
    assert {"room_locked", "muted_by_moderator", "only_this_machine"} <= codes
    said = re.search(r"^  refusals: \{\n(.*?)^  \},", (WEB / f"words/{language}.js").read_text(), re.M | re.S)
    assert said is not None
    assert codes - UNSAID - set(re.findall(r"^    (\w+):", said[1], re.M)) == set()


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
    assert f'src="../static/conference.{language}.js"' in page.text
    assert page.headers["vary"] == "Accept-Language"


async def test_who_comes_too_late_is_told_so_in_his_language(meeting: Meeting) -> None:
    token = meeting.token("ben")
    async with meeting.client(None) as browser:
        browser.headers["Accept-Language"] = "de-AT"
        unknown = await browser.get("/c/none")
        assert unknown.status_code == 404
        assert "<h1>Dieser Link ist hier nicht bekannt</h1>" in unknown.text
        await meeting.phones["ben"].hang_up()
        await asyncio.sleep(0.1)
        ended = await browser.get(f"/c/{token}")
        assert ended.status_code == 410
        assert '<html lang="de">' in ended.text
        assert "<h1>Ihr Anruf ist beendet</h1>" in ended.text
        assert "Startseite" in ended.text
        assert "<h1>Hier ist nichts</h1>" in (await browser.get("/nothing")).text


async def test_a_page_has_its_words_before_its_script(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        front = await browser.get("/", headers={"Accept-Language": "de"})
        page = await browser.get(f"/c/{meeting.token('anna')}")
    assert "<h1>Kommen Sie mit dem Telefon in einen Raum</h1>" in front.text
    assert "<span>Mute</span>" in page.text
    assert 'aria-label="Message" placeholder="Write…"' in page.text
    assert "data-words" not in page.text + front.text
