//! One playback, and where its sound comes from: prompts in memory, a file that is read ahead, or
//! whoever writes to it while it sounds.

mod feed;
mod list;
mod stream;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sems_audio::{Converter, Rate, SAMPLE_RATE, codec::Codec};

use self::{feed::FeedPlayer, list::List, stream::StreamPlayer};
use super::{
    leg::Packet,
    message::{ToFiles, Trash},
    prompt::Prompt,
};
use crate::ids::PlayId;

pub use feed::{Feed, Full};
pub(super) use stream::{StreamWriter, stream};

/// A sound under way, 20 ms after each [`Player::advance`].
#[derive(Debug)]
pub struct Player {
    play: PlayId,
    source: Source,
    paused: bool,
    /// The room's.
    rate: Rate,
    /// The way from its rate to the room's, where that is another at times; it has heard all up to the
    /// current 20 ms.
    converter: Option<Box<Converter>>,
    /// The current 20 ms are to be heard.
    sounds: bool,
    progress: Progress,
}

#[derive(Debug)]
enum Source {
    List(List),
    Stream(Box<StreamPlayer>),
    Feed(Box<FeedPlayer>),
}

/// How far a playback has come, for others to read while it sounds. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Time since the beginning of the list, in the turn that it is in.
    pub fn position(&self) -> Duration {
        let samples = self.0.load(Ordering::Relaxed);
        Duration::from_nanos(samples * 1_000_000_000 / u64::from(SAMPLE_RATE))
    }
}

/// What is done with a playback that sounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlayControl {
    /// Holds it where it is; meanwhile it is silent.
    Pause,
    /// Goes on.
    Resume,
    /// Goes to a time since the beginning of the list, in the turn that it is in. Behind the end that
    /// is the end of the turn.
    Seek(Duration),
}

/// What a tick brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Advance {
    /// Sound, or a pause that is meant.
    Sound,
    /// Silence, because what is to be played was not there in time.
    Dry,
}

impl Player {
    /// Plays `prompts`, the whole list `repeat` times, or until stopped when that is 0.
    pub fn new(play: PlayId, prompts: Vec<Arc<Prompt>>, repeat: u32) -> Self {
        Self::of(play, Source::List(List::new(prompts, repeat)))
    }

    /// Plays what a file thread reads ahead.
    pub(super) fn stream(play: PlayId, stream: StreamPlayer) -> Self {
        Self::of(play, Source::Stream(Box::new(stream)))
    }

    /// Plays what is written to the [`Feed`], until that is dropped and all of it has sounded.
    pub fn feed(play: PlayId, limit: Duration) -> (Self, Feed) {
        let (feed, player) = feed::feed(limit);
        (Self::of(play, Source::Feed(Box::new(player))), feed)
    }

    fn of(play: PlayId, source: Source) -> Self {
        Self {
            play,
            source,
            paused: false,
            rate: Rate::Narrow,
            converter: None,
            sounds: false,
            progress: Progress::default(),
        }
    }

    /// Which playback this is.
    pub fn play(&self) -> PlayId {
        self.play
    }

    /// How far it has come, for others to read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Whether all has been played.
    pub fn has_ended(&self) -> bool {
        match &self.source {
            Source::List(list) => list.has_ended(),
            Source::Stream(stream) => stream.has_ended(),
            Source::Feed(feed) => feed.has_ended(),
        }
    }

    /// Whether it has come to its end as it should; if not, its file could not be read on.
    pub(super) fn is_complete(&self) -> bool {
        match &self.source {
            Source::Stream(stream) => !stream.has_failed(),
            Source::List(_) | Source::Feed(_) => true,
        }
    }

    /// Plays to a room of this rate from now on. What tells more than that is brought down where it is
    /// read or written, what tells less is brought up here.
    pub(super) fn meet(&mut self, rate: Rate, trash: &Trash) {
        if self.set_rate(rate) {
            // A file thread that is overrun looks at it before long anyway.
            let _ = trash.tell(ToFiles::Heed(self.play));
        }
    }

    /// `true`: the file thread that reads ahead has to be told of it.
    fn set_rate(&mut self, rate: Rate) -> bool {
        self.rate = rate;
        let (changes, tell) = match &mut self.source {
            Source::List(list) => {
                list.set_rate(rate);
                (list.changes_rate(), false)
            }
            Source::Stream(stream) => (true, stream.set_rate(rate)),
            Source::Feed(feed) => {
                feed.set_rate(rate);
                (true, false)
            }
        };
        if changes || self.own_rate() != rate {
            let new = || Box::new(Converter::new(rate, rate));
            self.converter.get_or_insert_with(new);
        }
        self.turn_to_source();
        tell
    }

    /// The rate of the current 20 ms.
    fn own_rate(&self) -> Rate {
        match &self.source {
            Source::List(list) => list.rate(),
            Source::Stream(stream) => stream.rate(),
            Source::Feed(feed) => feed.rate(),
        }
    }

    /// Converts from the rate of the current 20 ms.
    fn turn_to_source(&mut self) {
        let (own, rate) = (self.own_rate(), self.rate);
        if let Some(converter) = &mut self.converter
            && (converter.from(), converter.to()) != (own, rate)
        {
            converter.restart(own, rate);
        }
    }

    /// What converts the current 20 ms, unless they need no converting.
    fn way(&self) -> Option<&Converter> {
        let converter = self.converter.as_deref();
        converter.filter(|converter| converter.from() != converter.to())
    }

    /// The current 20 ms as samples at the room's rate, or 8 kHz; what lies behind the
    /// end is silence.
    pub(super) fn samples(&self, frame: &mut [i16]) {
        match self.way() {
            _ if self.paused => frame.fill(0),
            Some(way) if frame.len() == way.to().frame() => {
                let mut own = [0; Rate::LONGEST_FRAME];
                let own = &mut own[..way.from().frame()];
                self.own_samples(own);
                way.clone().convert(own, frame);
            }
            _ => self.own_samples(frame),
        }
    }

    /// The same at its own rate.
    fn own_samples(&self, frame: &mut [i16]) {
        let samples = match &self.source {
            Source::List(list) => return list.samples(frame),
            Source::Stream(stream) => stream.samples(),
            Source::Feed(feed) => feed.samples(),
        };
        let count = samples.len().min(frame.len());
        frame[..count].copy_from_slice(&samples[..count]);
        frame[count..].fill(0);
    }

    /// The current 20 ms in `codec`, each of whose bytes stands for one sample; what lies behind
    /// the end is silence. `false`, and nothing written, for a codec that it is not prepared in.
    pub fn coded(&self, codec: &Codec, packet: &mut Packet) -> bool {
        match &self.source {
            Source::List(list) if !self.paused => list.coded(codec, packet),
            _ => false,
        }
    }

    /// Goes 20 ms on; the first time, to the beginning.
    pub(super) fn advance(&mut self) -> Advance {
        if self.paused {
            return Advance::Sound;
        }
        let sounded = std::mem::replace(&mut self.sounds, true);
        if sounded && self.way().is_some() {
            let mut own = [0; Rate::LONGEST_FRAME];
            let own = &mut own[..self.own_rate().frame()];
            self.own_samples(own);
            if let Some(converter) = &mut self.converter {
                converter.hear(own);
            }
        }
        let (advance, position) = match &mut self.source {
            Source::List(list) => {
                list.advance();
                (Advance::Sound, list.position())
            }
            Source::Stream(stream) => (stream.advance(), stream.position()),
            Source::Feed(feed) => (feed.advance(), feed.position()),
        };
        self.turn_to_source();
        self.progress.0.store(position, Ordering::Relaxed);
        advance
    }

    /// Whether the feed's writer waits to be told that there is room, or that all has sounded; tells
    /// it by `tell` once, or tries again the next time.
    pub(super) fn tell_waiting(&self, tell: impl FnOnce() -> bool) {
        if let Source::Feed(feed) = &self.source {
            feed.tell_waiting(tell);
        }
    }

    /// Does what `control` says; `true`: the file thread that reads ahead has to be told of it.
    pub(super) fn control(&mut self, control: PlayControl) -> bool {
        match control {
            PlayControl::Pause => self.paused = true,
            PlayControl::Resume => self.paused = false,
            PlayControl::Seek(to) => {
                let position = to.as_nanos() * u128::from(SAMPLE_RATE) / 1_000_000_000;
                let position = u64::try_from(position).unwrap_or(u64::MAX);
                self.progress.0.store(position, Ordering::Relaxed);
                match &mut self.source {
                    Source::List(list) => list.seek(position),
                    Source::Stream(stream) => {
                        stream.seek(position);
                        return true;
                    }
                    // There is nothing before and behind what is being written.
                    Source::Feed(_) => {}
                }
            }
        }
        false
    }
}

/// Fills `to`, at a rate, with as much of `from`, at another, as it has room for, where the two meet
/// within 20 ms: there is no converting of a part of a frame, and nobody hears it in so short a time.
fn copy(from: &[i16], to: &mut [i16], own: Rate, rate: Rate) {
    if own == rate {
        to.copy_from_slice(&from[..to.len()]);
        return;
    }
    for (place, sample) in to.iter_mut().enumerate() {
        *sample = from
            .get(place * own.factor() / rate.factor())
            .copied()
            .unwrap_or(0);
    }
}

/// The same in place: brings the first `count` samples of a frame to another rate; returns how many they
/// are then.
fn copy_within(frame: &mut [i16], count: usize, own: Rate, rate: Rate) -> usize {
    let turned = (count * rate.factor() / own.factor()).min(frame.len());
    let mut turn = |place: usize| frame[place] = frame[place * own.factor() / rate.factor()];
    match rate > own {
        true => (0..turned).rev().for_each(&mut turn),
        false => (0..turned).for_each(&mut turn),
    }
    turned
}
