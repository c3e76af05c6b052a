//! The checks that every message gets, so that who holds a message can rely on its essentials.

use crate::header::{self, CSeq, CallId, Header, MaxForwards, Sound, Via};
use crate::{Error, HeaderName, Headers, Method, grammar};

/// Whether the headers that every message needs are there, once, and sound (RFC 3261 §8.1.1). A
/// request is given with its method.
pub(crate) fn check(headers: &mut Headers, method: Option<&Method>) -> Result<(), Error> {
    let mut seen = Seen::default();
    for (name, value) in headers.texts() {
        match name {
            HeaderName::Via => {
                if !are_vias(value) {
                    return Err(Error::Malformed(HeaderName::Via));
                }
                seen.via = true;
            }
            HeaderName::From => once::<header::From>(&mut seen.from, value)?,
            HeaderName::To => once::<header::To>(&mut seen.to, value)?,
            HeaderName::CallId => once::<CallId>(&mut seen.call_id, value)?,
            HeaderName::CSeq => {
                let named = CSeq::method_of(value).ok_or(Error::Malformed(CSeq::NAME))?;
                first::<CSeq>(&mut seen.cseq)?;
                if method.is_some_and(|method| method.as_str() != named) {
                    return Err(Error::CSeqMethod);
                }
            }
            // Required since RFC 3261, yet §16.3 has elements do without it.
            HeaderName::MaxForwards => once::<MaxForwards>(&mut seen.max_forwards, value)?,
            _ => {}
        }
    }
    seen.all()?;
    headers.set_checked();
    Ok(())
}

/// Whether a row is one Via or several.
fn are_vias(row: &str) -> bool {
    if memchr::memchr(b',', row.as_bytes()).is_none() {
        return Via::is_sound(row);
    }
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (via, after) = grammar::cut(text, b',');
        if !Via::is_sound(grammar::trim(via)) {
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
