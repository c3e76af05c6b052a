//! 401 and 407: the request goes out again with an answer (RFC 3261 §22.2, §22.3), and who asked
//! for it notices nothing.

use std::time::Instant;

use super::session::{Owner, Phase, Session, SessionId};
use super::{Cancel, Reinvite, UserAgent};
use crate::auth::client::ClientAuth;
use crate::header::{AuthenticationInfo, CSeq, Header, To};
use crate::transaction::{ClientTransactionId, Sent};
use crate::{Message, Request, Response, StatusCode};

/// How often one request may be asked for credentials: by each proxy of a chain, and once more for
/// a nonce that went stale.
const MAX_RETRIES: u8 = 8;

impl UserAgent {
    /// Sends the request that was challenged again, if there is something to answer with that was
    /// not refused just now. `false`: the response is for whoever sent the request.
    pub(super) fn answer_challenge(
        &mut self,
        now: Instant,
        (client, known_as): (ClientTransactionId, ClientTransactionId),
        owner: Owner,
        response: &Response,
        sent: &Sent,
    ) -> bool {
        let status = response.status;
        let is_challenge = matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        );
        let is_proof = status.is_success() && response.headers.contains(&AuthenticationInfo::NAME);
        if !(is_challenge || is_proof) {
            return false;
        }
        // A session knows its transaction, the layer above the first of its request.
        let client = match owner {
            Owner::Request(_) => known_as,
            _ => client,
        };
        let Some(mut auth) = self.take_auth(client, owner) else {
            return false;
        };
        let again = match Message::parse(&sent.payload) {
            Ok(Message::Request(mut request)) if is_challenge => {
                let first = sent.retries == 0;
                let worth_it = sent.retries < MAX_RETRIES
                    && self.may_go_out_again(client, owner)
                    && auth.learn(&request, response, first, &mut self.identity.rng);
                worth_it.then(|| {
                    self.renew(owner, &mut request, sent);
                    auth.sign(&mut request);
                    request
                })
            }
            Ok(Message::Request(request)) => {
                let is_true = auth.heed(&request, response, &mut self.identity.rng);
                self.counters.false_proofs += u64::from(!is_true);
                None
            }
            _ => None,
        };
        self.put_auth(client, owner, auth);
        let Some(request) = again else { return false };
        self.counters.challenges_answered += 1;
        self.transactions
            .start_again(now, client, request, sent, owner)
    }

    /// Adds to a request of a session what was answered to challenges before, so that it isn't
    /// asked again.
    pub(super) fn sign(&mut self, id: SessionId, request: &mut Request) {
        if let Some(auth) = self.sessions.get_mut(id).and_then(|s| s.auth.as_mut()) {
            auth.sign(request);
        }
    }

    fn take_auth(&mut self, client: ClientTransactionId, owner: Owner) -> Option<Box<ClientAuth>> {
        if let Owner::Subscribe(id) | Owner::Notify(id) = owner {
            return self.auth_of_subscription(id)?.take();
        }
        match (owner, owner.session()) {
            (Owner::Register(id), _) => self.registrations.get_mut(id)?.auth.take(),
            (_, Some(id)) => self.sessions.get_mut(id)?.auth.take(),
            (_, None) => self.asked.remove(&client),
        }
    }

    fn put_auth(&mut self, client: ClientTransactionId, owner: Owner, auth: Box<ClientAuth>) {
        if let Owner::Subscribe(id) | Owner::Notify(id) = owner {
            if let Some(place) = self.auth_of_subscription(id) {
                *place = Some(auth);
            }
            return;
        }
        match (owner, owner.session()) {
            (Owner::Register(id), _) => {
                if let Some(registration) = self.registrations.get_mut(id) {
                    registration.auth = Some(auth);
                }
            }
            (_, Some(id)) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.auth = Some(auth);
                }
            }
            (_, None) => {
                self.asked.insert(client, auth);
            }
        }
    }

    /// Whether what was asked for is still wanted: an INVITE that was taken back is not.
    fn may_go_out_again(&self, client: ClientTransactionId, owner: Owner) -> bool {
        let session = owner.session().and_then(|id| self.sessions.get(id));
        match owner {
            Owner::Invite(_) => session.is_some_and(|session| {
                matches!(
                    &session.phase,
                    Phase::Calling {
                        cancel: Cancel::NotWanted,
                        ..
                    }
                )
            }),
            Owner::Reinvite(_) => session.is_some_and(|session| {
                matches!(&session.phase, Phase::Established(established)
                    if matches!(established.reinvite,
                        Reinvite::Ours { transaction, .. } if transaction == client))
            }),
            _ => true,
        }
    }

    /// Gives a request the next CSeq and a branch of its own (§8.1.3.5).
    fn renew(&mut self, owner: Owner, request: &mut Request, sent: &Sent) {
        let via = self.via(sent.flow);
        request.headers.replace_first(&via);
        let Ok(CSeq { sequence, method }) = request.headers.require() else {
            return;
        };
        if let Owner::Subscribe(id) | Owner::Notify(id) = owner {
            let sequence = self.sequence_of_subscription(id, sequence);
            return request.headers.set_typed(&CSeq { sequence, method });
        }
        let session = owner.session().and_then(|id| self.sessions.get_mut(id));
        let sequence = match (owner, session) {
            (Owner::Invite(_), Some(session)) => {
                // The early dialogs of the refused INVITE are over (§12.3).
                let dialogs = std::mem::take(&mut session.dialogs);
                let highest = dialogs.iter().map(|dialog| dialog.local_sequence()).max();
                highest.unwrap_or(sequence).max(sequence) + 1
            }
            (_, Some(session)) => next_sequence(session, request).unwrap_or(sequence + 1),
            (_, None) => sequence + 1,
        };
        if let Owner::Register(id) = owner
            && let Some(registration) = self.registrations.get_mut(id)
        {
            registration.sequence = sequence;
        }
        request.headers.set_typed(&CSeq { sequence, method });
    }
}

/// The next CSeq of the dialog that a request is in.
fn next_sequence(session: &mut Session, request: &Request) -> Option<u32> {
    let to = request.headers.require::<To>().ok()?;
    let dialog = session.dialog_with(to.tag().unwrap_or_default())?;
    Some(dialog.next_sequence())
}
