//! What one tick (20 ms) of a bridge between two calls costs a media worker: with packets that go on as
//! they come, and with sound that is decoded, mixed and coded again. Only the kernel is left out.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use sems_audio::codec::{Codec, Parameters, g711, g722, opus};
use sems_engine::{
    command::MediaCommand,
    ids::{CallId, RequestId, RoomId},
    media::{
        leg::{Leg, LegConfig, Negotiated},
        pool::{Media, MediaConfig},
        port::{PacketSocket, Port},
    },
    queue::EventReceiver,
};
use sems_rtp::{HEADER_LEN, PayloadType, RtpHeader, SequenceNumber, Ssrc, Timestamp};
use sems_sdp::EventSet;

const TICK: Duration = Duration::from_millis(20);
/// Ticks before anything is measured.
const WARM_UP: u32 = 200;

/// A peer that sends a packet each tick, the same second of sound over and over.
struct Peer {
    address: SocketAddr,
    payload_type: PayloadType,
    units: u32,
    payloads: Arc<Vec<Vec<u8>>>,
    sent: u32,
    ticks: Arc<AtomicU32>,
}

impl PacketSocket for Peer {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if self.sent == self.ticks.load(Ordering::Relaxed) {
            return None;
        }
        self.sent += 1;
        let header = RtpHeader {
            marker: false,
            payload_type: self.payload_type,
            sequence: SequenceNumber(self.sent as u16),
            timestamp: Timestamp(self.sent.wrapping_mul(self.units)),
            ssrc: Ssrc(7),
        };
        let payload = &self.payloads[self.sent as usize % self.payloads.len()];
        buffer[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        let end = HEADER_LEN + payload.len();
        buffer[HEADER_LEN..end].copy_from_slice(payload);
        Some((end, self.address))
    }

    fn send(&mut self, packet: &[u8], _: SocketAddr) {
        std::hint::black_box(packet);
    }
}

/// A second of what nobody takes for silence or noise.
fn speech(codec: &'static Codec) -> Arc<Vec<Vec<u8>>> {
    let mut encoder = codec.encoder(Parameters::default());
    let (frame, rate) = (codec.rate.frame(), codec.rate.hz() as f32);
    let payloads = (0..50).map(|number| {
        let samples: Vec<i16> = (number * frame..(number + 1) * frame)
            .map(|place| {
                let phase = place as f32 / rate * 190.0 * std::f32::consts::TAU;
                (6000.0 * phase.sin() + 2500.0 * (3.1 * phase).sin()) as i16
            })
            .collect();
        let mut payload = vec![0; codec.longest_frame];
        let length = encoder.encode(&samples, &mut payload);
        payload.truncate(length);
        payload
    });
    Arc::new(payloads.collect())
}

/// A worker with a room of two.
struct Stage {
    media: Media,
    events: EventReceiver,
    ticks: Arc<AtomicU32>,
    now: Instant,
}

impl Stage {
    /// `passes`: nobody looks at the levels of the room, so nothing has to be decoded.
    fn new(codec: &'static Codec, passes: bool) -> Self {
        let now = Instant::now();
        let mut events = EventReceiver::new(None);
        let config = MediaConfig {
            workers: 1,
            start: now,
            since_epoch: Duration::ZERO,
            rtp_timeout: Duration::from_secs(10),
            room_legs: 500,
            seed: 0,
            fault: Arc::new(|call| panic!("call {call} has failed")),
        };
        let Ok(media) = Media::new(config, &mut events) else {
            panic!("no eventfd");
        };
        let ticks = Arc::default();
        let mut stage = Self {
            media,
            events,
            ticks,
            now,
        };
        let room = RoomId::new(1, 0);
        stage.command(MediaCommand::OpenRoom { room });
        let on = !passes;
        stage.command(MediaCommand::WatchLevels { room, on });
        let payloads = speech(codec);
        for number in 0..2 {
            stage.add(number, codec, &payloads);
            let call = CallId::new(u64::from(number), 0);
            let room = Some(room);
            stage.command(MediaCommand::Join { call, room });
        }
        for _ in 0..WARM_UP {
            stage.tick();
        }
        let stats = stage.media.handle().stats();
        let passed = stats
            .iter()
            .any(|(name, n)| *name == "rtp_passed" && *n > 0);
        assert_eq!(passed, passes);
        stage
    }

    fn add(&mut self, number: u32, codec: &'static Codec, payloads: &Arc<Vec<Vec<u8>>>) {
        let address = SocketAddr::from(([192, 0, 2, 1], 1024 + number as u16));
        let Some(payload_type) = PayloadType::new(110) else {
            return;
        };
        let peer = |ticks| {
            Box::new(Peer {
                address,
                payload_type,
                units: codec.units(),
                payloads: payloads.clone(),
                sent: 0,
                ticks,
            })
        };
        let config = LegConfig {
            call: CallId::new(u64::from(number), 0),
            negotiated: Negotiated {
                codec,
                payload_type,
                receive_formats: [(payload_type, codec)].into_iter().collect(),
                ptime_ms: 20,
                send_events: None,
                events: EventSet::NONE,
                receive_events: PayloadType::new(101).into_iter().collect(),
                remote_rtp: address,
                remote_rtcp: address,
                rtcp_mux: false,
                comfort_noise: false,
                voip_metrics: false,
                parameters: Default::default(),
                event_clock_rate: codec.clock_rate,
                send: true,
                receive: true,
                unproven: false,
                behind_nat: false,
            },
            cname: "bench".to_owned(),
            ssrc: Ssrc(number),
            first_sequence: SequenceNumber(0),
            first_timestamp: Timestamp(0),
        };
        // Nothing comes to the RTCP port.
        let port = Port::new(peer(self.ticks.clone()), peer(Arc::default()), address);
        assert!(self.media.handle().open(Leg::new(config, port)).is_ok());
    }

    fn command(&mut self, command: MediaCommand) {
        let handle = self.media.handle();
        assert!(handle.command(RequestId(0), command).is_ok());
        self.media.step(self.now);
    }

    fn tick(&mut self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        self.now += TICK;
        self.media.step(self.now);
        self.events.drain(&mut Vec::new());
    }
}

fn bridge_tick(criterion: &mut Criterion) {
    for codec in [&g711::PCMU, &g722::G722, &opus::OPUS] {
        let mut group = criterion.benchmark_group(format!("bridge tick, {}", codec.name));
        for (name, passes) in [("packets go on as they come", true), ("mixed", false)] {
            let mut stage = Stage::new(codec, passes);
            group.bench_function(name, |bencher| bencher.iter(|| stage.tick()));
        }
        group.finish();
    }
}

criterion_group!(benches, bridge_tick);
criterion_main!(benches);
