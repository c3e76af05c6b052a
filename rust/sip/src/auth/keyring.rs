//! The names and passwords that challenges are answered with.

use std::fmt;
use std::sync::Arc;

/// A name and a password for one realm, or for any.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The realm that asks; `None`: any that no other credential is for.
    pub realm: Option<String>,
    /// Who we are there.
    pub username: String,
    /// The secret.
    pub password: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("realm", &self.realm)
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

    /// The one for a realm.
    pub fn find(&self, realm: &str) -> Option<&Credential> {
        let all = self.0.as_deref()?;
        all.iter()
            .find(|credential| credential.realm.as_deref() == Some(realm))
            .or_else(|| all.iter().find(|credential| credential.realm.is_none()))
    }
}
