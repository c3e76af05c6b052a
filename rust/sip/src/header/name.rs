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
            /// A name that isn't in the table. Boxed, since every row has a name and few have such a
            /// one.
            Other(Box<OtherName>),
        }

        const NAMES: &[(&str, HeaderName)] = &[
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
    ContentTransferEncoding "Content-Transfer-Encoding";
    ContentType "Content-Type" or "c";
    Date "Date";
    Diversion "Diversion";
    Event "Event" or "o";
    Expires "Expires";
    From "From" or "f";
    HistoryInfo "History-Info";
    InReplyTo "In-Reply-To";
    InfoPackage "Info-Package";
    Join "Join";
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

/// What a name is found and compared by: its length, and eight bytes of either end in lower case
/// (which may overlap, or be filled up with zeros).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    length: usize,
    ends: [u64; 2],
}

impl Key {
    /// The bit that makes a letter small. On other characters of a token it does no harm: no two
    /// of them become the same.
    const SMALL: u64 = 0x2020_2020_2020_2020;

    #[inline(always)]
    const fn of(name: &[u8]) -> Self {
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(head), Some(tail)) => (
                    u32::from_le_bytes(*head) as u64,
                    u32::from_le_bytes(*tail) as u64,
                ),
                _ => match name {
                    [a] => (*a as u64, 0),
                    [a, b] => (*a as u64, *b as u64),
                    [a, b, c] => (*a as u64, (*b as u64) << 8 | *c as u64),
                    _ => (0, 0),
                },
            },
        };
        Self {
            length: name.len(),
            ends: [head | Self::SMALL, tail | Self::SMALL],
        }
    }

    /// Where the search in the table starts.
    #[inline(always)]
    const fn slot(self) -> usize {
        let mixed = (self.ends[0] ^ self.ends[1].rotate_left(29) ^ self.length as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 55) as usize
    }

    #[inline(always)]
    const fn is(self, other: Self) -> bool {
        self.length == other.length
            && self.ends[0] == other.ends[0]
            && self.ends[1] == other.ends[1]
    }
}

const SLOTS: usize = 512;

/// A small hash table made at compile time: index into `NAMES` plus one, or zero.
static TABLE: [u8; SLOTS] = {
    let mut table = [0; SLOTS];
    let mut i = 0;
    while i < NAMES.len() {
        let mut at = Key::of(NAMES[i].0.as_bytes()).slot();
        while table[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        table[at] = (i + 1) as u8;
        i += 1;
    }
    table
};

static KEYS: [Key; NAMES.len()] = {
    let mut keys = [Key {
        length: 0,
        ends: [0; 2],
    }; NAMES.len()];
    let mut i = 0;
    while i < NAMES.len() {
        keys[i] = Key::of(NAMES[i].0.as_bytes());
        i += 1;
    }
    keys
};

impl HeaderName {
    /// The header called `name`, in its long or compact form and in any case; `None` when `name`
    /// is no token.
    pub fn parse(name: &Text) -> Option<Self> {
        let token = Token::new(name.clone())?;
        Some(Self::known(name.as_bytes()).unwrap_or_else(|| Self::Other(OtherName(token).into())))
    }

    /// The header of the table that is called `name`, a token.
    #[inline]
    pub(crate) fn known(name: &[u8]) -> Option<Self> {
        let key = Key::of(name);
        let mut at = key.slot();
        while TABLE[at] != 0 {
            let index = TABLE[at] as usize - 1;
            if KEYS[index].is(key) {
                let (long, header) = &NAMES[index];
                let found = name.len() <= 16 || long.as_bytes().eq_ignore_ascii_case(name);
                return found.then(|| header.clone());
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
