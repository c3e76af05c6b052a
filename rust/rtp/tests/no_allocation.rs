//! Nothing that is called for every packet allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use core::net::{Ipv4Addr, SocketAddr};
use sems_rtp::rtcp::RtcpTimer;
use sems_rtp::{
    Digit, EventReceiver, EventSender, JitterBuffer, JitterBufferConfig, Latch, NtpTime,
    PayloadType, Playout, Pull, RtpPacket, RtpSession, SequenceNumber, SessionConfig, Ssrc,
    Timestamp, classify, write_header,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised us.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn session(ssrc: u32) -> RtpSession {
    RtpSession::new(SessionConfig {
        ssrc: Ssrc(ssrc),
        first_sequence: SequenceNumber(1),
        first_timestamp: Timestamp(1),
        clock_rate: 8000,
        cname: "x",
    })
}

#[test]
fn a_minute_of_a_call_allocates_nothing() {
    let start = Instant::now();
    let events = PayloadType::new(101).unwrap();
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, 4000).into();
    let (mut ours, mut theirs) = (session(1), session(2));
    let mut latch = Latch::new(address, false);
    let mut buffer = JitterBuffer::new(JitterBufferConfig::G711);
    let mut keys = EventSender::new(events, 8000);
    let mut receiver = EventReceiver::new();
    let mut timer = RtcpTimer::new(start, 10_000.0, 0.5);
    let mut datagram = [0u8; 172];
    let mut report = [0u8; 400];
    let (mut frames, mut edges, mut reports) = (0, 0, 0);

    let before = ALLOCATIONS.with(Cell::get);
    for tick in 0..3000u32 {
        let now = start + Duration::from_millis(20) * tick;
        let ntp = NtpTime::from_unix(Duration::from_millis(20) * tick);
        if tick % 100 == 50 {
            keys.press(Digit::from_char('5').unwrap(), Duration::from_millis(100))
                .unwrap();
        }
        let len = match keys.tick(&mut theirs, 160) {
            Some(packet) => {
                let len = write_header(&mut datagram, &packet.header).unwrap();
                datagram[len..len + 4].copy_from_slice(&packet.payload);
                len + 4
            }
            None => {
                let header = theirs.send(PayloadType::PCMU, 160, 160);
                write_header(&mut datagram, &header).unwrap() + 160
            }
        };
        classify(&datagram[..len]);
        let packet = RtpPacket::parse(&datagram[..len]).unwrap();
        latch.accept(now, address, packet.header.ssrc, packet.header.sequence);
        // Every eleventh packet is lost, every seventh comes twice.
        for _ in 0..u32::from(tick % 11 != 0) + u32::from(tick % 7 == 0) {
            ours.receive(now, &packet);
            if packet.header.payload_type == events {
                buffer.pass_over(&packet);
                receiver.receive(now, &packet, |_| edges += 1).unwrap();
            } else {
                buffer.push(now, &packet, 160);
            }
        }
        if let Pull::Frame(frame) = buffer.pull(now, 160) {
            frames += 1;
            let duration = frame.duration;
            match buffer.playout(duration.is_multiple_of(3)) {
                Playout::Keep => {}
                Playout::Shorten { by } => buffer.shortened(by),
                Playout::Lengthen { by } => buffer.lengthened(by),
            }
        }
        receiver.expire(now);
        if now >= timer.due() {
            let len = theirs.write_report(now, ntp, None, &mut report).unwrap();
            timer.sent(now, len, 0.5);
            ours.receive_control(now, ntp, &report[..len]).unwrap();
            reports += 1;
        }
    }
    let allocations = ALLOCATIONS.with(Cell::get) - before;

    assert!(
        frames > 2000 && edges == 60 && reports > 5,
        "{frames} {edges} {reports}"
    );
    assert_eq!(allocations, 0);
}
