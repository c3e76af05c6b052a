//! The delay line.

use proptest::prelude::*;
use sems_audio::{DelayLine, Rate};

proptest! {
    #[test]
    fn what_goes_in_comes_out_so_much_later_to_the_sample(
        milliseconds in 1u32..=300,
        rate in prop::sample::select(&Rate::ALL[..]),
        frames in 1usize..40,
    ) {
        let mut line = DelayLine::new(milliseconds);
        line.set_rate(rate);
        let said: Vec<i16> = (0..frames * rate.frame()).map(|at| (at % 30_011) as i16 + 1).collect();
        let mut heard = Vec::new();
        let mut out = vec![0; rate.frame()];
        for frame in said.chunks(rate.frame()) {
            line.pass(Some(frame), &mut out);
            heard.extend_from_slice(&out);
            prop_assert!(!line.is_silent());
        }
        while !line.is_silent() {
            line.pass(None, &mut out);
            heard.extend_from_slice(&out);
        }
        let later = milliseconds as usize * rate.hz() as usize / 1000;
        prop_assert!(heard[..later].iter().all(|sample| *sample == 0));
        prop_assert_eq!(&heard[later..later + said.len()], &said[..]);
        prop_assert!(heard[later + said.len()..].iter().all(|sample| *sample == 0));
    }
}

#[test]
fn a_line_that_changes_its_rate_begins_with_silence() {
    let mut line = DelayLine::new(40);
    let mut out = [1; Rate::LONGEST_FRAME];
    for rate in [Rate::Narrow, Rate::Full, Rate::Wide] {
        line.set_rate(rate);
        assert!(line.is_silent());
        let out = &mut out[..rate.frame()];
        for _ in 0..2 {
            line.pass(Some(&[1000; Rate::LONGEST_FRAME][..rate.frame()]), out);
            assert!(out.iter().all(|sample| *sample == 0));
        }
        line.pass(None, out);
        assert!(out.iter().all(|sample| *sample == 1000));
    }
}

#[test]
fn delays_that_are_out_of_bounds_are_the_next_that_is_not() {
    for (asked, got) in [(0, 1), (20_000, DelayLine::LONGEST)] {
        let mut line = DelayLine::new(asked);
        line.set_rate(Rate::Narrow);
        let mut out = [0; 8];
        line.pass(Some(&[7; 8]), &mut out);
        let mut passed = 1;
        while out != [7; 8] {
            line.pass(None, &mut out);
            passed += 1;
        }
        assert_eq!(passed, got + 1);
    }
}
