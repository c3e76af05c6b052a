use crate::frame::Rate;

/// How much louder or softer somebody is heard, in steps of 1/4096.
///
/// Fixed point, so that what was added with a gain is taken out again to the last bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gain(i16);

impl Gain {
    const FRACTION_BITS: u32 = 12;

    /// Not heard at all.
    pub const MUTE: Self = Self(0);
    /// Heard as received.
    pub const UNITY: Self = Self(1 << Self::FRACTION_BITS);
    /// The largest gain: +18 dB, a factor of 7.94.
    pub const MAX: Self = Self(32_536);

    /// A factor, limited to 0 to 7.94; what is not a number mutes.
    pub fn from_factor(factor: f32) -> Self {
        let steps = (factor * f32::from(Self::UNITY.0)).round();
        Self(steps.clamp(0.0, f32::from(Self::MAX.0)) as i16)
    }

    /// Decibels, limited to +18 dB; below −72 dB is silence.
    pub fn from_db(db: f32) -> Self {
        Self::from_factor(10f32.powf(db / 20.0))
    }

    /// The factor.
    pub fn factor(self) -> f32 {
        f32::from(self.0) / f32::from(Self::UNITY.0)
    }

    /// Writes `frame` with this gain to `louder`, as far as both go; what is too loud is clipped.
    pub fn apply_to(self, frame: &[i16], louder: &mut [i16]) {
        for (louder, sample) in louder.iter_mut().zip(frame) {
            *louder = clip(self.apply(*sample));
        }
    }

    #[inline(always)]
    fn apply(self, sample: i16) -> i32 {
        const HALF: i32 = 1 << (Gain::FRACTION_BITS - 1);
        (i32::from(sample) * i32::from(self.0) + HALF) >> Self::FRACTION_BITS
    }

    #[inline(always)]
    fn apply_wide(self, sum: i32) -> i32 {
        const HALF: i64 = 1 << (Gain::FRACTION_BITS - 1);
        let scaled = (i64::from(sum) * i64::from(self.0) + HALF) >> Self::FRACTION_BITS;
        scaled.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    }
}

impl Default for Gain {
    fn default() -> Self {
        Self::UNITY
    }
}

/// Everybody who speaks in a room in one tick, added once and not yet clipped.
///
/// Who only listens hears [`Sum::all`], the same for all of them; who speaks hears
/// [`Sum::all_but`] itself. Clipping comes last, so that a loud sum minus a loud self is still
/// the others, undistorted. Thirty-two bits hold 8,192 speakers at the largest gain.
///
/// Somebody with a mix of their own (who hears one person louder, or a whisper that the room
/// does not) takes a copy, adjusts it with [`Sum::subtract`] and [`Sum::add`] and hears
/// [`Sum::all`] of it.
///
/// All frames are of the sum's own rate; of others as much counts as both sides hold.
#[derive(Debug)]
pub struct Sum(Vec<i32>);

impl Sum {
    /// Nobody speaks, 20 ms long.
    pub fn new(rate: Rate) -> Self {
        Self(vec![0; rate.frame()])
    }

    /// Goes over to another rate, with nobody speaking. Allocates when the rate has never been so
    /// high.
    pub fn set_rate(&mut self, rate: Rate) {
        self.0.clear();
        self.0.resize(rate.frame(), 0);
    }

    /// Starts the next tick.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Adds a speaker.
    pub fn add(&mut self, frame: &[i16], gain: Gain) {
        if gain == Gain::UNITY {
            for (sum, sample) in self.0.iter_mut().zip(frame) {
                *sum += i32::from(*sample);
            }
        } else {
            for (sum, sample) in self.0.iter_mut().zip(frame) {
                *sum += gain.apply(*sample);
            }
        }
    }

    /// Takes out a speaker who was added with the same gain.
    pub fn subtract(&mut self, frame: &[i16], gain: Gain) {
        if gain == Gain::UNITY {
            for (sum, sample) in self.0.iter_mut().zip(frame) {
                *sum -= i32::from(*sample);
            }
        } else {
            for (sum, sample) in self.0.iter_mut().zip(frame) {
                *sum -= gain.apply(*sample);
            }
        }
    }

    /// Adds what speaks elsewhere, as far as both sides go.
    pub fn add_sum(&mut self, other: &[i32]) {
        for (sum, other) in self.0.iter_mut().zip(other) {
            *sum += *other;
        }
    }

    /// Makes everybody in it louder or softer.
    pub fn scale(&mut self, gain: Gain) {
        if gain == Gain::UNITY {
            return;
        }
        for sum in &mut self.0 {
            *sum = gain.apply_wide(*sum);
        }
    }

    /// The sum itself, to be limited.
    pub fn samples(&self) -> &[i32] {
        &self.0
    }

    /// What is heard by somebody who did not speak.
    pub fn all(&self, heard: &mut [i16]) {
        for (heard, sum) in heard.iter_mut().zip(&self.0) {
            *heard = clip(*sum);
        }
    }

    /// What is heard by the speaker who was added as `own` with `gain`.
    pub fn all_but(&self, own: &[i16], gain: Gain, heard: &mut [i16]) {
        if gain == Gain::UNITY {
            for ((heard, sum), own) in heard.iter_mut().zip(&self.0).zip(own) {
                *heard = clip(*sum - i32::from(*own));
            }
        } else {
            for ((heard, sum), own) in heard.iter_mut().zip(&self.0).zip(own) {
                *heard = clip(*sum - gain.apply(*own));
            }
        }
    }
}

impl Clone for Sum {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    /// Becomes the same sum at the same rate; allocates as [`Sum::set_rate`] does.
    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

#[inline(always)]
fn clip(sum: i32) -> i16 {
    sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
