//! The names and passwords that challenges are answered with.

use std::fmt;
use std::sync::Arc;

/// Who may ask for a password. An answer is worth something to whoever can pass on somebody else's
/// question, so that it isn't given to everybody on the way and at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// This realm.
    Realm(String),
    /// The realm that asks first, in one call or for one request, and that no other credential is
    /// for; no other after that.
    First,
    /// Any that no other credential is for.
    Anyone,
}

/// A name and a password, and who may ask for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Who may ask.
    pub asker: Asker,
    /// Who we are there.
    pub username: String,
    /// The secret.
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("asker", &self.asker)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// What challenges are answered with; cloning copies no secret. Empty: nothing is answered.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Option<Arc<[Credential]>>);

impl Keyring {
    /// Holds these.
    pub fn new(credentials: impl Into<Arc<[Credential]>>) -> Self {
        Self(Some(credentials.into()).filter(|all| !all.is_empty()))
    }

    /// Whether there is nothing to answer with.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.0.iter().flat_map(|all| all.iter())
    }

    /// The one for a realm, `first` being the one that has had the answer of [`Asker::First`].
    pub(crate) fn find(&self, realm: &str, first: Option<&str>) -> Option<&Credential> {
        let all = self.0.as_deref()?;
        let fits = |asker: &Asker| match asker {
            Asker::Realm(own) => (own == realm).then_some(0),
            Asker::First => first.is_none_or(|first| first == realm).then_some(1),
            Asker::Anyone => Some(2),
        };
        let fitting = all
            .iter()
            .filter_map(|credential| Some((fits(&credential.asker)?, credential)));
        // Of several that fit alike the first.
        fitting.min_by_key(|(rank, _)| *rank).map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_that_is_named_comes_before_the_first_that_asks_and_that_before_anyone() {
        let credential = |asker, username: &str| Credential {
            asker,
            username: username.to_owned(),
            password: String::new(),
        };
        let keyring = Keyring::new([
            credential(Asker::Anyone, "anyone"),
            credential(Asker::First, "first"),
            credential(Asker::First, "second"),
            credential(Asker::Realm("r".to_owned()), "named"),
        ]);
        let who = |realm, first| keyring.find(realm, first).map(|one| &*one.username);
        assert_eq!(who("r", None), Some("named"));
        assert_eq!(who("other", None), Some("first"));
        assert_eq!(who("other", Some("other")), Some("first"));
        assert_eq!(who("other", Some("r")), Some("anyone"));
        assert_eq!(Keyring::default().find("r", None), None);
    }
}
