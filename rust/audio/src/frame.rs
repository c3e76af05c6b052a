/// Sampling rate of a [`Frame`] and of everything that is G.711, in Hz.
pub const SAMPLE_RATE: u32 = Rate::Narrow.hz();

/// Length of a tick in milliseconds.
pub const FRAME_MS: u32 = 20;

/// Samples in a [`Frame`].
pub const FRAME_SAMPLES: usize = Rate::Narrow.frame();

/// One tick of one leg's audio: 20 ms of linear 16-bit mono at 8 kHz.
pub type Frame = [i16; FRAME_SAMPLES];

/// A frame of digital silence.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];

/// The rates at which legs decode and rooms mix, the lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 8 kHz: the telephone.
    #[default]
    Narrow,
    /// 16 kHz: wideband, such as G.722.
    Wide,
    /// 48 kHz: the full band, such as Opus.
    Full,
}

impl Rate {
    /// All of them, the lowest first.
    pub const ALL: [Self; 3] = [Self::Narrow, Self::Wide, Self::Full];

    /// Samples of the longest frame: 20 ms at 48 kHz.
    pub const LONGEST_FRAME: usize = Self::Full.frame();

    /// The rate of so many samples a second, if it is one of ours.
    pub const fn from_hz(hz: u32) -> Option<Self> {
        match hz {
            8_000 => Some(Self::Narrow),
            16_000 => Some(Self::Wide),
            48_000 => Some(Self::Full),
            _ => None,
        }
    }

    /// The lowest that holds all that is in audio of so many samples a second, or the highest.
    pub const fn holding(hz: u32) -> Self {
        match hz {
            ..=8_000 => Self::Narrow,
            8_001..=16_000 => Self::Wide,
            _ => Self::Full,
        }
    }

    /// Samples a second.
    pub const fn hz(self) -> u32 {
        8_000 * self.factor() as u32
    }

    /// Samples in 20 ms.
    pub const fn frame(self) -> usize {
        self.hz() as usize * FRAME_MS as usize / 1_000
    }

    /// How many times the narrow rate it is.
    pub const fn factor(self) -> usize {
        match self {
            Self::Narrow => 1,
            Self::Wide => 2,
            Self::Full => 6,
        }
    }

    /// 20 ms of digital silence.
    pub fn silence(self) -> &'static [i16] {
        static SILENCE: [i16; Rate::LONGEST_FRAME] = [0; Rate::LONGEST_FRAME];
        &SILENCE[..self.frame()]
    }
}
