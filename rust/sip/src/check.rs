//! The checks that every message gets, so that who holds a message can rely on its essentials.

use crate::header::{
    self, CSeq, CallId, Found, Header, MaxForwards, Pieces, Sound, Via, find_address, find_via,
};
use crate::{Error, HeaderName, Headers, Method, grammar};

/// Whether the headers that every message needs are there, once, and sound (RFC 3261 §8.1.1). A
/// request is given with its method. What is found on the way is noted in the rows.
pub(crate) fn check(headers: &mut Headers, method: Option<&Method>) -> Result<(), Error> {
    let mut seen = Seen::default();
    headers.look(|name, value| {
        match name {
            HeaderName::Via => {
                seen.via = true;
                let found = match memchr::memchr(b',', value.as_bytes()) {
                    None => find_via(value),
                    Some(_) => are_vias(value).then(Found::default),
                };
                return found.ok_or_else(|| Error::Malformed(Via::NAME));
            }
            HeaderName::From => return address::<header::From>(&mut seen.from, value),
            HeaderName::To => return address::<header::To>(&mut seen.to, value),
            HeaderName::CallId => {
                once::<CallId>(&mut seen.call_id, value)?;
                return Ok(Found(Pieces::Sound));
            }
            HeaderName::CSeq => {
                let found = CSeq::find(value).ok_or_else(|| Error::Malformed(CSeq::NAME));
                let (named, found) = found?;
                first::<CSeq>(&mut seen.cseq)?;
                return match method {
                    Some(method) if method.as_str() != named => Err(Error::CSeqMethod),
                    _ => Ok(found),
                };
            }
            // Required since RFC 3261, yet §16.3 has elements do without it.
            HeaderName::MaxForwards => once::<MaxForwards>(&mut seen.max_forwards, value)?,
            _ => {}
        }
        Ok(Found::default())
    })?;
    seen.all()
}

fn address<T: Header>(seen: &mut bool, value: &str) -> Result<Found, Error> {
    let found = find_address(value).ok_or_else(|| Error::Malformed(T::NAME))?;
    first::<T>(seen)?;
    Ok(found)
}

/// Whether a row is several Vias.
fn are_vias(row: &str) -> bool {
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (via, after) = grammar::cut(text, b',');
        if find_via(grammar::trim(via)).is_none() {
            return false;
        }
        rest = after;
    }
    true
}

#[derive(Default)]
struct Seen {
    via: bool,
    from: bool,
    to: bool,
    call_id: bool,
    cseq: bool,
    max_forwards: bool,
}

impl Seen {
    /// Whether all that every message needs has been seen.
    fn all(&self) -> Result<(), Error> {
        let needed = [
            (self.via, HeaderName::Via),
            (self.from, HeaderName::From),
            (self.to, HeaderName::To),
            (self.call_id, HeaderName::CallId),
            (self.cseq, HeaderName::CSeq),
        ];
        match needed.into_iter().find(|(seen, _)| !seen) {
            None => Ok(()),
            Some((_, missing)) => Err(Error::Missing(missing)),
        }
    }
}

fn once<T: Sound>(seen: &mut bool, value: &str) -> Result<(), Error> {
    if !T::is_sound(value) {
        return Err(Error::Malformed(T::NAME));
    }
    first::<T>(seen)
}

fn first<T: Header>(seen: &mut bool) -> Result<(), Error> {
    match std::mem::replace(seen, true) {
        true => Err(Error::Repeated(T::NAME)),
        false => Ok(()),
    }
}
