use crate::frame::SAMPLE_RATE;
use crate::pitch::{Way, best_match};

/// What the durations below are divided by to become samples of a rate.
const SECOND: usize = 1_000;
/// The last 20 ms are compared with what came before them.
const COMPARED: usize = 20;
/// Pitch periods that are looked for: 5 to 15 ms (200 to 67 Hz).
const LAG_MIN: usize = 5;
const LAG_MAX: usize = 15;
/// What is remembered of what was heard: 40 ms.
const HISTORY: usize = 40;
/// The gap is at full strength for 10 ms …
const HOLD: usize = 10;
/// … and silent after 60 ms.
const SILENT: usize = 60;
/// The real signal is faded in over 5 ms when it is back.
const REENTRY: usize = 5;
/// A step at the seam of signal and concealment is worn off over 2 ms.
const SEAM: usize = 2;

/// Hides lost frames: the last pitch period goes on, fades out within 60 ms, and the real signal
/// is blended in when it is back.
///
/// The idea is that of ITU-T G.711 appendix I, without its delay. While nothing is lost it costs
/// a copy of the frame, and nothing if what was heard is shown to it only when something is lost:
/// 40 ms are enough. Frames may have any length up to that.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate: u32,
    /// Samples that are remembered, at `rate`; the boxes may have room for a higher one.
    remembered: usize,
    history: Box<[i16]>,
    /// One period, ready to be repeated.
    cycle: Box<[i16]>,
    lag: usize,
    /// Samples concealed since the last frame received.
    concealed: usize,
    /// The step between the last real sample and the cycle.
    step: i32,
    times: Times,
}

/// Durations in samples.
#[derive(Clone, Copy, Debug)]
struct Times {
    silent: usize,
    hold: usize,
    seam: usize,
}

impl Times {
    fn at(rate: u32) -> Self {
        Self {
            silent: samples(rate, SILENT),
            hold: samples(rate, HOLD),
            seam: samples(rate, SEAM),
        }
    }
}

impl Concealer {
    /// A concealer for sound at 8 kHz that has heard nothing: loss before the first frame is
    /// silence.
    pub fn new() -> Self {
        Self::with_rate(SAMPLE_RATE)
    }

    /// The same at `sample_rate` Hz, 8,000 or more.
    pub fn with_rate(sample_rate: u32) -> Self {
        let rate = sample_rate.max(SAMPLE_RATE);
        let all = |ms| vec![0; samples(rate, ms)].into_boxed_slice();
        Self {
            rate,
            remembered: samples(rate, HISTORY),
            history: all(HISTORY),
            cycle: all(LAG_MAX),
            lag: samples(rate, LAG_MIN),
            concealed: 0,
            step: 0,
            times: Times::at(rate),
        }
    }

    /// Forgets all that was heard, and goes on at `sample_rate` Hz. Allocates nothing unless that
    /// is more than it was made for.
    pub fn restart(&mut self, sample_rate: u32) {
        let rate = sample_rate.max(SAMPLE_RATE);
        if samples(rate, HISTORY) > self.history.len() {
            *self = Self::with_rate(rate);
        }
        self.rate = rate;
        self.times = Times::at(rate);
        self.remembered = samples(rate, HISTORY);
        self.history[..self.remembered].fill(0);
        self.lag = samples(rate, LAG_MIN);
        (self.concealed, self.step) = (0, 0);
    }

    /// A frame has come. Only the first after a gap is changed: its first 5 ms are blended with
    /// the concealment.
    pub fn received(&mut self, frame: &mut [i16]) {
        if self.concealed > 0 {
            let reentry = samples(self.rate, REENTRY);
            for (index, sample) in frame.iter_mut().take(reentry).enumerate() {
                let weight = (index + 1) as i32;
                let old = i32::from(self.synthesize());
                let blended = old + (i32::from(*sample) - old) * weight / reentry as i32;
                *sample = blended as i16;
            }
            self.concealed = 0;
        }
        self.remember(frame);
    }

    /// A frame is missing: fills `frame` with what may have been in it.
    pub fn lost(&mut self, frame: &mut [i16]) {
        if self.concealed == 0 {
            self.begin();
        }
        for sample in frame.iter_mut() {
            *sample = self.synthesize();
        }
        self.remember(frame);
    }

    fn remember(&mut self, frame: &[i16]) {
        let history = &mut self.history[..self.remembered];
        let frame = &frame[frame.len().saturating_sub(history.len())..];
        history.copy_within(frame.len().., 0);
        let start = history.len() - frame.len();
        history[start..].copy_from_slice(frame);
    }

    fn begin(&mut self) {
        let (rate, history) = (self.rate, &self.history[..self.remembered]);
        let end = history.len();
        let lags = samples(rate, LAG_MIN)..=samples(rate, LAG_MAX);
        let reference = end - samples(rate, COMPARED)..end;
        self.lag = best_match(history, rate, reference, lags, Way::Back).lag;
        let start = end - self.lag;
        let cycle = &mut self.cycle[..self.lag];
        cycle.copy_from_slice(&history[start..]);
        // The last quarter leans over to what came before the period, so that its end meets its
        // beginning.
        let quarter = self.lag / 4;
        let before = &history[start - quarter..start];
        let tail = &mut cycle[self.lag - quarter..];
        for (index, (sample, earlier)) in tail.iter_mut().zip(before).enumerate() {
            let weight = (index + 1) as i32;
            let (late, early) = (i32::from(*sample), i32::from(*earlier));
            *sample = (late + (early - late) * weight / quarter as i32) as i16;
        }
        self.step = i32::from(history[end - 1]) - i32::from(history[start - 1]);
    }

    fn synthesize(&mut self) -> i16 {
        let at = self.concealed;
        let Times { silent, hold, seam } = self.times;
        if at >= silent {
            return 0;
        }
        self.concealed += 1;
        let mut value = i32::from(self.cycle[at % self.lag]);
        if at < seam {
            value += self.step * (seam - at) as i32 / (seam + 1) as i32;
        }
        if at > hold {
            value = value * (silent - at) as i32 / (silent - hold) as i32;
        }
        value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }
}

impl Default for Concealer {
    fn default() -> Self {
        Self::new()
    }
}

fn samples(rate: u32, ms: usize) -> usize {
    rate as usize * ms / SECOND
}
