//! Streams that should flow and don't, in either direction.

use sems_engine::{command::Direction, event::Event};
use sems_rtp::{
    PayloadType, Ssrc,
    rtcp::{CompoundWriter, ReportBlock},
};

use crate::stage::Stage;

/// What was told of streams: the direction, and `Some(whether it ever flowed)` when it stopped.
fn told(stage: &Stage) -> Vec<(Direction, Option<bool>)> {
    stage
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StreamStopped {
                direction, ever, ..
            } => Some((*direction, Some(*ever))),
            Event::StreamResumed { direction, .. } => Some((*direction, None)),
            _ => None,
        })
        .collect()
}

/// Runs for so many seconds, in which the peer reports each second; `highest` tells what it has
/// received of ours, if anything.
fn report(stage: &mut Stage, phone: usize, seconds: u32, highest: impl Fn(u32) -> Option<u32>) {
    for second in 0..seconds {
        stage.run(1_000);
        let phone = &stage.phones[phone];
        let block = highest(second).map(|highest_sequence| ReportBlock {
            ssrc: Ssrc(phone.call.0 as u32),
            fraction_lost: 0,
            cumulative_lost: 0,
            highest_sequence,
            jitter: 0,
            last_sender_report: 0,
            delay_since_last_sender_report: 0,
        });
        let mut bytes = [0; 100];
        let mut writer = CompoundWriter::new(&mut bytes);
        let blocks = block.as_slice();
        writer.receiver_report(Ssrc(phone.ssrc), blocks).unwrap();
        let length = writer.finish();
        let mut ours = phone.remote;
        ours.set_port(ours.port() + 1);
        phone.rtcp.send_to(&bytes[..length], ours);
    }
}

#[test]
fn a_peer_of_whom_nothing_ever_comes_is_told_after_four_seconds() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.phones[phone].sends = false;
    stage.run(3_900);
    assert_eq!(told(&stage), []);
    stage.run(500);
    assert_eq!(told(&stage), [(Direction::In, Some(false))]);
    stage.phones[phone].sends = true;
    stage.run(500);
    assert_eq!(told(&stage)[1..], [(Direction::In, None)]);
    assert_eq!(stage.stat("streams_stopped"), 1);
}

#[test]
fn a_peer_who_falls_silent_is_told_as_one_who_was_heard_before() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(2_000);
    stage.phones[phone].sends = false;
    stage.run(4_500);
    assert_eq!(told(&stage), [(Direction::In, Some(true))]);
}

#[test]
fn a_peer_on_hold_is_not_missed() {
    let mut stage = Stage::new(1);
    let phone = stage.call_with(0, |negotiated| negotiated.receive = false);
    stage.phones[phone].sends = false;
    stage.run(20_000);
    assert_eq!(told(&stage), []);
}

#[test]
fn a_peer_that_sends_comfort_noise_and_reports_is_silent_on_purpose() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(1_000);
    stage.phones[phone].sends = false;
    let noise = PayloadType::COMFORT_NOISE.number();
    stage.phones[phone].send(noise, false, &[70]);
    report(&mut stage, phone, 12, |second| Some(second * 50));
    assert_eq!(told(&stage), []);
    stage.run(21_000);
    assert_eq!(told(&stage), [(Direction::In, Some(true))]);
}

#[test]
fn a_peer_whose_reports_stand_still_hears_nothing() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    report(&mut stage, phone, 5, |second| Some(second * 50));
    assert_eq!(told(&stage), []);
    report(&mut stage, phone, 4, |_| Some(200));
    stage.run(1_000);
    assert_eq!(told(&stage), [(Direction::Out, Some(true))]);
    report(&mut stage, phone, 2, |second| Some(900 + second * 50));
    stage.run(1_000);
    assert_eq!(told(&stage)[1..], [(Direction::Out, None)]);
}

#[test]
fn a_peer_that_never_gets_anything_is_told_as_one_that_never_did() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    report(&mut stage, phone, 6, |_| None);
    stage.run(1_000);
    assert_eq!(told(&stage), [(Direction::Out, Some(false))]);
}

#[test]
fn nobody_is_missed_who_gets_nothing_because_we_send_nothing() {
    let mut stage = Stage::new(1);
    let phone = stage.call_with(0, |negotiated| negotiated.send = false);
    report(&mut stage, phone, 8, |_| None);
    stage.run(1_000);
    assert_eq!(told(&stage), []);
}

#[test]
fn a_peer_that_moves_is_given_time_to_hear_us_at_its_new_place() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    report(&mut stage, phone, 3, |_| Some(200));
    stage.run(1_000);
    assert_eq!(told(&stage).len(), 1);
    let elsewhere = stage.phones[phone].host.bind(6000).unwrap().local_addr();
    stage.update(phone, |negotiated| negotiated.remote_rtp = elsewhere);
    stage.run(1_000);
    assert_eq!(told(&stage)[1..], [(Direction::Out, None)]);
}
