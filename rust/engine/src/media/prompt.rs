//! Sounds that are prepared once and shared by all who play them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sems_audio::{
    Rate, SAMPLE_RATE,
    codec::{CODECS, Codec, Parameters},
    resample,
    tone::{self, Part, Pattern},
};

use crate::error::EngineError;

/// The longest generated silence or sine.
const LONGEST_TONE_MS: u32 = 3_600_000;

/// A prompt as it crosses threads and languages.
pub type PromptHandle = Arc<Prompt>;

/// A sound at 8 kHz, and at 16 kHz if there is more in it than 8 kHz can hold; linear and in each codec that codes sample by sample, so that playing it to
/// one listener costs a header and a send.
pub struct Prompt {
    samples: Box<[i16]>,
    /// At 16 kHz, twice as many.
    wide: Option<Box<[i16]>>,
    coded: Vec<Coded>,
    /// It is not here but in a file, which is read while it sounds.
    file: Option<LongFile>,
}

struct LongFile {
    path: PathBuf,
    /// At 8 kHz.
    samples: u64,
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
            .filter(|codec| codec.is_coded_by_sample())
            .map(|codec| {
                let mut payload = vec![0; samples.len()].into_boxed_slice();
                codec
                    .encoder(Parameters::default())
                    .encode(&samples, &mut payload);
                Coded { codec, payload }
            })
            .collect();
        Self {
            samples: samples.into_boxed_slice(),
            wide: None,
            coded,
            file: None,
        }
    }

    /// A long file, of so many samples at 8 kHz, that is read while it sounds.
    pub(super) fn of_file(path: PathBuf, samples: u64) -> Self {
        Self {
            samples: Box::default(),
            wide: None,
            coded: Vec::new(),
            file: Some(LongFile { path, samples }),
        }
    }

    /// From samples at `rate` Hz.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a rate that can't be resampled.
    pub fn from_pcm(samples: Vec<i16>, rate: u32) -> Result<Self, EngineError> {
        let resampled = |to: Rate| {
            resample(&samples, rate, to.hz())
                .map_err(|error| EngineError::Invalid(format!("prompt: {error}")))
        };
        if rate == SAMPLE_RATE {
            return Ok(Self::new(samples));
        }
        let prompt = Self::new(resampled(Rate::Narrow)?);
        if rate < SAMPLE_RATE {
            return Ok(prompt);
        }
        let mut wide = match rate == Rate::Wide.hz() {
            true => samples,
            false => resampled(Rate::Wide)?,
        };
        wide.resize(2 * prompt.samples.len(), 0);
        Ok(Self {
            wide: Some(wide.into_boxed_slice()),
            ..prompt
        })
    }

    /// A generated sound: `join`, `leave`, `muted`, `unmuted`, `hand-up`, `hand-down`, `beep`,
    /// `silence:MS`, `sine:HZ:MS:DBOV`, or what a network tells its callers, of which this is one
    /// turn: `dial`, `ringback`, `busy`, `congestion` (or `reorder`), `waiting`, `special`, as in most
    /// of Europe or, with `:us`, `:uk`, `:de`, `:fr`, `:it`, `:jp`, `:au` behind it, as there.
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
            [name] => tone::by_name(name)
                .or_else(|| tone::of("eu", name))
                .ok_or_else(unknown)?
                .clone(),
            [name, country] => tone::of(country, name).ok_or_else(unknown)?.clone(),
            _ => return Err(unknown()),
        };
        Ok(Self::new(pattern.render(SAMPLE_RATE)))
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        Self::duration_of(self.len())
    }

    /// How long so many samples at 8 kHz sound.
    pub(super) fn duration_of(samples: u64) -> Duration {
        let nanoseconds = u128::from(samples) * 1_000_000_000 / u128::from(SAMPLE_RATE);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// Samples of it at 8 kHz.
    pub(super) fn len(&self) -> u64 {
        match &self.file {
            Some(file) => file.samples,
            None => self.samples.len() as u64,
        }
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let coded: usize = self.coded.iter().map(|coded| coded.payload.len()).sum();
        let path = self
            .file
            .as_ref()
            .map_or(0, |file| file.path.as_os_str().len());
        let wide = self.wide.as_ref().map_or(0, |wide| wide.len());
        size_of::<Self>() + 2 * (self.samples.len() + wide) + coded + path
    }

    /// The file in which it is, when it is too long to be kept here.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// The sound at 8 kHz; nothing of one that is read from its file while it sounds.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The sound at 16 kHz, if it was ever known at more than 8; twice as many samples.
    pub fn wide(&self) -> Option<&[i16]> {
        self.wide.as_deref()
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
            "congestion",
            "waiting",
            "special:us",
            "reorder:jp",
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
            "busy:xx",
            "join:us",
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
