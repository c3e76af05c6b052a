//! In a steady tick nothing is allocated and nothing freed.

#[path = "media/stage.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod stage;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use sems_audio::{
    DelayLine, Gain,
    codec::{g722, l16, opus},
};
use sems_engine::{
    command::{Direction, Directions, Listener, MediaCommand, Recorded, RoomSettings, Tapped},
    event::Event,
    ids::{CallId, PlayId, RecordingId, RequestId, RoomId, TapId},
    media::{
        leg::{Leg, LegConfig},
        player::{Feed, Player},
        pool::{Media, MediaConfig},
        port::{PacketSocket, Port},
        prompt::Prompt,
        tap::{TapReader, tap},
    },
    queue::EventReceiver,
    trace::heard::{Heard, Places},
};
use sems_rtp::{RtpHeader, SequenceNumber, Ssrc, Timestamp};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as promised by our caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: as promised by our caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A socket to which a packet of noise or of silence comes each tick, some of which get lost.
struct Source {
    from: SocketAddr,
    packet: [u8; 172],
    ticks: u32,
    waits: bool,
    loud: bool,
}

impl PacketSocket for Source {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.waits = !self.waits;
        if !self.waits {
            return None;
        }
        self.ticks += 1;
        if self.ticks.is_multiple_of(37) {
            return None;
        }
        let header = RtpHeader {
            marker: false,
            payload_type: sems_rtp::PayloadType::PCMU,
            sequence: SequenceNumber(self.ticks as u16),
            timestamp: Timestamp(self.ticks * 160),
            ssrc: Ssrc(7),
        };
        self.packet[..12].copy_from_slice(&header.to_bytes());
        if self.ticks.is_multiple_of(100) {
            // A pause of one tick, described.
            buffer[..12].copy_from_slice(&header.to_bytes());
            (buffer[1], buffer[12]) = (13, 50);
            return Some((13, self.from));
        }
        let speaks = self.loud && (self.ticks / 100).is_multiple_of(2);
        for (place, code) in self.packet[12..].iter_mut().enumerate() {
            *code = if speaks { (place * 7) as u8 } else { 0xFF };
        }
        buffer[..172].copy_from_slice(&self.packet);
        Some((172, self.from))
    }

    fn send(&mut self, _: &[u8], _: SocketAddr) {}
}

/// A socket to which a packet of µ-law comes each tick, and now and then some of A-law.
struct Turning {
    from: SocketAddr,
    ticks: u32,
    waits: bool,
}

impl PacketSocket for Turning {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.waits = !self.waits;
        if !self.waits {
            return None;
        }
        self.ticks += 1;
        let payload_type = match self.ticks % 400 {
            ..350 => sems_rtp::PayloadType::PCMU,
            _ => sems_rtp::PayloadType::PCMA,
        };
        let header = RtpHeader {
            marker: false,
            payload_type,
            sequence: SequenceNumber(self.ticks as u16),
            timestamp: Timestamp(self.ticks * 160),
            ssrc: Ssrc(7),
        };
        buffer[..12].copy_from_slice(&header.to_bytes());
        for (place, code) in buffer[12..172].iter_mut().enumerate() {
            *code = (place * 7) as u8;
        }
        Some((172, self.from))
    }

    fn send(&mut self, _: &[u8], _: SocketAddr) {}
}

#[test]
fn packets_that_go_on_as_they_come_allocate_nothing_nor_does_what_begins_and_ends_that() {
    let negotiated = {
        let mut stage = stage::Stage::new(1);
        let phone = stage.call(0);
        stage.phones[phone].negotiated.clone()
    };
    let start = Instant::now();
    let mut events = EventReceiver::new(None);
    let config = MediaConfig {
        workers: 1,
        start,
        since_epoch: Duration::from_secs(1),
        rtp_timeout: Duration::from_secs(10),
        room_legs: 500,
        seed: 1,
        fault: Arc::new(|_| {}),
    };
    let mut media = Media::new(config, &mut events).unwrap();
    let handle = media.handle();
    let room = RoomId::new(1, 0);
    let mut commands = vec![
        MediaCommand::OpenRoom { room },
        MediaCommand::WatchLevels { room, on: false },
    ];
    for number in 0..2 {
        let call = CallId::new(number + 2, 0);
        let socket = |ticks| {
            Box::new(Turning {
                from: negotiated.remote_rtp,
                ticks,
                waits: false,
            })
        };
        let config = LegConfig {
            call,
            negotiated: negotiated.clone(),
            cname: "test".to_owned(),
            ssrc: Ssrc(number as u32),
            first_sequence: SequenceNumber(0),
            first_timestamp: Timestamp(0),
        };
        let port = Port::new(
            socket(200 * number as u32),
            socket(0),
            negotiated.remote_rtp,
        );
        assert!(handle.open(Leg::new(config, port)).is_ok());
        let room = Some(room);
        commands.push(MediaCommand::Join { call, room });
    }
    for (number, command) in commands.into_iter().enumerate() {
        handle.command(RequestId(number as u64), command).unwrap();
    }
    let mut now = start;
    let (mut before, mut changes, mut passed) = (0, 0, (0, false));
    for tick in 0..2_000 {
        now += Duration::from_millis(20);
        if tick == 10 {
            before = COUNT.get();
        }
        media.step_workers(now);
        // To ask how it stands is not the worker's.
        let begun = COUNT.get();
        let all = handle.stats();
        let count = all
            .iter()
            .find(|(name, _)| *name == "rtp_passed")
            .unwrap()
            .1;
        drop(all);
        before += COUNT.get() - begun;
        let passes = count > passed.0;
        changes += u32::from(passes != passed.1);
        passed = (count, passes);
    }
    assert_eq!(COUNT.get() - before, 0);
    assert!(passed.0 > 1_500, "{} went on as they came", passed.0);
    assert!(changes >= 10, "{changes} changes");
}

#[test]
fn a_steady_tick_neither_allocates_nor_frees() {
    ticks_without_allocation(1, 500, false);
}

#[test]
fn a_steady_tick_of_a_room_of_all_codecs_and_rates_neither_allocates_nor_frees() {
    ticks_without_allocation(1, 500, true);
}

#[test]
fn a_steady_tick_of_all_codecs_on_three_workers_neither_allocates_nor_frees() {
    ticks_without_allocation(3, 4, true);
}

#[test]
fn a_steady_tick_of_a_room_on_three_workers_neither_allocates_nor_frees() {
    ticks_without_allocation(3, 4, false);
}

/// Whether that holds for a room with everything in it.
fn ticks_without_allocation(workers: usize, room_legs: usize, wide: bool) {
    let negotiated = {
        let mut stage = stage::Stage::new(1);
        let phone = stage.call(0);
        stage.phones[phone].negotiated.clone()
    };
    let start = Instant::now();
    let mut events = EventReceiver::new(None);
    let config = MediaConfig {
        workers,
        start,
        since_epoch: Duration::from_secs(1),
        rtp_timeout: Duration::from_secs(10),
        room_legs,
        seed: 1,
        fault: Arc::new(|_| {}),
    };
    let mut media = Media::new(config, &mut events).unwrap();
    let handle = media.handle();
    let places = Arc::new(Places::new(0));
    let room = RoomId::new(1, 0);
    let mut commands = vec![MediaCommand::OpenRoom { room }];
    let prompts = [
        "sine:440:3330:-20",
        "sine:5000:1110:-20",
        "sine:9000:770:-20",
    ];
    let prompts = prompts.map(|tone| Arc::new(Prompt::tone(tone).unwrap()));
    let mut readers = Vec::new();
    for number in 0..20u64 {
        let call = CallId::new(number + 2, 0);
        let source = |loud| {
            Box::new(Source {
                from: negotiated.remote_rtp,
                packet: [0; 172],
                ticks: number as u32,
                waits: false,
                loud,
            })
        };
        let port = Port::new(source(number < 5), source(false), negotiated.remote_rtp);
        let mut negotiated = negotiated.clone();
        negotiated.voip_metrics = true;
        if number % 3 == 0 {
            // Keys are looked for in its sound.
            negotiated.receive_events.clear();
        }
        negotiated.ptime_ms = [20, 20, 20, 30][number as usize % 4];
        negotiated.comfort_noise = number % 3 == 1;
        let codecs = [&opus::OPUS, &g722::G722, &l16::L16_16000, &l16::L16_48000];
        if let Some(codec) = codecs.get(number as usize % 5).filter(|_| wide) {
            // It is sent this one and speaks another all the same.
            negotiated.codec = codec;
            let payload_type = sems_rtp::PayloadType::new(110).unwrap();
            negotiated.receive_formats.push((payload_type, codec));
            negotiated.comfort_noise = false;
        }
        let config = LegConfig {
            call,
            negotiated,
            cname: "test".to_owned(),
            ssrc: Ssrc(number as u32),
            first_sequence: SequenceNumber(0),
            first_timestamp: Timestamp(0),
        };
        let mut leg = Leg::new(config, port);
        leg.take_notes(Arc::new(Heard::new(start, places.clone())));
        assert!(handle.open(leg).is_ok());
        // Three stay alone: one hears a prompt, one itself, one nothing.
        if number < 17 {
            let room = Some(room);
            commands.push(MediaCommand::Join { call, room });
        }
        if number % 8 == 3 {
            commands.push(MediaCommand::Play {
                listener: Listener::Call(call),
                play: PlayId(number),
                prompts: prompts.to_vec(),
                repeat: 0,
            });
        }
        if number % 9 == 0 {
            // Every second one hears itself later.
            let line = (number % 2 == 0).then(|| Box::new(DelayLine::new(333)));
            let on = true;
            commands.push(MediaCommand::Echo { call, on, line });
            let (writer, reader) = tap(2, 8000);
            let direction = [Direction::In, Direction::Out][number as usize / 9 % 2];
            commands.push(MediaCommand::Tap {
                of: Tapped::Call(call, direction),
                tap: TapId(number),
                writer,
            });
            readers.push(reader);
        }
    }
    let settings = RoomSettings {
        level_control: true,
        noise_gate: true,
        max_talkers: Some(3),
    };
    commands.push(MediaCommand::SetRoom { room, settings });
    let calls = [2, 3, 4, 5, 6].map(|number| CallId::new(number, 0));
    let [one, two, three, four, five] = calls;
    for (call, from) in [(one, two), (two, one), (five, three), (five, four)] {
        let gain = Some(Gain::from_db(4.0));
        commands.push(MediaCommand::SetVolume { call, from, gain });
        commands.push(MediaCommand::Overhear {
            call,
            from,
            on: true,
        });
    }
    for call in [one, two] {
        let gain = Gain::from_db(-20.0);
        commands.push(MediaCommand::Whisper { call, on: true });
        commands.push(MediaCommand::SetRoomVolume { call, gain });
    }
    let gain = Gain::MAX;
    commands.push(MediaCommand::SetGain { call: four, gain });
    commands.push(MediaCommand::Deafen {
        call: CallId::new(12, 0),
        on: true,
    });
    let (writer, reader) = tap(2, 8000);
    commands.push(MediaCommand::Tap {
        of: Tapped::Room(room),
        tap: TapId(100),
        writer,
    });
    readers.push(reader);
    // A room and a call are written to while they are heard, and recorded.
    let mut feeds = Vec::new();
    for (number, listener) in [Listener::Room(room), Listener::Call(CallId::new(3, 0))]
        .into_iter()
        .enumerate()
    {
        let play = PlayId(200 + number as u64);
        let (player, feed) = Player::feed(play, Duration::from_secs(5));
        feeds.push(feed);
        let player = Box::new(player);
        commands.push(MediaCommand::Start { listener, player });
    }
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.join(format!(
        "{}-no-allocation-{workers}-{wide}",
        std::process::id()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    let recorded = [
        Recorded::Room {
            room,
            mix: Some(folder.join("mix.wav")),
            members: Some(folder.clone()),
        },
        Recorded::Call {
            call: CallId::new(5, 0),
            directions: Directions::Both,
            path: folder.join("call.wav"),
        },
    ];
    for (number, what) in recorded.into_iter().enumerate() {
        let recording = RecordingId(number as u64);
        let rate = 8000;
        commands.push(MediaCommand::Record {
            recording,
            what,
            rate,
        });
    }
    // What the room hears is read from a file meanwhile.
    let long = folder.join("long.wav");
    let file = std::fs::File::create(&long).unwrap();
    let mut file = sems_audio::wav::Writer::new(file, 48_000).unwrap();
    file.write(&vec![1000; 31 * 48_000]).unwrap();
    file.flush().unwrap();
    handle.load_prompt(RequestId(9000), long).unwrap();
    media.step(start);
    let mut loaded = Vec::new();
    events.drain(&mut loaded);
    let Some(Event::PromptLoaded { prompt, .. }) = loaded.pop() else {
        panic!("{loaded:?}");
    };
    let player = handle.player(PlayId(300), vec![prompt], 1).unwrap();
    let listener = Listener::Room(room);
    commands.push(MediaCommand::Start { listener, player });
    for (number, command) in commands.into_iter().enumerate() {
        handle.command(RequestId(number as u64), command).unwrap();
    }
    let mut told = Vec::with_capacity(100_000);
    let mut now = start;
    let (mut before, mut others) = (0, 0);
    for millisecond in 0..20_000 {
        now += Duration::from_millis(1);
        if millisecond % 100 == 0 {
            // The threads of others may do what they like.
            let begun = COUNT.get();
            media.step(now);
            listen_and_speak(&mut readers, &mut feeds, millisecond / 100);
            others += COUNT.get() - begun;
        }
        media.step_workers(now);
        if millisecond == 500 {
            before = COUNT.get();
            others = 0;
        }
    }
    let after = COUNT.get();
    events.drain(&mut told);
    assert_eq!(after - before - others, 0);
    assert!(told.len() > 200, "{} events", told.len());
    assert!(
        feeds
            .iter()
            .all(|feed| feed.waiting() < Duration::from_secs(1))
    );
    assert!(handle.stats().contains(&("streams", 1)));
    let mix = std::fs::metadata(folder.join("mix.wav")).unwrap();
    assert!(mix.len() > 300_000, "{} bytes", mix.len());
    std::fs::remove_dir_all(folder).unwrap();
}

/// Reads what was heard and writes a tenth of a second of one rate or another, as those outside of the
/// workers do.
fn listen_and_speak(readers: &mut [TapReader], feeds: &mut [Feed], turn: u32) {
    let mut heard = Vec::new();
    for reader in readers {
        reader.read(&mut heard);
        reader.wake_after(5);
    }
    let rate = [8_000, 16_000, 24_000, 48_000][turn as usize % 4];
    let samples = vec![1000; rate as usize / 10];
    for feed in feeds {
        feed.write(&samples, rate).unwrap().unwrap();
        feed.wake_below(Duration::from_millis(20));
    }
}
