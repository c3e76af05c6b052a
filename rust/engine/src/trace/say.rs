//! Orders and notes in words.

use std::fmt::Display;

use sems_rtp::telephone_event::Digit;
use sems_sip::auth::{Asker, Keyring};

use super::{
    heard::{Report, Run, What},
    mask::Masks,
    told::Told,
};
use crate::{
    command::{DigitWay, Direction, HeaderList, SignalingCommand},
    event::EndCause,
    ids::{RequestId, SubscriptionId},
    request::{Content, Recipient},
    subscription::{ReferTo, State},
};

pub(super) type Fields = Vec<(&'static str, String)>;

/// An order: what, and its details.
pub(super) fn command(
    command: &SignalingCommand,
    request: RequestId,
    masks: &Masks,
) -> (&'static str, Fields) {
    let mut said = Said {
        fields: Fields::new(),
        masks,
    };
    let text = said.command(command, request);
    (text, said.fields)
}

struct Said<'a> {
    fields: Fields,
    masks: &'a Masks,
}

impl Said<'_> {
    fn command(&mut self, command: &SignalingCommand, request: RequestId) -> &'static str {
        match command {
            SignalingCommand::Ring {
                code,
                headers,
                early_media,
                reliable,
                link,
                ..
            } => {
                self.say("code", code);
                self.say("early_media", early_media);
                self.say("reliable", reliable);
                self.headers(headers);
                self.link(link);
                "ring"
            }
            SignalingCommand::Answer { headers, link, .. } => {
                self.headers(headers);
                self.link(link);
                "answer"
            }
            SignalingCommand::Reject {
                code,
                reason,
                headers,
                ..
            } => {
                self.say("code", code);
                self.reason(reason);
                self.headers(headers);
                "reject"
            }
            SignalingCommand::Hangup { reason, .. } => {
                self.reason(reason);
                "hangup"
            }
            SignalingCommand::Focus { .. } => "focus",
            SignalingCommand::Prefer { codecs, .. } => {
                self.all("codec", codecs);
                "prefer"
            }
            SignalingCommand::Hold { direction, .. } => {
                self.say("direction", direction.as_str());
                "hold"
            }
            SignalingCommand::Recode { codecs, .. } => {
                self.all("codec", codecs);
                "recode"
            }
            SignalingCommand::PassInfo { packages, .. } => {
                self.all("info_package", packages);
                "pass_info"
            }
            SignalingCommand::SendDigits { digits, way, .. } => {
                // Which keys may be a secret.
                self.say("digits", "*".repeat(digits.len()));
                let way = match way {
                    DigitWay::Agreed => "agreed",
                    DigitWay::Rtp => "rtp",
                    DigitWay::Info => "info",
                };
                self.say("way", way);
                "send_digits"
            }
            SignalingCommand::Dial(dial) => {
                self.uri("uri", &dial.uri);
                self.uri("to_uri", &dial.to_uri);
                self.say("from_name", &dial.from_name);
                self.uri("from_uri", &dial.from_uri);
                self.all("destination", &dial.destinations);
                self.routes(&dial.route);
                self.say("late_offer", dial.late_offer);
                self.say("reliable", dial.reliable);
                let patience = dial.ring_timeout.unwrap_or_default();
                self.say("ring_timeout_ms", patience.as_millis());
                if let Some(contact) = &dial.contact {
                    self.uri("contact", contact);
                }
                self.say("focus", dial.focus);
                self.all("codec", &dial.codecs);
                self.headers(&dial.headers);
                self.link(&dial.link);
                self.credentials(&dial.credentials);
                "dial"
            }
            SignalingCommand::Request(wanted) => {
                self.say("method", &wanted.method);
                if let Recipient::Other {
                    uri,
                    from_name,
                    from_uri,
                    destinations,
                    route,
                    credentials,
                } = &wanted.recipient
                {
                    self.uri("uri", uri);
                    self.say("from_name", from_name);
                    self.uri("from_uri", from_uri);
                    self.all("destination", destinations);
                    self.routes(route);
                    self.credentials(credentials);
                }
                self.headers(&wanted.headers);
                // What is written is a text, of whatever type.
                let is_text = wanted.method == "MESSAGE";
                self.content(wanted.content.as_ref(), is_text);
                "request"
            }
            SignalingCommand::Respond {
                transaction,
                response,
            } => {
                self.say("transaction", transaction);
                self.say("code", response.code);
                self.reason(&response.reason);
                self.headers(&response.headers);
                self.content(response.content.as_ref(), false);
                "respond"
            }
            SignalingCommand::Subscribe(wanted) => {
                self.say("subscription", SubscriptionId::ours(request));
                self.uri("uri", &wanted.uri);
                self.say("from_name", &wanted.from_name);
                self.uri("from_uri", &wanted.from_uri);
                self.all("destination", &wanted.destinations);
                self.routes(&wanted.route);
                self.say("package", &wanted.package);
                self.say("expires", wanted.expires);
                self.headers(&wanted.headers);
                self.credentials(&wanted.credentials);
                "subscribe"
            }
            SignalingCommand::Unsubscribe { subscription } => {
                self.say("subscription", subscription);
                "unsubscribe"
            }
            SignalingCommand::Refer(wanted) => {
                self.say("subscription", SubscriptionId::ours(request));
                match &wanted.to {
                    ReferTo::Uri(uri) => self.uri("to", uri),
                    ReferTo::Call(call) => self.say("to_call", call),
                }
                self.say("silent", wanted.silent);
                self.headers(&wanted.headers);
                "refer"
            }
            SignalingCommand::AcceptRefer { transaction } => {
                self.say("transaction", transaction);
                self.say("subscription", SubscriptionId::theirs(*transaction));
                "accept_refer"
            }
            SignalingCommand::NotifyRefer {
                subscription,
                code,
                reason,
            } => {
                self.say("subscription", subscription);
                self.say("code", code);
                self.reason(reason);
                "notify_refer"
            }
            SignalingCommand::Notify {
                subscription,
                notification,
            } => {
                self.say("subscription", subscription);
                match &notification.state {
                    State::Pending => self.say("state", "pending"),
                    State::Active => self.say("state", "active"),
                    State::Terminated {
                        reason,
                        retry_after,
                    } => {
                        self.say("state", "terminated");
                        self.say("reason", reason);
                        self.all("retry_after", retry_after);
                    }
                }
                self.say("numbered", notification.numbered);
                self.headers(&notification.headers);
                self.content(notification.content.as_ref(), false);
                "notify"
            }
            SignalingCommand::Register(account) => {
                self.say("account", account.id);
                self.uri("uri", &account.uri);
                self.uri("registrar", &account.registrar);
                self.all("destination", &account.destinations);
                self.routes(&account.route);
                self.say("expires", account.expires);
                self.credentials(&account.credentials);
                "register"
            }
            SignalingCommand::Reroute {
                account,
                destinations,
            } => {
                self.say("account", account);
                self.all("destination", destinations);
                "reroute"
            }
            SignalingCommand::Unregister { account } => {
                self.say("account", account);
                "unregister"
            }
            SignalingCommand::Take(takes) => {
                for taken in &takes.methods {
                    self.say("method", &taken.method);
                    self.say("code", taken.code);
                    self.say("after_ms", taken.after.as_millis());
                }
                self.all("message_type", &takes.message_types);
                self.all("info_package", &takes.info_packages);
                "take"
            }
            SignalingCommand::Shutdown => "shutdown",
        }
    }

    fn say(&mut self, name: &'static str, value: impl Display) {
        self.fields.push((name, value.to_string()));
    }

    fn all(&mut self, name: &'static str, values: impl IntoIterator<Item: Display>) {
        for value in values {
            self.say(name, value);
        }
    }

    fn uri(&mut self, name: &'static str, uri: &str) {
        self.say(name, self.masks.text(uri));
    }

    fn routes(&mut self, routes: &[String]) {
        for route in routes {
            self.uri("route", route);
        }
    }

    fn reason(&mut self, reason: &Option<String>) {
        if let Some(reason) = reason {
            self.say("reason", self.masks.text(reason));
        }
    }

    fn headers(&mut self, headers: &HeaderList) {
        for (name, value) in headers {
            let line = self.masks.message(format!("{name}: {value}").as_bytes());
            self.say("header", String::from_utf8_lossy(&line));
        }
    }

    fn link(&mut self, link: &Option<String>) {
        if let Some(link) = link {
            self.say("link", self.masks.link(link));
        }
    }

    /// Whom we can show to be, without the passwords.
    fn credentials(&mut self, credentials: &Keyring) {
        for credential in credentials.iter() {
            self.say("username", &credential.username);
            self.say(
                "realm",
                match &credential.asker {
                    Asker::Realm(realm) => realm,
                    Asker::First => "",
                    Asker::Anyone => "*",
                },
            );
        }
    }

    fn content(&mut self, content: Option<&Content>, is_text: bool) {
        if let Some(content) = content {
            let kind = if is_text { "text/" } else { &content.kind };
            let body = self.masks.body(kind, &content.body);
            self.say("content_type", &content.kind);
            match String::from_utf8(body) {
                Ok(text) => self.say("body", text),
                Err(bytes) => {
                    let hex = bytes.as_bytes().iter().map(|byte| format!("{byte:02x}"));
                    self.say("body_hex", hex.collect::<String>());
                }
            }
        }
    }
}

/// What Python was told: in words, and its details.
pub(super) fn told(told: &Told, masks: &Masks) -> (String, Fields) {
    match told {
        Told::Answered(codec) => (
            format!("answered, {codec}"),
            vec![("codec", (*codec).into())],
        ),
        Told::Confirmed(codec) => (format!("up, {codec}"), vec![("codec", (*codec).into())]),
        Told::Updated { direction, codec } => {
            let on_hold = *direction != crate::command::StreamDirection::SendRecv;
            let fields = vec![
                ("on_hold", on_hold.to_string()),
                ("direction", direction.as_str().to_owned()),
                ("codec", (*codec).into()),
            ];
            let held = match on_hold {
                true => format!("on hold ({})", direction.as_str()),
                false => "not on hold".to_owned(),
            };
            (format!("changed by the peer: {held}, {codec}"), fields)
        }
        Told::Ended { cause, code, .. } => {
            let mut fields = vec![("cause", cause_name(*cause).to_owned())];
            fields.extend(code.map(|code| ("code", code.to_string())));
            let outcome = outcome(told).unwrap_or_default();
            (format!("ended: {}", masks.text(&outcome)), fields)
        }
        Told::Digit => ("a key was pressed".to_owned(), Vec::new()),
        Told::RtpTimeout(ms) => {
            let text = format!("no audio came for {} s", f64::from(*ms) / 1000.0);
            (text, vec![("silent_ms", ms.to_string())])
        }
        Told::RtpResumed => ("audio comes again".to_owned(), Vec::new()),
        Told::StreamStopped { direction, ever } => {
            let text = match (direction, ever) {
                (Direction::In, false) => "nothing is heard of the peer",
                (Direction::In, true) => "nothing is heard of the peer any more",
                (Direction::Out, false) => "the peer hears nothing",
                (Direction::Out, true) => "the peer hears nothing any more",
            };
            (text.to_owned(), Vec::new())
        }
        Told::StreamResumed(Direction::In) => ("the peer is heard again".to_owned(), Vec::new()),
        Told::StreamResumed(Direction::Out) => ("the peer hears us again".to_owned(), Vec::new()),
        Told::RtpArrives { received, lost } => {
            let fields = vec![
                ("received", received.to_string()),
                ("lost", lost.to_string()),
            ];
            (
                format!("audio: {received} packets came, {lost} are missing"),
                fields,
            )
        }
        Told::Asked(transaction, method) => (
            format!("asked: {method}"),
            vec![("transaction", transaction.to_string())],
        ),
        Told::Subscribed(subscription, package) => (
            format!("asked for: {package}"),
            vec![("subscription", subscription.to_string())],
        ),
        Told::Response { code, reason } => {
            let text = format!("the answer was {code} {}", masks.text(reason));
            (text.trim_end().to_owned(), Vec::new())
        }
        Told::Notified => ("notified".to_owned(), Vec::new()),
        Told::Refreshed => ("asked for again".to_owned(), Vec::new()),
        Told::SubscriptionEnded(end) => (format!("the subscription is over: {end}"), Vec::new()),
        Told::Account { state, code } => {
            let code = code.map(|code| format!(": {code}")).unwrap_or_default();
            (format!("the registration: {state}{code}"), Vec::new())
        }
    }
}

/// What is said where nothing more was noted of packets.
pub(super) const FULL: &str = "what came after this was not noted";

/// Packets that came one after the other: what, and its details. Which key it was may be a secret, so
/// all look like the star.
pub(super) fn run(run: &Run) -> (String, Fields) {
    let mut fields = Fields::new();
    let mut say = |name, value: String| fields.push((name, value));
    say("packets", run.count.to_string());
    say("ms", run.span.as_millis().to_string());
    say("ssrc", run.ssrc.to_string());
    if run.foreign {
        say("foreign", true.to_string());
    }
    let kind = match run.what {
        What::Audio {
            payload_type,
            marker,
            missing,
            sequence,
            timestamps,
            length,
            first,
        } => {
            say("payload_type", payload_type.to_string());
            say("marker", marker.to_string());
            say("sequence", sequence.to_string());
            say("missing", missing.to_string());
            say("timestamp", timestamps.0.to_string());
            say("last_timestamp", timestamps.1.to_string());
            say("length", length.to_string());
            say("first_byte", first.to_string());
            "RTP"
        }
        What::Event {
            payload_type,
            marker,
            missing,
            sequence,
            timestamp,
            event,
            flags,
            durations,
        } => {
            say("payload_type", payload_type.to_string());
            say("marker", marker.to_string());
            say("sequence", sequence.to_string());
            say("missing", missing.to_string());
            say("timestamp", timestamp.to_string());
            let is_key = Digit::from_event(event).is_some();
            say("event", if is_key { STAR } else { event }.to_string());
            say("flags", flags.to_string());
            say("duration", durations.0.to_string());
            say("last_duration", durations.1.to_string());
            "a key in RTP"
        }
        What::Report(Report {
            muxed,
            sender,
            goodbye,
            block,
            fraction_lost,
            highest,
        }) => {
            say("muxed", muxed.to_string());
            say("sender", sender.to_string());
            say("goodbye", goodbye.to_string());
            if block {
                say("fraction_lost", fraction_lost.to_string());
                say("highest", highest.0.to_string());
                say("last_highest", highest.1.to_string());
            }
            "RTCP"
        }
    };
    let stranger = if run.foreign { " of a stranger's" } else { "" };
    let text = match run.count {
        1 => format!("{kind}{stranger}: a packet"),
        count => format!(
            "{kind}{stranger}: {count} packets in {:.1} s",
            run.span.as_secs_f64()
        ),
    };
    (text, fields)
}

/// The event of the key `*` (RFC 4733 §3.2).
const STAR: u8 = 10;

/// How a call ended, if this says it.
pub(super) fn outcome(told: &Told) -> Option<String> {
    let Told::Ended {
        cause,
        code,
        reason,
    } = told
    else {
        return None;
    };
    let who = match cause {
        EndCause::Local => "ended by us",
        EndCause::Remote => "ended by the peer",
        EndCause::Cancelled => "cancelled by the caller",
        EndCause::Rejected => "refused by the peer",
        EndCause::Timeout => "the peer did not answer",
        EndCause::Error => "an error",
    };
    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
    let reason = match &**reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    Some(format!("{who}{code}{reason}"))
}

fn cause_name(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Local => "local",
        EndCause::Remote => "remote",
        EndCause::Cancelled => "cancelled",
        EndCause::Rejected => "rejected",
        EndCause::Timeout => "timeout",
        EndCause::Error => "error",
    }
}
