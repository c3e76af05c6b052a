//! What the entries of the record are about, and under which Call-ID it goes.

use std::collections::HashMap;

use super::{
    Noted, What,
    read::{key_of, method_of},
};
use crate::{
    command::SignalingCommand,
    ids::{CallId, RequestId, SubscriptionId, TransactionId},
    request::Recipient,
};

/// What an order or a note is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Subject {
    /// A call.
    Call(CallId),
    /// A request of ours beside calls.
    Request(RequestId),
    /// A request of a peer's.
    Transaction(TransactionId),
    /// A subscription, or what comes of a REFER.
    Subscription(SubscriptionId),
    /// An address of ours at a registrar.
    Account(u64),
    /// All that there is then.
    All,
}

impl Subject {
    /// What a command is about.
    pub(super) fn of(request: RequestId, command: &SignalingCommand) -> Self {
        use SignalingCommand as C;
        match command {
            C::Ring { call, .. }
            | C::Answer { call, .. }
            | C::Reject { call, .. }
            | C::Hangup { call, .. }
            | C::Hold { call, .. }
            | C::Recode { call, .. }
            | C::PassInfo { call, .. }
            | C::Focus { call }
            | C::Prefer { call, .. }
            | C::SendDigits { call, .. } => Self::Call(*call),
            C::Dial(dial) => Self::Call(dial.call),
            C::Refer(refer) => Self::Call(refer.call),
            C::Request(wanted) => match wanted.recipient {
                Recipient::Call(call) => Self::Call(call),
                Recipient::Other { .. } => Self::Request(request),
            },
            C::Respond { transaction, .. } | C::AcceptRefer { transaction } => {
                Self::Transaction(*transaction)
            }
            C::Subscribe(_) => Self::Subscription(SubscriptionId::ours(request)),
            C::Unsubscribe { subscription }
            | C::NotifyRefer { subscription, .. }
            | C::Notify { subscription, .. } => Self::Subscription(*subscription),
            C::Register(account) => Self::Account(account.id),
            C::Reroute { account, .. } | C::Unregister { account } => Self::Account(*account),
            C::Take(_) | C::Shutdown => Self::All,
        }
    }
}

/// The method of the request that carries an order out, when it opens something outside calls.
fn opens(command: &SignalingCommand) -> Option<&str> {
    match command {
        SignalingCommand::Request(wanted) => match wanted.recipient {
            Recipient::Other { .. } => Some(&wanted.method),
            Recipient::Call(_) => None,
        },
        SignalingCommand::Subscribe(_) => Some("SUBSCRIBE"),
        SignalingCommand::Register(_) => Some("REGISTER"),
        _ => None,
    }
}

/// Which Call-ID each thing goes under.
pub(super) fn names<'a>(noted: impl Iterator<Item = &'a Noted>) -> HashMap<Subject, String> {
    let mut names = HashMap::new();
    // An order that opens something is followed by the request that does.
    let mut opening = None;
    for noted in noted {
        match &noted.what {
            What::Named(subject, call_id) => {
                names.insert(*subject, call_id.to_string());
                // What a REFER leads to goes by the number of its request.
                if let Subject::Transaction(transaction) = *subject {
                    let subscription = Subject::Subscription(SubscriptionId::theirs(transaction));
                    names.insert(subscription, call_id.to_string());
                }
            }
            What::Ordered(subject, request, command) => {
                opening = opens(command).map(|method| (*subject, *request, method, noted.at));
                if let Some(call_id) = names.get(subject).cloned() {
                    // What is told of it goes by the number of the order.
                    let subscription = Subject::Subscription(SubscriptionId::ours(*request));
                    names.insert(subscription, call_id.clone());
                    names.insert(Subject::Request(*request), call_id);
                }
            }
            What::Sent(flow, payload) => {
                if let Some((subject, request, method, at)) = opening.take()
                    && at == noted.at
                    && method_of(payload) == Some(method.as_bytes())
                {
                    let call_id = key_of(payload, flow.remote);
                    names.insert(Subject::Request(request), call_id.clone());
                    names.insert(subject, call_id);
                }
            }
            What::Received(..) | What::Lost(_) => opening = None,
            What::Told(..) | What::Heard(..) => {}
        }
    }
    names
}
