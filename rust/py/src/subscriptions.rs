//! Verbs for subscriptions and REFER.

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::{
    command::{HeaderList, SignalingCommand},
    ids::{CallId, RequestId, SubscriptionId, TransactionId},
    subscription::{Notification, Refer, ReferTo, State, Subscribe},
};

use crate::{
    auth::{Credential, keyring},
    convert,
    engine::Engine,
    requests::content,
};

#[pymethods]
impl Engine {
    /// Subscribes; returns (request, subscription).
    #[pyo3(signature = (
        uri,
        destinations,
        package,
        expires,
        *,
        route = Vec::new(),
        from_name = "",
        from_uri = "",
        headers = HeaderList::new(),
        credentials = Vec::new(),
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn subscribe(
        &self,
        uri: String,
        destinations: Vec<String>,
        package: String,
        expires: u32,
        route: Vec<String>,
        from_name: &str,
        from_uri: &str,
        headers: HeaderList,
        credentials: Vec<Credential>,
    ) -> PyResult<(u64, u64)> {
        let wanted = Subscribe {
            uri,
            from_name: from_name.to_owned(),
            from_uri: from_uri.to_owned(),
            destinations: convert::destinations(&destinations)?,
            route,
            package,
            expires,
            headers,
            credentials: keyring(credentials),
        };
        let request = self.signaling(SignalingCommand::Subscribe(Box::new(wanted)))?;
        Ok((request, SubscriptionId::ours(RequestId(request)).0))
    }

    fn unsubscribe(&self, subscription: u64) -> PyResult<u64> {
        self.signaling(SignalingCommand::Unsubscribe {
            subscription: SubscriptionId(subscription),
        })
    }

    /// Has the call's peer call exactly one of uri and the peer of another call; returns (request,
    /// subscription).
    #[pyo3(signature = (call, *, uri = None, other = None, silent = false, headers = HeaderList::new()))]
    fn refer(
        &self,
        call: u64,
        uri: Option<String>,
        other: Option<u64>,
        silent: bool,
        headers: HeaderList,
    ) -> PyResult<(u64, u64)> {
        let to = match (uri, other) {
            (Some(uri), None) => ReferTo::Uri(uri),
            (None, Some(other)) => ReferTo::Call(CallId(other)),
            _ => {
                return Err(PyValueError::new_err(
                    "exactly one of uri and other is to be given",
                ));
            }
        };
        let wanted = Refer {
            call: CallId(call),
            to,
            silent,
            headers,
        };
        let request = self.signaling(SignalingCommand::Refer(Box::new(wanted)))?;
        Ok((request, SubscriptionId::ours(RequestId(request)).0))
    }

    /// Accepts a REFER; returns (request, subscription).
    fn accept_refer(&self, transaction: u64) -> PyResult<(u64, u64)> {
        let transaction = TransactionId(transaction);
        let request = self.signaling(SignalingCommand::AcceptRefer { transaction })?;
        Ok((request, SubscriptionId::theirs(transaction).0))
    }

    #[pyo3(signature = (subscription, code, reason = None))]
    fn notify_refer(&self, subscription: u64, code: u16, reason: Option<String>) -> PyResult<u64> {
        self.signaling(SignalingCommand::NotifyRefer {
            subscription: SubscriptionId(subscription),
            code,
            reason,
        })
    }

    #[pyo3(signature = (
        subscription,
        state = "active",
        *,
        reason = "noresource",
        retry_after = None,
        headers = HeaderList::new(),
        body = None,
        content_type = "",
        numbered = false,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn notify(
        &self,
        subscription: u64,
        state: &str,
        reason: &str,
        retry_after: Option<u32>,
        headers: HeaderList,
        body: Option<Vec<u8>>,
        content_type: &str,
        numbered: bool,
    ) -> PyResult<u64> {
        let state = match state {
            "active" => State::Active,
            "pending" => State::Pending,
            "terminated" => State::Terminated {
                reason: reason.to_owned(),
                retry_after,
            },
            _ => {
                return Err(PyValueError::new_err(format!(
                    "state: {state:?} is none of active, pending and terminated"
                )));
            }
        };
        self.signaling(SignalingCommand::Notify {
            subscription: SubscriptionId(subscription),
            notification: Box::new(Notification {
                state,
                headers,
                content: content(body, content_type)?,
                numbered,
            }),
        })
    }
}
