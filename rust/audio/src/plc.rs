use crate::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE};

/// What is remembered of what was heard: two frames.
const HISTORY: usize = 2 * FRAME_SAMPLES;
/// Pitch periods that are looked for: 5 to 15 ms (200 to 67 Hz).
const LAG_MIN: usize = (SAMPLE_RATE / 200) as usize;
const LAG_MAX: usize = (SAMPLE_RATE * 15 / 1_000) as usize;
/// The gap is at full strength for 10 ms …
const HOLD: usize = (SAMPLE_RATE / 100) as usize;
/// … and silent after 60 ms.
const SILENT: usize = (SAMPLE_RATE * 60 / 1_000) as usize;
/// The real signal is faded in over 5 ms when it is back.
const REENTRY: usize = (SAMPLE_RATE / 200) as usize;
/// A step at the seam of signal and concealment is worn off over 2 ms.
const SEAM: usize = (SAMPLE_RATE / 500) as usize;

/// Hides lost frames: the last pitch period goes on, fades out within 60 ms, and the real signal
/// is blended in when it is back.
///
/// The idea is that of ITU-T G.711 appendix I, without its delay. While nothing is lost it costs
/// a copy of the frame.
#[derive(Clone, Debug)]
pub struct Concealer {
    history: [i16; HISTORY],
    /// One period, ready to be repeated.
    cycle: [i16; LAG_MAX],
    lag: usize,
    /// Samples concealed since the last frame received.
    concealed: usize,
    /// The step between the last real sample and the cycle.
    step: i32,
}

impl Concealer {
    /// A concealer that has heard nothing: loss before the first frame is silence.
    pub const fn new() -> Self {
        Self {
            history: [0; HISTORY],
            cycle: [0; LAG_MAX],
            lag: LAG_MIN,
            concealed: 0,
            step: 0,
        }
    }

    /// A frame has come. Only the first after a gap is changed: its first 5 ms are blended with
    /// the concealment.
    pub fn received(&mut self, frame: &mut Frame) {
        if self.concealed > 0 {
            for (index, sample) in frame[..REENTRY].iter_mut().enumerate() {
                let weight = (index + 1) as i32;
                let old = i32::from(self.synthesize());
                let blended = old + (i32::from(*sample) - old) * weight / REENTRY as i32;
                *sample = blended as i16;
            }
            self.concealed = 0;
        }
        self.remember(frame);
    }

    /// A frame is missing: fills `frame` with what may have been in it.
    pub fn lost(&mut self, frame: &mut Frame) {
        if self.concealed == 0 {
            self.begin();
        }
        for sample in frame.iter_mut() {
            *sample = self.synthesize();
        }
        self.remember(frame);
    }

    fn remember(&mut self, frame: &Frame) {
        self.history.copy_within(FRAME_SAMPLES.., 0);
        self.history[HISTORY - FRAME_SAMPLES..].copy_from_slice(frame);
    }

    fn begin(&mut self) {
        self.lag = pitch_lag(&self.history);
        let start = HISTORY - self.lag;
        let cycle = &mut self.cycle[..self.lag];
        cycle.copy_from_slice(&self.history[start..]);
        // The last quarter leans over to what came before the period, so that its end meets its
        // beginning.
        let quarter = self.lag / 4;
        let before = &self.history[start - quarter..start];
        let tail = &mut cycle[self.lag - quarter..];
        for (index, (sample, earlier)) in tail.iter_mut().zip(before).enumerate() {
            let weight = (index + 1) as i32;
            let (late, early) = (i32::from(*sample), i32::from(*earlier));
            *sample = (late + (early - late) * weight / quarter as i32) as i16;
        }
        self.step = i32::from(self.history[HISTORY - 1]) - i32::from(self.history[start - 1]);
    }

    fn synthesize(&mut self) -> i16 {
        let at = self.concealed;
        if at >= SILENT {
            return 0;
        }
        self.concealed += 1;
        let mut value = i32::from(self.cycle[at % self.lag]);
        if at < SEAM {
            value += self.step * (SEAM - at) as i32 / (SEAM + 1) as i32;
        }
        if at > HOLD {
            value = value * (SILENT - at) as i32 / (SILENT - HOLD) as i32;
        }
        value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }
}

impl Default for Concealer {
    fn default() -> Self {
        Self::new()
    }
}

/// The lag at which the last frame looks most like what came before it.
fn pitch_lag(history: &[i16; HISTORY]) -> usize {
    // At 11 bits and a sign the sum of 160 products fits into 32 bits, which is several times
    // as fast; quiet signals keep all the bits they have.
    let loudest = history
        .iter()
        .map(|sample| sample.unsigned_abs())
        .max()
        .unwrap_or(0);
    let spare = (u16::BITS - loudest.leading_zeros()).saturating_sub(11);
    let history = history.map(|sample| sample >> spare);
    let now = &history[HISTORY - FRAME_SAMPLES..];
    let mut best = (LAG_MAX, 0.0);
    for lag in LAG_MIN..=LAG_MAX {
        let then = &history[HISTORY - FRAME_SAMPLES - lag..][..FRAME_SAMPLES];
        let (product, energy) = (dot(now, then), dot(then, then));
        if product <= 0 {
            continue;
        }
        let likeness = (product as f32).powi(2) / energy as f32;
        if likeness > best.1 {
            best = (lag, likeness);
        }
    }
    best.0
}

fn dot(left: &[i16], right: &[i16]) -> i32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| i32::from(*left) * i32::from(*right))
        .sum()
}
