//! Event and Subscription-State (RFC 6665 §8.2), Min-Expires (RFC 3261 §20.23).

use std::fmt;

use super::{Header, HeaderName, Params};
use crate::{Error, Text, Token, grammar};

/// Reads a token with parameters.
fn read(value: &Text) -> Option<(Token, Params)> {
    let (token, params) = grammar::cut_params(value);
    let token = Token::new(grammar::slice(value, grammar::trim(token)))?;
    Some((token, Params::parse(value, params)?))
}

/// What is subscribed to, or notified of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event package, case-sensitive (RFC 6665 §8.4).
    pub package: Token,
    /// The parameters, `id` among them.
    pub params: Params,
}

impl Event {
    /// `id`, which tells subscriptions of one dialog apart.
    pub fn id(&self) -> Option<&str> {
        self.params.get("id").filter(|id| !id.is_empty())
    }
}

impl Header for Event {
    const NAME: HeaderName = HeaderName::Event;

    fn parse(value: &Text) -> Result<Self, Error> {
        let (package, params) = read(value).ok_or(Error::Malformed(Self::NAME))?;
        Ok(Self { package, params })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package, self.params)
    }
}

/// How a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// `active`, `pending` or `terminated`.
    pub state: Token,
    /// The parameters.
    pub params: Params,
}

impl SubscriptionState {
    /// Whether it is over.
    pub fn is_terminated(&self) -> bool {
        self.state.as_str().eq_ignore_ascii_case("terminated")
    }

    /// `expires`: the seconds that are left.
    pub fn expires(&self) -> Option<u32> {
        self.params.get("expires").and_then(grammar::number)
    }

    /// `reason`: why it is over.
    pub fn reason(&self) -> Option<&str> {
        self.params.get("reason")
    }

    /// `retry-after`, in seconds.
    pub fn retry_after(&self) -> Option<u32> {
        self.params.get("retry-after").and_then(grammar::number)
    }
}

impl Header for SubscriptionState {
    const NAME: HeaderName = HeaderName::SubscriptionState;

    fn parse(value: &Text) -> Result<Self, Error> {
        let (state, params) = read(value).ok_or(Error::Malformed(Self::NAME))?;
        Ok(Self { state, params })
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.state, self.params)
    }
}

/// The shortest time that is granted, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinExpires(pub u32);

impl Header for MinExpires {
    const NAME: HeaderName = HeaderName::MinExpires;

    fn parse(value: &Text) -> Result<Self, Error> {
        let seconds = grammar::number(value);
        seconds.map(Self).ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for MinExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_may_have_an_id() {
        let event = Event::parse(&"refer;id=93809823".into()).unwrap();
        assert_eq!(
            (event.package.as_str(), event.id()),
            ("refer", Some("93809823"))
        );
        assert_eq!(event.to_string(), "refer;id=93809823");
        assert_eq!(Event::parse(&"presence.winfo".into()).unwrap().id(), None);
        assert!(Event::parse(&"".into()).is_err());
    }

    #[test]
    fn a_state_says_how_long_or_why() {
        let active = SubscriptionState::parse(&"active;expires=60".into()).unwrap();
        assert_eq!(
            (active.expires(), active.is_terminated()),
            (Some(60), false)
        );
        let over = "Terminated;reason=probation;retry-after=5";
        let over = SubscriptionState::parse(&over.into()).unwrap();
        assert!(over.is_terminated());
        assert_eq!(
            (over.reason(), over.retry_after()),
            (Some("probation"), Some(5))
        );
    }
}
