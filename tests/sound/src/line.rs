//! A speaker, a network, a room of two, a listener.

use std::time::Duration;

use sems_audio::codec::{Codec, Decoder, Parameters};
use sems_engine::transport::memory::{LinkQuality, MemoryNetwork};
use sems_rtp::PayloadType;

use crate::{
    stage::{Stage, TICK},
    weather::{Random, Weather},
};

/// Payload type of codecs that have none of their own.
const DYNAMIC: u8 = 96;

/// One listening to another.
#[derive(Clone, Debug)]
pub struct Line {
    /// Both speak it.
    pub codec: &'static Codec,
    /// As the speaker's encoder is told to code.
    pub parameters: Parameters,
    /// Of the speaker's packets.
    pub ptime_ms: u32,
    /// Each packet leaves so long after a tick of the room, in ms.
    pub phase_ms: f64,
    /// How much faster the speaker's clock is, in ppm.
    pub drift_ppm: f64,
    /// The network from its second on, each until the next.
    pub weather: Vec<(f64, Weather)>,
    /// Of all randomness.
    pub seed: u64,
}

/// What came of it.
pub struct Heard {
    /// At the codec's rate, from the first packet that the listener got.
    pub samples: Vec<i16>,
    /// When its first sample was heard, in ms after the first packet of the speaker's left.
    pub begin_ms: f64,
    /// The speaker's packets that never came, by their number.
    pub lost: Vec<usize>,
    /// Sound that was made up in place of what was missing or late, in ms.
    pub concealed_ms: f64,
    /// Between any two packets of the listener's, less a tick, in ms.
    pub uneven_ms: f64,
}

impl Line {
    /// A clean line.
    pub fn new(codec: &'static Codec) -> Self {
        Self {
            codec,
            parameters: Parameters::default(),
            ptime_ms: 20,
            phase_ms: 7.0,
            drift_ppm: 0.0,
            weather: vec![(0.0, Weather::CLEAN)],
            seed: 1,
        }
    }

    /// The same under this weather.
    pub fn under(self, weather: Weather) -> Self {
        Self {
            weather: vec![(0.0, weather)],
            ..self
        }
    }

    /// When the `number`th sample of the speaker's is said, in ms after the first packet left: a
    /// packet's first sample counts as said when the packet leaves.
    pub fn said_ms(&self, number: usize) -> f64 {
        let rate = f64::from(self.codec.rate.hz()) / 1000.0;
        number as f64 / rate / (1.0 + self.drift_ppm * 1e-6)
    }

    /// What the codec alone makes of `said`: coded and decoded twice, as on the way through a room, with no
    /// network, buffer or mixer between.
    pub fn alone(&self, said: &[i16]) -> Heard {
        let mut samples = said.to_vec();
        for ms in [self.ptime_ms, 20] {
            let packet = (self.codec.rate.hz() / 1000 * ms) as usize;
            let mut encoder = self.codec.encoder(self.parameters);
            let mut decoder: Decoder = self.codec.decoder();
            let mut payload = vec![0; 2 * packet];
            for sound in samples.chunks_exact_mut(packet) {
                let length = encoder.encode(sound, &mut payload);
                decoder.decode(&payload[..length], sound);
            }
        }
        Heard {
            samples,
            begin_ms: 0.0,
            lost: Vec::new(),
            concealed_ms: 0.0,
            uneven_ms: 0.0,
        }
    }

    /// Has `said`, at the codec's rate, said and heard.
    pub fn carry(&self, said: &[i16]) -> Heard {
        let mut random = Random(self.seed);
        let packet = (self.codec.rate.hz() / 1000 * self.ptime_ms) as usize;
        let mut encoder = self.codec.encoder(self.parameters);
        let (mut arrivals, mut lost) = (Vec::new(), Vec::new());
        for (number, samples) in said.chunks_exact(packet).enumerate() {
            let mut payload = vec![0; 2 * packet];
            let length = encoder.encode(samples, &mut payload);
            payload.truncate(length);
            let left = self.said_ms(number * packet);
            let weather = self
                .weather
                .iter()
                .rev()
                .find(|(from, _)| left >= from * 1000.0);
            let before = arrivals.len();
            let weather = weather.map_or(Weather::CLEAN, |(_, weather)| *weather);
            for at in weather.arrivals(left, &mut random) {
                arrivals.push((at, number, payload.clone()));
            }
            if arrivals.len() == before {
                lost.push(number);
            }
        }
        arrivals.sort_by(|one, other| one.0.total_cmp(&other.0));
        self.run(&arrivals, lost)
    }

    fn run(&self, arrivals: &[(f64, usize, Vec<u8>)], lost: Vec<usize>) -> Heard {
        // The weather is made here.
        let quality = LinkQuality {
            delay: Duration::ZERO,
            ..LinkQuality::default()
        };
        let mut stage = Stage::on(MemoryNetwork::new(0, quality), 1);
        let number = self.codec.payload_type.unwrap_or(DYNAMIC);
        let payload_type = PayloadType::new(number).expect("a payload type");
        let codec = self.codec;
        let room = stage.room(0);
        let [speaker, listener] = [(); 2].map(|()| {
            let phone = stage.call_with(0, |negotiated| {
                negotiated.codec = codec;
                negotiated.payload_type = payload_type;
                negotiated.receive_formats = [(payload_type, codec)].into_iter().collect();
            });
            stage.phones[phone].sends = false;
            stage.join(phone, room);
            phone
        });
        // Ticks are on the grid from now on.
        stage.sleep(TICK);
        stage.forget();
        let start = stage.now;
        let units = codec.clock_rate / 1000 * self.ptime_ms;
        let last = arrivals.last().map_or(0.0, |(at, ..)| *at);
        let mut arrivals = arrivals.iter().peekable();
        let mut tick = start;
        let first_left = ms(self.phase_ms);
        while tick < start + ms(last + 1000.0) {
            tick += TICK;
            while let Some((at, number, payload)) =
                arrivals.next_if(|(at, ..)| start + first_left + ms(*at) <= tick)
            {
                let at = start + first_left + ms(*at);
                stage.sleep(at - stage.now);
                let phone = &mut stage.phones[speaker];
                phone.sequence = 65_000u16.wrapping_add(*number as u16);
                phone.timestamp = 0xFFFF_F000u32.wrapping_add(*number as u32 * units);
                phone.send(payload_type.number(), *number == 0, payload);
            }
            stage.sleep(tick - stage.now);
        }
        let received = &stage.phones[listener].received;
        let mut heard = Heard {
            samples: Vec::new(),
            begin_ms: 0.0,
            lost,
            concealed_ms: stage.stat("rtp_concealed_us") as f64 / 1000.0,
            uneven_ms: 0.0,
        };
        let mut decoder: Decoder = codec.decoder();
        let frame = codec.rate.frame();
        let mut before = None;
        for packet in received {
            let length = codec.samples(&packet.payload);
            // L16 at 48 kHz goes in two packets a tick.
            assert!(
                length == frame || 2 * length == frame,
                "a packet of another length"
            );
            let mut samples = vec![0; length];
            assert_eq!(decoder.decode(&packet.payload, &mut samples), length);
            heard.samples.extend(samples);
            if let Some(before) = before.replace(packet.at)
                && (length == frame || before != packet.at)
            {
                let uneven = (packet.at - before).as_secs_f64() * 1000.0 - 20.0;
                heard.uneven_ms = heard.uneven_ms.max(uneven.abs());
            }
        }
        if let Some(first) = received.first() {
            let at = first.at - start;
            heard.begin_ms = at.as_secs_f64() * 1000.0 - self.phase_ms;
        }
        heard
    }
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}
