//! What can go wrong with a session description or an exchange of two.

/// The one error of this crate.
///
/// On the wire, [`Error::Syntax`] is a 400, [`Error::NotAcceptable`] a 488, [`Error::Glare`] and
/// [`Error::OfferPending`] a 491.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no session description (RFC 8866 §9). Lines count from 1.
    #[error("session description, line {line}: {reason}")]
    Syntax {
        /// The line at fault; one past the last when something is missing.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The other side's description is well-formed, but we can't take part in it.
    #[error("session not acceptable: {0}")]
    NotAcceptable(NotAcceptable),
    /// An offer came while an offer of ours is unanswered (RFC 3264 §4).
    #[error("an offer of our own is still unanswered")]
    Glare,
    /// The other side's offer has to be answered before there can be another.
    #[error("the peer's offer is still unanswered")]
    OfferPending,
    /// There is no offer that this could be the answer to.
    #[error("there is no offer to answer")]
    NoOffer,
}

/// Why a session is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAcceptable {
    /// No media line is audio.
    #[error("no audio is offered")]
    NoAudio,
    /// Audio comes only over a profile that we don't speak, such as RTP/SAVP.
    #[error("audio is offered only over a transport that is not supported")]
    Protocol,
    /// The codec lists have nothing in common.
    #[error("no codec in common")]
    NoCommonCodec,
    /// The audio line is switched off with port 0.
    #[error("audio is refused")]
    Refused,
    /// There is no `c=` that applies, or it names a multicast group.
    #[error("no usable connection address")]
    Connection,
    /// `c=` names a host. Nothing here looks up names.
    #[error("the connection address is a host name, and only IP addresses are taken")]
    HostName,
    /// `c=` is IPv6 where we have IPv4 only, or the other way round.
    #[error("the connection address is of another IP version than ours")]
    Family,
}
