//! Everything that the engine tells Python.

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use sems_sip::transaction::Transport;

use crate::{
    account::AccountState,
    command::{Direction, HeaderList, StreamDirection},
    ids::{CallId, PlayId, RecordingId, RequestId, RoomId, SubscriptionId, TapId},
    media::prompt::PromptHandle,
    quality::Quality,
    request::{FinalResponse, IncomingRequest},
    subscription::Subscribed,
};

/// Who sounds in a room and how loud (dBov, −127 to 0): the loudest, as many as fit.
pub type LevelList = ArrayVec<(CallId, i8), 8>;

/// What happened. State events are never dropped; levels and quality coalesce.
#[derive(Debug)]
pub enum Event {
    /// A command has been carried out, or could not be.
    Done {
        /// The command.
        request: RequestId,
        /// Why not, in plain words; `None`: it was.
        error: Option<String>,
    },
    /// A prompt that was asked for has been read and coded.
    PromptLoaded {
        /// The command.
        request: RequestId,
        /// The sound.
        prompt: PromptHandle,
    },
    /// Someone calls. 100 Trying has been sent, and the offer (if any) can be answered.
    Incoming(Box<Incoming>),
    /// A call that we placed makes progress (1xx).
    Progress {
        /// The call.
        call: CallId,
        /// 101–199.
        code: u16,
        /// Reason phrase.
        reason: String,
        /// An SDP answer came with it: the leg is open and hears early media.
        early_media: bool,
        /// The peer's control page, the `u=` line of its SDP.
        link: Option<String>,
        /// Name of the codec of the early media.
        codec: Option<&'static str>,
        /// All header fields, in their order.
        headers: HeaderList,
    },
    /// A call that we placed was answered; its ACK has been sent and its leg is open.
    Answered {
        /// The call.
        call: CallId,
        /// All header fields of the 200.
        headers: HeaderList,
        /// The peer's control page, the `u=` line of its SDP.
        link: Option<String>,
        /// Name of the negotiated codec, such as `PCMU`.
        codec: &'static str,
    },
    /// The ACK to our 200 has come.
    Confirmed {
        /// The call.
        call: CallId,
        /// Name of the negotiated codec.
        codec: &'static str,
    },
    /// The peer changed the session (re-INVITE): hold, resume, codec, address.
    Updated {
        /// The call.
        call: CallId,
        /// What the peer wishes to do: anything but `sendrecv` is a hold.
        direction: StreamDirection,
        /// Name of the negotiated codec.
        codec: &'static str,
    },
    /// A call that we placed was redirected (3xx): told before its end.
    Redirected {
        /// The call.
        call: CallId,
        /// The URIs to try instead, the preferred first.
        targets: Vec<String>,
    },
    /// Another peer has taken the place of the call's (RFC 3891): all else stays as it is, and
    /// [`Event::Confirmed`] tells that its ACK has come.
    Replaced(Box<Incoming>),
    /// The call is over: told exactly once for each call, and the last that is told of it.
    Ended {
        /// The call.
        call: CallId,
        /// Why.
        cause: EndCause,
        /// Final response code, where one was sent or received.
        code: Option<u16>,
        /// Reason phrase, or text of the Reason header field, or the error.
        reason: String,
    },
    /// The peer pressed a key (RFC 4733), told when the key goes down.
    Digit {
        /// The call.
        call: CallId,
        /// `0-9 * # A-D`
        digit: char,
    },
    /// The peer began or ceased to speak.
    Speaking {
        /// The call.
        call: CallId,
        /// Speaks.
        on: bool,
    },
    /// Levels of those who sound in a room, or whisper to some there, at most ten times a second, and once when all are silent.
    Levels {
        /// The room.
        room: RoomId,
        /// The loudest first.
        levels: LevelList,
    },
    /// Audio has begun to come, or a twentieth of it and more gets lost; at most each five seconds.
    /// What a line is like at any time is read with [`Engine::quality`](crate::handle::Engine::quality).
    Quality(CallId, Quality),
    /// No RTP has come for a while although some should (not on hold).
    RtpTimeout {
        /// The call.
        call: CallId,
        /// For how long, in milliseconds.
        silent_ms: u32,
    },
    /// RTP comes again.
    RtpResumed {
        /// The call.
        call: CallId,
    },
    /// A stream that should flow does not: nothing comes from the peer ([`Direction::In`]), or the
    /// peer's reports show that nothing of ours arrives ([`Direction::Out`]).
    StreamStopped {
        /// The call.
        call: CallId,
        /// Which one.
        direction: Direction,
        /// It has flowed before.
        ever: bool,
    },
    /// It flows again.
    StreamResumed {
        /// The call.
        call: CallId,
        /// Which one.
        direction: Direction,
    },
    /// A peer asks for something else than a call, in a call's dialog or outside any. If it isn't
    /// answered in the time that [`EngineConfig::methods`](crate::config::EngineConfig::methods)
    /// gives, it is answered as is said there.
    Request(Box<IncomingRequest>),
    /// How a request of ours was answered; 408 and 503 without header fields are our own, for no
    /// answer and no way there (RFC 3261 §8.1.3.1).
    Response {
        /// The command.
        request: RequestId,
        /// The answer.
        response: Box<FinalResponse>,
    },
    /// Somebody subscribes to one of
    /// [`EngineConfig::event_packages`](crate::config::EngineConfig::event_packages).
    Subscribed(Box<Subscribed>),
    /// A subscriber whose bodies are numbered wants all of it again.
    Refreshed {
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// The first answer to a SUBSCRIBE or REFER of ours.
    Subscribing {
        /// The subscription.
        subscription: SubscriptionId,
        /// 200–699; 408 and 503 also for no answer.
        code: u16,
        /// Reason phrase.
        reason: String,
    },
    /// A NOTIFY came, and was answered.
    Notified {
        /// The subscription.
        subscription: SubscriptionId,
        /// All header fields.
        headers: HeaderList,
        /// The body.
        body: Vec<u8>,
    },
    /// A subscription is over, on either side: the last that is told of it.
    SubscriptionEnded {
        /// The subscription.
        subscription: SubscriptionId,
        /// `terminated`, `expired`, `left`, `refused` or `silent`.
        end: &'static str,
    },
    /// A playback has ended. Told also when its call or room is gone.
    PlayFinished {
        /// The playback.
        play: PlayId,
        /// It sounded to its end.
        complete: bool,
    },
    /// A file of a playback can't be read on: it sounds as far as it was read, and is not complete then. Told
    /// once, and mostly before [`Event::PlayFinished`].
    PlayFailed {
        /// The playback.
        play: PlayId,
        /// The file, and why.
        reason: String,
    },
    /// What somebody waits for has come into the ring of a tap.
    TapReady {
        /// The tap.
        tap: TapId,
    },
    /// Who writes what a playback plays waits for it to come so far, and it has.
    FeedReady {
        /// The playback.
        play: PlayId,
    },
    /// A recording has ended, and its files are complete: by a stop, or with what was recorded.
    Recorded {
        /// The recording.
        recording: RecordingId,
        /// Why it could not go on; the files hold what came before.
        error: Option<String>,
    },
    /// New calls or requests are refused with 503 from now on, or no longer.
    Overload {
        /// They are.
        on: bool,
        /// Why, in plain words.
        reason: String,
    },
    /// How an address of ours at a registrar stands.
    Account(Box<AccountState>),
    /// A connection over which a REGISTER had come is gone.
    FlowClosed {
        /// The peer's address, with the port that it came from.
        source: SocketAddr,
        /// What it was.
        transport: Transport,
    },
    /// A unit of the engine failed and was ended; everything else goes on.
    Fault {
        /// What it was, in plain words.
        message: String,
    },
}

/// A call that wants an answer.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The call.
    pub call: CallId,
    /// Request-URI.
    pub uri: String,
    /// All header fields of the INVITE.
    pub headers: HeaderList,
    /// Where the INVITE came from.
    pub source: SocketAddr,
    /// The address and port at which it arrived; never unspecified.
    pub local: SocketAddr,
    /// The source is one of the configured trusted networks.
    pub trusted: bool,
    /// The user that the caller has shown to be, if it was asked to.
    pub user: Option<String>,
    /// The names of the codecs that it offers and we have, in its order; nothing where it offers none
    /// yet.
    pub codecs: Vec<&'static str>,
}

/// Why a call is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndCause {
    /// We hung up, or rejected it.
    Local,
    /// The peer sent BYE.
    Remote,
    /// The caller gave up before the answer (CANCEL).
    Cancelled,
    /// The peer refused the call that we placed.
    Rejected,
    /// The peer does not answer: no response, no ACK.
    Timeout,
    /// The transport or the engine failed.
    Error,
}
