//! The checks that every message gets, so that who holds a message can rely on its essentials.

use crate::header::{self, CSeq, CallId, Header, MaxForwards, Via};
use crate::{Error, HeaderName, Headers, Method, Text};

/// Whether the headers that every message needs are there, once, and sound (RFC 3261 §8.1.1). A
/// request is given with its method.
pub(crate) fn check(headers: &Headers, method: Option<&Method>) -> Result<(), Error> {
    let mut seen = Seen::default();
    for (name, value) in headers.iter() {
        match name {
            HeaderName::Via => seen.via = true,
            HeaderName::From => once::<header::From>(&mut seen.from, value)?,
            HeaderName::To => once::<header::To>(&mut seen.to, value)?,
            HeaderName::CallId => once::<CallId>(&mut seen.call_id, value)?,
            HeaderName::CSeq => {
                let cseq = CSeq::parse(value)?;
                if std::mem::replace(&mut seen.cseq, true) {
                    return Err(Error::Repeated(CSeq::NAME));
                }
                if method.is_some_and(|method| *method != cseq.method) {
                    return Err(Error::CSeqMethod);
                }
            }
            // Required since RFC 3261, yet §16.3 has elements do without it.
            HeaderName::MaxForwards => once::<MaxForwards>(&mut seen.max_forwards, value)?,
            _ => {}
        }
    }
    seen.all()?;
    headers
        .get_all_typed::<Via>()
        .try_for_each(|via| via.map(drop))
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

fn once<T: Header>(seen: &mut bool, value: &Text) -> Result<(), Error> {
    T::parse(value)?;
    if std::mem::replace(seen, true) {
        return Err(Error::Repeated(T::NAME));
    }
    Ok(())
}
