//! What offer and answer agreed on, in the words of a leg.

use std::net::{IpAddr, SocketAddr};

use sems_audio::codec;
use sems_rtp::PayloadType;
use sems_sdp::{Capabilities, Codec, Format};

use crate::{
    config::EngineConfig, error::EngineError, media::leg::Negotiated,
    transport::udp::is_own_address,
};

/// Packet times that a leg can send.
const PTIMES_MS: [u32; 6] = [10, 20, 30, 40, 50, 60];
/// Payload types for codecs that have none of their own, …
const CODEC_TYPES: std::ops::Range<u8> = 96..101;
/// … for events, …
const EVENT_TYPES: std::ops::Range<u8> = 101..108;
/// … and for codecs again, where others bring many.
const MORE_CODEC_TYPES: std::ops::Range<u8> = 108..127;
/// A digit or a flash (RFC 4733 §3.2).
const EVENTS: &str = "0-16";

/// Comfort noise for codecs whose clock runs at 8 kHz (RFC 3389 §5).
const COMFORT_NOISE: Codec = Codec {
    name: "CN",
    payload_type: 13,
    clock_rate: 8000,
    channels: 1,
    parameters: None,
};

/// What we offer and accept.
///
/// # Errors
/// [`EngineError::Invalid`] for a codec that we don't have.
pub fn capabilities(config: &EngineConfig) -> Result<Capabilities, EngineError> {
    let mut codecs = Vec::with_capacity(config.codecs.len());
    let mut dynamic = CODEC_TYPES.chain(MORE_CODEC_TYPES);
    for name in &config.codecs {
        let known = codecs.len();
        // Some names stand for one codec at several rates.
        let named = codec::all()
            .into_iter()
            .filter(|codec| codec.name.eq_ignore_ascii_case(name));
        for codec in named {
            codecs.push(Codec {
                name: codec.name,
                payload_type: codec.payload_type.or_else(|| dynamic.next()).unwrap_or(127),
                clock_rate: codec.clock_rate,
                channels: codec.channels,
                parameters: codec.parameters,
            });
        }
        if codecs.len() == known {
            let mut known: Vec<_> = codec::all().iter().map(|codec| codec.name).collect();
            known.dedup();
            let known = known.join(", ");
            return Err(EngineError::Invalid(format!(
                "codecs: {name:?} is none of {known}"
            )));
        }
    }
    if codecs.is_empty() {
        return Err(EngineError::Invalid(
            "codecs: at least one is needed".to_owned(),
        ));
    }
    Ok(Capabilities {
        telephone_events: match config.telephone_events {
            true => telephone_events(&codecs),
            false => Vec::new(),
        },
        codecs,
        comfort_noise: match config.comfort_noise {
            true => vec![COMFORT_NOISE],
            false => Vec::new(),
        },
        ptimes_ms: PTIMES_MS.to_vec(),
        ptime_ms: 20,
        session_name: config.user_agent.clone(),
    })
}

/// The events, once for each clock of the codecs, 8 kHz first (RFC 4733 §2.1): phones are many that
/// know no other.
fn telephone_events(codecs: &[Codec]) -> Vec<Codec> {
    let mut clock_rates: Vec<u32> = codecs.iter().map(|codec| codec.clock_rate).collect();
    clock_rates.push(8000);
    clock_rates.sort_unstable();
    clock_rates.dedup();
    let events = clock_rates.into_iter().zip(EVENT_TYPES);
    let events = events.map(|(clock_rate, payload_type)| Codec {
        name: "telephone-event",
        payload_type,
        clock_rate,
        channels: 1,
        parameters: Some(EVENTS),
    });
    events.collect()
}

/// An agreement as a leg carries it out. `before` is the one that it replaces; `source` is where
/// the peer's signaling comes from, and `signaling_behind_nat` what its Via showed.
///
/// `None` for what no offer of ours could have led to.
pub fn agreement(
    agreed: &sems_sdp::Negotiated,
    before: Option<&Negotiated>,
    source: IpAddr,
    signaling_behind_nat: bool,
) -> Option<Negotiated> {
    let codec = ours(&agreed.audio)?;
    let receive_formats = agreed
        .receivable
        .iter()
        .filter_map(|format| Some((PayloadType::new(format.payload_type)?, ours(format)?)))
        .take(crate::media::leg::MAX_FORMATS)
        .collect();
    let receive_events = agreed
        .receivable
        .iter()
        .filter(|format| format.codec.name == "telephone-event")
        .filter_map(payload_type)
        .take(crate::media::leg::MAX_EVENTS)
        .collect();
    // Who is on hold by an address of zeros keeps the one that we know.
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 9));
    let remote_rtp = agreed
        .remote_rtp
        .or(before.map(|before| before.remote_rtp))
        .unwrap_or(nowhere);
    let remote_rtcp = agreed
        .remote_rtcp
        .or(before.map(|before| before.remote_rtcp))
        .unwrap_or(nowhere);
    Some(Negotiated {
        codec,
        parameters: match &agreed.parameters {
            Some(parameters) => codec.read_parameters(parameters),
            None => codec::Parameters::default(),
        },
        payload_type: payload_type(&agreed.audio)?,
        receive_formats,
        ptime_ms: u8::try_from(agreed.ptime_ms).unwrap_or(20),
        send_events: agreed.telephone_event.as_ref().and_then(payload_type),
        event_clock_rate: match &agreed.telephone_event {
            Some(format) => format.codec.clock_rate,
            None => codec.clock_rate,
        },
        events: agreed.events,
        receive_events,
        remote_rtp,
        remote_rtcp,
        rtcp_mux: agreed.rtcp_mux,
        // Of what has a memory no frame may be left out.
        comfort_noise: agreed.comfort_noise.is_some() && codec.silence.is_some(),
        voip_metrics: agreed.voip_metrics,
        send: agreed.send && agreed.remote_rtp.is_some(),
        receive: agreed.receive,
        unproven: false,
        behind_nat: signaling_behind_nat || comes_from_elsewhere(remote_rtp.ip(), source),
    })
}

fn ours(format: &Format) -> Option<&'static codec::Codec> {
    codec::by_name(format.codec.name, format.codec.clock_rate)
}

fn payload_type(format: &Format) -> Option<PayloadType> {
    PayloadType::new(format.payload_type)
}

/// Whether packets of who names `media` in its SDP and signals from `source` may come from an
/// address other than `media`: it is private, or another one of this very machine's, whose packets
/// come over loopback as its signaling does.
fn comes_from_elsewhere(media: IpAddr, source: IpAddr) -> bool {
    media != source && (is_private(media) || (source.is_loopback() && is_own_address(media)))
}

/// Addresses that mean something behind a NAT only (RFC 1918, RFC 6598, RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(address) => address.segments()[0] & 0xfe00 == 0xfc00,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere(media: &str, source: &str) -> bool {
        comes_from_elsewhere(media.parse().unwrap(), source.parse().unwrap())
    }

    #[test]
    fn a_phone_with_a_private_address_is_behind_a_nat_unless_it_calls_from_there() {
        assert!(elsewhere("192.168.1.7", "203.0.113.9"));
        assert!(!elsewhere("192.168.1.7", "192.168.1.7"));
    }

    #[test]
    fn a_phone_on_this_machine_may_name_another_of_its_addresses() {
        assert!(elsewhere("127.0.0.2", "127.0.0.1"));
    }

    #[test]
    fn a_proxy_on_this_machine_opens_no_call_of_others_to_thieves() {
        assert!(!elsewhere("203.0.113.9", "127.0.0.1"));
        assert!(!elsewhere("203.0.113.9", "198.51.100.1"));
    }
}
