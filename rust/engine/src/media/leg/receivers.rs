//! What a peer may send, and what decodes it.

use arrayvec::ArrayVec;
use sems_audio::{
    Rate,
    codec::{Codec, Decoder},
};
use sems_rtp::{JitterBufferConfig, PayloadType};

use super::{MAX_FORMATS, Negotiated};

/// Milliseconds of the longest packet that is taken.
const LONGEST_MS: u32 = 60;
/// The longest payload that is taken.
const ROOM: usize = 2_000;

/// One format.
pub(super) struct Receiver {
    pub(super) payload_type: PayloadType,
    pub(super) codec: &'static Codec,
    pub(super) decoder: Decoder,
}

/// All formats of a leg; there is always a current one.
pub(super) struct Receivers {
    all: ArrayVec<Receiver, MAX_FORMATS>,
    current: usize,
}

impl Receivers {
    /// With all decoders, so that a peer may change between them at any time.
    pub(super) fn new(negotiated: &Negotiated) -> Self {
        let mut all: ArrayVec<_, MAX_FORMATS> = negotiated
            .receive_formats
            .iter()
            .map(|(payload_type, codec)| Receiver {
                payload_type: *payload_type,
                codec,
                decoder: codec.decoder(),
            })
            .collect();
        if all.is_empty() {
            all.push(Receiver {
                payload_type: negotiated.payload_type,
                codec: negotiated.codec,
                decoder: negotiated.codec.decoder(),
            });
        }
        let mut codecs = all.iter().map(|receiver| receiver.codec);
        let current = codecs.position(|codec| codec == negotiated.codec);
        Self {
            all,
            current: current.unwrap_or(0),
        }
    }

    pub(super) fn current(&self) -> &Receiver {
        &self.all[self.current]
    }

    pub(super) fn current_mut(&mut self) -> &mut Receiver {
        &mut self.all[self.current]
    }

    /// The format of a payload type, if the peer may send it.
    #[inline]
    pub(super) fn find(&self, payload_type: PayloadType) -> Option<&Receiver> {
        let current = self.current();
        match current.payload_type == payload_type {
            true => Some(current),
            false => self.all.iter().find(|one| one.payload_type == payload_type),
        }
    }

    /// Makes this format the current one; `false`: it is not known.
    pub(super) fn select(&mut self, payload_type: PayloadType) -> bool {
        let place = self
            .all
            .iter()
            .position(|one| one.payload_type == payload_type);
        self.current = place.unwrap_or(self.current);
        place.is_some()
    }

    /// The highest rate of any of them.
    pub(super) fn highest(&self) -> Rate {
        let rates = self.all.iter().map(|one| one.codec.rate);
        rates.max().unwrap_or_default()
    }

    /// The lowest.
    pub(super) fn lowest(&self) -> Rate {
        let rates = self.all.iter().map(|one| one.codec.rate);
        rates.min().unwrap_or_default()
    }

    /// Takes over the payload types of `new`, if it has the same codecs; `false`: it has others.
    pub(super) fn renumber(&mut self, new: &Self) -> bool {
        let same = self.all.len() == new.all.len()
            && self
                .all
                .iter()
                .all(|one| new.number_of(one.codec).is_some());
        if same {
            for one in &mut self.all {
                one.payload_type = new.number_of(one.codec).unwrap_or(one.payload_type);
            }
        }
        same
    }

    fn number_of(&self, codec: &Codec) -> Option<PayloadType> {
        let mut all = self.all.iter();
        all.find(|one| one.codec == codec)
            .map(|one| one.payload_type)
    }

    /// A buffer for any of them.
    pub(super) fn buffer(&self) -> JitterBufferConfig {
        let frames = self.all.iter().map(|one| one.codec.longest_frame);
        let frame = frames.max().unwrap_or(ROOM);
        let longest = (LONGEST_MS as usize / 20 * frame).min(ROOM);
        let usual = JitterBufferConfig::G711;
        let depth = usual.max_depth.as_millis() as usize / 20;
        JitterBufferConfig {
            clock_rate: self.current().codec.clock_rate,
            longest_payload: longest as u16,
            bytes: ((depth * frame + longest) * 5 / 4) as u32,
            ..usual
        }
    }
}

impl Receiver {
    /// Timestamp units that a payload lasts; 0 for one that is not taken.
    #[inline]
    pub(super) fn units(&self, payload: &[u8]) -> u32 {
        let samples = self.codec.samples(payload) as u32;
        let clock = self.codec.clock_rate;
        let hz = self.codec.rate.hz();
        let units = if clock == hz {
            samples
        } else {
            (u64::from(samples) * u64::from(clock) / u64::from(hz)) as u32
        };
        match units <= clock / 1_000 * LONGEST_MS {
            true => units,
            false => 0,
        }
    }
}
