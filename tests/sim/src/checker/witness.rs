//! Who watches one side, and judges what it sends by what it could know.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::client::Client;
use super::dialog::{Dialog, DialogId};
use super::message::Message;
use super::reliable::{Heard, Reliable};
use super::server::Server;
use super::{Complaint, Law, TOLERANCE, Times};

const COOKIE: &str = "z9hG4bK";
/// In what a request with a To tag has to be in a dialog that INVITE made.
const IN_SESSION: [&str; 5] = ["INVITE", "BYE", "UPDATE", "PRACK", "INFO"];

type ClientKey = (String, String);
type ServerKey = (String, String, String);

/// What this side has to send by some time.
#[derive(Debug)]
struct Owed {
    by: Duration,
    call: String,
    duty: Duty,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Duty {
    Respond(ServerKey),
    /// To the final response with this tag to the INVITE of this branch.
    Ack(String, String),
    Prack(String, u32),
    Bye(DialogId),
}

pub(super) struct Witness {
    side: SocketAddr,
    times: Times,
    clients: BTreeMap<ClientKey, Client>,
    servers: BTreeMap<ServerKey, Server>,
    reliable: BTreeMap<ServerKey, Reliable>,
    heard: BTreeMap<(String, String), Heard>,
    dialogs: BTreeMap<DialogId, Dialog>,
    /// The number of the last request outside dialogs, by Call-ID and From tag.
    sequences: BTreeMap<(String, String), u32>,
    /// Branches of ACKs to 2xx.
    ack_branches: BTreeMap<String, Bytes>,
    byes_received: BTreeSet<String>,
    owed: Vec<Owed>,
    /// The Call-ID of what is being looked at.
    call: String,
    pub complaints: Vec<Complaint>,
}

impl Witness {
    pub fn new(side: SocketAddr, times: Times) -> Self {
        Self {
            side,
            times,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            reliable: BTreeMap::new(),
            heard: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            sequences: BTreeMap::new(),
            ack_branches: BTreeMap::new(),
            byes_received: BTreeSet::new(),
            owed: Vec::new(),
            call: String::new(),
            complaints: Vec::new(),
        }
    }

    fn complain(&mut self, at: Duration, law: Law, what: impl Into<String>) {
        let (side, what, call) = (self.side, what.into(), self.call.clone());
        self.complaints.push(Complaint {
            at,
            side,
            call,
            law,
            what,
        });
    }

    /// Time passes: whatever was owed by now should have been sent.
    fn advance(&mut self, at: Duration) {
        let (late, owed) = std::mem::take(&mut self.owed)
            .into_iter()
            .partition(|owed| owed.by + TOLERANCE < at);
        self.owed = owed;
        for Owed { by, call, duty } in late {
            self.call = call;
            let (law, what) = match duty {
                Duty::Respond(key) => match key.2.as_str() {
                    "INVITE" if !self.servers[&key].is_answered() => {
                        (Law::Provisional, "INVITE gets no response".to_owned())
                    }
                    method => (
                        Law::ResponseRepeats,
                        format!("{method} again gets no response"),
                    ),
                },
                Duty::Ack(_, tag) => (Law::Ack, format!("the final response of {tag} gets no ACK")),
                Duty::Prack(_, rseq) => (Law::Reliable, format!("RSeq {rseq} gets no PRACK")),
                Duty::Bye(_) => {
                    let what = "an offer gets neither an answer nor BYE".to_owned();
                    (Law::OfferAnswer, what)
                }
            };
            self.complain(by, law, what);
        }
    }

    fn owe(&mut self, by: Duration, duty: Duty) {
        let call = self.call.clone();
        self.owed.push(Owed { by, call, duty });
    }

    /// Whether this was owed.
    fn discharge(&mut self, duty: &Duty) -> bool {
        let before = self.owed.len();
        self.owed.retain(|owed| owed.duty != *duty);
        self.owed.len() < before
    }

    pub fn sent(&mut self, at: Duration, message: &Message) {
        self.advance(at);
        self.call.clone_from(&message.call_id);
        match (message.is_request(), message.method.as_str()) {
            (false, _) => self.sent_response(at, message),
            (true, "ACK") => self.sent_ack(at, message),
            (true, _) => self.sent_request(at, message),
        }
    }

    pub fn received(&mut self, at: Duration, message: &Message) {
        self.advance(at);
        self.call.clone_from(&message.call_id);
        match (message.is_request(), message.method.as_str()) {
            (false, _) => self.received_response(at, message),
            (true, "ACK") => self.received_ack(at, message),
            (true, _) => self.received_request(at, message),
        }
    }

    // Asking

    fn sent_request(&mut self, at: Duration, request: &Message) {
        let key = (request.branch.clone(), request.method.clone());
        if let Some(client) = self.clients.get_mut(&key) {
            if let Some(wrong) = client.repeated(at, request, &self.times) {
                self.complain(at, Law::RequestRepeats, wrong);
            }
            return;
        }
        let name = request.name();
        if !request.branch.starts_with(COOKIE) || request.branch.len() < COOKIE.len() + 8 {
            self.complain(at, Law::Branch, format!("{name} has a poor branch"));
        }
        if request.method == "CANCEL" {
            self.sent_cancel(at, request);
        } else {
            let range = (request.branch.clone(), String::new());
            let used = self.clients.range(range..).next();
            let is_used = used.is_some_and(|((branch, _), _)| *branch == request.branch);
            if is_used || self.ack_branches.contains_key(&request.branch) {
                self.complain(
                    at,
                    Law::Branch,
                    format!("{name} has a branch that was used"),
                );
            }
            self.sent_new_request(at, request);
        }
        let client = Client::new(at, request.clone(), &self.times);
        self.clients.insert(key, client);
    }

    fn sent_new_request(&mut self, at: Duration, request: &Message) {
        let name = request.name();
        let refreshes = ["INVITE", "UPDATE", "SUBSCRIBE", "REFER", "NOTIFY"];
        if refreshes.contains(&request.method.as_str()) && request.header("contact").is_none() {
            self.complain(at, Law::Contact, format!("{name} has no Contact"));
        }
        let half = (request.call_id.clone(), request.from_tag.clone());
        if request.to_tag.is_empty() {
            // The same again by another server has a branch of its own alone (RFC 3263 §4.3).
            let mut before = self.clients.values_mut();
            let given_up = before.find(|client| client.is_given_up_for(request));
            if let Some(client) = given_up {
                client.abandoned.get_or_insert(at);
                return;
            }
            let last = self.sequences.insert(half, request.cseq);
            if last.is_some_and(|last| last + 1 != request.cseq) {
                self.complain(
                    at,
                    Law::CSeq,
                    format!("{name} does not have the next number"),
                );
            }
            return;
        }
        let id = DialogId {
            call_id: request.call_id.clone(),
            local: request.from_tag.clone(),
            remote: request.to_tag.clone(),
        };
        if request.method == "INVITE" && self.invite_is_open(&id) {
            self.complain(at, Law::OneInvite, format!("{name} while another is open"));
        }
        let mut again = false;
        if let ("PRACK", Some((rseq, cseq, _))) = (request.method.as_str(), request.rack()) {
            again = self.sent_prack(at, request, rseq, cseq);
        }
        let times = self.times;
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            if IN_SESSION.contains(&request.method.as_str()) {
                self.complain(at, Law::Dialog, format!("{name} in no dialog"));
            }
            return;
        };
        let wrong = dialog.sent(at, request, &times);
        let offer = match again {
            true => None,
            false => dialog.exchange.carry(true, request),
        };
        for (law, what) in wrong.into_iter().chain(offer) {
            self.complain(at, law, what);
        }
        if request.method == "BYE" {
            self.discharge(&Duty::Bye(id.clone()));
            self.end_dialog(at, &id);
        }
    }

    fn sent_cancel(&mut self, at: Duration, cancel: &Message) {
        let key = (cancel.branch.clone(), "INVITE".to_owned());
        let Some(client) = self.clients.get_mut(&key) else {
            return self.complain(at, Law::Cancel, "CANCEL of no INVITE");
        };
        client.cancelled = Some(at);
        let invite = &client.request;
        let same = ["from", "to", "call-id"]
            .iter()
            .all(|name| cancel.header(name) == invite.header(name))
            && cancel.uri == invite.uri
            && cancel.vias().first() == invite.vias().first()
            && cancel.vias().len() == 1
            && cancel
                .headers_named("route")
                .eq(invite.headers_named("route"));
        let in_time = client.heard.is_some() && client.answered.is_none();
        let same_number = cancel.cseq == invite.cseq;
        if !same {
            self.complain(at, Law::Cancel, "CANCEL does not look like its INVITE");
        }
        if !in_time {
            self.complain(at, Law::Cancel, "CANCEL before or after its time");
        }
        if !same_number {
            self.complain(at, Law::CSeq, "CANCEL has another number than its INVITE");
        }
        // Who takes the call back needn't answer what it offers.
        self.owed.retain(
            |owed| !matches!(&owed.duty, Duty::Prack(branch, _) if *branch == cancel.branch),
        );
    }

    fn refused_prack(&mut self, prack: &Message) {
        let Some((rseq, cseq, _)) = prack.rack() else {
            return;
        };
        let invite = self.invite_numbered(prack, cseq);
        if let Some(branch) = invite.map(|client| client.request.branch.clone())
            && let Some(heard) = self.heard.get_mut(&(branch, prack.to_tag.clone()))
        {
            heard.refused(rseq);
        }
    }

    /// Returns whether it repeats one that was refused.
    fn sent_prack(&mut self, at: Duration, prack: &Message, rseq: u32, cseq: u32) -> bool {
        let invite = self.invite_numbered(prack, cseq);
        let Some(branch) = invite.map(|client| client.request.branch.clone()) else {
            self.complain(at, Law::Reliable, "PRACK for no INVITE");
            return false;
        };
        self.discharge(&Duty::Prack(branch.clone(), rseq));
        let heard = self
            .heard
            .entry((branch, prack.to_tag.clone()))
            .or_default();
        let again = heard.is_again(rseq);
        if !heard.answers(rseq) {
            let what = format!("PRACK for RSeq {rseq}, which did not come or has one");
            self.complain(at, Law::Reliable, what);
        }
        again
    }

    fn sent_ack(&mut self, at: Duration, ack: &Message) {
        let key = (ack.branch.clone(), "INVITE".to_owned());
        if self.clients.contains_key(&key) {
            return self.sent_failure_ack(at, ack, &key);
        }
        let invite = self.invite_numbered(ack, ack.cseq);
        let Some(client) = invite.filter(|c| c.accepted.contains_key(&ack.to_tag)) else {
            return self.complain(at, Law::Ack, format!("{} to no 2xx", ack.name()));
        };
        let branch = client.request.branch.clone();
        let before = client.acks.insert(ack.to_tag.clone(), ack.bytes.clone());
        let is_first = before.is_none();
        if before.is_some_and(|before| before != ack.bytes) {
            self.complain(at, Law::Ack, "the ACK to a 2xx comes in other words");
        }
        let owed = self.discharge(&Duty::Ack(branch, ack.to_tag.clone()));
        if !owed && !is_first {
            self.complain(
                at,
                Law::Ack,
                "an ACK again though its 2xx did not come again",
            );
        }
        if is_first {
            let is_used = self
                .ack_branches
                .insert(ack.branch.clone(), ack.bytes.clone());
            if !ack.branch.starts_with(COOKIE) || is_used.is_some() {
                self.complain(at, Law::Branch, "the ACK to a 2xx has no branch of its own");
            }
            self.carry_ack(at, ack);
        }
    }

    fn carry_ack(&mut self, at: Duration, ack: &Message) {
        let id = DialogId {
            call_id: ack.call_id.clone(),
            local: ack.from_tag.clone(),
            remote: ack.to_tag.clone(),
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        let offer = dialog.exchange.carry(true, ack);
        // An offer that can't be answered ends the call.
        let must_end = dialog.exchange.owes_answer() && !dialog.is_over();
        if let Some((law, what)) = offer {
            self.complain(at, law, what);
        }
        if must_end {
            self.owe(at, Duty::Bye(id));
        }
    }

    fn sent_failure_ack(&mut self, at: Duration, ack: &Message, key: &ClientKey) {
        let client = &self.clients[key];
        let invite = &client.request;
        let Some(failure) = &client.failure else {
            return self.complain(at, Law::Ack, format!("{} without a failure", ack.name()));
        };
        let same = ["from", "call-id"]
            .iter()
            .all(|name| ack.header(name) == invite.header(name))
            && ack.header("to") == failure.header("to")
            && ack.uri == invite.uri
            && ack.vias().len() == 1
            && ack.vias().first() == invite.vias().first()
            && ack.headers_named("route").eq(invite.headers_named("route"));
        let same_number = ack.cseq == invite.cseq;
        let tag = failure.to_tag.clone();
        if !same {
            self.complain(
                at,
                Law::Ack,
                "the ACK to a failure does not look like its INVITE",
            );
        }
        if !same_number {
            self.complain(at, Law::CSeq, "ACK has another number than its INVITE");
        }
        if !self.discharge(&Duty::Ack(key.0.clone(), tag)) {
            self.complain(at, Law::Ack, "an ACK though no failure came");
        }
    }

    fn received_response(&mut self, at: Duration, response: &Message) {
        let key = (response.branch.clone(), response.method.clone());
        let times = self.times;
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        if !client.lives(at, &times) {
            return;
        }
        let status = response.status.unwrap_or_default();
        let missing = client.missing(at, &times);
        if let Some(missing) = missing {
            // It is noted once: at the first response.
            self.complain(at, Law::RequestRepeats, missing);
        }
        let Some(client) = self.clients.get_mut(&key) else {
            return;
        };
        let is_new = client.received(at, response);
        let offers = client.request.description().is_some();
        let cancelled = client.cancelled.is_some();
        let has_ack = client.acks.contains_key(&response.to_tag);
        let invite = client.request.clone();
        if response.method != "INVITE" {
            if is_new && status == 500 && response.method == "PRACK" {
                return self.refused_prack(&invite);
            }
            if is_new && status >= 200 {
                self.carry_response(at, &invite, response);
            }
            return;
        }
        if let (Some(rseq), true) = (response.rseq(), is_new) {
            let branch = (response.branch.clone(), response.to_tag.clone());
            if self.heard.entry(branch).or_default().received(rseq) && !cancelled {
                let by = at + times.give_up();
                self.owe(by, Duty::Prack(response.branch.clone(), rseq));
            }
        }
        if status >= 200 {
            let branch = response.branch.clone();
            self.owed
                .retain(|owed| !matches!(&owed.duty, Duty::Prack(b, _) if *b == branch));
            let at_once = status >= 300 || offers || has_ack;
            let by = if at_once { at } else { at + times.give_up() };
            let duty = Duty::Ack(branch, response.to_tag.clone());
            let is_owed = self.owed.iter().any(|owed| owed.duty == duty);
            if !is_owed {
                self.owe(by, duty);
            }
        }
        if is_new && status > 100 {
            self.carry_response(at, &invite, response);
        }
    }

    /// A response to a request of ours makes or changes a dialog.
    fn carry_response(&mut self, at: Duration, request: &Message, response: &Message) {
        if response.to_tag.is_empty() {
            return;
        }
        let status = response.status.unwrap_or_default();
        let id = DialogId {
            call_id: request.call_id.clone(),
            local: request.from_tag.clone(),
            remote: response.to_tag.clone(),
        };
        if request.method == "INVITE" && request.to_tag.is_empty() && status < 300 {
            let dialog = self.dialogs.entry(id.clone()).or_insert_with(|| {
                let mut dialog = Dialog::new(true, Some(request.cseq));
                dialog.exchange.carry(true, request);
                dialog
            });
            if status >= 200 {
                dialog.accepted.get_or_insert(at);
                dialog.confirmed = true;
            }
        }
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        dialog.exchange.carry(false, response);
        self.refresh(at, &id, response);
    }

    fn refresh(&mut self, at: Duration, id: &DialogId, response: &Message) {
        let refreshes = matches!(response.method.as_str(), "INVITE" | "UPDATE");
        let Some(dialog) = self.dialogs.get_mut(id) else {
            return;
        };
        if refreshes
            && matches!(response.status, Some(200..300))
            && let Some((law, what)) = dialog.refreshed(at, response)
        {
            self.complain(at, law, what);
        }
    }

    // Answering

    fn received_request(&mut self, at: Duration, request: &Message) {
        let key = (
            request.branch.clone(),
            request.sent_by.clone(),
            request.method.clone(),
        );
        let forgotten = |server: &&mut Server| server.is_forgotten(at, &self.times);
        if let Some(server) = self.servers.get_mut(&key).filter(|s| !forgotten(s)) {
            if server.copied(at, &self.times) {
                self.owe(at, Duty::Respond(key));
            }
            return;
        }
        let id = DialogId {
            call_id: request.call_id.clone(),
            local: request.to_tag.clone(),
            remote: request.from_tag.clone(),
        };
        // What was overtaken is refused (RFC 3261 §12.2.2), and acknowledges and answers nothing.
        let late = request.method == "PRACK"
            && self.servers.values().any(|server| {
                let other = &server.request;
                other.call_id == request.call_id
                    && other.from_tag == request.from_tag
                    && other.to_tag == request.to_tag
                    && other.cseq > request.cseq
            });
        // What was said before the call was refused doesn't count any more either.
        let refused = request.method == "PRACK"
            && request.rack().is_some_and(|(_, cseq, _)| {
                self.servers.values().any(|server| {
                    let other = &server.request;
                    let status = server.answer.as_ref().and_then(|answer| answer.status);
                    other.call_id == request.call_id
                        && other.method == "INVITE"
                        && other.cseq == cseq
                        && status.is_some_and(|status| status >= 300)
                })
            });
        self.servers
            .insert(key.clone(), Server::new(at, request.clone()));
        match request.method.as_str() {
            "INVITE" => self.owe(at + Duration::from_millis(200), Duty::Respond(key)),
            "BYE" => {
                self.byes_received.insert(request.branch.clone());
                if let Some(dialog) = self.dialogs.get_mut(&id) {
                    dialog.bye_received.get_or_insert(at);
                    self.end_dialog(at, &id);
                }
            }
            "PRACK" if !late => {
                let rack = request.rack();
                let invites = self.reliable.iter_mut();
                let acknowledged = rack.is_some_and(|(rseq, cseq, _)| {
                    let mut open = invites.filter(|(key, _)| {
                        let invite = &self.servers[*key].request;
                        invite.call_id == request.call_id && invite.cseq == cseq
                    });
                    open.any(|(_, reliable)| reliable.acknowledged(rseq))
                });
                if let Some(server) = self.servers.get_mut(&key) {
                    server.must_accept = acknowledged;
                }
            }
            _ => {}
        }
        if let (false, Some(dialog)) = (late || refused, self.dialogs.get_mut(&id)) {
            dialog.exchange.carry(false, request);
        }
    }

    fn received_ack(&mut self, at: Duration, ack: &Message) {
        let times = self.times;
        let server = self.servers.values_mut().find(|server| {
            let invite = &server.request;
            let answer = server.answer.as_ref();
            let same_branch = invite.branch == ack.branch && invite.sent_by == ack.sent_by;
            invite.method == "INVITE"
                && invite.call_id == ack.call_id
                && invite.from_tag == ack.from_tag
                && invite.cseq == ack.cseq
                && answer.is_some_and(|answer| answer.to_tag == ack.to_tag)
                && (server.is_accepted() != same_branch)
        });
        let Some(server) = server.filter(|server| !server.acknowledged) else {
            return;
        };
        let is_accepted = server.is_accepted();
        if let Some(missing) = server.acknowledge(at, &times) {
            self.complain(at, Law::ResponseRepeats, missing);
        }
        let id = DialogId {
            call_id: ack.call_id.clone(),
            local: ack.to_tag.clone(),
            remote: ack.from_tag.clone(),
        };
        if let (true, Some(dialog)) = (is_accepted, self.dialogs.get_mut(&id)) {
            dialog.confirmed = true;
            dialog.exchange.carry(false, ack);
        }
    }

    fn sent_response(&mut self, at: Duration, response: &Message) {
        let name = response.name();
        let key = (
            response.branch.clone(),
            response.sent_by.clone(),
            response.method.clone(),
        );
        let times = self.times;
        let Some(server) = self
            .servers
            .get_mut(&key)
            .filter(|_| response.method != "ACK")
        else {
            let what = format!("{name} answers nothing that came");
            return self.complain(at, Law::ResponseToRequest, what);
        };
        let status = response.status.unwrap_or_default();
        let is_new = match status {
            200.. => server.answer.is_none(),
            _ => server.provisional.as_ref() != Some(&response.bytes),
        };
        let copied = server.is_copied(at);
        let wrong = server.sent(at, response, &times);
        let request = server.request.clone();
        let must_accept = server.must_accept;
        if let Some((law, what)) = wrong {
            self.complain(at, law, what);
        }
        self.discharge(&Duty::Respond(key.clone()));
        if must_accept && status >= 300 {
            self.complain(
                at,
                Law::Reliable,
                format!("{name}, though it acknowledges a response"),
            );
        }
        let opens = matches!(status, 101..300) && request.method == "INVITE";
        let refreshes = matches!(status, 200..300) && request.method == "UPDATE";
        if (opens || refreshes) && response.header("contact").is_none() {
            self.complain(at, Law::Contact, format!("{name} has no Contact"));
        }
        if request.method == "INVITE" {
            let reliable = self.reliable.entry(key).or_default();
            if let Some(wrong) = reliable.sent(at, &request, response, copied, &times) {
                self.complain(at, Law::Reliable, format!("{name}: {wrong}"));
            }
        }
        if is_new && status > 100 {
            self.answered(at, &request, response);
        }
    }

    /// A response of ours makes or changes a dialog.
    fn answered(&mut self, at: Duration, request: &Message, response: &Message) {
        let status = response.status.unwrap_or_default();
        let id = DialogId {
            call_id: request.call_id.clone(),
            local: response.to_tag.clone(),
            remote: request.from_tag.clone(),
        };
        if request.method == "INVITE" && request.to_tag.is_empty() && status < 300 {
            let dialog = self.dialogs.entry(id.clone()).or_insert_with(|| {
                let mut dialog = Dialog::new(false, None);
                dialog.exchange.carry(false, request);
                dialog
            });
            if status >= 200 {
                dialog.accepted.get_or_insert(at);
            }
        }
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            return;
        };
        if let Some((law, what)) = dialog.exchange.carry(true, response) {
            self.complain(at, law, what);
        }
        self.refresh(at, &id, response);
    }

    // Dialogs

    /// The INVITE with this number that a request of ours follows, one that its peer has answered
    /// before one that he hasn't.
    fn invite_numbered(&mut self, request: &Message, cseq: u32) -> Option<&mut Client> {
        let numbered = self.clients.values_mut().filter(|client| {
            let invite = &client.request;
            invite.method == "INVITE"
                && invite.cseq == cseq
                && invite.call_id == request.call_id
                && invite.from_tag == request.from_tag
        });
        numbered.max_by_key(|client| client.knows(&request.to_tag))
    }

    /// Whether an INVITE of this dialog waits for its final response.
    fn invite_is_open(&self, id: &DialogId) -> bool {
        let ours = self.clients.values().any(|client| {
            let request = &client.request;
            request.method == "INVITE"
                && request.call_id == id.call_id
                && request.from_tag == id.local
                && client.answered.is_none()
                && client.cancelled.is_none()
        });
        let theirs = self.servers.values().any(|server| {
            let request = &server.request;
            request.method == "INVITE"
                && request.call_id == id.call_id
                && request.from_tag == id.remote
                && server.answer.is_none()
        });
        ours || theirs
    }

    /// The session is over: what it had open need not be repeated.
    fn end_dialog(&mut self, at: Duration, id: &DialogId) {
        for client in self.clients.values_mut().filter(|c| c.is_in(id)) {
            client.abandoned.get_or_insert(at);
        }
        for server in self.servers.values_mut().filter(|s| s.is_in(id)) {
            server.over.get_or_insert(at);
        }
    }

    /// The tape ends. `quiet` says that nothing is under way.
    pub fn end(&mut self, at: Duration, quiet: bool) {
        // What is owed in this instant may not have been taken from the user agent yet.
        self.advance(at);
        let times = self.times;
        let mut wrong: Vec<(&str, Law, String)> = Vec::new();
        for client in self.clients.values() {
            let call = client.request.call_id.as_str();
            let missing = client.missing(at, &times);
            wrong.extend(missing.map(|w| (call, Law::RequestRepeats, w)));
        }
        for server in self.servers.values() {
            let call = server.request.call_id.as_str();
            let missing = server.missing(at, &times);
            wrong.extend(missing.map(|w| (call, Law::ResponseRepeats, w)));
            let name = server.request.name();
            // Of the others the user may never think.
            let by_itself = ["INVITE", "BYE", "CANCEL", "OPTIONS", "PRACK"];
            let is_owed = by_itself.contains(&server.request.method.as_str());
            if quiet && is_owed && server.answer.is_none() {
                wrong.push((
                    call,
                    Law::OneFinal,
                    format!("{name} never got a final response"),
                ));
            }
        }
        for (key, reliable) in &self.reliable {
            if let Some(due) = reliable.missing(at, &times) {
                let request = &self.servers[key].request;
                let (name, due) = (request.name(), due.as_secs_f64());
                let what = format!("a reliable response to {name} is not repeated at {due} s");
                wrong.push((&request.call_id, Law::Reliable, what));
            }
        }
        for (id, dialog) in self.dialogs.iter().filter(|(_, dialog)| dialog.is_up()) {
            let expired = dialog.is_expired(at);
            wrong.extend(expired.map(|(law, what)| (id.call_id.as_str(), law, what)));
        }
        let own = |(call, law, what): (&str, Law, String)| (call.to_owned(), law, what);
        let wrong: Vec<_> = wrong.into_iter().map(own).collect();
        for (call, law, what) in wrong {
            self.call = call;
            self.complain(at, law, what);
        }
    }

    pub fn calls_up(&self) -> Vec<DialogId> {
        let up = self.dialogs.iter().filter(|(_, dialog)| dialog.is_up());
        up.map(|(id, _)| id.clone()).collect()
    }

    /// Whether this side has had to do with a dialog that the other side names so.
    pub fn knows(&self, id: &DialogId) -> bool {
        self.dialogs.contains_key(&id.mirrored())
    }

    pub fn is_up(&self, id: &DialogId) -> bool {
        self.dialogs.get(&id.mirrored()).is_some_and(Dialog::is_up)
    }

    /// The branches of the BYEs that this side sent in a dialog that the other side names so.
    pub fn byes_sent(&self, id: &DialogId) -> Vec<String> {
        let dialog = self.dialogs.get(&id.mirrored());
        dialog.map_or_else(Vec::new, |dialog| dialog.byes.clone())
    }

    pub fn byes_received(&self) -> impl Iterator<Item = String> + '_ {
        self.byes_received.iter().cloned()
    }
}
