"""Takes messages for those who don't answer: greets, records, and delivers to the box, as e-mail, or both.

Whose box it is, the first of these that there is: parameter ``box=NAME``; ``target`` of the address that was
called (RFC 4458: ``sip:voicemail@…;target=sip:anna@…``); the dialled user; who diverted the call. Parameter
``language``: what is spoken, in place of the box's language. Keys: any skips the greeting, ``#`` ends the
message, ``*`` begins it anew.

Whoever subscribes to ``message-summary`` of a box of his own is told how many messages wait (RFC 3842), and
where the box says ``unsolicited`` its registered telephones are told that have not subscribed.
"""

import asyncio

from sems import (
    App,
    Binding,
    BoxFull,
    Call,
    Draft,
    EngineError,
    HungUp,
    Prompt,
    SemsError,
    Server,
    SipUri,
    SoundNotFound,
    StorageError,
    Subscription,
)

app = App()

SKIP = 0.05
SUMMARY = "application/simple-message-summary"

subscribed: dict[str, set[Subscription]] = {}
"""Who follows each box."""


@app.call
async def main(call: Call) -> None:
    """Greets, records and delivers."""
    boxes = call.server.mailboxes
    box = wanted(call)
    settings = None if box is None else boxes.settings(box)
    if box is None or settings is None:
        await call.reject(404, "No Such Box")
        return
    language = call.params.get("language", settings.language)
    spoken = call.server.sounds.spoken
    name, uri = caller(call)
    await call.answer()
    try:
        draft = await boxes.begin(box, caller_name=name, caller_uri=uri)
    except BoxFull:
        await call.play(spoken("box-full", language))
        return
    except StorageError as error:
        call.log.error("no message can be taken", box=box, why=str(error))
        await call.play(spoken("message-not-kept", language))
        return
    try:
        # Any key skips it.
        await call.ask(await greeting(call, box, language), digits=1, timeout=SKIP, retries=0)
        again = True
        while again:
            await call.tone("beep")
            take = await call.record_until(
                draft.path, keys="#*", silence=settings.silence, limit=settings.max_seconds
            )
            again = take.key == "*"
        if not take.spoken and take.ended_by != "key":
            # Who hangs up without a word leaves none.
            await discard(call, draft)
            return
    except HungUp:
        # Before there was anything to record.
        await discard(call, draft)
        raise
    except EngineError as error:
        call.log.error("a message could not be recorded to its end", box=box, why=str(error))
        draft.cut = True
    except BaseException:
        # Ended from outside, as when the server stops: what was said until then is a message.
        await deliver(call, draft)
        raise
    said = await deliver(call, draft)
    if call.end is None:
        await call.play([spoken(each, language) for each in (said, "goodbye") if each is not None])


async def greeting(call: Call, box: str, language: str) -> Prompt:
    """What greets callers of the box: its own, or the usual one where that can't be had."""
    sounds = call.server.sounds
    try:
        if (own := await call.server.mailboxes.greeting(box)) is not None:
            return await call.while_up(sounds.load(own))
    except (SoundNotFound, StorageError) as error:
        call.log.error("a greeting can't be played", box=box, why=str(error))
    return await sounds.load(sounds.spoken("voicemail-greeting", language))


async def deliver(call: Call, draft: Draft) -> str | None:
    """Delivers what was recorded, and returns what the caller is to be told; None: it was too short to be a
    message."""
    try:
        message = await call.server.mailboxes.deliver(draft)
    except StorageError as error:
        # It lies on the disk, and is delivered as soon as that is possible, also after a restart.
        call.log.error("a message is kept and can't be delivered yet", box=draft.about.box, why=str(error))
        return "message-late"
    if draft.cut:
        return "message-not-kept" if message is None else "message-cut"
    return None if message is None else "message-kept"


async def discard(call: Call, draft: Draft) -> None:
    """It is no message."""
    try:
        await call.server.mailboxes.discard(draft)
    except StorageError as error:
        call.log.error("what is no message can't be deleted", box=draft.about.box, why=str(error))


@app.subscription("message-summary")
async def summary(subscription: Subscription) -> None:
    """Tells how many messages wait, now and whenever that changes."""
    boxes = subscription.server.mailboxes
    box = known(subscription, subscription.params.get("box") or SipUri.parse(subscription.uri).user)
    if box is None or not belongs(subscription, box):
        await subscription.finish("rejected")
        return
    one_by_one = asyncio.Lock()

    async def tell() -> None:
        async with one_by_one:
            await subscription.notify(await summed(subscription.server, box, subscription.uri), SUMMARY)

    def changed(name: str) -> None:
        if name == box:
            subscription.server.spawn(tell())

    unfollow = boxes.follow(changed)

    def ended() -> None:
        unfollow()
        subscribed[box].discard(subscription)

    subscribed.setdefault(box, set()).add(subscription)
    subscription.on_end = ended
    await tell()


@app.start
async def tell_telephones(server: Server) -> None:
    """Has telephones told that have not subscribed, of the boxes that want it."""
    config = server.config
    wanting = {name for name in config.boxes if (box := config.box(name)) is not None and box.unsolicited}
    if not wanting:
        return

    def of(phone: Binding) -> str | None:
        return config.box_of(phone.aor.partition("@")[0])

    def changed(box: str) -> None:
        for phone in server.registrar.bindings() if box in wanting else ():
            if of(phone) == box:
                server.spawn(tell_telephone(server, box, phone))

    def came(phone: Binding) -> None:
        if (box := of(phone)) in wanting and box is not None:
            server.spawn(tell_telephone(server, box, phone))

    server.mailboxes.follow(changed)
    server.registrar.follow(came)


async def tell_telephone(server: Server, box: str, phone: Binding) -> None:
    """A NOTIFY that nobody has asked for, to a telephone that has not subscribed."""
    if any(each.source == phone.source for each in subscribed.get(box, ())):
        return
    headers = [("Event", "message-summary"), ("Subscription-State", "terminated;reason=noresource")]
    address = f"sip:{phone.aor}"
    destination, route = phone.way
    try:
        await server.request(
            "NOTIFY",
            phone.contact,
            destination=destination,
            route=route,
            from_uri=address,
            headers=headers,
            body=await summed(server, box, address),
            content_type=SUMMARY,
        )
    except SemsError:
        # It may be gone, and registers again when it is back.
        return


async def summed(server: Server, box: str, account: str) -> str:
    """How many messages wait, as RFC 3842 has it."""
    counts = await server.mailboxes.counts(box)
    return (
        f"Messages-Waiting: {'yes' if counts.new else 'no'}\r\nMessage-Account: {account}\r\n"
        f"Voice-Message: {counts.new}/{counts.saved} (0/0)\r\n"
    )


def wanted(call: Call) -> str | None:
    """The box that the call is for."""
    diverted = [SipUri.parse(by.uri).user for by in reversed(call.diversions)]
    diverted += [SipUri.parse(target.uri).user for target in call.history]
    target = SipUri.parse(call.request_uri.params.get("target", "")).user
    for name in (call.params.get("box"), target, call.user, *diverted):
        if (box := known(call, name)) is not None:
            return box
    return None


def known(asked: Call | Subscription, name: str | None) -> str | None:
    """The box of that name, or of the user of that name."""
    boxes = asked.server.mailboxes
    return name if name and boxes.settings(name) is not None else boxes.box_of(name)


def caller(call: Call) -> tuple[str, str]:
    """Who leaves the message: his name and his address; nothing of who wants to be unknown."""
    if call.privacy & {"id", "user", "header"}:
        return "", ""
    if (asserted := call.asserted_identity) is not None:
        return asserted.name or call.caller_name, asserted.uri
    return call.caller_name, call.caller_uri


def belongs(subscription: Subscription, box: str) -> bool:
    """Whether the subscriber may know: by a password, the word of a trusted neighbour, or since the owner's
    telephone is registered from there."""
    boxes = subscription.server.mailboxes
    if (user := subscription.authenticated_user) is not None:
        # Others may come from there, too: all who are behind one proxy, which may be a trusted one.
        return boxes.box_of(user) == box
    if subscription.trusted:
        return True
    return any(
        phone.source == subscription.source and boxes.box_of(phone.aor.partition("@")[0]) == box
        for phone in subscription.server.registrar.bindings()
    )
