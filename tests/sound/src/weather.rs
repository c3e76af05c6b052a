//! What the network does to packets.

/// A small random generator, so that a seed gives the same run everywhere.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// Uniform in 0..1.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The network for a while.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Of each packet, 0 to 1.
    pub loss: f64,
    /// Each packet is delayed by something between nothing and this, in ms, whatever happens to
    /// its neighbours: more than the packet time reorders.
    pub jitter_ms: f64,
    /// How many come twice, 0 to 1.
    pub doubled: f64,
}

impl Weather {
    /// Nothing happens.
    pub const CLEAN: Weather = Weather {
        loss: 0.0,
        jitter_ms: 0.0,
        doubled: 0.0,
    };
    /// What a bad line does.
    pub const BAD: Weather = Weather {
        loss: 0.05,
        jitter_ms: 60.0,
        doubled: 0.01,
    };

    /// When, in ms, a packet arrives that leaves at `left`: never, once or twice.
    pub fn arrivals(&self, left: f64, random: &mut Random) -> impl Iterator<Item = f64> {
        let arrives = random.uniform() >= self.loss;
        let first = arrives.then(|| left + random.uniform() * self.jitter_ms);
        let copy =
            (random.uniform() < self.doubled).then(|| left + random.uniform() * self.jitter_ms);
        first.into_iter().chain(copy.filter(move |_| arrives))
    }
}
