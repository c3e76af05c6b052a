//! Silence of the network, and reports.

use std::sync::Arc;

use sems_engine::{
    command::{Listener, MediaCommand},
    event::Event,
    ids::PlayId,
    media::prompt::Prompt,
};
use sems_rtp::{
    NtpTime, PayloadType, RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp,
    rtcp::{ControlPacket, parse},
    telephone_event::TelephoneEvent,
};

use crate::stage::{EVENTS, Stage};

fn told_of_silence(stage: &Stage) -> Vec<Option<u32>> {
    stage
        .events
        .iter()
        .filter_map(|event| match event {
            Event::RtpTimeout { silent_ms, .. } => Some(Some(*silent_ms)),
            Event::RtpResumed { .. } => Some(None),
            _ => None,
        })
        .collect()
}

#[test]
fn a_dead_line_is_told_once_and_so_is_its_return() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(2000);
    stage.phones[phone].sends = false;
    stage.run(9_700);
    assert_eq!(told_of_silence(&stage), []);
    stage.run(10_000);
    let told = told_of_silence(&stage);
    assert!(matches!(told[..], [Some(10_000..=10_300)]), "{told:?}");
    stage.phones[phone].sends = true;
    stage.run(1000);
    assert_eq!(told_of_silence(&stage)[1..], [None]);
}

#[test]
fn a_caller_who_never_sends_is_told_as_well() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.phones[phone].sends = false;
    stage.run(10_500);
    assert_eq!(told_of_silence(&stage).len(), 1);
}

#[test]
fn on_hold_nothing_is_missed() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(1000);
    stage.update(phone, |negotiated| negotiated.receive = false);
    stage.phones[phone].sends = false;
    stage.run(30_000);
    stage.update(phone, |negotiated| negotiated.receive = true);
    stage.run(9_000);
    assert_eq!(told_of_silence(&stage), []);
    stage.run(2_000);
    assert_eq!(told_of_silence(&stage).len(), 1);
}

#[test]
fn nothing_that_matters_is_lost_while_nobody_listens() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.run(100);
    stage.forget();
    stage.deaf = true;
    let mut asked = Vec::new();
    for _ in 0..10 {
        asked.extend((0..1000).map(|_| stage.ask(MediaCommand::Mute { call, on: true })));
        stage.settle();
    }
    let prompt = Arc::new(Prompt::tone("silence:100").unwrap());
    let listener = Listener::Call(call);
    let (play, prompts, repeat) = (PlayId(7), vec![prompt], 1);
    asked.push(stage.ask(MediaCommand::Play {
        listener,
        play,
        prompts,
        repeat,
    }));
    let event = TelephoneEvent {
        event: 5,
        end: false,
        volume: 10,
        duration: 160,
    };
    stage.phones[phone].send(EVENTS, true, &event.to_bytes());
    stage.phones[phone].speak(Some(440.0));
    stage.run(1000);
    stage.deaf = false;
    stage.run(100);
    let done: Vec<_> = stage
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Done {
                request,
                error: None,
            } => Some(*request),
            _ => None,
        })
        .collect();
    assert_eq!(done, asked);
    assert_eq!(stage.finished(play), Some(true));
    let told = |wanted: fn(&Event) -> bool| stage.events.iter().filter(|told| wanted(told)).count();
    assert_eq!(
        told(|event| matches!(event, Event::Digit { digit: '5', .. })),
        1
    );
    assert_eq!(
        told(|event| matches!(event, Event::Speaking { on: true, .. })),
        1
    );
}

#[test]
fn reports_leave_each_few_seconds_and_tell_what_was_sent_and_received() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(20_000);
    let reports = &stage.phones[phone].reports;
    assert!((3..=10).contains(&reports.len()), "{}", reports.len());
    let last = parse(reports.last().unwrap()).unwrap().next();
    let Some(ControlPacket::SenderReport {
        ssrc,
        info,
        mut blocks,
    }) = last
    else {
        panic!("{last:?}");
    };
    let call = stage.phones[phone].call;
    assert_eq!(ssrc, Ssrc(call.0 as u32));
    assert_eq!(info.octets, info.packets * 160);
    // 1.7 billion seconds were the time at start.
    let seconds = (info.ntp.0 >> 32) - 2_208_988_800;
    assert!((1_700_000_005..1_700_000_021).contains(&seconds));
    let block = blocks.next().unwrap();
    assert_eq!(
        (block.ssrc, block.cumulative_lost),
        (Ssrc(stage.phones[phone].ssrc), 0)
    );
}

#[test]
fn round_trip_and_loss_come_from_the_peers_reports() {
    exchange_reports(false);
}

#[test]
fn reports_may_share_the_port_of_the_sound() {
    exchange_reports(true);
}

/// A peer reports what it hears, on a port of its own or on that of RTP.
fn exchange_reports(mux: bool) {
    let mut stage = Stage::new(1);
    let phone = stage.call_with(0, |negotiated| negotiated.rtcp_mux = mux);
    let mut peer = RtpSession::new(SessionConfig {
        ssrc: Ssrc(stage.phones[phone].ssrc),
        first_sequence: SequenceNumber(0),
        first_timestamp: Timestamp(0),
        clock_rate: 8000,
        cname: "peer",
    });
    let mut ours = stage.phones[phone].remote;
    ours.set_port(ours.port() + u16::from(!mux));
    let ntp = |ms: u64| NtpTime::from_unix(std::time::Duration::from_millis(5_000_000 + ms));
    for ms in 0..12_000 {
        stage.run(1);
        let now = stage.now;
        let caller = &mut stage.phones[phone];
        for packet in caller.received.drain(..) {
            // Every fourth packet gets lost on the way.
            if packet.header.sequence.0 % 4 != 0 {
                let bytes = [&packet.header.to_bytes()[..], &packet.payload].concat();
                peer.receive(now, &sems_rtp::RtpPacket::parse(&bytes).unwrap());
            }
        }
        let (here, elsewhere) = match mux {
            true => (&mut caller.muxed_reports, &mut caller.reports),
            false => (&mut caller.reports, &mut caller.muxed_reports),
        };
        assert!(elsewhere.is_empty());
        for report in here.drain(..) {
            peer.receive_control(now, ntp(ms), &report).unwrap();
        }
        if ms % 3000 == 2000 {
            peer.send(PayloadType::PCMU, 160, 160);
            let mut report = [0; 400];
            let length = peer.write_report(now, ntp(ms), None, &mut report).unwrap();
            let socket = if mux { &caller.rtp } else { &caller.rtcp };
            socket.send_to(&report[..length], ours);
        }
    }
    let quality = stage.quality(phone).unwrap();
    let loss = quality.remote_loss.unwrap();
    assert!((0.2..=0.3).contains(&loss), "{loss}");
    // One millisecond each way on this network.
    let trip = quality.round_trip_ms.unwrap();
    assert!((1.9..=3.1).contains(&trip), "{trip} ms");
    assert_eq!(stage.stat("rtp_malformed"), 0);
}
