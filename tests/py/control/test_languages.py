"""A language more, which is one file of words, for the pages, the texts to telephones and mail."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sems import Server, words
from sems.config.boxes import BoxSettings
from sems.shipped import shipped
from sems.storage import StoredMessage, compose
from sems.testing import Lab

from .web import client

FRENCH = {
    "frontTitle": "Rejoignez une salle avec votre téléphone",
    "wrongToken": "Ce n’est pas le jeton.",
    "mute": "Couper le micro",
    "callEndedTitle": "Votre appel est terminé",
    "yourPage": "Votre page de cette conférence : {page}",
    "onlyToYou": "à vous seul",
    "mailSubject": "Message vocal de {caller} ({length})",
    "mailPage": "Il est aussi dans votre boîte : {page}",
}


def french(folder: Path, *, without: str | None = None) -> Path:
    """The English words with some in French, as somebody begins who translates them."""
    source = (shipped("web") / "words" / "en.js").read_text()
    for name, text in FRENCH.items():
        source, changed = re.subn(rf'^  {name}: ".*",$', f'  {name}: "{text}",', source, flags=re.MULTILINE)
        assert changed == 1, name
    if without is not None:
        source = re.sub(rf"^  {without}: .*\n", "", source, flags=re.MULTILINE)
    folder.mkdir(parents=True)
    (folder / "fr.js").write_text(source)
    return folder / "fr.js"


async def begin(lab: Lab) -> Server:
    rooms = {"standup": {"language": "fr"}}
    return await lab.server(rooms=rooms, operator={"token": "operator-for-tests"})


async def test_pages_and_texts_to_telephones_speak_a_language_that_one_file_brings(lab: Lab) -> None:
    french(lab.folder / "sems" / "words")
    server = await begin(lab)
    anna, ben = await lab.phone("anna"), await lab.phone("ben")
    await anna.call("sip:standup@sems")
    assert (await anna.message()).text == f"Votre page de cette conférence : {anna.link}"
    await ben.call("sip:standup@sems")
    await ben.message()
    assert anna.line is not None
    assert anna.link is not None
    assert (await anna.line.send_message("@ben psst")).code < 300
    assert (await ben.message()).text == "anna (à vous seul): psst"
    async with client(server, None) as browser:
        browser.headers["Accept-Language"] = "fr-CH, de;q=0.5"
        front = (await browser.get("/")).text
        assert '<html lang="fr">' in front
        assert "<h1>Rejoignez une salle avec votre téléphone</h1>" in front
        refused = await browser.post("/operator", data={"token": "wrong"})
        assert (refused.status_code, "Ce n’est pas le jeton." in refused.text) == (403, True)
        page = await browser.get(f"/c/{anna.link.rpartition('/')[2]}")
        assert 'src="../static/conference.fr.js"' in page.text
        assert "Couper le micro" in (await browser.get("/static/conference.fr.js")).text


@pytest.mark.parametrize(
    ("language", "subject", "text"),
    [
        ("fr-CH", "Message vocal de Zoë (1:05)", "Il est aussi dans votre boîte : https://a.example/box\n"),
        ("de", "Sprachnachricht von Zoë (1:05)", "Sie liegt auch in Ihrer Box: https://a.example/box\n"),
        ("it", "Voice message from Zoë (1:05)", "It is also in your box: https://a.example/box\n"),
    ],
)
def test_mail_is_in_the_language_of_its_box(tmp_path: Path, language: str, subject: str, text: str) -> None:
    french(tmp_path / "words")
    message = StoredMessage("1", "anna", "new", "Zoë", "", 0.0, 65.0, tmp_path / "1.wav")
    mail = compose(
        BoxSettings(language=language),
        message,
        words.known(tmp_path).of(language),
        sender="voicemail@example.com",
        recipient="anna@example.com",
        in_box=True,
        page="https://a.example/box",
    )
    assert mail.subject == subject
    assert mail.text.endswith(text)


def test_what_a_caller_calls_himself_fills_no_gap_of_the_mail(tmp_path: Path) -> None:
    message = StoredMessage("1", "anna", "new", "{owner} {0}", "", 0.0, 65.0, tmp_path / "1.wav")
    english = words.known(tmp_path).of("en")
    mail = compose(
        BoxSettings(timezone="Europe/Berlin"),
        message,
        english,
        sender="a@b.example",
        recipient="c@b.example",
        in_box=True,
    )
    assert "on 1970-01-01 at 01:00." in mail.text
    assert mail.subject == "Voice message from {owner} {0} (1:05)"
    assert mail.text.endswith("It is also in your box.\n")


async def test_a_file_of_words_that_lacks_some_is_named_in_the_log_and_pages_stay_as_they_are(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    file = french(lab.folder / "sems" / "words", without="mute")
    (file.parent / "notes.js").write_text("// Not yet.\n")
    server = await begin(lab)
    told = {record.file: record for record in caplog.records if "words" in record.message}  # type: ignore[attr-defined]
    assert set(told) == {str(file), str(file.with_name("notes.js"))}
    assert told[str(file)].lacks == "mute"  # type: ignore[attr-defined]
    async with client(server, None) as browser:
        browser.headers["Accept-Language"] = "fr, de;q=0.5"
        assert '<html lang="de">' in (await browser.get("/")).text
