"""Lets all who call the same name talk and write with each other, and gives each a page to see and steer it.

Parameters: ``room=NAME`` (default: the dialled user), ``role=moderator|speaker|listener``, and those of
``[rooms]``.
"""

from sems import App, Call, Refer, SipRequest, SipUri, Subscription

app = App()


@app.call
async def main(call: Call) -> None:
    """Takes part until the caller hangs up or is removed."""
    await call.server.conferences.get(room(call)).join(call)


@app.message
async def text(message: SipRequest) -> None:
    """A text from one who takes part, for all who do."""
    await message.server.conferences.take_message(room(message), message)


@app.subscription("conference")
async def follow(subscription: Subscription) -> None:
    """One who takes part is told who else does."""
    await subscription.server.conferences.take_subscription(room(subscription), subscription)


@app.refer
async def invite(refer: Refer) -> None:
    """One who takes part has somebody called, or removed."""
    await refer.server.conferences.take_refer(room(refer), refer)


def room(asked: Call | SipRequest | Subscription) -> str:
    """The room that is meant."""
    return asked.params.get("room") or SipUri.parse(asked.uri).user or "main"
