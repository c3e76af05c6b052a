//! From bytes to a message: start line, rows, body.

use std::ops::Range;

use bytes::Bytes;

use crate::check::check;
use crate::header::ContentLength;
use crate::uri::OtherUri;
use crate::{
    Error, HeaderName, Headers, Message, Method, ParseError, Request, Response, StatusCode, Text,
    Uri, grammar,
};

pub(crate) fn message(datagram: &Bytes) -> Result<Message, ParseError> {
    // Line ends before the start line are to be ignored (§7.5).
    let blanks = datagram
        .iter()
        .take_while(|b| matches!(b, b'\r' | b'\n'))
        .count();
    if blanks == datagram.len() {
        return Err(Error::Empty.into());
    }
    let (text, decoded_from) = match Text::try_from(datagram.clone()) {
        Ok(text) => (text, None),
        Err(_) => {
            let (head, end) = decode_head(datagram, blanks);
            (head, Some(end))
        }
    };
    let mut lines = Lines {
        text: &text,
        at: blanks,
    };
    let start_line = lines.next().ok_or_else(|| Error::StartLine)?;
    let (start, start_error) = start(&text, &text[start_line])?;
    let (mut headers, header_error) = headers(&text, &mut lines);
    let body_start = decoded_from.unwrap_or(lines.at);
    headers.lie_in(text);
    let (body, body_error) = body(datagram.slice(body_start..), &headers);

    let too_large = (datagram.len() > Message::MAX_LEN).then_some(Error::TooLarge);
    let error = too_large.or(start_error).or(header_error);
    match start {
        Start::Request { method, uri } => {
            let mut request = Request {
                method,
                uri,
                headers,
                body,
            };
            let error = error
                .or_else(|| check(&mut request.headers, Some(&request.method)).err())
                .or(body_error);
            let Some(error) = error else {
                return Ok(Message::Request(request));
            };
            let answerable = request.method != Method::Ack && request.headers.top_via().is_ok();
            Err(ParseError {
                error,
                request: answerable.then(|| Box::new(request)),
            })
        }
        Start::Response { status, reason } => {
            let mut response = Response {
                status,
                reason,
                headers,
                body,
            };
            match error
                .or_else(|| check(&mut response.headers, None).err())
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
fn start(text: &Text, line: &str) -> Result<(Start, Option<Error>), Error> {
    let is_sip = |version: &str| {
        let name = version.get(..4);
        name.is_some_and(|name| name.eq_ignore_ascii_case("SIP/"))
    };
    let is_ours = |version: &str| version.eq_ignore_ascii_case("SIP/2.0");

    let (first, rest) = grammar::split(line, b' ').ok_or_else(|| Error::StartLine)?;
    if is_sip(first) {
        if !is_ours(first) {
            return Err(Error::Version);
        }
        // The blank before an empty reason phrase is often left out.
        let (code, reason) = grammar::split(rest, b' ').unwrap_or((rest, ""));
        let number = grammar::number(code).filter(|_| code.len() == 3);
        let status = number
            .and_then(StatusCode::new)
            .ok_or_else(|| Error::StartLine)?;
        let reason = grammar::slice(text, reason);
        return Ok((Start::Response { status, reason }, None));
    }

    let method = Method::read(text, first).ok_or_else(|| Error::StartLine)?;
    let (uri, version) = rest.rsplit_once(' ').ok_or_else(|| Error::StartLine)?;
    let uri = grammar::slice(text, uri);
    let (uri, uri_error) = match Uri::parse(&uri) {
        // Headers are for who makes the request, and have no place in it (§19.1.1, table 1).
        Ok(Uri::Sip(uri)) if uri.has_headers() => {
            let error = Error::Uri("headers in a Request-URI");
            (Uri::Sip(uri), Some(error))
        }
        Ok(uri) => (uri, None),
        Err(error) => (Uri::Other(OtherUri::unread(uri)), Some(error)),
    };
    let error = match version {
        version if is_ours(version) => uri_error,
        version if is_sip(version) => Some(Error::Version),
        _ => Some(Error::StartLine),
    };
    Ok((Start::Request { method, uri }, error))
}

/// Reads the rows up to and including the empty line, all that can be read even if some can't.
/// They are to be told what they lie in.
fn headers(whole: &Text, lines: &mut Lines<'_>) -> (Headers, Option<Error>) {
    let mut headers = Headers::with_capacity(Headers::USUAL);
    let mut error = None;
    loop {
        let Some(line) = lines.next() else {
            return (headers, error.or(Some(Error::NoEmptyLine)));
        };
        if line.is_empty() {
            return (headers, error);
        }
        let folds = lines.take_folds();
        if headers.len() == Message::MAX_HEADERS {
            error = error.or(Some(Error::TooManyHeaders));
        } else if row(whole, lines.text, line, folds, &mut headers).is_none() {
            error = error.or(Some(Error::HeaderLine));
        }
    }
}

/// Reads `name: value` and the lines that continue it, the folds as one space each (§7.3.1).
#[inline]
fn row(
    whole: &Text,
    text: &str,
    line: Range<usize>,
    folds: &str,
    headers: &mut Headers,
) -> Option<()> {
    let bytes = text.as_bytes();
    let colon = line.start + grammar::find(&bytes[line.clone()], b':')?;
    let mut end_of_name = colon;
    while end_of_name > line.start && matches!(bytes[end_of_name - 1], b' ' | b'\t') {
        end_of_name -= 1;
    }
    let name = line.start..end_of_name;
    let name = match HeaderName::known(&bytes[name.clone()]) {
        Some(name) => name,
        None => HeaderName::parse(&grammar::slice(whole, &text[name]))?,
    };
    let (mut start, mut end) = (colon + 1, line.end);
    while start < end && grammar::is_blank(bytes[start]) {
        start += 1;
    }
    while start < end && grammar::is_blank(bytes[end - 1]) {
        end -= 1;
    }
    match folds {
        "" => headers.push_span(name, start, end),
        folds => headers.push(name, unfold(&text[start..end], folds)),
    }
    Some(())
}

#[cold]
fn unfold(value: &str, folds: &str) -> Text {
    let mut unfolded = value.to_owned();
    for more in folds
        .lines()
        .map(grammar::trim)
        .filter(|line| !line.is_empty())
    {
        if !unfolded.is_empty() {
            unfolded.push(' ');
        }
        unfolded.push_str(more);
    }
    unfolded.into()
}

/// The headers of a part of a body, of which there may be none, and where its content starts.
pub(crate) fn part_headers(part: &Bytes) -> Result<(Headers, usize), Error> {
    let mut end = 0;
    for line in part.split_inclusive(|b| *b == b'\n') {
        end += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            let text = Text::try_from(part.slice(..end)).map_err(|_| Error::HeaderLine)?;
            let mut lines = Lines { text: &text, at: 0 };
            let (mut headers, error) = headers(&text, &mut lines);
            headers.lie_in(text);
            return match error {
                None => Ok((headers, end)),
                Some(error) => Err(error),
            };
        }
    }
    Err(Error::NoEmptyLine)
}

/// Cuts the body by Content-Length from what follows the headers; without one it is all of it.
fn body(mut rest: Bytes, headers: &Headers) -> (Bytes, Option<Error>) {
    let mut length = None;
    for row in headers.get_all_typed() {
        match row {
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
        Some(length) => {
            rest.truncate(length);
            (rest, None)
        }
    }
}

/// The lines of a text, ends removed; what follows the last line end is no line.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    /// If the next line continues this one (it starts with a blank): all such lines, and they are
    /// passed over.
    fn take_folds(&mut self) -> &'a str {
        let start = self.at;
        // Most lines aren't continued.
        if !matches!(self.text.as_bytes().get(start), Some(b' ' | b'\t')) {
            return "";
        }
        while matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t')) {
            if self.next().is_none() {
                break;
            }
        }
        &self.text[start..self.at]
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        let (text, start) = (self.text.as_bytes(), self.at);
        let length = memchr::memchr(b'\n', &text[start..])?;
        let mut end = start + length;
        self.at = end + 1;
        if length > 0 && text[end - 1] == b'\r' {
            end -= 1;
        }
        Some(start..end)
    }
}

/// What of a datagram comes before the body, starting with so many line ends, and where it ends;
/// for a datagram that isn't UTF-8. A line of the head that isn't is read as Latin-1, and a body
/// may be anything.
fn decode_head(datagram: &[u8], line_ends: usize) -> (Text, usize) {
    let mut head = String::with_capacity(datagram.len());
    let mut end = 0;
    for line in datagram.split_inclusive(|b| *b == b'\n') {
        end += line.len();
        match std::str::from_utf8(line) {
            Ok(line) => head.push_str(line),
            Err(_) => head.extend(line.iter().map(|b| char::from(*b))),
        }
        if end > line_ends && matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    (head.into(), end)
}
