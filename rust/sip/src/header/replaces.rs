//! Replaces (RFC 3891) and Target-Dialog (RFC 4538): a dialog of the receiver's, by name.

use std::fmt;

use super::{Header, HeaderName, Params, Rows};
use crate::{Error, Text, grammar};

/// Reads `call-id;params`.
fn read(value: &Text) -> Option<(Text, Params)> {
    let (call_id, params) = grammar::cut_params(value);
    let call_id = grammar::trim(call_id);
    let is_word = !call_id.is_empty() && call_id.bytes().all(|b| b.is_ascii_graphic() && b != b',');
    let params = Params::parse(value, params)?;
    is_word.then(|| (grammar::slice(value, call_id), params))
}

fn tag(params: &Params, name: &str) -> Option<Text> {
    params.get_text(name).filter(|tag| !tag.is_empty())
}

/// The call whose place this INVITE takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: Text,
    /// The tag of whoever gets the INVITE.
    pub to_tag: Text,
    /// The tag of the other side.
    pub from_tag: Text,
    /// `early-only`: not if it is answered.
    pub early_only: bool,
}

impl Header for Replaces {
    const NAME: HeaderName = HeaderName::Replaces;
    const ROWS: Rows = Rows::List;

    fn parse(value: &Text) -> Result<Self, Error> {
        let parse = || {
            let (call_id, params) = read(value)?;
            Some(Self {
                call_id,
                to_tag: tag(&params, "to-tag")?,
                from_tag: tag(&params, "from-tag")?,
                early_only: params.contains("early-only"),
            })
        };
        parse().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call_id,
            to_tag,
            from_tag,
            early_only,
        } = self;
        let early_only = if *early_only { ";early-only" } else { "" };
        write!(
            f,
            "{call_id};to-tag={to_tag};from-tag={from_tag}{early_only}"
        )
    }
}

/// A dialog that both sides have: who knows it may ask for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetDialog {
    /// Its Call-ID.
    pub call_id: Text,
    /// The tag of whoever sends the request.
    pub local_tag: Text,
    /// The tag of whoever gets it.
    pub remote_tag: Text,
}

impl Header for TargetDialog {
    const NAME: HeaderName = HeaderName::TargetDialog;

    fn parse(value: &Text) -> Result<Self, Error> {
        let parse = || {
            let (call_id, params) = read(value)?;
            Some(Self {
                call_id,
                local_tag: tag(&params, "local-tag")?,
                remote_tag: tag(&params, "remote-tag")?,
            })
        };
        parse().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for TargetDialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call_id,
            local_tag,
            remote_tag,
        } = self;
        write!(f, "{call_id};local-tag={local_tag};remote-tag={remote_tag}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_to_be_replaced_is_read_and_written() {
        let text = Text::from("a84b4c76@host;to-tag=7;from-tag=x;early-only");
        let replaces = Replaces::parse(&text).unwrap();
        assert_eq!((&*replaces.to_tag, &*replaces.from_tag), ("7", "x"));
        assert!(replaces.early_only);
        assert_eq!(replaces.to_string(), &*text);
    }

    #[test]
    fn a_dialog_has_two_tags() {
        for text in [
            "",
            "id",
            "id;to-tag=1",
            "id;from-tag=1",
            ";to-tag=1;from-tag=2",
            "id;to-tag=;from-tag=2",
        ] {
            assert!(Replaces::parse(&text.into()).is_err(), "{text}");
        }
        let target = "id;local-tag=a;remote-tag=b";
        assert_eq!(
            TargetDialog::parse(&target.into()).unwrap().to_string(),
            target
        );
        assert!(TargetDialog::parse(&"id;local-tag=a".into()).is_err());
    }
}
