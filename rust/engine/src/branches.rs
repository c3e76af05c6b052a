//! The branches of a forked call that we place: each answers our offer, or makes one, for itself.

use sems_sdp::OfferAnswer;
use sems_sip::Text;

/// Branches whose answers are remembered; a fork is rarely wider.
const MAX_OTHERS: usize = 16;

/// What the branches of a call have said until one of them takes it. Branches are told apart by
/// their To tags.
pub(crate) struct Branches {
    /// The exchange as our INVITE left it.
    first: OfferAnswer,
    /// The branch whose exchange is in force: the last to speak.
    current: Option<Text>,
    others: Vec<(Text, OfferAnswer)>,
}

impl Branches {
    pub(crate) fn new(first: OfferAnswer) -> Self {
        Self {
            first,
            current: None,
            others: Vec::new(),
        }
    }

    /// Whether our INVITE carried an offer.
    pub(crate) fn have_offer(&self) -> bool {
        self.first.awaits_answer()
    }

    /// Puts the exchange with this branch in force; whether it was another one before.
    pub(crate) fn turn_to(&mut self, tag: Text, exchange: &mut OfferAnswer) -> bool {
        if self.current.as_ref() == Some(&tag) {
            return false;
        }
        let known = self.others.iter().position(|(other, _)| *other == tag);
        let next = match known {
            Some(at) => self.others.swap_remove(at).1,
            None => self.first.clone(),
        };
        let before = std::mem::replace(exchange, next);
        if let Some(other) = self.current.replace(tag) {
            if self.others.len() >= MAX_OTHERS {
                self.others.remove(0);
            }
            self.others.push((other, before));
        }
        true
    }

    /// What the branch in force has said is of no use: it may say something else.
    pub(crate) fn forget(&mut self, exchange: &mut OfferAnswer) {
        exchange.clone_from(&self.first);
        self.current = None;
    }

    /// The call goes to other servers: nothing was said.
    pub(crate) fn start_over(&mut self, exchange: &mut OfferAnswer) {
        self.forget(exchange);
        self.others.clear();
    }
}
