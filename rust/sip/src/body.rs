//! Bodies: the parts of a multipart one, and what of a body describes the session (RFC 5621, RFC
//! 2046 §5.1).

use bytes::Bytes;

use crate::header::{ContentDisposition, ContentType};
use crate::{Error, HeaderName, Headers, Text, parse};

/// The most parts a body may have, those within parts included.
pub const MAX_PARTS: usize = 32;
/// How deep multiparts may stand within each other.
pub const MAX_DEPTH: usize = 4;

/// One part of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its own headers: Content-Type, Content-Disposition and the like.
    pub headers: Headers,
    /// What is in it, as it stands there.
    pub body: Bytes,
}

/// The parts of a body of this type, which is some multipart with a boundary. What stands before
/// the first and after the last is passed over.
pub fn parts(kind: &ContentType, body: &Bytes) -> Result<Vec<Part>, Error> {
    let boundary = kind.params.get_unquoted("boundary");
    let boundary = boundary.filter(|b| (1..=70).contains(&b.len()));
    let delimiter = format!("--{}", boundary.ok_or(MALFORMED)?);
    let mut parts = Vec::new();
    let mut start = None;
    for hit in memchr::memmem::find_iter(body, delimiter.as_bytes()) {
        if hit > 0 && body[hit - 1] != b'\n' {
            continue;
        }
        let after = &body[hit + delimiter.len()..];
        let (last, after) = match after.strip_prefix(b"--") {
            Some(after) => (true, after),
            None => (false, after),
        };
        // Blanks may pad the line; anything else makes it another boundary that starts like ours.
        let line = after.split(|b| *b == b'\n').next().unwrap_or(after);
        if !line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r')) {
            continue;
        }
        if let Some(start) = start {
            if parts.len() == MAX_PARTS {
                return Err(MALFORMED);
            }
            parts.push(part(body.slice(start..before(body, hit, start)))?);
        }
        if last {
            return match parts.is_empty() {
                true => Err(MALFORMED),
                false => Ok(parts),
            };
        }
        start = Some((body.len() - after.len() + line.len() + 1).min(body.len()));
    }
    Err(MALFORMED)
}

const MALFORMED: Error = Error::Malformed(HeaderName::ContentType);

/// Where the content before the delimiter at `hit` ends: the line end belongs to the delimiter.
fn before(body: &[u8], hit: usize, start: usize) -> usize {
    let content = &body[start.min(hit)..hit];
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    start.min(hit) + content.len()
}

fn part(bytes: Bytes) -> Result<Part, Error> {
    let (headers, length) = parse::part_headers(&bytes)?;
    Ok(Part {
        headers,
        body: bytes.slice(length..),
    })
}

/// What of a body is for the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// Nothing: there is no body, or none of it has to be understood.
    None,
    /// The description, and its type as it is written.
    Description(Text, Bytes),
    /// Something has to be understood that isn't: 415.
    Unsupported,
}

/// Finds what describes the session among the parts of a message's body. `is_known` tells by its
/// type whether a description is of a kind that we read.
pub fn session(
    headers: &Headers,
    body: &Bytes,
    is_known: &dyn Fn(&ContentType) -> bool,
) -> Result<Session, Error> {
    let mut search = Search {
        is_known,
        left: MAX_PARTS,
    };
    search.look_at(headers, body, 0)
}

struct Search<'a> {
    is_known: &'a dyn Fn(&ContentType) -> bool,
    /// So many parts may still come.
    left: usize,
}

impl Search<'_> {
    fn look_at(&mut self, headers: &Headers, body: &Bytes, depth: usize) -> Result<Session, Error> {
        if body.is_empty() {
            return Ok(Session::None);
        }
        let disposition = headers.get_typed::<ContentDisposition>().transpose()?;
        let required = disposition.as_ref().is_none_or(|d| d.is_required());
        let otherwise = match required {
            true => Session::Unsupported,
            false => Session::None,
        };
        let Some(kind) = headers.get_typed::<ContentType>().transpose()? else {
            return Ok(otherwise);
        };
        if kind.is_multipart() {
            return match self.look_into(&kind, body, depth)? {
                Session::Unsupported => Ok(otherwise),
                found => Ok(found),
            };
        }
        let is_for_session = disposition.is_none_or(|d| d.is("session"));
        if (self.is_known)(&kind) && is_for_session && is_plain(headers) {
            return Ok(Session::Description(kind.to_string().into(), body.clone()));
        }
        Ok(otherwise)
    }

    fn look_into(
        &mut self,
        kind: &ContentType,
        body: &Bytes,
        depth: usize,
    ) -> Result<Session, Error> {
        let mut parts = parts(kind, body)?;
        if depth == MAX_DEPTH || parts.len() > self.left {
            return Err(MALFORMED);
        }
        self.left -= parts.len();
        let any_will_do = kind.is("multipart/alternative");
        if any_will_do {
            // The last is what the sender likes best (RFC 2046 §5.1.4).
            parts.reverse();
        } else if kind.is("multipart/related") || kind.is("multipart/signed") {
            // The others are for who follows references, or checks signatures.
            parts.truncate(1);
        }
        let mut found = Session::None;
        for part in parts {
            match (self.look_at(&part.headers, &part.body, depth + 1)?, &found) {
                (Session::None, _) => {}
                (Session::Unsupported, _) if any_will_do => {}
                (Session::Unsupported, _) => return Ok(Session::Unsupported),
                (description, Session::None) => found = description,
                (_, _) if any_will_do => {}
                // Two descriptions of one session: which of them holds?
                (_, _) => return Err(MALFORMED),
            }
        }
        match found {
            Session::None if any_will_do => Ok(Session::Unsupported),
            found => Ok(found),
        }
    }
}

/// Whether a body, or a part, is neither compressed nor written in another alphabet.
fn is_plain(headers: &Headers) -> bool {
    let is = |name: &HeaderName, plain: &[&str]| {
        let value = headers.get(name);
        value.is_none_or(|v| plain.iter().any(|plain| v.eq_ignore_ascii_case(plain)))
    };
    let transfer = ["7bit", "8bit", "binary"];
    is(&HeaderName::ContentEncoding, &["identity"])
        && is(&HeaderName::ContentTransferEncoding, &transfer)
}
