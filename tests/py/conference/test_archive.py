"""Recordings as they lie on the disk."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sems.conference.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "recordings")


def test_a_recording_is_found_again_by_whoever_looks(archive: Archive) -> None:
    id, path = archive.open("standup", "members")
    (path / "mix.wav").write_bytes(b"")
    (path / "call-7.wav").write_bytes(b"")
    archive.name("standup", id, {"call-7": "Anna", "call-8": "who was never heard"})
    (found,) = Archive(archive.folder).of("standup")
    assert (found.id, found.kind, found.seconds) == (id, "members", 0.0)
    assert found.members == {"call-7": "Anna"}
    assert archive.file("standup", id) == path / "mix.wav"
    assert archive.file("standup", id, "call-7") == path / "call-7.wav"


def test_names_that_several_note_at_once_are_all_there(archive: Archive) -> None:
    id, path = archive.open("standup", "members")
    names = {f"call-{number}": "Anna" * number for number in range(40)}
    for stem in names:
        (path / f"{stem}.wav").write_bytes(b"")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: archive.name("standup", id, {each: names[each]}), names))
    (found,) = archive.of("standup")
    assert found.members == names


def test_what_is_deleted_is_gone_with_all_its_files(archive: Archive) -> None:
    id, path = archive.open("standup", "mix")
    assert archive.delete("standup", id)
    assert not path.exists()
    assert not archive.delete("standup", id)
    assert archive.of("standup") == []


@pytest.mark.parametrize("room", ["..", ".", "a/../../b", "/etc", "ü ß", "x" * 500, "%2E%2E"])
def test_no_name_of_a_room_leads_out_of_the_folder(archive: Archive, room: str) -> None:
    id, path = archive.open(room, "mix")
    assert path.resolve().is_relative_to(archive.folder.resolve())
    assert path.parent.parent == archive.folder
    assert [each.id for each in archive.of(room)] == [id]


def test_rooms_keep_their_recordings_apart_however_long_and_alike_their_names_are(archive: Archive) -> None:
    begun = {
        room: archive.open(room, "mix")[0] for room in ("ü" * 40 + "x", *("ü" * n for n in (40, 41, 500)))
    }
    folder = archive.path("ü" * 500, begun["ü" * 500])
    assert folder is not None
    begun[folder.parent.name] = archive.open(folder.parent.name, "mix")[0]
    for room, id in begun.items():
        assert [each.id for each in archive.of(room)] == [id]


@pytest.mark.parametrize("id", ["..", "../standup", "", "20260101T000000-00000000", "recording.json"])
def test_no_id_leads_anywhere_else(archive: Archive, id: str) -> None:
    real, _ = archive.open("standup", "mix")
    assert archive.find("standup", id) is None
    assert archive.file("standup", id) is None
    assert archive.file("standup", real, "../recording") is None
    assert not archive.delete("standup", id)


def test_half_a_description_is_no_recording_and_harms_nothing(archive: Archive) -> None:
    good, _ = archive.open("standup", "mix")
    _, path = archive.open("standup", "mix")
    (path / "recording.json").write_text('{"room": "sta')
    assert [each.id for each in archive.of("standup")] == [good]
