//! What becomes of what was sent, as the transactions say: whom a response is for, and what follows
//! where none comes.

use std::time::Instant;

use super::session::Owner;
use super::{Cause, Event, Output, SubscriptionEnd, UserAgent};
use crate::transaction::{ClientTransactionId, Effect, Failure};
use crate::{Headers, StatusCode};

impl UserAgent {
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(effect) = self.transactions.poll() {
            match effect {
                Effect::Transmit { flow, payload } => {
                    self.outputs.push_back(Output::Transmit { flow, payload });
                }
                Effect::Response {
                    client,
                    owner,
                    flow,
                    response,
                    sent,
                    wire,
                } => {
                    let told = self.look_at_response(now, client, owner, flow, &response);
                    let Some(known_as) = told else {
                        continue;
                    };
                    if let Some(wire) = wire {
                        let ids = (client, known_as);
                        let again = self.answer_challenge(now, ids, owner, &response, &wire);
                        self.after_challenge(ids, owner, response.status, again);
                        if again {
                            continue;
                        }
                    }
                    match owner {
                        Owner::Nobody => {
                            if response.status.is_final() {
                                self.asked.remove(&client);
                            }
                        }
                        Owner::Prack(id) => self.on_prack_response(now, id, &response, sent),
                        Owner::Silent(_) | Owner::Cancelled(_) => {
                            self.on_late_response(now, client, owner, &response)
                        }
                        Owner::Invite(id) => {
                            let invite = sent.map(|sent| (*sent, flow));
                            self.on_invite_response(now, client, id, *response, invite);
                        }
                        Owner::Update(id) => self.on_update_response(now, client, id, *response),
                        Owner::Reinvite(id) => {
                            self.on_reinvite_response(now, client, id, *response)
                        }
                        Owner::Bye(id) if response.status.is_final() => self.remove(id),
                        Owner::Bye(_) => {}
                        Owner::Subscribe(id) => {
                            self.on_subscribe_response(now, id, flow, *response)
                        }
                        Owner::Notify(id) => self.on_notify_response(now, id, &response),
                        Owner::Register(id) => self.on_register_response(now, id, &response),
                        Owner::Request(id) => self.on_other_response(now, known_as, id, *response),
                    }
                }
                Effect::Failed {
                    client,
                    owner,
                    failure,
                } => {
                    if let Some(known_as) = self.look_at_failure(now, client, failure) {
                        self.fail(now, known_as, owner, failure);
                    }
                }
            }
        }
    }

    /// A request of ours gets no final response.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        known_as: ClientTransactionId,
        owner: Owner,
        failure: Failure,
    ) {
        match owner {
            Owner::Nobody => {
                self.asked.remove(&known_as);
            }
            Owner::Prack(_) | Owner::Silent(_) | Owner::Cancelled(_) => {}
            Owner::Update(id) => self.on_update_failed(now, known_as, id, failure),
            Owner::Invite(id) => {
                self.terminate(id, failure.into());
                self.remove(id);
            }
            Owner::Reinvite(id) => {
                if self.terminate(id, failure.into()) {
                    self.leave(now, id, Headers::new());
                }
            }
            Owner::Bye(id) => self.remove(id),
            Owner::Notify(id) => self.end_subscription(id, SubscriptionEnd::Silent),
            Owner::Subscribe(id) => self.on_subscribe_failed(id, status_of(failure)),
            Owner::Register(id) => self.on_register_failed(now, id, failure),
            Owner::Request(_) => {
                self.asked.remove(&known_as);
                let status = status_of(failure);
                self.event(Event::RequestFailed {
                    id: known_as,
                    status,
                });
            }
        }
    }
}

/// What no final response counts as (§8.1.3.1).
fn status_of(failure: Failure) -> StatusCode {
    match failure {
        Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
        Failure::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Timeout => Self::Timeout,
            Failure::Unreachable => Self::Unreachable,
        }
    }
}
