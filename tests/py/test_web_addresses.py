"""Which addresses in the web callers may have played: as it is decided, so it is fetched."""

from __future__ import annotations

import httpx
from hypothesis import given
from hypothesis import strategies as st

from sems.audio.web import is_within

HOST = "sounds.example"
PREFIX = f"https://{HOST}/announcements"
PIECES = (
    "https://", "http://", "HTTPS://", "//", "/", ":", "@", "\\", "#", "?", ";", "&", "=", "%", "%2f", "%2F",
    "%5c", "%2e", "%252e", "%00", "%40", "%3a", ".", "..", "...", " ", "\t", "\n", "\0", "[", "]", "::1",
    "443", "8443", HOST, "Sounds.Example", "evil.example", "announcements", "Announcements", "a.wav", "user",
    "ä", "。",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans())
def test_what_is_allowed_leads_where_it_seems_to_lead(pieces: list[str], begins_well: bool) -> None:
    address = (f"{PREFIX}/" if begins_well else "") + "".join(pieces)
    if not is_within(address, [PREFIX]):
        return
    # As it will be sent, which must not be read in another way than it was when it was allowed.
    url = httpx.URL(address)
    assert (url.scheme, url.host.rstrip("."), url.port or 443) == ("https", HOST, 443)
    assert not url.userinfo
    sent = url.raw_path.decode().partition("?")[0]
    assert sent == "/announcements" or sent.startswith("/announcements/")
    assert not {".", "..", "%2e", "%2e%2e", ".%2e", "%2e."} & set(sent.lower().split("/"))
    assert not any(escape in sent.lower() for escape in ("%2f", "%5c", "%00", "%25"))
    assert is_within(str(url), [PREFIX])
