//! Requests and responses (RFC 3261 §7).

use bytes::{BufMut, Bytes, BytesMut};
use std::fmt::{self, Write};

use crate::{HeaderName, Headers, Method, ParseError, StatusCode, Text, Uri, parse};

/// A SIP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// The longest message in bytes: what a UDP datagram holds.
    pub const MAX_LEN: usize = 65_535;
    /// The most header rows a message may have.
    pub const MAX_HEADERS: usize = 256;

    /// Reads a message that fills one datagram.
    ///
    /// Via, From, To, Call-ID, CSeq, Max-Forwards and Content-Length are checked here; other
    /// headers are parsed when they are asked for. Bytes beyond Content-Length are dropped, and
    /// without one the body is the rest of the datagram (§18.3). Line ends may lack their carriage
    /// return, and a header that isn't UTF-8 is read as Latin-1: old equipment sends both.
    pub fn parse(datagram: &Bytes) -> Result<Self, ParseError> {
        parse::message(datagram)
    }

    /// The headers of either.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The message as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

/// What one side asks of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The Request-URI: whom it is asked of.
    pub uri: Uri,
    /// The headers. Content-Length needn't be among them: printing writes it.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, uri: impl Into<Uri>) -> Self {
        Self {
            method,
            uri: uri.into(),
            headers: Headers::new(),
            body: Bytes::new(),
        }
    }

    /// The request as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        print(
            format_args!("{} {} SIP/2.0", self.method, self.uri),
            &self.headers,
            &self.body,
        )
    }
}

/// What the other side answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The answer.
    pub status: StatusCode,
    /// The answer for people.
    pub reason: Text,
    /// The headers. Content-Length needn't be among them: printing writes it.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl Response {
    /// The response to `request` with this status, its default reason phrase and the headers that
    /// every response repeats (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq; Timestamp in a
    /// 100; Record-Route where the response may open a dialog (§12.1.1). The To tag is left to
    /// [`Response::set_to_tag`].
    pub fn to_request(request: &Request, status: StatusCode) -> Self {
        Self::repeating(request, status, None)
    }

    /// The same for a request outside dialogs: its To has no tag yet and gets this one. Cheaper
    /// than [`Response::set_to_tag`], which looks first.
    pub(crate) fn to_new_request(request: &Request, status: StatusCode, tag: &str) -> Self {
        Self::repeating(request, status, Some(tag))
    }

    fn repeating(request: &Request, status: StatusCode, to_tag: Option<&str>) -> Self {
        let opens_dialog = request.method.opens_dialog() && (101..300).contains(&status.code());
        let mut headers = request.headers.repeat(|name| match name {
            HeaderName::Via
            | HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::CSeq => true,
            HeaderName::Timestamp => status == StatusCode::TRYING,
            HeaderName::RecordRoute => opens_dialog,
            _ => false,
        });
        if let Some(tag) = to_tag {
            headers.append(&HeaderName::To, &[";tag=", tag].concat());
        }
        Self {
            status,
            reason: Text::from_static(status.reason()),
            headers,
            body: Bytes::new(),
        }
    }

    /// Adds this tag to To, unless it has one already or can't be read.
    pub fn set_to_tag(&mut self, tag: &str) {
        if let Ok(mut to) = self.headers.require::<crate::header::To>()
            && to.tag().is_none()
        {
            to.params.set("tag", tag);
            self.headers.set_typed(&to);
        }
    }

    /// The response as it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let start = format_args!("SIP/2.0 {} {}", self.status, self.reason);
        print(start, &self.headers, &self.body)
    }
}

fn print(start_line: fmt::Arguments<'_>, headers: &Headers, body: &Bytes) -> Bytes {
    let length: usize = headers
        .iter()
        .map(|(n, v)| n.as_str().len() + v.len() + 4)
        .sum();
    let mut out = Lines(BytesMut::with_capacity(length + body.len() + 128));
    // Writing to memory doesn't fail.
    let _ = out.write_fmt(start_line);
    out.end();
    for (name, value) in headers
        .iter()
        .filter(|(n, _)| **n != HeaderName::ContentLength)
    {
        out.text(name.as_str());
        out.0.put_slice(b": ");
        out.text(value);
        out.end();
    }
    let _ = write!(out, "{}: {}", HeaderName::ContentLength, body.len());
    out.end();
    out.end();
    out.0.put_slice(body);
    out.0.freeze()
}

/// Lines of a message. Whatever is written, no text breaks out of its line: line ends within a
/// value become spaces, so that no value can smuggle in a header.
struct Lines(BytesMut);

impl Lines {
    fn text(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
            self.0.put_slice(&rest[..at]);
            self.0.put_u8(b' ');
            rest = &rest[at + 1..];
        }
        self.0.put_slice(rest);
    }

    fn end(&mut self) {
        self.0.put_slice(b"\r\n");
    }
}

impl fmt::Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}
