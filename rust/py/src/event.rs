//! Events as Python matches on them.

use pyo3::prelude::*;
use sems_engine::{command::HeaderList, event};

use crate::{convert, prompt::Prompt};

/// What happened; match on the subclasses.
#[pyclass(frozen, module = "sems._core")]
#[derive(Debug)]
#[allow(
    missing_docs,
    reason = "said once, in sems_engine::event and in _core.pyi"
)]
pub enum Event {
    Done {
        request: u64,
        error: Option<String>,
    },
    PromptLoaded {
        request: u64,
        prompt: Prompt,
    },
    #[pyo3(constructor = (call, uri, headers, source, local, trusted = false, user = None, codecs = Vec::new()))]
    Incoming {
        call: u64,
        uri: String,
        headers: HeaderList,
        source: String,
        local: String,
        trusted: bool,
        user: Option<String>,
        codecs: Vec<String>,
    },
    #[pyo3(constructor = (call, code, reason, early_media, link, codec = None, headers = Vec::new()))]
    Progress {
        call: u64,
        code: u16,
        reason: String,
        early_media: bool,
        link: Option<String>,
        codec: Option<String>,
        headers: HeaderList,
    },
    Answered {
        call: u64,
        headers: HeaderList,
        link: Option<String>,
        codec: String,
    },
    Confirmed {
        call: u64,
        codec: String,
    },
    Updated {
        call: u64,
        direction: String,
        codec: String,
    },
    Redirected {
        call: u64,
        targets: Vec<String>,
    },
    #[pyo3(constructor = (call, uri, headers, source, local, trusted = false, user = None))]
    Replaced {
        call: u64,
        uri: String,
        headers: HeaderList,
        source: String,
        local: String,
        trusted: bool,
        user: Option<String>,
    },
    Ended {
        call: u64,
        cause: String,
        code: Option<u16>,
        reason: String,
    },
    Digit {
        call: u64,
        digit: char,
    },
    Speaking {
        call: u64,
        on: bool,
    },
    Levels {
        room: u64,
        levels: Vec<(u64, i8)>,
    },
    Quality {
        call: u64,
        received: u32,
        lost: u32,
    },
    RtpTimeout {
        call: u64,
        silent_ms: u32,
    },
    RtpResumed {
        call: u64,
    },
    StreamStopped {
        call: u64,
        direction: String,
        ever: bool,
    },
    StreamResumed {
        call: u64,
        direction: String,
    },
    #[pyo3(constructor = (
        transaction, call, method, uri, headers, body, source, local, trusted = false,
        answered = false, user = None, transport = "udp".to_owned()
    ))]
    Request {
        transaction: u64,
        call: Option<u64>,
        method: String,
        uri: String,
        headers: HeaderList,
        body: Vec<u8>,
        source: String,
        local: String,
        trusted: bool,
        answered: bool,
        user: Option<String>,
        transport: String,
    },
    Response {
        request: u64,
        code: u16,
        reason: String,
        headers: HeaderList,
        body: Vec<u8>,
    },
    #[pyo3(constructor = (
        subscription, call, package, uri, headers, body, expires, source, local, trusted = false,
        user = None
    ))]
    Subscribed {
        subscription: u64,
        call: Option<u64>,
        package: String,
        uri: String,
        headers: HeaderList,
        body: Vec<u8>,
        expires: u32,
        source: String,
        local: String,
        trusted: bool,
        user: Option<String>,
    },
    Refreshed {
        subscription: u64,
    },
    Subscribing {
        subscription: u64,
        code: u16,
        reason: String,
    },
    Notified {
        subscription: u64,
        headers: HeaderList,
        body: Vec<u8>,
    },
    SubscriptionEnded {
        subscription: u64,
        end: String,
    },
    PlayFinished {
        play: u64,
        complete: bool,
    },
    PlayFailed {
        play: u64,
        reason: String,
    },
    TapReady {
        tap: u64,
    },
    FeedReady {
        play: u64,
    },
    Recorded {
        recording: u64,
        error: Option<String>,
    },
    Overload {
        on: bool,
        reason: String,
    },
    FlowClosed {
        source: String,
        transport: String,
    },
    Account {
        account: u64,
        state: String,
        code: Option<u16>,
        reason: String,
        seconds: u32,
        contact: String,
        service_route: Vec<String>,
        realms: Vec<String>,
    },
    Fault {
        message: String,
    },
}

#[pymethods]
impl Event {
    fn __repr__(&self) -> String {
        format!("Event.{self:?}")
    }
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        use event::Event as E;
        match event {
            E::Done { request, error } => Self::Done {
                request: request.0,
                error,
            },
            E::PromptLoaded { request, prompt } => Self::PromptLoaded {
                request: request.0,
                prompt: Prompt(prompt),
            },
            E::Incoming(incoming) => Self::Incoming {
                call: incoming.call.0,
                uri: incoming.uri,
                headers: incoming.headers,
                source: incoming.source.to_string(),
                local: incoming.local.to_string(),
                trusted: incoming.trusted,
                user: incoming.user,
                codecs: incoming.codecs.into_iter().map(str::to_owned).collect(),
            },
            E::Progress {
                call,
                code,
                reason,
                early_media,
                link,
                codec,
                headers,
            } => Self::Progress {
                call: call.0,
                code,
                reason,
                early_media,
                link,
                codec: codec.map(str::to_owned),
                headers,
            },
            E::Answered {
                call,
                headers,
                link,
                codec,
            } => Self::Answered {
                call: call.0,
                headers,
                link,
                codec: codec.to_owned(),
            },
            E::Confirmed { call, codec } => Self::Confirmed {
                call: call.0,
                codec: codec.to_owned(),
            },
            E::Updated {
                call,
                direction,
                codec,
            } => Self::Updated {
                call: call.0,
                direction: direction.as_str().to_owned(),
                codec: codec.to_owned(),
            },
            E::Redirected { call, targets } => Self::Redirected {
                call: call.0,
                targets,
            },
            E::Replaced(by) => Self::Replaced {
                call: by.call.0,
                uri: by.uri,
                headers: by.headers,
                source: by.source.to_string(),
                local: by.local.to_string(),
                trusted: by.trusted,
                user: by.user,
            },
            E::Ended {
                call,
                cause,
                code,
                reason,
            } => Self::Ended {
                call: call.0,
                cause: convert::cause(cause).to_owned(),
                code,
                reason,
            },
            E::Digit { call, digit } => Self::Digit {
                call: call.0,
                digit,
            },
            E::Speaking { call, on } => Self::Speaking { call: call.0, on },
            E::Levels { room, levels } => Self::Levels {
                room: room.0,
                levels: levels
                    .into_iter()
                    .map(|(call, level)| (call.0, level))
                    .collect(),
            },
            E::Quality(call, quality) => Self::Quality {
                call: call.0,
                received: quality.received,
                lost: quality.lost,
            },
            E::RtpTimeout { call, silent_ms } => Self::RtpTimeout {
                call: call.0,
                silent_ms,
            },
            E::RtpResumed { call } => Self::RtpResumed { call: call.0 },
            E::StreamStopped {
                call,
                direction,
                ever,
            } => Self::StreamStopped {
                call: call.0,
                direction: convert::direction_name(direction),
                ever,
            },
            E::StreamResumed { call, direction } => Self::StreamResumed {
                call: call.0,
                direction: convert::direction_name(direction),
            },
            E::Request(request) => Self::Request {
                transaction: request.transaction.0,
                call: request.call.map(|call| call.0),
                method: request.method,
                uri: request.uri,
                headers: request.headers,
                body: request.body,
                source: request.source.to_string(),
                local: request.local.to_string(),
                trusted: request.trusted,
                answered: request.answered,
                user: request.user,
                transport: request.transport.name().to_owned(),
            },
            E::Response { request, response } => Self::Response {
                request: request.0,
                code: response.code,
                reason: response.reason.unwrap_or_default(),
                headers: response.headers,
                body: response
                    .content
                    .map(|content| content.body)
                    .unwrap_or_default(),
            },
            E::Subscribed(subscribed) => Self::Subscribed {
                subscription: subscribed.subscription.0,
                call: subscribed.call.map(|call| call.0),
                package: subscribed.package,
                uri: subscribed.uri,
                headers: subscribed.headers,
                body: subscribed.body,
                expires: subscribed.expires,
                source: subscribed.source.to_string(),
                local: subscribed.local.to_string(),
                trusted: subscribed.trusted,
                user: subscribed.user,
            },
            E::Refreshed { subscription } => Self::Refreshed {
                subscription: subscription.0,
            },
            E::Subscribing {
                subscription,
                code,
                reason,
            } => Self::Subscribing {
                subscription: subscription.0,
                code,
                reason,
            },
            E::Notified {
                subscription,
                headers,
                body,
            } => Self::Notified {
                subscription: subscription.0,
                headers,
                body,
            },
            E::SubscriptionEnded { subscription, end } => Self::SubscriptionEnded {
                subscription: subscription.0,
                end: end.to_owned(),
            },
            E::PlayFailed { play, reason } => Self::PlayFailed {
                play: play.0,
                reason,
            },
            E::PlayFinished { play, complete } => Self::PlayFinished {
                play: play.0,
                complete,
            },
            E::TapReady { tap } => Self::TapReady { tap: tap.0 },
            E::FeedReady { play } => Self::FeedReady { play: play.0 },
            E::Recorded { recording, error } => Self::Recorded {
                recording: recording.0,
                error,
            },
            E::Overload { on, reason } => Self::Overload { on, reason },
            E::FlowClosed { source, transport } => Self::FlowClosed {
                source: source.to_string(),
                transport: transport.name().to_owned(),
            },
            E::Account(told) => Self::Account {
                account: told.account,
                state: told.state.to_owned(),
                code: told.code,
                reason: told.reason,
                seconds: told.seconds,
                contact: told.contact,
                service_route: told.service_route,
                realms: told.realms,
            },
            E::Fault { message } => Self::Fault { message },
        }
    }
}
