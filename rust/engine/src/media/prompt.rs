//! Sounds that are prepared once and shared by all who play them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sems_audio::{
    Rate, SAMPLE_RATE,
    codec::{CODECS, Codec, Parameters},
    dtmf, resample,
    tone::{self, Part, Pattern},
};

use crate::error::EngineError;

/// The longest generated silence or sine.
const LONGEST_TONE_MS: u32 = 3_600_000;
/// How long generated keys sound, and the pauses between them.
const KEY_MS: u32 = 100;
/// As many keys as are generated at once.
const MOST_KEYS: usize = 64;

/// A prompt as it crosses threads and languages.
pub type PromptHandle = Arc<Prompt>;

/// A sound at 8 kHz, and at those of 16 and 48 kHz for which there is more in it than the rate below can
/// hold; linear, and in each codec that codes sample by sample, so that playing it to one listener costs
/// a header and a send.
pub struct Prompt {
    samples: Box<[i16]>,
    /// At 16 and 48 kHz, two and six times as many.
    higher: [Option<Box<[i16]>>; 2],
    coded: Vec<Coded>,
    /// It is not here but in a file, which is read while it sounds.
    file: Option<LongFile>,
}

struct LongFile {
    path: PathBuf,
    /// At 8 kHz.
    samples: u64,
    /// The least rate that holds all of it.
    rate: Rate,
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
            higher: [None, None],
            coded,
            file: None,
        }
    }

    /// A long file, of so many samples at 8 kHz, that is read while it sounds; its own rate is `hz`.
    pub(super) fn of_file(path: PathBuf, samples: u64, hz: u32) -> Self {
        let rate = Rate::holding(hz);
        Self {
            samples: Box::default(),
            higher: [None, None],
            coded: Vec::new(),
            file: Some(LongFile {
                path,
                samples,
                rate,
            }),
        }
    }

    /// From samples at `rate` Hz, which are brought to each rate at which they may be heard.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a rate that can't be resampled.
    pub fn from_pcm(samples: Vec<i16>, rate: u32) -> Result<Self, EngineError> {
        let brought = |to: Rate| {
            resample(&samples, rate, to.hz())
                .map_err(|error| EngineError::Invalid(format!("prompt: {error}")))
        };
        let mut prompt = Self::new(brought(Rate::Narrow)?);
        let length = prompt.samples.len();
        for (place, to) in prompt.higher.iter_mut().zip([Rate::Wide, Rate::Full]) {
            if to <= Rate::holding(rate) {
                let mut higher = brought(to)?;
                higher.resize(to.factor() * length, 0);
                *place = Some(higher.into_boxed_slice());
            }
        }
        Ok(prompt)
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
                if !(hz > 0.0 && hz < Rate::Full.hz() as f32 / 2.0) || dbov > 0 {
                    return Err(unknown());
                }
                let pattern =
                    Pattern::from_parts(vec![Part::sine(hz, dbov, duration(ms, unknown)?)]);
                let rate = Rate::holding((2.0 * hz).ceil() as u32).hz();
                return Self::from_pcm(pattern.render(rate), rate);
            }
            ["dtmf", keys] if keys.len() <= MOST_KEYS => {
                dtmf::pattern(keys, KEY_MS, KEY_MS).ok_or_else(unknown)?
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
        let higher = self.higher.iter().flatten();
        let higher: usize = higher.map(|samples| samples.len()).sum();
        size_of::<Self>() + 2 * (self.samples.len() + higher) + coded + path
    }

    /// The file in which it is, when it is too long to be kept here.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// The sound at 8 kHz; nothing of one that is read from its file while it sounds.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The least rate that holds all that is in it.
    pub fn rate(&self) -> Rate {
        match (&self.file, &self.higher) {
            (Some(file), _) => file.rate,
            (None, [_, Some(_)]) => Rate::Full,
            (None, [Some(_), None]) => Rate::Wide,
            (None, [None, None]) => Rate::Narrow,
        }
    }

    /// The sound at the highest rate up to `rate` that tells more of it than the one below, and that
    /// rate; as many samples as at 8 kHz times [`Rate::factor`].
    pub fn at(&self, rate: Rate) -> (Rate, &[i16]) {
        let [wide, full] = self.higher.each_ref().map(Option::as_deref);
        match (rate, wide, full) {
            (Rate::Full, _, Some(full)) => (Rate::Full, full),
            (Rate::Wide | Rate::Full, Some(wide), _) => (Rate::Wide, wide),
            _ => (Rate::Narrow, &self.samples),
        }
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
            "dtmf:0123456789*#ABCD",
        ] {
            let prompt = Prompt::tone(name).unwrap();
            assert!(Level::peak(prompt.samples()).dbov() > -30, "{name}");
        }
        let keys = Prompt::tone("dtmf:42").unwrap();
        assert_eq!(keys.duration(), Duration::from_millis(400));
        let silence = Prompt::tone("silence:250").unwrap();
        assert_eq!(silence.samples(), [0; 2000]);
    }

    #[test]
    fn a_wrong_tone_is_refused_with_its_name() {
        for wrong in [
            "",
            "nonsense",
            "silence",
            "dtmf:12x",
            "silence:0",
            "silence:-1",
            "silence:99999999",
            "sine:0:10:-20",
            "sine:24000:10:-20",
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
    fn a_sound_is_ready_at_every_rate_that_tells_more_of_it() {
        for (hz, rates) in [
            (4_000, &[Rate::Narrow; 3]),
            (8_000, &[Rate::Narrow; 3]),
            (11_025, &[Rate::Narrow, Rate::Wide, Rate::Wide]),
            (16_000, &[Rate::Narrow, Rate::Wide, Rate::Wide]),
            (22_050, &Rate::ALL),
            (48_000, &Rate::ALL),
        ] {
            let prompt = Prompt::from_pcm(vec![900; hz as usize], hz).unwrap();
            assert_eq!(prompt.duration(), Duration::from_secs(1));
            assert_eq!(prompt.rate(), rates[2], "{hz}");
            let mut bytes = 0;
            for (wanted, rate) in Rate::ALL.into_iter().zip(rates) {
                let (found, samples) = prompt.at(wanted);
                assert_eq!((found, samples.len()), (*rate, rate.hz() as usize), "{hz}");
                bytes += if found == wanted {
                    2 * samples.len()
                } else {
                    0
                };
            }
            assert!(prompt.bytes() > bytes);
        }
        assert!(Prompt::from_pcm(vec![0; 10], 0).is_err());
    }

    #[test]
    fn a_tone_above_what_a_telephone_hears_sounds_where_there_is_more() {
        let prompt = Prompt::tone("sine:6000:200:-20").unwrap();
        let (rate, samples) = prompt.at(Rate::Full);
        assert_eq!((rate, Level::rms(samples).dbov()), (Rate::Wide, -20));
        assert!(Level::rms(prompt.samples()).dbov() < -60);
        let prompt = Prompt::tone("sine:12000:200:-20").unwrap();
        assert_eq!(prompt.at(Rate::Full).0, Rate::Full);
        assert!(Level::rms(prompt.at(Rate::Wide).1).dbov() < -60);
    }
}
