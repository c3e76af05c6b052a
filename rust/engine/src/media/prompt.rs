//! Sounds that are prepared once and shared by all who play them.

use std::{fs::File, io::Read, path::Path, sync::Arc, time::Duration};

use sems_audio::{
    SAMPLE_RATE,
    codec::{CODECS, Codec},
    resample,
    tone::{self, Part, Pattern},
    wav,
};

use crate::error::EngineError;

/// The largest file that is read as a prompt: an hour of 16-bit stereo at 48 kHz and some.
const LARGEST_FILE: u64 = 1 << 30;
/// The longest generated silence or sine.
const LONGEST_TONE_MS: u32 = 3_600_000;

/// A prompt as it crosses threads and languages.
pub type PromptHandle = Arc<Prompt>;

/// A sound at 8 kHz, linear and in each codec that codes sample by sample, so that playing it to
/// one listener costs a header and a send.
pub struct Prompt {
    samples: Box<[i16]>,
    coded: Vec<Coded>,
}

struct Coded {
    codec: &'static Codec,
    payload: Box<[u8]>,
}

impl Prompt {
    /// From samples at 8 kHz.
    pub fn new(samples: Vec<i16>) -> Self {
        let coded = CODECS
            .iter()
            .filter(|codec| is_coded_by_sample(codec))
            .map(|codec| {
                let mut payload = vec![0; samples.len()].into_boxed_slice();
                codec.encoder().encode(&samples, &mut payload);
                Coded { codec, payload }
            })
            .collect();
        Self {
            samples: samples.into_boxed_slice(),
            coded,
        }
    }

    /// From samples at `rate` Hz.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a rate that can't be resampled.
    pub fn from_pcm(samples: Vec<i16>, rate: u32) -> Result<Self, EngineError> {
        if rate == SAMPLE_RATE {
            return Ok(Self::new(samples));
        }
        resample(&samples, rate, SAMPLE_RATE)
            .map(Self::new)
            .map_err(|error| EngineError::Invalid(format!("prompt: {error}")))
    }

    /// From a WAV file.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with the path and what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let invalid = |error: String| EngineError::Invalid(format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(|error| invalid(crate::error::reason(&error)))?;
        let samples = wav::read(file.take(LARGEST_FILE), SAMPLE_RATE)
            .map_err(|error| invalid(error.to_string()))?;
        if samples.is_empty() {
            return Err(invalid("the file holds no audio".to_owned()));
        }
        Ok(Self::new(samples))
    }

    /// A generated sound: `join`, `leave`, `muted`, `unmuted`, `hand-up`, `hand-down`, `beep`,
    /// `ringback`, `busy` (one turn of those that repeat), `silence:MS` or `sine:HZ:MS:DBOV`.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for any other specification.
    pub fn tone(specification: &str) -> Result<Self, EngineError> {
        let unknown = || EngineError::Invalid(format!("no tone is called {specification:?}"));
        let words: Vec<&str> = specification.split(':').collect();
        let pattern = match words[..] {
            ["silence", ms] => Pattern::from_parts(vec![Part::pause(duration(ms, unknown)?)]),
            ["sine", hz, ms, dbov] => {
                let hz: f32 = hz.parse().map_err(|_| unknown())?;
                let dbov: i8 = dbov.parse().map_err(|_| unknown())?;
                if !(hz > 0.0 && hz < SAMPLE_RATE as f32 / 2.0) || dbov > 0 {
                    return Err(unknown());
                }
                Pattern::from_parts(vec![Part::sine(hz, dbov, duration(ms, unknown)?)])
            }
            ["muted"] => tone::MUTE,
            ["unmuted"] => tone::UNMUTE,
            [name] => tone::by_name(name).ok_or_else(unknown)?.clone(),
            _ => return Err(unknown()),
        };
        Ok(Self::new(pattern.render(SAMPLE_RATE)))
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.samples.len() as u64 * 1_000_000_000 / u64::from(SAMPLE_RATE))
    }

    /// The sound at 8 kHz.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The sound in `codec`, a byte a sample; `None` for a codec that does not code so.
    pub fn coded(&self, codec: &Codec) -> Option<&[u8]> {
        let coded = self
            .coded
            .iter()
            .find(|coded| std::ptr::eq(coded.codec, codec))?;
        Some(&coded.payload)
    }
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prompt({:?})", self.duration())
    }
}

/// Whether each byte of `codec` stands for one sample at 8 kHz by itself.
pub(super) fn is_coded_by_sample(codec: &Codec) -> bool {
    codec.silence.is_some()
        && codec.sample_rate == SAMPLE_RATE
        && codec.clock_rate == SAMPLE_RATE
        && codec.channels == 1
        && codec.encoder().is_stateless()
}

fn duration(ms: &str, unknown: impl Fn() -> EngineError) -> Result<u32, EngineError> {
    match ms.parse() {
        Ok(ms @ 1..=LONGEST_TONE_MS) => Ok(ms),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use sems_audio::{Level, codec::g711};

    use super::*;

    #[test]
    fn a_prompt_holds_the_same_sound_in_every_codec() {
        let prompt = Prompt::tone("sine:1000:200:-20").unwrap();
        assert_eq!(prompt.duration(), Duration::from_millis(200));
        for (codec, decode) in [
            (
                &g711::PCMU,
                g711::decode_ulaw as fn(&[u8], &mut [i16]) -> usize,
            ),
            (&g711::PCMA, g711::decode_alaw),
        ] {
            let payload = prompt.coded(codec).unwrap();
            let mut samples = vec![0; payload.len()];
            decode(payload, &mut samples);
            assert_eq!(samples.len(), prompt.samples().len());
            assert_eq!(Level::rms(&samples).dbov(), -20);
        }
    }

    #[test]
    fn every_documented_tone_is_known() {
        for name in [
            "join",
            "leave",
            "muted",
            "unmuted",
            "hand-up",
            "hand-down",
            "beep",
            "ringback",
            "busy",
        ] {
            let prompt = Prompt::tone(name).unwrap();
            assert!(Level::peak(prompt.samples()).dbov() > -30, "{name}");
        }
        let silence = Prompt::tone("silence:250").unwrap();
        assert_eq!(silence.samples(), [0; 2000]);
    }

    #[test]
    fn a_wrong_tone_is_refused_with_its_name() {
        for wrong in [
            "",
            "nonsense",
            "silence",
            "silence:0",
            "silence:-1",
            "silence:99999999",
            "sine:0:10:-20",
            "sine:5000:10:-20",
            "sine:NaN:10:-20",
            "sine:440:10:1",
            "sine:440:10",
            "join:1",
        ] {
            let error = Prompt::tone(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn other_rates_are_resampled() {
        let prompt = Prompt::from_pcm(vec![0; 16_000], 16_000).unwrap();
        assert_eq!(prompt.duration(), Duration::from_secs(1));
        assert!(Prompt::from_pcm(vec![0; 10], 0).is_err());
    }
}
