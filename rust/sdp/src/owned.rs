//! Descriptions that outlive the text that they were read from.

use crate::Text;
use crate::attribute::Attribute;
use crate::media::Media;
use crate::session::{NetworkAddress, Origin, SessionDescription, Timing};

/// A word of its own; those that nearly every description has need no memory.
pub(crate) fn word(word: &str) -> Text<'static> {
    macro_rules! known {
        ($($word:literal)*) => {
            match word {
                $($word => Text::Borrowed($word),)*
                other => Text::Owned(other.to_owned()),
            }
        };
    }
    known! { "audio" "video" "RTP/AVP" "RTP/AVPF" "RTP/SAVP" "0" "8" "9" "18" "96" "101" }
}

impl SessionDescription<'_> {
    /// The same with texts of its own.
    pub fn into_owned(self) -> SessionDescription<'static> {
        SessionDescription {
            origin: self.origin.into_owned(),
            name: text(self.name),
            information: self.information.map(text),
            uri: self.uri.map(text),
            emails: texts(self.emails),
            phones: texts(self.phones),
            connection: self.connection.map(NetworkAddress::into_owned),
            bandwidths: texts(self.bandwidths),
            times: self.times.into_iter().map(Timing::into_owned).collect(),
            zone: self.zone.map(text),
            key: self.key.map(text),
            attributes: attributes(self.attributes),
            media: self.media.into_iter().map(Media::into_owned).collect(),
        }
    }
}

impl Media<'_> {
    fn into_owned(self) -> Media<'static> {
        let connections = self.connections.into_iter();
        Media {
            kind: text(self.kind),
            port: self.port,
            port_count: self.port_count,
            protocol: text(self.protocol),
            formats: texts(self.formats),
            information: self.information.map(text),
            connections: connections.map(NetworkAddress::into_owned).collect(),
            bandwidths: texts(self.bandwidths),
            key: self.key.map(text),
            attributes: attributes(self.attributes),
        }
    }
}

impl Origin<'_> {
    fn into_owned(self) -> Origin<'static> {
        Origin {
            username: text(self.username),
            session_id: text(self.session_id),
            session_version: text(self.session_version),
            address: self.address.into_owned(),
        }
    }
}

impl Timing<'_> {
    fn into_owned(self) -> Timing<'static> {
        Timing {
            active: text(self.active),
            repeats: texts(self.repeats),
        }
    }
}

impl NetworkAddress<'_> {
    fn into_owned(self) -> NetworkAddress<'static> {
        NetworkAddress {
            network_type: text(self.network_type),
            address_type: text(self.address_type),
            address: text(self.address),
        }
    }
}

fn attributes(attributes: Vec<Attribute<'_>>) -> Vec<Attribute<'static>> {
    let owned = attributes.into_iter().map(|attribute| Attribute {
        name: text(attribute.name),
        value: attribute.value.map(text),
    });
    owned.collect()
}

fn texts(texts: Vec<Text<'_>>) -> Vec<Text<'static>> {
    texts.into_iter().map(text).collect()
}

fn text(text: Text<'_>) -> Text<'static> {
    Text::Owned(text.into_owned())
}
