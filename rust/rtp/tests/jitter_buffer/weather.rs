//! What the network does to a steady stream, and what is heard of it.

use crate::scenario::{Random, Scenario, TICK};

#[test]
fn a_clean_network_adds_at_most_one_frame_and_loses_nothing() {
    for ptime in [10.0, 20.0, 30.0, 40.0, 50.0, 60.0] {
        for phase in [0.0, 0.1, 3.0, 9.9, 12.0, 19.9] {
            let scenario = Scenario {
                ptime,
                phase,
                ..Scenario::default()
            };
            let outcome = scenario.run(|_, left| Some(left));
            let worst = outcome.worst_delay_after(0.0);
            assert!(
                worst <= 20.0 + 1e-6,
                "ptime {ptime} phase {phase}: {worst} ms"
            );
            assert!(outcome.is_in_order());
            let count = (20_000.0 / ptime) as usize;
            assert!(
                outcome.played.len() + 4 >= count,
                "ptime {ptime}: {}",
                outcome.played.len()
            );
            assert_eq!(outcome.statistics.lost + outcome.statistics.late, 0);
            // Packets that don't come in the rhythm of ticks may need one correction at the start.
            assert!(
                outcome.made_up <= 80,
                "ptime {ptime} phase {phase}: {}",
                outcome.made_up
            );
        }
    }
}

#[test]
fn a_lost_packet_is_bridged_without_adding_delay() {
    let outcome = Scenario::default().run(|number, left| (number % 50 != 30).then_some(left));
    assert!(outcome.worst_delay_after(0.0) <= 20.0);
    assert_eq!(outcome.statistics.lost, 20);
    assert_eq!(outcome.made_up, 20 * TICK);
    assert_eq!(outcome.statistics.lengthened, 0);
}

#[test]
fn a_burst_of_losses_is_bridged_without_adding_delay() {
    let outcome = Scenario::default()
        .run(|number, left| (number % 100 < 50 || number % 100 >= 58).then_some(left));
    assert!(outcome.worst_delay_after(0.0) <= 20.0);
    assert_eq!(outcome.made_up, 80 * TICK);
}

#[test]
fn one_late_packet_makes_the_delay_grow_at_once_and_a_second_later_it_is_given_back() {
    let outcome =
        Scenario::default().run(|number, left| Some(left + if number == 100 { 15.0 } else { 0.0 }));
    assert_eq!(outcome.statistics.lost + outcome.statistics.late, 0);
    assert_eq!(outcome.made_up, TICK);
    assert_eq!(outcome.worst_delay_after(0.0), 27.0);
    assert_eq!(outcome.worst_delay_after(2_700.0), 27.0);
    // Two pitch periods of speech are what goes, and 5 ms stay for a pause.
    assert_eq!(outcome.worst_delay_after(3_200.0), 12.0);
    assert_eq!(outcome.statistics.shortened, 2);
}

#[test]
fn silence_gives_the_delay_back_to_the_last_sample() {
    let scenario = Scenario {
        silent: |number| number > 120,
        ..Scenario::default()
    };
    let outcome = scenario.run(|number, left| Some(left + if number == 100 { 15.0 } else { 0.0 }));
    assert_eq!(outcome.worst_delay_after(2_700.0), 27.0);
    assert_eq!(outcome.worst_delay_after(3_000.0), 7.0);
    assert_eq!(outcome.statistics.shortened, 1);
}

#[test]
fn a_packet_later_than_its_successor_is_dropped_and_after_a_second_one_all_are_in_time() {
    let scenario = Scenario {
        phase: 2.0,
        ..Scenario::default()
    };
    let outcome =
        scenario.run(|number, left| Some(left + if number % 20 == 19 { 30.0 } else { 0.0 }));
    assert!(outcome.is_in_order());
    assert_eq!(outcome.statistics.late, 2);
    assert_eq!(outcome.statistics.lost, 2);
    let worst = outcome.worst_delay_after(1_500.0);
    assert!((42.0..50.0).contains(&worst), "{worst}");
}

#[test]
fn a_packet_that_is_late_once_in_a_while_makes_nobody_wait_for_it() {
    let outcome = Scenario::default().run(|number, left| {
        let late = if number % 100 == 99 { 90.0 } else { 0.0 };
        Some(left + late)
    });
    assert_eq!(outcome.statistics.late, 9);
    assert_eq!(outcome.worst_delay_after(0.0), 7.0);
}

#[test]
fn jitter_costs_a_little_more_delay_than_there_is_jitter() {
    for jitter in [5.0, 10.0, 30.0, 60.0, 100.0] {
        for seed in 0..20 {
            let mut random = Random(seed);
            let scenario = Scenario {
                seconds: 60.0,
                ..Scenario::default()
            };
            let outcome = scenario.run(|_, left| Some(left + random.next() * jitter));
            let worst = outcome.worst_delay_after(0.0);
            assert!(
                worst <= jitter + 40.0,
                "jitter {jitter} seed {seed}: {worst}"
            );
            assert!(outcome.is_in_order());
            // A growth is heard, twice if it was a late packet's, and growing ends.
            let glitches = f64::from(outcome.made_up / TICK) + outcome.statistics.late as f64;
            assert!(
                glitches <= 3.0 * (jitter / 20.0 + 1.0),
                "jitter {jitter}: {glitches}"
            );
        }
    }
}

#[test]
fn after_a_stall_the_delay_is_bounded_at_once_and_soon_small_again() {
    let stalled = |left: f64| {
        if (5000.0..5500.0).contains(&left) {
            5500.0
        } else {
            left
        }
    };
    let speech = Scenario {
        seconds: 30.0,
        ..Scenario::default()
    };
    let outcome = speech.run(|_, left| Some(stalled(left)));
    assert!(outcome.worst_delay_after(5_500.0) <= 200.0);
    assert!(outcome.worst_delay_after(6_000.0) > 100.0);
    assert!(outcome.worst_delay_after(7_000.0) <= 27.0);

    let pauses = Scenario {
        silent: |number| number % 100 > 60,
        ..speech
    };
    let outcome = pauses.run(|_, left| Some(stalled(left)));
    assert!(outcome.worst_delay_after(7_300.0) <= 20.0);
}

#[test]
fn a_fast_or_slow_sender_is_followed_in_silence_without_a_gap_in_speech() {
    for drift in [100.0, -100.0] {
        for seed in 0..5 {
            let mut random = Random(seed);
            let scenario = Scenario {
                seconds: 1000.0,
                phase: 10.0,
                drift,
                silent: |number| number % 150 > 100,
                ..Scenario::default()
            };
            let outcome = scenario.run(|_, left| Some(left + random.next()));
            let corrected = outcome.statistics.cut + outcome.statistics.added;
            // 100 ppm of 1,000 s is five frames.
            assert!((640..=960).contains(&corrected), "{drift} ppm: {corrected}");
            assert_eq!(outcome.made_up, 0, "{drift} ppm");
            assert!(outcome.worst_delay_after(0.0) < 30.0);
        }
    }
}

#[test]
fn a_fast_or_slow_sender_who_never_pauses_is_followed_all_the_same() {
    for drift in [100.0, -100.0] {
        let mut random = Random(3);
        let scenario = Scenario {
            seconds: 1000.0,
            phase: 10.0,
            drift,
            ..Scenario::default()
        };
        let outcome = scenario.run(|_, left| Some(left + random.next()));
        let worst = outcome.worst_delay_after(0.0);
        assert!(worst < 35.0, "{drift} ppm: {worst}");
        let corrected = outcome.statistics.cut + outcome.statistics.added;
        assert!(
            (500..=1000).contains(&corrected),
            "{drift} ppm: {corrected}"
        );
        assert_eq!(outcome.made_up, 0, "{drift} ppm");
    }
}

#[test]
fn a_steady_sender_is_left_alone_however_narrow_it_is() {
    let scenario = Scenario {
        phase: 1.0,
        silent: |_| true,
        ..Scenario::default()
    };
    let outcome = scenario.run(|_, left| Some(left));
    assert_eq!(outcome.worst_delay_after(0.0), 1.0);
    assert_eq!(
        outcome.statistics.lengthened + outcome.statistics.shortened,
        0
    );
}

#[test]
fn drift_is_measured_from_the_last_change_of_the_delay() {
    let scenario = Scenario {
        seconds: 400.0,
        phase: 2.0,
        drift: -100.0,
        silent: |number| number > 300,
        ..Scenario::default()
    };
    let late = |number| if number == 250 { 15.0 } else { 0.0 };
    let outcome = scenario.run(|number, left| Some(left + late(number)));
    assert_eq!(outcome.made_up, TICK);
    assert_eq!(outcome.statistics.lengthened, 1);
}

/// The network's jitter in ms that a packet sees which leaves at `left`.
fn rising_and_falling(left: f64) -> f64 {
    if (10_000.0..20_000.0).contains(&left) {
        60.0
    } else {
        0.0
    }
}

#[test]
fn when_jitter_rises_hardly_a_packet_is_late_a_second_later() {
    let (mut late, mut made_up) = (0, 0);
    for seed in 0..20 {
        // The same weather for two lengths: what is between their ends happened there.
        let run = |seconds| {
            let mut random = Random(seed);
            let scenario = Scenario {
                seconds,
                ..Scenario::default()
            };
            scenario.run(|_, left| Some(left + random.next() * rising_and_falling(left)))
        };
        let (risen, steady) = (run(11.0), run(19.9));
        late += steady.statistics.late - risen.statistics.late;
        made_up += steady.made_up - risen.made_up;
    }
    // Of twenty times nine seconds, which are 9,000 packets.
    assert!(late <= 20, "{late}");
    assert!(made_up <= 40 * TICK, "{made_up}");
}

#[test]
fn when_jitter_falls_the_delay_is_small_again_a_good_second_later() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let scenario = Scenario {
            seconds: 30.0,
            ..Scenario::default()
        };
        let outcome = scenario.run(|_, left| Some(left + random.next() * rising_and_falling(left)));
        let worst = outcome.worst_delay_after(21_300.0);
        assert!(worst <= 27.0, "seed {seed}: {worst} ms");
    }
}

#[test]
fn sixty_ms_of_jitter_and_five_percent_of_loss_make_hardly_anything_up_but_what_is_lost() {
    for seed in 0..20 {
        for phase in [1.0, 7.5, 13.0, 19.0] {
            let mut random = Random(seed);
            let scenario = Scenario {
                phase,
                seconds: 60.0,
                silent: |number| number % 150 > 100,
                ..Scenario::default()
            };
            let outcome = scenario.run(|_, left| {
                let lost = random.next() < 0.05;
                (!lost).then(|| left + random.next() * 60.0)
            });
            let mut delays: Vec<f64> = outcome.played.iter().map(|p| p.delay).collect();
            delays.sort_by(f64::total_cmp);
            let p50 = delays[delays.len() / 2];
            assert!(p50 <= 100.0, "seed {seed}: {p50} ms");
            let never = outcome.statistics.lost - outcome.statistics.late;
            let spare =
                u64::from(outcome.made_up) - never.min(u64::from(outcome.made_up) / 160) * 160;
            assert!(
                spare <= 480_000 / 50,
                "seed {seed}: {spare} of 480,000 samples"
            );
        }
    }
}
