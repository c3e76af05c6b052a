//! What a telephone network tells its callers, as in several countries (ITU-T E.180 supplement 2).

use super::{Part, Pattern};

/// Level of a single sine, and of each of two that sound together, in dBov (RMS).
const ONE: i8 = -22;
const TWO: i8 = -25;

/// The tones of one country.
#[derive(Debug)]
pub struct Country {
    /// Two letters, as in `busy:us`.
    pub name: &'static str,
    /// Dial now.
    pub dial: Pattern,
    /// The far end rings.
    pub ringback: Pattern,
    /// The far end is busy.
    pub busy: Pattern,
    /// The network can't take the call; also called reorder.
    pub congestion: Pattern,
    /// Somebody else calls meanwhile.
    pub waiting: Pattern,
    /// A recorded announcement follows: the number is wrong, or not in use.
    pub special: Pattern,
}

/// Every country whose tones we know. `eu` is what most of Europe has; `de` is the same.
pub static COUNTRIES: &[Country] = &[EU, US, UK, FR, IT, JP, AU];

/// The tone of this name (`dial`, `ringback`, `busy`, `congestion` or `reorder`, `waiting`,
/// `special`) in this country.
pub fn of(country: &str, name: &str) -> Option<&'static Pattern> {
    let country = if country == "de" { "eu" } else { country };
    let country = COUNTRIES.iter().find(|known| known.name == country)?;
    Some(match name {
        "dial" => &country.dial,
        "ringback" => &country.ringback,
        "busy" => &country.busy,
        "congestion" | "reorder" => &country.congestion,
        "waiting" => &country.waiting,
        "special" => &country.special,
        _ => return None,
    })
}

const fn one(hz: f32, ms: u32) -> Part {
    Part::sine(hz, ONE, ms)
}

const fn two(low: f32, high: f32, ms: u32) -> Part {
    Part::dual(low, high, TWO, ms)
}

const fn off(ms: u32) -> Part {
    Part::pause(ms)
}

/// The three rising tones, everywhere but in America, where they are a little lower.
const SPECIAL: Pattern = Pattern::forever(&[
    one(950.0, 330),
    one(1_400.0, 330),
    one(1_800.0, 330),
    off(1_000),
]);

const EU: Country = Country {
    name: "eu",
    dial: super::DIAL,
    ringback: super::RINGBACK,
    busy: super::BUSY,
    congestion: super::CONGESTION,
    waiting: Pattern::forever(&[one(425.0, 200), off(200), one(425.0, 200), off(5_000)]),
    special: SPECIAL,
};

const US: Country = Country {
    name: "us",
    dial: Pattern::forever(&[two(350.0, 440.0, 1_000)]),
    ringback: Pattern::forever(&[two(440.0, 480.0, 2_000), off(4_000)]),
    busy: Pattern::forever(&[two(480.0, 620.0, 500), off(500)]),
    congestion: Pattern::forever(&[two(480.0, 620.0, 250), off(250)]),
    waiting: Pattern::forever(&[one(440.0, 300), off(10_000)]),
    special: Pattern::forever(&[
        one(913.8, 274),
        one(1_370.6, 274),
        one(1_776.7, 380),
        off(1_000),
    ]),
};

const UK: Country = Country {
    name: "uk",
    dial: Pattern::forever(&[two(350.0, 440.0, 1_000)]),
    ringback: Pattern::forever(&[
        two(400.0, 450.0, 400),
        off(200),
        two(400.0, 450.0, 400),
        off(2_000),
    ]),
    busy: Pattern::forever(&[one(400.0, 375), off(375)]),
    congestion: Pattern::forever(&[one(400.0, 400), off(350), one(400.0, 225), off(525)]),
    waiting: Pattern::forever(&[one(400.0, 100), off(2_500)]),
    special: SPECIAL,
};

const FR: Country = Country {
    name: "fr",
    dial: Pattern::forever(&[one(440.0, 1_000)]),
    ringback: Pattern::forever(&[one(440.0, 1_500), off(3_500)]),
    busy: Pattern::forever(&[one(440.0, 500), off(500)]),
    congestion: Pattern::forever(&[one(440.0, 250), off(250)]),
    waiting: Pattern::forever(&[one(440.0, 300), off(10_000)]),
    special: SPECIAL,
};

const IT: Country = Country {
    name: "it",
    dial: Pattern::forever(&[one(425.0, 200), off(200), one(425.0, 600), off(1_000)]),
    ringback: super::RINGBACK,
    busy: Pattern::forever(&[one(425.0, 500), off(500)]),
    congestion: Pattern::forever(&[one(425.0, 200), off(200)]),
    waiting: Pattern::forever(&[
        one(425.0, 400),
        off(100),
        one(425.0, 250),
        off(100),
        one(425.0, 150),
        off(14_000),
    ]),
    special: SPECIAL,
};

/// Rings with 400 Hz that wavers at 16 Hz: two sines beside it.
const JP: Country = Country {
    name: "jp",
    dial: Pattern::forever(&[one(400.0, 1_000)]),
    ringback: Pattern::forever(&[two(392.0, 408.0, 1_000), off(2_000)]),
    busy: Pattern::forever(&[one(400.0, 500), off(500)]),
    congestion: Pattern::forever(&[one(400.0, 500), off(500)]),
    waiting: Pattern::forever(&[one(400.0, 50), off(450), one(400.0, 50), off(3_450)]),
    special: SPECIAL,
};

/// 425 Hz that wavers at 25 Hz.
const AU: Country = Country {
    name: "au",
    dial: Pattern::forever(&[two(413.0, 438.0, 1_000)]),
    ringback: Pattern::forever(&[
        two(413.0, 438.0, 400),
        off(200),
        two(413.0, 438.0, 400),
        off(2_000),
    ]),
    busy: Pattern::forever(&[one(425.0, 375), off(375)]),
    congestion: Pattern::forever(&[one(425.0, 375), off(375), one(415.0, 375), off(375)]),
    waiting: Pattern::forever(&[one(425.0, 200), off(200), one(425.0, 200), off(4_400)]),
    special: SPECIAL,
};
