//! Whose turn it is to offer and to answer, and the versions of descriptions.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Law;
use super::message::Message;

/// A transaction within a dialog: its branch and method, and who asked.
type Key = (String, String, bool);

#[derive(Debug)]
struct Open {
    by_us: bool,
    key: Key,
}

#[derive(Debug, Default)]
struct InviteBody {
    /// The INVITE carried the offer.
    offered: bool,
    /// A reliable provisional response has settled it.
    settled: bool,
    /// The answer that unreliable responses showed in advance.
    preview: Option<Bytes>,
}

/// The exchanges of one dialog, as one side sees them.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    open: Option<Open>,
    invites: BTreeMap<Key, InviteBody>,
    /// Offers of the peer that came when one was open: they must be refused.
    refuse: BTreeSet<Key>,
    ours: Versions,
}

impl Exchange {
    /// A message goes by for the first time; what is wrong with its description, if it is ours.
    pub fn carry(&mut self, ours: bool, message: &Message) -> Option<(Law, String)> {
        let wrong = match message.is_request() {
            true => self.request(ours, message),
            false => self.response(ours, message),
        };
        if !ours {
            return None;
        }
        let wrong = wrong.map(|wrong| (Law::OfferAnswer, format!("{}: {wrong}", message.name())));
        let version = message.description().and_then(|d| self.ours.check(d));
        wrong.or(version.map(|wrong| (Law::Version, format!("{}: {wrong}", message.name()))))
    }

    /// Whether our ACK to a 2xx that offers left that offer without an answer.
    pub fn owes_answer(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.by_us)
    }

    fn request(&mut self, ours: bool, message: &Message) -> Option<&'static str> {
        let has_body = message.description().is_some();
        let key = (message.branch.clone(), message.method.clone(), ours);
        match message.method.as_str() {
            "INVITE" => {
                let body = InviteBody {
                    offered: has_body,
                    ..Default::default()
                };
                self.invites.insert(key.clone(), body);
                has_body.then(|| self.offer(ours, key)).flatten()
            }
            "UPDATE" => has_body.then(|| self.offer(ours, key)).flatten(),
            "PRACK" => match (&self.open, has_body) {
                (Some(open), true) if open.by_us != ours && open.key.1 == "INVITE" => {
                    self.open = None;
                    None
                }
                (Some(open), false) if open.by_us != ours && open.key.1 == "INVITE" => {
                    Some("the offer in the reliable response gets no answer")
                }
                (_, true) => self.offer(ours, key),
                (_, false) => None,
            },
            // It answers what its 2xx offered and nothing else: an UPDATE that has overtaken it
            // waits for a response of its own (RFC 3311 §5.2).
            "ACK" => {
                let answers = |open: &Open| open.by_us != ours && open.key.1 == "INVITE";
                match (self.open.as_ref().is_some_and(answers), has_body) {
                    (true, true) => {
                        self.open = None;
                        None
                    }
                    (false, true) => Some("an answer to no offer"),
                    // The peer had no answer, and will end the call.
                    (true, false) if !ours => {
                        self.open = None;
                        None
                    }
                    (_, false) => None,
                }
            }
            _ => None,
        }
    }

    fn offer(&mut self, ours: bool, key: Key) -> Option<&'static str> {
        if self.open.is_none() {
            self.open = Some(Open { by_us: ours, key });
            return None;
        }
        if !ours {
            self.refuse.insert(key);
        }
        Some("an offer while one is open")
    }

    fn response(&mut self, ours: bool, message: &Message) -> Option<&'static str> {
        let status = message.status.unwrap_or_default();
        let key = (message.branch.clone(), message.method.clone(), !ours);
        let body = message.description();
        let concerns_open = self.open.as_ref().is_some_and(|open| open.key == key);
        if status >= 300 {
            self.refuse.remove(&key);
            if concerns_open {
                self.open = None;
                self.ours.refused = true;
            }
            return None;
        }
        if status >= 200 && self.refuse.contains(&key) {
            return Some("an offer is accepted while another is open");
        }
        if message.method != "INVITE" {
            return match (status >= 200, concerns_open, body) {
                (true, true, Some(_)) => {
                    self.open = None;
                    None
                }
                (true, true, None) => Some("the offer gets no answer"),
                (true, false, Some(_)) if matches!(message.method.as_str(), "UPDATE" | "PRACK") => {
                    Some("an answer to no offer")
                }
                _ => None,
            };
        }
        let is_reliable = status >= 200 || message.rseq().is_some();
        let invite = self.invites.entry(key.clone()).or_default();
        match (invite.offered, invite.settled, body) {
            (true, false, Some(body)) if !is_reliable => {
                let differs = invite.preview.as_ref().is_some_and(|p| p != body);
                invite.preview = Some(body.clone());
                differs.then_some("an early answer differs from the last")
            }
            (true, false, Some(body)) => {
                invite.settled = true;
                let differs = invite.preview.as_ref().is_some_and(|p| p != body);
                self.open = None;
                differs.then_some("the answer differs from the early one")
            }
            (true, false, None) => (status >= 200).then_some("the offer gets no answer"),
            (false, false, Some(_)) if !is_reliable => {
                Some("an offer in a response that may get lost")
            }
            (false, false, Some(_)) => {
                invite.settled = true;
                match self.open {
                    None => {
                        self.open = Some(Open { by_us: ours, key });
                        None
                    }
                    Some(_) => Some("an offer while one is open"),
                }
            }
            (false, false, None) => (status >= 200).then_some("no offer at all"),
            (_, true, Some(_)) => Some("a description when all is settled"),
            (_, true, None) => None,
        }
    }
}

/// What the last description of one side was.
#[derive(Debug, Default)]
struct Versions {
    last: Option<(Origin, String)>,
    /// The last one was an offer that the peer refused: how to count then is left open.
    refused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    session: (String, String),
    version: u64,
}

impl Versions {
    fn check(&mut self, description: &Bytes) -> Option<String> {
        let origin = origin(description)?;
        let refused = std::mem::take(&mut self.refused);
        let said = String::from_utf8_lossy(description);
        let lines = said.lines().filter(|line| !line.starts_with("o="));
        let said = lines.collect::<Vec<_>>().join("\n");
        let (last, before) = self.last.replace((origin.clone(), said.clone()))?;
        if last.session != origin.session {
            return Some("the session in o= is another".to_owned());
        }
        let expected = last.version + u64::from(before != said);
        let is_right = origin.version == expected
            || (refused && origin.version + 1 >= expected && origin.version <= expected);
        (!is_right).then(|| format!("o= has version {}, not {expected}", origin.version))
    }
}

/// The o= line; markers that stand for descriptions have none.
fn origin(description: &[u8]) -> Option<Origin> {
    let text = std::str::from_utf8(description).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("o="))?;
    let mut words = line.split(' ');
    let (user, id, version) = (words.next()?, words.next()?, words.next()?);
    Some(Origin {
        session: (user.to_owned(), id.to_owned()),
        version: version.parse().ok()?,
    })
}
