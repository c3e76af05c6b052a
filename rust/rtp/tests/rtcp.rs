//! Compound RTCP packets, and when they are sent.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sems_rtp::rtcp::{
    CompoundWriter, ControlPacket, ReportBlock, RtcpTimer, SdesChunk, SenderInfo, interval, parse,
};
use sems_rtp::{NtpTime, RtpError, Ssrc, Timestamp};

const INFO: SenderInfo = SenderInfo {
    ntp: NtpTime(0x0102_0304_0506_0708),
    rtp: Timestamp(0x1112_1314),
    packets: 1000,
    octets: 160_000,
};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0x2122_2324),
    fraction_lost: 25,
    cumulative_lost: -3,
    highest_sequence: 0x0001_ffff,
    jitter: 80,
    last_sender_report: 0x0304_0506,
    delay_since_last_sender_report: 65_536,
};

fn compound(write: impl FnOnce(&mut CompoundWriter<'_>) -> Result<(), RtpError>) -> Vec<u8> {
    let mut out = vec![0xff; 600];
    let mut writer = CompoundWriter::new(&mut out);
    write(&mut writer).unwrap();
    let len = writer.finish();
    out.truncate(len);
    out
}

#[test]
fn a_sender_report_with_name_and_goodbye_is_read_back() {
    let bytes = compound(|writer| {
        writer.sender_report(Ssrc(7), &INFO, &[BLOCK])?;
        writer.source_description(Ssrc(7), b"who@sems")?;
        writer.goodbye(Ssrc(7))
    });
    let packets: Vec<_> = parse(&bytes).unwrap().collect();
    let [
        ControlPacket::SenderReport { ssrc, info, blocks },
        ControlPacket::SourceDescription(chunks),
        ControlPacket::Goodbye(ssrcs),
    ] = &packets[..]
    else {
        panic!("{packets:?}");
    };
    assert_eq!((*ssrc, *info), (Ssrc(7), INFO));
    assert_eq!(blocks.clone().collect::<Vec<_>>(), [BLOCK]);
    let chunks: Vec<_> = chunks.clone().collect();
    assert_eq!(
        chunks,
        [SdesChunk {
            ssrc: Ssrc(7),
            cname: Some(b"who@sems")
        }]
    );
    assert_eq!(ssrcs.clone().collect::<Vec<_>>(), [Ssrc(7)]);
}

#[test]
fn a_receiver_report_goes_on_the_wire_as_the_rfc_draws_it() {
    let bytes = compound(|writer| writer.receiver_report(Ssrc(0xaabb_ccdd), &[BLOCK]));
    #[rustfmt::skip]
    assert_eq!(bytes, [
        0x81, 201, 0, 7,
        0xaa, 0xbb, 0xcc, 0xdd,
        0x21, 0x22, 0x23, 0x24,
        25, 0xff, 0xff, 0xfd,
        0x00, 0x01, 0xff, 0xff,
        0, 0, 0, 80,
        0x03, 0x04, 0x05, 0x06,
        0, 1, 0, 0,
    ]);
}

#[test]
fn a_name_of_any_length_ends_with_a_zero_on_a_word_boundary() {
    for len in 0..=255 {
        let name = vec![b'x'; len];
        let bytes = compound(|writer| {
            writer.receiver_report(Ssrc(1), &[])?;
            writer.source_description(Ssrc(1), &name)
        });
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(bytes.last(), Some(&0));
        let Some(ControlPacket::SourceDescription(mut chunks)) = parse(&bytes).unwrap().nth(1)
        else {
            panic!("no source description");
        };
        assert_eq!(chunks.next().unwrap().cname, Some(&name[..]));
        assert_eq!(chunks.next(), None);
    }
}

#[test]
fn of_several_chunks_and_items_each_source_keeps_its_name() {
    #[rustfmt::skip]
    let bytes = [
        0x80, 201, 0, 1, 0, 0, 0, 9,
        0x83, 202, 0, 9,
        0, 0, 0, 1, 2, 2, b'M', b'e', 1, 1, b'a', 0,
        0, 0, 0, 2, 0, 0, 0, 0,
        0, 0, 0, 3, 1, 4, b'n', b'a', b'm', b'e', 6, 1, b'!', 0, 0, 0,
    ];
    let Some(ControlPacket::SourceDescription(chunks)) = parse(&bytes).unwrap().nth(1) else {
        panic!("no source description");
    };
    let names: Vec<_> = chunks.map(|chunk| (chunk.ssrc.0, chunk.cname)).collect();
    assert_eq!(
        names,
        [(1, Some(&b"a"[..])), (2, None), (3, Some(&b"name"[..]))]
    );
}

#[test]
fn packets_that_nobody_needs_are_passed_over() {
    #[rustfmt::skip]
    let bytes = [
        0x80, 201, 0, 1, 0, 0, 0, 9,
        0x80, 204, 0, 2, 0, 0, 0, 9, b'n', b'a', b'm', b'e',
        0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 1,
        0x81, 203, 0, 1, 0, 0, 0, 9,
    ];
    let packets: Vec<_> = parse(&bytes).unwrap().collect();
    assert!(matches!(
        packets[..],
        [
            ControlPacket::ReceiverReport { .. },
            ControlPacket::Other { packet_type: 204 },
            ControlPacket::Other { packet_type: 206 },
            ControlPacket::Goodbye(_),
        ]
    ));
}

#[test]
fn what_is_no_compound_packet_is_refused_as_a_whole() {
    let cases: [(&[u8], RtpError); 10] = [
        (&[], RtpError::Truncated),
        (&[0x80, 201, 0], RtpError::Truncated),
        (&[0x40, 201, 0, 1, 0, 0, 0, 9], RtpError::Version),
        (&[0x80, 202, 0, 1, 0, 0, 0, 9], RtpError::NotCompound),
        (&[0x80, 201, 0, 2, 0, 0, 0, 9], RtpError::Truncated),
        (&[0x80, 201, 0, 1, 0, 0, 0, 9, 0x80], RtpError::Truncated),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 0], RtpError::Padding),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 3], RtpError::Padding),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 8], RtpError::Padding),
        (
            &[0xa0, 201, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0],
            RtpError::Padding,
        ),
    ];
    for (bytes, error) in cases {
        assert_eq!(parse(bytes).err(), Some(error), "{bytes:?}");
    }
}

#[test]
fn padding_at_the_end_is_not_content() {
    let bytes = [
        0x80, 201, 0, 1, 0, 0, 0, 9, 0xa1, 203, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4,
    ];
    let Some(ControlPacket::Goodbye(ssrcs)) = parse(&bytes).unwrap().nth(1) else {
        panic!("no goodbye");
    };
    assert_eq!(ssrcs.collect::<Vec<_>>(), [Ssrc(9)]);
}

#[test]
fn a_report_that_promises_more_blocks_than_it_holds_is_not_believed() {
    let bytes = [0x82, 201, 0, 1, 0, 0, 0, 9];
    let packets: Vec<_> = parse(&bytes).unwrap().collect();
    assert!(matches!(
        packets[..],
        [ControlPacket::Other { packet_type: 201 }]
    ));
}

#[test]
fn a_full_buffer_keeps_what_was_complete() {
    let mut out = [0; 20];
    let mut writer = CompoundWriter::new(&mut out);
    writer.receiver_report(Ssrc(1), &[]).unwrap();
    assert_eq!(
        writer.source_description(Ssrc(1), b"too long"),
        Err(RtpError::BufferTooSmall)
    );
    writer.goodbye(Ssrc(1)).unwrap();
    assert_eq!(writer.finish(), 16);
    assert_eq!(parse(&out[..16]).unwrap().count(), 2);
}

#[test]
fn ntp_time_counts_from_1900() {
    let time = NtpTime::from_unix(Duration::new(1_000_000_000, 500_000_000));
    assert_eq!(time.0, (3_208_988_800 << 32) | 0x8000_0000);
    assert_eq!(
        time.middle(),
        ((3_208_988_800u64 & 0xffff) << 16) as u32 | 0x8000
    );
}

#[test]
fn the_round_trip_is_what_the_report_was_away_less_what_it_rested() {
    let sent = NtpTime::from_unix(Duration::from_secs(1_700_000_000));
    let came = NtpTime::from_unix(Duration::from_millis(1_700_000_003_250));
    let block = ReportBlock {
        last_sender_report: sent.middle(),
        delay_since_last_sender_report: 3 * 65_536,
        ..BLOCK
    };
    assert_eq!(block.round_trip(came), Some(Duration::from_millis(250)));
    assert_eq!(block.round_trip(sent), Some(Duration::ZERO));
    assert_eq!(
        ReportBlock {
            last_sender_report: 0,
            ..block
        }
        .round_trip(came),
        None
    );
}

#[test]
fn reports_come_every_five_seconds_on_average_and_the_first_after_half_of_that() {
    let e = std::f64::consts::E - 1.5;
    for (initial, random, seconds) in [
        (true, 0.0, 1.25),
        (true, 1.0, 3.75),
        (false, 0.0, 2.5),
        (false, 0.5, 5.0),
        (false, 1.0, 7.5),
    ] {
        let interval = interval(8_000.0, 120.0, initial, random).as_secs_f64();
        assert!(
            (interval - seconds / e).abs() < 1e-6,
            "{initial} {random}: {interval}"
        );
    }
}

#[test]
fn a_thin_session_reports_less_often() {
    // 5 % of 100 B/s, two members with 120 bytes each.
    let interval = interval(100.0, 120.0, false, 0.5).as_secs_f64();
    assert!(
        (interval - 48.0 / (std::f64::consts::E - 1.5)).abs() < 1e-6,
        "{interval}"
    );
}

#[test]
fn the_timer_goes_on_from_the_report_that_was_sent() {
    let now = Instant::now();
    let mut timer = RtcpTimer::new(now, 10_000.0, 0.5);
    let first = timer.due();
    assert_eq!(first, now + interval(10_000.0, 120.0, true, 0.5));
    let late = first + Duration::from_millis(15);
    timer.received(80);
    timer.sent(late, 100, 0.25);
    assert_eq!(timer.due(), late + interval(10_000.0, 120.0, false, 0.25));
}

#[test]
fn the_average_size_follows_what_is_sent_and_received() {
    let now = Instant::now();
    let mut timer = RtcpTimer::new(now, 100.0, 0.5);
    timer.received(252);
    timer.sent(now, 412, 0.5);
    // From 120 a sixteenth of the way to 280, and from there to 440, headers included.
    let average = 130.0 + (440.0 - 130.0) / 16.0;
    assert_eq!(timer.due(), now + interval(100.0, average, false, 0.5));
}

fn block() -> impl Strategy<Value = ReportBlock> {
    (any::<[u32; 5]>(), any::<u8>(), -0x80_0000..0x80_0000i32).prop_map(
        |([ssrc, highest, jitter, lsr, dlsr], fraction_lost, cumulative_lost)| ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost,
            cumulative_lost,
            highest_sequence: highest,
            jitter,
            last_sender_report: lsr,
            delay_since_last_sender_report: dlsr,
        },
    )
}

/// Reads everything that can be read.
fn exhaust(bytes: &[u8]) -> usize {
    let Ok(compound) = parse(bytes) else { return 0 };
    compound
        .map(|packet| match packet {
            ControlPacket::SenderReport { blocks, .. }
            | ControlPacket::ReceiverReport { blocks, .. } => blocks.count(),
            ControlPacket::SourceDescription(chunks) => chunks.count(),
            ControlPacket::Goodbye(ssrcs) => ssrcs.count(),
            _ => 1,
        })
        .sum()
}

proptest! {
    #[test]
    fn any_bytes_are_a_compound_packet_or_an_error(
        mut bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        exhaust(&bytes);
        // And with a plausible start.
        if let [first, second, high, ..] = &mut bytes[..] {
            *first = 0x80 | *first & 0x3f;
            *second = 200 + *second % 2;
            *high = 0;
        }
        exhaust(&bytes);
    }

    #[test]
    fn a_damaged_compound_packet_breaks_nothing(
        damage in prop::collection::vec((0usize..104, any::<u8>()), 1..5),
    ) {
        let mut bytes = compound(|writer| {
            writer.sender_report(Ssrc(7), &INFO, &[BLOCK, BLOCK])?;
            writer.source_description(Ssrc(7), b"name")?;
            writer.goodbye(Ssrc(7))
        });
        prop_assert_eq!(exhaust(&bytes), 4);
        for (at, byte) in damage {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        exhaust(&bytes);
    }

    #[test]
    fn every_report_is_read_back(blocks in prop::collection::vec(block(), 0..31)) {
        let mut out = vec![0; 1000];
        let mut writer = CompoundWriter::new(&mut out);
        writer.sender_report(Ssrc(1), &INFO, &blocks).unwrap();
        let len = writer.finish();
        let packet = parse(&out[..len]).unwrap().next();
        let Some(ControlPacket::SenderReport { blocks: read, .. }) = packet else {
            panic!("no report");
        };
        prop_assert_eq!(read.collect::<Vec<_>>(), blocks);
    }
}
