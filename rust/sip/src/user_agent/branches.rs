//! Branches of our INVITE that nobody wants: what they accept is acknowledged, and ended by BYE.

use std::time::Instant;

use super::caller::{MAX_BRANCHES, sequence_of, to_tag};
use super::session::{Owner, SessionId};
use super::{UserAgent, wording};
use crate::auth::client::copy_answers;
use crate::dialog::Dialog;
use crate::header::{CSeq, HeaderName, To};
use crate::transaction::{ClientTransactionId, Flow, follow_up};
use crate::{Headers, Method, Request, Response};

impl UserAgent {
    /// A branch of a fork has accepted that lost, or that came when the call was over: ACK and BYE
    /// (§13.2.2.4). `session` is whose INVITE it was, if it is still known.
    pub(super) fn decline_branch(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        session: Option<SessionId>,
        response: &Response,
    ) {
        let Some((invite, flow)) = self.transactions.invite(client) else {
            return;
        };
        if self.transactions.acknowledged(client) > MAX_BRANCHES {
            return;
        }
        let Ok(mut dialog) = Dialog::of_response(invite, response, flow, &self.config.listeners)
        else {
            return self.decline_in_passing(now, client, session, response);
        };
        let answers = invite.headers.clone();
        // It may have had PRACKs, and a BYE with the number of one would be refused (§12.2.2).
        dialog.continue_after(self.transactions.noted_sequence(client));
        let next_hop = dialog.next_hop();
        let via = self.via(next_hop);
        let mut ack = dialog.ack(sequence_of(response), &via);
        copy_answers(&answers, &mut ack.headers);
        let ack = ack.to_bytes();
        let tag = dialog.remote_tag().clone();
        self.transactions.acknowledge(client, tag, next_hop, ack);
        let bye = self.request_in_dialog(&mut dialog, Method::Bye, &Headers::new(), None);
        self.send_lonely_bye(now, session, bye, next_hop);
    }

    /// A 2xx came that makes no dialog: its ACK and BYE take the way of the INVITE, which is the only
    /// one that is known.
    pub(super) fn decline_in_passing(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        session: Option<SessionId>,
        response: &Response,
    ) {
        self.acknowledge_in_passing(client, response);
        let Some((invite, flow)) = self.transactions.invite(client) else {
            return;
        };
        let mut bye = follow_up(invite, Method::Bye);
        bye.headers.remove(&HeaderName::Authorization);
        bye.headers.remove(&HeaderName::ProxyAuthorization);
        let via = self.via(flow);
        bye.headers.set_typed(&via);
        bye.headers.set_typed(&CSeq {
            sequence: sequence_of(response).saturating_add(1),
            method: Method::Bye,
        });
        if let Ok(to) = response.headers.require::<To>() {
            bye.headers.set_typed(&to);
        }
        self.push_product(&mut bye.headers, HeaderName::UserAgent);
        wording::complete(&mut bye.headers, &mut bye.body, &Headers::new(), None);
        self.send_lonely_bye(now, session, bye, flow);
    }

    /// Sends a BYE that nobody waits for, but which may be challenged.
    fn send_lonely_bye(
        &mut self,
        now: Instant,
        session: Option<SessionId>,
        mut bye: Request,
        flow: Flow,
    ) {
        let auth = session.and_then(|id| {
            self.sign(id, &mut bye);
            self.sessions.get(id)?.auth.clone()
        });
        let sent = self
            .transactions
            .start_client(now, bye, flow, Owner::Nobody);
        if let (Some(sent), Some(auth)) = (sent, auth) {
            self.asked.insert(sent, auth);
        }
    }

    /// A 2xx gets its ACK by the way of the INVITE: the session is over and the BYE on its way, or
    /// there is no other way.
    pub(super) fn acknowledge_in_passing(
        &mut self,
        client: ClientTransactionId,
        response: &Response,
    ) {
        let Some((invite, flow)) = self.transactions.invite(client) else {
            return;
        };
        let mut ack = follow_up(invite, Method::Ack);
        let via = self.via(flow);
        ack.headers.set_typed(&via);
        if let Ok(to) = response.headers.require::<To>() {
            ack.headers.set_typed(&to);
        }
        let tag = to_tag(response).unwrap_or_default();
        self.transactions
            .acknowledge(client, tag, flow, ack.to_bytes());
    }
}
