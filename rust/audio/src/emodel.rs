//! What people would think of a line: the E-model (ITU-T G.107), simplified.
//!
//! The transmission rating R begins at what the codec's bandwidth gives and loses what the codec,
//! losses and delay take. All that G.107 knows of telephones and rooms is at its default. There is
//! one scale for all codecs: a narrowband line begins at 93.2 (G.107), a wideband one at 129
//! (G.107.1), where a narrowband line would keep its 93.2. MOS ends at 4.5, which is R = 100; so a
//! wideband line counts as perfect until loss or delay have taken what wideband has added.

/// R of a narrowband line with nothing wrong (ITU-T G.107 §7.7).
const NARROWBAND: f32 = 93.2;
/// R of a wideband line with nothing wrong (ITU-T G.107.1).
const WIDEBAND: f32 = 129.0;
/// R that a line without any speech has lost: the most that losses can take (ITU-T G.107 §7.4).
const ALL: f32 = 95.0;

/// What a codec does to speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impairment {
    /// R of a line with nothing wrong at the codec's bandwidth.
    best: f32,
    /// What coding takes of R: Ie, or Ie,WB for wideband.
    equipment: f32,
    /// How well losses are hidden: Bpl, the loss in percent that takes half of the rest.
    robustness: f32,
}

impl Impairment {
    /// G.711 with concealment (ITU-T G.113 appendix I).
    pub const G711: Impairment = Impairment::narrowband(0.0, 25.1);

    /// Of a codec at 8 kHz: Ie and Bpl. What G.113 doesn't list is an estimate; nobody has published
    /// a Bpl of G.722 with concealment such as ours, or any figures of Opus on this scale.
    pub const fn narrowband(equipment: f32, robustness: f32) -> Impairment {
        Impairment {
            best: NARROWBAND,
            equipment,
            robustness,
        }
    }

    /// Of a codec at 16 kHz and more: Ie,WB and Bpl.
    pub const fn wideband(equipment: f32, robustness: f32) -> Impairment {
        Impairment {
            best: WIDEBAND,
            equipment,
            robustness,
        }
    }
}

/// What a line does to speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Share of packets that were not there to be played, lost or too late, 0.0–1.0.
    pub missing: f32,
    /// How much longer runs of losses are than by chance, at least 1 (BurstR, ITU-T G.107 §7.4).
    pub burst_ratio: f32,
    /// From mouth to ear in milliseconds.
    pub delay_ms: f32,
}

/// The transmission rating R of a line: above 90 all are content, below 60 nearly nobody (ITU-T
/// G.107 annex B). At least 0, at most 129.
pub fn rating(impairment: Impairment, line: &Line) -> f32 {
    let percent = 100.0 * line.missing.clamp(0.0, 1.0);
    let ratio = line.burst_ratio.max(1.0);
    let lost = (ALL - impairment.equipment) * percent
        / (percent / ratio + impairment.robustness).max(f32::EPSILON);
    // BurstR holds for losses of a few percent; beyond them it must not take more than all.
    let lost = lost.min(ALL);
    let rating = impairment.best - impairment.equipment - lost - delay_impairment(line.delay_ms);
    rating.clamp(0.0, WIDEBAND)
}

/// What delay takes of R with G.107's default echo: a little from the start, and more from 177 ms
/// on, where people begin to talk at the same time (R. G. Cole and J. H. Rosenbluth, 2001).
fn delay_impairment(ms: f32) -> f32 {
    let ms = ms.max(0.0);
    0.024 * ms + 0.11 * (ms - 177.3).max(0.0)
}

/// The mean opinion score that belongs to a rating: 1.0 to 4.5 (ITU-T G.107 annex B).
pub fn mos(rating: f32) -> f32 {
    let r = rating.clamp(0.0, 100.0);
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    // Near zero the formula dips below its own end.
    mos.clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(percent: f32, burst_ratio: f32, delay_ms: f32) -> Line {
        Line {
            missing: percent / 100.0,
            burst_ratio,
            delay_ms,
        }
    }

    fn narrowband(line: Line) -> f32 {
        rating(Impairment::G711, &line)
    }

    #[test]
    fn a_clean_line_with_g711_has_the_rating_of_g107() {
        let rating = narrowband(line(0.0, 1.0, 0.0));
        assert_eq!(rating, 93.2);
        assert!((mos(rating) - 4.41).abs() < 0.01);
    }

    #[test]
    fn the_scores_are_those_of_annex_b() {
        for (rating, score) in [
            (90.0, 4.34),
            (80.0, 4.03),
            (70.0, 3.60),
            (60.0, 3.10),
            (50.0, 2.58),
        ] {
            assert!(
                (mos(rating) - score).abs() < 0.01,
                "{rating}: {}",
                mos(rating)
            );
        }
        assert_eq!(
            (mos(0.0), mos(-5.0), mos(100.0), mos(129.0)),
            (1.0, 1.0, 4.5, 4.5)
        );
    }

    #[test]
    fn loss_takes_more_when_it_comes_in_bursts() {
        let scattered = narrowband(line(3.0, 1.0, 0.0));
        assert!((scattered - (93.2 - 95.0 * 3.0 / 28.1)).abs() < 0.01);
        assert!(narrowband(line(3.0, 4.0, 0.0)) < scattered);
    }

    #[test]
    fn delay_hardly_counts_below_177_ms_and_counts_much_above() {
        let drop = |from, to| narrowband(line(0.0, 1.0, from)) - narrowband(line(0.0, 1.0, to));
        assert!((drop(0.0, 150.0) - 3.6).abs() < 0.01);
        assert!(drop(200.0, 400.0) > 20.0);
    }

    #[test]
    fn a_wideband_line_is_perfect_until_loss_has_taken_what_wideband_added() {
        let wide = Impairment::wideband(13.0, 15.0);
        assert_eq!(rating(wide, &line(0.0, 1.0, 0.0)), 116.0);
        assert_eq!(mos(rating(wide, &line(2.0, 1.0, 50.0))), 4.5);
        assert!(mos(rating(wide, &line(20.0, 1.0, 50.0))) < 4.0);
    }

    proptest! {
        #[test]
        fn worse_lines_never_score_better(
            missing in 0.0..1.0f32, more in 0.0..0.5f32,
            ratio in 1.0..20.0f32, delay in 0.0..2000.0f32, later in 0.0..500.0f32,
        ) {
            let score = |missing, delay_ms| {
                mos(narrowband(Line { missing, burst_ratio: ratio, delay_ms }))
            };
            let good = score(missing, delay);
            prop_assert!((1.0..=4.5).contains(&good));
            prop_assert!(score(missing + more, delay) <= good + 1e-4);
            prop_assert!(score(missing, delay + later) <= good + 1e-4);
        }
    }
}
