"""Reads a document of RFC 4575 as strictly as its schema wants it."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

NAMESPACE = "urn:ietf:params:xml:ns:conference-info"
NAMES = {"": NAMESPACE}

# What may stand in each element, in this order (RFC 4575 §7).
_CHILDREN = {
    "conference-info": (
        *("conference-description", "host-info", "conference-state", "users"),
        *("sidebars-by-ref", "sidebars-by-val"),
    ),
    "conference-description": (
        *("display-text", "subject", "free-text", "keywords", "conf-uris", "service-uris"),
        *("maximum-user-count", "available-media"),
    ),
    "conf-uris": ("entry",),
    "service-uris": ("entry",),
    "available-media": ("entry",),
    "conf-uris/entry": ("uri", "display-text", "purpose"),
    "service-uris/entry": ("uri", "display-text", "purpose"),
    "available-media/entry": ("display-text", "type", "status"),
    "conference-state": ("user-count", "active", "locked"),
    "users": ("user",),
    "user": ("display-text", "associated-aors", "roles", "languages", "cascaded-focus", "endpoint"),
    "roles": ("entry",),
    "endpoint": (
        *("display-text", "referred", "status", "joining-method", "joining-info"),
        *("disconnection-method", "disconnection-info", "media", "call-info"),
    ),
    "media": ("display-text", "type", "label", "src-id", "status"),
}
_MANY = {"entry", "user", "endpoint", "media"}
_ATTRIBUTES = {
    "conference-info": {"entity", "state", "version"},
    "users": {"state"},
    "user": {"entity", "state"},
    "endpoint": {"entity", "state"},
    "media": {"id", "state"},
    "available-media/entry": {"label"},
}
_NEEDED = {"conference-info": {"entity"}, "media": {"id"}, "available-media/entry": {"label"}}
_VALUES = {
    "endpoint/status": {
        *("pending", "dialing-out", "dialing-in", "alerting", "on-hold", "connected", "muted-via-focus"),
        *("disconnecting", "disconnected"),
    },
    "joining-method": {"dialed-in", "dialed-out", "focus-owner"},
    "entry/status": {"recvonly", "sendonly", "sendrecv", "inactive"},
    "media/status": {"recvonly", "sendonly", "sendrecv", "inactive"},
    "active": {"true", "false"},
    "locked": {"true", "false"},
    "purpose": {"participation", "streaming", "event", "recording", "web-page"},
}
_NUMBERS = {"user-count", "maximum-user-count"}
_STATES = {"full", "partial", "deleted"}


def read(body: bytes | str) -> Element:
    """The root of the document. Fails where it breaks a rule."""
    root = ElementTree.fromstring(body)
    assert _name(root) == "conference-info", root.tag
    assert root.get("version", "").isdecimal()
    _check(root, "")
    return root


def _name(element: Element) -> str:
    assert element.tag.startswith(f"{{{NAMESPACE}}}"), f"{element.tag} is of another namespace"
    return element.tag.rpartition("}")[2]


def _known(table: dict[str, object], name: str, parent: str) -> str:
    return f"{parent}/{name}" if f"{parent}/{name}" in table else name


def _check(element: Element, parent: str) -> None:
    name = _name(element)
    key = _known({**_CHILDREN, **_ATTRIBUTES, **_VALUES}, name, parent)
    attributes = set(element.attrib)
    assert attributes <= _ATTRIBUTES.get(key, set()), f"{key} has {attributes}"
    assert _NEEDED.get(key, set()) <= attributes, f"{key} has only {attributes}"
    if "state" in attributes:
        assert element.get("state") in _STATES, f"{key} is {element.get('state')}"
    order = _CHILDREN.get(key, ())
    names = [_name(child) for child in element]
    assert set(names) <= set(order), f"{key} holds {names}"
    assert names == sorted(names, key=order.index), f"{key} has {names} out of order"
    for each in set(names) - _MANY:
        assert names.count(each) == 1, f"{key} has {each} more than once"
    if not order:
        text = element.text or ""
        assert key not in _VALUES or text in _VALUES[key], f"{key} is {text!r}"
        assert key not in _NUMBERS or text.isdecimal(), f"{key} is {text!r}"
        assert text.strip(), f"{key} is empty"
    for child in element:
        _check(child, name)
