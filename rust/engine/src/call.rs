//! One call: a SIP session, its offers and answers, and the leg that carries out what they agree.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use sems_sdp::{Capabilities, Direction, LocalMedia, OfferAnswer, SessionDescription};
use sems_sip::{Flow, Text, user_agent::SessionId};

use crate::{
    agreement::agreement,
    branches::Branches,
    error::EngineError,
    event::EndCause,
    ids::{CallId, RequestId},
    legs::{Audio, Legs},
    media::leg::Negotiated,
    signaling::{Claim, Source},
};

/// How far a call has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// The peer's INVITE waits for our final response.
    Incoming,
    /// Our INVITE waits for its final response.
    Calling,
    /// Our 200 waits for its ACK.
    Accepted,
    /// The dialog is confirmed.
    Confirmed,
}

/// Why a call that we end is over.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) cause: EndCause,
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.cause, self.reason.as_str()) {
            (EndCause::Local, "") => f.write_str("we hung up"),
            (EndCause::Remote, "") => f.write_str("the peer hung up"),
            (EndCause::Cancelled, "") => f.write_str("the caller gave up"),
            (_, reason) => f.write_str(reason),
        }
    }
}

/// A re-INVITE or UPDATE of ours that puts the peer on hold, takes it back, or offers other codecs.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) request: RequestId,
    pub(crate) direction: Direction,
    /// Those to offer; none: all.
    pub(crate) codecs: Vec<String>,
    /// It is under way; else it waits for its turn.
    pub(crate) sent: bool,
}

impl Ending {
    pub(crate) fn new(cause: EndCause, code: Option<u16>, reason: Option<String>) -> Self {
        Self {
            cause,
            code,
            reason: reason.unwrap_or_default(),
        }
    }

    /// We hung up.
    pub(crate) fn local() -> Self {
        Self::new(EndCause::Local, None, None)
    }

    /// It could not go on.
    pub(crate) fn error(reason: &str) -> Self {
        Self::new(EndCause::Error, None, Some(reason.to_owned()))
    }
}

/// What has been told of a session's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SessionState {
    pub(crate) direction: Direction,
    pub(crate) codec: &'static str,
    remote_rtp: SocketAddr,
}

/// What a call had with the peer that is being replaced.
pub(crate) struct Before {
    exchange: OfferAnswer,
    theirs: Direction,
    branches: Option<Box<Branches>>,
    stage: Stage,
    flow: Flow,
    via_shows_nat: bool,
    proven: bool,
}

/// One call.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) session: SessionId,
    pub(crate) stage: Stage,
    /// The way of the peer's signaling.
    pub(crate) flow: Flow,
    /// Whose limit of calls it counts for.
    pub(crate) source: Option<Source>,
    /// It may want a port, and has none yet.
    pub(crate) claim: Option<Claim>,
    /// The peer's Via does not name the address that it sends from.
    pub(crate) via_shows_nat: bool,
    /// The caller has shown that what we send reaches it: no packets of ours hit somebody whose
    /// address it has only written into its INVITE.
    pub(crate) proven: bool,
    /// The control page, for `u=`.
    pub(crate) link: Option<String>,
    /// Our Contact says that we are the focus of a conference.
    pub(crate) focus: bool,
    /// The command to ring with our offer, until the PRACK brings the answer.
    pub(crate) ringing: Option<RequestId>,
    /// The command to answer, until the ACK comes.
    pub(crate) answering: Option<RequestId>,
    /// How long the call that we place may ring.
    pub(crate) ring_timeout: Duration,
    /// What we wish to do: not to receive while we hold the peer.
    pub(crate) wish: Direction,
    /// What the peer wishes to do itself, as far as it has said.
    theirs: Direction,
    pub(crate) change: Option<Change>,
    /// The INFO packages (RFC 6086) that are passed on to the other side of a bridge.
    pub(crate) packages: Vec<String>,
    /// What was told last.
    pub(crate) told: Option<SessionState>,
    pub(crate) ending: Option<Ending>,
    exchange: OfferAnswer,
    /// While we call, what the branches of the call have said.
    branches: Option<Box<Branches>>,
    /// While we call, what we offer from other addresses of ours.
    elsewhere: Vec<Elsewhere>,
    pub(crate) audio: Audio,
}

/// What a call offers should its INVITE leave from another address of ours.
struct Elsewhere {
    ip: IpAddr,
    exchange: OfferAnswer,
    audio: Audio,
}

impl Call {
    pub(crate) fn new(
        id: CallId,
        session: SessionId,
        stage: Stage,
        flow: Flow,
        exchange: OfferAnswer,
    ) -> Self {
        Self {
            id,
            session,
            stage,
            flow,
            source: None,
            claim: None,
            via_shows_nat: false,
            // Whom we call is our own choice.
            proven: stage == Stage::Calling,
            link: None,
            focus: false,
            ringing: None,
            answering: None,
            ring_timeout: Duration::ZERO,
            wish: Direction::SendRecv,
            theirs: Direction::SendRecv,
            change: None,
            packages: Vec::new(),
            told: None,
            ending: None,
            // Our ports have addresses of the family that signaling came by.
            exchange: exchange.from_address(flow.local.ip()),
            branches: None,
            elsewhere: Vec::new(),
            audio: Audio::None,
        }
    }

    /// Another peer is to take the place of this one: what is said from now on is with it.
    pub(crate) fn begin_again(&mut self, exchange: OfferAnswer, flow: Flow) -> Before {
        // The port stays, and with it the family of its address.
        let exchange = exchange.from_address(self.flow.local.ip());
        Before {
            exchange: std::mem::replace(&mut self.exchange, exchange),
            theirs: std::mem::take(&mut self.theirs),
            branches: self.branches.take(),
            stage: std::mem::replace(&mut self.stage, Stage::Incoming),
            flow: std::mem::replace(&mut self.flow, flow),
            via_shows_nat: self.via_shows_nat,
            proven: self.proven,
        }
    }

    /// It could not take the place.
    pub(crate) fn go_back(&mut self, before: Before) {
        self.exchange = before.exchange;
        self.theirs = before.theirs;
        self.branches = before.branches;
        self.stage = before.stage;
        self.flow = before.flow;
        self.via_shows_nat = before.via_shows_nat;
        self.proven = before.proven;
    }

    /// An exchange in which nothing was said yet.
    pub(crate) fn exchange(capabilities: &Arc<Capabilities>, legs: &mut Legs) -> OfferAnswer {
        OfferAnswer::new(capabilities.clone(), legs.session_id())
    }

    /// Our offer is out, so that the next description from the peer is its answer.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.exchange.awaits_answer()
    }

    /// Our INVITE carried an offer.
    pub(crate) fn has_offered(&self) -> bool {
        self.branches
            .as_ref()
            .is_some_and(|branches| branches.have_offer())
    }

    /// Nothing was offered yet by anyone.
    pub(crate) fn is_undescribed(&self) -> bool {
        self.exchange.sent().is_none() && !self.exchange.owes_answer()
    }

    /// Our INVITE is made; what comes from now on is told apart by its branch.
    pub(crate) fn fork(&mut self) {
        self.branches = Some(Box::new(Branches::new(self.exchange.clone())));
    }

    /// The INVITE goes to another server, which knows nothing of what was said; perhaps from
    /// another address of ours, with what we offer there.
    pub(crate) fn start_over(&mut self, flow: Flow) {
        if let Some(branches) = &mut self.branches {
            branches.start_over(&mut self.exchange);
        }
        let before = std::mem::replace(&mut self.flow, flow).local.ip();
        let ip = flow.local.ip();
        if ip == before {
            return;
        }
        if let Some(there) = self.elsewhere.iter_mut().find(|there| there.ip == ip) {
            std::mem::swap(&mut self.exchange, &mut there.exchange);
            std::mem::swap(&mut self.audio, &mut there.audio);
            there.ip = before;
        } else {
            // Nothing was offered yet.
            self.exchange = self.exchange.clone().from_address(ip);
        }
        self.fork();
    }

    /// The branch with this tag speaks, and what was agreed with it holds.
    pub(crate) fn turn_to(&mut self, legs: &mut Legs, branch: Text) -> Result<(), EngineError> {
        let Some(branches) = &mut self.branches else {
            return Ok(());
        };
        let turned = branches.turn_to(branch, &mut self.exchange);
        match turned && self.exchange.negotiated().is_some() {
            true => {
                self.theirs = Direction::SendRecv;
                self.heed(self.wish);
                self.carry_out(legs)
            }
            false => Ok(()),
        }
    }

    /// The peer's offer is in and not answered.
    pub(crate) fn owes_answer(&self) -> bool {
        self.exchange.owes_answer()
    }

    /// Takes the peer's offer.
    pub(crate) fn receive_offer(&mut self, body: &[u8]) -> Result<(), EngineError> {
        let offer = SessionDescription::parse(body)?;
        Ok(self.exchange.receive_offer(&offer)?)
    }

    /// The names of the codecs that the peer offers and we have, in its order.
    pub(crate) fn offered(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for codec in self.exchange.offered() {
            if !names.contains(&codec.name) {
                names.push(codec.name);
            }
        }
        names
    }

    /// Which codecs our answer or offer is to have.
    pub(crate) fn prefer(&mut self, codecs: &[String]) {
        self.exchange.prefer(codecs);
    }

    /// The name of the codec that was agreed on.
    pub(crate) fn codec(&self) -> Option<&'static str> {
        let agreed = self.exchange.negotiated();
        agreed.map(|agreed| agreed.audio.codec.name)
    }

    /// Forgets an offer that was refused.
    pub(crate) fn withdraw(&mut self) {
        self.exchange.withdraw();
    }

    /// Makes our offer.
    pub(crate) fn make_offer(
        &mut self,
        legs: &mut Legs,
        direction: Direction,
        now: Instant,
    ) -> Result<String, EngineError> {
        self.make_offer_of(legs, direction, &[], now)
    }

    /// The same with these codecs only, if there are any.
    pub(crate) fn make_offer_of(
        &mut self,
        legs: &mut Legs,
        direction: Direction,
        codecs: &[String],
        now: Instant,
    ) -> Result<String, EngineError> {
        let rtp = self.reserve(legs, now)?;
        let local = LocalMedia {
            codecs,
            ..local_media(rtp, direction, self.link.as_deref())
        };
        self.exchange.create_offer(&local)?;
        Ok(self.exchange.sent().unwrap_or_default().to_owned())
    }

    /// Makes the offer of an INVITE that leaves from another address of ours.
    pub(crate) fn make_offer_elsewhere(
        &mut self,
        legs: &mut Legs,
        ip: IpAddr,
        exchange: OfferAnswer,
        now: Instant,
    ) -> Result<String, EngineError> {
        let mut there = Elsewhere {
            ip,
            exchange: exchange.from_address(ip),
            audio: Audio::None,
        };
        let rtp = legs.reserve(&mut there.audio, ip, now)?;
        let local = local_media(rtp, Direction::SendRecv, self.link.as_deref());
        there.exchange.create_offer(&local)?;
        let offer = there.exchange.sent().unwrap_or_default().to_owned();
        self.elsewhere.push(there);
        Ok(offer)
    }

    /// Answers the peer's offer and carries out what is agreed with it.
    pub(crate) fn make_answer(
        &mut self,
        legs: &mut Legs,
        now: Instant,
    ) -> Result<String, EngineError> {
        let answer = self.answer(legs, now)?;
        self.carry_out(legs)?;
        Ok(answer)
    }

    /// The same while it rings: who can't acknowledge that yet hears us all the same, unless our
    /// packets would go to another address than the INVITE came from.
    pub(crate) fn make_early_answer(
        &mut self,
        legs: &mut Legs,
        now: Instant,
    ) -> Result<String, EngineError> {
        let answer = self.answer(legs, now)?;
        let mut wanted = self.wanted()?;
        let at_home = wanted.remote_rtp.ip() == self.flow.remote.ip();
        wanted.unproven &= !at_home;
        legs.carry_out(self.id, &mut self.audio, wanted)?;
        Ok(answer)
    }

    /// Where its peer is to send RTP, from now on.
    fn reserve(&mut self, legs: &mut Legs, now: Instant) -> Result<SocketAddr, EngineError> {
        self.claim = None;
        legs.reserve(&mut self.audio, self.flow.local.ip(), now)
    }

    fn answer(&mut self, legs: &mut Legs, now: Instant) -> Result<String, EngineError> {
        let rtp = self.reserve(legs, now)?;
        let local = local_media(rtp, self.wish, self.link.as_deref());
        self.exchange.create_answer(&local)?;
        // Its offer says all of it.
        self.heed(Direction::SendRecv);
        Ok(self.exchange.sent().unwrap_or_default().to_owned())
    }

    /// What we send reaches the caller: nothing is kept back any more.
    pub(crate) fn prove(&mut self, legs: &mut Legs) -> Result<(), EngineError> {
        self.proven = true;
        match self.audio.negotiated() {
            Some(negotiated) if negotiated.unproven => {
                let wanted = Negotiated {
                    unproven: false,
                    ..negotiated.clone()
                };
                legs.carry_out(self.id, &mut self.audio, wanted)
            }
            _ => Ok(()),
        }
    }

    /// What was said before, with the link as it is now: the 200 after early media.
    pub(crate) fn restate(&mut self) -> Option<String> {
        let restated = self.exchange.restate(self.link.as_deref());
        restated.map(str::to_owned)
    }

    /// Our offer that nothing is to change.
    pub(crate) fn repeat_offer(&mut self) -> Result<String, EngineError> {
        Ok(self.exchange.repeat_offer()?.to_owned())
    }

    /// Takes the answer to our offer and carries it out. While we call, each branch has an answer
    /// of its own; `false` for one that was answered before: only its first answer counts
    /// (RFC 3261 §13.2.1).
    pub(crate) fn receive_answer(
        &mut self,
        legs: &mut Legs,
        body: &[u8],
        branch: Option<Text>,
    ) -> Result<bool, EngineError> {
        if let Some(branch) = branch {
            self.turn_to(legs, branch)?;
            if !self.exchange.awaits_answer() {
                return Ok(false);
            }
        }
        let result = SessionDescription::parse(body)
            .and_then(|answer| self.exchange.receive_answer(&answer).map(drop));
        if let (Err(_), Some(branches)) = (&result, &mut self.branches) {
            branches.forget(&mut self.exchange);
        }
        result?;
        self.heed(self.wish);
        self.carry_out(legs)?;
        Ok(true)
    }

    /// Takes note of what the peer wishes to do, which it has stated itself; of what we did not offer
    /// (`offered`) its answer says nothing.
    fn heed(&mut self, offered: Direction) {
        let Some(agreed) = self.exchange.negotiated() else {
            return;
        };
        let (stated, before) = (agreed.stated, self.theirs);
        let sends = match offered.receives() {
            true => stated.sends(),
            false => before.sends(),
        };
        let receives = match offered.sends() {
            true => stated.receives(),
            false => before.receives(),
        };
        self.theirs = Direction::new(sends, receives);
    }

    /// Something was agreed with the branch that spoke last.
    pub(crate) fn is_agreed(&self) -> bool {
        self.exchange.negotiated().is_some()
    }

    /// The call is answered: there is one branch.
    pub(crate) fn settle(&mut self) {
        self.branches = None;
    }

    /// What the session is like, once something is agreed.
    pub(crate) fn state(&self) -> Option<SessionState> {
        let Audio::Leg { negotiated, .. } = &self.audio else {
            return None;
        };
        Some(SessionState {
            direction: self.theirs,
            codec: negotiated.codec.name,
            remote_rtp: negotiated.remote_rtp,
        })
    }

    fn carry_out(&mut self, legs: &mut Legs) -> Result<(), EngineError> {
        let wanted = self.wanted()?;
        // From here on it stays where it is.
        self.elsewhere = Vec::new();
        legs.carry_out(self.id, &mut self.audio, wanted)
    }

    /// What the leg is to do by what was agreed.
    fn wanted(&self) -> Result<Negotiated, EngineError> {
        let Some(agreed) = self.exchange.negotiated() else {
            return Err(EngineError::State("nothing was agreed on"));
        };
        let source = self.flow.remote.ip();
        let wanted = agreement(agreed, self.audio.negotiated(), source, self.via_shows_nat)
            .ok_or(EngineError::State("the agreed codec is not ours"))?;
        Ok(Negotiated {
            unproven: !self.proven,
            ..wanted
        })
    }
}

/// The page that a description's `u=` line names.
pub(crate) fn link_in(body: &[u8]) -> Option<String> {
    Some(SessionDescription::parse(body).ok()?.uri?.into())
}

/// Whether the topmost Via of a request names another address than the one it came from.
pub(crate) fn via_shows_nat(headers: &sems_sip::Headers, source: IpAddr) -> bool {
    headers
        .top_via()
        .is_ok_and(|via| via.host.ip() != Some(source))
}

fn local_media(rtp: SocketAddr, direction: Direction, link: Option<&str>) -> LocalMedia<'_> {
    LocalMedia {
        direction,
        uri: link,
        ..LocalMedia::new(rtp)
    }
}
