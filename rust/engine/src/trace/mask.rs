//! Makes secrets unreadable in what leaves the record: digest answers (also those by which a server
//! shows that it knows the password) and other credentials, passwords in URIs, PINs and passwords among
//! parameters, links to control pages (they open them), SRTP keys, digits in INFO, and what people write
//! to each other.
//!
//! A mask is as long as what it hides, so lengths stay true, and the same for the same secret, so
//! that messages still belong together. It can't be turned back without the key, which is random and
//! dies with the process.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Below this many bytes a mask says nothing but how long the secret is.
const SHORT: usize = 12;
const MARK: &[u8] = b"masked";

#[derive(Debug)]
pub(super) struct Masks {
    key: [u64; 2],
}

impl Masks {
    pub(super) fn new(key: [u64; 2]) -> Self {
        Self { key }
    }

    /// A message without its secrets.
    pub(super) fn message(&self, message: &[u8]) -> Vec<u8> {
        let mut masked = Vec::with_capacity(message.len());
        // Line ends before the start line say nothing (RFC 3261 §7.5).
        let blank = message.iter().take_while(|b| b"\r\n".contains(b)).count();
        masked.extend_from_slice(&message[..blank]);
        let mut of_keys = false;
        let mut is_text = message[blank..].starts_with(TEXT);
        let mut rest = &message[blank..];
        while !rest.is_empty() {
            let (line, after) = rest.split_at(folded_len(rest));
            rest = after;
            of_keys |= is_of(line, KEYS);
            is_text |= is_of(line, "text/");
            let start = masked.len();
            masked.extend_from_slice(line);
            self.line(&mut masked[start..], Line::of(line));
            if (of_keys || is_text) && matches!(line, b"\n" | b"\r\n") {
                match is_text {
                    true => masked.extend(unread(rest)),
                    false => masked.extend(self.keys(rest)),
                }
                break;
            }
        }
        masked
    }

    /// The body of a request, which is of this media type.
    pub(super) fn body(&self, kind: &str, body: &[u8]) -> Vec<u8> {
        let kind = kind.to_ascii_lowercase();
        if kind.starts_with("text/") {
            return unread(body).collect();
        }
        match kind.contains(KEYS) {
            true => self.keys(body),
            false => self.message(body),
        }
    }

    /// `Signal=5` and lines like it, or the key alone.
    fn keys(&self, body: &[u8]) -> Vec<u8> {
        let mut masked = body.to_vec();
        for line in masked.split_inclusive_mut(|byte| *byte == b'\n') {
            if !line.contains(&b'=') || matches!(Line::of(line), Line::Signal) {
                self.line(line, Line::Signal);
            }
        }
        masked
    }

    /// A text that may hold addresses and links, without its secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.passwords(&mut bytes);
        self.parameters(&mut bytes);
        self.links(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A link, whose path opens what it leads to.
    pub(super) fn link(&self, link: &str) -> String {
        let mut bytes = link.as_bytes().to_vec();
        self.path(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn line(&self, line: &mut [u8], kind: Line) {
        match kind {
            Line::Credentials => self.credentials(line),
            Line::Proof => self.answers(line, b"rspauth"),
            Line::Link => self.path(line),
            Line::Key => {
                let start = line.iter().position(|b| *b == b':').map_or(2, |at| at + 1);
                self.hide_until(line, start, b"\r\n");
            }
            Line::Crypto => {
                let mut from = 0;
                // One line may have several keys (RFC 4568 §9.1).
                while let Some(at) = find(&line[from..], b"inline:").map(|at| from + at + 7) {
                    self.hide_until(line, at, b"|; \r\n");
                    from = at;
                }
            }
            Line::Signal => {
                let start = line.iter().position(|b| *b == b'=').map_or(0, |at| at + 1);
                for byte in &mut line[start..] {
                    if byte.is_ascii_alphanumeric() || *byte == b'#' {
                        *byte = b'*';
                    }
                }
            }
            Line::Other => {
                self.passwords(line);
                self.parameters(line);
                self.links(line);
            }
        }
    }

    /// The answer of a digest; of another scheme everything.
    fn credentials(&self, line: &mut [u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let value = colon.map_or(0, |colon| colon + 1);
        let scheme = skip(line, value, BLANKS);
        let length = line[scheme..]
            .iter()
            .take_while(|byte| !BLANKS.contains(byte))
            .count();
        let (word, mut rest) = (&line[scheme..scheme + length], scheme + length);
        if word.eq_ignore_ascii_case(b"digest") {
            self.answers(line, b"response");
            return self.passwords(line);
        }
        while rest < line.len() {
            // The blanks of a fold stay, or what follows would be another header.
            rest = skip(line, rest, BLANKS);
            self.hide_until(line, rest, b"\r\n");
            rest += line[rest..]
                .iter()
                .take_while(|b| !b"\r\n".contains(b))
                .count();
        }
    }

    /// The value of a parameter.
    fn answers(&self, line: &mut [u8], name: &[u8]) {
        let lower = line.to_ascii_lowercase();
        let mut from = 0;
        while let Some(at) = find(&lower[from..], name).map(|at| from + at) {
            let equals = skip(line, at + name.len(), BLANKS);
            from = equals;
            if line.get(equals) != Some(&b'=') {
                continue;
            }
            let value = skip(line, equals + 1, BLANKS);
            match line.get(value) {
                Some(b'"') => self.hide_until(line, value + 1, b"\"\r\n"),
                _ => self.hide_until(line, value, b"\", \t\r\n"),
            }
        }
    }

    /// `sip:user:password@host` (RFC 3261 §19.1.1).
    fn passwords(&self, line: &mut [u8]) {
        let lower = line.to_ascii_lowercase();
        let mut from = 0;
        while let Some(at) = find(&lower[from..], b"sip").map(|at| from + at) {
            from = at + 3;
            let rest = &lower[from..];
            let colon = usize::from(rest.first() == Some(&b's'));
            if rest.get(colon) != Some(&b':') {
                continue;
            }
            let user = from + colon + 1;
            let length = lower[user..]
                .iter()
                .take_while(|byte| !b"@<>\" \t\r\n".contains(byte))
                .count();
            if lower.get(user + length) != Some(&b'@') {
                continue;
            }
            let password = lower[user..user + length].iter().position(|b| *b == b':');
            if let Some(password) = password {
                self.hide(&mut line[user + password + 1..user + length]);
            }
        }
    }

    /// `pin=4711`, `moderator_pin="4711"`, `Dialout-Password=…`, wherever they stand: what apps are told in
    /// `P-App-Param` and in URIs.
    fn parameters(&self, line: &mut [u8]) {
        let mut from = 0;
        while let Some(at) = line[from..]
            .iter()
            .position(|b| *b == b'=')
            .map(|at| from + at)
        {
            from = at + 1;
            let name = line[..at].trim_ascii_end();
            let length = name
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            let word = &name[name.len() - length..];
            if !SECRET
                .iter()
                .any(|secret| word.eq_ignore_ascii_case(secret))
            {
                continue;
            }
            let value = skip(line, from, b" \t\r\n\"'");
            self.hide_until(line, value, b"\"',;&?> \r\n");
        }
    }

    /// `/c/TOKEN`, wherever it stands, escaped or not: whoever has it may speak for a participant.
    fn links(&self, line: &mut [u8]) {
        let lower = line.to_ascii_lowercase();
        for path in [b"/c/".as_slice(), b"%2fc%2f"] {
            let mut from = 0;
            while let Some(at) = find(&lower[from..], path).map(|at| from + at) {
                from = at + path.len();
                let token = line[from..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
                    .count();
                if token >= 8 {
                    self.hide(&mut line[from..from + token]);
                }
            }
        }
    }

    /// All of a URL behind its host, and of each further one.
    fn path(&self, line: &mut [u8]) {
        self.links(line);
        let mut from = 0;
        while let Some(host) = find(&line[from..], b"://").map(|at| from + at + 3) {
            from = host;
            let path = line[host..]
                .iter()
                .position(|byte| b"/?#> \t\r\n".contains(byte));
            let Some(path) = path.map(|path| host + path) else {
                return;
            };
            if b"/?#".contains(&line[path]) && !line[path..].starts_with(b"/c/") {
                self.hide_until(line, path + 1, b"> \t\r\n");
            }
        }
    }

    fn hide_until(&self, line: &mut [u8], start: usize, ends: &[u8]) {
        let Some(rest) = line.get(start..) else {
            return;
        };
        let length = rest.iter().take_while(|byte| !ends.contains(byte)).count();
        self.hide(&mut line[start..start + length]);
    }

    fn hide(&self, secret: &mut [u8]) {
        if secret.len() < SHORT {
            return secret.fill(b'*');
        }
        let mut hasher = DefaultHasher::new();
        (self.key, &*secret).hash(&mut hasher);
        let mut state = hasher.finish();
        let (mark, rest) = secret.split_at_mut(MARK.len());
        mark.copy_from_slice(MARK);
        for (index, byte) in rest.iter_mut().enumerate() {
            *byte = b"0123456789abcdef"[(state >> (index % 16 * 4)) as usize & 15];
            if index % 16 == 15 {
                state.hash(&mut hasher);
                state = hasher.finish();
            }
        }
    }
}

/// What a line may give away.
#[derive(Clone, Copy)]
enum Line {
    Credentials,
    /// Of the server.
    Proof,
    Link,
    Key,
    Crypto,
    Signal,
    Other,
}

impl Line {
    fn of(line: &[u8]) -> Self {
        let begins =
            |with: &[u8]| line.len() >= with.len() && line[..with.len()].eq_ignore_ascii_case(with);
        match () {
            () if begins(b"authorization") || begins(b"proxy-authorization") => Self::Credentials,
            () if begins(b"authentication-info") => Self::Proof,
            () if begins(b"proxy-authentication-info") => Self::Proof,
            () if begins(b"u=") || begins(b"call-info") => Self::Link,
            () if begins(b"k=") && !begins(b"k=prompt") => Self::Key,
            () if begins(b"a=crypto:") => Self::Crypto,
            () if begins(b"a=key-mgmt:") || begins(b"a=ice-pwd:") => Self::Key,
            () if begins(b"signal") => Self::Signal,
            () => Self::Other,
        }
    }
}

/// The last word of what parameters are called that nobody else is to read.
const SECRET: [&[u8]; 5] = [b"pin", b"password", b"secret", b"token", b"authorization"];

/// What may stand between the parts of a header's value: a fold, too.
const BLANKS: &[u8] = b" \t\r\n";

/// The first place at or behind `at` that holds none of these.
fn skip(line: &[u8], at: usize, these: &[u8]) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| these.contains(byte)).count()
}

/// The length of the first line with those that continue it (RFC 3261 §7.3.1).
fn folded_len(text: &[u8]) -> usize {
    let mut length = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let folded = line.first().is_some_and(|byte| b" \t".contains(byte));
        if length > 0 && (!folded || matches!(&text[..length], b"\n" | b"\r\n")) {
            break;
        }
        length += line.len();
    }
    length
}

/// How a request begins that carries what somebody has written (RFC 3428).
const TEXT: &[u8] = b"MESSAGE ";

/// Every letter is hidden, whatever the language; how much was written, and in how many lines, is not.
fn unread(body: &[u8]) -> impl Iterator<Item = u8> {
    body.iter().map(|byte| match byte {
        b'\r' | b'\n' => *byte,
        _ => b'*',
    })
}

/// What the media types of keys in INFO have in common.
const KEYS: &str = "application/dtmf";

/// Whether a header field says that the body is of this media type.
fn is_of(line: &[u8], kind: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let name = lower.split(|byte| *byte == b':').next().unwrap_or_default();
    matches!(name.trim_ascii(), b"content-type" | b"c") && find(&lower, kind.as_bytes()).is_some()
}

fn find(within: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(within, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        let masks = Masks::new([1, 2]);
        let message = masks.message(format!("{line}\r\n").as_bytes());
        let text = String::from_utf8(message).unwrap();
        assert_eq!(text.len(), line.len() + 2, "{text}");
        text.trim_end().to_owned()
    }

    #[test]
    fn answers_of_a_digest_are_hidden_and_the_rest_is_not() {
        let line = "Authorization: Digest username=\"ann\", realm=\"r\", nonce=\"abc\", \
                    uri=\"sip:r\", response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5";
        let shown = masked(line);
        assert!(!shown.contains("0123456789abcdef0123"), "{shown}");
        assert!(shown.contains("response=\"masked"), "{shown}");
        assert!(shown.contains("nonce=\"abc\"") && shown.ends_with("algorithm=MD5"));
        let folded = masked(
            "Proxy-Authorization: Digest username=\"ann\",\r\n response=\"0123456789abcdef\"",
        );
        assert!(folded.contains("response=\"masked"), "{folded}");
        assert_eq!(
            masked("Authorization: Bearer abcdefghijklmnop")[..27],
            *"Authorization: Bearer maske"
        );
    }

    #[test]
    fn a_fold_hides_no_secret_from_the_mask() {
        for line in [
            "Authorization: Digest username=\"ann\", response=\r\n \"0123456789abcdef\"",
            "Authorization: Digest response\t=\t\"0123456789abcdef\"",
            "Proxy-Authorization:\r\n Digest response=0123456789abcdef",
            "Authorization:\r\n Bearer 0123456789abcdef",
            "Authorization: Bearer\r\n\t0123456789abcdef",
            "Authorization: Bearer digest\r\n 0123456789abcdef",
            "Authentication-Info: rspauth=\r\n\t\"0123456789abcdef\"",
            "Call-Info: <http://a.example/x>,\r\n <http://b.example/0123456789abcdef>",
            "P-App-Param: pin=\r\n 0123456789abcdef",
            "Refer-To: <sip:ann@b?Authorization=Digest%20response%3D0123456789abcdef>",
            "Refer-To: <sip:ann@b?Call-Info=%3Chttp%3A%2F%2Fb%2Fc%2F0123456789abcdef%3E>",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abcdefabcdefabcd|2^20;inline:0123456789abcdef",
            "a=key-mgmt:mikey 0123456789abcdef",
            "a=ice-pwd:0123456789abcdef",
        ] {
            let shown = masked(line);
            assert!(!shown.contains("0123456789abcdef"), "{shown}");
            assert!(shown.contains("masked"), "{shown}");
            // Where lines end and begin stays.
            let ends = |text: &str| -> Vec<usize> {
                text.match_indices(['\r', '\n', '\t'])
                    .map(|(at, _)| at)
                    .collect()
            };
            assert_eq!(ends(&shown), ends(line), "{shown}");
        }
        let keys = "INFO sip:a@b SIP/2.0\r\nContent-Type:\r\n application/dtmf\r\n\r\n7";
        assert!(masked(keys).ends_with("dtmf\r\n\r\n*"));
        let answer = "SIP/2.0 202 Read\r\nc:\r\n\ttext/plain\r\n\r\nthanks";
        assert!(masked(answer).ends_with("plain\r\n\r\n******"));
        let text = "\r\n\r\nMESSAGE sip:a@b SIP/2.0\r\nc: application/x\r\n\r\nsay it";
        assert!(
            masked(text).ends_with("application/x\r\n\r\n******"),
            "{}",
            masked(text)
        );
    }

    #[test]
    fn passwords_links_keys_and_digits_are_hidden() {
        assert_eq!(
            masked("From: <sip:ann:geheim@example.com>;tag=1"),
            "From: <sip:ann:******@example.com>;tag=1"
        );
        assert_eq!(
            masked("INVITE sip:ann@example.com:5060 SIP/2.0"),
            "INVITE sip:ann@example.com:5060 SIP/2.0"
        );
        for line in [
            "u=http://192.0.2.1:8080/c/0123456789abcdefABCDEF",
            "Call-Info: <http://192.0.2.1:8080/c/0123456789abcdefABCDEF>;purpose=info",
            "your page is http://192.0.2.1/c/0123456789abcdefABCDEF now",
            "u=https://elsewhere.example/rooms/0123456789abcdefABCDEF",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:0123456789abcdefABCDEF|2^20",
            "k=base64:0123456789abcdefABCDEF",
        ] {
            let shown = masked(line);
            assert!(
                shown.contains("masked") && !shown.contains("0123456789abcdefABCDEF"),
                "{shown}"
            );
        }
        assert_eq!(masked("Signal=5"), "Signal=*");
        let info = "INFO sip:ann@example.com SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n7";
        assert!(masked(info).ends_with("dtmf\r\n\r\n*"), "{}", masked(info));
        let relay = "c: application/dtmf-relay\r\n\r\nSignal=11\r\nDuration=160";
        assert!(masked(relay).ends_with("Signal=**\r\nDuration=160"));
    }

    #[test]
    fn pins_and_passwords_among_parameters_are_hidden() {
        assert_eq!(
            masked("P-App-Param: role=speaker;pin=48151; Moderator_PIN = \"62342\";mode=open"),
            "P-App-Param: role=speaker;pin=*****; Moderator_PIN = \"*****\";mode=open"
        );
        assert_eq!(
            masked("INVITE sip:board@example.com;pin=4711?X-Token=abc SIP/2.0"),
            "INVITE sip:board@example.com;pin=****?X-Token=*** SIP/2.0"
        );
        assert_eq!(
            masked("P-App-Param: Dialout-Password=hush"),
            "P-App-Param: Dialout-Password=****"
        );
        assert_eq!(masked("a=fmtp:96 spin=1;pins=2"), "a=fmtp:96 spin=1;pins=2");
    }

    #[test]
    fn what_people_write_to_each_other_is_hidden_and_how_much_is_not() {
        let text = "MESSAGE sip:room@example.com SIP/2.0\r\nFrom: <sip:ann@example.com>\r\n\
                    Content-Type: text/plain\r\nContent-Length: 20\r\n\r\n@Ben: d\u{fc}rfen wir?\r\nAnn";
        let shown = masked(text);
        assert!(shown.contains("From: <sip:ann@example.com>\r\n"), "{shown}");
        assert!(
            shown.ends_with("\r\n\r\n******************\r\n***"),
            "{shown}"
        );
        let parts = "MESSAGE sip:room@example.com SIP/2.0\r\nc: multipart/mixed;boundary=b\r\n\r\n--b\r\n\r\nAnn";
        let answer = "SIP/2.0 202 Read\r\nContent-Type: text/plain\r\n\r\nthanks";
        assert!(masked(answer).ends_with("plain\r\n\r\n******"));
        assert!(masked(parts).ends_with("mixed;boundary=b\r\n\r\n***\r\n\r\n***"));
        let masks = Masks::new([1, 2]);
        assert_eq!(
            masks.body("Text/plain;charset=utf-8", b"hi, Ben"),
            b"*******"
        );
        assert_eq!(masks.body("application/sdp", b"v=0"), b"v=0");
    }

    #[test]
    fn what_a_server_shows_of_the_password_is_hidden() {
        let line = "Authentication-Info: rspauth=\"0123456789abcdef0123456789abcdef\", \
                    cnonce=\"abc\", nc=00000001, nextnonce=\"def\"";
        let shown = masked(line);
        assert!(shown.contains("rspauth=\"masked"), "{shown}");
        assert!(shown.contains("nextnonce=\"def\""), "{shown}");
    }

    #[test]
    fn the_same_secret_has_the_same_mask_and_another_has_another() {
        let link = |token: &str| masked(&format!("see /c/{token}"));
        assert_eq!(link("aaaaaaaaaaaaaaaaaaaa"), link("aaaaaaaaaaaaaaaaaaaa"));
        assert_ne!(link("aaaaaaaaaaaaaaaaaaaa"), link("aaaaaaaaaaaaaaaaaaab"));
        let other = Masks::new([3, 4]).text("see /c/aaaaaaaaaaaaaaaaaaaa");
        assert_ne!(link("aaaaaaaaaaaaaaaaaaaa"), other);
    }
}
