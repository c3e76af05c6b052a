//! Session descriptions for stories that need one.

use std::net::SocketAddr;
use std::sync::Arc;

use sems_sdp::{Capabilities, Codec, LocalMedia, OfferAnswer, SessionDescription};
use sems_sip::user_agent::Content;

/// A side that speaks PCMU and PCMA.
pub fn side() -> OfferAnswer {
    let codec = |name, payload_type| Codec {
        name,
        payload_type,
        clock_rate: 8000,
        channels: 1,
        parameters: None,
    };
    let capabilities = Capabilities {
        codecs: vec![codec("PCMU", 0), codec("PCMA", 8)],
        telephone_events: vec![codec("telephone-event", 101)],
        comfort_noise: Vec::new(),
        ptimes_ms: vec![20],
        ptime_ms: 20,
        session_name: "-".into(),
    };
    OfferAnswer::new(Arc::new(capabilities), 1)
}

/// Our end of the stream at this address.
pub fn local(rtp: SocketAddr) -> LocalMedia<'static> {
    LocalMedia::new(rtp)
}

/// A description as a body.
pub fn content(description: &SessionDescription) -> Content {
    Content::sdp(description.to_string())
}
