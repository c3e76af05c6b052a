//! How losses lie in a stream: one by one, or together (RFC 3611 §4.7.2).

/// Packets received in a row that end a burst (RFC 3611 §4.7.2).
pub const GMIN: u8 = 16;

/// Tells bursts from gaps.
///
/// A burst begins and ends with a missing packet, has at least two, and fewer than [`GMIN`]
/// received ones between any two; all else is gap. A packet that came too late to be played counts
/// as missing, as it does for who listens. It is told of losses only: a stream without any costs
/// nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bursts {
    done: LossPattern,
    /// From the first to the last missing packet of what may be a burst.
    cluster: Cluster,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cluster {
    packets: u64,
    missing: u64,
}

/// How the losses of a stream lay, from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LossPattern {
    /// Packets played.
    pub played: u64,
    /// Packets missing when they were to be played.
    pub missing: u64,
    /// Runs of missing packets, of any length.
    pub runs: u64,
    /// Bursts.
    pub bursts: u64,
    /// Packets in bursts, missing or not.
    pub burst_packets: u64,
    /// Of these the missing ones.
    pub burst_missing: u64,
}

impl Bursts {
    /// No losses yet.
    pub fn new() -> Bursts {
        Bursts::default()
    }

    /// `missing` packets are not there when they are to be played, after `played` others since the
    /// beginning.
    pub fn lost(&mut self, missing: u32, played: u64) {
        let since = played.saturating_sub(self.done.played);
        if self.cluster.packets == 0 || since >= u64::from(GMIN) {
            self.cluster.close(&mut self.done);
        } else {
            self.cluster.packets += since;
        }
        self.cluster.packets += u64::from(missing);
        self.cluster.missing += u64::from(missing);
        self.done.missing += u64::from(missing);
        self.done.runs += 1;
        self.done.played = self.done.played.max(played);
    }

    /// All so far, when `played` packets have been played; what is going on counts as if it ended
    /// here.
    pub fn pattern(&self, played: u64) -> LossPattern {
        let (mut cluster, mut done) = (self.cluster, self.done);
        cluster.close(&mut done);
        done.played = done.played.max(played);
        done
    }
}

impl Cluster {
    fn close(&mut self, into: &mut LossPattern) {
        let Cluster { packets, missing } = std::mem::take(self);
        if missing > 1 {
            into.bursts += 1;
            into.burst_packets += packets;
            into.burst_missing += missing;
        }
    }
}

impl LossPattern {
    /// How much longer the runs of losses are than chance would make them at this rate: BurstR of
    /// ITU-T G.107 §7.4, at least 1, which is chance.
    pub fn burst_ratio(&self) -> f32 {
        let all = self.played + self.missing;
        if self.runs == 0 || all == 0 {
            return 1.0;
        }
        let run = self.missing as f32 / self.runs as f32;
        let share = self.missing as f32 / all as f32;
        (run * (1.0 - share)).max(1.0)
    }

    /// Share of missing packets within bursts, in 256ths.
    pub fn burst_density(&self) -> u8 {
        in_256ths(self.burst_missing, self.burst_packets)
    }

    /// Share of missing packets within gaps, in 256ths.
    pub fn gap_density(&self) -> u8 {
        in_256ths(self.missing - self.burst_missing, self.gap_packets())
    }

    /// Mean length of a burst in packets.
    pub fn burst_length(&self) -> u64 {
        self.burst_packets / self.bursts.max(1)
    }

    /// Mean length of a gap in packets; there is one before each burst and one after the last.
    pub fn gap_length(&self) -> u64 {
        self.gap_packets() / (self.bursts + 1)
    }

    fn gap_packets(&self) -> u64 {
        (self.played + self.missing).saturating_sub(self.burst_packets)
    }
}

/// A share as reports carry it; all of it is 255.
pub fn in_256ths(part: u64, whole: u64) -> u8 {
    match whole {
        0 => 0,
        whole => (part.saturating_mul(256) / whole).min(255) as u8,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pattern of a stream written as `x` (played) and `-` (missing), which ends with an `x`.
    fn of(stream: &str) -> LossPattern {
        let (mut bursts, mut missing, mut played) = (Bursts::new(), 0, 0);
        for packet in stream.chars() {
            if packet == '-' {
                missing += 1;
                continue;
            }
            if missing > 0 {
                bursts.lost(std::mem::take(&mut missing), played);
            }
            played += 1;
        }
        bursts.pattern(played)
    }

    #[test]
    fn losses_far_from_each_other_are_no_burst() {
        let pattern = of(&format!("x-{0}-{0}", "x".repeat(16)));
        assert_eq!((pattern.bursts, pattern.missing, pattern.runs), (0, 2, 2));
        assert_eq!(pattern.burst_density(), 0);
        assert_eq!(pattern.gap_density(), (2 * 256 / 35) as u8);
        assert_eq!(pattern.gap_length(), 35);
    }

    #[test]
    fn losses_with_fewer_than_sixteen_packets_between_them_are_one_burst() {
        let pattern = of(&format!("xxxx-{}--{}", "x".repeat(15), "x".repeat(20)));
        assert_eq!(pattern.bursts, 1);
        assert_eq!((pattern.burst_packets, pattern.burst_missing), (18, 3));
        assert_eq!(pattern.burst_length(), 18);
        assert_eq!(pattern.gap_length(), 12);
        assert_eq!(pattern.gap_density(), 0);
    }

    #[test]
    fn chance_has_a_ratio_of_one_and_runs_a_greater_one() {
        assert_eq!(of(&"x".repeat(50)).burst_ratio(), 1.0);
        let single = of(&format!("{}-x", "x".repeat(98)));
        assert_eq!(single.burst_ratio(), 1.0);
        let together = of(&format!("{}-----x", "x".repeat(94)));
        assert!((together.burst_ratio() - 4.75).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn nothing_is_counted_twice(stream in "[x-]{0,400}") {
            let stream = stream + "x";
            let pattern = of(&stream);
            let missing = stream.matches('-').count() as u64;
            prop_assert_eq!(pattern.missing, missing);
            prop_assert_eq!(pattern.played, stream.len() as u64 - missing);
            prop_assert!(pattern.burst_missing <= pattern.missing);
            prop_assert!(pattern.burst_packets <= stream.len() as u64);
            prop_assert!(pattern.burst_missing >= 2 * pattern.bursts);
            prop_assert!(pattern.burst_ratio() >= 1.0);
        }
    }
}
