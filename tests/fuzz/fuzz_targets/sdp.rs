//! Any body is read or refused; what was read prints to what reads the same, and can be offered to us.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sems_sdp::{Capabilities, Codec, LocalMedia, OfferAnswer, SessionDescription};

fn codec(name: &'static str, payload_type: u8) -> Codec {
    Codec {
        name,
        payload_type,
        clock_rate: 8000,
        channels: 1,
        parameters: None,
    }
}

fuzz_target!(|body: &[u8]| {
    let Ok(session) = SessionDescription::parse(body) else {
        return;
    };
    let printed = session.to_string();
    let again = SessionDescription::parse(printed.as_bytes()).expect("what we print can be read");
    assert_eq!(again.to_string(), printed);

    let capabilities = Arc::new(Capabilities {
        codecs: vec![codec("PCMU", 0), codec("PCMA", 8)],
        telephone_events: vec![codec("telephone-event", 101)],
        comfort_noise: vec![codec("CN", 13)],
        ptimes_ms: vec![10, 20, 30, 40, 60],
        ptime_ms: 20,
        session_name: "SEMS".into(),
    });
    let local = LocalMedia::new(([192, 0, 2, 2], 20_000).into());
    let mut called = OfferAnswer::new(capabilities.clone(), 1);
    if called.receive_offer(&session).is_ok() {
        let answer = called
            .create_answer(&local)
            .expect("an offer that was taken is answered");
        assert_eq!(answer.media.len(), session.media.len());
    }
    let mut caller = OfferAnswer::new(capabilities, 2);
    caller.create_offer(&local).expect("a first offer");
    let _ = caller.receive_answer(&session);
});
