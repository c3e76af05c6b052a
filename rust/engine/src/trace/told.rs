//! What Python was told, as far as it explains something.

use super::Subject;
use crate::{
    command::{Direction, StreamDirection},
    event::{EndCause, Event},
    ids::{SubscriptionId, TransactionId},
};

#[derive(Clone, Debug)]
pub(super) enum Told {
    Answered(&'static str),
    Confirmed(&'static str),
    Updated {
        direction: StreamDirection,
        codec: &'static str,
    },
    Ended {
        cause: EndCause,
        code: Option<u16>,
        reason: Box<str>,
    },
    Digit,
    RtpTimeout(u32),
    RtpResumed,
    RtpArrives {
        received: u32,
        lost: u32,
    },
    StreamStopped {
        direction: Direction,
        ever: bool,
    },
    StreamResumed(Direction),
    Asked(TransactionId, Box<str>),
    Subscribed(SubscriptionId, Box<str>),
    Response {
        code: u16,
        reason: Box<str>,
    },
    Notified,
    Refreshed,
    SubscriptionEnded(&'static str),
    Account {
        state: &'static str,
        code: Option<u16>,
    },
}

impl Told {
    /// Whom an event is about, and what it says; `None`: nothing that explains anything.
    pub(super) fn of(event: &Event) -> Option<(Subject, Self)> {
        Some(match event {
            Event::Answered { call, codec, .. } => (Subject::Call(*call), Self::Answered(codec)),
            Event::Confirmed { call, codec } => (Subject::Call(*call), Self::Confirmed(codec)),
            Event::Updated {
                call,
                direction,
                codec,
            } => {
                let (direction, codec) = (*direction, *codec);
                (Subject::Call(*call), Self::Updated { direction, codec })
            }
            Event::Ended {
                call,
                cause,
                code,
                reason,
            } => {
                let told = Self::Ended {
                    cause: *cause,
                    code: *code,
                    reason: reason.as_str().into(),
                };
                (Subject::Call(*call), told)
            }
            // Which key it was may be a secret.
            Event::Digit { call, .. } => (Subject::Call(*call), Self::Digit),
            Event::RtpTimeout { call, silent_ms } => {
                (Subject::Call(*call), Self::RtpTimeout(*silent_ms))
            }
            Event::RtpResumed { call } => (Subject::Call(*call), Self::RtpResumed),
            Event::StreamStopped {
                call,
                direction,
                ever,
            } => {
                let (direction, ever) = (*direction, *ever);
                (
                    Subject::Call(*call),
                    Self::StreamStopped { direction, ever },
                )
            }
            Event::StreamResumed { call, direction } => {
                (Subject::Call(*call), Self::StreamResumed(*direction))
            }
            Event::Quality(call, quality) => {
                let (received, lost) = (quality.received, quality.lost);
                (Subject::Call(*call), Self::RtpArrives { received, lost })
            }
            Event::Request(request) => {
                let transaction = request.transaction;
                let told = Self::Asked(transaction, request.method.as_str().into());
                (Subject::Transaction(transaction), told)
            }
            Event::Subscribed(subscribed) => {
                let subscription = subscribed.subscription;
                let told = Self::Subscribed(subscription, subscribed.package.as_str().into());
                (Subject::Subscription(subscription), told)
            }
            Event::Response { request, response } => {
                let told = Self::Response {
                    code: response.code,
                    reason: response.reason.as_deref().unwrap_or_default().into(),
                };
                (Subject::Request(*request), told)
            }
            Event::Subscribing {
                subscription,
                code,
                reason,
            } => {
                let told = Self::Response {
                    code: *code,
                    reason: reason.as_str().into(),
                };
                (Subject::Subscription(*subscription), told)
            }
            Event::Notified { subscription, .. } => {
                (Subject::Subscription(*subscription), Self::Notified)
            }
            Event::Refreshed { subscription } => {
                (Subject::Subscription(*subscription), Self::Refreshed)
            }
            Event::SubscriptionEnded { subscription, end } => (
                Subject::Subscription(*subscription),
                Self::SubscriptionEnded(end),
            ),
            Event::Account(account) => {
                let told = Self::Account {
                    state: account.state,
                    code: account.code,
                };
                (Subject::Account(account.account), told)
            }
            _ => return None,
        })
    }
}
