//! A peer sends whatever it likes to a control port: what is read of it can be written again, and
//! a session that takes it goes on reporting.

#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use sems_rtp::rtcp::{CompoundWriter, ControlPacket, Extended, ExtendedBlock, parse};
use sems_rtp::{NtpTime, PayloadType, RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp};

fuzz_target!(|datagram: &[u8]| {
    let Ok(compound) = parse(datagram) else {
        return;
    };
    let mut again = [0; 256];
    for packet in compound {
        match packet {
            ControlPacket::SenderReport { blocks, .. }
            | ControlPacket::ReceiverReport { blocks, .. } => assert!(blocks.count() <= 31),
            ControlPacket::SourceDescription(chunks) => assert!(chunks.count() <= 31),
            ControlPacket::ExtendedReport { ssrc, blocks } => {
                for block in blocks {
                    let mut extended = Extended::default();
                    match block {
                        ExtendedBlock::ReceiverReferenceTime(time) => {
                            extended.reference_time = Some(time);
                        }
                        ExtendedBlock::Delays(mut delays) => extended.delay = delays.next(),
                        ExtendedBlock::VoipMetrics(metrics) => extended.metrics = Some(metrics),
                        _ => {}
                    }
                    let mut writer = CompoundWriter::new(&mut again);
                    writer.extended_report(ssrc, &extended).unwrap();
                }
            }
            _ => {}
        }
    }
    let now = Instant::now();
    let mut session = RtpSession::new(SessionConfig {
        ssrc: Ssrc(1),
        first_sequence: SequenceNumber(0),
        first_timestamp: Timestamp(0),
        clock_rate: 8000,
        cname: "fuzz",
    });
    session.send(PayloadType::PCMU, 160, 160);
    let news = session.receive_control(now, NtpTime(0), datagram).unwrap();
    let mut report = [0; 400];
    let written = session.write_report(now, NtpTime(1), news.metrics, &mut report);
    assert!(parse(&report[..written.unwrap()]).is_ok());
});
