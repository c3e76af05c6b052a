//! The audio line of a description: what one of the peer's says, and what one of ours shall say.

use std::net::{IpAddr, SocketAddr};

use crate::Text;
use crate::attribute::{Attribute, Direction, RtpMap};
use crate::capabilities::{Capabilities, Codec, Format, LocalMedia};
use crate::error::{Error, NotAcceptable};
use crate::events::EventSet;
use crate::media::Media;
use crate::session::SessionDescription;

/// What one side's description says of the audio stream.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) rtp: Option<SocketAddr>,
    pub(crate) rtcp: Option<SocketAddr>,
    pub(crate) rtcp_mux: bool,
    /// The writer wants to be told how it is heard (RFC 3611 §5).
    pub(crate) voip_metrics: bool,
    /// Codecs that we have too, in the writer's order.
    pub(crate) codecs: Vec<Format>,
    /// How the writer wants each of `codecs`: its `a=fmtp`.
    pub(crate) parameters: Vec<Option<Box<str>>>,
    pub(crate) events: Vec<Format>,
    /// Comfort noise that we have too.
    pub(crate) noises: Vec<Format>,
    /// The events that the writer takes, of each of `events`.
    pub(crate) event_sets: Vec<EventSet>,
    pub(crate) ptime_ms: Option<u32>,
    pub(crate) maxptime_ms: Option<u32>,
    /// As the writer sees it, with the hold by `c=0.0.0.0` made plain.
    pub(crate) direction: Direction,
    /// Port 0: the stream is off, though its codecs may be listed.
    pub(crate) off: bool,
}

impl Stream {
    /// Reads what a description says of its audio line. `family` is an address of the family that
    /// we can send to, if that is limited.
    pub(crate) fn read(
        capabilities: &Capabilities,
        family: Option<IpAddr>,
        session: &SessionDescription<'_>,
        line: &Media<'_>,
    ) -> Result<Self, Error> {
        let refuse = |why| Err(Error::NotAcceptable(why));
        // RTP/AVPF may be answered without using any of its feedback (RFC 4585).
        let known = ["RTP/AVP", "RTP/AVPF"];
        if !known.iter().any(|p| p.eq_ignore_ascii_case(&line.protocol)) {
            return refuse(NotAcceptable::Protocol);
        }
        let (mut codecs, mut events, mut event_sets) = (Vec::new(), Vec::new(), Vec::new());
        let (mut noises, mut parameters) = (Vec::new(), Vec::new());
        for map in line.payloads() {
            let known = |table: &[Codec]| table.iter().find(|codec| codec.is(&map)).copied();
            let payload_type = map.payload_type;
            if let Some(codec) = known(&capabilities.codecs) {
                parameters.push(line.fmtp(payload_type).map(Box::from));
                codecs.push(Format {
                    payload_type,
                    codec,
                });
            } else if let Some(codec) = known(&capabilities.telephone_events) {
                let listed = line.fmtp(payload_type).and_then(EventSet::parse);
                event_sets.push(listed.unwrap_or(EventSet::KEYS));
                events.push(Format {
                    payload_type,
                    codec,
                });
            }
        }
        for map in line.payloads() {
            let mut known = capabilities.comfort_noise.iter();
            if let Some(codec) = known.find(|codec| codec.is(&map)) {
                noises.push(Format {
                    payload_type: map.payload_type,
                    codec: *codec,
                });
            }
        }
        let off = line.port == 0;
        if codecs.is_empty() && !off {
            return refuse(NotAcceptable::NoCommonCodec);
        }
        let ip = match address(session, line, family) {
            Ok(ip) => Some(ip),
            Err(_) if off => None,
            Err(why) => return refuse(why),
        };
        let held = ip.is_some_and(|ip| ip.is_unspecified());
        let mut direction = session.direction_of(line);
        if held {
            // The hold of RFC 2543: who has no address can't receive.
            direction = direction.and(Direction::SendOnly);
        }
        let ip = ip.filter(|_| !held && !off);
        let rtcp = line.rtcp();
        let rtcp_port = match rtcp {
            Some(rtcp) => Some(rtcp.port),
            None => line.port.checked_add(1),
        };
        let rtcp_ip = rtcp
            .and_then(|rtcp| rtcp.address)
            .filter(|named| ip.is_none_or(|ip| ip.is_ipv4() == named.is_ipv4()))
            .or(ip)
            .filter(|_| ip.is_some());
        Ok(Self {
            rtp: ip.map(|ip| SocketAddr::new(ip, line.port)),
            rtcp: rtcp_ip
                .zip(rtcp_port.filter(|port| *port != 0))
                .map(|(ip, port)| SocketAddr::new(ip, port)),
            rtcp_mux: line.has("rtcp-mux"),
            voip_metrics: wants_metrics(session, line),
            codecs,
            parameters,
            events,
            event_sets,
            noises,
            ptime_ms: line.ptime_ms(),
            maxptime_ms: line.maxptime_ms(),
            direction,
            off,
        })
    }

    /// Puts the codecs of these names first, in this order.
    pub(crate) fn prefer(&mut self, names: &[impl AsRef<str>]) {
        let place = |format: &Format| {
            let is = |name: &_| format.codec.name.eq_ignore_ascii_case(AsRef::as_ref(name));
            names.iter().position(is).unwrap_or(names.len())
        };
        let codecs = std::mem::take(&mut self.codecs);
        let parameters = std::mem::take(&mut self.parameters);
        let mut pairs: Vec<_> = codecs.into_iter().zip(parameters).collect();
        pairs.sort_by_key(|(format, _)| place(format));
        (self.codecs, self.parameters) = pairs.into_iter().unzip();
    }

    /// All formats that the writer takes.
    pub(crate) fn formats(&self) -> impl Iterator<Item = &Format> {
        let others = self.noises.iter().chain(&self.events);
        self.codecs.iter().chain(others)
    }

    /// How the writer wants one of its codecs.
    pub(crate) fn parameters_of(&self, format: Format) -> Option<Box<str>> {
        let place = self.codecs.iter().position(|codec| *codec == format)?;
        self.parameters[place].clone()
    }

    /// The events that the writer takes as `format`.
    pub(crate) fn events_of(&self, format: Option<Format>) -> EventSet {
        let mut known = self.events.iter().zip(&self.event_sets);
        known
            .find(|(event, _)| Some(**event) == format)
            .map_or(EventSet::NONE, |(_, set)| *set)
    }
}

/// The attribute by which one side asks the other for extended reports (RFC 3611 §5.1).
pub(crate) const EXTENDED_REPORTS: &str = "rtcp-xr";
/// Its word for the metrics of a voice call.
pub(crate) const VOIP_METRICS: &str = "voip-metrics";

/// Whether metrics are asked for: by the line itself, or else by the session for all its lines.
fn wants_metrics(session: &SessionDescription, line: &Media) -> bool {
    let listed = line.attribute(EXTENDED_REPORTS);
    let listed = listed.or_else(|| session.attribute(EXTENDED_REPORTS));
    // `voip-metrics` may have parameters behind a `=`.
    listed.is_some_and(|listed| {
        listed
            .split_ascii_whitespace()
            .any(|word| word.split('=').next() == Some(VOIP_METRICS))
    })
}

/// The address that RTP is to be sent to.
fn address(
    session: &SessionDescription<'_>,
    line: &Media<'_>,
    family: Option<IpAddr>,
) -> Result<IpAddr, NotAcceptable> {
    let connection = session.connection_of(line);
    let connection = connection.ok_or(NotAcceptable::Connection)?;
    let ip = connection.ip().ok_or(NotAcceptable::HostName)?;
    if ip.is_multicast() || ip == IpAddr::from([255; 4]) {
        return Err(NotAcceptable::Connection);
    }
    // An address of zeros is sent to by nobody.
    match family {
        Some(ours) if ours.is_ipv4() != ip.is_ipv4() && !ip.is_unspecified() => {
            Err(NotAcceptable::Family)
        }
        _ => Ok(ip),
    }
}

/// An audio line of ours. `rtcp_mux` is whether it says so.
pub(crate) fn audio_line(
    protocol: Text<'static>,
    local: &LocalMedia,
    formats: &[Format],
    direction: Direction,
    rtcp_mux: bool,
) -> Media<'static> {
    let mut attributes = Vec::new();
    for Format {
        payload_type,
        codec,
    } in formats
    {
        let map = RtpMap {
            payload_type: *payload_type,
            encoding: codec.name.into(),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
        };
        attributes.push(Attribute::value("rtpmap", map));
        if let Some(parameters) = codec.parameters {
            attributes.push(Attribute::value(
                "fmtp",
                format_args!("{payload_type} {parameters}"),
            ));
        }
    }
    if local.rtp.port().checked_add(1) != Some(local.rtcp_port) {
        attributes.push(Attribute::value("rtcp", local.rtcp_port));
    }
    if rtcp_mux {
        attributes.push(Attribute::property("rtcp-mux"));
    }
    attributes.push(Attribute::property(direction.as_str()));
    Media {
        kind: "audio".into(),
        port: local.rtp.port(),
        protocol,
        formats: formats
            .iter()
            .map(|f| f.payload_type.to_string().into())
            .collect(),
        attributes,
        ..Media::default()
    }
}
