//! What holds for every input.

mod common;

use common::{local, side};
use proptest::prelude::*;
use sems_sdp::{Direction, LocalMedia, SessionDescription};

/// Texts that look like descriptions, most of them nearly right.
fn texts() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("v=0".to_owned()),
        Just("o=- 1 1 IN IP4 192.0.2.1".to_owned()),
        Just("c=IN IP4 0.0.0.0".to_owned()),
        Just("c=IN IP6 2001:db8::1".to_owned()),
        "c=IN IP4 [0-9.]{1,15}(/[0-9]{1,3})?",
        "m=(audio|video) [0-9]{1,6}(/[0-9])? (RTP/AVP|RTP/SAVP|RTP/AVPF)( [0-9]{1,3}){0,4}",
        Just("m=audio 4000 RTP/AVP 0 101".to_owned()),
        Just("m=image 4002 udptl t38".to_owned()),
        "a=fmtp:[0-9]{1,3} [0-9,-]{0,8}",
        Just("a=rtcp-mux".to_owned()),
        "a=rtpmap:[0-9]{1,3} (PCMU|PCMA|telephone-event|opus)/[0-9]{1,6}(/[0-9])?",
        "a=(ptime|maxptime|rtcp|rtpmap|fmtp):[ -~]{0,20}",
        "a=(sendrecv|sendonly|recvonly|inactive)",
        "[a-z]=\\PC{0,30}",
        "\\PC{0,10}",
    ];
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n";
    (any::<bool>(), prop::collection::vec(line, 0..12)).prop_map(move |(with_head, lines)| {
        let head = if with_head { head } else { "" };
        head.to_owned() + &lines.join("\n")
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = SessionDescription::parse(&bytes);
    }

    #[test]
    fn what_was_read_and_written_reads_the_same(text in texts()) {
        if let Ok(description) = SessionDescription::parse(text.as_bytes()) {
            let written = description.to_string();
            prop_assert_eq!(SessionDescription::parse(written.as_bytes()), Ok(description));
        }
    }

    #[test]
    fn an_answer_has_the_offers_lines_in_their_order(text in texts()) {
        let Ok(offer) = SessionDescription::parse(text.as_bytes()) else { return Ok(()) };
        let mut session = side();
        if session.receive_offer(&offer).is_err() {
            prop_assert_eq!(session.negotiated(), None);
            return Ok(());
        }
        let answer = session.create_answer(&local()).unwrap();
        prop_assert_eq!(answer.media.len(), offer.media.len());
        for (ours, theirs) in answer.media.iter().zip(&offer.media) {
            prop_assert_eq!(&ours.kind.to_lowercase(), &theirs.kind.to_lowercase());
            prop_assert_eq!(&ours.protocol, &theirs.protocol);
            prop_assert!(!ours.formats.is_empty());
            let echoed = ours.formats.iter().all(|f| theirs.formats.contains(f));
            prop_assert!(echoed || theirs.formats.is_empty());
        }
        let text = answer.to_string();
        prop_assert_eq!(SessionDescription::parse(text.as_bytes()), Ok(answer.clone()));
        let taken = answer.media.iter().filter(|m| m.port != 0).count();
        prop_assert_eq!(taken, 1);
        let offered = offer.direction_of(&offer.media[answer.media.iter().position(|m| m.port != 0).unwrap()]);
        let negotiated = session.negotiated().unwrap();
        prop_assert!(!negotiated.send || offered.receives());
        prop_assert!(!negotiated.receive || offered.sends());
    }

    #[test]
    fn the_same_offer_again_changes_nothing(text in texts()) {
        let Ok(offer) = SessionDescription::parse(text.as_bytes()) else { return Ok(()) };
        let mut session = side();
        if session.receive_offer(&offer).is_err() {
            return Ok(());
        }
        let first = session.create_answer(&local()).unwrap();
        let agreed = session.negotiated().cloned();
        session.receive_offer(&offer).unwrap();
        prop_assert_eq!(session.create_answer(&local()).unwrap(), first);
        prop_assert_eq!(session.negotiated().cloned(), agreed);
    }

    /// Two of us, taking turns as chance has it, see the same stream from both ends.
    #[test]
    fn two_sides_always_agree(turns in prop::collection::vec((any::<bool>(), 0..4u8, 0..4u8), 1..12)) {
        let direction = |n: u8| Direction::new(n & 1 == 0, n & 2 == 0);
        let end = |address: &str, n| LocalMedia {
            direction: direction(n),
            ..LocalMedia::new(address.parse().unwrap())
        };
        let (mut a, mut b) = (side(), side());
        for (a_offers, of_a, of_b) in turns {
            let (end_a, end_b) = (end("192.0.2.1:4000", of_a), end("192.0.2.2:5000", of_b));
            let (from, to, end_from, end_to) = if a_offers {
                (&mut a, &mut b, end_a, end_b)
            } else {
                (&mut b, &mut a, end_b, end_a)
            };
            let offer = from.create_offer(&end_from).unwrap().to_string();
            to.receive_offer(&SessionDescription::parse(offer.as_bytes()).unwrap()).unwrap();
            let answer = to.create_answer(&end_to).unwrap().to_string();
            from.receive_answer(&SessionDescription::parse(answer.as_bytes()).unwrap()).unwrap();

            let (at_a, at_b) = (a.negotiated().unwrap(), b.negotiated().unwrap());
            prop_assert_eq!(at_a.send, at_b.receive);
            prop_assert_eq!(at_a.receive, at_b.send);
            prop_assert_eq!(at_a.audio, at_b.audio);
            prop_assert_eq!(at_a.telephone_event, at_b.telephone_event);
            prop_assert_eq!(at_a.remote_rtp, Some("192.0.2.2:5000".parse().unwrap()));
            prop_assert_eq!(at_b.remote_rtp, Some("192.0.2.1:4000".parse().unwrap()));
        }
    }
}
