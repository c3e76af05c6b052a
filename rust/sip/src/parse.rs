//! From bytes to a message: start line, rows, and the checks every message gets.

use bytes::Bytes;

use crate::header::{self, CSeq, CallId, ContentLength, Header, MaxForwards};
use crate::uri::OtherUri;
use crate::{
    Error, HeaderName, Headers, Message, Method, ParseError, Request, Response, StatusCode, Text,
    Uri, grammar,
};

pub(crate) fn message(datagram: &Bytes) -> Result<Message, ParseError> {
    let too_large = datagram.len() > Message::MAX_LEN;
    let mut lines = Lines { datagram, at: 0 };
    lines.skip_line_ends();
    let Some(start_line) = lines.next().map(|line| text(datagram, line)) else {
        return Err(Error::Empty.into());
    };
    let (start, start_error) = start(&start_line)?;
    let (headers, header_error) = headers(&mut lines);
    let (body, body_error) = body(datagram, lines.at, &headers);

    let error = too_large
        .then_some(Error::TooLarge)
        .or(start_error)
        .or(header_error);
    match start {
        Start::Request { method, uri } => {
            let request = Request {
                method,
                uri,
                headers,
                body,
            };
            match error.or_else(|| request.check().err()).or(body_error) {
                None => Ok(Message::Request(request)),
                Some(error) => {
                    let answerable =
                        request.method != Method::Ack && request.headers.top_via().is_ok();
                    Err(ParseError {
                        error,
                        request: answerable.then(|| Box::new(request)),
                    })
                }
            }
        }
        Start::Response { status, reason } => {
            let response = Response {
                status,
                reason,
                headers,
                body,
            };
            match error
                .or_else(|| check(&response.headers, None).err())
                .or(body_error)
            {
                None => Ok(Message::Response(response)),
                Some(error) => Err(error.into()),
            }
        }
    }
}

enum Start {
    Request { method: Method, uri: Uri },
    Response { status: StatusCode, reason: Text },
}

/// Reads the start line. A request line that is wrong in a way that lets the request be answered
/// yields the error beside what could be read.
fn start(line: &Text) -> Result<(Start, Option<Error>), Error> {
    let (first, rest) = line.split_once(' ').ok_or(Error::StartLine)?;
    if first
        .get(..4)
        .is_some_and(|p| p.eq_ignore_ascii_case("SIP/"))
    {
        if !first.eq_ignore_ascii_case("SIP/2.0") {
            return Err(Error::Version);
        }
        // The blank before an empty reason phrase is often left out.
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = grammar::number(code)
            .filter(|_| code.len() == 3)
            .and_then(StatusCode::new);
        let status = status.ok_or(Error::StartLine)?;
        return Ok((
            Start::Response {
                status,
                reason: grammar::slice(line, reason),
            },
            None,
        ));
    }
    let method = Method::parse(&grammar::slice(line, first)).ok_or(Error::StartLine)?;
    let (uri, version) = rest.rsplit_once(' ').ok_or(Error::StartLine)?;
    let (uri, uri_error) = match Uri::parse(&grammar::slice(line, uri)) {
        Ok(uri) => (uri, None),
        Err(error) => (
            Uri::Other(OtherUri::unread(grammar::slice(line, uri))),
            Some(error),
        ),
    };
    let error = if version.eq_ignore_ascii_case("SIP/2.0") {
        uri_error
    } else if version
        .get(..4)
        .is_some_and(|p| p.eq_ignore_ascii_case("SIP/"))
    {
        Some(Error::Version)
    } else {
        Some(Error::StartLine)
    };
    Ok((Start::Request { method, uri }, error))
}

/// Reads the rows up to and including the empty line, all that can be read even if some can't.
fn headers(lines: &mut Lines<'_>) -> (Headers, Option<Error>) {
    let mut headers = Headers::with_capacity(20);
    let mut error = None;
    let datagram = lines.datagram;
    loop {
        let Some(line) = lines.next() else {
            return (headers, error.or(Some(Error::NoEmptyLine)));
        };
        if line.is_empty() {
            return (headers, error);
        }
        let folded = lines.take_folds();
        let row = memchr::memchr(b':', line).and_then(|colon| {
            let name = line[..colon].trim_ascii_end();
            let known = str::from_utf8(name).ok().and_then(HeaderName::known);
            let name = known.or_else(|| HeaderName::parse(&text(datagram, name)))?;
            Some((name, line[colon + 1..].trim_ascii()))
        });
        match row {
            None => error = error.or(Some(Error::HeaderLine)),
            Some(_) if headers.len() == Message::MAX_HEADERS => {
                error = error.or(Some(Error::TooManyHeaders));
            }
            Some((name, value)) if folded.is_empty() => headers.push(name, text(datagram, value)),
            Some((name, value)) => headers.push(name, unfold(value, folded)),
        }
    }
}

/// The body by Content-Length, or the rest of the datagram without one.
fn body(datagram: &Bytes, at: usize, headers: &Headers) -> (Bytes, Option<Error>) {
    let rest = datagram.slice(at..);
    let mut length = None;
    for row in headers.get_all(&HeaderName::ContentLength) {
        match ContentLength::parse(row) {
            Err(error) => return (rest, Some(error)),
            Ok(ContentLength(n)) if length.is_some_and(|l| l != n) => {
                return (rest, Some(Error::Repeated(HeaderName::ContentLength)));
            }
            Ok(ContentLength(n)) => length = Some(n),
        }
    }
    match length.map(|l| l as usize) {
        None => (rest, None),
        Some(length) if length > rest.len() => (rest, Some(Error::BodyTooShort)),
        Some(length) => (rest.slice(..length), None),
    }
}

/// Whether the headers that every message needs are there, once, and sound (§8.1.1). A request is
/// given with its method.
pub(crate) fn check(headers: &Headers, method: Option<&Method>) -> Result<(), Error> {
    headers.top_via()?;
    once::<header::From>(headers)?;
    once::<header::To>(headers)?;
    once::<CallId>(headers)?;
    let cseq = once::<CSeq>(headers)?;
    if method.is_some_and(|method| cseq.method != *method) {
        return Err(Error::CSeqMethod);
    }
    // Required since RFC 3261, yet §16.3 has elements do without it.
    if headers.contains(&HeaderName::MaxForwards) {
        once::<MaxForwards>(headers)?;
    }
    Ok(())
}

fn once<T: Header>(headers: &Headers) -> Result<T, Error> {
    match headers.get_all(&T::NAME).count() {
        0 => Err(Error::Missing(T::NAME)),
        1 => headers.require(),
        _ => Err(Error::Repeated(T::NAME)),
    }
}

/// The lines of a datagram, ends removed.
struct Lines<'a> {
    datagram: &'a Bytes,
    at: usize,
}

impl<'a> Lines<'a> {
    /// Passes over line ends before the start line (§7.5).
    fn skip_line_ends(&mut self) {
        let ends = self
            .datagram
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'));
        self.at += ends.count();
    }

    /// If the next line continues this one (it starts with a blank): all such lines, and they are
    /// passed over.
    fn take_folds(&mut self) -> &'a [u8] {
        let start = self.at;
        while matches!(self.datagram.get(self.at), Some(b' ' | b'\t')) && self.next().is_some() {}
        &self.datagram[start..self.at]
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.datagram[self.at..];
        let end = memchr::memchr(b'\n', rest)?;
        self.at += end + 1;
        Some(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]))
    }
}

/// One line of a value and its continuations, the folds as one space each (§7.3.1).
fn unfold(first: &[u8], folds: &[u8]) -> Text {
    let mut value = first.to_vec();
    for line in folds
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|l| !l.is_empty())
    {
        if !value.is_empty() {
            value.push(b' ');
        }
        value.extend_from_slice(line);
    }
    text_or_latin1(value.into())
}

/// A piece of the datagram as text that shares its bytes.
fn text(datagram: &Bytes, piece: &[u8]) -> Text {
    if piece.is_empty() {
        Text::new()
    } else {
        text_or_latin1(datagram.slice_ref(piece))
    }
}

fn text_or_latin1(bytes: Bytes) -> Text {
    Text::try_from(bytes.clone()).unwrap_or_else(|_| {
        bytes
            .iter()
            .map(|b| char::from(*b))
            .collect::<String>()
            .into()
    })
}
