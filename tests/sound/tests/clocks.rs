//! Two clocks that run at different speeds, and long calls.

use sems_audio::codec::{CODECS, Codec, g711};
use sems_sound::{
    line::{Heard, Line},
    measure::{delay, longest_gap_ms, matches, worst_click},
    speech::{speech, tone},
    weather::Weather,
};

/// What no ear takes for a click: what quantization and a seam between two periods of a tone leave
/// over, as a part of its peak.
const NO_CLICK: f64 = 0.06;

/// Whether there is time for hours: in the proof.
fn is_long() -> bool {
    std::env::var_os("SEMS_SOUND_LONG").is_some()
}

/// Minutes of virtual time that the long calls last: an hour in the proof, else less, with clocks
/// that differ by more, so that as many corrections are heard.
fn length() -> (usize, f64) {
    match is_long() {
        true => (60, 100.0),
        false => (15, 200.0),
    }
}

/// Asserts that a tone is heard without a gap or a click, from when it began to half a second before
/// it ends: an end without notice is concealed.
fn assert_unbroken(codec: &Codec, hz: f64, heard: &[i16], what: &str) {
    let rate = codec.rate.hz();
    let begin = heard
        .iter()
        .position(|s| s.unsigned_abs() > 5_000)
        .expect("a tone");
    let end = heard
        .iter()
        .rposition(|s| s.unsigned_abs() > 5_000)
        .unwrap_or(begin);
    let sounding = &heard[begin..end - rate as usize / 2];
    let gap = longest_gap_ms(rate, sounding);
    let (click, place) = worst_click(rate, hz, sounding);
    println!("{what}: gap {gap:.2} ms, click {click:.3} at {place}");
    assert!(gap <= 1.0, "{what}: {gap} ms");
    // Who codes no samples makes a tone of his own.
    let by_sample = codec.silence.is_some();
    assert!(!by_sample || click < NO_CLICK, "{what}: {click}");
}

#[test]
fn ten_minutes_of_a_tone_through_a_room_have_no_gap_and_no_growing_delay() {
    // Opus takes its time.
    let codecs = CODECS
        .iter()
        .filter(|codec| codec.name != "opus" || is_long());
    for codec in codecs {
        let rate = codec.rate.hz();
        let talk = speech(rate, 8);
        let said = [&talk[..], &tone(rate, 1_000.0, 600), &talk].concat();
        let drifts = [0.0, 100.0, -100.0];
        for drift_ppm in drifts
            .into_iter()
            .take(if codec.name == "PCMU" { 3 } else { 1 })
        {
            let jitter = Weather {
                jitter_ms: 1.0,
                ..Weather::CLEAN
            };
            let line = Line {
                drift_ppm,
                ..Line::new(codec).under(jitter)
            };
            let heard = line.carry(&said);
            let what = format!("{} {drift_ppm:+} ppm", codec.name);
            let margin = rate as usize * 9;
            let middle = margin..heard.samples.len() - margin;
            assert_unbroken(codec, 1_000.0, &heard.samples[middle], &what);
            // A tone looks like itself everywhere: speech before and after it tells the delay.
            let own = delay(&matches(&line, &talk, &line.alone(&talk)), 0.5);
            let found = matches(&line, &talk, &heard);
            let before = delay(&found, 0.5) - own;
            let late = said.len() - talk.len();
            let after = Heard {
                samples: heard.samples[late - rate as usize..].to_vec(),
                begin_ms: heard.begin_ms + (late as f64 / f64::from(rate) - 1.0) * 1000.0
                    - line.said_ms(late),
                ..heard
            };
            let after = delay(&matches(&line, &talk, &after), 0.9) - own;
            println!("{what}: {before:.1} ms before, {after:.1} ms after");
            assert!(
                before <= 25.0 && after <= 30.0,
                "{what}: {before} ms became {after} ms"
            );
        }
    }
}

#[test]
fn clocks_that_differ_are_followed_without_a_glitch_in_a_tone() {
    let (minutes, ppm) = length();
    let codec: &Codec = &g711::PCMU;
    for drift_ppm in [ppm, -ppm] {
        let said = tone(8_000, 1_000.0, 60 * minutes);
        let line = Line {
            drift_ppm,
            ..Line::new(codec)
        };
        let heard = line.carry(&said);
        assert_unbroken(
            codec,
            1_000.0,
            &heard.samples,
            &format!("{drift_ppm:+} ppm"),
        );
    }
}

#[test]
fn clocks_that_differ_are_followed_without_a_glitch_in_speech() {
    let (minutes, ppm) = length();
    let codec: &Codec = &g711::PCMU;
    for drift_ppm in [ppm, -ppm] {
        let said = speech(8_000, 60 * minutes);
        let line = Line {
            drift_ppm,
            ..Line::new(codec)
        };
        let heard = line.carry(&said);
        let found = matches(&line, &said, &heard);
        let (p50, worst) = (delay(&found, 0.5), delay(&found, 1.0));
        // Where something was cut out or put in, a window looks a little different; nowhere else.
        let odd = found.iter().filter(|found| found.likeness < 0.97).count();
        let share = odd as f64 / found.len() as f64;
        println!(
            "{drift_ppm:+} ppm: {p50:.1} {worst:.1} ms, {odd} of {}",
            found.len()
        );
        assert!(p50 <= 25.0 && worst <= 45.0, "{p50} {worst} ms");
        assert!(share < 0.02, "{odd} of {}", found.len());
    }
}
