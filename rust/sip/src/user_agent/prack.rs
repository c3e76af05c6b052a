//! The calling side's acknowledgement of reliable provisional responses (RFC 3262 §4).

use std::time::Instant;

use super::session::{Owner, Phase, SessionId};
use super::{Content, UserAgent};
use crate::dialog::Dialog;
use crate::dialog::exchange::Turn;
use crate::header::{CSeq, RAck, To};
use crate::{Error, Headers, Method, Request, Response, StatusCode};

impl UserAgent {
    /// Sends the PRACK to a provisional response that carried an offer, with the answer as its
    /// body ([`Event::Progress`](super::Event::Progress)).
    pub fn prack(
        &mut self,
        now: Instant,
        session: SessionId,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let dialogs = &mut self.live(session)?.dialogs;
        let at = dialogs
            .iter()
            .rposition(|dialog| dialog.owed_prack.is_some())
            .ok_or(Error::State)?;
        let dialog = &mut dialogs[at];
        let owed = dialog.owed_prack.take().ok_or(Error::State)?;
        match content {
            Some(_) => dialog.exchange.sent(),
            None => dialog.exchange.withdraw(),
        }
        self.send_prack(now, session, at, owed, content);
        self.settle(now);
        Ok(())
    }

    /// Takes the reliable response `number` to our INVITE into the dialog at `at`, and acknowledges
    /// it unless its PRACK has to be worded. `None` for one that is to be left alone; otherwise
    /// whether it has to be worded.
    pub(super) fn receive_reliable(
        &mut self,
        now: Instant,
        id: SessionId,
        at: usize,
        number: u32,
        response: &Response,
    ) -> Option<bool> {
        let sequence = response.headers.require::<CSeq>().ok()?.sequence;
        let session = self.sessions.get_mut(id)?;
        let dialog = session.dialogs.get_mut(at)?;
        if !dialog.receive_reliable(number) {
            return None;
        }
        if !response.body.is_empty() && !dialog.exchange.is_complete() {
            dialog.exchange.received();
        }
        // An offer of another request is answered there.
        if !response.body.is_empty() && dialog.exchange.turn() == Turn::Ours {
            dialog.owed_prack = Some((number, sequence));
            return Some(true);
        }
        self.send_prack(now, id, at, (number, sequence), None);
        Some(false)
    }

    fn send_prack(
        &mut self,
        now: Instant,
        id: SessionId,
        at: usize,
        (response, sequence): (u32, u32),
        content: Option<Content>,
    ) {
        let mut headers = Headers::new();
        headers.push_typed(&RAck {
            response,
            sequence,
            method: Method::Invite,
        });
        let owner = Owner::Prack(id);
        self.send_in_dialog(now, id, at, Method::Prack, &headers, content, owner);
    }

    /// A PRACK that another request of ours has overtaken on the way is refused by its number
    /// (RFC 3261 §12.2.2), and the response it was for would never be acknowledged: it is sent
    /// again as the last.
    pub(super) fn on_prack_response(
        &mut self,
        now: Instant,
        id: SessionId,
        response: &Response,
        sent: Option<Box<Request>>,
    ) {
        let (StatusCode::SERVER_INTERNAL_ERROR, Some(mut prack)) = (response.status, sent) else {
            return;
        };
        let tag = prack.headers.require::<To>().ok();
        let tag = tag
            .and_then(|to| to.params.get_text("tag"))
            .unwrap_or_default();
        let Ok(mut cseq) = prack.headers.require::<CSeq>() else {
            return;
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if !matches!(session.phase, Phase::Calling { .. }) {
            return;
        }
        let Some(dialog) = session.dialog_with(&tag) else {
            return;
        };
        let Some(next) = dialog.number_after(cseq.sequence) else {
            return;
        };
        let flow = dialog.next_hop();
        cseq.sequence = next;
        prack.headers.set_typed(&cseq);
        let via = self.via(flow);
        prack.headers.replace_first(&via);
        self.transactions
            .start_client(now, *prack, flow, Owner::Prack(id));
    }

    /// The place of the branch that a response to our INVITE comes from among the early dialogs;
    /// it becomes the last, being the last to speak.
    pub(super) fn branch_of(&mut self, id: SessionId, tag: &str) -> Option<usize> {
        let session = self.sessions.get_mut(id)?;
        if !matches!(session.phase, Phase::Calling { .. }) {
            return None;
        }
        let is_one = |dialog: &Dialog| dialog.remote_tag() == tag;
        let at = session.dialogs.iter().position(is_one)?;
        let dialog = session.dialogs.remove(at);
        session.dialogs.push(dialog);
        Some(session.dialogs.len() - 1)
    }
}
