//! A stage for the media alone: workers in virtual time, and phones that speak tones and listen.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use arrayvec::ArrayVec;
use sems_audio::{
    FRAME_SAMPLES,
    codec::{Codec, g711},
    dtmf::goertzel,
    tone::{Part, Pattern, Tone},
};
use sems_engine::{
    command::{Listener, MediaCommand},
    event::Event,
    ids::{CallId, PlayId, RequestId, RoomId},
    media::{
        leg::{Leg, LegConfig, LegUpdate, Negotiated},
        pool::{Media, MediaConfig, MediaHandle},
        port::{PacketSocket, Port, PortPool, PortSource},
        prompt::Prompt,
    },
    quality::{Quality, Slot},
    queue::EventReceiver,
    transport::memory::{LinkQuality, MemoryHost, MemoryNetwork, MemorySocket},
};
use sems_rtp::{
    DatagramKind, PayloadType, RtpHeader, RtpPacket, SequenceNumber, Ssrc, Timestamp, classify,
};
use sems_sdp::EventSet;

pub const MS: Duration = Duration::from_millis(1);
pub const TICK: Duration = Duration::from_millis(20);
/// Level of what phones say, in dBov.
pub const LOUD: i8 = -20;
/// Payload type of telephone-event.
pub const EVENTS: u8 = 101;

pub struct Stage {
    pub network: MemoryNetwork,
    pub media: Media,
    pub handle: MediaHandle,
    pub now: Instant,
    pub events: Vec<Event>,
    pub phones: Vec<Phone>,
    /// Nobody takes what is told.
    pub deaf: bool,
    /// The file threads do nothing.
    pub disk_rests: bool,
    /// Calls whose room has failed.
    pub faults: Arc<Mutex<Vec<CallId>>>,
    host: MemoryHost,
    ports: PortPool,
    receiver: EventReceiver,
    serial: u64,
}

/// A packet that a phone has received.
#[derive(Clone, Debug)]
pub struct Received {
    pub at: Instant,
    pub header: RtpHeader,
    pub payload: Vec<u8>,
}

/// The other end of a call.
pub struct Phone {
    pub call: CallId,
    pub host: MemoryHost,
    pub rtp: MemorySocket,
    pub rtcp: MemorySocket,
    /// Where it sends to.
    pub remote: SocketAddr,
    pub negotiated: Negotiated,
    pub quality: Arc<Slot>,
    pub received: Vec<Received>,
    pub reports: Vec<Vec<u8>>,
    /// Those that came to the port of RTP.
    pub muxed_reports: Vec<Vec<u8>>,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    /// Sends packets.
    pub sends: bool,
    /// Milliseconds of a packet.
    pub ptime_ms: u32,
    tone: Option<Tone>,
    next_send: Instant,
}

impl Stage {
    pub fn new(workers: usize) -> Self {
        Self::on(MemoryNetwork::new(0, LinkQuality::default()), workers)
    }

    pub fn on(network: MemoryNetwork, workers: usize) -> Self {
        Self::with(network, workers, 500)
    }

    /// Rooms with more than `room_legs` legs are spread over several workers.
    pub fn with_room_legs(workers: usize, room_legs: usize) -> Self {
        let network = MemoryNetwork::new(0, LinkQuality::default());
        Self::with(network, workers, room_legs)
    }

    fn with(network: MemoryNetwork, workers: usize, room_legs: usize) -> Self {
        let now = network.epoch();
        let mut receiver = EventReceiver::new(None);
        let faults: Arc<Mutex<Vec<CallId>>> = Arc::default();
        let told = faults.clone();
        let config = MediaConfig {
            workers,
            start: now,
            since_epoch: Duration::from_secs(1_700_000_000),
            rtp_timeout: Duration::from_secs(10),
            room_legs,
            seed: 0,
            fault: Arc::new(move |call| told.lock().unwrap().push(call)),
        };
        let media = Media::new(config, &mut receiver).unwrap();
        let host = network.host();
        let ports = PortPool::new(PortSource::Memory(host.clone()), (10_000, 19_999));
        Self {
            handle: media.handle(),
            network,
            media,
            now,
            events: Vec::new(),
            phones: Vec::new(),
            deaf: false,
            disk_rests: false,
            faults,
            host,
            ports,
            receiver,
            serial: 0,
        }
    }

    fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A call whose home is worker `home`; returns the number of its phone.
    pub fn call(&mut self, home: u8) -> usize {
        self.call_with(home, |_| {})
    }

    /// A call that has agreed on something unusual.
    pub fn call_with(&mut self, home: u8, change: impl FnOnce(&mut Negotiated)) -> usize {
        let call = CallId::new(self.serial(), home);
        let host = self.network.host();
        let (rtp, rtcp) = (host.bind(5004).unwrap(), host.bind(5005).unwrap());
        let mut negotiated = Negotiated {
            codec: &g711::PCMU,
            payload_type: PayloadType::PCMU,
            receive_formats: ArrayVec::from_iter([
                (PayloadType::PCMU, &g711::PCMU as &'static Codec),
                (PayloadType::PCMA, &g711::PCMA),
            ]),
            ptime_ms: 20,
            send_events: PayloadType::new(EVENTS),
            events: EventSet::KEYS,
            receive_events: PayloadType::new(EVENTS).into_iter().collect(),
            remote_rtp: rtp.local_addr(),
            remote_rtcp: rtcp.local_addr(),
            rtcp_mux: false,
            comfort_noise: false,
            voip_metrics: false,
            parameters: Default::default(),
            event_clock_rate: 8_000,
            send: true,
            receive: true,
            unproven: false,
            behind_nat: false,
        };
        change(&mut negotiated);
        let port = self.ports.take(self.host.ip(), self.now).unwrap();
        let leg = Leg::new(
            LegConfig {
                call,
                negotiated: negotiated.clone(),
                cname: "test".to_owned(),
                ssrc: Ssrc(call.0 as u32),
                first_sequence: SequenceNumber(65_530),
                first_timestamp: Timestamp(0xFFFF_FF00),
            },
            port,
        );
        let phone = Phone {
            call,
            host,
            rtp,
            rtcp,
            remote: leg.local(),
            negotiated,
            quality: leg.quality(),
            received: Vec::new(),
            reports: Vec::new(),
            muxed_reports: Vec::new(),
            ssrc: 0x1000_0000 + call.0 as u32,
            sequence: 65_500,
            timestamp: 0xFFFF_F000,
            sends: true,
            ptime_ms: 20,
            tone: None,
            next_send: self.now,
        };
        assert!(self.handle.open(leg).is_ok());
        self.phones.push(phone);
        self.phones.len() - 1
    }

    /// What the line is like.
    pub fn quality(&self, phone: usize) -> Option<Quality> {
        self.phones[phone].quality.read()
    }

    /// Calls in one room, each of which speaks its own tone.
    pub fn conference(&mut self, tones: &[f32]) -> (RoomId, Vec<usize>) {
        let room = self.room(0);
        let phones = tones
            .iter()
            .map(|hz| {
                let phone = self.call(0);
                self.join(phone, room);
                self.phones[phone].speak(Some(*hz));
                phone
            })
            .collect();
        (room, phones)
    }

    /// An empty room of worker `home`.
    pub fn room(&mut self, home: u8) -> RoomId {
        let room = RoomId::new(self.serial(), home);
        self.must(MediaCommand::OpenRoom { room });
        room
    }

    pub fn join(&mut self, phone: usize, room: RoomId) {
        let call = self.phones[phone].call;
        let room = Some(room);
        self.must(MediaCommand::Join { call, room });
    }

    /// Plays to one call.
    pub fn play(&mut self, phone: usize, prompt: &Arc<Prompt>, repeat: u32) -> PlayId {
        let listener = Listener::Call(self.phones[phone].call);
        self.play_to(listener, vec![prompt.clone()], repeat)
    }

    pub fn play_to(
        &mut self,
        listener: Listener,
        prompts: Vec<Arc<Prompt>>,
        repeat: u32,
    ) -> PlayId {
        let play = PlayId(self.serial());
        self.must(MediaCommand::Play {
            listener,
            play,
            prompts,
            repeat,
        });
        play
    }

    /// A call in `room` whose socket panics before long.
    pub fn bomb(&mut self, room: RoomId) -> CallId {
        struct Bomb(u32);
        impl PacketSocket for Bomb {
            fn receive(&mut self, _: &mut [u8]) -> Option<(usize, SocketAddr)> {
                self.0 += 1;
                assert!(self.0 < 10, "socket of doom");
                None
            }
            fn send(&mut self, _: &[u8], _: SocketAddr) {}
        }
        let call = CallId::new(self.serial(), 0);
        let nowhere = SocketAddr::from(([192, 0, 2, 1], 9));
        let config = LegConfig {
            call,
            negotiated: self.phones[0].negotiated.clone(),
            cname: String::new(),
            ssrc: Ssrc(0),
            first_sequence: SequenceNumber(0),
            first_timestamp: Timestamp(0),
        };
        let port = Port::new(Box::new(Bomb(0)), Box::new(Bomb(0)), nowhere);
        assert!(self.handle.open(Leg::new(config, port)).is_ok());
        let room = Some(room);
        self.must(MediaCommand::Join { call, room });
        call
    }

    /// Gives a command.
    pub fn ask(&mut self, command: MediaCommand) -> RequestId {
        let request = RequestId(self.serial());
        self.handle.command(request, command).unwrap();
        request
    }

    /// Gives a command and waits for its completion.
    pub fn command(&mut self, command: MediaCommand) -> Result<(), String> {
        let request = self.ask(command);
        self.completion(request)
    }

    /// Waits for the completion of a command.
    pub fn completion(&mut self, wanted: RequestId) -> Result<(), String> {
        for _ in 0..1000 {
            let done = self.events.iter().find_map(|event| match event {
                Event::Done { request, error } if *request == wanted => Some(error.clone()),
                _ => None,
            });
            match done {
                Some(None) => return Ok(()),
                Some(Some(error)) => return Err(error),
                None => self.settle(),
            }
        }
        panic!("request {wanted} is never done");
    }

    /// Gives a command that is carried out without fail.
    pub fn must(&mut self, command: MediaCommand) {
        self.command(command).unwrap();
    }

    pub fn update(&mut self, phone: usize, change: impl FnOnce(&mut Negotiated)) {
        let phone = &mut self.phones[phone];
        change(&mut phone.negotiated);
        let update = Box::new(LegUpdate::new(phone.negotiated.clone(), Ssrc(0x5eed)));
        assert!(self.handle.update(phone.call, update).is_ok());
        self.settle();
    }

    pub fn hang_up(&mut self, phone: usize) {
        self.handle.close(self.phones[phone].call).unwrap();
        self.settle();
    }

    /// Lets the media do what can be done without time passing.
    pub fn settle(&mut self) {
        for _ in 0..4 {
            self.step();
        }
        self.listen();
    }

    fn step(&mut self) {
        match self.disk_rests {
            true => self.media.step_workers(self.now),
            false => self.media.step(self.now),
        }
    }

    fn listen(&mut self) {
        if !self.deaf {
            self.receiver.drain(&mut self.events);
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms {
            self.sleep(MS);
        }
    }

    /// Lets time pass in one piece, in which nobody does anything.
    pub fn sleep(&mut self, time: Duration) {
        self.now += time;
        self.host.advance(self.now);
        for phone in &mut self.phones {
            phone.send_due(self.now);
        }
        self.step();
        self.listen();
        for phone in &mut self.phones {
            phone.receive(self.now);
        }
    }

    /// Forgets what phones have heard so far and what was told.
    pub fn forget(&mut self) {
        for phone in &mut self.phones {
            phone.received.clear();
            phone.reports.clear();
        }
        self.events.clear();
    }

    pub fn stat(&self, wanted: &str) -> u64 {
        let stats = self.handle.stats();
        let found = stats.iter().find(|(name, _)| *name == wanted);
        found.unwrap_or_else(|| panic!("no counter {wanted}")).1
    }

    pub fn rooms_and_legs(&self) -> (u64, u64) {
        (self.stat("rooms"), self.stat("legs"))
    }

    /// Whether the playback has ended, and whether it sounded to its end.
    pub fn finished(&self, wanted: PlayId) -> Option<bool> {
        self.events.iter().find_map(|event| match event {
            Event::PlayFinished { play, complete } if *play == wanted => Some(*complete),
            _ => None,
        })
    }
}

impl Phone {
    /// Speaks a tone, or is silent.
    pub fn speak(&mut self, hz: Option<f32>) {
        self.tone = hz.map(|hz| {
            let hour = Part::sine(hz, LOUD, 3_600_000);
            Tone::new(Pattern::from_parts(vec![hour]), 8000)
        });
    }

    fn send_due(&mut self, now: Instant) {
        while self.next_send <= now {
            self.next_send += MS * self.ptime_ms;
            if self.sends {
                self.send_audio();
            }
        }
    }

    /// Sends the next packet of what it says.
    pub fn send_audio(&mut self) {
        let length = self.ptime_ms as usize * 8;
        let mut samples = vec![0; length];
        if let Some(tone) = &mut self.tone {
            tone.fill(&mut samples);
        }
        let mut payload = vec![0; length];
        g711::encode_ulaw(&samples, &mut payload);
        self.send(0, false, &payload);
        self.timestamp = self.timestamp.wrapping_add(length as u32);
    }

    /// Sends a packet at the current timestamp.
    pub fn send(&mut self, payload_type: u8, marker: bool, payload: &[u8]) {
        let header = RtpHeader {
            marker,
            payload_type: PayloadType::new(payload_type).unwrap(),
            sequence: SequenceNumber(self.sequence),
            timestamp: Timestamp(self.timestamp),
            ssrc: Ssrc(self.ssrc),
        };
        self.sequence = self.sequence.wrapping_add(1);
        let packet = [&header.to_bytes()[..], payload].concat();
        self.rtp.send_to(&packet, self.remote);
    }

    fn receive(&mut self, now: Instant) {
        while let Some((_, data)) = self.rtp.take() {
            if classify(&data) == DatagramKind::Rtcp {
                self.muxed_reports.push(data);
                continue;
            }
            let packet = RtpPacket::parse(&data).unwrap();
            self.received.push(Received {
                at: now,
                header: packet.header,
                payload: packet.payload.to_vec(),
            });
        }
        while let Some((_, data)) = self.rtcp.take() {
            self.reports.push(data);
        }
    }

    /// All that it has heard, in the order of arrival.
    pub fn heard(&self) -> Vec<i16> {
        let mut heard = Vec::new();
        for packet in &self.received {
            let mut samples = vec![0; packet.payload.len()];
            match packet.header.payload_type.number() {
                0 => g711::decode_ulaw(&packet.payload, &mut samples),
                8 => g711::decode_alaw(&packet.payload, &mut samples),
                _ => continue,
            };
            heard.extend(samples);
        }
        heard
    }

    /// Level of a frequency in the last 400 ms of what it has heard, in dBov.
    pub fn level_of(&self, hz: f32) -> f32 {
        let heard = self.heard();
        let start = heard.len().saturating_sub(3200);
        goertzel(&heard[start..], 8000, hz)
    }

    /// Whether it hears a tone at the level at which phones speak.
    pub fn hears(&self, hz: f32) -> bool {
        let level = self.level_of(hz);
        assert!(
            !(-50.0..=-23.0).contains(&level),
            "{hz} Hz is neither there nor not there: {level} dBov"
        );
        level > -23.0
    }

    /// Fails unless every packet follows the one before in number and time.
    pub fn assert_unbroken(&self) {
        for pair in self.received.windows(2) {
            let (one, two) = (&pair[0].header, &pair[1].header);
            assert_eq!(two.sequence, one.sequence.plus(1));
            let units = pair[0].payload.len() as u32;
            assert_eq!(two.timestamp, one.timestamp.plus(units));
            assert_eq!(two.ssrc, one.ssrc);
        }
    }
}

/// A frame's worth of a codec's silence.
pub fn silence(codec: &Codec) -> Vec<u8> {
    vec![codec.silence.unwrap(); FRAME_SAMPLES]
}
