//! Two sessions talk to each other.

use std::time::{Duration, Instant};

use sems_rtp::rtcp::{ControlPacket, parse};
use sems_rtp::{
    NtpTime, PayloadType, Reception, RtpError, RtpHeader, RtpPacket, RtpSession, SequenceNumber,
    SessionConfig, Ssrc, Timestamp,
};

fn session(ssrc: u32) -> RtpSession {
    RtpSession::new(SessionConfig {
        ssrc: Ssrc(ssrc),
        first_sequence: SequenceNumber(65_534),
        first_timestamp: Timestamp(u32::MAX - 100),
        clock_rate: 8000,
        cname: "kitchen",
    })
}

fn receive(session: &mut RtpSession, now: Instant, header: RtpHeader) -> Reception {
    let bytes = header.to_bytes();
    session.receive(now, &RtpPacket::parse(&bytes).unwrap())
}

fn from(ssrc: u32, sequence: u16) -> RtpHeader {
    RtpHeader {
        marker: false,
        payload_type: PayloadType::PCMU,
        sequence: SequenceNumber(sequence),
        timestamp: Timestamp(u32::from(sequence) * 160),
        ssrc: Ssrc(ssrc),
    }
}

/// The wall clock, `seconds` after some start.
fn ntp(seconds: f64) -> NtpTime {
    NtpTime::from_unix(Duration::from_secs_f64(1_700_000_000.0 + seconds))
}

#[test]
fn packets_are_numbered_and_timed_one_after_the_other() {
    let mut session = session(1);
    let headers: Vec<_> = (0..4)
        .map(|_| session.send(PayloadType::PCMU, 160, 160))
        .collect();
    let sequences: Vec<_> = headers.iter().map(|header| header.sequence.0).collect();
    assert_eq!(sequences, [65_534, 65_535, 0, 1]);
    for pair in headers.windows(2) {
        assert_eq!(pair[1].timestamp.since(pair[0].timestamp), 160);
    }
    let markers: Vec<_> = headers.iter().map(|header| header.marker).collect();
    assert_eq!(markers, [true, false, false, false]);
    assert_eq!(session.sent(), (4, 640));
}

#[test]
fn skipped_ticks_move_the_timestamp_but_not_the_sequence() {
    let mut session = session(1);
    let before = session.send(PayloadType::PCMU, 160, 160);
    session.skip(480);
    let after = session.send(PayloadType::PCMU, 160, 160);
    assert_eq!(after.sequence.since(before.sequence), 1);
    assert_eq!(after.timestamp.since(before.timestamp), 640);
    assert!(after.marker);
}

#[test]
fn the_first_source_is_believed_and_another_has_to_prove_itself() {
    let (mut session, now) = (session(1), Instant::now());
    assert_eq!(
        receive(&mut session, now, from(7, 100)),
        Reception::NewStream
    );
    assert_eq!(receive(&mut session, now, from(7, 101)), Reception::Valid);
    assert_eq!(
        receive(&mut session, now, from(8, 5000)),
        Reception::Doubtful
    );
    assert_eq!(receive(&mut session, now, from(7, 102)), Reception::Valid);
    assert_eq!(
        receive(&mut session, now, from(8, 5001)),
        Reception::NewStream
    );
    assert_eq!(receive(&mut session, now, from(8, 5002)), Reception::Valid);
    assert_eq!(session.statistics().unwrap().ssrc, Ssrc(8));
    assert_eq!(
        receive(&mut session, now, from(7, 103)),
        Reception::Doubtful
    );
}

#[test]
fn a_stray_packet_with_a_wild_number_is_not_used_and_a_restart_is() {
    let (mut session, now) = (session(1), Instant::now());
    receive(&mut session, now, from(7, 100));
    assert_eq!(
        receive(&mut session, now, from(7, 20_000)),
        Reception::Doubtful
    );
    assert_eq!(receive(&mut session, now, from(7, 101)), Reception::Valid);
    assert_eq!(
        receive(&mut session, now, from(7, 30_000)),
        Reception::Doubtful
    );
    assert_eq!(
        receive(&mut session, now, from(7, 30_001)),
        Reception::NewStream
    );
}

#[test]
fn only_valid_packets_show_that_the_peer_lives() {
    let (mut session, now) = (session(1), Instant::now());
    let before = now - Duration::from_secs(3);
    receive(&mut session, before, from(7, 99));
    receive(&mut session, now, from(7, 100));
    let later = now + Duration::from_secs(3);
    receive(&mut session, later, from(7, 20_000));
    receive(&mut session, later, from(9, 1));
    assert_eq!(session.statistics().unwrap().heard, now);
    let last = later + Duration::from_secs(1);
    receive(&mut session, last, from(9, 2));
    assert_eq!(session.statistics().unwrap().heard, last);
}

#[test]
fn who_has_sent_reports_as_a_sender_and_who_has_not_as_a_receiver() {
    let (mut session, now) = (session(1), Instant::now());
    let mut out = [0; 400];
    let report = |session: &mut RtpSession, out: &mut [u8; 400]| {
        let len = session.write_report(now, ntp(0.0), None, out).unwrap();
        matches!(
            parse(&out[..len]).unwrap().next(),
            Some(ControlPacket::SenderReport { .. })
        )
    };
    assert!(!report(&mut session, &mut out));
    session.send(PayloadType::PCMU, 160, 160);
    assert!(report(&mut session, &mut out));
    assert!(!report(&mut session, &mut out));
}

#[test]
fn reports_carry_losses_name_and_counts() {
    let (mut a, mut b, now) = (session(1), session(2), Instant::now());
    let mut out = [0; 400];
    for n in 0..100u32 {
        let header = a.send(PayloadType::PCMU, 160, 160);
        if n % 4 != 1 {
            receive(&mut b, now + Duration::from_millis(20) * n, header);
        }
    }
    let len = b.write_report(now, ntp(0.0), None, &mut out).unwrap();
    let packets: Vec<_> = parse(&out[..len]).unwrap().collect();
    let [
        ControlPacket::ReceiverReport { ssrc, blocks },
        ControlPacket::SourceDescription(chunks),
    ] = &packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!(*ssrc, Ssrc(2));
    let block = blocks.clone().next().unwrap();
    assert_eq!(
        (block.ssrc, block.cumulative_lost, block.fraction_lost),
        (Ssrc(1), 25, 64)
    );
    assert_eq!(block.highest_sequence, 65_536 + 97);
    assert_eq!((block.last_sender_report, block.jitter), (0, 0));
    assert_eq!(chunks.clone().next().unwrap().cname, Some(&b"kitchen"[..]));

    let news = a.receive_control(now, ntp(0.0), &out[..len]).unwrap();
    assert_eq!(news.about_us, Some(block));
    assert_eq!(news.round_trip, None);

    let len = a.write_report(now, ntp(2.0), None, &mut out).unwrap();
    let Some(ControlPacket::SenderReport { info, .. }) = parse(&out[..len]).unwrap().next() else {
        panic!("no sender report");
    };
    assert_eq!(
        (info.packets, info.octets, info.ntp),
        (100, 16_000, ntp(2.0))
    );
    assert_eq!(info.rtp, a.next_timestamp());
}

#[test]
fn two_reports_measure_the_round_trip() {
    let (mut a, mut b, now) = (session(1), session(2), Instant::now());
    let mut out = [0; 400];
    let at = |seconds: f64| now + Duration::from_secs_f64(seconds);
    // The clocks of the two are hours apart; it takes 30 ms one way and 50 ms the other.
    let apart = 10_000.0;
    let header = a.send(PayloadType::PCMU, 160, 160);
    receive(&mut b, at(0.03), header);
    let len = a.write_report(at(0.0), ntp(0.0), None, &mut out).unwrap();
    b.receive_control(at(0.03), ntp(apart + 0.03), &out[..len])
        .unwrap();
    let len = b
        .write_report(at(4.0), ntp(apart + 4.0), None, &mut out)
        .unwrap();
    let news = a.receive_control(at(4.05), ntp(4.05), &out[..len]).unwrap();
    let round_trip = news.round_trip.unwrap().as_secs_f64();
    assert!((round_trip - 0.08).abs() < 0.000_1, "{round_trip}");
}

#[test]
fn goodbye_is_heard_from_the_peer_and_from_nobody_else() {
    let (mut a, mut b, mut stranger, now) = (session(1), session(2), session(3), Instant::now());
    let mut out = [0; 400];
    let header = b.send(PayloadType::PCMU, 160, 160);
    receive(&mut a, now, header);
    let len = stranger
        .write_goodbye(now, ntp(0.0), None, &mut out)
        .unwrap();
    assert!(
        !a.receive_control(now, ntp(0.0), &out[..len])
            .unwrap()
            .goodbye
    );
    let len = b.write_goodbye(now, ntp(0.0), None, &mut out).unwrap();
    assert!(
        a.receive_control(now, ntp(0.0), &out[..len])
            .unwrap()
            .goodbye
    );
}

#[test]
fn a_report_needs_its_room_and_400_bytes_are_enough() {
    let long = "n".repeat(300);
    let mut session = RtpSession::new(SessionConfig {
        ssrc: Ssrc(1),
        first_sequence: SequenceNumber(0),
        first_timestamp: Timestamp(0),
        clock_rate: 8000,
        cname: &long,
    });
    let now = Instant::now();
    session.send(PayloadType::PCMU, 160, 160);
    receive(&mut session, now, from(7, 100));
    let mut out = [0; 400];
    let short = session.write_goodbye(now, ntp(0.0), None, &mut out[..50]);
    assert_eq!(short, Err(RtpError::BufferTooSmall));
    let len = session
        .write_goodbye(now, ntp(0.0), None, &mut out)
        .unwrap();
    assert_eq!(parse(&out[..len]).unwrap().count(), 3);
}

#[test]
fn a_report_answers_the_peers_report_and_not_a_strangers() {
    let (mut a, mut b, mut stranger, now) = (session(1), session(2), session(3), Instant::now());
    let mut out = [0; 400];
    let header = b.send(PayloadType::PCMU, 160, 160);
    receive(&mut a, now, header);
    stranger.send(PayloadType::PCMU, 160, 160);
    let mut answered = |reporter: &mut RtpSession, ntp: NtpTime| {
        let len = reporter.write_report(now, ntp, None, &mut out).unwrap();
        a.receive_control(now, ntp, &out[..len]).unwrap();
        let len = a.write_report(now, ntp, None, &mut out).unwrap();
        match parse(&out[..len]).unwrap().next() {
            Some(ControlPacket::ReceiverReport { mut blocks, .. }) => {
                blocks.next().unwrap().last_sender_report
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answered(&mut stranger, ntp(1.0)), 0);
    assert_eq!(answered(&mut b, ntp(2.0)), ntp(2.0).middle());
}
