//! What the many forms of an audio line come to.

mod common;

use common::{codec, local, offer, side};
use sems_sdp::{Error, EventSet, LocalMedia, NotAcceptable, OfferAnswer, SessionDescription};

const BOTH: &str = "m=audio 4000 RTP/AVP 0 8 96\na=rtpmap:96 telephone-event/8000\n";

fn answer_to(session: &mut OfferAnswer, rest: &str) -> SessionDescription<'static> {
    session.receive_offer(&offer(rest)).unwrap();
    session.create_answer(&local()).unwrap()
}

/// The `m=` lines of an answer.
fn lines(answer: &SessionDescription) -> Vec<String> {
    let text = answer.to_string();
    let lines = text.lines().filter_map(|line| line.strip_prefix("m="));
    lines.map(str::to_owned).collect()
}

#[test]
fn of_many_media_lines_one_audio_is_taken_and_all_keep_their_places() {
    let answer = answer_to(
        &mut side(),
        "a=group:BUNDLE 0 1 2\na=ice-options:trickle\na=fingerprint:sha-256 AA:BB\n\
         m=video 5000 RTP/AVP 96\na=rtpmap:96 VP8/90000\n\
         m=audio 5002 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\n\
         m=audio 5004 UDP/TLS/RTP/SAVPF 0\n\
         m=audio 0 RTP/AVP 0\n\
         m=audio 5006/2 RTP/AVP 8\nb=AS:64\nk=clear:x\na=candidate:1 1 udp 1 192.0.2.1 5006 typ host\na=mid:0\n\
         m=audio 5008 RTP/AVP 0\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n\
         m=text 5010 RTP/AVP 98\n\
         m=image 5012 udptl t38\na=T38FaxVersion:0\n\
         m=x-holo 5014 X/Y z\n\
         m=message 0 TCP/MSRP\n",
    );
    assert_eq!(
        lines(&answer),
        [
            "video 0 RTP/AVP 96",
            "audio 0 RTP/SAVP 0",
            "audio 0 UDP/TLS/RTP/SAVPF 0",
            "audio 0 RTP/AVP 0",
            "audio 20000 RTP/AVP 8",
            "audio 0 RTP/AVP 0",
            "application 0 UDP/DTLS/SCTP webrtc-datachannel",
            "text 0 RTP/AVP 98",
            "image 0 udptl t38",
            "x-holo 0 X/Y z",
            "message 0 TCP/MSRP 0",
        ]
    );
    let text = answer.to_string();
    for theirs in ["crypto", "candidate", "ice", "fingerprint", "BUNDLE", "mid"] {
        assert!(!text.contains(theirs), "{theirs}");
    }
}

#[test]
fn only_encrypted_audio_is_not_acceptable_under_any_name() {
    for protocol in ["RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/RTP/AVP"] {
        let offered = offer(&format!("m=audio 4000 {protocol} 0\n"));
        let refused = Error::NotAcceptable(NotAcceptable::Protocol);
        assert_eq!(side().receive_offer(&offered), Err(refused), "{protocol}");
    }
}

#[test]
fn a_fax_instead_of_the_audio_is_refused_and_the_audio_goes_on() {
    let mut session = side();
    answer_to(&mut session, BOTH);
    for fax in [
        "m=image 4002 udptl t38\n",
        "m=audio 0 RTP/AVP 0\nm=image 4002 udptl t38\n",
    ] {
        let refused = Error::NotAcceptable(NotAcceptable::NoAudio);
        assert_eq!(session.receive_offer(&offer(fax)), Err(refused));
        assert!(session.negotiated().unwrap().send);
    }
}

#[test]
fn audio_that_moves_to_another_line_is_followed() {
    let mut session = side();
    answer_to(&mut session, BOTH);
    let answer = answer_to(
        &mut session,
        "m=audio 0 RTP/AVP 0\nm=audio 4010 RTP/AVP 8\n",
    );
    assert_eq!(
        lines(&answer),
        ["audio 0 RTP/AVP 0", "audio 20000 RTP/AVP 8"]
    );
    let negotiated = session.negotiated().unwrap();
    assert_eq!(
        negotiated.remote_rtp,
        Some("192.0.2.1:4010".parse().unwrap())
    );
}

#[test]
fn a_codec_is_known_by_name_in_any_case_and_by_its_static_number() {
    for (line, payload_type, name) in [
        ("m=audio 4000 RTP/AVP 8\n", 8, "PCMA"),
        (
            "m=audio 4000 rtp/avp 0\na=rtpmap:0 pcmu/8000/1\n",
            0,
            "PCMU",
        ),
        (
            "m=audio 4000 RTP/AVP 97\na=rtpmap:97 PcMu/8000\n",
            97,
            "PCMU",
        ),
        (
            "m=audio 4000 RTP/AVP 0 8\na=rtpmap:0 opus/48000/2\n",
            8,
            "PCMA",
        ),
        ("m=audio 4000 RTP/AVP 300 x 8\n", 8, "PCMA"),
    ] {
        let mut session = side();
        answer_to(&mut session, line);
        let audio = session.negotiated().unwrap().audio;
        assert_eq!(
            (audio.payload_type, audio.codec.name),
            (payload_type, name),
            "{line}"
        );
    }
}

#[test]
fn each_side_sends_in_the_payload_types_of_the_other() {
    let mut session = side();
    let sent = session.create_offer(&local()).unwrap();
    assert_eq!(sent.media[0].formats, ["0", "8", "101"]);
    let answer = offer(
        "m=audio 4000 RTP/AVP 110 97\na=rtpmap:110 PCMA/8000\na=rtpmap:97 telephone-event/8000\n",
    );
    let negotiated = session.receive_answer(&answer).unwrap();
    assert_eq!(negotiated.audio.payload_type, 110);
    assert_eq!(negotiated.telephone_event.unwrap().payload_type, 97);
    let expected: Vec<u8> = negotiated
        .receivable
        .iter()
        .map(|f| f.payload_type)
        .collect();
    assert_eq!(expected, [8, 101]);
}

#[test]
fn rtcp_shares_the_port_when_both_say_so() {
    let muxed = format!("{BOTH}a=rtcp:4001\na=rtcp-mux\n");
    let mut session = side();
    let answer = answer_to(&mut session, &muxed);
    assert!(answer.media[0].has("rtcp-mux"));
    let negotiated = session.negotiated().unwrap();
    assert!(negotiated.rtcp_mux);
    assert_eq!(negotiated.remote_rtcp, negotiated.remote_rtp);

    // A later offer without it parts them again.
    let answer = answer_to(&mut session, BOTH);
    assert!(!answer.media[0].has("rtcp-mux"));
    let negotiated = session.negotiated().unwrap();
    assert!(!negotiated.rtcp_mux);
    assert_eq!(
        negotiated.remote_rtcp,
        Some("192.0.2.1:4001".parse().unwrap())
    );

    // We offer it, and go without where the peer does not take it.
    for (answer, shared) in [(muxed.as_str(), true), (BOTH, false)] {
        let mut session = side();
        assert!(session.create_offer(&local()).unwrap().media[0].has("rtcp-mux"));
        let negotiated = session.receive_answer(&offer(answer)).unwrap();
        assert_eq!(negotiated.rtcp_mux, shared);
    }

    // Who can't, does not say so.
    let apart = LocalMedia {
        rtcp_mux: false,
        ..local()
    };
    let mut session = side();
    session.receive_offer(&offer(&muxed)).unwrap();
    assert!(!session.create_answer(&apart).unwrap().media[0].has("rtcp-mux"));
    assert!(!session.negotiated().unwrap().rtcp_mux);
}

#[test]
fn an_rtcp_address_of_the_other_family_is_not_used() {
    let mut session = side();
    answer_to(
        &mut session,
        &format!("{BOTH}a=rtcp:5000 IN IP6 2001:db8::1\n"),
    );
    let negotiated = session.negotiated().unwrap();
    assert_eq!(
        negotiated.remote_rtcp,
        Some("192.0.2.1:5000".parse().unwrap())
    );
}

#[test]
fn the_events_that_the_peer_takes_are_known() {
    for (line, events) in [
        ("", EventSet::KEYS),
        ("a=fmtp:96 0-15\n", EventSet::KEYS),
        ("a=fmtp:96 0-16,66\n", EventSet::parse("0-16,66").unwrap()),
        (
            "a=fmtp:0 0-3\na=fmtp:96  0-9\n",
            EventSet::parse("0-9").unwrap(),
        ),
        ("a=fmtp:96 nonsense\n", EventSet::KEYS),
    ] {
        let mut session = side();
        let answer = answer_to(&mut session, &format!("{BOTH}{line}"));
        assert_eq!(session.negotiated().unwrap().events, events, "{line}");
        // Ours says what we take.
        assert_eq!(answer.media[0].fmtp(96), Some("0-15"), "{line}");
    }
    let mut session = side();
    answer_to(&mut session, "m=audio 4000 RTP/AVP 0\n");
    assert_eq!(session.negotiated().unwrap().events, EventSet::NONE);
}

#[test]
fn of_events_on_several_clocks_the_one_on_the_codecs_clock_is_taken() {
    let mut session = side();
    let answer = answer_to(
        &mut session,
        "m=audio 4000 RTP/AVP 98 0 99 101\na=rtpmap:98 opus/48000/2\n\
         a=rtpmap:99 telephone-event/48000\na=fmtp:99 0-9\na=rtpmap:101 telephone-event/8000\n",
    );
    assert_eq!(lines(&answer), ["audio 20000 RTP/AVP 0 101"]);
    assert_eq!(session.negotiated().unwrap().events, EventSet::KEYS);
}

#[test]
fn media_of_another_ip_version_than_ours_is_not_acceptable() {
    let here = "192.0.2.2".parse().unwrap();
    let six = offer("m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n");
    let mut session = side().from_address(here);
    let refused = Error::NotAcceptable(NotAcceptable::Family);
    assert_eq!(session.receive_offer(&six), Err(refused.clone()));
    assert!(session.receive_offer(&offer(BOTH)).is_ok());

    let mut session = side().from_address("2001:db8::2".parse().unwrap());
    assert!(session.receive_offer(&six).is_ok());
    session.withdraw();
    assert_eq!(session.receive_offer(&offer(BOTH)), Err(refused));
    // Nobody is nobody in either.
    let held = offer("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n");
    assert!(session.receive_offer(&held).is_ok());
}

#[test]
fn a_new_offer_changes_address_port_codec_and_packet_time() {
    let mut session = side();
    answer_to(&mut session, BOTH);
    answer_to(
        &mut session,
        "m=audio 4444 RTP/AVP 8\nc=IN IP4 198.51.100.7\na=ptime:40\n",
    );
    let negotiated = session.negotiated().unwrap();
    assert_eq!(
        negotiated.remote_rtp,
        Some("198.51.100.7:4444".parse().unwrap())
    );
    assert_eq!(negotiated.audio.codec, codec("PCMA", 8));
    assert_eq!(
        (negotiated.ptime_ms, negotiated.telephone_event),
        (40, None)
    );
}

#[test]
fn blanks_behind_an_attribute_change_nothing() {
    let mut session = side();
    answer_to(
        &mut session,
        &format!("{BOTH}a=sendonly \na=rtcp-mux\t\na=ptime: 40 \n"),
    );
    let negotiated = session.negotiated().unwrap();
    assert!(!negotiated.send && negotiated.rtcp_mux);
    assert_eq!(negotiated.ptime_ms, 40);
}

#[test]
fn metrics_are_asked_for_in_offers_and_of_those_who_ask_for_ours() {
    let asked = "rtcp-xr";
    let mut session = side();
    let offered = session.create_offer(&local()).unwrap();
    assert_eq!(offered.media[0].attribute(asked), Some("voip-metrics"));
    assert!(!session.receive_answer(&offer(BOTH)).unwrap().voip_metrics);

    for (wish, wanted) in [
        ("", false),
        ("a=rtcp-xr:voip-metrics\n", true),
        ("a=rtcp-xr:rcvr-rtt=all:800 voip-metrics=x\n", true),
        ("a=rtcp-xr:stat-summary=loss\n", false),
        ("a=rtcp-xr\n", false),
    ] {
        let mut session = side();
        let answer = answer_to(&mut session, &format!("{BOTH}{wish}"));
        assert_eq!(answer.media[0].has(asked), wanted, "{wish}");
        assert_eq!(session.negotiated().unwrap().voip_metrics, wanted, "{wish}");
    }
}

#[test]
fn metrics_may_be_asked_for_by_the_whole_session() {
    let text = offer(BOTH).to_string();
    let text = text.replace("t=0 0\r\n", "t=0 0\r\na=rtcp-xr:voip-metrics\r\n");
    let mut session = side();
    let asked = SessionDescription::parse(text.as_bytes()).unwrap();
    session.receive_offer(&asked).unwrap();
    session.create_answer(&local()).unwrap();
    assert!(session.negotiated().unwrap().voip_metrics);
}
