"""What is written to people: one file of words a language, for pages, texts to telephones and mail.

Those that come with SEMS are ``web/words/LANGUAGE.js``. A file of the same kind in ``DATA/words`` brings
another language, or takes the place of one.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .log import logger
from .shipped import shipped

#: In which everything is said that is not known in another language.
ENGLISH: Final = "en"

_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
_NAME = re.compile(r"^  (\w+):", re.MULTILINE)
_TEXT = re.compile(r'^  (\w+):\s+("(?:[^"\\]|\\.)*"),$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Words:
    """The languages that are known."""

    files: dict[str, Path] = field(default_factory=dict)
    """By language."""
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    """By language: what has one text, whatever happens."""

    def of(self, language: str) -> Mapping[str, str]:
        """The texts in a language, of which the dialect does not count; in English where it is not known."""
        return self.texts.get(language.partition("-")[0].lower(), self.texts[ENGLISH])


def known(data: Path) -> Words:
    """The languages that come with SEMS, and those in ``DATA/words``. Read once."""
    return load(shipped("web") / "words", own_words(data))


def own_words(data: Path) -> Path | None:
    """The folder of words in the data folder, if there is one."""
    own = data / "words"
    return own if own.is_dir() else None


@functools.cache
def load(folder: Path, own: Path | None = None) -> Words:
    """The words of both folders. A file that lacks some of the English ones is not used; the log says so."""
    words = Words()
    for path in sorted(folder.glob("*.js")):
        _take(words, path, path.read_text("utf-8"))
    wanted = set(_NAME.findall(words.files[ENGLISH].read_text("utf-8"))) if ENGLISH in words.files else set()
    for path in sorted(own.glob("*.js")) if own is not None else ():
        try:
            source = path.read_text("utf-8")
        except (OSError, UnicodeError) as error:
            logger.error("a file of words can't be read", file=str(path), why=str(error))
            continue
        lacks = sorted(wanted - set(_NAME.findall(source)))
        if not _LANGUAGE.fullmatch(path.stem) or not re.search(r"^export const words = \{$", source, re.M):
            logger.error("a file of words is called LANGUAGE.js and exports words", file=str(path))
        elif lacks:
            logger.error("a file of words is not used", file=str(path), lacks=", ".join(lacks))
        else:
            _take(words, path, source)
    return words


def _take(words: Words, path: Path, source: str) -> None:
    words.files[path.stem] = path
    # What has one text: ``key: "text",`` on a line of its own, and not deeper.
    words.texts[path.stem] = {each[1]: json.loads(each[2]) for each in _TEXT.finditer(source)}
