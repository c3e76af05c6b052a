"""What browsers are given, made ready once: pages in each language, with a script and a style sheet each."""

from __future__ import annotations

import functools
import gzip
import hashlib
import html
import re
from dataclasses import dataclass, field
from pathlib import Path

from .. import words as languages
from ..words import ENGLISH
from .bundle import script, style


@dataclass(frozen=True, slots=True)
class File:
    """A script or a style sheet as it is sent."""

    body: bytes
    zipped: bytes
    media_type: str
    etag: str


@dataclass(slots=True)
class Web:
    """The folder ``web/``, ready to be sent."""

    languages: set[str] = field(default_factory=set)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    """By language: what has one text, whatever happens."""
    pages: dict[tuple[str, str], str] = field(default_factory=dict)
    """By name and language. They are templates still."""
    files: dict[str, File] = field(default_factory=dict)
    """By path below ``static/``."""


@functools.cache
def load(folder: Path, own: Path | None = None) -> Web:
    """Reads all of it, with the words in ``own``. The files are few and small."""
    words = languages.load(folder / "words", own)
    web = Web(languages=set(words.files), words=words.texts)
    for path in sorted(folder.glob("*.html")):
        page = "".join(f"{line.strip()}\n" for line in path.read_text("utf-8").splitlines() if line.strip())
        page = _with_one_style(web, folder, path.stem, page)
        for language in web.languages:
            made = _with_one_script(web, folder, path.stem, page, words.files[language])
            web.pages[path.stem, language] = _translated(made, web.words[language])
    return web


def _with_one_style(web: Web, folder: Path, name: str, page: str) -> str:
    link = re.compile(r'<link rel="stylesheet" href="([^"]*static/)([^"]+)">\n')
    sheets = [found[2] for found in link.finditer(page)]
    path = sheets[0] if len(sheets) == 1 else f"{name}.css"
    if path not in web.files:
        web.files[path] = _file(style(folder, sheets), "text/css")
    first = link.search(page)
    assert first is not None
    rest = link.sub("", page[first.end() :])
    return f'{page[: first.start()]}<link rel="stylesheet" href="{first[1]}{path}">\n{rest}'


def _with_one_script(web: Web, folder: Path, name: str, page: str, words: Path) -> str:
    found = re.search(r'(?<=src=")([^"]*static/)([^"]+\.js)(?=")', page)
    if not found:
        return page
    path = f"{name}.{words.stem}.js"
    instead = {f"words/{ENGLISH}.js": str(words)}
    web.files[path] = _file(script(folder, found[2], instead), "text/javascript")
    return f"{page[: found.start()]}{found[1]}{path}{page[found.end() :]}"


def _translated(page: str, words: dict[str, str]) -> str:
    """The page with the words that its elements name: in them, as what they are called, or as a hint."""

    def say(word: str) -> str:
        return html.escape(words[word]).replace("$", "$$")

    page = re.sub(r' data-words="(\w+)"([^>]*)>[^<]*', lambda found: f"{found[2]}>{say(found[1])}", page)
    page = re.sub(r'(?<= )data-label="(\w+)"', lambda found: f'aria-label="{say(found[1])}"', page)
    return re.sub(r'(?<= )data-hint="(\w+)"', lambda found: f'placeholder="{say(found[1])}"', page)


def _file(text: str, media_type: str) -> File:
    body = text.encode()
    return File(
        body=body,
        zipped=gzip.compress(body, mtime=0),
        media_type=media_type,
        etag=f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
    )
