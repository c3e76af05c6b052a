"""What the app ordered, ordered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..engine import Event
from ..errors import TraceError
from . import digest
from .record import Entry

if TYPE_CHECKING:
    from ..engine import Engine


class Orders:
    """Gives orders to an engine. It has other numbers for calls, requests and subscriptions than the recorded
    one had."""

    def __init__(self, engine: Engine, entries: Iterable[Entry]) -> None:
        self._core = engine.core
        self._entries = tuple(entries)
        self._call: int | None = None
        told = [entry for entry in self._entries if entry.kind == "told"]
        self._transactions_then = [one for entry in told for one in entry.values("transaction")]
        self._subscriptions_then = [one for entry in told for one in entry.values("subscription")]
        self._transactions: dict[str, int] = {}
        self._subscriptions: dict[str, int] = {}
        self._asked = self._subscribed = 0

    def told(self, event: Event) -> None:
        """The engine tells its app something."""
        match event:
            case Event.Incoming(call) if self._call is None:
                self._call = call
            case Event.Request():
                if self._asked < len(self._transactions_then):
                    self._transactions[self._transactions_then[self._asked]] = event.transaction
                self._asked += 1
            case Event.Subscribed():
                if self._subscribed < len(self._subscriptions_then):
                    self._subscriptions[self._subscriptions_then[self._subscribed]] = event.subscription
                self._subscribed += 1
            case _:
                pass

    def give(self, entry: Entry) -> str | None:
        """Gives an order; returns why it can't be given. Raises TraceError for what is no order."""
        order = _ORDERS.get(entry.text)
        if order is None:
            raise TraceError(f"the order {entry.text!r} is not known here")
        try:
            order(self, _Fields(entry))
        except _NotThere as missing:
            return f"the app could not {entry.text}: there is no {missing}"
        except (KeyError, ValueError) as error:
            raise TraceError(f"the order {entry.text!r} in this trace makes no sense: {error}") from None
        return None

    # One order each

    def _ring(self, fields: _Fields) -> None:
        self._core.ring(
            self._of_call(),
            fields.number("code"),
            fields.headers,
            fields.is_set("early_media"),
            fields.get("link"),
            fields.is_set("reliable"),
        )

    def _answer(self, fields: _Fields) -> None:
        self._core.answer(self._of_call(), fields.headers, fields.get("link"))

    def _reject(self, fields: _Fields) -> None:
        self._core.reject(self._of_call(), fields.number("code"), fields.get("reason"), fields.headers)

    def _hangup(self, fields: _Fields) -> None:
        self._core.hangup(self._of_call(), fields.get("reason"))

    def _focus(self, _: _Fields) -> None:
        self._core.focus(self._of_call())

    def _prefer(self, fields: _Fields) -> None:
        self._core.prefer(self._of_call(), fields.all("codec"))

    def _hold(self, fields: _Fields) -> None:
        # Older recordings only say whether.
        held = "sendonly" if fields.is_set("on") else "sendrecv"
        self._core.hold(self._of_call(), fields.get("direction") or held)

    def _recode(self, fields: _Fields) -> None:
        self._core.recode(self._of_call(), fields.all("codec"))

    def _pass_info(self, fields: _Fields) -> None:
        self._core.pass_info(self._of_call(), fields.all("info_package"))

    def _send_digits(self, fields: _Fields) -> None:
        self._core.send_digits(self._of_call(), fields["digits"], fields["way"])

    def _dial(self, fields: _Fields) -> None:
        _, self._call = self._core.dial(
            fields["uri"],
            fields.all("destination"),
            route=fields.all("route"),
            to_uri=fields.get("to_uri") or "",
            from_name=fields.get("from_name") or "",
            from_uri=fields.get("from_uri") or "",
            headers=fields.headers,
            link=fields.get("link"),
            late_offer=fields.is_set("late_offer"),
            reliable=fields.is_set("reliable"),
            ring_timeout_ms=int(fields.get("ring_timeout_ms") or 185_000),
            credentials=fields.credentials,
            contact=fields.get("contact"),
            focus=fields.is_set("focus"),
            codecs=fields.all("codec"),
        )

    def _request(self, fields: _Fields) -> None:
        if fields.get("uri") is None:
            call = self._of_call()
            self._core.request(fields["method"], call=call, headers=fields.headers, **fields.content)
            return
        self._core.request(
            fields["method"],
            uri=fields["uri"],
            destinations=fields.all("destination"),
            **fields.sender,
            headers=fields.headers,
            **fields.content,
            credentials=fields.credentials,
        )

    def _respond(self, fields: _Fields) -> None:
        self._core.respond(
            self._of_transaction(fields),
            fields.number("code"),
            fields.get("reason"),
            headers=fields.headers,
            **fields.content,
        )

    def _subscribe(self, fields: _Fields) -> None:
        _, self._subscriptions[fields["subscription"]] = self._core.subscribe(
            fields["uri"],
            fields.all("destination"),
            fields["package"],
            fields.number("expires"),
            **fields.sender,
            headers=fields.headers,
            credentials=fields.credentials,
        )

    def _unsubscribe(self, fields: _Fields) -> None:
        self._core.unsubscribe(self._of_subscription(fields))

    def _refer(self, fields: _Fields) -> None:
        # Another call is named by the dialog that it had then.
        uri = fields.get("to") or self._referred_to(fields.entry)
        _, self._subscriptions[fields["subscription"]] = self._core.refer(
            self._of_call(), uri=uri, silent=fields.is_set("silent"), headers=fields.headers
        )

    def _referred_to(self, order: Entry) -> str:
        later = self._entries[self._entries.index(order) :]
        for entry in later:
            if entry.kind == "sent" and entry.is_request and entry.method == "REFER":
                return entry.header("Refer-To").removeprefix("<").removesuffix(">")
        raise KeyError("to")

    def _accept_refer(self, fields: _Fields) -> None:
        transaction = self._of_transaction(fields)
        _, self._subscriptions[fields["subscription"]] = self._core.accept_refer(transaction)

    def _notify_refer(self, fields: _Fields) -> None:
        self._core.notify_refer(self._of_subscription(fields), fields.number("code"), fields.get("reason"))

    def _notify(self, fields: _Fields) -> None:
        after = fields.get("retry_after")
        self._core.notify(
            self._of_subscription(fields),
            fields["state"],
            reason=fields.get("reason") or "noresource",
            retry_after=None if after is None else int(after),
            headers=fields.headers,
            **fields.content,
            numbered=fields.is_set("numbered"),
        )

    def _register(self, fields: _Fields) -> None:
        self._core.register(
            fields.number("account"),
            fields["uri"],
            fields["registrar"],
            fields.all("destination"),
            route=fields.all("route"),
            expires=fields.number("expires"),
            credentials=fields.credentials,
        )

    def _reroute(self, fields: _Fields) -> None:
        self._core.reroute(fields.number("account"), fields.all("destination"))

    def _unregister(self, fields: _Fields) -> None:
        self._core.unregister(fields.number("account"))

    def _take(self, fields: _Fields) -> None:
        methods = zip(fields.all("method"), fields.all("code"), fields.all("after_ms"), strict=True)
        self._core.take(
            [(method, int(code), int(after)) for method, code, after in methods],
            message_types=fields.all("message_type"),
            info_packages=fields.all("info_package"),
        )

    def _shutdown(self, _: _Fields) -> None:
        self._core.shutdown()

    # What they are about

    def _of_call(self) -> int:
        if self._call is None:
            raise _NotThere("call")
        return self._call

    def _of_transaction(self, fields: _Fields) -> int:
        try:
            return self._transactions[fields["transaction"]]
        except KeyError:
            raise _NotThere("such request") from None

    def _of_subscription(self, fields: _Fields) -> int:
        try:
            return self._subscriptions[fields["subscription"]]
        except KeyError:
            raise _NotThere("such subscription") from None


class _NotThere(Exception):
    pass


class _Fields:
    """The details of an order."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        return self.entry.values(name)

    def number(self, name: str) -> int:
        return int(self[name])

    def is_set(self, name: str) -> bool:
        return self.get(name) == "true"

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = (line.partition(":") for line in self.all("header"))
        return [(name.strip(), value.strip()) for name, _, value in lines]

    @property
    def credentials(self) -> list[tuple[str | None, str, str]]:
        """With the password that everybody has in a replay."""
        return [
            (realm or None, username, digest.PASSWORD)
            for username, realm in zip(self.all("username"), self.all("realm"), strict=False)
        ]

    @property
    def content(self) -> dict[str, Any]:
        kind, text, encoded = (self.get(name) for name in ("content_type", "body", "body_hex"))
        if kind is None:
            return {}
        body = bytes.fromhex(encoded) if encoded is not None else (text or "").encode()
        return {"body": body, "content_type": kind}

    @property
    def sender(self) -> dict[str, Any]:
        return {
            "route": self.all("route"),
            "from_name": self.get("from_name") or "",
            "from_uri": self.get("from_uri") or "",
        }


_NAMES = (
    "ring answer reject hangup focus prefer hold recode pass_info send_digits dial request respond subscribe "
    "unsubscribe refer accept_refer notify_refer notify register reroute unregister take shutdown"
)
_ORDERS: dict[str, Callable[[Orders, _Fields], None]] = {
    name: getattr(Orders, f"_{name}") for name in _NAMES.split()
}
