//! What is asked of the signaling thread.

use std::time::Duration;

use sems_sdp::Direction as StreamDirection;
use sems_sip::auth::Keyring;

use crate::{
    account::Account,
    config::Taken,
    destination::Destination,
    ids::{CallId, SubscriptionId, TransactionId},
    request::{FinalResponse, OutgoingRequest},
    subscription::{Notification, Refer, Subscribe},
};

/// Header fields in order, as name and value.
pub type HeaderList = Vec<(String, String)>;

/// What the signaling thread does: SIP, SDP, and the making and ending of legs.
#[derive(Clone, Debug)]
pub enum SignalingCommand {
    /// Sends a provisional response to an incoming call (100 < `code` < 200).
    Ring {
        /// An incoming call that has no final response yet.
        call: CallId,
        /// 180, 181, 182 or 183.
        code: u16,
        /// Further header fields.
        headers: HeaderList,
        /// Opens the leg and carries the SDP answer, so that the caller hears what is played.
        early_media: bool,
        /// Sends it until the caller has acknowledged it (RFC 3262), which it has to know. What
        /// carries SDP goes that way to all callers who know it, and to those who require it
        /// everything.
        reliable: bool,
        /// The control page of this call: the `u=` line of every SDP sent from now on.
        link: Option<String>,
    },
    /// Answers an incoming call with 200; done when the ACK has come.
    Answer {
        /// An incoming call that has no final response yet.
        call: CallId,
        /// Further header fields.
        headers: HeaderList,
        /// As in [`SignalingCommand::Ring`]; also sent as `Call-Info: <link>;purpose=info`.
        link: Option<String>,
    },
    /// Refuses an incoming call.
    Reject {
        /// An incoming call that has no final response yet.
        call: CallId,
        /// 300–699.
        code: u16,
        /// Reason phrase; `None`: the standard one.
        reason: Option<String>,
        /// Further header fields, such as `Contact` with 302.
        headers: HeaderList,
    },
    /// Ends a call in whatever state it is: CANCEL, BYE or a final response, as RFC 3261 wants.
    Hangup {
        /// Any call.
        call: CallId,
        /// Value of a `Reason` header field (RFC 3326).
        reason: Option<String>,
    },
    /// Places a call.
    Dial(Box<Dial>),
    /// Which codecs our answer or offer is to have, which is yet to be made in this call: of an offer that is
    /// in, the first of these; of ours, these only.
    Prefer {
        /// A call that nothing is agreed in yet.
        call: CallId,
        /// By their names, such as `PCMU`, the best first. What we don't have is passed over.
        codecs: Vec<String>,
    },
    /// Says in the Contact of a call, from its next message on, that we are the focus of a conference
    /// (RFC 4579 §5.1).
    Focus {
        /// Any call.
        call: CallId,
    },
    /// Puts the peer on hold (we offer `sendonly`, or less) or takes it back (`sendrecv`): by
    /// re-INVITE, or by UPDATE while it rings.
    Hold {
        /// An answered call, or one with early media that both sides know to be there (RFC 3262).
        call: CallId,
        /// What we offer.
        direction: StreamDirection,
    },
    /// Offers the peer these codecs, in the same way, with the direction as it is.
    Recode {
        /// As for [`SignalingCommand::Hold`].
        call: CallId,
        /// By their names, the best first.
        codecs: Vec<String>,
    },
    /// INFO of these packages (RFC 6086) comes to Python as a request to be answered, though nothing
    /// here takes them: the other side of a bridge does.
    PassInfo {
        /// Any call.
        call: CallId,
        /// Instead of those before.
        packages: Vec<String>,
    },
    /// Sends a request that makes no call. It is done with
    /// [`Event::Response`](crate::event::Event::Response), or with an error when it can't be sent.
    Request(Box<OutgoingRequest>),
    /// Answers an [`Event::Request`](crate::event::Event::Request).
    Respond {
        /// As told there.
        transaction: TransactionId,
        /// The answer.
        response: Box<FinalResponse>,
    },
    /// Sends digits to the peer, 100 ms each. In RTP 100 ms pass between them; done when they are
    /// queued there. By INFO each is sent when the one before is answered and 200 ms have passed
    /// since; done when the last is answered, or one is refused.
    SendDigits {
        /// A call with a leg.
        call: CallId,
        /// `0-9 * # A-D`
        digits: String,
        /// How.
        way: DigitWay,
    },
    /// Subscribes (RFC 6665); the subscription is
    /// [`SubscriptionId::ours`](crate::ids::SubscriptionId::ours). Refreshed until `Unsubscribe`.
    Subscribe(Box<Subscribe>),
    /// Ends a subscription of ours.
    Unsubscribe {
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// Has a call's peer call somebody else (RFC 3515). What comes of it is told like a subscription.
    Refer(Box<Refer>),
    /// Accepts a REFER of [`Event::Request`](crate::event::Event::Request): its sender is told what
    /// comes of it by `NotifyRefer` to
    /// [`SubscriptionId::theirs`](crate::ids::SubscriptionId::theirs).
    AcceptRefer {
        /// As told there.
        transaction: TransactionId,
    },
    /// Tells what has come of a REFER, for the last time with a final status.
    NotifyRefer {
        /// The subscription.
        subscription: SubscriptionId,
        /// 100–699.
        code: u16,
        /// Reason phrase; `None`: the standard one.
        reason: Option<String>,
    },
    /// Notifies who has subscribed.
    Notify {
        /// The subscription.
        subscription: SubscriptionId,
        /// What it is told.
        notification: Box<Notification>,
    },
    /// Registers an address of ours, and keeps it registered until `Unregister` or the end.
    Register(Box<Account>),
    /// Takes another way to an account's registrar, at once if it can't be reached now.
    Reroute {
        /// As in [`Account::id`].
        account: u64,
        /// As in [`Account::destinations`].
        destinations: Vec<Destination>,
    },
    /// Takes a registration back.
    Unregister {
        /// As in [`Account::id`].
        account: u64,
    },
    /// Which requests beside calls Python takes from now on.
    Take(Box<Takes>),
    /// Stops taking calls, ends all that exist, and is done when the last is gone (or after 3 s).
    Shutdown,
}

/// What Python takes beside calls; each as in [`EngineConfig`](crate::config::EngineConfig).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Takes {
    /// Methods beside those of calls.
    pub methods: Vec<Taken>,
    /// Media types that a MESSAGE may carry; empty: any.
    pub message_types: Vec<String>,
    /// Packages of INFO.
    pub info_packages: Vec<String>,
}

/// How digits are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DigitWay {
    /// In RTP where telephone-event was agreed on, else by INFO.
    #[default]
    Agreed,
    /// As telephone events in RTP (RFC 4733).
    Rtp,
    /// By INFO with `application/dtmf-relay`.
    Info,
}

/// A call to be placed.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The id that the call will have.
    pub call: CallId,
    /// Request-URI.
    pub uri: String,
    /// To address; empty: the Request-URI.
    pub to_uri: String,
    /// From display name, empty for none.
    pub from_name: String,
    /// From URI; empty: `sip:sems@<our address>`.
    pub from_uri: String,
    /// Where the INVITE is sent, the best first; not empty. Names are resolved by the caller.
    pub destinations: Vec<Destination>,
    /// URIs of a Route to start with (RFC 3261 §8.1.2), such as that of an outbound proxy.
    pub route: Vec<String>,
    /// Further header fields.
    pub headers: HeaderList,
    /// As in [`SignalingCommand::Ring`].
    pub link: Option<String>,
    /// The INVITE carries no offer: the peer makes it in its 200, and our ACK answers it.
    pub late_offer: bool,
    /// Who is called has to send provisional responses reliably (`Require: 100rel`, RFC 3262).
    pub reliable: bool,
    /// How long it may ring until the call is taken back, if that is less than
    /// [`EngineConfig::unanswered`](crate::config::EngineConfig::unanswered).
    pub ring_timeout: Option<Duration>,
    /// What challenges are answered with, for as long as the call lasts.
    pub credentials: Keyring,
    /// Our Contact, if not the address at which the peer reaches us: that of an account.
    pub contact: Option<String>,
    /// As [`SignalingCommand::Focus`], from the INVITE on.
    pub focus: bool,
    /// The codecs to offer, by their names, the best first; empty: all.
    pub codecs: Vec<String>,
}

/// How long a call that we place rings at most, if nothing else is said: somewhat longer than the
/// proxies on its way have patience for (Timer C, RFC 3261 §16.6).
pub const RING_TIMEOUT: Duration = Duration::from_secs(185);

impl Dial {
    /// A call to a URI by way of its destinations, without more to it.
    pub fn new(call: CallId, uri: impl Into<String>, destinations: Vec<Destination>) -> Self {
        Self {
            call,
            uri: uri.into(),
            to_uri: String::new(),
            from_name: String::new(),
            from_uri: String::new(),
            destinations,
            route: Vec::new(),
            headers: Vec::new(),
            link: None,
            late_offer: false,
            reliable: false,
            ring_timeout: Some(RING_TIMEOUT),
            credentials: Keyring::default(),
            contact: None,
            focus: false,
            codecs: Vec::new(),
        }
    }
}
