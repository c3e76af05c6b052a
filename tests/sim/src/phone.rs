//! A user agent with someone who uses it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use sems_sip::header::NameAddr;
use sems_sip::transaction::{Flow, Transport};
use sems_sip::user_agent::{
    Cause, Content, Event, OutgoingRequest, Output, SessionId, UserAgent, UserAgentConfig,
};
use sems_sip::{Host, SipUri};

use crate::Datagram;

/// What a session came to, as its user was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `Confirmed` for who was called, `Accepted` for who called.
    pub up: bool,
    /// How many times `Terminated` was told.
    pub terminated: usize,
}

/// One end of the stage.
pub struct Phone {
    /// The user agent.
    pub agent: UserAgent,
    /// Where it is.
    pub address: SocketAddr,
    /// Events that the story has not looked at.
    pub events: VecDeque<Event>,
    /// For each session ever, in the order in which they began.
    pub told: Vec<(SessionId, Told)>,
    /// How the last session that ended did so.
    pub last_cause: Option<Cause>,
}

impl Phone {
    /// A phone at `address`.
    pub fn new(address: SocketAddr, config: UserAgentConfig, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self {
            agent: UserAgent::new(config, bytes),
            address,
            events: VecDeque::new(),
            told: Vec::new(),
            last_cause: None,
        }
    }

    /// The flow to `remote`.
    pub fn flow(&self, remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.address,
            remote,
        }
    }

    /// An INVITE to the phone at `callee`.
    pub fn invitation(&self, callee: SocketAddr, content: Option<Content>) -> OutgoingRequest {
        let uri = |at: SocketAddr, user: &str| {
            SipUri::new(&Host::Ip(at.ip()))
                .with_user(user)
                .with_port(Some(at.port()))
        };
        let from = NameAddr::new(uri(self.address, "caller"));
        OutgoingRequest {
            content,
            ..OutgoingRequest::new(self.flow(callee), uri(callee, "callee"), from)
        }
    }

    /// Calls the phone at `callee`.
    pub fn call(
        &mut self,
        now: Instant,
        callee: SocketAddr,
        content: Option<Content>,
    ) -> SessionId {
        self.call_by(now, self.invitation(callee, content))
    }

    /// Calls by an INVITE that the story has changed.
    pub fn call_by(&mut self, now: Instant, invite: OutgoingRequest) -> SessionId {
        let session = self.agent.invite(now, invite).expect("within limits");
        self.told.push((session, Told::default()));
        session
    }

    /// What was told of a session.
    pub fn told(&self, session: SessionId) -> Told {
        let told = self.told.iter().find(|(id, _)| *id == session);
        told.map(|(_, told)| *told).unwrap_or_default()
    }

    /// Takes the first event for which `wanted` has something, leaving the others.
    pub fn take<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> Option<T> {
        let at = self
            .events
            .iter()
            .position(|event| wanted(event).is_some())?;
        wanted(&self.events.remove(at)?)
    }

    /// Takes the call that is waiting.
    pub fn take_invite(&mut self) -> Option<SessionId> {
        self.take(|event| match event {
            Event::Invite { session, .. } => Some(*session),
            _ => None,
        })
    }

    /// Takes the re-INVITE that is waiting.
    pub fn take_reinvite(&mut self) -> Option<SessionId> {
        self.take(|event| match event {
            Event::Reinvite { session, .. } => Some(*session),
            _ => None,
        })
    }

    pub(crate) fn receive(&mut self, now: Instant, from: SocketAddr, payload: Bytes) {
        self.agent.receive(now, self.flow(from), payload);
    }

    /// Takes what the user agent says: datagrams to be sent are returned, events are kept.
    pub(crate) fn drain(&mut self) -> Vec<Datagram> {
        let mut datagrams = Vec::new();
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Transmit { flow, payload } => datagrams.push(Datagram {
                    from: flow.local,
                    to: flow.remote,
                    payload,
                }),
                Output::Event(event) => self.note(event),
            }
        }
        datagrams
    }

    fn note(&mut self, event: Event) {
        let mut tell = |session: SessionId, change: fn(&mut Told)| {
            if let Some((_, told)) = self.told.iter_mut().find(|(id, _)| *id == session) {
                change(told);
            }
        };
        match &event {
            Event::Invite { session, .. } => self.told.push((*session, Told::default())),
            Event::Confirmed { session, .. } | Event::Accepted { session, .. } => {
                tell(*session, |told| told.up = true);
            }
            Event::Terminated { session, .. } => {
                tell(*session, |told| {
                    told.up = false;
                    told.terminated += 1;
                });
            }
            _ => {}
        }
        match event {
            Event::Terminated { cause, .. } => self.last_cause = Some(cause),
            event => self.events.push_back(event),
        }
    }
}
