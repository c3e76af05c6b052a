/// Sampling rate of everything that is mixed, in Hz.
pub const SAMPLE_RATE: u32 = 8_000;

/// Length of a [`Frame`] in milliseconds: the tick of every room.
pub const FRAME_MS: u32 = 20;

/// Samples in a [`Frame`].
pub const FRAME_SAMPLES: usize = (SAMPLE_RATE * FRAME_MS / 1_000) as usize;

/// One tick of one leg's audio: 20 ms of linear 16-bit mono at 8 kHz.
pub type Frame = [i16; FRAME_SAMPLES];

/// A frame of digital silence.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];
