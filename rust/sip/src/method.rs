//! Request methods.

use std::fmt;

use crate::{Text, Token, grammar};

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// What a request asks for. Method names are case-sensitive (RFC 3261 §7.1).
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$doc])* $variant,)*
            /// Any method that isn't known here.
            Other(Token),
        }

        impl Method {
            /// The method's name as it stands on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(token) => token.as_str(),
                }
            }

            /// The method called `name`, or `None` when `name` is no token.
            pub fn parse(name: &Text) -> Option<Self> {
                Self::read(name, name)
            }

            /// [`Method::parse`] for a piece of a longer text.
            pub(crate) fn read(whole: &Text, name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => Token::new(grammar::slice(whole, name)).map(Self::Other),
                }
            }
        }
    };
}

methods! {
    /// RFC 3261 §13
    Invite "INVITE";
    /// RFC 3261 §13, §17
    Ack "ACK";
    /// RFC 3261 §9
    Cancel "CANCEL";
    /// RFC 3261 §15
    Bye "BYE";
    /// RFC 3261 §11
    Options "OPTIONS";
    /// RFC 3261 §10
    Register "REGISTER";
    /// RFC 3262
    Prack "PRACK";
    /// RFC 6665
    Subscribe "SUBSCRIBE";
    /// RFC 6665
    Notify "NOTIFY";
    /// RFC 3903
    Publish "PUBLISH";
    /// RFC 6086
    Info "INFO";
    /// RFC 3515
    Refer "REFER";
    /// RFC 3428
    Message "MESSAGE";
    /// RFC 3311
    Update "UPDATE";
}

impl Method {
    /// Whether a 2xx to this method opens a dialog (RFC 3261 §12, RFC 3515, RFC 6665).
    pub fn opens_dialog(&self) -> bool {
        matches!(self, Self::Invite | Self::Subscribe | Self::Refer)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
