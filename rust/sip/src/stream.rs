//! Messages out of a stream (RFC 3261 §18.3): Content-Length says where one ends, and line ends
//! between them are keep-alives (§7.5, RFC 5626 §3.5.1).
//!
//! A stream that has once been misunderstood can't be read on, as nobody knows where the next
//! message starts: [`Frame::Broken`] is the last that a [`Framer`] gives, and the connection is to
//! be closed after what could be read has been answered.

use bytes::{Buf, Bytes, BytesMut};

use crate::{Error, HeaderName, Message, grammar};

/// What a stream holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, whole.
    Message(Bytes),
    /// The second of two line ends: the peer asks for a sign of life, one line end.
    Ping,
    /// A single line end: the answer to a keep-alive, or the first half of one.
    Pong,
    /// What can't be read on from.
    Broken {
        /// What of the message has come, as far as it may be worth answering.
        head: Bytes,
        /// What is wrong.
        error: Error,
    },
}

/// Cuts one direction of a connection into messages, however it arrives in pieces.
///
/// It holds at most one unfinished message, which is never longer than [`Message::MAX_LEN`], and
/// what was pushed in beyond; an idle one holds nothing.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// So much of the buffer holds no end of the headers.
    searched: usize,
    /// The length of the message that the buffer starts with, once its headers are there.
    length: Option<usize>,
    /// The start line has been looked at.
    started: bool,
    /// A line end has come that may be the first of two.
    half_ping: bool,
    broken: bool,
}

impl Framer {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what has arrived next.
    pub fn push(&mut self, data: &[u8]) {
        if !self.broken {
            self.buffer.extend_from_slice(data);
        }
    }

    /// Whether a message has begun and not ended. What has been taken for broken counts no more.
    pub fn is_within_message(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// What comes next, if it is there whole.
    pub fn pop(&mut self) -> Option<Frame> {
        if let Some(line_end) = self.take_line_end() {
            return Some(line_end);
        }
        if self.buffer.is_empty() {
            // An idle connection costs no memory.
            self.buffer = BytesMut::new();
            return None;
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.measure() {
                Ok(length) => length?,
                Err((head, error)) => return Some(self.give_up(head, error)),
            },
        };
        if self.buffer.len() < length {
            self.length = Some(length);
            return None;
        }
        (self.searched, self.length, self.started) = (0, None, false);
        // A copy: a part of the buffer would keep all of it for as long as the message is kept.
        let message = Bytes::copy_from_slice(&self.buffer[..length]);
        self.buffer.advance(length);
        Some(Frame::Message(message))
    }

    /// Between messages: takes one line end.
    fn take_line_end(&mut self) -> Option<Frame> {
        if self.started {
            return None;
        }
        let length = match self.buffer[..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        };
        if length == 0 {
            let waits = matches!(self.buffer[..], [] | [b'\r']);
            self.half_ping &= waits;
            return None;
        }
        self.buffer.advance(length);
        self.half_ping = !self.half_ping;
        Some(match self.half_ping {
            true => Frame::Pong,
            false => Frame::Ping,
        })
    }

    /// The length of the message that begins here; `None` while that can't be told. An error with
    /// the length of what there is to answer.
    fn measure(&mut self) -> Result<Option<usize>, (usize, Error)> {
        let buffer = &self.buffer[..];
        if !self.started {
            // Other protocols show in their first byte, and don't always have lines.
            if buffer != b"\r" && !buffer[0].is_ascii_graphic() {
                return Err((0, Error::StartLine));
            }
            let Some(end) = memchr::memchr(b'\n', &buffer[self.searched..]) else {
                self.searched = buffer.len();
                return match buffer.len() > Message::MAX_LEN {
                    true => Err((0, Error::TooLarge)),
                    false => Ok(None),
                };
            };
            if !mentions_sip(&buffer[..self.searched + end]) {
                return Err((0, Error::StartLine));
            }
            self.started = true;
        }
        let head = loop {
            let Some(end) = memchr::memchr(b'\n', &buffer[self.searched..]) else {
                break None;
            };
            let next = self.searched + end + 1;
            match buffer[next..] {
                [b'\n', ..] => break Some(next + 1),
                [b'\r', b'\n', ..] => break Some(next + 2),
                // The line end may be that of the last header.
                [] | [b'\r'] => {
                    self.searched += end;
                    break None;
                }
                _ => self.searched = next,
            }
        };
        let Some(head) = head else {
            return match buffer.len() > Message::MAX_LEN {
                true => Err((Message::MAX_LEN, Error::TooLarge)),
                false => Ok(None),
            };
        };
        let length = content_length(&buffer[..head]).map_err(|error| (head, error))?;
        match head.saturating_add(length) {
            whole if whole > Message::MAX_LEN => Err((head, Error::TooLarge)),
            whole => Ok(Some(whole)),
        }
    }

    fn give_up(&mut self, head: usize, error: Error) -> Frame {
        self.broken = true;
        let rest = std::mem::take(&mut self.buffer);
        let head = Bytes::copy_from_slice(&rest[..head.min(rest.len())]);
        Frame::Broken { head, error }
    }
}

/// Whether a first line can be a request or status line, of whatever version.
fn mentions_sip(line: &[u8]) -> bool {
    line.windows(4)
        .any(|window| window.eq_ignore_ascii_case(b"SIP/"))
}

/// The one length that all Content-Length rows of these headers state (§20.14: over a stream there
/// has to be one).
fn content_length(head: &[u8]) -> Result<usize, Error> {
    let mut lines = head.split(|byte| *byte == b'\n').peekable();
    let mut length = None;
    while let Some(line) = lines.next() {
        let Some(value) = value_of_length(line) else {
            continue;
        };
        let mut value = value.to_vec();
        while let Some(more) =
            lines.next_if(|line| line.starts_with(b" ") || line.starts_with(b"\t"))
        {
            value.extend_from_slice(more);
        }
        let number = std::str::from_utf8(&value)
            .ok()
            .and_then(|text| grammar::number::<u32>(text.trim_matches([' ', '\t', '\r'])))
            .ok_or(Error::Malformed(HeaderName::ContentLength))? as usize;
        if length.is_some_and(|length| length != number) {
            return Err(Error::Repeated(HeaderName::ContentLength));
        }
        length = Some(number);
    }
    length.ok_or(Error::Missing(HeaderName::ContentLength))
}

/// What follows the colon, when the line is a Content-Length, or `l`.
fn value_of_length(line: &[u8]) -> Option<&[u8]> {
    if !matches!(line.first(), Some(b'c' | b'C' | b'l' | b'L')) {
        return None;
    }
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let is_it = name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l");
    is_it.then(|| &line[colon + 1..])
}
