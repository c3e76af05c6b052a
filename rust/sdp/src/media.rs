//! A media description: an `m=` line and what belongs to it (RFC 8866 §5.14).

use std::fmt;

use crate::Text;
use crate::attribute::{Attribute, Direction, Rtcp, RtpMap};
use crate::owned;
use crate::session::{NetworkAddress, write_lines};

/// One media stream, of a known kind or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media<'a> {
    /// `audio`, `video`, `text`, `image`, …
    pub kind: Text<'a>,
    /// The transport port; 0 refuses or ends the stream.
    pub port: u16,
    /// The number of ports when more than one is named (`49170/2`).
    pub port_count: Option<u16>,
    /// `RTP/AVP`, `RTP/SAVP`, `udptl`, …
    pub protocol: Text<'a>,
    /// The formats in order of preference; payload types for RTP.
    pub formats: Vec<Text<'a>>,
    /// `i=`
    pub information: Option<Text<'a>>,
    /// `c=`; more than one only for layered multicast.
    pub connections: Vec<NetworkAddress<'a>>,
    /// `b=`, unread.
    pub bandwidths: Vec<Text<'a>>,
    /// `k=`, unread.
    pub key: Option<Text<'a>>,
    /// `a=`, known and unknown, in their order.
    pub attributes: Vec<Attribute<'a>>,
}

impl Media<'_> {
    /// The value of the first attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.name == name)?;
        found.value.as_deref()
    }

    /// The direction that this line states for itself, before the session's is considered.
    pub fn direction(&self) -> Option<Direction> {
        Direction::find(&self.attributes)
    }

    /// What each payload type of the line stands for, in the line's order; types that nothing
    /// explains are left out.
    pub fn payloads(&self) -> impl Iterator<Item = RtpMap<'_>> {
        // One look at each attribute, however many formats a stranger lists.
        let mut values = [None; 128];
        for value in self.attributes.iter().filter(|a| a.name == "rtpmap") {
            let value = value.value.as_deref().unwrap_or_default();
            if let Some(slot) = payload_type(value).and_then(|pt| values.get_mut(usize::from(pt)))
                && slot.is_none()
            {
                *slot = Some(value);
            }
        }
        self.formats.iter().filter_map(move |format| {
            // A number written in another way is not what we would answer with.
            let is_plain = format.len() == 1 || !format.starts_with(['0', '+']);
            let payload_type: u8 = format.parse().ok().filter(|pt| *pt < 128 && is_plain)?;
            let value = values[usize::from(payload_type)];
            value
                .and_then(RtpMap::parse)
                .or_else(|| RtpMap::of_static(payload_type))
        })
    }

    /// The parameters that `a=fmtp` gives to a payload type.
    pub fn fmtp(&self, of: u8) -> Option<&str> {
        let values = self.attributes.iter().filter(|a| a.name == "fmtp");
        values
            .filter_map(|a| a.value.as_deref())
            .find(|value| payload_type(value) == Some(of))
            .and_then(|value| Some(value.trim_start().split_once(' ')?.1))
    }

    /// Whether the line has a property attribute of this name.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|a| a.name.trim_end() == name)
    }

    /// The milliseconds of audio that the writer wants in a packet.
    pub fn ptime_ms(&self) -> Option<u32> {
        milliseconds(self.attribute("ptime")?)
    }

    /// The milliseconds of audio that the writer takes in a packet at most.
    pub fn maxptime_ms(&self) -> Option<u32> {
        milliseconds(self.attribute("maxptime")?)
    }

    /// Where the writer wants its RTCP, when it says so.
    pub fn rtcp(&self) -> Option<Rtcp> {
        Rtcp::parse(self.attribute("rtcp")?)
    }

    /// The same line refused: port 0, kind, protocol and formats kept (RFC 3264 §6). A line
    /// without any format, which the grammar does not know, gets one.
    pub fn refused(&self) -> Media<'static> {
        Media {
            kind: owned::word(&self.kind),
            protocol: owned::word(&self.protocol),
            formats: match self.formats.is_empty() {
                true => vec!["0".into()],
                false => self.formats.iter().map(|f| owned::word(f)).collect(),
            },
            ..Media::default()
        }
    }
}

/// The payload type that the value of `a=rtpmap` or `a=fmtp` begins with.
fn payload_type(value: &str) -> Option<u8> {
    value.trim_start().split(' ').next()?.parse().ok()
}

/// Whole milliseconds; a fraction, which RFC 4566 allowed, is cut off.
fn milliseconds(value: &str) -> Option<u32> {
    let whole = value.trim().split('.').next()?;
    whole.parse().ok().filter(|ms| *ms > 0)
}

impl fmt::Display for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {}", self.kind, self.port)?;
        if let Some(count) = self.port_count {
            write!(f, "/{count}")?;
        }
        write!(f, " {}", self.protocol)?;
        for format in &self.formats {
            write!(f, " {format}")?;
        }
        f.write_str("\r\n")?;
        write_lines(f, 'i', &self.information)?;
        write_lines(f, 'c', &self.connections)?;
        write_lines(f, 'b', &self.bandwidths)?;
        write_lines(f, 'k', &self.key)?;
        write_lines(f, 'a', &self.attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio<'a>(formats: &[&'a str], attributes: &[(&'a str, &str)]) -> Media<'a> {
        Media {
            kind: "audio".into(),
            port: 4000,
            protocol: "RTP/AVP".into(),
            formats: formats.iter().map(|f| (*f).into()).collect(),
            attributes: attributes
                .iter()
                .map(|(name, value)| Attribute::value(name, value))
                .collect(),
            ..Media::default()
        }
    }

    #[test]
    fn payload_types_are_explained_by_rtpmap_or_by_rfc_3551() {
        let media = audio(
            &["0", "97", "98", "x", "08", "+8"],
            &[("rtpmap", "97 opus/48000/2")],
        );
        let names: Vec<_> = media.payloads().map(|map| map.to_string()).collect();
        assert_eq!(names, ["0 PCMU/8000", "97 opus/48000/2"]);
    }

    #[test]
    fn packet_times_are_whole_positive_milliseconds() {
        let media = audio(&["0"], &[("ptime", "30.5"), ("maxptime", "0")]);
        assert_eq!(media.ptime_ms(), Some(30));
        assert_eq!(media.maxptime_ms(), None);
    }

    #[test]
    fn a_refused_line_keeps_kind_protocol_and_formats_only() {
        let refused = audio(&["0", "8"], &[("ptime", "20")]).refused();
        assert_eq!(refused.to_string(), "m=audio 0 RTP/AVP 0 8\r\n");
    }
}
