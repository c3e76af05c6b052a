//! Packets of another length than a tick's.

use sems_audio::codec::Codec;
use sems_rtp::HEADER_LEN;

/// The longest payload that the way has room for, with all headers.
const ROOM: usize = 1_440;

/// Collects payloads of ticks, or cuts them.
pub(super) struct Packetizer {
    codec: &'static Codec,
    /// Bytes of a full packet's payload; of frames that are joined, their number.
    wanted: usize,
    filled: usize,
    /// Frames that are joined already.
    frames: usize,
    packet: Box<[u8]>,
}

impl Packetizer {
    /// For packets of `ptime_ms`, or of as much as fits into one; `None` for packets of one tick,
    /// which need none.
    pub(super) fn for_ptime(codec: &'static Codec, ptime_ms: u8) -> Option<Box<Self>> {
        let tens = usize::from(ptime_ms).clamp(10, 60) / 10;
        let (wanted, room) = match codec.append {
            // What is joined is made of ticks.
            Some(_) => ((tens / 2).max(1), ROOM),
            None => {
                let ten = codec.longest_frame / 2;
                let wanted = ten * tens.min(ROOM / ten);
                (wanted, wanted)
            }
        };
        let is_tick = match codec.append {
            Some(_) => wanted == 1,
            None => wanted == codec.longest_frame,
        };
        (!is_tick).then(|| {
            Box::new(Self {
                codec,
                wanted,
                filled: 0,
                frames: 0,
                packet: vec![0; HEADER_LEN + room].into(),
            })
        })
    }

    /// Takes as much of `payload`, which is what is left of a tick's, as the packet has room for;
    /// returns the rest. The packet is to be [taken](Self::take) when it is full, or when something
    /// is left.
    pub(super) fn fill<'a>(&mut self, payload: &'a [u8]) -> &'a [u8] {
        let packet = &mut self.packet[HEADER_LEN..];
        let Some(append) = self.codec.append else {
            let (now, rest) = payload.split_at(payload.len().min(self.wanted - self.filled));
            packet[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            return rest;
        };
        match append(packet, self.filled, payload) {
            Some(length) => {
                self.filled = length;
                self.frames += 1;
                &[]
            }
            // One that doesn't even fit alone goes nowhere.
            None if self.frames == 0 => &[],
            None => payload,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        match self.codec.append {
            Some(_) => self.frames >= self.wanted,
            None => self.filled == self.wanted,
        }
    }

    /// The packet with room for its header, and how many timestamp units it lasts; `None`: there is
    /// nothing in it. It is empty then.
    pub(super) fn take(&mut self) -> Option<(&mut [u8], u32)> {
        let filled = std::mem::take(&mut self.filled);
        let frames = std::mem::take(&mut self.frames);
        let units = self.codec.units() as usize;
        let units = match self.codec.append {
            Some(_) => frames * units,
            None => filled * units / self.codec.longest_frame,
        };
        (filled > 0).then(|| (&mut self.packet[..HEADER_LEN + filled], units as u32))
    }
}
