"""What the log shows, and what it never shows."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest

from sems import log
from sems.config import LogSettings

LINK = "http://192.0.2.1:8080/c/Zm9vYmFyYmF6cXV4/api"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("sems")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_people_get_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    log.logger.info("a call", call=7)
    assert "a call" in (line := capsys.readouterr().err)
    assert "call=7" in line


def test_machines_get_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings(format="json"))
    log.logger.bind(call=7).warning("nothing is heard", silent_ms=60_000)
    logging.getLogger("other").error("a library says %s", "so")
    try:
        raise ValueError("broken")
    except ValueError:
        log.logger.exception("an app failed")
    ours, other, failed = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["level"], ours["call"]) == ("nothing is heard", "warning", 7)
    assert ours["silent_ms"] == 60_000
    assert (other["event"], other["level"]) == ("a library says so", "error")
    assert "ValueError: broken" in failed["exception"]


@pytest.mark.parametrize("format", ["console", "json"])
def test_no_line_shows_a_link(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings.model_validate({"format": format}))
    log.logger.info(f"gave {LINK}", link=LINK, links=[LINK])
    logging.getLogger("uvicorn.error").error("GET %s failed", LINK)
    try:
        raise RuntimeError(LINK)
    except RuntimeError:
        log.logger.exception("failed")
    shown = capsys.readouterr().err
    assert "Zm9vYmFyYmF6cXV4" not in shown
    assert shown.count("/c/…") >= 5


def test_what_is_below_the_level_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings(level="warning"))
    log.logger.info("quiet")
    log.logger.warning("loud")
    assert "quiet" not in (shown := capsys.readouterr().err)
    assert "loud" in shown


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_line_is_the_same_whether_or_not_others_listen(
    format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(LogSettings.model_validate({"format": format}))
    line = re.compile(r"\d+-\d+-\d+T[^\"]*|\d+:\d+:\d+").sub
    log.logger.bind(call=7).info("call ended", why="remote", link=LINK)
    unheard = line("now", capsys.readouterr().err)
    heard: list[logging.LogRecord] = []
    listener = logging.Handler()
    listener.emit = heard.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(listener)
    log.logger.bind(call=7).info("call ended", why="remote", link=LINK)
    assert line("now", capsys.readouterr().err) == unheard
    assert [(record.name, record.getMessage(), record.levelname) for record in heard] == [
        ("sems", "call ended", "INFO")
    ]
    assert (heard[0].call, heard[0].why) == (7, "remote")  # type: ignore[attr-defined]


def test_lines_of_one_turn_are_written_at_once_and_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    log.gather()
    log.logger.info("first")
    log.logger.info("second")
    assert capsys.readouterr().err == ""
    logging.getLogger("other").error("a library")
    log.logger.info("third")
    log.write_out()
    log.logger.info("fourth")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        "first",
        "second",
        "a library",
        "third",
        "fourth",
    ]


def test_a_field_of_a_line_takes_the_place_of_one_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    of_a_call = log.logger.bind(call=7, caller="ann")
    of_a_call.info("a call", source="here")
    of_a_call.info("another", caller="ben")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        "a call call=7 caller=ann source=here",
        "another call=7 caller=ben",
    ]


def test_a_field_may_have_any_name(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    log.logger.info("a greeting", name="alice", message="hello")
    assert "name=alice message=hello" in capsys.readouterr().err
    try:
        raise ValueError("broken")
    except ValueError:
        log.logger.exception("no greeting", name="alice")
    assert "name_=alice" in capsys.readouterr().err


def test_a_line_that_cannot_be_written_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("I won't be shown")

    log.configure(LogSettings())
    log.logger.info("a guest", who=Shy())
    assert "I won't be shown" in capsys.readouterr().err
