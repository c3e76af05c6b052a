//! Media throughput: what one tick (20 ms) of a room costs a media worker.
//!
//! Everything is done that a tick consists of: a packet from each member through latch, session and
//! jitter buffer, decoding, speech detection, the mix, encoding, a packet to each member. Only the
//! kernel is left out: the sockets have their packets ready and throw away what they are given.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sems_audio::{
    Gain,
    codec::{g711, opus::OPUS},
};
use sems_engine::{
    command::{Direction, MediaCommand, Tapped},
    ids::{CallId, RequestId, RoomId, TapId},
    media::{
        leg::{Leg, LegConfig, Negotiated},
        pool::{Media, MediaConfig},
        port::{PacketSocket, Port},
        tap::{TapReader, tap},
    },
    queue::EventReceiver,
    trace::heard::{Heard, Places},
};
use sems_rtp::{HEADER_LEN, PayloadType, RtpHeader, SequenceNumber, Ssrc, Timestamp};
use sems_sdp::EventSet;

const FRAME: usize = 160;
const TICK: Duration = Duration::from_millis(20);
/// Ticks before anything is measured, so that streams run.
const WARM_UP: u32 = 100;

/// A peer that sends a packet each tick, always with the same sound.
struct Peer {
    address: SocketAddr,
    ssrc: Ssrc,
    payload: Arc<[u8; FRAME]>,
    sent: u32,
    ticks: Arc<AtomicU32>,
    /// It sends no packets.
    mute: bool,
}

impl PacketSocket for Peer {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if self.mute || self.sent == self.ticks.load(Ordering::Relaxed) {
            return None;
        }
        self.sent += 1;
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(self.sent as u16),
            timestamp: Timestamp(self.sent.wrapping_mul(FRAME as u32)),
            ssrc: self.ssrc,
        };
        buffer[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        buffer[HEADER_LEN..HEADER_LEN + FRAME].copy_from_slice(&self.payload[..]);
        Some((HEADER_LEN + FRAME, self.address))
    }

    fn send(&mut self, packet: &[u8], _: SocketAddr) {
        std::hint::black_box(packet);
    }
}

/// What is done beside with what comes.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    /// Keys are listened for in the sound.
    Tones,
    /// It is written down whence and when it came.
    Notes,
    /// Who sends nothing is sent Opus.
    Opus,
}

/// A worker with one room.
struct Stage {
    media: Media,
    events: EventReceiver,
    told: Vec<sems_engine::event::Event>,
    ticks: Arc<AtomicU32>,
    now: Instant,
    places: Arc<Places>,
}

impl Stage {
    fn new(members: u32, talkers: u32, listeners_send: bool) -> Self {
        Self::on(1, members, talkers, listeners_send, Beside::Nothing)
    }

    /// On so many workers, each with its share of the room.
    fn on(workers: u32, members: u32, talkers: u32, listeners_send: bool, beside: Beside) -> Self {
        let now = Instant::now();
        let mut events = EventReceiver::new(None);
        let config = MediaConfig {
            workers: workers as usize,
            start: now,
            since_epoch: Duration::ZERO,
            rtp_timeout: Duration::from_secs(10),
            room_legs: members.div_ceil(workers) as usize,
            seed: 0,
            fault: Arc::new(|call| panic!("call {call} has failed")),
        };
        let Ok(media) = Media::new(config, &mut events) else {
            panic!("no eventfd");
        };
        let mut stage = Self {
            media,
            events,
            told: Vec::new(),
            ticks: Arc::default(),
            now,
            places: Arc::new(Places::new(1 << 20)),
        };
        let room = RoomId::new(1, 0);
        stage.command(MediaCommand::OpenRoom { room });
        let silence = Arc::new([g711::ULAW_SILENCE; FRAME]);
        for number in 0..members {
            let payload = match number < talkers {
                true => speech(number),
                false => silence.clone(),
            };
            let mute = number >= talkers && !listeners_send;
            stage.add(number, payload, mute, beside);
            let call = CallId::new(u64::from(number), 0);
            let room = Some(room);
            stage.command(MediaCommand::Join { call, room });
        }
        for _ in 0..WARM_UP {
            stage.tick();
        }
        stage
    }

    fn add(&mut self, number: u32, payload: Arc<[u8; FRAME]>, mute: bool, beside: Beside) {
        let address = SocketAddr::from(([192, 0, 2, 1], 1024 + number as u16));
        let peer = || {
            Box::new(Peer {
                address,
                ssrc: Ssrc(number),
                payload: payload.clone(),
                sent: 0,
                ticks: self.ticks.clone(),
                mute,
            })
        };
        // Nothing comes to the RTCP port.
        let mut quiet = peer();
        quiet.ticks = Arc::default();
        let codec = match beside == Beside::Opus && mute {
            true => &OPUS,
            false => &g711::PCMU,
        };
        let config = LegConfig {
            call: CallId::new(u64::from(number), 0),
            negotiated: Negotiated {
                codec,
                payload_type: PayloadType::PCMU,
                receive_formats: [(PayloadType::PCMU, codec)].into_iter().collect(),
                ptime_ms: 20,
                send_events: None,
                events: EventSet::NONE,
                receive_events: PayloadType::new(101)
                    .into_iter()
                    .filter(|_| beside != Beside::Tones)
                    .collect(),
                remote_rtp: address,
                remote_rtcp: address,
                rtcp_mux: false,
                comfort_noise: false,
                voip_metrics: false,
                parameters: Default::default(),
                event_clock_rate: 8_000,
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
        let mut leg = Leg::new(config, Port::new(peer(), quiet, address));
        if beside == Beside::Notes {
            leg.take_notes(Arc::new(Heard::new(self.now, self.places.clone())));
        }
        assert!(self.media.handle().open(leg).is_ok());
    }

    fn command(&mut self, command: MediaCommand) {
        let handle = self.media.handle();
        assert!(handle.command(RequestId(0), command).is_ok());
        self.media.step(self.now);
    }

    /// 20 ms, and all the portions in which a large room sends.
    fn tick(&mut self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
        let end = self.now + TICK;
        while let Some(due) = self.media.next_deadline(self.now).filter(|due| *due < end) {
            self.now = due.max(self.now);
            self.media.step(self.now);
        }
        self.now = end;
        self.told.clear();
        self.events.drain(&mut self.told);
    }
}

/// 20 ms that nobody takes for silence or for noise, different for each speaker.
fn speech(number: u32) -> Arc<[u8; FRAME]> {
    let mut payload = [0; FRAME];
    let period = 40.0 + number as f32 * 3.0;
    let samples: [i16; FRAME] = std::array::from_fn(|place| {
        let phase = place as f32 / period * std::f32::consts::TAU;
        (6000.0 * phase.sin() + 2500.0 * (3.1 * phase).sin() + 900.0 * (7.7 * phase).sin()) as i16
    });
    g711::encode_ulaw(&samples, &mut payload);
    Arc::new(payload)
}

fn room_tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room tick");
    for (members, talkers) in [
        (3, 1),
        (3, 3),
        (10, 3),
        (100, 3),
        (100, 5),
        (1000, 3),
        (1000, 5),
    ] {
        let mut stage = Stage::new(members, talkers, true);
        group.throughput(Throughput::Elements(members.into()));
        let id = BenchmarkId::new(format!("{members} members"), format!("{talkers} talkers"));
        group.bench_function(id, |bencher| bencher.iter(|| stage.tick()));
    }
    group.finish();
}

/// The same with peers that send no telephone-events: what listening for keys costs.
fn room_keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room tick, keys in the sound");
    for (members, talkers) in [(3, 3), (10, 3)] {
        let mut stage = Stage::on(1, members, talkers, true, Beside::Tones);
        group.throughput(Throughput::Elements(members.into()));
        let id = BenchmarkId::new(format!("{members} members"), format!("{talkers} talkers"));
        group.bench_function(id, |bencher| bencher.iter(|| stage.tick()));
    }
    group.finish();
}

/// What those cost who listen: one ring for the room, or one for each member, and any number who read
/// the same ring.
fn listeners(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room tick, 100 members, 5 talkers");
    let of_room = [Tapped::Room(RoomId::new(1, 0))];
    let of_members: Vec<Tapped> = (0..100)
        .map(|number| Tapped::Call(CallId::new(number, 0), Direction::In))
        .collect();
    let cases: [(&str, &[Tapped], usize); 4] = [
        ("nobody listens", &[], 0),
        ("one listens to the room", &of_room, 1),
        ("one listens to each member", &of_members, 1),
        ("ten listen to each member", &of_members, 10),
    ];
    for (name, tapped, readers) in cases {
        let mut stage = Stage::new(100, 5, true);
        let mut reading: Vec<TapReader> = Vec::new();
        for (number, of) in (1..).zip(tapped) {
            let (writer, reader) = tap(2, 8000);
            reading.extend((0..readers).map(|_| reader.clone()));
            let (of, tap) = (*of, TapId(number));
            stage.command(MediaCommand::Tap { of, tap, writer });
        }
        group.bench_function(name, |bencher| bencher.iter(|| stage.tick()));
    }
    let mut stage = Stage::on(1, 100, 5, true, Beside::Notes);
    group.bench_function("what comes is written down", |bencher| {
        bencher.iter(|| stage.tick());
    });
    let (mut writer, _reader) = tap(2, 8000);
    let frame = [77; FRAME];
    group.bench_function("a frame into a ring", |bencher| {
        bencher.iter(|| writer.write(std::hint::black_box(&frame), 8000, 0));
    });
    group.finish();
}

/// The same without packets from those who only listen: what is left is the mix itself, a payload for
/// each talker and one that is given to all listeners.
fn room_mix(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room mix");
    for (members, talkers) in [(100, 5), (1000, 5), (1000, 20)] {
        let mut stage = Stage::new(members, talkers, false);
        group.throughput(Throughput::Elements(members.into()));
        let id = BenchmarkId::new(format!("{members} members"), format!("{talkers} talkers"));
        group.bench_function(id, |bencher| bencher.iter(|| stage.tick()));
    }
    group.finish();
}

/// Volumes of one's own: who has one for somebody who speaks has a mix and an encoder of his own.
fn own_volumes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room mix, 100 listen in Opus, 2 talkers");
    group.sample_size(20);
    let cases = [
        ("no volumes of their own", None),
        ("each a volume for one who is silent", Some(50)),
        ("each a volume for one who speaks", Some(0)),
    ];
    for (name, of) in cases {
        let mut stage = Stage::on(1, 102, 2, false, Beside::Opus);
        for listener in (2..102).filter(|listener| Some(*listener) != of) {
            let call = CallId::new(listener, 0);
            if let Some(of) = of {
                let (from, gain) = (CallId::new(of, 0), Some(Gain::from_db(-6.0)));
                stage.command(MediaCommand::SetVolume { call, from, gain });
            }
        }
        // Encoders of their own go on for five seconds.
        for _ in 0..300 {
            stage.tick();
        }
        group.bench_function(name, |bencher| bencher.iter(|| stage.tick()));
    }
    group.finish();
}

/// A room on several workers, whose time is added up here: what it is longer than that of one is what
/// the exchange of their sums costs.
fn room_parts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room parts");
    for workers in [1, 2, 3] {
        let mut stage = Stage::on(workers, 1500, 5, true, Beside::Nothing);
        group.throughput(Throughput::Elements(1500));
        let id = BenchmarkId::new("1500 members", format!("{workers} workers"));
        group.bench_function(id, |bencher| bencher.iter(|| stage.tick()));
    }
    group.finish();
}

criterion_group!(
    benches,
    room_tick,
    room_keys,
    room_mix,
    own_volumes,
    room_parts,
    listeners
);
criterion_main!(benches);
