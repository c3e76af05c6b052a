//! Passwords on their way in. None comes out again.

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::{auth, config::Network};

use crate::errors;

/// A realm, a name and a password. Of realms `"*"` is any, and None the one that asks first.
pub type Credential = (Option<String>, String, String);

/// What challenges are answered with.
pub fn keyring(credentials: Vec<Credential>) -> auth::Keyring {
    let credentials: Vec<_> = credentials
        .into_iter()
        .map(|(realm, username, password)| auth::Credential {
            asker: match realm.as_deref() {
                None => auth::Asker::First,
                Some("*") => auth::Asker::Anyone,
                Some(realm) => auth::Asker::Realm(realm.to_owned()),
            },
            username,
            password,
        })
        .collect();
    auth::Keyring::new(credentials)
}

/// Whom the engine asks who they are, and who may answer.
#[pyclass(frozen, module = "sems._core")]
pub struct AuthConfig(pub auth::AuthConfig);

#[pymethods]
impl AuthConfig {
    #[new]
    #[pyo3(signature = (
        *,
        realm,
        challenge,
        algorithms = vec!["SHA-256".to_owned(), "MD5".to_owned()],
        passwords = Vec::new(),
        hashes = Vec::new(),
        exempt = Vec::new(),
    ))]
    fn new(
        realm: String,
        challenge: Vec<String>,
        algorithms: Vec<String>,
        passwords: Vec<(String, String)>,
        hashes: Vec<(String, String, String)>,
        exempt: Vec<String>,
    ) -> PyResult<Self> {
        let exempt = exempt
            .iter()
            .map(|text| text.parse().map(Network::parts).map_err(errors::to_python))
            .collect::<PyResult<_>>()?;
        let methods = challenge
            .into_iter()
            .map(|name| auth::method(&name).map_err(errors::to_python))
            .collect::<PyResult<_>>()?;
        let algorithms = algorithms
            .iter()
            .map(|name| algorithm(name))
            .collect::<PyResult<_>>()?;
        let passwords = passwords
            .into_iter()
            .map(|(name, password)| Ok((name, auth::Secret::Password(password))));
        let hashes = hashes
            .into_iter()
            .map(|(name, of, ha1)| Ok((name, auth::Secret::Ha1(algorithm(&of)?, ha1))));
        Ok(Self(auth::AuthConfig {
            methods,
            realm,
            algorithms,
            users: passwords.chain(hashes).collect::<PyResult<_>>()?,
            exempt,
            ..Default::default()
        }))
    }
}

fn algorithm(name: &str) -> PyResult<auth::Algorithm> {
    auth::Algorithm::parse(name)
        .ok_or_else(|| PyValueError::new_err(format!("{name:?} is no algorithm of Digest")))
}
