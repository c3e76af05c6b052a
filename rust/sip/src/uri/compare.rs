//! When two SIP URIs name the same resource (RFC 3261 §19.1.4).

use super::SipUri;
use super::escape::{significant, unescape};
use super::sip::find;
use crate::header::Params;

/// The parameters that make a difference when only one of two URIs has them.
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl SipUri {
    /// Whether both name the same resource (RFC 3261 §19.1.4).
    pub fn equivalent(&self, other: &Self) -> bool {
        self.is_secure() == other.is_secure()
            && same_text(self.raw_user(), other.raw_user())
            && same_text(self.raw_password(), other.raw_password())
            && self.host().equivalent(&other.host())
            && self.port() == other.port()
            && agrees(self.raw_params(), other.raw_params())
            && agrees(other.raw_params(), self.raw_params())
            && self.headers().count() == other.headers().count()
            && has_headers(self, other)
            && has_headers(other, self)
    }
}

/// User parts and passwords: case counts.
fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => significant(a).eq(significant(b)),
        (a, b) => a == b,
    }
}

/// Whether the parameters of `a` don't speak against `b`: equal where both have one, and where `b`
/// lacks it, none of those that are never ignored.
fn agrees(a: &str, b: &str) -> bool {
    let folded = |value| significant(value).map(|(b, reserved)| (b.to_ascii_lowercase(), reserved));
    Params::list(a).all(|(name, _)| {
        let name = unescape(name);
        match (find(a, &name), find(b, &name)) {
            (Some(a), Some(b)) => folded(a).eq(folded(b)),
            _ => !NEVER_IGNORED.iter().any(|n| name.eq_ignore_ascii_case(n)),
        }
    })
}

/// Whether `b` has all headers of `a` with the same values; none is ever ignored.
fn has_headers(a: &SipUri, b: &SipUri) -> bool {
    a.headers().all(|(name, value)| {
        let (name, value) = (unescape(name), unescape(value));
        b.headers()
            .any(|(n, v)| unescape(n).eq_ignore_ascii_case(&name) && unescape(v) == value)
    })
}
