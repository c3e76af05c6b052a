//! A reader of SIP messages that shares nothing with the one under test.

use bytes::Bytes;

/// Short names of headers and what they stand for (RFC 3261 §7.3.3 and later RFCs).
const COMPACT: [(&str, &str); 12] = [
    ("c", "content-type"),
    ("e", "content-encoding"),
    ("f", "from"),
    ("i", "call-id"),
    ("k", "supported"),
    ("l", "content-length"),
    ("m", "contact"),
    ("o", "event"),
    ("r", "refer-to"),
    ("t", "to"),
    ("v", "via"),
    ("x", "session-expires"),
];

/// A message, as far as the laws ask about it.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Of a request its method, of a response the one in CSeq.
    pub method: String,
    /// Of a request.
    pub uri: String,
    /// Of a response.
    pub status: Option<u16>,
    pub call_id: String,
    pub from_tag: String,
    pub to_tag: String,
    pub cseq: u32,
    pub branch: String,
    /// Where the topmost Via says that the request was sent from.
    pub sent_by: String,
    /// Whether its transport may lose what it carries.
    pub over_udp: bool,
    pub body: Bytes,
    /// As it went over the wire.
    pub bytes: Bytes,
    headers: Vec<(String, String)>,
}

impl Message {
    /// Reads a message; `None` if it lacks what every message has.
    pub fn read(bytes: &Bytes) -> Option<Self> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = head.split("\r\n");
        let start = lines.next()?;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let name = name.trim().to_ascii_lowercase();
            let long = COMPACT.iter().find(|(short, _)| *short == name);
            let name = long.map_or(name.as_str(), |(_, long)| long).to_owned();
            headers.push((name, value.trim().to_owned()));
        }
        let value = |name: &str| {
            let row = headers.iter().find(|(n, _)| n == name);
            row.map(|(_, value)| value.as_str())
        };
        let (number, cseq_method) = value("cseq")?.split_once(' ')?;
        let mut words = start.splitn(3, ' ');
        let (status, method, uri) = match (words.next()?, words.next()?, words.next()) {
            ("SIP/2.0", code, _) => (Some(code.parse().ok()?), cseq_method, ""),
            (method, uri, Some("SIP/2.0")) if method == cseq_method => (None, method, uri),
            _ => return None,
        };
        let via = first_of_list(value("via")?);
        let (protocol, rest) = via.split_once(' ')?;
        Some(Self {
            method: method.to_owned(),
            uri: uri.to_owned(),
            status,
            call_id: value("call-id")?.to_owned(),
            from_tag: tag(value("from")?),
            to_tag: tag(value("to")?),
            cseq: number.trim().parse().ok()?,
            branch: parameter(rest, "branch").unwrap_or_default(),
            sent_by: rest.split(';').next()?.trim().to_owned(),
            over_udp: protocol.ends_with("/UDP"),
            body: bytes.slice(end + 4..),
            bytes: bytes.clone(),
            headers,
        })
    }

    /// The value of a header, the first if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// All values of a header.
    pub fn headers_named(&self, name: &str) -> impl Iterator<Item = &str> {
        let rows = self.headers.iter().filter(move |(n, _)| n == name);
        rows.map(|(_, value)| value.as_str())
    }

    /// Whether a header that lists option tags has this one.
    pub fn lists(&self, header: &str, tag: &str) -> bool {
        let mut tags = self.headers_named(header).flat_map(|v| v.split(','));
        tags.any(|t| t.trim().eq_ignore_ascii_case(tag))
    }

    /// The Vias without what the receiver adds to the topmost.
    pub fn vias(&self) -> Vec<String> {
        let vias = self.headers_named("via").flat_map(|v| v.split(','));
        let plain = |via: &str| {
            let kept = via.split(';').map(str::trim).filter(|p| {
                let name = p.split('=').next().unwrap_or_default();
                name != "received" && name != "rport"
            });
            kept.collect::<Vec<_>>().join(";")
        };
        vias.map(plain).collect()
    }

    /// The description that an exchange of offer and answer is about.
    pub fn description(&self) -> Option<&Bytes> {
        let kind = self.header("content-type").unwrap_or_default();
        let is_one = kind.eq_ignore_ascii_case("application/sdp")
            || kind.to_ascii_lowercase().starts_with("multipart/mixed");
        (is_one && !self.body.is_empty()).then_some(&self.body)
    }

    /// What a person would call it.
    pub fn name(&self) -> String {
        match self.status {
            Some(status) => format!("{status} to {} {}", self.cseq, self.method),
            None => format!("{} {}", self.cseq, self.method),
        }
    }

    pub fn is_request(&self) -> bool {
        self.status.is_none()
    }

    /// The number in RSeq, if this is a provisional response that wants a PRACK.
    pub fn rseq(&self) -> Option<u32> {
        let provisional = matches!(self.status, Some(101..200));
        if !provisional || !self.lists("require", "100rel") {
            return None;
        }
        self.header("rseq")?.parse().ok()
    }

    /// The number in RAck, the CSeq number and the method there.
    pub fn rack(&self) -> Option<(u32, u32, String)> {
        let mut words = self.header("rack")?.split_whitespace();
        let (rseq, cseq) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((rseq, cseq, words.next()?.to_owned()))
    }

    /// After how many seconds the session ends unless it is refreshed, and who refreshes it.
    pub fn session_expires(&self) -> Option<(u64, Option<String>)> {
        let value = self.header("session-expires")?;
        let seconds = value.split(';').next()?.trim().parse().ok()?;
        Some((seconds, parameter(value, "refresher")))
    }
}

fn first_of_list(value: &str) -> &str {
    value.split(',').next().unwrap_or(value).trim()
}

/// The tag of a From or To, which is never inside the angle brackets.
fn tag(value: &str) -> String {
    let after = value.rfind('>').map_or(value, |end| &value[end..]);
    parameter(after, "tag").unwrap_or_default()
}

fn parameter(value: &str, name: &str) -> Option<String> {
    let mut parameters = value.split(';').skip(1).filter_map(|p| p.split_once('='));
    let found = parameters.find(|(n, _)| n.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}
