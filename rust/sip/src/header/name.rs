//! Names of headers: the table of those we know, with their compact forms (RFC 3261 §7.3.3).

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::{Text, Token};

macro_rules! header_names {
    ($($variant:ident $name:literal $(or $compact:literal)?;)*) => {
        /// The name of a header. Names compare without regard to case (RFC 3261 §7.3.1), and a
        /// compact form is the same name as the long one.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )*
            /// A name that isn't in the table.
            Other(OtherName),
        }

        static NAMES: &[(&str, HeaderName)] = &[
            $(($name, HeaderName::$variant), $(($compact, HeaderName::$variant),)?)*
        ];

        impl HeaderName {
            /// The name in its long form, spelled as the RFCs spell it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(other) => other.0.as_str(),
                }
            }
        }
    };
}

header_names! {
    Accept "Accept";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AlertInfo "Alert-Info";
    Allow "Allow";
    AllowEvents "Allow-Events" or "u";
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CSeq "CSeq";
    CallId "Call-ID" or "i";
    CallInfo "Call-Info";
    Contact "Contact" or "m";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" or "e";
    ContentLanguage "Content-Language";
    ContentLength "Content-Length" or "l";
    ContentType "Content-Type" or "c";
    Date "Date";
    Diversion "Diversion";
    Event "Event" or "o";
    Expires "Expires";
    From "From" or "f";
    HistoryInfo "History-Info";
    InReplyTo "In-Reply-To";
    InfoPackage "Info-Package";
    MaxForwards "Max-Forwards";
    MimeVersion "MIME-Version";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    Organization "Organization";
    PAssertedIdentity "P-Asserted-Identity";
    PPreferredIdentity "P-Preferred-Identity";
    Path "Path";
    Priority "Priority";
    Privacy "Privacy";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    RAck "RAck";
    RSeq "RSeq";
    Reason "Reason";
    RecordRoute "Record-Route";
    RecvInfo "Recv-Info";
    ReferSub "Refer-Sub";
    ReferTo "Refer-To" or "r";
    ReferredBy "Referred-By" or "b";
    Replaces "Replaces";
    ReplyTo "Reply-To";
    Require "Require";
    RetryAfter "Retry-After";
    Route "Route";
    Server "Server";
    ServiceRoute "Service-Route";
    SessionExpires "Session-Expires" or "x";
    SipEtag "SIP-ETag";
    SipIfMatch "SIP-If-Match";
    Subject "Subject" or "s";
    SubscriptionState "Subscription-State";
    Supported "Supported" or "k";
    TargetDialog "Target-Dialog";
    Timestamp "Timestamp";
    To "To" or "t";
    Unsupported "Unsupported";
    UserAgent "User-Agent";
    Via "Via" or "v";
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

const SLOTS: usize = 256;

const fn slot(name: &[u8]) -> usize {
    let n = name.len();
    let first = name[0].to_ascii_lowercase() as usize;
    let middle = name[n / 2].to_ascii_lowercase() as usize;
    let last = name[n - 1].to_ascii_lowercase() as usize;
    (first * 7 + middle * 31 + last * 13 + n * 5) % SLOTS
}

/// A small hash table made at compile time: index into `NAMES` plus one, or zero.
static TABLE: [u8; SLOTS] = {
    let mut table = [0; SLOTS];
    let mut i = 0;
    while i < NAMES.len() {
        let mut at = slot(NAMES[i].0.as_bytes());
        while table[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        table[at] = (i + 1) as u8;
        i += 1;
    }
    table
};

impl HeaderName {
    /// The header called `name`, in its long or compact form and in any case; `None` when `name`
    /// is no token.
    pub fn parse(name: &Text) -> Option<Self> {
        Self::known(name).or_else(|| Token::new(name.clone()).map(|t| Self::Other(OtherName(t))))
    }

    /// The header of the table that is called `name`.
    pub(crate) fn known(name: &str) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let mut at = slot(name.as_bytes());
        while TABLE[at] != 0 {
            let (candidate, header) = &NAMES[TABLE[at] as usize - 1];
            if *candidate == name || candidate.eq_ignore_ascii_case(name) {
                return Some(header.clone());
            }
            at = (at + 1) % SLOTS;
        }
        None
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A header name outside the table; it compares without regard to case.
#[derive(Clone)]
pub struct OtherName(Token);

impl PartialEq for OtherName {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str().eq_ignore_ascii_case(other.0.as_str())
    }
}

impl Eq for OtherName {}

impl Hash for OtherName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.as_str().bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl fmt::Debug for OtherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
