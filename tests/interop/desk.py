"""An app for SIPp: keys have it transfer the caller, and it follows who transfers it."""

from sems import App, Call, Refer, SipRequest, Subscription

app = App()


@app.call
async def main(call: Call) -> None:
    await call.answer()
    assert await call.digit() == "1"
    assert await call.digit() == "2"
    transfer = await call.transfer("sip:elsewhere@127.0.0.1", referred_by="sip:desk@sems.example")
    assert transfer.ok


@app.message
async def on_text(message: SipRequest) -> None:
    assert message.text.strip() == "hello"


@app.refer
async def on_refer(refer: Refer) -> None:
    await refer.follow(timeout=1)


@app.subscription("message-summary")
async def on_subscription(subscription: Subscription) -> None:
    if subscription.subscriber.name == "A Stranger":
        return await subscription.finish("rejected")
    await subscription.notify("Voice-Message: 2/0\r\n", "application/simple-message-summary")
