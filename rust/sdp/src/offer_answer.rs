//! Offer and answer for one audio stream (RFC 3264).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::Text;
use crate::attribute::{Attribute, Direction};
use crate::capabilities::{Capabilities, Codec, Format, LocalMedia};
use crate::error::{Error, NotAcceptable};
use crate::events::EventSet;
use crate::media::Media;
use crate::session::{NetworkAddress, Origin, SessionDescription, Timing};
use crate::stream::{EXTENDED_REPORTS, Stream, VOIP_METRICS, audio_line};

/// Bytes that a description of ours has at most, unless its page or its codecs are many.
const USUAL_LENGTH: usize = 512;

/// What an exchange came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Where RTP goes. `None` while the peer names no address that can be sent to: a hold by
    /// `c=0.0.0.0`, or a stream switched off.
    pub remote_rtp: Option<SocketAddr>,
    /// Where RTCP goes: where RTP does when both are on one port, what `a=rtcp` says (RFC 3605),
    /// or the next port.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTP and RTCP share a port on both sides (RFC 5761).
    pub rtcp_mux: bool,
    /// The peer wants to be told how we hear it (RFC 3611).
    pub voip_metrics: bool,
    /// The codec to send, with the payload type that the peer expects it in.
    pub audio: Format,
    /// How the peer wants that codec: its `a=fmtp`, without the payload type.
    pub parameters: Option<Box<str>>,
    /// The event format to send; `None` if the peer takes none.
    pub telephone_event: Option<Format>,
    /// The comfort noise that the peer takes in pauses (RFC 3389); `None` if it wants all packets.
    pub comfort_noise: Option<Format>,
    /// The events that the peer takes in that format.
    pub events: EventSet,
    /// All formats that may arrive, in the payload types that we announced.
    pub receivable: Vec<Format>,
    /// Milliseconds of audio in a packet that we send.
    pub ptime_ms: u32,
    /// Do we send? Not while held.
    pub send: bool,
    /// Will the peer send?
    pub receive: bool,
    /// What the peer states itself: in an offer its wish, in an answer what it makes of ours.
    pub stated: Direction,
}

/// The state of one session's exchanges.
///
/// An offer is either answered or withdrawn before there can be another (RFC 3264 §4). An INVITE
/// that forks is one offer with an answer from each branch: clone the state for each branch.
#[derive(Debug, Clone)]
pub struct OfferAnswer {
    capabilities: Arc<Capabilities>,
    session_id: u64,
    /// An address of the family that our media has, if only one is served.
    family: Option<IpAddr>,
    version: u64,
    /// The last description that left us, as text: what the next is compared with.
    sent: Option<Box<str>>,
    /// What holds while an offer that we made since was refused.
    agreed: Option<Box<str>>,
    turn: Turn,
    /// The media lines of the session in their order, as refusals; ours is at `audio_line`.
    lines: Vec<Media<'static>>,
    audio_line: usize,
    /// Payload types keep their meaning for as long as the session lives (RFC 3264 §8.3.2).
    assigned: Vec<Format>,
    negotiated: Option<Negotiated>,
}

#[derive(Debug, Clone)]
enum Turn {
    Nobody,
    /// Our offer is out, with these formats.
    Peer {
        offered: Vec<Format>,
        direction: Direction,
        mux: bool,
        /// What we had stated before.
        before: Option<Box<str>>,
    },
    /// The peer's offer is in.
    Ours(Box<Offered>),
}

/// The peer's offer, read.
#[derive(Debug, Clone)]
struct Offered {
    lines: Vec<Media<'static>>,
    audio_line: usize,
    stream: Stream,
}

impl OfferAnswer {
    /// A session in which nothing was said yet. `session_id` goes into `o=` and should be random;
    /// below 2³¹ suits every peer.
    pub fn new(capabilities: Arc<Capabilities>, session_id: u64) -> Self {
        OfferAnswer {
            capabilities,
            session_id,
            family: None,
            version: 1,
            sent: None,
            agreed: None,
            turn: Turn::Nobody,
            lines: Vec::new(),
            audio_line: 0,
            assigned: Vec::new(),
            negotiated: None,
        }
    }

    /// The same for media from `local` and other addresses of its family: peers that name
    /// addresses of the other one are not acceptable.
    pub fn from_address(self, local: IpAddr) -> Self {
        OfferAnswer {
            family: Some(local),
            ..self
        }
    }

    /// What the last complete exchange came to.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// The codecs of the peer's offer that we have too, in its order; nothing when no offer is in.
    pub fn offered(&self) -> impl Iterator<Item = &Codec> {
        let offered = match &self.turn {
            Turn::Ours(offered) => offered.stream.codecs.as_slice(),
            Turn::Nobody | Turn::Peer { .. } => &[],
        };
        offered.iter().map(|format| &format.codec)
    }

    /// Has the answer to the offer that is in take the first of these codecs that was offered, by
    /// their names; with none of them it stays the first offered. When no offer is in, and nothing
    /// was agreed yet, offers of ours have these codecs only, as far as we have any.
    pub fn prefer(&mut self, names: &[impl AsRef<str>]) {
        match &mut self.turn {
            Turn::Ours(offered) => offered.stream.prefer(names),
            Turn::Nobody if self.negotiated.is_none() => {
                if let Some(capabilities) = self.capabilities.only(names) {
                    self.capabilities = Arc::new(capabilities);
                }
            }
            Turn::Nobody | Turn::Peer { .. } => {}
        }
    }

    /// Is an offer of ours out, so that a description from the peer is its answer?
    pub fn awaits_answer(&self) -> bool {
        matches!(self.turn, Turn::Peer { .. })
    }

    /// Is an offer of the peer's in, so that our next description is its answer?
    pub fn owes_answer(&self) -> bool {
        matches!(self.turn, Turn::Ours(_))
    }

    /// The last description that we made, for sending it once more.
    pub fn sent(&self) -> Option<&str> {
        self.sent.as_deref()
    }

    /// The last description that we made, with this page: one that has another is another
    /// description, and its version rises.
    pub fn restate(&mut self, uri: Option<&str>) -> Option<&str> {
        let sent = self.sent.as_deref()?;
        if let Ok(mut description) = SessionDescription::parse(sent.as_bytes())
            && description.uri.as_deref() != uri
        {
            description.uri = uri.map(Text::from);
            self.version += 1;
            self.sent = Some(at_version(description, self.version));
        }
        self.sent()
    }

    /// Offers what we stated last, word for word: the peer sees by its version that nothing is to
    /// change (RFC 4028 §7.4, RFC 3264 §8).
    pub fn repeat_offer(&mut self) -> Result<&str, Error> {
        match self.turn {
            Turn::Nobody => {}
            Turn::Peer { .. } => return Err(Error::Glare),
            Turn::Ours(_) => return Err(Error::OfferPending),
        }
        let Some(negotiated) = &self.negotiated else {
            return Err(Error::NoOffer);
        };
        let mux = negotiated.rtcp_mux;
        if let Some(agreed) = self.agreed.take() {
            // What the peer refused since has used up a version.
            let description = SessionDescription::parse(agreed.as_bytes())?;
            self.version += 1;
            self.sent = Some(at_version(description, self.version));
        }
        let sent = self.sent.as_deref().ok_or(Error::NoOffer)?;
        let description = SessionDescription::parse(sent.as_bytes())?;
        let line = description.media.get(self.audio_line);
        let offered = match line {
            Some(line) => {
                let stream = Stream::read(&self.capabilities, None, &description, line)?;
                stream.formats().copied().collect()
            }
            None => Vec::new(),
        };
        let direction = line.map_or(Direction::Inactive, |line| description.direction_of(line));
        self.turn = Turn::Peer {
            offered,
            direction,
            mux,
            before: None,
        };
        self.sent().ok_or(Error::NoOffer)
    }

    /// Takes back an offer of ours that was refused or never answered, or forgets one of the
    /// peer's that was refused. The session goes on as it was.
    pub fn withdraw(&mut self) {
        let turn = std::mem::replace(&mut self.turn, Turn::Nobody);
        if let Turn::Peer {
            before: Some(before),
            ..
        } = turn
            && self.agreed.is_none()
        {
            self.agreed = Some(before);
        }
    }

    /// Makes our offer: the first of a session or another one, with the lines of before in their
    /// places.
    pub fn create_offer(
        &mut self,
        local: &LocalMedia<'_>,
    ) -> Result<SessionDescription<'static>, Error> {
        match self.turn {
            Turn::Nobody => {}
            Turn::Peer { .. } => return Err(Error::Glare),
            Turn::Ours(_) => return Err(Error::OfferPending),
        }
        let offered = self.offered_formats(local.codecs);
        let mux = local.rtcp_mux;
        let mut audio = audio_line("RTP/AVP".into(), local, &offered, local.direction, mux);
        self.push_packet_times(&mut audio, self.capabilities.ptime_ms);
        ask_for_metrics(&mut audio);
        let mut media = self.lines.clone();
        match media.get_mut(self.audio_line) {
            Some(line) => {
                audio.protocol.clone_from(&line.protocol);
                *line = audio;
            }
            None => media.push(audio),
        }
        self.turn = Turn::Peer {
            offered,
            direction: local.direction,
            mux,
            before: self.sent.clone().filter(|_| self.negotiated.is_some()),
        };
        Ok(self.describe(local, media))
    }

    /// Takes the answer to our offer. When it can't be used the offer counts as withdrawn; the
    /// session itself may then have to be ended, as the peer believes it changed.
    pub fn receive_answer(
        &mut self,
        answer: &SessionDescription<'_>,
    ) -> Result<&Negotiated, Error> {
        let Turn::Peer {
            offered,
            direction,
            mux,
            ..
        } = std::mem::replace(&mut self.turn, Turn::Nobody)
        else {
            return Err(Error::NoOffer);
        };
        let line = answer
            .media
            .get(self.audio_line)
            .filter(|line| line.kind.eq_ignore_ascii_case("audio"))
            .ok_or(Error::NotAcceptable(NotAcceptable::NoAudio))?;
        let stream = self.read(answer, line)?;
        if stream.off {
            return Err(Error::NotAcceptable(NotAcceptable::Refused));
        }
        self.agreed = None;
        // A direction can only be narrowed by an answer (RFC 3264 §6.1).
        let direction = direction.and(stream.direction.mirrored());
        let mux = mux && stream.rtcp_mux;
        let audio = *stream
            .codecs
            .iter()
            .find(|format| offered.iter().any(|o| o.codec == format.codec))
            .ok_or(Error::NotAcceptable(NotAcceptable::NoCommonCodec))?;
        if self.lines.is_empty() {
            self.lines.push(line.refused());
        }
        self.assigned.clone_from(&offered);
        // What the answer leaves out does not come (RFC 3264 §6.1, §7).
        let answered = |ours: &Format| stream.formats().any(|format| format.codec == ours.codec);
        let receivable = offered.into_iter().filter(answered).collect();
        Ok(self.conclude(stream, audio, receivable, direction, mux))
    }

    /// Takes the peer's offer. An error is a refusal (488, or 491 for [`Error::Glare`] and
    /// [`Error::OfferPending`]); the session stays as it was.
    pub fn receive_offer(&mut self, offer: &SessionDescription<'_>) -> Result<(), Error> {
        match self.turn {
            Turn::Nobody => {}
            Turn::Peer { .. } => return Err(Error::Glare),
            Turn::Ours(_) => return Err(Error::OfferPending),
        }
        let mut reason = NotAcceptable::NoAudio;
        let mut off = None;
        for (audio_line, line) in offer.media.iter().enumerate() {
            if !line.kind.eq_ignore_ascii_case("audio") {
                continue;
            }
            match self.read(offer, line) {
                Ok(stream) if stream.off && self.switches_off(audio_line) => {
                    off = Some((audio_line, stream));
                }
                Ok(stream) if stream.off => reason = NotAcceptable::Refused,
                Ok(stream) => {
                    self.take_offer(offer, audio_line, stream);
                    return Ok(());
                }
                Err(Error::NotAcceptable(why)) => reason = why,
                Err(error) => return Err(error),
            }
        }
        // Who switches the audio off for something else, such as a fax, is refused that, so that
        // the audio goes on.
        let instead = offer.media.iter().any(|line| line.port != 0);
        match off {
            Some((audio_line, stream)) if !instead => {
                self.take_offer(offer, audio_line, stream);
                Ok(())
            }
            _ => Err(Error::NotAcceptable(reason)),
        }
    }

    fn take_offer(&mut self, offer: &SessionDescription<'_>, audio_line: usize, stream: Stream) {
        self.turn = Turn::Ours(Box::new(Offered {
            lines: offer.media.iter().map(Media::refused).collect(),
            audio_line,
            stream,
        }));
    }

    /// Makes the answer to the offer that was received; [`OfferAnswer::negotiated`] then tells what
    /// was agreed.
    pub fn create_answer(
        &mut self,
        local: &LocalMedia<'_>,
    ) -> Result<SessionDescription<'static>, Error> {
        let Turn::Ours(offered) = std::mem::replace(&mut self.turn, Turn::Nobody) else {
            return Err(Error::NoOffer);
        };
        self.agreed = None;
        let Offered {
            lines,
            audio_line: at,
            stream,
        } = *offered;
        self.lines = lines;
        self.audio_line = at;
        let mut media = self.lines.clone();

        let Some(&audio) = stream.codecs.first().filter(|_| !stream.off) else {
            if let Some(negotiated) = &mut self.negotiated {
                (negotiated.remote_rtp, negotiated.remote_rtcp) = (None, None);
                (negotiated.send, negotiated.receive) = (false, false);
                negotiated.stated = Direction::Inactive;
            }
            return Ok(self.describe(local, media));
        };
        let mut formats = vec![audio];
        formats.extend(Format::noise_for(audio.codec, &stream.noises));
        formats.extend(Format::event_for(audio.codec, &stream.events));
        for format in &formats {
            self.assigned
                .retain(|a| a.codec != format.codec && a.payload_type != format.payload_type);
            self.assigned.push(*format);
        }
        let direction = local.direction.and(stream.direction.mirrored());
        let protocol = self.lines[at].protocol.clone();
        let mux = local.rtcp_mux && stream.rtcp_mux;
        let knows_metrics = stream.voip_metrics;
        let negotiated = self.conclude(stream, audio, formats.clone(), direction, mux);
        let ptime_ms = negotiated.ptime_ms;
        let mut line = audio_line(protocol, local, &formats, direction, mux);
        self.push_packet_times(&mut line, ptime_ms);
        if knows_metrics {
            ask_for_metrics(&mut line);
        }
        media[at] = line;
        Ok(self.describe(local, media))
    }

    /// Is a line with port 0 the running stream being switched off, and not one that never was?
    fn switches_off(&self, line: usize) -> bool {
        self.negotiated.is_some() && line == self.audio_line
    }

    fn read(&self, session: &SessionDescription<'_>, line: &Media<'_>) -> Result<Stream, Error> {
        Stream::read(&self.capabilities, self.family, session, line)
    }

    fn conclude(
        &mut self,
        stream: Stream,
        audio: Format,
        receivable: Vec<Format>,
        direction: Direction,
        rtcp_mux: bool,
    ) -> &Negotiated {
        let telephone_event = Format::event_for(audio.codec, &stream.events);
        let negotiated = Negotiated {
            remote_rtp: stream.rtp,
            remote_rtcp: match rtcp_mux {
                true => stream.rtp,
                false => stream.rtcp,
            },
            rtcp_mux,
            voip_metrics: stream.voip_metrics,
            audio,
            parameters: stream.parameters_of(audio),
            telephone_event,
            comfort_noise: Format::noise_for(audio.codec, &stream.noises)
                .filter(|noise| receivable.iter().any(|ours| ours.codec == noise.codec)),
            events: stream.events_of(telephone_event),
            receivable,
            ptime_ms: self
                .capabilities
                .ptime_for(stream.ptime_ms, stream.maxptime_ms),
            send: direction.sends(),
            receive: direction.receives(),
            stated: stream.direction,
        };
        self.negotiated.insert(negotiated)
    }

    /// The packet times that we ask for and take (RFC 8866 §6.4).
    fn push_packet_times(&self, line: &mut Media<'_>, ptime_ms: u32) {
        let attributes = &mut line.attributes;
        attributes.push(Attribute::value("ptime", ptime_ms));
        if let Some(longest) = self.capabilities.ptimes_ms.last() {
            attributes.push(Attribute::value("maxptime", longest));
        }
    }

    /// Our codecs with the payload types of this session: those of these names, or all; then what
    /// is in use comes first.
    fn offered_formats(&self, names: &[String]) -> Vec<Format> {
        let mut codecs = match self.capabilities.only(names) {
            Some(only) => only.codecs,
            None => {
                let mut all = self.capabilities.codecs.clone();
                if let Some(negotiated) = &self.negotiated {
                    all.sort_by_key(|codec| *codec != negotiated.audio.codec);
                }
                all
            }
        };
        codecs.extend(&self.capabilities.comfort_noise);
        codecs.extend(&self.capabilities.telephone_events);
        let mut formats: Vec<Format> = Vec::with_capacity(codecs.len());
        for codec in codecs {
            let taken = |payload_type: u8| {
                let clash = |f: &Format| f.payload_type == payload_type && f.codec != codec;
                self.assigned.iter().any(clash) || formats.iter().any(clash)
            };
            let payload_type = match self.assigned.iter().find(|f| f.codec == codec) {
                Some(format) => Some(format.payload_type),
                None if !taken(codec.payload_type) => Some(codec.payload_type),
                None => (96..128).find(|payload_type| !taken(*payload_type)),
            };
            formats.extend(payload_type.map(|payload_type| Format {
                payload_type,
                codec,
            }));
        }
        formats
    }

    /// Puts the session level around the media lines; the version rises if anything differs from
    /// what we last sent.
    fn describe(
        &mut self,
        local: &LocalMedia<'_>,
        media: Vec<Media<'static>>,
    ) -> SessionDescription<'static> {
        let address = NetworkAddress::from(local.rtp.ip());
        let mut description = SessionDescription {
            origin: Origin {
                username: "-".into(),
                session_id: self.session_id.to_string().into(),
                session_version: self.version.to_string().into(),
                address: address.clone(),
            },
            name: self.capabilities.session_name.clone().into(),
            information: None,
            uri: local.uri.map(|uri| uri.to_owned().into()),
            emails: Vec::new(),
            phones: Vec::new(),
            connection: Some(address),
            bandwidths: Vec::new(),
            times: vec![Timing::unbounded()],
            zone: None,
            key: None,
            attributes: Vec::new(),
            media,
        };
        let mut text = String::with_capacity(USUAL_LENGTH);
        // Writing to a String can't fail.
        let _ = write!(text, "{description}");
        if self.sent.as_deref().is_some_and(|sent| sent != text) {
            self.version += 1;
            description.origin.session_version = self.version.to_string().into();
            text.clear();
            let _ = write!(text, "{description}");
        }
        self.sent = Some(text.into_boxed_str());
        description
    }
}

/// A description as text, at this version.
fn at_version(mut description: SessionDescription<'_>, version: u64) -> Box<str> {
    description.origin.session_version = version.to_string().into();
    description.to_string().into_boxed_str()
}

/// Asks the peer to tell how it hears us (RFC 3611 §5.1).
fn ask_for_metrics(line: &mut Media<'_>) {
    let asked = Attribute::value(EXTENDED_REPORTS, VOIP_METRICS);
    line.attributes.push(asked);
}
