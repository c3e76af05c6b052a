//! Prompts in memory, one after the other, without a gap.

use std::{ops::Range, sync::Arc};

use sems_audio::{FRAME_SAMPLES, Rate, codec::Codec};

use super::copy;
use crate::media::{leg::Packet, prompt::Prompt};

/// Plays a list of prompts a number of times, 20 ms after each [`List::advance`].
#[derive(Debug)]
pub(super) struct List {
    prompts: Vec<Arc<Prompt>>,
    place: Place,
    begun: bool,
    /// The highest rate that is wanted.
    wanted: Rate,
    /// That of the current 20 ms: what sounds in them has no more to tell at a higher one.
    rate: Rate,
}

/// How far a playback has come.
#[derive(Clone, Copy, Debug)]
struct Place {
    prompt: usize,
    sample: usize,
    /// Turns still to come after this one; `None`: no end.
    turns_left: Option<u32>,
    ended: bool,
}

impl List {
    /// Plays `prompts`, the whole list `repeat` times, or until stopped when that is 0.
    pub(super) fn new(prompts: Vec<Arc<Prompt>>, repeat: u32) -> Self {
        let ended = prompts.iter().all(|prompt| prompt.samples().is_empty());
        Self {
            prompts,
            place: Place {
                prompt: 0,
                sample: 0,
                turns_left: repeat.checked_sub(1),
                ended,
            },
            begun: false,
            wanted: Rate::Narrow,
            rate: Rate::Narrow,
        }
    }

    /// Nothing above this rate will be heard.
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.wanted = rate;
        self.rate = self.rate_here();
    }

    /// The rate of the current 20 ms.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// Whether that is not always the same.
    pub(super) fn changes_rate(&self) -> bool {
        let mut rates = self.prompts.iter().map(|prompt| prompt.at(self.wanted).0);
        let first = rates.next();
        rates.any(|rate| Some(rate) != first)
    }

    fn rate_here(&self) -> Rate {
        if self.wanted == Rate::Narrow {
            return Rate::Narrow;
        }
        let mut rate = None;
        self.walk(|prompt, _| rate = rate.max(Some(prompt.at(self.wanted).0)));
        rate.unwrap_or(self.rate)
    }

    /// Whether all has been played.
    pub(super) fn has_ended(&self) -> bool {
        self.place.ended
    }

    /// The current 20 ms as samples at [`List::rate`]; what lies behind the end is silence.
    pub(super) fn samples(&self, frame: &mut [i16]) {
        let rate = self.rate;
        let mut filled = 0;
        self.walk(|prompt, range| {
            let (own, samples) = prompt.at(rate);
            let (begin, end) = (own.factor() * range.start, own.factor() * range.end);
            let room = frame.len() - filled;
            let count = (rate.factor() * range.len()).min(room);
            let part = &mut frame[filled..filled + count];
            copy(&samples[begin..end], part, own, rate);
            filled += count;
        });
        frame[filled..].fill(0);
    }

    /// The current 20 ms in `codec`, each of whose bytes stands for one sample; what lies behind
    /// the end is silence. `false`, and nothing written, for a codec that prompts are not prepared
    /// in.
    pub(super) fn coded(&self, codec: &Codec, packet: &mut Packet) -> bool {
        let Some(silence) = codec.silence else {
            return false;
        };
        if self
            .prompts
            .iter()
            .any(|prompt| prompt.coded(codec).is_none())
        {
            return false;
        }
        let payload = packet.place(FRAME_SAMPLES);
        let mut filled = 0;
        self.walk(|prompt, range| {
            if let Some(coded) = prompt.coded(codec) {
                payload[filled..filled + range.len()].copy_from_slice(&coded[range.clone()]);
            }
            filled += range.len();
        });
        payload[filled..].fill(silence);
        true
    }

    /// Goes 20 ms on; the first time, to the beginning.
    pub(super) fn advance(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.place = self.walk(|_, _| {});
        }
        self.rate = self.rate_here();
    }

    /// Samples since the beginning of this turn.
    pub(super) fn position(&self) -> u64 {
        let before = self.prompts[..self.place.prompt].iter();
        let before: usize = before.map(|prompt| prompt.samples().len()).sum();
        (before + self.place.sample) as u64
    }

    /// Goes to a sample of this turn; behind the last one that is its end.
    pub(super) fn seek(&mut self, position: u64) {
        if self.place.ended {
            return;
        }
        let mut left = usize::try_from(position).unwrap_or(usize::MAX);
        self.place.prompt = 0;
        self.begun = false;
        loop {
            let length = self.prompts[self.place.prompt].samples().len();
            if left < length {
                self.place.sample = left;
                return;
            }
            left -= length;
            if self.place.prompt + 1 == self.prompts.len() {
                return self.place.next_prompt(self.prompts.len());
            }
            self.place.next_prompt(self.prompts.len());
        }
    }

    /// Hands out the stretches that make up the current 20 ms; returns where the next begin.
    fn walk(&self, mut stretch: impl FnMut(&Prompt, Range<usize>)) -> Place {
        let mut place = self.place;
        let mut wanted = FRAME_SAMPLES;
        while wanted > 0 && !place.ended {
            let prompt = &self.prompts[place.prompt];
            let end = prompt.samples().len().min(place.sample + wanted);
            wanted -= end - place.sample;
            stretch(prompt, place.sample..end);
            place.sample = end;
            if end == prompt.samples().len() {
                place.next_prompt(self.prompts.len());
            }
        }
        place
    }
}

impl Place {
    fn next_prompt(&mut self, prompts: usize) {
        self.sample = 0;
        self.prompt += 1;
        if self.prompt == prompts {
            self.prompt = 0;
            match &mut self.turns_left {
                None => {}
                Some(0) => self.ended = true,
                Some(left) => *left -= 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sems_audio::codec::g711;

    use super::*;

    fn ramp(from: i16, length: i16) -> Arc<Prompt> {
        Arc::new(Prompt::new((from..from + length).collect()))
    }

    fn play_all(player: &mut List) -> Vec<i16> {
        let mut heard = Vec::new();
        player.advance();
        while !player.has_ended() {
            let mut frame = [-1; FRAME_SAMPLES];
            player.samples(&mut frame);
            heard.extend(frame);
            player.advance();
        }
        heard
    }

    #[test]
    fn prompts_follow_each_other_without_a_gap() {
        let mut player = List::new(vec![ramp(0, 100), ramp(100, 300)], 1);
        let heard = play_all(&mut player);
        assert_eq!(heard[..400], (0..400).collect::<Vec<i16>>());
        assert_eq!(heard[400..], [0; 80]);
    }

    #[test]
    fn the_whole_list_is_repeated() {
        let mut player = List::new(vec![ramp(1, 30), ramp(31, 50)], 4);
        let heard = play_all(&mut player);
        assert_eq!(heard, (1..=80).collect::<Vec<i16>>().repeat(4));
    }

    #[test]
    fn any_sample_can_be_gone_to() {
        let all: Vec<i16> = (0..800).collect();
        for position in [0, 1, 159, 160, 250, 251, 799] {
            let mut player = List::new(vec![ramp(0, 250), ramp(250, 0), ramp(250, 550)], 1);
            player.advance();
            player.advance();
            assert_eq!(player.position(), 160);
            player.seek(position);
            let heard = play_all(&mut player);
            let length = 800 - position as usize;
            assert_eq!(heard[..length], all[position as usize..]);
        }
        // Behind the end comes the next turn, or nothing.
        let mut player = List::new(vec![ramp(1, 320)], 2);
        player.seek(9000);
        assert_eq!(play_all(&mut player), (1..=320).collect::<Vec<i16>>());
        player.seek(0);
        assert!(player.has_ended());
    }

    #[test]
    fn repeat_zero_has_no_end() {
        let mut player = List::new(vec![ramp(0, 7)], 0);
        for _ in 0..1000 {
            player.advance();
        }
        assert!(!player.has_ended());
    }

    #[test]
    fn a_playback_without_sound_has_ended_before_it_began() {
        let empty = Arc::new(Prompt::new(Vec::new()));
        assert!(List::new(vec![empty.clone(), empty], 0).has_ended());
        assert!(List::new(Vec::new(), 0).has_ended());
    }

    #[test]
    fn coded_playback_is_the_encoding_of_the_samples() {
        let prompts = || vec![ramp(-500, 130), ramp(0, 0), ramp(2000, 301)];
        let mut samples = List::new(prompts(), 3);
        let mut coded = List::new(prompts(), 3);
        samples.advance();
        coded.advance();
        while !samples.has_ended() {
            let mut frame = [0; FRAME_SAMPLES];
            samples.samples(&mut frame);
            let mut expected = [0; FRAME_SAMPLES];
            g711::encode_alaw(&frame, &mut expected);
            let mut packet = Packet::new(&g711::PCMA);
            assert!(coded.coded(&g711::PCMA, &mut packet));
            assert_eq!(packet.payload(), expected);
            samples.advance();
            coded.advance();
        }
        assert!(coded.has_ended());
    }
}
