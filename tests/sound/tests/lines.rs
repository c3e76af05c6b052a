//! What is heard is what was said, soon after it was said: for each codec, under each weather. What a codec
//! alone delays is measured beside it and taken off.

use sems_audio::codec::{CODECS, Codec, g711};
use sems_sound::{
    line::Line,
    measure::{Match, added, delay, longest_gap_ms, louder_by, matches, segmental_snr},
    speech::speech,
    weather::Weather,
};

fn codecs() -> impl Iterator<Item = &'static Codec> {
    CODECS.iter().copied()
}

/// What a codec itself does to speech.
struct Own {
    /// How much later it is heard, in ms, at least and at most.
    late: (f64, f64),
    /// The segmental signal-to-noise ratio in dB that is left at least, without loss and with.
    snr: (f64, f64),
    /// How much softer it becomes at most, in dB.
    softer: f64,
}

fn own(codec: &Codec) -> Own {
    match codec.name {
        // It keeps what is heard, not the wave.
        "opus" => Own {
            late: (12.0, 14.0),
            snr: (4.0, 3.0),
            softer: 1.0,
        },
        "G722" => Own {
            late: (2.0, 3.5),
            snr: (12.0, 9.0),
            softer: 0.5,
        },
        _ => Own {
            late: (0.0, 0.0),
            snr: (30.0, 10.0),
            softer: 0.5,
        },
    }
}

/// The windows of `found` that lie between these seconds of what was said.
fn between(found: &[Match], rate: u32, from: f64, to: f64) -> Vec<Match> {
    let at = |found: &Match| found.said as f64 / f64::from(rate);
    let within = found.iter().filter(|found| (from..to).contains(&at(found)));
    within.copied().collect()
}

#[test]
fn over_a_clean_network_speech_is_heard_at_the_next_tick_whole_and_as_loud() {
    for codec in codecs() {
        let (said, own) = (speech(codec.rate.hz(), 12), own(codec));
        for (ptime_ms, phase_ms, most) in [
            (20, 0.5, 20.0),
            (20, 7.0, 14.0),
            (20, 19.5, 1.0),
            (10, 3.0, 20.0),
            (30, 11.0, 20.0),
            (60, 5.0, 16.0),
        ] {
            if codec.append.is_some() && ptime_ms == 30 {
                // Its frames have 10, 20, 40 or 60 ms.
                continue;
            }
            if codec.name == "L16" && codec.rate.hz() / 1000 * 2 * ptime_ms > 2_000 {
                // Nobody takes such long packets.
                continue;
            }
            let line = Line {
                ptime_ms,
                phase_ms,
                ..Line::new(codec)
            };
            let heard = line.carry(&said);
            let found = matches(&line, &said, &heard);
            let alone = matches(&line, &said, &line.alone(&said));
            let late = delay(&alone, 0.5);
            let added = added(&found, &alone);
            let (p50, p99) = (delay(&added, 0.5), delay(&added, 0.99));
            let snr = segmental_snr(&line, &said, &heard, &found);
            let louder = louder_by(&said, &heard);
            let name = codec.name;
            println!(
                "{name}, {ptime_ms} ms at {phase_ms}: {late:.1} + {p50:.1} {p99:.1} ms, {snr:.1} {louder:+.2} dB"
            );
            assert!(
                (own.late.0..=own.late.1).contains(&late),
                "{name} alone: {late} ms"
            );
            assert!(
                p50 <= most && p99 <= most + 1.0,
                "{name}, {ptime_ms} ms: {p50} {p99}"
            );
            assert_eq!(heard.uneven_ms, 0.0);
            assert!(
                snr > own.snr.0 && (-own.softer..0.5).contains(&louder),
                "{name}: {snr} dB, {louder} dB"
            );
        }
    }
}

#[test]
fn sixty_ms_of_jitter_and_five_percent_of_loss_cost_at_most_100_ms_and_hardly_more_than_the_lost() {
    for codec in codecs() {
        let (said, own) = (speech(codec.rate.hz(), 40), own(codec));
        let clean = Line::new(codec);
        let alone = matches(&clean, &said, &clean.alone(&said));
        for seed in 1..=3 {
            let line = Line {
                seed,
                ..Line::new(codec)
            };
            let line = line.under(Weather::BAD);
            let heard = line.carry(&said);
            let found = matches(&line, &said, &heard);
            let added = added(&found, &alone);
            let (p50, p99) = (delay(&added, 0.5), delay(&added, 0.99));
            let snr = segmental_snr(&line, &said, &heard, &found);
            let louder = louder_by(&said, &heard);
            let name = codec.name;
            let lost_ms = heard.lost.len() as f64 * 20.0;
            let spare_ms = heard.concealed_ms - lost_ms;
            println!("{name}, seed {seed}: {p50:.1} {p99:.1} ms, {snr:.1} {louder:+.2} dB");
            println!("  {lost_ms} ms lost, {spare_ms:+.0} ms more or less made up");
            // 2 % of 40 s.
            assert!(spare_ms <= 800.0, "{name}: {spare_ms} ms");
            assert!(
                heard.concealed_ms > lost_ms / 3.0,
                "{name}: pauses need none"
            );
            assert!(p50 <= 100.0 && p99 <= 140.0, "{name}: {p50} {p99} ms");
            assert!(
                snr > own.snr.1 && (-1.0 - own.softer..0.5).contains(&louder),
                "{name}: {snr} {louder} dB"
            );
            assert_eq!(heard.uneven_ms, 0.0);
        }
    }
}

#[test]
fn the_delay_follows_the_weather_within_about_a_second_either_way() {
    let codec: &Codec = &g711::PCMU;
    let said = speech(codec.rate.hz(), 30);
    for seed in 1..=5 {
        let jittery = Weather {
            jitter_ms: 60.0,
            ..Weather::CLEAN
        };
        let line = Line {
            weather: vec![
                (0.0, Weather::CLEAN),
                (10.0, jittery),
                (20.0, Weather::CLEAN),
            ],
            seed,
            ..Line::new(codec)
        };
        let heard = line.carry(&said);
        let found = matches(&line, &said, &heard);
        let within = |from, to| between(&found, codec.rate.hz(), from, to);
        let (before, during, after) = (within(1.0, 9.8), within(11.0, 19.8), within(21.3, 30.0));
        assert!(delay(&before, 1.0) < 15.0);
        // A second after it began hardly anything is missing any more.
        let clear = during.iter().filter(|found| found.likeness > 0.9).count();
        let all = during.len();
        assert!(clear * 100 >= all * 90, "{clear} of {all}");
        assert!(delay(&during, 0.5) < 90.0, "{}", delay(&during, 0.5));
        assert!(delay(&after, 1.0) < 25.0, "{}", delay(&after, 1.0));
    }
}

#[test]
fn packets_that_are_lost_leave_no_hole_in_a_voice() {
    let codec: &Codec = &g711::PCMU;
    // A vowel that never ends.
    let voice: Vec<i16> = (0..8_000 * 20)
        .map(|n| {
            let angle = std::f64::consts::TAU * 125.0 * f64::from(n) / 8_000.0;
            let overtones = (1..8).map(|k| (angle * f64::from(k)).sin() / f64::from(k));
            (4_000.0 * overtones.sum::<f64>()) as i16
        })
        .collect();
    // Packets of 30 ms end within a tick: what is missing begins there, too.
    for (ptime_ms, loss) in [(20, 0.05), (30, 0.03)] {
        let weather = Weather {
            loss,
            ..Weather::CLEAN
        };
        let line = Line {
            ptime_ms,
            ..Line::new(codec)
        };
        let heard = line.under(weather).carry(&voice);
        let lost = &heard.lost;
        assert!(lost.len() > 12, "{lost:?}");
        let single = lost.windows(2).all(|pair| pair[1] - pair[0] > 1);
        let sounding = &heard.samples[8_000..8_000 * 18];
        let gap = longest_gap_ms(8_000, sounding);
        let (jump, place) = steepest(sounding);
        let steep = steepest(&voice).0;
        println!(
            "{ptime_ms} ms: {lost:?}, gap {gap} ms, {jump} at {place} where the voice has {steep}"
        );
        // In one period of 8 ms there is always something loud, and nothing is steeper than the voice.
        assert!(gap < 8.0 || !single, "{gap} ms");
        assert!(jump < steep * 5 / 4, "{jump} at {place}");
        let louder = louder_by(&voice, &heard);
        assert!((-1.0..0.5).contains(&louder), "{louder} dB");
    }
}

/// The largest step from one sample to the next, and where it is.
fn steepest(samples: &[i16]) -> (u32, usize) {
    let steps = samples
        .windows(2)
        .map(|pair| u32::from(pair[1].abs_diff(pair[0])));
    let worst = steps.enumerate().max_by_key(|(_, step)| *step);
    worst.map_or((0, 0), |(place, step)| (step, place))
}
