"""Files that belong to no message any more."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailbox_contract import Boxes, leave, speech
from sems.storage import orphans

DAY = 24 * 3600.0


def age(path: Path, seconds: float) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def lost(folder: Path, name: str, seconds: float) -> Path:
    path = folder / "anna" / name
    path.parent.mkdir(exist_ok=True)
    speech(path, 1.0)
    return age(path, seconds)


async def test_what_no_message_names_is_put_aside_at_the_start_and_all_others_stay(tmp_path: Path) -> None:
    boxes = Boxes(tmp_path / "data", None)
    mail = await boxes.start()
    message = await leave(mail, "anna")
    age(message.path, 40 * DAY)
    speech(tmp_path / "spoken.wav", 1.0)
    await mail.set_greeting("anna", tmp_path / "spoken.wav")
    greeting = await mail.greeting("anna")
    assert greeting is not None
    age(greeting, 40 * DAY)
    folder = message.path.parents[1]
    old, young = lost(folder, "old.wav", 2 * DAY), lost(folder, "young.wav", DAY / 2)
    await mail.close()

    mail = await boxes.start()
    await mail.close()
    assert message.path.is_file()
    assert greeting.is_file()
    assert young.is_file()
    assert not old.exists()
    assert [each.name for each in (folder / orphans.ASIDE).iterdir()] == ["anna-old.wav"]


def test_what_was_put_aside_is_deleted_after_thirty_days(tmp_path: Path) -> None:
    lost(tmp_path, "old.wav", 2 * DAY)
    now = time.time()
    assert orphans.sweep(tmp_path, {"anna/other.wav"}, now) == 1
    aside = tmp_path / orphans.ASIDE / "anna-old.wav"
    assert orphans.sweep(tmp_path, {"anna/other.wav"}, now + 29 * DAY) == 0
    assert aside.is_file()
    assert orphans.sweep(tmp_path, {"anna/other.wav"}, now + 31 * DAY) == 0
    assert not aside.exists()


def test_a_database_that_names_nothing_has_nothing_swept(tmp_path: Path) -> None:
    old = lost(tmp_path, "old.wav", 40 * DAY)
    assert orphans.sweep(tmp_path, set()) == 0
    assert orphans.sweep(tmp_path / "nowhere", {"a/b.wav"}) == 0
    assert old.is_file()
