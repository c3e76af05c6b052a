//! Reading a description line by line (RFC 8866 §9).
//!
//! The order of lines within a level is not insisted on: phones get it wrong, and nothing is
//! ambiguous about it. `m=` opens the next media description. A missing `s=` or `t=` is forgiven
//! for the same reason, and so are lines with a letter that RFC 8866 does not know, though its §5
//! would have the whole description ignored for them: surveillance cameras add `y=` and `f=`.
//! Zeros and blanks behind the last line are no part of it. What a stranger sends is limited.

use crate::Text;
use crate::attribute::Attribute;
use crate::error::Error;
use crate::media::Media;
use crate::scan::{Lines, Words};
use crate::session::{NetworkAddress, Origin, SessionDescription, Timing};

/// Bytes of a description at most: more than a datagram holds.
const MAX_LENGTH: usize = 65_536;
/// Lines at most; a browser with everything that it knows sends about 300.
const MAX_LINES: usize = 4096;
/// Media lines at most.
const MAX_MEDIA: usize = 64;

pub(crate) fn session_description(text: &[u8]) -> Result<SessionDescription<'_>, Error> {
    if text.len() > MAX_LENGTH {
        return Err(syntax(1, "longer than 65536 bytes"));
    }
    match std::str::from_utf8(text) {
        Ok(text) => lines(text),
        Err(_) => lines(&String::from_utf8_lossy(text)).map(SessionDescription::into_owned),
    }
}

fn syntax(line: usize, reason: &'static str) -> Error {
    Error::Syntax { line, reason }
}

fn lines(text: &str) -> Result<SessionDescription<'_>, Error> {
    let text = without_padding(text);
    // One look at all lines, since hardly any description has one.
    let has_nul = memchr::memchr(0, text.as_bytes()).is_some();
    let mut reader = Reader::default();
    let mut number = 0;
    for line in Lines::of(text) {
        number += 1;
        if number > MAX_LINES {
            return Err(syntax(number, "more than 4096 lines"));
        }
        if line.is_empty() {
            continue;
        }
        if has_nul && line.contains('\0') {
            return Err(syntax(number, "contains a NUL"));
        }
        reader.line(line).map_err(|reason| syntax(number, reason))?;
    }
    reader.finish().map_err(|reason| syntax(number + 1, reason))
}

/// A description without what is behind its last line; blanks at the end of that line are its own.
fn without_padding(text: &str) -> &str {
    let padded = text.trim_end_matches(['\0', ' ', '\t', '\r', '\n']).len();
    let padding = &text[padded..];
    let blanks = padding.len() - padding.trim_start_matches([' ', '\t']).len();
    match padding[blanks..].starts_with(['\r', '\n']) {
        true => &text[..padded + blanks],
        false => &text[..padded],
    }
}

#[derive(Default)]
struct Reader<'a> {
    version: bool,
    origin: Option<Origin<'a>>,
    name: Option<Text<'a>>,
    information: Option<Text<'a>>,
    uri: Option<Text<'a>>,
    emails: Vec<Text<'a>>,
    phones: Vec<Text<'a>>,
    connection: Option<NetworkAddress<'a>>,
    bandwidths: Vec<Text<'a>>,
    times: Vec<Timing<'a>>,
    zone: Option<Text<'a>>,
    key: Option<Text<'a>>,
    attributes: Vec<Attribute<'a>>,
    media: Vec<Media<'a>>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), &'static str> {
        let (letter, value) = match *line.as_bytes() {
            [letter, b'=', ..] => (letter, &line[2..]),
            // Told apart by what is expected: some letter, or `v` first of all.
            _ if line.contains('=') => (0, ""),
            _ => return Err("not of the form letter=value"),
        };
        if !self.version {
            self.version = letter == b'v' && value.trim() == "0";
            return if self.version {
                Ok(())
            } else {
                Err("v=0 must come first")
            };
        }
        let full = self.media.len() == MAX_MEDIA;
        match (letter, self.media.last_mut()) {
            (b'm', _) if full => return Err("more than 64 media lines"),
            (b'm', _) => {
                // A call has mostly one.
                if self.media.is_empty() {
                    self.media.reserve_exact(1);
                }
                self.media.push(media(value)?);
            }
            (_, Some(media)) => media_line(media, letter, value)?,
            (b'o', _) => once(&mut self.origin, origin(value)?)?,
            (b's', _) => once(&mut self.name, value.into())?,
            (b'i', _) => once(&mut self.information, value.into())?,
            (b'u', _) => once(&mut self.uri, value.into())?,
            (b'e', _) => self.emails.push(value.into()),
            (b'p', _) => self.phones.push(value.into()),
            (b'c', _) => once(&mut self.connection, connection(value)?)?,
            (b'b', _) => self.bandwidths.push(value.into()),
            (b't', _) => self.times.push(Timing {
                active: value.into(),
                repeats: Vec::new(),
            }),
            (b'r', _) => {
                let time = self.times.last_mut().ok_or("r= without a t= before it")?;
                time.repeats.push(value.into());
            }
            (b'z', _) => once(&mut self.zone, value.into())?,
            (b'k', _) => once(&mut self.key, value.into())?,
            (b'a', _) => push_attribute(&mut self.attributes, value),
            (b'v', _) => return Err("given twice"),
            _ => return unknown(letter),
        }
        Ok(())
    }

    #[inline(always)]
    fn finish(self) -> Result<SessionDescription<'a>, &'static str> {
        if !self.version {
            return Err("empty");
        }
        Ok(SessionDescription {
            origin: self.origin.ok_or("o= is missing")?,
            name: self.name.unwrap_or_else(|| "-".into()),
            information: self.information,
            uri: self.uri,
            emails: self.emails,
            phones: self.phones,
            connection: self.connection,
            bandwidths: self.bandwidths,
            times: if self.times.is_empty() {
                vec![Timing::unbounded()]
            } else {
                self.times
            },
            zone: self.zone,
            key: self.key,
            attributes: self.attributes,
            media: self.media,
        })
    }
}

fn media_line<'a>(media: &mut Media<'a>, letter: u8, value: &'a str) -> Result<(), &'static str> {
    match letter {
        b'i' => once(&mut media.information, value.into())?,
        b'c' => media.connections.push(connection(value)?),
        b'b' => media.bandwidths.push(value.into()),
        b'k' => once(&mut media.key, value.into())?,
        b'a' => push_attribute(&mut media.attributes, value),
        b'v' | b'o' | b's' | b'u' | b'e' | b'p' | b't' | b'r' | b'z' => {
            return Err("a line of the session level after m=");
        }
        _ => return unknown(letter),
    }
    Ok(())
}

/// A line that we know nothing of is passed over.
fn unknown(letter: u8) -> Result<(), &'static str> {
    match letter {
        b'a'..=b'z' | b'A'..=b'Z' => Ok(()),
        _ => Err("not of the form letter=value"),
    }
}

#[inline(always)]
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), &'static str> {
    // What is there is looked at and not moved: an origin is long.
    if slot.is_some() {
        return Err("given twice");
    }
    *slot = Some(value);
    Ok(())
}

#[inline]
fn origin(value: &str) -> Result<Origin<'_>, &'static str> {
    let malformed = "o= needs user, id, version, network, address type and address";
    let mut words = Words::of(value);
    let mut word = || words.next().map(Text::from).ok_or(malformed);
    let origin = Origin {
        username: word()?,
        session_id: word()?,
        session_version: word()?,
        address: NetworkAddress {
            network_type: word()?,
            address_type: word()?,
            address: word()?,
        },
    };
    match words.next() {
        None => Ok(origin),
        Some(_) => Err(malformed),
    }
}

fn connection(value: &str) -> Result<NetworkAddress<'_>, &'static str> {
    NetworkAddress::parse(value).ok_or("c= needs network, address type and address")
}

#[inline(always)]
fn media(value: &str) -> Result<Media<'_>, &'static str> {
    let malformed = "m= needs media, port, protocol and formats";
    let mut words = Words::of(value);
    let kind = words.next().ok_or(malformed)?.into();
    let ports = words.next().ok_or(malformed)?;
    let (port, count) = match ports.split_once('/') {
        Some((port, count)) => (port, Some(count)),
        None => (ports, None),
    };
    Ok(Media {
        kind,
        port: port.parse().map_err(|_| "the port is not in 0..=65535")?,
        port_count: count
            .map(str::parse)
            .transpose()
            .map_err(|_| "the number of ports is not in 0..=65535")?,
        protocol: words.next().ok_or(malformed)?.into(),
        formats: words.map(Text::from).collect(),
        ..Media::default()
    })
}

fn attribute(line: &str) -> Attribute<'_> {
    // The names are short.
    match line.bytes().position(|byte| byte == b':') {
        Some(colon) => Attribute {
            name: line[..colon].into(),
            value: Some(line[colon + 1..].into()),
        },
        None => Attribute {
            name: line.into(),
            value: None,
        },
    }
}

/// Adds an attribute; a line has rather a dozen of them than one.
fn push_attribute<'a>(attributes: &mut Vec<Attribute<'a>>, line: &'a str) {
    if attributes.capacity() == 0 {
        attributes.reserve(12);
    }
    attributes.push(attribute(line));
}
