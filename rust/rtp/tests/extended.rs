//! Extended reports (RFC 3611): what is written is read back, and round trips without SR.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sems_rtp::rtcp::{
    CompoundWriter, ControlPacket, Delay, Extended, ExtendedBlock, VoipMetrics, parse,
};
use sems_rtp::{NtpTime, PayloadType, RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp};

const METRICS: VoipMetrics = VoipMetrics {
    ssrc: Ssrc(0x0102_0304),
    loss_rate: 13,
    discard_rate: 2,
    burst_density: 128,
    gap_density: 1,
    burst_duration_ms: 120,
    gap_duration_ms: 9_000,
    round_trip_ms: 45,
    end_system_delay_ms: 60,
    signal_level: Some(-20),
    noise_level: None,
    echo_return_loss: None,
    gmin: 16,
    r_factor: Some(84),
    external_r_factor: None,
    mos_listening: Some(42),
    mos_conversation: Some(41),
    receiver_config: 0b1011_0000,
    buffer_nominal_ms: 40,
    buffer_maximum_ms: 80,
    buffer_limit_ms: 200,
};

fn written(extended: &Extended) -> Vec<u8> {
    let mut out = vec![0; 200];
    let mut writer = CompoundWriter::new(&mut out);
    writer.receiver_report(Ssrc(7), &[]).unwrap();
    writer.extended_report(Ssrc(7), extended).unwrap();
    let length = writer.finish();
    out.truncate(length);
    out
}

fn read_back(datagram: &[u8]) -> Extended {
    let mut extended = Extended::default();
    for packet in parse(datagram).unwrap() {
        let ControlPacket::ExtendedReport { ssrc, blocks } = packet else {
            continue;
        };
        assert_eq!(ssrc, Ssrc(7));
        for block in blocks {
            match block {
                ExtendedBlock::ReceiverReferenceTime(time) => extended.reference_time = Some(time),
                ExtendedBlock::Delays(mut delays) => extended.delay = delays.next(),
                ExtendedBlock::VoipMetrics(metrics) => extended.metrics = Some(metrics),
                other => panic!("{other:?}"),
            }
        }
    }
    extended
}

#[test]
fn voip_metrics_go_on_the_wire_as_the_rfc_draws_them() {
    let extended = Extended {
        metrics: Some(METRICS),
        ..Extended::default()
    };
    #[rustfmt::skip]
    assert_eq!(written(&extended)[8..], [
        0x80, 207, 0, 10,
        0, 0, 0, 7,
        7, 0, 0, 8,
        1, 2, 3, 4,
        13, 2, 128, 1,
        0, 120, 0x23, 0x28,
        0, 45, 0, 60,
        236, 127, 127, 16,
        84, 127, 42, 41,
        0xb0, 0, 0, 40,
        0, 80, 0, 200,
    ]);
}

#[test]
fn an_extended_report_with_nothing_in_it_is_not_written() {
    assert_eq!(written(&Extended::default()).len(), 8);
}

#[test]
fn blocks_that_nobody_knows_are_read_past() {
    let mut datagram = written(&Extended {
        metrics: Some(METRICS),
        ..Extended::default()
    });
    // A run-length block of two words stands before the metrics.
    datagram.splice(16..16, [1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    datagram[11] += 3;
    let blocks: Vec<_> = parse(&datagram)
        .unwrap()
        .filter_map(|packet| match packet {
            ControlPacket::ExtendedReport { blocks, .. } => Some(blocks),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(matches!(
        blocks[..],
        [
            ExtendedBlock::Other { block_type: 1 },
            ExtendedBlock::VoipMetrics(METRICS)
        ]
    ));
}

fn session(ssrc: u32) -> RtpSession {
    RtpSession::new(SessionConfig {
        ssrc: Ssrc(ssrc),
        first_sequence: SequenceNumber(0),
        first_timestamp: Timestamp(0),
        clock_rate: 8000,
        cname: "x",
    })
}

#[test]
fn who_only_receives_learns_its_round_trip_by_its_reference_time() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let ntp = |ms| NtpTime::from_unix(Duration::from_millis(ms));
    let (mut listener, mut talker) = (session(1), session(2));
    talker.send(PayloadType::PCMU, 160, 160);
    let mut report = [0; 400];

    let metrics = Some(METRICS);
    let length = listener.write_report(at(0), ntp(0), metrics, &mut report);
    // 30 ms there, half a second of waiting, 50 ms back; the talker's clock is a day off.
    let length = talker
        .receive_control(at(30), ntp(86_400_030), &report[..length.unwrap()])
        .and_then(|_| talker.write_report(at(530), ntp(86_400_530), None, &mut report))
        .unwrap();
    let news = listener
        .receive_control(at(580), ntp(580), &report[..length])
        .unwrap();
    let trip = news.round_trip.unwrap().as_secs_f64();
    assert!((trip - 0.080).abs() < 0.001, "{trip}");

    // It is answered once.
    let length = talker
        .write_report(at(700), ntp(700), None, &mut report)
        .unwrap();
    let news = listener.receive_control(at(701), ntp(701), &report[..length]);
    assert_eq!(news.unwrap().round_trip, None);
}

#[test]
fn metrics_count_only_when_they_are_about_our_stream() {
    let now = Instant::now();
    let mut report = [0; 400];
    let (mut us, mut peer) = (session(METRICS.ssrc.0), session(2));
    let other = VoipMetrics {
        ssrc: Ssrc(99),
        ..METRICS
    };
    for (sent, heard) in [(METRICS, Some(METRICS)), (other, None)] {
        let length = peer.write_report(now, NtpTime(1), Some(sent), &mut report);
        let news = us.receive_control(now, NtpTime(1), &report[..length.unwrap()]);
        assert_eq!(news.unwrap().metrics, heard);
    }
}

#[test]
fn the_longest_report_fits_into_400_bytes() {
    let now = Instant::now();
    let name = "n".repeat(255);
    let mut us = RtpSession::new(SessionConfig {
        ssrc: Ssrc(1),
        first_sequence: SequenceNumber(0),
        first_timestamp: Timestamp(0),
        clock_rate: 8000,
        cname: &name,
    });
    let mut peer = session(2);
    let mut bytes = [0; 172];
    let header = peer.send(PayloadType::PCMU, 160, 160);
    sems_rtp::write_header(&mut bytes, &header).unwrap();
    us.receive(now, &sems_rtp::RtpPacket::parse(&bytes).unwrap());
    let mut report = [0; 400];
    let length = session(3)
        .write_report(now, NtpTime(5), Some(METRICS), &mut report)
        .unwrap();
    us.receive_control(now, NtpTime(6), &report[..length])
        .unwrap();
    us.send(PayloadType::PCMU, 160, 160);
    assert!(
        us.write_goodbye(now, NtpTime(7), Some(METRICS), &mut report)
            .is_ok()
    );
}

fn known() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![Just(None), (0..127u8).prop_map(Some)]
}

fn metrics() -> impl Strategy<Value = VoipMetrics> {
    let rates = any::<(u32, [u8; 4], [u16; 4])>();
    let levels = (-100..100i8, known(), known(), known(), known(), known());
    let rest = any::<(u8, u8, [u16; 3])>();
    (rates, levels, rest).prop_map(|((ssrc, rates, times), levels, (gmin, config, buffer))| {
        VoipMetrics {
            ssrc: Ssrc(ssrc),
            loss_rate: rates[0],
            discard_rate: rates[1],
            burst_density: rates[2],
            gap_density: rates[3],
            burst_duration_ms: times[0],
            gap_duration_ms: times[1],
            round_trip_ms: times[2],
            end_system_delay_ms: times[3],
            signal_level: Some(levels.0),
            noise_level: None,
            echo_return_loss: levels.1,
            gmin,
            r_factor: levels.2,
            external_r_factor: levels.3,
            mos_listening: levels.4,
            mos_conversation: levels.5,
            receiver_config: config,
            buffer_nominal_ms: buffer[0],
            buffer_maximum_ms: buffer[1],
            buffer_limit_ms: buffer[2],
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        time in proptest::option::of(any::<u64>()),
        delay in proptest::option::of(any::<(u32, u32, u32)>()),
        metrics in proptest::option::of(metrics()),
    ) {
        let extended = Extended {
            reference_time: time.map(NtpTime),
            delay: delay.map(|(ssrc, last_reference, delay)| Delay {
                ssrc: Ssrc(ssrc),
                last_reference,
                delay,
            }),
            metrics,
        };
        prop_assert_eq!(read_back(&written(&extended)), extended);
    }

    #[test]
    fn any_bytes_are_read_to_their_end_without_a_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut datagram = vec![0x80, 201, 0, 1, 0, 0, 0, 7];
        bytes.truncate(bytes.len() / 4 * 4);
        let words = bytes.len() / 4;
        datagram.extend([0x80, 207, (words >> 8) as u8, words as u8]);
        datagram.extend(&bytes);
        for packet in parse(&datagram).into_iter().flatten() {
            if let ControlPacket::ExtendedReport { blocks, .. } = packet {
                for block in blocks.take(200) {
                    if let ExtendedBlock::Delays(delays) = block {
                        prop_assert!(delays.count() <= 40);
                    }
                }
            }
        }
    }
}
