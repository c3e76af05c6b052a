//! Levels in dBov.

mod support;

use sems_audio::{Level, LevelMeter, SILENCE};
use support::sine;

#[test]
fn a_full_scale_square_wave_is_the_overload_point() {
    let square: Vec<i16> = (0..160)
        .map(|n| if n % 8 < 4 { i16::MAX } else { i16::MIN })
        .collect();
    assert_eq!(Level::rms(&square), Level::OVERLOAD);
    assert_eq!(Level::peak(&square), Level::OVERLOAD);
    assert_eq!(Level::rms(&[i16::MIN; 160]), Level::OVERLOAD);
}

#[test]
fn a_full_scale_sine_is_at_minus_three() {
    assert_eq!(Level::rms(&sine(8_000, 1_000.0, -3.01, 160)).dbov(), -3);
    assert_eq!(Level::peak(&sine(8_000, 1_000.0, -3.01, 160)).dbov(), 0);
}

#[test]
fn every_sine_down_to_the_last_bits_is_measured_within_one_db() {
    for dbov in 4..80 {
        let level = Level::rms(&sine(8_000, 1_000.0, -f64::from(dbov), 8_000)).dbov();
        assert!((level + dbov).abs() <= 1, "-{dbov} was measured as {level}");
    }
}

#[test]
fn silence_and_nothing_at_all_are_minus_127() {
    assert_eq!(Level::rms(&SILENCE), Level::SILENCE);
    assert_eq!(Level::rms(&[]), Level::SILENCE);
    assert_eq!(Level::peak(&SILENCE), Level::SILENCE);
    assert_eq!(Level::peak(&[]), Level::SILENCE);
}

#[test]
fn levels_out_of_range_are_limited() {
    assert_eq!(Level::from_dbov(5).dbov(), 0);
    assert_eq!(Level::from_dbov(-128).dbov(), -127);
    assert_eq!(Level::from_dbov(-20).dbov(), -20);
}

#[test]
fn the_meter_rises_at_once_and_falls_by_fifty_db_a_second() {
    let mut meter = LevelMeter::new();
    assert_eq!(meter.push(Level::from_dbov(-20)).dbov(), -20);
    for tick in 1..=50 {
        assert_eq!(meter.push(Level::SILENCE).dbov(), -20 - tick);
    }
    for _ in 0..200 {
        meter.push(Level::SILENCE);
    }
    assert_eq!(meter.level(), Level::SILENCE);
}
