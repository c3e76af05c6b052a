//! One audio stream negotiated, from either side.

mod common;

use common::{capabilities, codec, local, offer, side};
use sems_sdp::{Direction, Error, LocalMedia, NotAcceptable, OfferAnswer, SessionDescription};

const BOTH: &str = "m=audio 4000 RTP/AVP 0 8 96\na=rtpmap:96 telephone-event/8000\n";

fn answer_to(session: &mut OfferAnswer, rest: &str) -> SessionDescription<'static> {
    session.receive_offer(&offer(rest)).unwrap();
    session.create_answer(&local()).unwrap()
}

fn refusal(rest: &str) -> NotAcceptable {
    match side().receive_offer(&offer(rest)) {
        Err(Error::NotAcceptable(why)) => why,
        other => panic!("{rest:?} gave {other:?}"),
    }
}

#[test]
fn the_answer_takes_the_offerers_first_common_codec_and_its_payload_types() {
    let mut session = side();
    let answer = answer_to(&mut session, &BOTH.replace("0 8 96", "18 8 0 96"));
    assert_eq!(
        answer.to_string(),
        "v=0\r\no=- 7 1 IN IP4 192.0.2.2\r\ns=sems\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=sendrecv\r\na=ptime:20\r\na=maxptime:40\r\n"
    );
    let negotiated = session.negotiated().unwrap();
    assert_eq!(
        negotiated.remote_rtp,
        Some("192.0.2.1:4000".parse().unwrap())
    );
    assert_eq!(
        negotiated.remote_rtcp,
        Some("192.0.2.1:4001".parse().unwrap())
    );
    assert_eq!(negotiated.audio.codec.name, "PCMA");
    assert_eq!(negotiated.telephone_event.unwrap().payload_type, 96);
    assert!(negotiated.send && negotiated.receive);
}

#[test]
fn a_codec_under_a_dynamic_payload_type_is_found_by_its_name() {
    let mut session = side();
    let answer = answer_to(
        &mut session,
        "m=audio 4000 RTP/AVP 97\na=rtpmap:97 pcmu/8000/1\n",
    );
    assert_eq!(answer.media[0].formats, ["97"]);
    assert_eq!(session.negotiated().unwrap().audio.payload_type, 97);
}

#[test]
fn other_media_are_refused_in_their_places() {
    let mut session = side();
    let answer = answer_to(
        &mut session,
        "m=video 4002 RTP/AVP 31 34\nm=audio 4004 RTP/SAVP 0\nm=audio 4000 RTP/AVP 0\n\
         m=audio 4006 RTP/AVP 8\nm=image 4008 udptl t38\n",
    );
    let lines: Vec<_> = answer
        .media
        .iter()
        .map(|m| (&*m.kind, m.port, &*m.protocol, m.formats.join(" ")))
        .collect();
    assert_eq!(
        lines,
        [
            ("video", 0, "RTP/AVP", "31 34".to_owned()),
            ("audio", 0, "RTP/SAVP", "0".to_owned()),
            ("audio", 20000, "RTP/AVP", "0".to_owned()),
            ("audio", 0, "RTP/AVP", "8".to_owned()),
            ("image", 0, "udptl", "t38".to_owned()),
        ]
    );
    // An offer of ours keeps the places.
    let again = session.create_offer(&local()).unwrap();
    let ports: Vec<_> = again.media.iter().map(|m| m.port).collect();
    assert_eq!(ports, [0, 0, 20000, 0, 0]);
}

#[test]
fn feedback_profile_is_answered_in_kind() {
    let answer = answer_to(&mut side(), "m=audio 4000 RTP/AVPF 0\n");
    assert_eq!(answer.media[0].protocol, "RTP/AVPF");
}

#[test]
fn what_we_have_no_part_in_is_not_acceptable() {
    assert_eq!(refusal(""), NotAcceptable::NoAudio);
    assert_eq!(refusal("m=video 4000 RTP/AVP 31\n"), NotAcceptable::NoAudio);
    assert_eq!(
        refusal("m=audio 4000 RTP/SAVP 0\n"),
        NotAcceptable::Protocol
    );
    assert_eq!(
        refusal("m=audio 4000 RTP/AVP 18\n"),
        NotAcceptable::NoCommonCodec
    );
    assert_eq!(
        refusal("m=audio 4000 RTP/AVP 97\n"),
        NotAcceptable::NoCommonCodec
    );
    assert_eq!(refusal("m=audio 0 RTP/AVP 0\n"), NotAcceptable::Refused);
    assert_eq!(
        refusal("m=audio 4000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\n"),
        NotAcceptable::Connection
    );
    assert_eq!(
        refusal("m=audio 4000 RTP/AVP 0\nc=IN IP4 255.255.255.255\n"),
        NotAcceptable::Connection
    );
    assert_eq!(
        refusal("m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example.com\n"),
        NotAcceptable::HostName
    );
    let homeless = SessionDescription::parse(
        b"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n",
    );
    assert_eq!(
        side().receive_offer(&homeless.unwrap()),
        Err(Error::NotAcceptable(NotAcceptable::Connection))
    );
}

#[test]
fn a_refused_offer_leaves_the_session_as_it_was() {
    let mut session = side();
    answer_to(&mut session, BOTH);
    let before = session.negotiated().cloned();
    assert!(
        session
            .receive_offer(&offer("m=audio 4000 RTP/AVP 18\n"))
            .is_err()
    );
    assert_eq!(session.negotiated().cloned(), before);
    assert!(session.create_offer(&local()).is_ok());
}

#[test]
fn a_line_has_its_own_address_and_rtcp_port() {
    let mut session = side();
    answer_to(
        &mut session,
        "m=audio 4000 RTP/AVP 0\nc=IN IP4 198.51.100.9\na=rtcp:5000 IN IP4 198.51.100.10\n",
    );
    let negotiated = session.negotiated().unwrap();
    assert_eq!(
        negotiated.remote_rtp,
        Some("198.51.100.9:4000".parse().unwrap())
    );
    assert_eq!(
        negotiated.remote_rtcp,
        Some("198.51.100.10:5000".parse().unwrap())
    );
}

#[test]
fn every_form_of_hold_is_answered_with_its_mirror() {
    // (in the offer, in the answer, do we send, do we receive)
    for (hold, mirror, send, receive) in [
        ("a=sendrecv", "sendrecv", true, true),
        ("a=sendonly", "recvonly", false, true),
        ("a=recvonly", "sendonly", true, false),
        ("a=inactive", "inactive", false, false),
        ("c=IN IP4 0.0.0.0", "recvonly", false, true),
        ("c=IN IP4 0.0.0.0\na=inactive", "inactive", false, false),
        ("c=IN IP6 ::\na=sendonly", "recvonly", false, true),
    ] {
        let mut session = side();
        answer_to(&mut session, BOTH);
        let answer = answer_to(&mut session, &format!("{BOTH}{hold}\n"));
        assert_eq!(
            answer.media[0].direction().unwrap().as_str(),
            mirror,
            "{hold}"
        );
        let negotiated = session.negotiated().unwrap();
        assert_eq!(
            (negotiated.send, negotiated.receive),
            (send, receive),
            "{hold}"
        );
        assert_eq!(
            negotiated.remote_rtp.is_none(),
            hold.starts_with("c="),
            "{hold}"
        );

        let resumed = answer_to(&mut session, BOTH);
        assert_eq!(resumed.media[0].direction(), Some(Direction::SendRecv));
        assert!(session.negotiated().unwrap().send);
    }
}

#[test]
fn a_hold_may_stand_at_the_session_level() {
    let mut session = side();
    let answer = answer_to(&mut session, &format!("a=sendonly\n{BOTH}"));
    assert_eq!(answer.media[0].direction(), Some(Direction::RecvOnly));
}

#[test]
fn a_stream_switched_off_and_on_keeps_its_place() {
    let mut session = side();
    answer_to(&mut session, BOTH);
    let off = answer_to(&mut session, "m=audio 0 RTP/AVP 0\n");
    assert_eq!(off.media[0].to_string(), "m=audio 0 RTP/AVP 0\r\n");
    let negotiated = session.negotiated().unwrap();
    assert!(!negotiated.send && !negotiated.receive && negotiated.remote_rtp.is_none());
    let on = answer_to(&mut session, BOTH);
    assert_eq!(on.media[0].port, 20000);
    assert!(session.negotiated().unwrap().send);
}

#[test]
fn our_own_hold_narrows_the_answer() {
    let mut session = side();
    session.receive_offer(&offer(BOTH)).unwrap();
    let held = LocalMedia {
        direction: Direction::SendOnly,
        ..local()
    };
    let answer = session.create_answer(&held).unwrap();
    assert_eq!(answer.media[0].direction(), Some(Direction::SendOnly));
    assert!(!session.negotiated().unwrap().receive);
}

#[test]
fn the_version_rises_only_when_the_description_changes() {
    let mut session = side();
    let version = |description: SessionDescription<'static>| description.origin.session_version;
    assert_eq!(version(answer_to(&mut session, BOTH)), "1");
    assert_eq!(version(answer_to(&mut session, BOTH)), "1");
    assert_eq!(
        version(answer_to(&mut session, &format!("{BOTH}a=sendonly\n"))),
        "2"
    );
    assert_eq!(version(answer_to(&mut session, BOTH)), "3");
    session.receive_offer(&offer(BOTH)).unwrap();
    let with_page = LocalMedia {
        uri: Some("http://192.0.2.2/c/x"),
        ..local()
    };
    let answer = session.create_answer(&with_page).unwrap();
    assert_eq!(answer.uri.as_deref(), Some("http://192.0.2.2/c/x"));
    assert_eq!(version(answer), "4");
}

#[test]
fn packet_times_follow_the_peer_as_far_as_we_can() {
    // We can send 20 and 40 ms.
    for (wish, ptime_ms) in [
        ("", 20),
        ("a=ptime:30\n", 20),
        ("a=ptime:40\n", 40),
        ("a=ptime:60\n", 40),
        ("a=ptime:60\na=maxptime:30\n", 20),
        ("a=ptime:10\n", 20),
        ("a=ptime:9999999999\n", 20),
    ] {
        let mut session = side();
        let answer = answer_to(&mut session, &format!("m=audio 4000 RTP/AVP 0\n{wish}"));
        assert_eq!(session.negotiated().unwrap().ptime_ms, ptime_ms, "{wish}");
        assert_eq!(answer.media[0].ptime_ms(), Some(ptime_ms), "{wish}");
    }
}

#[test]
fn an_rtcp_port_is_stated_when_it_is_an_odd_one() {
    let mut session = side();
    session.receive_offer(&offer(BOTH)).unwrap();
    let muxed = LocalMedia {
        rtcp_port: 20500,
        ..local()
    };
    let answer = session.create_answer(&muxed).unwrap();
    assert_eq!(answer.media[0].attribute("rtcp"), Some("20500"));
}

#[test]
fn an_offer_of_ours_is_answered() {
    let mut session = side();
    let ours = session.create_offer(&local()).unwrap();
    assert_eq!(ours.media[0].formats, ["0", "8", "101"]);
    assert!(session.awaits_answer());
    let answer = offer(&BOTH.replace("0 8 96", "8 96"));
    let negotiated = session.receive_answer(&answer).unwrap();
    assert_eq!(negotiated.audio.codec.name, "PCMA");
    assert_eq!(negotiated.telephone_event.unwrap().payload_type, 96);
    let receivable: Vec<_> = negotiated
        .receivable
        .iter()
        .map(|f| f.payload_type)
        .collect();
    // What the answer leaves out does not come.
    assert_eq!(receivable, [8, 101]);
    assert!(!session.awaits_answer());
}

#[test]
fn answers_that_refuse_or_miss_the_audio_are_errors() {
    for (rest, why) in [
        ("m=audio 0 RTP/AVP 0\n", NotAcceptable::Refused),
        ("m=audio 4000 RTP/AVP 18\n", NotAcceptable::NoCommonCodec),
        ("m=audio 4000 RTP/SAVP 0\n", NotAcceptable::Protocol),
        ("m=video 4000 RTP/AVP 0\n", NotAcceptable::NoAudio),
        ("", NotAcceptable::NoAudio),
    ] {
        let mut session = side();
        session.create_offer(&local()).unwrap();
        let error = session.receive_answer(&offer(rest)).unwrap_err();
        assert_eq!(error, Error::NotAcceptable(why), "{rest}");
        assert!(!session.awaits_answer());
    }
}

#[test]
fn offers_and_answers_take_turns() {
    let mut session = side();
    assert_eq!(session.receive_answer(&offer(BOTH)), Err(Error::NoOffer));
    assert_eq!(session.create_answer(&local()), Err(Error::NoOffer));

    session.create_offer(&local()).unwrap();
    assert_eq!(session.receive_offer(&offer(BOTH)), Err(Error::Glare));
    assert_eq!(session.create_offer(&local()), Err(Error::Glare));
    session.withdraw();

    session.receive_offer(&offer(BOTH)).unwrap();
    assert!(session.owes_answer());
    assert_eq!(
        session.receive_offer(&offer(BOTH)),
        Err(Error::OfferPending)
    );
    assert_eq!(session.create_offer(&local()), Err(Error::OfferPending));
    session.create_answer(&local()).unwrap();
}

#[test]
fn later_offers_of_ours_keep_the_payload_types_of_the_session() {
    let mut session = side();
    answer_to(&mut session, BOTH);
    let ours = session.create_offer(&local()).unwrap();
    assert_eq!(ours.media[0].formats, ["0", "8", "96"]);
}

#[test]
fn a_payload_type_in_use_is_not_given_a_second_meaning() {
    // The peer has put its PCMU where our events would be.
    let mut session = side();
    answer_to(
        &mut session,
        "m=audio 4000 RTP/AVP 101\na=rtpmap:101 PCMU/8000\n",
    );
    let ours = session.create_offer(&local()).unwrap();
    assert_eq!(ours.media[0].formats, ["101", "8", "96"]);
}

#[test]
fn the_codec_in_use_leads_our_next_offer() {
    let mut session = side();
    answer_to(&mut session, "m=audio 4000 RTP/AVP 8\n");
    let ours = session.create_offer(&local()).unwrap();
    assert_eq!(ours.media[0].formats, ["8", "0", "101"]);
}

#[test]
fn each_branch_of_a_fork_answers_the_same_offer() {
    let mut first = side();
    first.create_offer(&local()).unwrap();
    let mut second = first.clone();
    first
        .receive_answer(&offer("m=audio 4000 RTP/AVP 0\n"))
        .unwrap();
    let other = second
        .receive_answer(&offer("m=audio 5000 RTP/AVP 8\n"))
        .unwrap();
    assert_eq!(other.audio.codec.name, "PCMA");
    assert_eq!(first.negotiated().unwrap().audio.codec.name, "PCMU");
}

#[test]
fn a_codec_more_is_a_row_more() {
    let opus = sems_sdp::Codec {
        name: "opus",
        payload_type: 111,
        clock_rate: 48000,
        channels: 2,
        parameters: Some("useinbandfec=1"),
    };
    let table = capabilities(&[opus, codec("PCMU", 0)]);
    let ours = OfferAnswer::new(table, 1).create_offer(&local()).unwrap();
    assert_eq!(ours.media[0].formats, ["111", "0", "101"]);
    assert_eq!(ours.media[0].attribute("fmtp"), Some("111 useinbandfec=1"));
}

/// A side that takes comfort noise, with these codecs.
fn quiet(codecs: &[sems_sdp::Codec]) -> OfferAnswer {
    let mut capabilities = (*capabilities(codecs)).clone();
    capabilities.comfort_noise = vec![codec("CN", 13)];
    OfferAnswer::new(std::sync::Arc::new(capabilities), 7)
}

#[test]
fn comfort_noise_is_agreed_on_where_both_sides_list_it() {
    let mut session = quiet(&[codec("PCMU", 0)]);
    let answer = answer_to(&mut session, "m=audio 4000 RTP/AVP 0 13\n");
    assert_eq!(answer.media[0].formats, ["0", "13"]);
    let agreed = session.negotiated().unwrap();
    assert_eq!(agreed.comfort_noise.unwrap().payload_type, 13);

    let mut session = quiet(&[codec("PCMU", 0)]);
    let answer = answer_to(&mut session, "m=audio 4000 RTP/AVP 0\n");
    assert_eq!(answer.media[0].formats, ["0"]);
    assert_eq!(session.negotiated().unwrap().comfort_noise, None);

    let mut session = side();
    let answer = answer_to(&mut session, "m=audio 4000 RTP/AVP 0 13\n");
    assert_eq!(answer.media[0].formats, ["0"]);
    assert_eq!(session.negotiated().unwrap().comfort_noise, None);
}

#[test]
fn comfort_noise_is_offered_and_the_answer_decides() {
    for (formats, agreed) in [("0 13", true), ("0", false)] {
        let mut session = quiet(&[codec("PCMU", 0)]);
        let ours = session.create_offer(&local()).unwrap();
        assert_eq!(ours.media[0].formats, ["0", "13", "101"]);
        let answer = offer(&format!("m=audio 4000 RTP/AVP {formats}\n"));
        let negotiated = session.receive_answer(&answer).unwrap();
        assert_eq!(negotiated.comfort_noise.is_some(), agreed);
    }
}

#[test]
fn comfort_noise_goes_with_codecs_of_its_clock_rate_only() {
    let wide = sems_sdp::Codec {
        clock_rate: 16_000,
        ..codec("L16", 96)
    };
    let mut session = quiet(&[wide]);
    let lines = "m=audio 4000 RTP/AVP 96 13\na=rtpmap:96 L16/16000\n";
    assert_eq!(answer_to(&mut session, lines).media[0].formats, ["96"]);
    assert_eq!(session.negotiated().unwrap().comfort_noise, None);
}
