//! Whose turn it is in offer and answer (RFC 3264 §4), as far as it shows in who sent a body when.
//!
//! What bodies say is the business of the layer above; that they come in an order which RFC 6337 §2
//! allows is checked here.

/// Whose description is the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Whoever wants to offer something.
    #[default]
    Nobody,
    /// The peer's offer waits for our answer.
    Ours,
    /// Our offer waits for the peer's answer.
    Peers,
}

/// The offers and answers of one dialog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exchange {
    turn: Turn,
    /// The first offer has its answer.
    complete: bool,
}

impl Exchange {
    /// An exchange that an INVITE of ours opens.
    pub(crate) fn calling(offers: bool) -> Self {
        let mut exchange = Self::default();
        if offers {
            exchange.sent();
        }
        exchange
    }

    /// An exchange that the peer's INVITE opens.
    pub(crate) fn called(offers: bool) -> Self {
        let mut exchange = Self::default();
        if offers {
            exchange.received();
        }
        exchange
    }

    pub(crate) fn turn(&self) -> Turn {
        self.turn
    }

    /// Whether the first offer has its answer and no other offer waits: only then may UPDATE and
    /// PRACK carry one (RFC 3311 §5.1, RFC 3262 §5).
    pub(crate) fn is_free(&self) -> bool {
        self.complete && self.turn == Turn::Nobody
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// A description of ours was sent in a message that arrives for certain.
    pub(crate) fn sent(&mut self) {
        match self.turn {
            Turn::Ours => self.settle(),
            Turn::Nobody | Turn::Peers => self.turn = Turn::Peers,
        }
    }

    /// A description of the peer's came in a message that would have arrived for certain.
    pub(crate) fn received(&mut self) {
        match self.turn {
            Turn::Peers => self.settle(),
            Turn::Nobody | Turn::Ours => self.turn = Turn::Ours,
        }
    }

    /// The offer was refused or taken back.
    pub(crate) fn withdraw(&mut self) {
        self.turn = Turn::Nobody;
    }

    /// The INVITE is through, and with it whatever it offered.
    pub(crate) fn settle(&mut self) {
        self.turn = Turn::Nobody;
        self.complete = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_answered_before_there_is_another() {
        let mut exchange = Exchange::called(true);
        assert_eq!(
            (exchange.turn(), exchange.is_complete()),
            (Turn::Ours, false)
        );
        exchange.sent();
        assert!(exchange.is_free());
        exchange.sent();
        assert_eq!((exchange.turn(), exchange.is_free()), (Turn::Peers, false));
        exchange.received();
        assert!(exchange.is_free());
    }

    #[test]
    fn without_an_offer_in_the_invite_the_called_side_makes_it() {
        let (mut called, mut calling) = (Exchange::called(false), Exchange::calling(false));
        called.sent();
        calling.received();
        assert_eq!((called.turn(), calling.turn()), (Turn::Peers, Turn::Ours));
        calling.sent();
        called.received();
        assert!(called.is_free() && calling.is_free());
    }

    #[test]
    fn a_refused_offer_leaves_what_was_agreed() {
        let mut exchange = Exchange::calling(true);
        exchange.received();
        exchange.sent();
        exchange.withdraw();
        assert!(exchange.is_free());
        let mut first = Exchange::called(true);
        first.withdraw();
        assert!(!first.is_free());
    }
}
