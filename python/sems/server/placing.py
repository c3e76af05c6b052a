"""What a server does on the way out: whom it may call, and the calls and requests that it sends."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from .. import checks
from ..call import Call
from ..events import Ended
from ..sip import subscriptions
from ..sip.requests import SipResponse
from . import forking, outgoing
from .onward import onward
from .outgoing import How

if TYPE_CHECKING:
    from ..conference import Conferences
    from ..registration.registrar import Registrar
    from .server import Server


class Placing:
    """The calls and requests of a server. See :class:`~sems.server.Server`, which adds the rest."""

    conferences: Conferences
    """Made at the start."""
    registrar: Registrar
    """Who is registered at us; made at the start."""

    @property
    def _server(self) -> Server:
        return cast("Server", self)

    def way_out(self, target: str, who: str, *, call: Call | None = None) -> tuple[str, How]:
        """How ``target``, a name, a number or an address, may be called at the wish of somebody of whom we
        know who he is (``who``): its address and what :meth:`dial` takes with it, as ``[dialout]`` says. A
        phone that is registered here may be called always. ``call``: that of who wishes it; as long as that
        lasts what is placed counts for the limits of ``[dialout]``.

        Raises SemsError when it may not be called."""
        checks.text("target", target)
        checks.text("who", who)
        if call is not None:
            checks.kind("call", call, "a call, or None", Call)
        if self.registrar.enabled and self.registrar.find(target):
            return target, {}
        way = self.conferences.exchange.way(target, who, None)
        self.conferences.exchange.check_limits(who)
        if call is not None:
            over = self.conferences.exchange.begin(who)
            call.subscribe(lambda event: over() if isinstance(event, Ended) else None)
        return way.uri, way.how

    def way_on(self, uri: str) -> tuple[str, forking.How]:
        """How a call goes on that was sent elsewhere (3xx): its address and the way there, as for
        :meth:`way_out`. For ``follow_redirects`` of :meth:`fork` and :meth:`Call.bridge()
        <sems.call.Call.bridge>`, when whoever is called is not to choose at our expense:

        >>> call = await server.fork("sip:alice@example.org", follow_redirects=server.way_on)

        Raises SemsError when ``[dialout]`` does not allow that address, or it is none."""
        checks.kind("uri", uri, "an address", str)
        if self.registrar.enabled and self.registrar.find(uri):
            return uri, {}
        way = self.conferences.exchange.redirected(uri)
        return way.uri, cast(forking.How, way.how)

    async def onward(self, call: Call, to: str | None = None) -> tuple[str, How]:
        """Where a call goes on that comes here on its way: its address and what :meth:`Call.bridge()
        <sems.call.Call.bridge>` takes with it.

        ``to``: whom it is for, an address, or a name or number of ``[dialout]``; None: as its Request-URI
        says. A trusted neighbour, such as the proxy that has
        sent it here, may have anybody called: by the rest of its Route (RFC 3261 §16.12), else by
        ``outbound_proxy``, else straight. For others it is as ``[dialout]`` says (:meth:`way_out`), and
        counts as a call of theirs.

        Who calls by the word of a neighbour (P-Asserted-Identity) is told where it goes to another who is
        trusted; what is to be private is so everywhere.

        Raises CallFailed: with 403 when that may not be called, and 482 when it would come here again.
        """
        checks.kind("call", call, "a call", Call)
        checks.text("to", to, none=True)
        return await onward(self._server, call, to)

    async def place(
        self,
        uri: str,
        *,
        to_uri: str = "",
        link: str | None = None,
        focus: bool = False,
        reliable: bool = False,
        ring_timeout: float = outgoing.RING_TIMEOUT,
        codecs: Sequence[str] = (),
        **how: Unpack[How],
    ) -> Call:
        """Sends an INVITE and returns at once with the call, which is yet to be answered.

        ``uri``: of a user of our registrar it stands for the phone that is preferred, unless one of
        ``destination``, ``route`` and ``account`` says otherwise. ``to_uri``: the To address; ``""``:
        ``uri``. ``link``: the control page of this call, which goes out as ``u=``.
        ``focus``: it is for a conference of ours, as our Contact says (RFC 4579).
        ``reliable``: whom we call has to ring reliably (RFC 3262). ``ring_timeout``: after so many seconds
        without an answer the call is taken back, or after ``[limits] unanswered`` if that is less.
        ``codecs``: the names of those to offer, the best first; none: all of ``[audio] codecs``.

        ``how``: where it is sent (``destination``, ``route``), who sends it (``from_name``, ``from_uri``,
        ``account``, ``username``, ``password``, ``realm``, ``asserted_identity``, ``privacy``) and with which
        ``headers``, each as :class:`~sems.server.How` says.

        Raises CallFailed when the next hop can't be found, and ValueError for what is no SIP URI and for a
        codec that the server has not.
        """
        return await outgoing.place(
            self._server,
            uri,
            to_uri=to_uri,
            link=link,
            focus=focus,
            reliable=reliable,
            ring_timeout=ring_timeout,
            codecs=codecs,
            **how,
        )

    async def dial(
        self,
        uri: str,
        *,
        link: str | None = None,
        reliable: bool = False,
        timeout: float = 60.0,
        follow_redirects: bool = False,
        codecs: Sequence[str] = (),
        **how: Unpack[How],
    ) -> Call:
        """Places a call and returns when it is answered; the rest as :meth:`place`.

        A user of our registrar who has several phones is called at one after the other.
        ``follow_redirects``: a call that is sent elsewhere (3xx) is placed there, each address once; to
        another domain without ``username`` and ``password``.

        Raises CallFailed with the code of the refusal, or 408 after ``timeout`` seconds. Cancelling it
        takes the call back.
        """
        return await outgoing.dial(
            self._server,
            uri,
            link=link,
            reliable=reliable,
            timeout=timeout,
            follow_redirects=follow_redirects,
            codecs=codecs,
            **how,
        )

    async def fork(
        self,
        *uris: str,
        serial: bool = False,
        timeout: float = 60.0,
        ring: float | None = None,
        placed: Callable[[Call], None] | None = None,
        follow_redirects: bool | forking.Onward = False,
        **how: Unpack[forking.How],
    ) -> Call:
        """Calls several, and returns the call of the first who answers; those of the others are taken back.

        >>> call = await server.fork("sip:alice@example.org", "sip:bob@example.org", timeout=30)

        All are called at once, or with ``serial`` one after the other. ``timeout``: seconds for all of it.
        ``ring``: how many of them each may ring; None: as long as there is time, shared out evenly if
        ``serial``. ``placed`` is told of each call when it is placed, to follow its progress and to hear its
        early media. ``follow_redirects``: who is sent elsewhere (3xx) is called there, at up to ten addresses
        and at none twice; that may be somebody whom we did not choose, at our expense, so :meth:`way_on` is
        the better value: only where ``[dialout]`` allows it. Without it such a
        refusal names the ``targets``. A user of our registrar is called at all phones. The rest is as in
        :meth:`place`, for all of them alike.

        Raises CallFailed with the best of all refusals (RFC 3261 §16.7): one that says that nobody wants the
        call (6xx) ends it all; 408 when nobody answers in time. Cancelling it takes all calls back.
        """
        return await forking.fork(
            self._server,
            uris,
            serial=serial,
            timeout=timeout,
            ring=ring,
            placed=placed,
            follow_redirects=follow_redirects,
            **how,
        )

    def forked(self, uris: Sequence[str], **how: Any) -> Coroutine[Any, Any, Call]:
        """For bridges: :meth:`fork`, with ``rather``, the codecs to offer; who takes none of them is called
        again with all."""
        return forking.fork(self._server, uris, **how)

    async def request(
        self,
        method: str,
        uri: str,
        *,
        body: bytes | str | None = None,
        content_type: str = "text/plain",
        **how: Unpack[How],
    ) -> SipResponse:
        """Sends a request outside any call, of any method but those of calls, and returns the final
        response. A text is sent as UTF-8; who sends it and where are as in :meth:`place`.

        Raises CallFailed when the address can't be found, ValueError for what is no SIP URI, and
        EngineError when it can't be sent.
        """
        return await outgoing.request(self._server, method, uri, body=body, content_type=content_type, **how)

    async def send_message(self, uri: str, text: str, **how: Unpack[How]) -> SipResponse:
        """Sends a text (MESSAGE, RFC 3428); the rest as :meth:`request`."""
        checks.text("text", text, lines=True)
        return await self.request("MESSAGE", uri, body=text, content_type="text/plain;charset=UTF-8", **how)

    async def subscribe(
        self, uri: str, package: str, *, expires: int = 600, again: bool = True, **how: Unpack[How]
    ) -> subscriptions.Notifications:
        """Subscribes to an event package (RFC 6665) and returns what to iterate over for what is notified.

        ``expires``: for how many seconds at a time, the core refreshing it; 0: for a single look.
        ``again``: one that the notifier ends is made again where RFC 6665 §4.1.3 says that it may be.
        Who subscribes and where are as in :meth:`place`.

        Raises CallFailed with the code of the refusal, or when the address can't be found.
        """
        return await outgoing.subscribe(self._server, uri, package, expires=expires, again=again, **how)
