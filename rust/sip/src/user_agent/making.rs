//! What every message of ours has in common: where it says that it comes from, what we can do, and
//! who we are.

use std::time::Instant;

use super::session::{Owner, SessionId};
use super::{Content, Reply, UserAgent, wording};
use crate::dialog::Dialog;
use crate::header::{HeaderName, Via};
use crate::transaction::listener::advertised;
use crate::transaction::{ClientTransactionId, Flow};
use crate::{Headers, Host, Method, Request, Response, StatusCode};

impl UserAgent {
    /// The address that the peer of `flow` reaches us at.
    pub(super) fn own_address(&self, flow: Flow) -> (Host, Option<u16>) {
        if let Some((host, port)) = advertised(&self.config.listeners, flow) {
            return (host.clone(), Some(*port));
        }
        let local_port = flow.local.port();
        match &self.config.advertised_host {
            Some(host) => {
                let port = self.config.advertised_port.unwrap_or(local_port);
                (host.clone(), Some(port))
            }
            None => (Host::Ip(flow.local.ip()), Some(local_port)),
        }
    }

    /// A Via of ours with a new branch.
    pub(super) fn via(&mut self, flow: Flow) -> Via {
        let (host, port) = self.own_address(flow);
        Via::new(flow.transport.in_via(), host, port, &self.identity.branch())
    }

    pub(super) fn request_in_dialog(
        &mut self,
        dialog: &mut Dialog,
        method: Method,
        headers: &Headers,
        content: Option<Content>,
    ) -> Request {
        dialog.leave_closed_stream(|flow| self.transactions.streams.is_open(flow));
        let via = self.via(dialog.next_hop());
        let changes_session = matches!(method, Method::Invite | Method::Update);
        let mut request = dialog.request(method, &via);
        if changes_session {
            self.push_abilities(&mut request.headers, false);
        }
        self.push_product(&mut request.headers, HeaderName::UserAgent);
        wording::complete(&mut request.headers, &mut request.body, headers, content);
        request
    }

    /// Sends a request in the session's dialog at `at`, and tells how the session is kept alive
    /// where that belongs there.
    #[allow(clippy::too_many_arguments, reason = "a request and where it belongs")]
    pub(super) fn send_in_dialog(
        &mut self,
        now: Instant,
        id: SessionId,
        at: usize,
        method: Method,
        headers: &Headers,
        content: Option<Content>,
        owner: Owner,
    ) -> Option<ClientTransactionId> {
        let session = self.sessions.get_mut(id)?;
        let mut dialog = session.dialogs.remove(at);
        let changes_session = matches!(method, Method::Invite | Method::Update);
        let mut request = self.request_in_dialog(&mut dialog, method, headers, content);
        if changes_session {
            self.keep_interval(id, &mut request.headers);
        }
        let flow = dialog.next_hop();
        self.sessions.get_mut(id)?.dialogs.insert(at, dialog);
        self.sign(id, &mut request);
        self.transactions.start_client(now, request, flow, owner)
    }

    /// Allow and Supported: where a session is opened, with Allow-Events then, or within one.
    pub(super) fn push_abilities(&self, headers: &mut Headers, opening: bool) {
        headers.push(HeaderName::Allow, self.allow.clone());
        let extensions = match opening {
            true => &self.extensions,
            false => &self.extensions_within,
        };
        headers.push(HeaderName::Supported, extensions.clone());
        // RFC 6665 §8.2.2.
        if opening && !self.event_packages.is_empty() {
            headers.push(HeaderName::AllowEvents, self.event_packages.clone());
        }
        if let Some((first, rest)) = self.config.info_packages.split_first() {
            let mut packages = first.to_string();
            for package in rest {
                packages.extend([", ", package.as_str()]);
            }
            headers.push(HeaderName::RecvInfo, packages);
        }
    }

    pub(super) fn push_product(&self, headers: &mut Headers, name: HeaderName) {
        if !self.config.product.is_empty() {
            headers.push(name, self.config.product.clone());
        }
    }

    /// The response that a reply words.
    pub(super) fn response(&self, request: &Request, tag: &str, reply: Reply) -> Response {
        let mut response = Response::to_request(request, reply.status);
        if let Some(reason) = reply.reason {
            response.reason = reason;
        }
        if reply.status != StatusCode::TRYING {
            response.set_to_tag(tag);
        }
        self.push_product(&mut response.headers, HeaderName::Server);
        wording::complete(
            &mut response.headers,
            &mut response.body,
            &reply.headers,
            reply.content,
        );
        response
    }
}
