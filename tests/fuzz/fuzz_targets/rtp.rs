//! A peer sends whatever it likes to a media port: a chain of datagrams, each with a length byte
//! before it and the milliseconds since the one before behind it, goes the whole way of a leg.

#![no_main]

use core::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use sems_rtp::{
    DatagramKind, EventReceiver, JitterBuffer, JitterBufferConfig, Latch, NtpTime, PayloadType,
    Playout, Pull, Reception, RtpPacket, RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp,
    Verdict, classify,
};

const TELEPHONE_EVENT: u8 = 101;

struct Leg {
    latch: Latch,
    session: RtpSession,
    buffer: JitterBuffer,
    keys: EventReceiver,
}

impl Leg {
    fn take_in(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        match classify(datagram) {
            DatagramKind::Rtcp => {
                let _ = self.session.receive_control(now, NtpTime(0), datagram);
                let mut report = [0; 400];
                let written = self.session.write_report(now, NtpTime(1), None, &mut report);
                assert!(written.is_ok());
            }
            DatagramKind::Rtp => {
                let Ok(packet) = RtpPacket::parse(datagram) else {
                    return;
                };
                let header = packet.header;
                let verdict = self.latch.accept(now, from, header.ssrc, header.sequence);
                if !matches!(verdict, Verdict::Accept | Verdict::Latched)
                    || self.session.receive(now, &packet) == Reception::Doubtful
                {
                    return;
                }
                if header.payload_type.number() == TELEPHONE_EVENT {
                    let _ = self.keys.receive(now, &packet, |_| {});
                    self.buffer.pass_over(&packet);
                } else {
                    self.buffer.push(now, &packet, packet.payload.len() as u32);
                }
            }
            DatagramKind::Stun | DatagramKind::Dtls | DatagramKind::Other => {}
        }
    }

    fn play_out(&mut self, now: Instant) {
        let mut needed = 160;
        while needed > 0 {
            needed = match self.buffer.pull(now, needed) {
                Pull::Frame(frame) => {
                    let duration = frame.duration;
                    match self.buffer.playout(duration % 3 == 0) {
                        Playout::Keep => {}
                        Playout::Shorten { by } => self.buffer.shortened(by),
                        Playout::Lengthen { by } => self.buffer.lengthened(by),
                    }
                    needed.saturating_sub(duration)
                }
                Pull::Lost { duration } | Pull::Paused { duration } => needed - duration,
                Pull::Wait | Pull::Empty => 0,
            };
        }
        self.keys.expire(now);
        assert!(self.buffer.depth() <= JitterBufferConfig::G711.max_depth);
    }
}

fuzz_target!(|data: &[u8]| {
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    let mut leg = Leg {
        latch: Latch::new(from, false),
        session: RtpSession::new(SessionConfig {
            ssrc: Ssrc(1),
            first_sequence: SequenceNumber(0),
            first_timestamp: Timestamp(0),
            clock_rate: 8000,
            cname: "fuzz",
        }),
        buffer: JitterBuffer::new(JitterBufferConfig::G711),
        keys: EventReceiver::new(),
    };
    leg.session.send(PayloadType::PCMU, 160, 160);
    let mut now = Instant::now();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (datagram, after) = after.split_at(after.len().min(usize::from(*length)));
        leg.take_in(now, from, datagram);
        let (pause, after) = after.split_first().unwrap_or((&0, after));
        now += Duration::from_millis(u64::from(*pause));
        leg.play_out(now);
        rest = after;
    }
});
