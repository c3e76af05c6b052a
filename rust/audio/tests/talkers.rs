//! Who of many is heard.

use proptest::prelude::*;
use sems_audio::{Level, Talker, TalkerLimit};

fn talker(who: u64, level: i8, speaking: bool) -> Talker {
    Talker {
        who,
        level: Level::from_dbov(level),
        loudness: Level::from_dbov(level),
        speaking,
    }
}

#[test]
fn the_loudest_are_let_in() {
    let mut limit = TalkerLimit::new(3);
    let all: Vec<Talker> = (0..10)
        .map(|who| talker(who, -50 + 3 * who as i8, true))
        .collect();
    limit.choose(&all);
    let mut inside = limit.inside().to_vec();
    inside.sort_unstable();
    assert_eq!(inside, [7, 8, 9]);
}

#[test]
fn who_talks_is_not_left_out_for_somebody_as_loud() {
    let mut limit = TalkerLimit::new(1);
    limit.choose(&[talker(1, -25, true)]);
    for tick in 0..1_000 {
        let other = if tick % 2 == 0 { -20 } else { -30 };
        limit.choose(&[talker(1, -25, true), talker(2, other, true)]);
        assert_eq!(limit.inside(), [1]);
    }
}

#[test]
fn who_is_far_louder_gets_the_word_between_two_words_of_the_other() {
    let mut limit = TalkerLimit::new(1);
    let loud = talker(2, -15, true);
    let word = talker(1, -30, true);
    limit.choose(&[word]);
    for _ in 0..60 {
        limit.choose(&[word, loud]);
        assert_eq!(limit.inside(), [1], "in mid-word");
    }
    let dip = Talker {
        level: Level::from_dbov(-45),
        ..word
    };
    limit.choose(&[dip, loud]);
    assert_eq!(limit.inside(), [2]);
}

#[test]
fn who_never_pauses_gives_way_after_three_seconds() {
    let mut limit = TalkerLimit::new(1);
    limit.choose(&[talker(1, -30, true)]);
    let ticks = (0..).position(|_| {
        limit.choose(&[talker(1, -30, true), talker(2, -15, true)]);
        limit.inside() == [2]
    });
    assert_eq!(ticks, Some(150));
}

#[test]
fn who_has_ceased_to_speak_gives_way_at_once_to_who_speaks() {
    let mut limit = TalkerLimit::new(2);
    limit.choose(&[talker(1, -20, true), talker(2, -20, true)]);
    limit.choose(&[
        talker(1, -20, true),
        talker(2, -20, false),
        talker(3, -40, false),
    ]);
    assert!(limit.lets_in(1) && limit.lets_in(2));
    limit.choose(&[
        talker(1, -20, true),
        talker(2, -20, false),
        talker(3, -40, true),
    ]);
    assert!(limit.lets_in(1) && limit.lets_in(3) && !limit.lets_in(2));
}

proptest! {
    #[test]
    fn as_many_as_sound_are_let_in_up_to_the_limit_and_nobody_else(
        max in 1usize..40,
        ticks in prop::collection::vec(
            prop::collection::btree_map(0u64..30, (-60i8..0, -60i8..0, any::<bool>()), 0..30), 1..40),
    ) {
        let mut limit = TalkerLimit::new(max);
        for tick in ticks {
            let sounding: Vec<Talker> = tick
                .iter()
                .map(|(who, (level, loudness, speaking))| Talker {
                    who: *who,
                    level: Level::from_dbov(*level),
                    loudness: Level::from_dbov(*loudness),
                    speaking: *speaking,
                })
                .collect();
            limit.choose(&sounding);
            prop_assert_eq!(limit.inside().len(), sounding.len().min(limit.max()));
            let mut seen = limit.inside().to_vec();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), limit.inside().len());
            for who in limit.inside() {
                prop_assert!(tick.contains_key(who));
            }
        }
    }
}
