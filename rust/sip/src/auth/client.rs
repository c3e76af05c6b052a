//! Answering challenges (RFC 3261 §22.2, §22.3).

use std::fmt;

use rand::{Rng, RngExt};

use super::digest::{Algorithm, Qop, Response as DigestResponse};
use super::keyring::{Asker, Keyring};
use super::nonce::same;
use crate::header::{AuthParams, AuthValue, AuthenticationInfo, HeaderName};
use crate::{Headers, Request, Response, StatusCode, Text};

/// Realms that may ask within one call or for one request.
const MAX_REALMS: usize = 8;
/// The longest realm, nonce or opaque value that is answered.
const MAX_TEXT: usize = 1024;

/// What has been asked of us in one call, or for one request, and what we answer.
#[derive(Clone, Debug)]
pub(crate) struct ClientAuth {
    keyring: Keyring,
    realms: Vec<Realm>,
    /// The realm that has had the answer which only the first is given.
    first: Option<String>,
}

/// The last challenge of one realm.
#[derive(Clone)]
struct Realm {
    /// It asked with 407.
    proxy: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The algorithm as the challenge had it; none if it had none.
    algorithm_text: Option<Text>,
    qop: Option<Qop>,
    cnonce: String,
    /// How many requests carried this nonce.
    count: u32,
    username: String,
    ha1: String,
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm")
            .field("proxy", &self.proxy)
            .field("realm", &self.realm)
            .field("username", &self.username)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl ClientAuth {
    fn new(keyring: Keyring) -> Self {
        Self {
            keyring,
            realms: Vec::new(),
            first: None,
        }
    }

    /// Of no use without credentials.
    pub(crate) fn boxed(keyring: &Keyring) -> Option<Box<Self>> {
        (!keyring.is_empty()).then(|| Box::new(Self::new(keyring.clone())))
    }

    /// The realms that we have answered.
    pub(crate) fn realms(&self) -> impl Iterator<Item = String> {
        self.realms.iter().map(|realm| realm.realm.clone())
    }

    /// Takes the challenges of a 401 or 407. Whether the request is worth another try: at least
    /// one realm asks that we can answer and that has not just refused our answer. `first`: the
    /// request had not been challenged before, so that what it carried was from memory.
    pub(crate) fn learn(
        &mut self,
        sent: &Request,
        response: &Response,
        first: bool,
        rng: &mut impl Rng,
    ) -> bool {
        let proxy = response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let (asks, answers) = names(proxy);
        let given = AuthValue::all(&sent.headers, &answers);
        let mut asked: Vec<String> = Vec::new();
        let mut worth_it = false;
        for challenge in AuthValue::all(&response.headers, &asks) {
            let bound = self.first.as_deref();
            let read = Realm::read(proxy, &challenge, &self.keyring, bound, rng);
            let Some((realm, asker)) = read else {
                continue;
            };
            // A realm may ask once for each algorithm, the one it likes best first (RFC 8760
            // §2.4).
            if asked.contains(&realm.realm) {
                continue;
            }
            asked.push(realm.realm.clone());
            let nonce_given = given
                .iter()
                .find(|g| g.params.get("realm").as_deref() == Some(realm.realm.as_str()))
                .and_then(|g| g.params.get("nonce"));
            let stale = challenge
                .params
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
            if let Some(nonce) = nonce_given
                && (nonce == realm.nonce || !(stale || first))
            {
                continue;
            }
            if asker == Asker::First {
                self.first.get_or_insert_with(|| realm.realm.clone());
            }
            worth_it |= self.remember(realm);
        }
        worth_it
    }

    fn remember(&mut self, realm: Realm) -> bool {
        let known = self
            .realms
            .iter()
            .position(|r| r.proxy == realm.proxy && r.realm == realm.realm);
        match known {
            Some(known) => self.realms[known] = realm,
            None if self.realms.len() < MAX_REALMS => self.realms.push(realm),
            None => return false,
        }
        true
    }

    /// Takes what a successful response to a request tells of the next nonce. Whether there is
    /// nothing wrong with the server's own proof.
    pub(crate) fn heed(&mut self, sent: &Request, response: &Response, rng: &mut impl Rng) -> bool {
        let is_true = self.server_is_true(sent, response) != Some(false);
        if is_true {
            self.take_next_nonce(response, rng);
        }
        is_true
    }

    fn take_next_nonce(&mut self, response: &Response, rng: &mut impl Rng) {
        let Some(Ok(AuthenticationInfo(info))) = response.headers.get_typed() else {
            return;
        };
        // It doesn't say its realm: only the server itself sends it (RFC 7615 §3).
        let mut servers = self.realms.iter_mut().filter(|realm| !realm.proxy);
        let (Some(realm), None) = (servers.next(), servers.next()) else {
            return;
        };
        if let Some(next) = info.get("nextnonce")
            && next.len() <= MAX_TEXT
        {
            realm.nonce = next.into_owned();
            realm.count = 0;
            realm.cnonce = cnonce(rng);
        }
    }

    /// Whether a realm's claim to know our password holds (`rspauth`, RFC 7615 §3.3); `None` when
    /// the response makes none that can be checked.
    fn server_is_true(&self, sent: &Request, response: &Response) -> Option<bool> {
        let Some(Ok(AuthenticationInfo(info))) = response.headers.get_typed() else {
            return None;
        };
        let claim = info.get("rspauth")?;
        let given = AuthValue::all(&sent.headers, &HeaderName::Authorization);
        let [given] = &given[..] else { return None };
        let name = given.params.get("realm")?;
        let realm = self.realms.iter().find(|r| !r.proxy && r.realm == *name)?;
        let count = u32::from_str_radix(&given.params.get("nc")?, 16).ok()?;
        let nonce = given.params.get("nonce")?;
        let cnonce = given.params.get("cnonce")?;
        let expected = DigestResponse {
            algorithm: realm.algorithm,
            nonce: &nonce,
            qop: Some((realm.qop?, count, &cnonce)),
            cnonce: &cnonce,
            uri: &given.params.get("uri")?,
            body: &response.body,
        }
        .of_server(&realm.ha1);
        let claim = claim.to_ascii_lowercase();
        Some(same(claim.as_bytes(), expected.as_bytes()))
    }

    /// Writes the answers to all challenges so far into a request, in place of those it has.
    pub(crate) fn sign(&mut self, request: &mut Request) {
        if self.realms.is_empty() {
            return;
        }
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        let (method, uri) = (request.method.to_string(), request.uri.to_string());
        for realm in &mut self.realms {
            let answer = realm.answer(&method, &uri, &request.body);
            let (_, name) = names(realm.proxy);
            request.headers.push(name, answer.to_string());
        }
    }
}

impl Realm {
    /// A challenge, if we have what it asks for, and by which right it does. `bound`: the realm
    /// that has had the answer which only the first is given.
    fn read(
        proxy: bool,
        challenge: &AuthValue,
        keyring: &Keyring,
        bound: Option<&str>,
        rng: &mut impl Rng,
    ) -> Option<(Self, Asker)> {
        let params = &challenge.params;
        if !challenge.is_digest() {
            return None;
        }
        let text = |name| {
            let value = params.get(name)?.into_owned();
            (value.len() <= MAX_TEXT).then_some(value)
        };
        let algorithm_text = params.get("algorithm").map(|a| Text::from(a.into_owned()));
        let algorithm = match &algorithm_text {
            None => Algorithm::Md5,
            Some(name) => Algorithm::parse(name)?,
        };
        let qop = match params.get("qop") {
            None => None,
            Some(list) => Some(Qop::choose(&list)?),
        };
        let (realm, nonce) = (text("realm")?, text("nonce")?);
        let credential = keyring.find(&realm, bound)?;
        let username = credential.username.clone();
        let ha1 = algorithm.ha1(&username, &realm, &credential.password);
        let asker = credential.asker.clone();
        let read = Self {
            proxy,
            nonce,
            opaque: text("opaque"),
            algorithm,
            algorithm_text,
            qop,
            cnonce: cnonce(rng),
            count: 0,
            username,
            ha1,
            realm,
        };
        Some((read, asker))
    }

    fn answer(&mut self, method: &str, uri: &str, body: &[u8]) -> AuthValue {
        self.count = self.count.saturating_add(1);
        let response = DigestResponse {
            algorithm: self.algorithm,
            nonce: &self.nonce,
            qop: self.qop.map(|qop| (qop, self.count, &*self.cnonce)),
            cnonce: &self.cnonce,
            uri,
            body,
        };
        let mut params = AuthParams::new()
            .with_quoted("username", &self.username)
            .with_quoted("realm", &self.realm)
            .with_quoted("nonce", &self.nonce)
            .with_quoted("uri", uri)
            .with_quoted("response", &response.of_request(&self.ha1, method));
        if let Some(algorithm) = &self.algorithm_text {
            params = params.with_token("algorithm", algorithm);
        }
        if let Some(opaque) = &self.opaque {
            params = params.with_quoted("opaque", opaque);
        }
        if let Some(qop) = self.qop {
            params = params
                .with_token("qop", qop.as_str())
                .with_token("nc", &format!("{:08x}", self.count));
        }
        if self.qop.is_some() || self.algorithm.is_session() {
            params = params.with_quoted("cnonce", &self.cnonce);
        }
        AuthValue::digest(params)
    }
}

/// The headers that ask and answer.
fn names(proxy: bool) -> (HeaderName, HeaderName) {
    match proxy {
        true => (
            HeaderName::ProxyAuthenticate,
            HeaderName::ProxyAuthorization,
        ),
        false => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
    }
}

fn cnonce(rng: &mut impl Rng) -> String {
    format!("{:032x}", rng.random::<u128>())
}

/// The answers that a request carried, for the ACK that has to carry them too (RFC 3261 §22.1).
pub(crate) fn copy_answers(from: &Headers, to: &mut Headers) {
    let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    to.copy(from, |name| names.contains(name));
}
