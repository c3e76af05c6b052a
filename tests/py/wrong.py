"""For each argument of each public method what it may not be."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy

from sems import App, Call, Session

Values = tuple[Any, ...]


async def a_coroutine_function(*_: object) -> None:
    """What is no callback."""


# What an argument may not be, by what it is.

_NO_NUMBER: Values = ("1", None, [], b"1", True, 1j, math.nan)
SECONDS: Values = (*_NO_NUMBER, math.inf, -math.inf, -1, -0.001, 1e12, 10**400)
SECONDS_ABOVE_0: Values = (*SECONDS, 0, 0.0)


def or_none(values: Values) -> Values:
    """The same of an argument that may be None."""
    return tuple(value for value in values if value is not None)


def whole(least: int, most: int) -> Values:
    """Of an argument that is a whole number."""
    return (*_NO_NUMBER, math.inf, 1.5, least - 1, most + 1, -(10**30), 10**30)


def number(least: float, most: float) -> Values:
    """Of an argument that is a number."""
    return (*_NO_NUMBER, math.inf, -math.inf, least - 0.5, most + 0.5, 10**400)


def one_of(*choices: object) -> Values:
    """Of an argument that is one of a few words."""
    return (
        7,
        None,
        [],
        b"",
        "",
        "something",
        f"{choices[0]} ",
        str(choices[0]).upper() + "x",
        "a\r\nb",
        "\ud800",
    )


REPEAT = whole(0, 2**32 - 1)
RATE = whole(1000, 768_000)
GAIN: Values = (*_NO_NUMBER, math.inf, 18.5, 10**400)
FLAG: Values = (None, 0, 1, "yes", "", [], math.nan)
CALLBACK: Values = (None, 7, "print", [], a_coroutine_function)
_HALF = "half \ud83d"
LINES: Values = (7, None, b"x", ["x"], _HALF)
"""A text that may have several lines."""
DISPLAY_NAME: Values = (*LINES, "a\0b", "a\r\nVia: b", "a\nb", "a\rb")
TEXT: Values = (*LINES, "a\0b", "a\r\nVia: b", "a\nb", "a\rb", "\x7f", "\x1b[2J")
NOT_EMPTY: Values = (*TEXT, "")
KIND: Values = (7, None, b"x", [], "junk", object())
TOKEN: Values = (7, None, b"x", [], "", "two words", "a\r\nb: c", "a:b", "zoë", "\0", _HALF)
METHOD: Values = (*TOKEN, "INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE")
URI: Values = (
    *(7, None, b"sip:a@b", ["sip:a@b"], "", "junk", "sip:", "sip:@b", "http://b", "mailto:a@b"),
    *(
        "sip:a@b\r\nVia: x",
        "sip:a b@c",
        "sip:a@b>",
        "<sip:a@b>",
        "sip:a@\0",
        f"sip:{_HALF}@b",
        "sip:\ud800@b",
    ),
)
ANY_URI: Values = tuple(value for value in URI if value not in ("sip:@b", "http://b", "mailto:a@b"))
LANGUAGE: Values = (7, None, b"de", [], "two words", "e\0", "../x", "de\r\n", _HALF)
PATH: Values = (7, None, b"x.wav", [], "", "a\0.wav", "\ud83d.wav")
RECORDED: Values = (*PATH, "x.mp3", "x.flac", "x.ogg", Path("x.mp3"), "x.2026")
SOUND: Values = (7, None, b"welcome", bytearray(b"x"), object(), ["welcome", 7], {"welcome"}, Path("a\0.wav"))
KEYS: Values = (7, None, b"1", ["1"], "1x", "12 3", "\0", "a\r\n", _HALF, "٣")
CODECS: Values = (7, None, "PCMU", b"PCMU", [7], [None], [""], ["PCMU\r\n"], [_HALF])
HEADERS: Values = (
    *(
        7,
        None,
        "X-A: b",
        b"X-A: b",
        {"X-A": "b"},
        [7],
        ["X-A"],
        [("X-A",)],
        [("X-A", "b", "c")],
        [("X-A", 7)],
    ),
    *(
        [(7, "b")],
        [("X-A", None)],
        [(b"X-A", b"b")],
        [("", "b")],
        [("X A", "b")],
        [("X-A:", "b")],
        [("Zoë", "b")],
    ),
    *([("X-A", "b\r\nVia: c")], [("X-A", "b\nc")], [("X-A", "\0")], [("X-A", _HALF)], [("X-A\r\nY", "b")]),
    *([(name, "x")] for name in ("Via", "v", "VIA", "Call-ID", "i", "From", "f", "To", "t", "CSeq")),
    *(
        [(name, "x")]
        for name in ("Content-Length", "l", "Content-Type", "c", "Route", "Record-Route", "RSeq", "RAck")
    ),
    *([(name, "x")] for name in ("Session-Expires", "x", "Min-SE")),
)
CONTACT: Values = ([("Contact", "<sip:a@b>")], [("m", "<sip:a@b>")])
HOPS: Values = ([("Max-Forwards", "70")],)
WITHIN: Values = (*HEADERS, *CONTACT, *HOPS)
"""Header fields of what belongs to a call."""
BODY: Values = (7, [], {"a": 1}, object(), _HALF)
CONTENT_TYPE: Values = (7, None, b"text/plain", "text", "text/", "/plain", "text/plain\r\nVia: x", _HALF)
PCM: Values = (
    *(7, None, "text", [1, 2], object(), b"\0", b"\0\0\0"),
    *(numpy.zeros(8, dtype) for dtype in (">i2", "i4", "i8", "f4", "f8", "u2", "i1", "c8", "?")),
    *(numpy.zeros(shape, "i2") for shape in ((4, 2), (2, 4), (4, 1), ())),
)
PLACE: Values = (
    *(
        7,
        b"x",
        [7],
        [],
        "",
        [""],
        "junk",
        "192.0.2.1",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:x",
        "a:5060",
    ),
    *("sctp:192.0.2.1:5060", "192.0.2.300:5060", "192.0.2.1:5060\r\n", "192.0.2.1:5060;name=", _HALF),
)
HOW: dict[str, Values] = {
    "destination": PLACE,
    "route": (7, "sip:proxy@b", b"x", [7], [None], ["junk"], ["sip:a b"], ["sip:a\r\nVia: x"], [_HALF]),
    "from_name": DISPLAY_NAME,
    "from_uri": tuple(value for value in ANY_URI if value != ""),
    "headers": (*HEADERS, *CONTACT),
    "asserted_identity": (*or_none(NOT_EMPTY), "junk"),
    "privacy": (7, None, "id", b"id", [7], [""], ["two words"], ["id\r\nVia: x"], [_HALF]),
    "username": or_none(TEXT),
    "password": or_none(TEXT),
    "realm": or_none(TEXT),
    "account": (*or_none(TEXT), "nobody's"),
}
HOW_INVITE = HOW | {
    "to_uri": tuple(value for value in URI if value != ""),
    "link": or_none(ANY_URI),
    "focus": FLAG,
    "reliable": FLAG,
    "codecs": CODECS,
}
FORK: dict[str, Values] = {
    "serial": FLAG,
    "timeout": SECONDS_ABOVE_0,
    "ring": or_none(SECONDS_ABOVE_0),
    "placed": or_none(CALLBACK),
    "follow_redirects": (None, 0, 1, "yes", a_coroutine_function),
}
MIXING: dict[str, Values] = {"level_control": FLAG, "noise_gate": FLAG, "max_talkers": or_none(whole(1, 32))}
QUALITY = {"loss": number(0, 1), "duplicate": number(0, 1), "delay_ms": number(0, 3_600_000)}
QUALITY |= {"jitter_ms": number(0, 3_600_000)}
RESPOND: dict[str, Values] = {
    "code": whole(200, 699),
    "reason": or_none(TEXT),
    "headers": (*HEADERS, *HOPS),
    "body": BODY,
    "content_type": CONTENT_TYPE,
}
PARAMS: Values = (7, "a=b", [("a", "b")], {7: "b"}, {"a": 7}, {"": "b"}, {"a": _HALF}, {"a\r\n": "b"})


def a_function(it: object) -> None:
    """Not async."""


NUMBER = whole(0, 2**64 - 1)
PARTICIPANT: Values = (None, b"x", [], 1.5, True, -1, 2**64, "", "a\r\nb", _HALF)
TODAY = datetime.date(2026, 11, 26)
MIDNIGHT = datetime.datetime(2026, 11, 26)
HANDLER: Values = (None, 7, "main", a_function, Session, lambda: None)

# What is given beside an argument that is wrong: of the running test, by name (see there), or as it is.
Given = Mapping[str, Any]
Row = tuple[Given, Mapping[str, Values]]

TABLE: dict[str, Row] = {
    "Call.answer": ({}, {"headers": WITHIN, "link": or_none(ANY_URI)}),
    "Call.ask": (
        {},
        {
            "prompt": or_none(SOUND),
            "digits": or_none(whole(1, 2**32 - 1)),
            "timeout": SECONDS,
            "digit_timeout": or_none(SECONDS),
            "retries": REPEAT,
            "terminator": (7, None, b"#", [], "##", "x", "\n", _HALF),
            "pattern": (7, b"\\d", [], "(", "[", "*", "a{2,1}"),
            "barge_in": FLAG,
            "wrong": or_none(SOUND),
            "silent": or_none(SOUND),
        },
    ),
    "Call.bridge": (
        {"to": "sip:bob@bob"},
        {
            "to": (7, None, b"sip:bob@bob", [7], [None], {"sip:bob@bob"}, object()),
            **FORK,
            "ringing": or_none(SOUND),
            "keep_codecs": FLAG,
            "keep_headers": (None, 7, "Subject", [7], [""], ["Via"], ["Subject", "call-id"], ["a\r\nb"]),
            **HOW_INVITE,
        },
    ),
    "Call.deafen": ({}, {"on": FLAG}),
    "Call.digit": ({}, {"timeout": or_none(SECONDS)}),
    "Call.echo": ({"on": True}, {"on": FLAG, "delay": number(0, 10)}),
    "Call.follow_quality": ({}, {"callback": CALLBACK}),
    "Call.hand_over": ({}, {"to": (7, None, b"x", [], object())}),
    "Call.hangup": ({}, {"reason": or_none(TEXT), "cause": or_none(whole(100, 699))}),
    "Call.hold": ({"on": True}, {"on": FLAG, "direction": one_of("inactive")}),
    "Call.join": ({}, {"room": or_none(KIND)}),
    "Call.mute": ({}, {"on": FLAG}),
    "Call.play": ({"sound": "welcome"}, {"sound": SOUND, "repeat": REPEAT, "until": or_none(one_of("key"))}),
    "Call.prefer": ({}, {"codecs": CODECS}),
    "Call.recode": ({}, {"codecs": CODECS}),
    "Call.record": (
        {"path": "x.wav"},
        {"path": RECORDED, "direction": one_of("in"), "rate": RATE},
    ),
    "Call.record_until": (
        {"path": "x.wav"},
        {
            "path": RECORDED,
            "keys": KEYS,
            "silence": or_none(SECONDS_ABOVE_0),
            "limit": SECONDS_ABOVE_0,
            "rate": RATE,
        },
    ),
    "Call.redirect": (
        {"targets": "sip:a@b"},
        {"targets": ANY_URI, "permanently": FLAG, "headers": (*HEADERS, *HOPS)},
    ),
    "Call.reject": (
        {},
        {"code": (*whole(300, 699), 200, 99999), "reason": or_none(TEXT), "headers": (*HEADERS, *HOPS)},
    ),
    "Call.request": (
        {"method": "INFO", "body": "x"},
        {"method": METHOD, "body": BODY, "content_type": CONTENT_TYPE, "headers": WITHIN},
    ),
    "Call.ring": (
        {},
        {
            "code": (*whole(101, 199), 100, 200),
            "early_media": FLAG,
            "reliable": FLAG,
            "headers": WITHIN,
            "link": or_none(ANY_URI),
        },
    ),
    "Call.say": ({"text": "x"}, {"text": LINES, "language": LANGUAGE, "until": or_none(one_of("key"))}),
    "Call.send_digits": ({"digits": "1"}, {"digits": KEYS, "method": one_of("rtp")}),
    "Call.send_message": ({}, {"text": LINES}),
    "Call.set_gain": ({}, {"gain": GAIN}),
    "Call.set_room_volume": ({}, {"gain": GAIN}),
    "Call.set_volume": ({"other": "@call", "gain": 0.0}, {"other": KIND, "gain": or_none(GAIN)}),
    "Call.sleep": ({}, {"seconds": SECONDS}),
    "Call.start_play": (
        {"sound": "welcome"},
        {"sound": SOUND, "repeat": REPEAT, "until": or_none((*one_of("key"), "keys"))},
    ),
    "Call.stop_record": ({}, {"direction": one_of("in")}),
    "Call.subscribe": ({}, {"callback": CALLBACK}),
    "Call.tap": ({}, {"direction": one_of("in"), "rate": RATE}),
    "Call.tone": ({}, {"spec": TEXT}),
    "Call.transfer": (
        {"to": "sip:a@b"},
        {
            "to": (*ANY_URI, object()),
            "referred_by": tuple(value for value in ANY_URI if value != ""),
            "notify": FLAG,
            "hangup": FLAG,
            "timeout": SECONDS_ABOVE_0,
            "after_end": SECONDS,
            "headers": (*WITHIN, [("Refer-To", "<sip:a@b>")], [("r", "<sip:a@b>")], [("Refer-Sub", "false")]),
        },
    ),
    "Call.wait_speaking": ({}, {"on": FLAG, "timeout": or_none(SECONDS)}),
    "Call.while_up": ({}, {"work": KIND}),
    "Call.whisper": ({}, {"to": or_none((*KIND[:3], "junk", [7], [None], object()))}),
    "Server.__init__": (
        {},
        {
            "config": or_none(KIND),
            "apps": or_none(KIND),
            "network": or_none(KIND),
            "web": FLAG,
            "seed": or_none(whole(0, 2**64 - 1)),
        },
    ),
    "Server.base_url": ({}, {"local": or_none(TEXT)}),
    "Server.dial": (
        {"uri": "sip:bob@bob"},
        {
            "uri": URI,
            "link": or_none(ANY_URI),
            "reliable": FLAG,
            "timeout": SECONDS_ABOVE_0,
            "follow_redirects": FLAG,
            "codecs": CODECS,
            **HOW,
        },
    ),
    "Server.fork": (
        {"uris": "sip:bob@bob"},
        {"uris": URI, **FORK, **{name: values for name, values in HOW_INVITE.items() if name != "link"}},
    ),
    "Server.onward": ({"call": "@call"}, {"call": KIND, "to": or_none(TEXT)}),
    "Server.open_room": ({}, MIXING),
    "Server.place": (
        {"uri": "sip:bob@bob"},
        {"uri": URI, **HOW_INVITE, "ring_timeout": SECONDS_ABOVE_0},
    ),
    "Server.request": (
        {"method": "OPTIONS", "uri": "sip:bob@bob"},
        {
            "method": METHOD,
            "uri": URI,
            "body": BODY,
            "content_type": CONTENT_TYPE,
            **HOW,
            "headers": HEADERS,
        },
    ),
    "Server.run": ({}, {"greet": or_none(CALLBACK)}),
    "Server.send_message": (
        {"uri": "sip:bob@bob", "text": "x"},
        {"uri": URI, "text": LINES, **HOW, "headers": HEADERS},
    ),
    "Server.serve": ({"call": "@call", "app": "echo"}, {"call": KIND, "app": TEXT, "params": PARAMS}),
    "Server.spawn": ({}, {"work": KIND}),
    "Server.subscribe": (
        {"uri": "sip:bob@bob", "package": "presence"},
        {
            "uri": URI,
            "package": TOKEN,
            "expires": REPEAT,
            "again": FLAG,
            **HOW,
            "headers": (*HEADERS, *CONTACT, [("Event", "x")], [("o", "x")], [("Expires", "60")]),
        },
    ),
    "Server.trace": ({}, {"call": (None, [], b"x", 1.5, -1, 2**64, "a\r\n", _HALF)}),
    "Server.traced_calls": ({}, {"limit": REPEAT}),
    "Server.way_on": ({}, {"uri": (7, None, b"x", [])}),
    "Server.way_out": (
        {"target": "anna", "who": "me"},
        {"target": TEXT, "who": TEXT, "call": or_none(KIND)},
    ),
    "App.__init__": ({}, {"name": or_none(TEXT)}),
    "App.call": ({}, {"handler": HANDLER}),
    "App.info": ({}, {"package": TOKEN}),
    "App.message": ({}, {"handler": HANDLER}),
    "App.refer": ({}, {"handler": HANDLER}),
    "App.request": ({"method": "OPTIONS"}, {"method": METHOD, "default": or_none(whole(200, 699))}),
    "App.session": ({}, {"kind": (*KIND, App, Call)}),
    "App.start": ({}, {"hook": HANDLER}),
    "App.stop": ({}, {"hook": HANDLER}),
    "App.subscription": ({}, {"package": TOKEN}),
    "Session.start": ({}, {"work": KIND}),
    "Room.coach": ({"coach": "@call", "coached": "@call"}, {"coach": KIND, "coached": KIND}),
    "Room.play": ({"sound": "welcome"}, {"sound": SOUND, "repeat": REPEAT}),
    "Room.private_talk": ({}, {"calls": KIND, "room_gain": GAIN}),
    "Room.record": (
        {"path": "x.wav"},
        {"path": RECORDED, "members": one_of("mix"), "rate": RATE},
    ),
    "Room.set_mixing": ({"level_control": True, "noise_gate": True, "max_talkers": None}, MIXING),
    "Room.start_play": ({"sound": "welcome"}, {"sound": SOUND, "repeat": REPEAT}),
    "Room.subscribe": ({}, {"callback": CALLBACK}),
    "Room.watch_levels": ({}, {"on": FLAG}),
    "PrivateTalk.add": ({}, {"call": KIND}),
    "PrivateTalk.remove": ({}, {"call": KIND}),
    "Playback.on_end": ({}, {"callback": CALLBACK}),
    "Playback.seek": ({}, {"seconds": SECONDS}),
    "Recording.member": ({}, {"call": (None, "x", b"x", [], 1.5, True)}),
    "Recording.on_end": ({}, {"callback": CALLBACK}),
    "Audio.drain": ({}, {"left": SECONDS}),
    "Audio.listen": ({}, {"rate": RATE, "block": number(0.01, 1), "direction": one_of("in")}),
    "Audio.write": ({"pcm": b"\0\0"}, {"pcm": PCM, "rate": (*RATE, 0), "ahead": number(0, 59)}),
    "Audio.write_nowait": ({"pcm": b"\0\0"}, {"pcm": PCM, "rate": (*RATE, 0)}),
    "SoundLibrary.announcement": (
        {"name": "x"},
        {"name": (7, None, b"x", []), "domain": (7, None, b"x", []), "languages": (7, None, "de", [7])},
    ),
    "SoundLibrary.convert": (
        {"source": Path("a.wav"), "target": Path("b.wav")},
        {"source": (*PATH, "a.wav"), "target": (*PATH, "b.wav")},
    ),
    "SoundLibrary.find": ({"name": "x"}, {"name": (7, None, b"x", []), "beside": (7, "x", b"x", [])}),
    "SoundLibrary.load": ({}, {"place": (7, None, b"x", [], "welcome")}),
    "SoundLibrary.named": ({"name": "x"}, {"name": (7, None, b"x", []), "beside": (7, "x", b"x", [])}),
    "SoundLibrary.place": (
        {"sound": "welcome"},
        {"sound": (7, None, b"x", ["welcome"], Path("\0")), "beside": (7, "x", b"x", [])},
    ),
    "SoundLibrary.prompt": (
        {"name": "x", "language": "de"},
        {"name": (7, None, b"x", []), "language": (7, None, b"de", "")},
    ),
    "SoundLibrary.ready": ({}, {"place": (7, None, b"x", [], "welcome")}),
    "SoundLibrary.spoken": ({"name": "x"}, {"name": (7, None, b"x", []), "languages": (7, None, b"de", "")}),
    "SoundLibrary.tone": ({}, {"spec": TEXT}),
    "Spoken.__init__": ({"sounds": "@sounds"}, {"sounds": KIND, "language": LANGUAGE}),
    "Spoken.day": (
        {"day": TODAY, "today": TODAY},
        {"day": KIND, "today": (*KIND, MIDNIGHT.time())},
    ),
    "Spoken.digits": ({}, {"text": (*TEXT, "1x", "1 2", "1+", "٣")}),
    "Spoken.moment": (
        {"moment": MIDNIGHT, "now": MIDNIGHT},
        {"moment": (*KIND, TODAY), "now": (*KIND, TODAY)},
    ),
    "Spoken.number": ({}, {"number": (*_NO_NUMBER, math.inf, 1.5, -1, -(10**30))}),
    "Spoken.time": ({}, {"time": (*KIND, TODAY, MIDNIGHT)}),
    "Conferences.answer": ({}, {"call": KIND}),
    "Conferences.by_number": (
        {"call": "@call", "number": "1"},
        {"call": KIND, "number": (7, None, b"1", []), "known": FLAG},
    ),
    "Conferences.find": ({}, {"name": (7, None, b"x", [])}),
    "Conferences.get": ({}, {"name": (7, None, b"x", [])}),
    "Conferences.subscribe": ({}, {"callback": CALLBACK}),
    "Conferences.take_message": ({"room": None, "message": "@request"}, {"room": (7, b"x"), "message": KIND}),
    "Conferences.take_refer": ({"room": None, "refer": "@refer"}, {"room": (7, b"x"), "refer": KIND}),
    "Conferences.take_subscription": (
        {"room": None, "subscription": "@subscription"},
        {"room": (7, b"x"), "subscription": KIND},
    ),
    "Conference.do": ({"by": None}, {"commands": KIND, "by": or_none(whole(0, 2**64 - 1))}),
    "Conference.follow_levels": ({}, {"callback": CALLBACK}),
    "Conference.follow_quality": ({}, {"callback": CALLBACK}),
    "Conference.join": (
        {"call": "@call"},
        {
            "call": KIND,
            "role": or_none((*one_of("speaker"), "Speaker")),
            "name": or_none(TEXT),
            "muted": FLAG,
            "pin": (7, [], b"1", "x"),
            "waiting_room": ("perhaps", [], 7),
            "language": (7, None, []),
            "no_such_option": (1, None),
        },
    ),
    "Conference.member_of": ({}, {"call": KIND}),
    "Conference.sends_texts_to": ({}, {"call": KIND}),
    "Connections.connect": ({"wanted": "@wanted"}, {"wanted": KIND, "by": TEXT}),
    "Connections.end": ({}, {"id": whole(0, 2**64 - 1)}),
    "Connections.get": ({}, {"id": whole(0, 2**64 - 1)}),
    "Connections.since": ({}, {"sequence": whole(0, 2**64 - 1)}),
    "Connections.subscribe": ({}, {"callback": CALLBACK}),
    "SipRequest.respond": ({}, RESPOND),
    "Refer.follow": ({}, {"timeout": SECONDS_ABOVE_0, **HOW_INVITE}),
    "Refer.progress": ({"code": 180}, {"code": whole(100, 699), "reason": or_none(TEXT)}),
    "Refer.respond": ({}, RESPOND),
    "Subscription.finish": (
        {},
        {
            "reason": TOKEN,
            "retry_after": or_none(REPEAT),
            "body": BODY,
            "content_type": tuple(value for value in CONTENT_TYPE if value != ""),
        },
    ),
    "Subscription.notify": (
        {},
        {
            "body": BODY,
            "content_type": CONTENT_TYPE,
            "headers": (*WITHIN, [("Event", "x")], [("Subscription-State", "active")]),
            "numbered": FLAG,
        },
    ),
    "Lab.__init__": ({}, {"seed": whole(0, (2**64 - 1) // 1000), **QUALITY}),
    "Lab.phone": ({"name": "x"}, {"name": TOKEN, "no_such_setting": (1,), "sip_port": ("x", -1, 70000)}),
    "Lab.place": ({}, {"name": NOT_EMPTY}),
    "Lab.resolve": ({"host": "sems"}, {"host": NOT_EMPTY, "port": or_none(whole(1, 65535))}),
    "Lab.server": (
        {"name": "x"},
        {
            "name": TOKEN,
            "apps": (7, None, [7], [None], ["echo"]),
            "scripts": (7, None, [7], "x.py", ["x.py"]),
            "no_such_setting": (1,),
            "sip_port": ("x", -1, 70000),
        },
    ),
    "Lab.set_network": ({}, QUALITY),
    "Phone.call": (
        {"uri": "sip:mine@sems"},
        {"uri": URI, "headers": (*HEADERS, *CONTACT), "timeout": SECONDS_ABOVE_0},
    ),
    "Phone.consult": (
        {"uri": "sip:mine@sems"},
        {"uri": URI, "headers": (*HEADERS, *CONTACT), "timeout": SECONDS_ABOVE_0},
    ),
    "Phone.dial": ({"uri": "sip:mine@sems"}, {"uri": URI, "headers": (*HEADERS, *CONTACT)}),
    "Phone.hear": ({}, {"seconds": SECONDS}),
    "Phone.hear_all": ({}, {"most": SECONDS}),
    "Phone.hears": (
        {"sound": "welcome"},
        {
            "sound": SOUND,
            "within": SECONDS,
            "language": or_none(LANGUAGE),
            "seconds": or_none(SECONDS_ABOVE_0),
        },
    ),
    "Phone.hold": ({"on": True}, {"on": FLAG, "direction": one_of("inactive")}),
    "Phone.key": ({"keys": "1"}, {"keys": KEYS, "method": one_of("rtp")}),
    "Phone.request": (
        {"method": "OPTIONS", "uri": "sip:mine@sems"},
        {"method": METHOD, "uri": URI, "body": BODY, "content_type": CONTENT_TYPE, "headers": HEADERS},
    ),
    "Phone.say": (
        {"sound": b"\0\0"},
        {"sound": (7, None, [1, 2], object(), *PCM[5:]), "rate": RATE, "repeat": REPEAT},
    ),
    "Phone.send_message": ({"uri": "sip:mine@sems", "text": "x"}, {"uri": URI, "text": LINES}),
    "Phone.set_line": ({}, {"direction": one_of("in"), **QUALITY}),
    "Phone.tone": ({"hz": 440}, {"hz": whole(1, 3999), "level": whole(-127, 0)}),
    "Phone.transfer": ({"uri": "sip:a@b"}, {"uri": or_none(ANY_URI), "timeout": SECONDS_ABOVE_0}),
    "Hearing.__init__": ({}, {"pcm": (7, None, b"\0\0", [1], numpy.zeros(2, "i2"))}),
    "Hearing.after": ({}, {"seconds": SECONDS}),
    "Hearing.before": ({}, {"seconds": SECONDS}),
    "Hearing.has_tone": ({}, {"hz": number(1, 4000)}),
    "Hearing.tone_level": ({}, {"hz": number(1, 4000)}),
    "Headers.__init__": (
        {},
        {"fields": (7, None, "X: y", b"x", {"X": "y"}, [7], ["ab"], [("X",)], [("X", 7)], [(b"X", "y")])},
    ),
    "Headers.all": ({}, {"name": (7, None, b"x", [])}),
    "Headers.canonical": ({}, {"name": (7, None, b"x", [])}),
    "Headers.get": ({"name": "X"}, {"name": (7, None, b"x", []), "default": (7, b"x", [])}),
    "Params.number": (
        {"name": "delay", "most": 10},
        {
            "name": (7, None, b"x", []),
            **dict.fromkeys(("default", "least", "most"), whole(0, 2**64 - 1)),
        },
    ),
    "Params.times": ({"most": 10}, {"name": (7, None, b"x", []), "most": whole(1, 2**32 - 1)}),
    "Apps.add": ({}, {"app": (*KIND, App)}),
    "Apps.find": ({}, {"scripts": (7, None, "x.py", Path("x.py"), [7], ["x.py"])}),
    "Apps.get": ({}, {"name": (7, None, b"x", [])}),
    "Client.__init__": (
        {"url": "http://sems", "token": "x"},
        {"url": (*TEXT, "", "sems", "ftp://sems"), "token": NOT_EMPTY, "transport": or_none(KIND)},
    ),
    "Client.admit": ({"name": "x"}, {"name": NOT_EMPTY, "participant": or_none((*NUMBER, "1"))}),
    "Client.ask": (
        {"method": "GET", "path": "/me", "body": None},
        {"method": TOKEN, "path": (*TEXT, "", "me"), "body": (object(), {1, 2})},
    ),
    "Client.cancel_call": ({"name": "x", "call": 1}, {"name": NOT_EMPTY, "call": NUMBER}),
    "Client.change_conference": ({"name": "x"}, {"name": NOT_EMPTY}),
    "Client.change_participant": (
        {"name": "x", "participant": 1},
        {"name": NOT_EMPTY, "participant": PARTICIPANT},
    ),
    "Client.conference": ({}, {"name": NOT_EMPTY}),
    "Client.connect": (
        {"first": "anna", "to": "ben"},
        {"first": NOT_EMPTY, "to": or_none(TEXT)},
    ),
    "Client.connection": ({}, {"id": NUMBER}),
    "Client.dial": (
        {"name": "x", "target": "anna"},
        {"name": NOT_EMPTY, "target": NOT_EMPTY, "shown": or_none(TEXT)},
    ),
    "Client.end_connection": ({}, {"id": NUMBER}),
    "Client.follow": ({"name": "x"}, {"name": NOT_EMPTY, "since": or_none(NUMBER)}),
    "Client.follow_connection": ({}, {"id": or_none(NUMBER), "since": or_none(NUMBER)}),
    "Client.participant": (
        {"name": "x", "participant": 1},
        {"name": NOT_EMPTY, "participant": PARTICIPANT},
    ),
    "Client.record": (
        {"name": "x", "state": "off"},
        {"name": NOT_EMPTY, "state": one_of("off"), "kind": one_of("mix")},
    ),
    "Client.recordings": ({}, {"name": NOT_EMPTY}),
    "Client.redial": ({"name": "x", "call": 1}, {"name": NOT_EMPTY, "call": NUMBER}),
    "Client.remove": ({"name": "x", "participant": 1}, {"name": NOT_EMPTY, "participant": PARTICIPANT}),
    "Client.say": (
        {"name": "x", "text": "Hello"},
        {"name": NOT_EMPTY, "text": LINES, "to": (7, "1", b"x", [None], ["1"], [-1], [1.5])},
    ),
    "EspeakNg.__init__": (
        {},
        {
            "program": NOT_EMPTY,
            "words_per_minute": whole(1, 1000),
            "voices": (7, "en", ["en"], b"x"),
        },
    ),
    "EspeakNg.speak": ({"text": "x", "language": "en"}, {"text": LINES, "language": LANGUAGE}),
    "Say.__init__": ({"text": "x"}, {"text": LINES, "language": LANGUAGE}),
}
"""By the method: what it is called with, and for each argument what it may not be."""
