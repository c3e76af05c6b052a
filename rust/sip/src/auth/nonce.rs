//! Nonces that tell by themselves when and for whom they were made, and which answers to them
//! have been given.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::digest::hex;

/// Nonces whose answers are remembered at a time. When more are in use the oldest become stale.
const MAX_USED: usize = 16_384;
const MAC_LEN: usize = 16;

/// What makes a nonce one of a kind: seconds since the user agent began, and a random number. The
/// order is that of age.
type Stamp = [u8; 8];

/// The nonces of one user agent. Nothing is kept of one until it has been answered rightly.
#[derive(Debug)]
pub(super) struct Nonces {
    key: [u8; 32],
    /// Lifetime in seconds.
    lifetime: u32,
    used: BTreeMap<Stamp, Window>,
    /// The youngest nonce that was forgotten while it was still young enough.
    forgotten: Option<Stamp>,
}

impl Nonces {
    pub(super) fn new(key: [u8; 32], lifetime: u32) -> Self {
        Self {
            key,
            lifetime,
            used: BTreeMap::new(),
            forgotten: None,
        }
    }

    /// A nonce made at `now` (in seconds) for a peer at `source`.
    pub(super) fn make(&self, now: u32, random: u32, source: IpAddr) -> String {
        let [a, b] = [now, random].map(u32::to_be_bytes);
        let mut stamp: Stamp = [0; 8];
        stamp[..4].copy_from_slice(&a);
        stamp[4..].copy_from_slice(&b);
        hex(&stamp) + &hex(&self.mac(&stamp, source))
    }

    /// The stamp of a nonce that is ours, was made for this peer, and is not too old.
    pub(super) fn check(&self, now: u32, nonce: &str, source: IpAddr) -> Option<Stamp> {
        let bytes = unhex::<{ 8 + MAC_LEN }>(nonce)?;
        let (stamp, mac) = bytes.split_first_chunk::<8>()?;
        let made = u32::from_be_bytes(*stamp.first_chunk()?);
        let is_ours = same(mac, &self.mac(stamp, source));
        let is_young = made <= now && now - made < self.lifetime;
        let is_known = self.forgotten.is_none_or(|forgotten| *stamp > forgotten);
        (is_ours && is_young && is_known).then_some(*stamp)
    }

    /// Notes an answer with this nonce count (`None`: RFC 2069's, which has none); `false` when it
    /// was given before.
    pub(super) fn take(&mut self, now: u32, stamp: Stamp, count: Option<u32>) -> bool {
        while let Some(oldest) = self.used.first_entry() {
            let made = oldest
                .key()
                .first_chunk()
                .copied()
                .map_or(0, u32::from_be_bytes);
            let is_over = now.saturating_sub(made) >= self.lifetime;
            if !is_over && (self.used.len() < MAX_USED || self.used.contains_key(&stamp)) {
                break;
            }
            let oldest = self.used.pop_first().map(|(stamp, _)| stamp);
            if !is_over {
                self.forgotten = self.forgotten.max(oldest);
                if oldest >= Some(stamp) {
                    return false;
                }
            }
        }
        self.used.entry(stamp).or_default().take(count)
    }

    fn mac(&self, stamp: &Stamp, source: IpAddr) -> [u8; MAC_LEN] {
        // A key of any length will do.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return [0; MAC_LEN];
        };
        mac.update(stamp);
        match source.to_canonical() {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        let mut short = [0; MAC_LEN];
        short.copy_from_slice(&mac.finalize().into_bytes()[..MAC_LEN]);
        short
    }
}

/// Which nonce counts were used: the highest, and those up to 63 before it, since requests
/// overtake each other.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    highest: u32,
    /// Bit n: `highest - n` was used.
    seen: u64,
}

impl Window {
    fn take(&mut self, count: Option<u32>) -> bool {
        let Some(count) = count else {
            // Good for one answer, and for none with a count after it.
            let is_first = self.seen == 0;
            *self = Self {
                highest: u32::MAX,
                seen: u64::MAX,
            };
            return is_first;
        };
        if count > self.highest {
            let moved = count - self.highest;
            self.seen = self.seen.checked_shl(moved).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        let bit = 1u64.checked_shl(behind).unwrap_or(0);
        let is_new = bit != 0 && self.seen & bit == 0 && count > 0;
        self.seen |= bit;
        is_new
    }
}

/// Whether two texts are the same, in a time that doesn't tell where they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |d: u8| char::from(d).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn nonces() -> Nonces {
        Nonces::new([7; 32], 300)
    }

    #[test]
    fn a_nonce_is_good_for_its_lifetime_and_for_whom_it_was_made() {
        let nonces = nonces();
        let nonce = nonces.make(1000, 5, PEER);
        assert!(nonces.check(1000, &nonce, PEER).is_some());
        assert!(nonces.check(1299, &nonce, PEER).is_some());
        assert!(nonces.check(1300, &nonce, PEER).is_none());
        assert!(nonces.check(999, &nonce, PEER).is_none());
        let other = "192.0.2.2".parse().unwrap();
        assert!(nonces.check(1000, &nonce, other).is_none());
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert!(nonces.check(1000, &nonce, mapped).is_some());
    }

    #[test]
    fn a_nonce_that_somebody_else_made_is_none() {
        let nonces = nonces();
        let other = Nonces::new([8; 32], 300).make(1000, 5, PEER);
        assert!(nonces.check(1000, &other, PEER).is_none());
        let mut changed = nonces.make(1000, 5, PEER);
        changed.replace_range(..8, "000003e9");
        for nonce in [changed.as_str(), "", "zz", &"0".repeat(48), &"é".repeat(24)] {
            assert!(nonces.check(1001, nonce, PEER).is_none(), "{nonce:?}");
        }
    }

    #[test]
    fn each_count_counts_once_also_when_requests_overtake_each_other() {
        let mut nonces = nonces();
        let stamp = [1; 8];
        for count in [1, 3, 2, 70, 8] {
            assert!(nonces.take(0, stamp, Some(count)), "{count}");
        }
        for count in [0, 1, 2, 3, 6, 8, 70] {
            assert!(!nonces.take(0, stamp, Some(count)), "{count}");
        }
        assert!(nonces.take(0, stamp, Some(u32::MAX)));
        assert!(!nonces.take(0, stamp, Some(u32::MAX)));
    }

    #[test]
    fn without_a_count_a_nonce_is_good_for_one_answer() {
        let mut nonces = nonces();
        assert!(nonces.take(0, [1; 8], None));
        assert!(!nonces.take(0, [1; 8], None));
        assert!(!nonces.take(0, [1; 8], Some(7)));
        assert!(nonces.take(0, [2; 8], Some(1)));
        assert!(!nonces.take(0, [2; 8], None));
    }

    #[test]
    fn what_is_remembered_has_a_limit_and_what_is_forgotten_is_stale() {
        let mut nonces = nonces();
        let now = 100;
        let stamp_of = |nonces: &Nonces, random| {
            let nonce = nonces.make(now, random, PEER);
            let stamp = nonces.check(now, &nonce, PEER).unwrap();
            (nonce, stamp)
        };
        let (first, stamp) = stamp_of(&nonces, 0);
        assert!(nonces.take(now, stamp, Some(1)));
        for random in 1..=MAX_USED as u32 {
            let (_, stamp) = stamp_of(&nonces, random);
            assert!(nonces.take(now, stamp, Some(1)));
        }
        assert_eq!(nonces.used.len(), MAX_USED);
        assert!(nonces.check(now, &first, PEER).is_none());
        // In time they go by themselves.
        let later = now + 300;
        let nonce = nonces.make(later, 1, PEER);
        let stamp = nonces.check(later, &nonce, PEER).unwrap();
        assert!(nonces.take(later, stamp, Some(1)));
        assert_eq!(nonces.used.len(), 1);
    }
}
