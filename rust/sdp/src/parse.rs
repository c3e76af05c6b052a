//! Reading a description line by line (RFC 8866 §9).
//!
//! The order of lines within a level is not insisted on: phones get it wrong, and nothing is
//! ambiguous about it. `m=` opens the next media description. A missing `s=` or `t=` is forgiven
//! for the same reason, and so are lines with a letter that RFC 8866 does not know, though its §5
//! would have the whole description ignored for them: surveillance cameras add `y=` and `f=`.
//! Zeros and blanks behind the last line are no part of it. What a stranger sends is limited.

use crate::attribute::Attribute;
use crate::error::Error;
use crate::media::Media;
use crate::session::{NetworkAddress, Origin, SessionDescription, Timing};

/// Bytes of a description at most: more than a datagram holds.
const MAX_LENGTH: usize = 65_536;
/// Lines at most; a browser with everything that it knows sends about 300.
const MAX_LINES: usize = 4096;
/// Media lines at most.
const MAX_MEDIA: usize = 64;

pub(crate) fn session_description(text: &[u8]) -> Result<SessionDescription, Error> {
    if text.len() > MAX_LENGTH {
        return Err(Error::Syntax {
            line: 1,
            reason: "longer than 65536 bytes",
        });
    }
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end_matches(['\0', ' ', '\t', '\r', '\n']);
    let mut reader = Reader::default();
    let mut number = 0;
    for line in lines(text) {
        number += 1;
        if number > MAX_LINES {
            return Err(Error::Syntax {
                line: number,
                reason: "more than 4096 lines",
            });
        }
        if !line.is_empty() {
            reader.line(line).map_err(|reason| Error::Syntax {
                line: number,
                reason,
            })?;
        }
    }
    reader.finish().map_err(|reason| Error::Syntax {
        line: number + 1,
        reason,
    })
}

/// Lines that end in CRLF, LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

#[derive(Default)]
struct Reader {
    version: bool,
    origin: Option<Origin>,
    name: Option<String>,
    information: Option<String>,
    uri: Option<String>,
    emails: Vec<String>,
    phones: Vec<String>,
    connection: Option<NetworkAddress>,
    bandwidths: Vec<String>,
    times: Vec<Timing>,
    zone: Option<String>,
    key: Option<String>,
    attributes: Vec<Attribute>,
    media: Vec<Media>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let (letter, value) = line.split_once('=').ok_or("not of the form letter=value")?;
        if value.contains('\0') {
            return Err("contains a NUL");
        }
        if !self.version {
            self.version = letter == "v" && value.trim() == "0";
            return if self.version {
                Ok(())
            } else {
                Err("v=0 must come first")
            };
        }
        let full = self.media.len() == MAX_MEDIA;
        match (letter, self.media.last_mut()) {
            ("m", _) if full => return Err("more than 64 media lines"),
            ("m", _) => self.media.push(media(value)?),
            (_, Some(media)) => media_line(media, letter, value)?,
            ("o", _) => once(&mut self.origin, origin(value)?)?,
            ("s", _) => once(&mut self.name, value.to_owned())?,
            ("i", _) => once(&mut self.information, value.to_owned())?,
            ("u", _) => once(&mut self.uri, value.to_owned())?,
            ("e", _) => self.emails.push(value.to_owned()),
            ("p", _) => self.phones.push(value.to_owned()),
            ("c", _) => once(&mut self.connection, connection(value)?)?,
            ("b", _) => self.bandwidths.push(value.to_owned()),
            ("t", _) => self.times.push(Timing {
                active: value.to_owned(),
                repeats: Vec::new(),
            }),
            ("r", _) => {
                let time = self.times.last_mut().ok_or("r= without a t= before it")?;
                time.repeats.push(value.to_owned());
            }
            ("z", _) => once(&mut self.zone, value.to_owned())?,
            ("k", _) => once(&mut self.key, value.to_owned())?,
            ("a", _) => self.attributes.push(attribute(value)),
            ("v", _) => return Err("given twice"),
            _ => return unknown(letter),
        }
        Ok(())
    }

    fn finish(self) -> Result<SessionDescription, &'static str> {
        if !self.version {
            return Err("empty");
        }
        Ok(SessionDescription {
            origin: self.origin.ok_or("o= is missing")?,
            name: self.name.unwrap_or_else(|| "-".to_owned()),
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

fn media_line(media: &mut Media, letter: &str, value: &str) -> Result<(), &'static str> {
    match letter {
        "i" => once(&mut media.information, value.to_owned())?,
        "c" => media.connections.push(connection(value)?),
        "b" => media.bandwidths.push(value.to_owned()),
        "k" => once(&mut media.key, value.to_owned())?,
        "a" => media.attributes.push(attribute(value)),
        "v" | "o" | "s" | "u" | "e" | "p" | "t" | "r" | "z" => {
            return Err("a line of the session level after m=");
        }
        _ => return unknown(letter),
    }
    Ok(())
}

/// A line that we know nothing of is passed over.
fn unknown(letter: &str) -> Result<(), &'static str> {
    match letter.as_bytes() {
        [b'a'..=b'z' | b'A'..=b'Z'] => Ok(()),
        _ => Err("not of the form letter=value"),
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), &'static str> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err("given twice"),
    }
}

fn origin(value: &str) -> Result<Origin, &'static str> {
    let malformed = "o= needs user, id, version, network, address type and address";
    let mut words = value.split_ascii_whitespace();
    let mut word = || words.next().map(str::to_owned).ok_or(malformed);
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

fn connection(value: &str) -> Result<NetworkAddress, &'static str> {
    NetworkAddress::parse(value).ok_or("c= needs network, address type and address")
}

fn media(value: &str) -> Result<Media, &'static str> {
    let malformed = "m= needs media, port, protocol and formats";
    let mut words = value.split_ascii_whitespace();
    let kind = words.next().ok_or(malformed)?.to_owned();
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
        protocol: words.next().ok_or(malformed)?.to_owned(),
        formats: words.map(str::to_owned).collect(),
        ..Media::default()
    })
}

fn attribute(value: &str) -> Attribute {
    match value.split_once(':') {
        Some((name, value)) => Attribute::value(name, value),
        None => Attribute::property(value),
    }
}
