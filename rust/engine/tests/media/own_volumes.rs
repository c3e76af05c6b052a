//! What volumes of one's own cost: who hears the same as all has the mix and the coding of all.

use sems_audio::{
    Gain,
    codec::{g711, opus::OPUS},
};
use sems_engine::command::MediaCommand;

use crate::{
    stage::Stage,
    wideband::{Speaker, run},
};

/// Longer than an encoder of one's own goes on after a mix of one's own.
const AGAIN: usize = 300;

/// Two who speak, and two who only listen.
struct Meeting {
    stage: Stage,
    talkers: Vec<Speaker>,
    listeners: [Speaker; 2],
}

impl Meeting {
    fn new() -> Self {
        let mut stage = Stage::new(1);
        let room = stage.room(0);
        let mut talkers = Vec::new();
        for hz in [430.0, 690.0] {
            let mut talker = Speaker::new(&mut stage, &g711::PCMU, Some(room));
            talker.speak(hz);
            talkers.push(talker);
        }
        let listeners = [0, 1].map(|_| Speaker::new(&mut stage, &OPUS, Some(room)));
        let mut meeting = Self {
            stage,
            talkers,
            listeners,
        };
        meeting.run(AGAIN);
        meeting
    }

    fn run(&mut self, ticks: usize) {
        run(&mut self.stage, &mut self.talkers, ticks);
    }

    /// The second listener hears a talker so.
    fn set_volume(&mut self, talker: usize, gain: Option<Gain>) {
        let [call, from] = [self.listeners[1].phone, self.talkers[talker].phone]
            .map(|phone| self.stage.phones[phone].call);
        self.stage
            .must(MediaCommand::SetVolume { call, from, gain });
    }

    /// So many mixes are made for one alone in each tick from now on, on an average.
    fn own_mixes(&mut self) -> f64 {
        let before = self.stage.stat("own_mixes");
        self.run(50);
        (self.stage.stat("own_mixes") - before) as f64 / 50.0
    }
}

#[test]
fn a_volume_for_one_who_is_silent_or_that_changes_nothing_costs_no_mix_of_its_own() {
    let mut meeting = Meeting::new();
    assert_eq!(
        meeting.own_mixes(),
        2.0,
        "those who speak do not hear themselves"
    );
    meeting.set_volume(0, Some(Gain::UNITY));
    assert_eq!(meeting.own_mixes(), 2.0, "it changes nothing");
    meeting.talkers[1].hush();
    meeting.run(AGAIN);
    meeting.set_volume(1, Some(Gain::from_db(-12.0)));
    assert_eq!(meeting.own_mixes(), 1.0, "he is silent");

    meeting.talkers[1].speak(690.0);
    meeting.run(50);
    assert_eq!(meeting.own_mixes(), 3.0, "he speaks");
    let [as_all, softer] =
        [0, 1].map(|listener: usize| meeting.listeners[listener].level_of(&meeting.stage, 690.0));
    assert!((as_all - softer - 12.0).abs() < 1.0, "{as_all} {softer}");

    meeting.talkers[1].hush();
    meeting.run(AGAIN);
    assert_eq!(meeting.own_mixes(), 1.0, "he is silent again");
}

#[test]
fn who_hears_the_room_softer_in_a_talk_has_a_mix_of_his_own_while_it_sounds() {
    let mut meeting = Meeting::new();
    let call = meeting.stage.phones[meeting.listeners[1].phone].call;
    let gain = Gain::from_db(-20.0);
    meeting
        .stage
        .must(MediaCommand::SetRoomVolume { call, gain });
    assert_eq!(meeting.own_mixes(), 3.0);
    for talker in &mut meeting.talkers {
        talker.hush();
    }
    meeting.run(AGAIN);
    assert_eq!(meeting.own_mixes(), 0.0, "nothing sounds");
}
