//! INVITE with Replaces (RFC 3891): whether there is something to take the place of.

use super::arrival::bad_request;
use super::session::{Phase, SessionId};
use super::{Reply, UserAgent};
use crate::header::{HeaderName, Replaces, TargetDialog};
use crate::{Request, StatusCode, Text, Uri};

/// What names a dialog (RFC 3261 §12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: Text,
    /// Our tag.
    pub local_tag: Text,
    /// The peer's tag.
    pub remote_tag: Text,
}

impl UserAgent {
    /// The dialog of a session; of several early ones the latest.
    pub fn dialog_id(&self, session: SessionId) -> Option<DialogId> {
        let session = self.sessions.get(session)?;
        Some(DialogId {
            call_id: session.call_id.clone(),
            local_tag: session.local_tag.clone(),
            remote_tag: session.dialogs.last()?.remote_tag().clone(),
        })
    }

    /// A Refer-To that has its reader call the peer of a session in our place (RFC 3891 §7, RFC 5589
    /// §7).
    pub fn refer_to_peer_of(&self, session: SessionId) -> Option<String> {
        let id = self.dialog_id(session)?;
        let target = self.sessions.get(session)?.dialogs.last()?.target();
        let target = match target {
            Uri::Sip(uri) => Uri::Sip(uri.clone().for_request_line()),
            other => other.clone(),
        };
        let replaces = Replaces {
            call_id: id.call_id,
            to_tag: id.remote_tag,
            from_tag: id.local_tag,
            early_only: false,
        };
        let mut escaped = String::new();
        for byte in replaces.to_string().bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    escaped.push(byte.into());
                }
                _ => escaped.push_str(&format!("%{byte:02X}")),
            }
        }
        Some(format!("<{target}?Replaces={escaped}>"))
    }

    /// The session in whose place an INVITE is to come, by its Replaces. For those that
    /// [`Event::Invite`](super::Event::Invite) tells of there is one if there is a Replaces.
    pub fn replaced_by(&self, request: &Request) -> Option<SessionId> {
        let replaces = request.headers.get_typed::<Replaces>()?.ok()?;
        self.session_of(&replaces.call_id, &replaces.to_tag, &replaces.from_tag)
    }

    /// The session that a request outside any dialog names as one that its sender takes part in
    /// (RFC 4538).
    pub fn target_dialog_of(&self, request: &Request) -> Option<SessionId> {
        let target = request.headers.get_typed::<TargetDialog>()?.ok()?;
        let session = self.session_of(&target.call_id, &target.remote_tag, &target.local_tag)?;
        (!self.sessions.get(session)?.told).then_some(session)
    }

    /// Why a Replaces can't be followed (RFC 3891 §3).
    pub(super) fn refusal_of_replaces(&self, request: &Request) -> Option<Reply> {
        let mut all = request.headers.get_all_typed::<Replaces>();
        let replaces = match all.next()? {
            Ok(replaces) => replaces,
            Err(error) => return Some(bad_request(&error)),
        };
        if all.next().is_some() {
            let error = crate::Error::Repeated(HeaderName::Replaces);
            return Some(bad_request(&error));
        }
        let gone = Some(Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST));
        let found = self.session_of(&replaces.call_id, &replaces.to_tag, &replaces.from_tag);
        let Some(session) = found.and_then(|id| self.sessions.get(id)) else {
            return gone;
        };
        match session.phase {
            _ if session.told => Some(Reply::new(StatusCode::DECLINE)),
            Phase::Ending => Some(Reply::new(StatusCode::DECLINE)),
            Phase::Established(_) if replaces.early_only => Some(Reply::new(StatusCode::BUSY_HERE)),
            // An early dialog can be replaced only where it was begun.
            Phase::Incoming { .. } => gone,
            Phase::Established(_) | Phase::Calling { .. } => None,
        }
    }

    fn session_of(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> Option<SessionId> {
        let id = *self.by_local_tag.get(local_tag)?;
        let session = self.sessions.get(id)?;
        let mut dialogs = session.dialogs.iter();
        let is_one =
            session.call_id == call_id && dialogs.any(|dialog| dialog.remote_tag() == remote_tag);
        is_one.then_some(id)
    }
}
