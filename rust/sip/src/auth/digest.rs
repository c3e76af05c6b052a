//! The arithmetic of Digest (RFC 7616 §3.4, RFC 8760).

use md5::Md5;
use sha2::digest::{Digest, Update};
use sha2::{Sha256, Sha512_256};

/// The hash of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`, also what a challenge without `algorithm` means.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`
    Sha512_256,
    /// `SHA-512-256-sess`
    Sha512_256Sess,
}

impl Algorithm {
    const ALL: [(Self, &str); 6] = [
        (Self::Md5, "MD5"),
        (Self::Md5Sess, "MD5-sess"),
        (Self::Sha256, "SHA-256"),
        (Self::Sha256Sess, "SHA-256-sess"),
        (Self::Sha512_256, "SHA-512-256"),
        (Self::Sha512_256Sess, "SHA-512-256-sess"),
    ];

    /// The algorithm of that name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, n)| n.eq_ignore_ascii_case(name))
            .map(|(algorithm, _)| algorithm)
    }

    /// The name as RFC 8760 writes it.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether the password's hash is taken together with nonce and cnonce.
    pub fn is_session(self) -> bool {
        matches!(
            self,
            Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess
        )
    }

    /// The hash of `parts`, with a colon between them, in hexadecimal.
    pub fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 | Self::Md5Sess => hash::<Md5>(parts),
            Self::Sha256 | Self::Sha256Sess => hash::<Sha256>(parts),
            Self::Sha512_256 | Self::Sha512_256Sess => hash::<Sha512_256>(parts),
        }
    }

    /// H(username:realm:password), which is as good as the password within that realm.
    pub fn ha1(self, username: &str, realm: &str, password: &str) -> String {
        self.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()])
    }
}

fn hash<D: Digest + Update>(parts: &[&[u8]]) -> String {
    let mut hasher = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            Update::update(&mut hasher, b":");
        }
        Update::update(&mut hasher, part);
    }
    hex(&hasher.finalize())
}

/// Bytes in hexadecimal, as Digest writes them: in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]));
    digits.collect()
}

/// What an answer protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qop {
    /// Method and URI.
    Auth,
    /// The body too.
    AuthInt,
}

impl Qop {
    /// The one to take of a challenge's list.
    pub fn choose(list: &str) -> Option<Self> {
        let offers = |name: &str| list.split(',').any(|q| q.trim().eq_ignore_ascii_case(name));
        match (offers("auth"), offers("auth-int")) {
            (true, _) => Some(Self::Auth),
            (false, true) => Some(Self::AuthInt),
            _ => None,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// All that goes into `response` and `rspauth` beside the password.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The hash.
    pub algorithm: Algorithm,
    /// `nonce`
    pub nonce: &'a str,
    /// `qop`, `nc` and `cnonce`; without them it is RFC 2069's answer.
    pub qop: Option<(Qop, u32, &'a str)>,
    /// The cnonce that the session began with, for `-sess`.
    pub cnonce: &'a str,
    /// `uri`
    pub uri: &'a str,
    /// The body, for `auth-int`.
    pub body: &'a [u8],
}

impl Response<'_> {
    /// `response` of a request of that method, from H(username:realm:password).
    pub fn of_request(&self, ha1: &str, method: &str) -> String {
        self.of(ha1, method)
    }

    /// `rspauth`, with which a server shows that it knows the password as well (RFC 7615).
    pub fn of_server(&self, ha1: &str) -> String {
        self.of(ha1, "")
    }

    fn of(&self, ha1: &str, method: &str) -> String {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let (nonce, uri) = (self.nonce.as_bytes(), self.uri.as_bytes());
        let session;
        let ha1 = match self.algorithm.is_session() {
            true => {
                session = hash(&[ha1.as_bytes(), nonce, self.cnonce.as_bytes()]);
                session.as_bytes()
            }
            false => ha1.as_bytes(),
        };
        let ha2 = match self.qop {
            Some((Qop::AuthInt, ..)) => {
                let body = hash(&[self.body]);
                hash(&[method.as_bytes(), uri, body.as_bytes()])
            }
            _ => hash(&[method.as_bytes(), uri]),
        };
        match self.qop {
            None => hash(&[ha1, nonce, ha2.as_bytes()]),
            Some((qop, count, cnonce)) => {
                let count = format!("{count:08x}");
                let (count, cnonce) = (count.as_bytes(), cnonce.as_bytes());
                let qop = qop.as_str().as_bytes();
                hash(&[ha1, nonce, count, cnonce, qop, ha2.as_bytes()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1.
    fn mufasa(algorithm: Algorithm) -> String {
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let response = Response {
            algorithm,
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            qop: Some((Qop::Auth, 1, cnonce)),
            cnonce,
            uri: "/dir/index.html",
            body: b"",
        };
        let ha1 = algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life");
        response.of_request(&ha1, "GET")
    }

    #[test]
    fn the_answers_of_rfc_7616_are_ours() {
        assert_eq!(mufasa(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            mufasa(Algorithm::Sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    /// RFC 2617 §3.5.
    #[test]
    fn the_answer_of_rfc_2617_is_ours() {
        let ha1 = Algorithm::Md5.ha1("Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(ha1, "939e7578ed9e3c518a452acee763bce9");
        let mut response = Response {
            algorithm: Algorithm::Md5,
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            qop: Some((Qop::Auth, 1, "0a4f113b")),
            cnonce: "0a4f113b",
            uri: "/dir/index.html",
            body: b"",
        };
        let answer = response.of_request(&ha1, "GET");
        assert_eq!(answer, "6629fae49393a05397450978507c4ef1");
        // RFC 2069 has neither qop nor cnonce.
        response.qop = None;
        let answer = response.of_request(&ha1, "GET");
        assert_eq!(answer, "670fd8c2df070c60b045671b8b24ff02");
    }

    /// RFC 7616 §3.9.2, whose errata give this for the username in clear.
    #[test]
    fn sha_512_256_is_the_truncated_hash_with_its_own_start() {
        assert_eq!(
            Algorithm::Sha512_256.hash(&[b"abc"]),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        );
    }

    #[test]
    fn a_session_algorithm_hashes_the_password_with_the_nonces() {
        let response = Response {
            algorithm: Algorithm::Md5Sess,
            nonce: "n",
            qop: Some((Qop::Auth, 2, "c")),
            cnonce: "c",
            uri: "sip:a",
            body: b"",
        };
        let md5 = |text: &str| Algorithm::Md5.hash(&[text.as_bytes()]);
        let session = md5(&format!("{}:n:c", md5("u:r:p")));
        let ha2 = md5("INVITE:sip:a");
        assert_eq!(
            response.of_request(&Algorithm::Md5Sess.ha1("u", "r", "p"), "INVITE"),
            md5(&format!("{session}:n:00000002:c:auth:{ha2}"))
        );
    }

    #[test]
    fn auth_int_covers_the_body() {
        let answer = |body: &'static [u8]| {
            let response = Response {
                algorithm: Algorithm::Sha256,
                nonce: "n",
                qop: Some((Qop::AuthInt, 1, "c")),
                cnonce: "c",
                uri: "sip:a",
                body,
            };
            response.of_request("ha1", "INVITE")
        };
        assert_ne!(answer(b"v=0"), answer(b"v=1"));
    }
}
