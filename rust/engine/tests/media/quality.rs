//! What is known of a line, here and by the peer.

use sems_engine::event::Event;
use sems_rtp::{
    Ssrc,
    rtcp::{CompoundWriter, ControlPacket, ExtendedBlock, ReportBlock, VoipMetrics, parse},
};

use crate::stage::Stage;

/// The metrics in the reports that a phone has got.
fn metrics(reports: &[Vec<u8>]) -> Vec<VoipMetrics> {
    let packets = reports.iter().flat_map(|report| parse(report).unwrap());
    let blocks = packets.filter_map(|packet| match packet {
        ControlPacket::ExtendedReport { blocks, .. } => Some(blocks),
        _ => None,
    });
    let metrics = blocks.flatten().filter_map(|block| match block {
        ExtendedBlock::VoipMetrics(metrics) => Some(metrics),
        _ => None,
    });
    metrics.collect()
}

/// Reports to us on our stream.
fn report(stage: &mut Stage, phone: usize, fraction_lost: u8, highest: u32) {
    let phone = &stage.phones[phone];
    let block = ReportBlock {
        ssrc: Ssrc(phone.call.0 as u32),
        fraction_lost,
        cumulative_lost: 0,
        highest_sequence: highest,
        jitter: 160,
        last_sender_report: 0,
        delay_since_last_sender_report: 0,
    };
    let mut report = [0; 100];
    let mut writer = CompoundWriter::new(&mut report);
    writer.receiver_report(Ssrc(phone.ssrc), &[block]).unwrap();
    let length = writer.finish();
    let mut ours = phone.remote;
    ours.set_port(ours.port() + 1);
    phone.rtcp.send_to(&report[..length], ours);
}

#[test]
fn a_clean_line_has_the_score_of_its_codec() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    assert_eq!(stage.quality(phone), None);
    stage.run(8_000);
    let quality = stage.quality(phone).unwrap();
    assert!((248..=252).contains(&quality.received), "{quality:?}");
    assert_eq!((quality.lost, quality.discarded), (0, 0));
    assert!(quality.jitter_ms < 1.0, "{quality:?}");
    let mos = quality.mos.unwrap();
    assert!((4.3..4.42).contains(&mos), "{mos}");
    assert_eq!((quality.round_trip_ms, quality.remote_loss), (None, None));
    assert_eq!((quality.remote_mos, quality.reported_ms), (None, None));
}

#[test]
fn figures_are_at_most_a_second_old_and_of_the_last_five() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(6_000);
    let before = stage.quality(phone).unwrap();
    // Ten packets are lost at once.
    stage.phones[phone].sequence = stage.phones[phone].sequence.wrapping_add(10);
    stage.phones[phone].timestamp = stage.phones[phone].timestamp.wrapping_add(1600);
    stage.run(1_200);
    let after = stage.quality(phone).unwrap();
    assert_eq!((before.lost, after.lost), (0, 10));
    assert!((0.03..0.05).contains(&after.loss()), "{after:?}");
    assert!(after.mos.unwrap() < before.mos.unwrap() - 0.1, "{after:?}");
    assert_eq!(stage.stat("rtp_lost"), 10);
    stage.run(5_200);
    let later = stage.quality(phone).unwrap();
    assert_eq!((later.lost, later.mos), (0, before.mos));
}

#[test]
fn losses_together_score_lower_than_losses_apart() {
    let score = |each: u64| {
        let mut stage = Stage::new(1);
        let phone = stage.call(0);
        for _ in 0..20 {
            stage.run(if each == 1 { 500 } else { 2_500 });
            let phone = &mut stage.phones[phone];
            phone.sequence = phone.sequence.wrapping_add(each as u16);
            phone.timestamp = phone.timestamp.wrapping_add(160 * each as u32);
        }
        stage.run(1_100);
        stage.quality(phone).unwrap()
    };
    let (apart, together) = (score(1), score(5));
    assert!(
        apart.lost.abs_diff(together.lost) <= 2,
        "{apart:?} {together:?}"
    );
    assert!(
        together.mos.unwrap() < apart.mos.unwrap() - 0.03,
        "{apart:?} {together:?}"
    );
}

#[test]
fn that_audio_has_begun_to_come_is_told_once_and_bad_loss_each_five_seconds() {
    let told = |stage: &Stage| {
        let events = stage.events.iter();
        events
            .filter(|event| matches!(event, Event::Quality(..)))
            .count()
    };
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(30_000);
    assert_eq!(told(&stage), 1);
    for _ in 0..200 {
        stage.phones[phone].sequence = stage.phones[phone].sequence.wrapping_add(1);
        stage.run(100);
    }
    assert!((4..=5).contains(&told(&stage)), "{}", told(&stage));
}

#[test]
fn what_the_peer_reports_scores_what_we_sound_like_to_it() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(3_000);
    report(&mut stage, phone, 0, 100);
    stage.run(2_100);
    let clean = stage.quality(phone).unwrap();
    assert_eq!(
        (clean.remote_loss, clean.remote_jitter_ms),
        (Some(0.0), Some(20.0))
    );
    assert!(clean.remote_mos.unwrap() > 4.3, "{clean:?}");
    let since = clean.reported_ms.unwrap();
    assert!((1_000.0..=2_100.0).contains(&since), "{clean:?}");
    report(&mut stage, phone, 26, 300);
    stage.run(2_100);
    let lossy = stage.quality(phone).unwrap();
    assert!((3.0..3.4).contains(&lossy.remote_mos.unwrap()), "{lossy:?}");
}

#[test]
fn only_a_peer_that_asked_for_metrics_gets_them() {
    let mut stage = Stage::new(1);
    let plain = stage.call(0);
    let asking = stage.call_with(0, |negotiated| negotiated.voip_metrics = true);
    for _ in 0..20 {
        stage.run(1_000);
        let phone = &mut stage.phones[asking];
        phone.sequence = phone.sequence.wrapping_add(1);
        phone.timestamp = phone.timestamp.wrapping_add(160);
    }
    assert!(metrics(&stage.phones[plain].reports).is_empty());
    let sent = metrics(&stage.phones[asking].reports);
    assert!(sent.len() >= 3, "{}", sent.len());
    let last = sent.last().unwrap();
    assert_eq!(last.ssrc, Ssrc(stage.phones[asking].ssrc));
    // One of fifty is five 256ths, and they lie far from each other.
    assert!((4..=5).contains(&last.loss_rate), "{last:?}");
    assert_eq!(last.discard_rate, 0);
    assert_eq!((last.burst_density, last.burst_duration_ms), (0, 0));
    assert_eq!((last.gap_density, last.gmin), (last.loss_rate, 16));
    assert_eq!(last.buffer_limit_ms, 200);
    assert!((80..=90).contains(&last.r_factor.unwrap()), "{last:?}");
    assert!(
        (40..=43).contains(&last.mos_conversation.unwrap()),
        "{last:?}"
    );
}

#[test]
fn the_goodbye_of_a_call_has_its_last_metrics() {
    let mut stage = Stage::new(1);
    let phone = stage.call_with(0, |negotiated| negotiated.voip_metrics = true);
    stage.run(1_500);
    stage.phones[phone].reports.clear();
    let call = stage.phones[phone].call;
    assert!(stage.handle.close(call).is_ok());
    stage.run(20);
    let reports = &stage.phones[phone].reports;
    assert_eq!(metrics(reports).len(), 1);
    let last = parse(reports.last().unwrap()).unwrap().last();
    assert!(matches!(last, Some(ControlPacket::Goodbye(_))), "{last:?}");
}
