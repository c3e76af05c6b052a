//! A side with G.711 and events, as the server is.

use std::sync::Arc;

use sems_sdp::{Capabilities, Codec, LocalMedia, OfferAnswer, SessionDescription};

pub fn codec(name: &'static str, payload_type: u8) -> Codec {
    Codec {
        name,
        payload_type,
        clock_rate: 8000,
        channels: 1,
        parameters: (name == "telephone-event").then_some("0-15"),
    }
}

pub fn capabilities(codecs: &[Codec]) -> Arc<Capabilities> {
    Arc::new(Capabilities {
        codecs: codecs.to_vec(),
        telephone_events: vec![codec("telephone-event", 101)],
        comfort_noise: Vec::new(),
        ptimes_ms: vec![20, 40],
        ptime_ms: 20,
        session_name: "sems".into(),
    })
}

pub fn side() -> OfferAnswer {
    OfferAnswer::new(capabilities(&[codec("PCMU", 0), codec("PCMA", 8)]), 7)
}

pub fn local() -> LocalMedia<'static> {
    LocalMedia::new("192.0.2.2:20000".parse().unwrap())
}

/// An offer from 192.0.2.1 with these lines after `t=`.
#[allow(dead_code)]
pub fn offer(rest: &str) -> SessionDescription<'static> {
    let text = format!(
        "v=0\no=alice 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{}",
        rest
    );
    SessionDescription::parse(text.as_bytes())
        .unwrap()
        .into_owned()
}
