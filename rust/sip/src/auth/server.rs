//! Asking who a request comes from (RFC 3261 §22.2, RFC 7616 §3.3).

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

use super::digest::{Algorithm, Qop, Response as DigestResponse};
use super::failures::Failures;
use super::nonce::{Nonces, same};
use crate::header::{AuthParams, AuthValue, HeaderName};
use crate::{Headers, Method, Request, Text, Uri};

/// Whom a user agent asks who they are, and who may answer.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// Requests of these methods outside dialogs are challenged. ACK and CANCEL never are: they
    /// couldn't be sent again (RFC 3261 §22.1).
    pub methods: Vec<Method>,
    /// The name of what is protected, which goes into the users' hashes.
    pub realm: String,
    /// What to offer, the best first (RFC 8760 §2.3). Not `-sess`.
    pub algorithms: Vec<Algorithm>,
    /// Who is known.
    pub users: HashMap<String, Secret>,
    /// Requests from these networks (an address and the bits of it that count) are not asked.
    pub exempt: Vec<(IpAddr, u8)>,
    /// How long a nonce is good for; at least a second.
    pub nonce_lifetime: Duration,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            methods: Vec::new(),
            realm: String::new(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            users: HashMap::new(),
            exempt: Vec::new(),
            nonce_lifetime: Duration::from_secs(300),
        }
    }
}

/// How a user shows who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// A password.
    Password(String),
    /// H(username:realm:password) of one algorithm, in hexadecimal.
    Ha1(Algorithm, String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is thought of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It comes from this user.
    From(Text),
    /// It doesn't say who it comes from.
    Unknown,
    /// It says so wrongly.
    Wrong,
    /// It says so rightly, but with a nonce that is too old, or that it used before.
    Stale,
    /// There were too many wrong answers like it: it isn't looked at for so long.
    Barred(Duration),
}

/// The asking side of a user agent.
#[derive(Debug)]
pub(crate) struct Challenger {
    config: AuthConfig,
    nonces: Nonces,
    failures: Failures,
    /// What the nonces' times count from.
    began: Option<Instant>,
}

impl Challenger {
    pub(crate) fn new(config: AuthConfig, rng: &mut impl Rng) -> Self {
        let lifetime = config.nonce_lifetime.as_secs().clamp(1, 86_400) as u32;
        Self {
            config,
            nonces: Nonces::new(rng.random(), lifetime),
            failures: Failures::default(),
            began: None,
        }
    }

    /// Whether a request of this method from there has to say who it comes from.
    pub(crate) fn asks(&self, method: &Method, source: IpAddr) -> bool {
        self.config.methods.contains(method)
            && !matches!(method, Method::Ack | Method::Cancel)
            && !self
                .config
                .exempt
                .iter()
                .any(|(network, bits)| lies_in(source, *network, *bits))
    }

    /// The challenges of a 401, one for each algorithm.
    pub(crate) fn challenge(
        &mut self,
        now: Instant,
        source: IpAddr,
        stale: bool,
        rng: &mut impl Rng,
    ) -> Headers {
        let now = self.seconds(now);
        let mut headers = Headers::new();
        for algorithm in &self.config.algorithms {
            let nonce = self.nonces.make(now, rng.random(), source);
            let mut params = AuthParams::new()
                .with_quoted("realm", &self.config.realm)
                .with_quoted("nonce", &nonce)
                .with_token("algorithm", algorithm.as_str())
                .with_quoted("qop", Qop::Auth.as_str());
            if stale {
                params = params.with_token("stale", "true");
            }
            let challenge = AuthValue::digest(params);
            headers.push(HeaderName::WwwAuthenticate, challenge.to_string());
        }
        headers
    }

    /// Who a request comes from.
    pub(crate) fn check(&mut self, now: Instant, source: IpAddr, request: &Request) -> Verdict {
        let seconds = self.seconds(now);
        let answers = AuthValue::all(&request.headers, &HeaderName::Authorization);
        let ours = answers.iter().find(|answer| {
            answer.is_digest() && answer.params.get("realm").as_deref() == Some(&self.config.realm)
        });
        let Some(answer) = ours else {
            return Verdict::Unknown;
        };
        let user = username(&answer.params).unwrap_or_default();
        if let Some(wait) = self.failures.wait(now, source, &user) {
            return Verdict::Barred(wait);
        }
        match self.check_answer(seconds, source, request, &answer.params) {
            Some(verdict) => verdict,
            None => {
                self.failures.note(now, source, &user);
                Verdict::Wrong
            }
        }
    }

    /// `None`: the answer lacks something, or has what we didn't ask for.
    fn check_answer(
        &mut self,
        now: u32,
        source: IpAddr,
        request: &Request,
        params: &AuthParams,
    ) -> Option<Verdict> {
        let algorithm = match params.get("algorithm") {
            None => Algorithm::Md5,
            Some(name) => Algorithm::parse(&name)?,
        };
        if !self.config.algorithms.contains(&algorithm) {
            return None;
        }
        let username = username(params)?;
        let uri = params.get("uri")?;
        let nonce = params.get("nonce")?;
        let cnonce = params.get("cnonce").unwrap_or_default();
        let count = match params.get("qop") {
            // As RFC 2069 has it.
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let digits = params.get("nc").filter(|nc| nc.len() <= 8)?;
                Some(u32::from_str_radix(&digits, 16).ok()?)
            }
            Some(_) => return None,
        };
        let expected = DigestResponse {
            algorithm,
            nonce: &nonce,
            qop: count.map(|count| (Qop::Auth, count, &*cnonce)),
            cnonce: &cnonce,
            uri: &uri,
            body: &request.body,
        }
        .of_request(&self.ha1(algorithm, &username), request.method.as_str());
        let given = params.get("response")?.to_ascii_lowercase();
        // Who is not known takes as long as who is.
        let right = same(given.as_bytes(), expected.as_bytes())
            && self.config.users.contains_key(&username)
            && is_about(&uri, &request.uri);
        if !right {
            return None;
        }
        let fresh = match self.nonces.check(now, &nonce, source) {
            Some(stamp) => self.nonces.take(now, stamp, count),
            None => false,
        };
        Some(match fresh {
            true => Verdict::From(username.into()),
            false => Verdict::Stale,
        })
    }

    fn ha1(&self, algorithm: Algorithm, username: &str) -> String {
        match self.config.users.get(username) {
            Some(Secret::Ha1(of, ha1)) if *of == algorithm => ha1.to_ascii_lowercase(),
            Some(Secret::Password(password)) => {
                algorithm.ha1(username, &self.config.realm, password)
            }
            // A hash that nobody can hit: it is longer than any.
            _ => algorithm.ha1(username, &self.config.realm, "") + "-",
        }
    }

    fn seconds(&mut self, now: Instant) -> u32 {
        let began = *self.began.get_or_insert(now);
        now.saturating_duration_since(began).as_secs() as u32
    }
}

/// `username`, or `username*` (RFC 7616 §3.4.4) for what isn't ASCII.
fn username(params: &AuthParams) -> Option<String> {
    if let Some(name) = params.get("username") {
        return Some(name.into_owned());
    }
    let extended = params.get("username*")?;
    let (charset, rest) = extended.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("UTF-8") {
        return None;
    }
    Some(crate::uri::unescape(encoded).into_owned())
}

/// Whether an answer made for `uri` is one to a request for `requested`. Proxies on the way may
/// have changed the request (RFC 3261 §22.4), yet whom it is for stays.
fn is_about(uri: &str, requested: &Uri) -> bool {
    if *requested.to_string() == *uri {
        return true;
    }
    let Ok(uri) = uri.parse::<Uri>() else {
        return false;
    };
    match (uri.as_sip(), requested.as_sip()) {
        (Some(a), Some(b)) => a.user() == b.user(),
        _ => uri == *requested,
    }
}

fn lies_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differ = match (address.to_canonical(), network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
        _ => return false,
    };
    differ >= u32::from(bits)
}
