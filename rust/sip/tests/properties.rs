//! What holds for every message and every URI, whatever the bytes.

use proptest::prelude::*;
use sems_sip::header::{
    self, Allow, CSeq, CallId, CallInfo, Contact, ContentType, Expires, Header, MaxForwards,
    NameAddr, Reason, RecordRoute, Require, RetryAfter, Route, Supported, To, Via,
};
use sems_sip::{Bytes, HeaderName, Message, Method, Request, SipUri, Text, Uri};

const VALID: [&str; 3] = [
    "INVITE sip:standup@192.0.2.10;transport=udp SIP/2.0\r\n\
     Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKPj8f, SIP/2.0/TCP [2001:db8::1]\r\n\
     Max-Forwards: 70\r\n\
     From: \"Ann \\\"E\\\"\" <sip:ann@example.org>;tag=1928301774\r\n\
     To: Stand up <sip:standup@192.0.2.10>\r\n\
     Contact: <sip:ann@198.51.100.7:5060;ob>;+sip.instance=\"<urn:uuid:0>\";q=0.7\r\n\
     Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\n\
     Route: <sip:192.0.2.10;lr>\r\n\
     Call-ID: a84b4c76e66710\r\n\
     CSeq: 314159 INVITE\r\n\
     Allow: INVITE, ACK, BYE\r\n\
     Supported: replaces, timer\r\n\
     Content-Type: application/sdp\r\n\
     Call-Info: <http://h/c/1>;purpose=info\r\n\
     Reason: SIP;cause=200;text=\"Done\"\r\n\
     Content-Length: 7\r\n\r\nv=0\r\ns=",
    "SIP/2.0 486 Busy Here\r\n\
     v: SIP/2.0/UDP h;received=192.0.2.1;rport=5060;branch=z9hG4bK1\r\n\
     f: sip:ann@example.org;tag=1\r\n\
     t: <sip:bob@example.org>;tag=2\r\n\
     i: c@h\r\n\
     CSeq: 1 INVITE\r\n\
     Retry-After: 60 (at lunch);duration=5\r\n\
     l: 0\r\n\r\n",
    "REGISTER sips:example.org SIP/2.0\n\
     Via: SIP / 2.0 / TLS h ; branch = z9hG4bKx\n\
     From: <sips:ann@example.org>;tag=1\n\
     To: <sips:ann@example.org>\n\
     Call-ID: r\n\
     CSeq: 9 REGISTER\n\
     Contact: *\n\
     Expires: 0\n\
     X-Other: é\n\n",
];

/// Asks for every header there is.
fn read_everything(message: &Message) {
    fn all<T: Header>(message: &Message) {
        for header in message.headers().get_all_typed::<T>().flatten() {
            let _ = header.to_string();
        }
    }
    all::<Via>(message);
    all::<header::From>(message);
    all::<To>(message);
    all::<Route>(message);
    all::<RecordRoute>(message);
    all::<CallId>(message);
    all::<CSeq>(message);
    all::<MaxForwards>(message);
    all::<Allow>(message);
    all::<Supported>(message);
    all::<Require>(message);
    all::<ContentType>(message);
    all::<Expires>(message);
    all::<CallInfo>(message);
    all::<Reason>(message);
    all::<RetryAfter>(message);
    for via in message.headers().get_all_typed::<Via>().flatten() {
        let _ = (
            via.branch(),
            via.received(),
            via.rport(),
            via.maddr(),
            via.ttl(),
        );
        let _ = via.has_magic_cookie();
    }
    for contact in message.headers().get_all_typed::<Contact>().flatten() {
        let _ = (contact.q(), contact.expires());
        if let Some(Uri::Sip(uri)) = contact.address().map(|address| &address.uri) {
            let _ = (
                uri.user(),
                uri.password(),
                uri.host(),
                uri.headers().count(),
            );
        }
    }
}

/// What was checked while the message was read can be relied on.
fn essentials_can_be_read(message: &Message) {
    let headers = message.headers();
    headers.require::<header::From>().expect("From");
    headers.require::<To>().expect("To");
    headers.require::<CallId>().expect("Call-ID");
    let cseq = headers.require::<CSeq>().expect("CSeq");
    if let Message::Request(request) = message {
        assert_eq!(cseq.method, request.method);
    }
    headers.top_via().expect("Via");
    for via in headers.get_all_typed::<Via>() {
        via.expect("Via");
    }
    if let Some(hops) = headers.get_typed::<MaxForwards>() {
        hops.expect("Max-Forwards");
    }
}

/// A value of a header that reads the same after printing.
fn again<T: Header + PartialEq + std::fmt::Debug>(value: &str) -> Result<(), TestCaseError> {
    let Ok(header) = T::parse(&value.into()) else {
        return Err(TestCaseError::fail(format!("{value:?} was not read")));
    };
    let read = T::parse(&header.to_string().into());
    prop_assert_eq!(read.ok(), Some(header));
    Ok(())
}

/// Parameters of a header, as they may be written.
fn params() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just(String::new()),
        "=[a-z0-9.]{1,6}",
        "= \"([a-z;,<>= ]|\\\\\"){0,6}\"",
    ];
    let param = ("[a-z]{1,3}", value).prop_map(|(name, value)| format!("; {name}{value}"));
    prop::collection::vec(param, 0..4).prop_map(|params| params.concat())
}

/// An address with or without a display name.
fn address() -> impl Strategy<Value = String> {
    let display = prop_oneof![
        Just(String::new()),
        "[A-Za-z]{1,5} ",
        "\"([A-Za-z,;<@ é]|\\\\\"){0,8}\" ",
    ];
    let uri = prop_oneof![
        uri().prop_map(|uri| uri.to_string()),
        tel().prop_map(String::from)
    ];
    (display, uri).prop_map(|(display, uri)| format!("{display}<{uri}>"))
}

/// Telephone numbers of few parts, so that two of them are often the same.
fn tel() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["+1", "+1-", "1", "(1)", "a", "A"]),
        prop::sample::select(vec!["", "2", ".2"]),
        prop::collection::vec(
            prop::sample::select(vec![
                ";ext=4",
                ";EXT=4-",
                ";phone-context=+4",
                ";phone-context=+4.",
                ";x=y",
                ";X=Y",
            ]),
            0..3,
        ),
    )
        .prop_filter_map("global numbers have digits only", |(a, b, params)| {
            let text = format!("tel:{a}{b}{}", params.concat());
            text.parse::<Uri>().is_ok().then_some(text)
        })
}

/// Reads bytes; what can be read must print to what reads the same and prints the same again.
fn read_and_print(bytes: Vec<u8>) {
    match Message::parse(&Bytes::from(bytes)) {
        Ok(message) => {
            essentials_can_be_read(&message);
            read_everything(&message);
            let printed = message.to_bytes();
            let again = Message::parse(&printed).expect("what was printed can be read");
            assert_eq!(again.to_bytes(), printed);
        }
        Err(error) => {
            if let Some(response) = error.response() {
                let _ = Message::parse(&response.to_bytes());
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Put(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 0..900_usize;
    let telling = prop::sample::select(b"\r\n \t\"\\<>;:,@=%/?[]0\0\xff".to_vec());
    let byte = prop_oneof![telling, any::<u8>()];
    prop_oneof![
        (at.clone(), byte.clone()).prop_map(|(at, byte)| Mutation::Put(at, byte)),
        (at.clone(), prop::collection::vec(byte, 1..8))
            .prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at.clone(), 1..60_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (at, 1..60_usize).prop_map(|(at, length)| Mutation::Repeat(at, length)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: Mutation) {
    let range = |at: usize, length: usize, len: usize| at.min(len)..(at + length).min(len);
    match mutation {
        Mutation::Put(at, byte) => {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        Mutation::Insert(at, new) => {
            let at = at.min(bytes.len());
            bytes.splice(at..at, new);
        }
        Mutation::Remove(at, length) => {
            bytes.drain(range(at, length, bytes.len()));
        }
        Mutation::Repeat(at, length) => {
            let range = range(at, length, bytes.len());
            let piece = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, piece);
        }
    }
}

/// Characters that a display name or a user part can hold.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 ;:@<>\"\\\\%?&=+,/.-]{0,20}",
        prop::collection::vec(
            any::<char>().prop_filter("no controls", |c| !c.is_ascii_control()),
            0..12
        )
        .prop_map(String::from_iter),
    ]
}

/// URIs made of few parts, so that two of them are often the same.
fn uri() -> impl Strategy<Value = Uri> {
    (
        prop::sample::select(vec!["sip:", "SIP:", "sips:"]),
        prop::sample::select(vec![
            "", "a@", "A@", "%61@", "a;b@", "a%3Bb@", "a%3bb@", "a:x@",
        ]),
        prop::sample::select(vec!["h", "H", "192.0.2.1", "[::1]", "[::0:1]"]),
        prop::sample::select(vec!["", ":5060"]),
        prop::collection::vec(
            prop::sample::select(vec![
                ";lr",
                ";transport=udp",
                ";transport=UDP",
                ";x=1",
                ";X=%31",
                ";x=2",
                ";user=phone",
            ]),
            0..3,
        ),
        prop::sample::select(vec!["", "?a=1", "?A=1", "?a=1&b=2", "?b=2&a=%31"]),
    )
        .prop_map(|(scheme, user, host, port, params, headers)| {
            let text = format!("{scheme}{user}{host}{port}{}{headers}", params.concat());
            text.parse().expect("made of sound parts")
        })
}

#[test]
fn the_messages_that_are_mutated_are_valid_themselves() {
    for text in VALID {
        let message = Message::parse(&Bytes::from(text)).expect(text);
        read_everything(&message);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_and_print(bytes);
    }

    #[test]
    fn a_mutated_message_is_read_or_refused(
        valid in prop::sample::select(VALID.to_vec()),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut bytes = valid.as_bytes().to_vec();
        for mutation in mutations {
            mutate(&mut bytes, mutation);
        }
        read_and_print(bytes);
    }

    #[test]
    fn any_text_is_a_uri_or_none(text in "(sip:|sips:|tel:)?[ -~é]{0,40}") {
        if let Ok(uri) = text.parse::<Uri>() {
            prop_assert_eq!(uri.to_string(), text);
            prop_assert!(uri.equivalent(&uri));
        }
    }

    #[test]
    fn a_name_and_a_user_come_back_as_they_were(name in text(), user in text()) {
        let uri = SipUri::new(&"example.org".parse().unwrap()).with_user(&user);
        let from = header::From(NameAddr::new(uri).with_display_name(&name).with_tag("t"));
        let mut request = Request::new(Method::Options, "sip:h".parse::<Uri>().unwrap());
        request.headers.push(HeaderName::Via, "SIP/2.0/UDP h;branch=z9hG4bK1");
        request.headers.push_typed(&from);
        request.headers.push(HeaderName::To, "<sip:h>");
        request.headers.push(HeaderName::CallId, "c");
        request.headers.push_typed(&CSeq { sequence: 1, method: Method::Options });
        let Ok(Message::Request(read)) = Message::parse(&request.to_bytes()) else {
            return Err(TestCaseError::fail("not read"));
        };
        let read: header::From = read.headers.require().unwrap();
        let read_name = read.display_name().map(String::from);
        prop_assert_eq!(read_name.unwrap_or_default(), name);
        let read_user = read.uri.as_sip().and_then(SipUri::user).map(String::from);
        prop_assert_eq!(read_user.unwrap_or_default(), user);
        prop_assert_eq!(read, from);
    }

    #[test]
    fn a_parameter_comes_back_as_it_was(values in prop::collection::vec(text(), 1..5)) {
        let mut address = NameAddr::new("sip:h".parse::<Uri>().unwrap());
        for (i, value) in values.iter().enumerate() {
            address.params.set(&format!("p{i}"), value);
        }
        let read = NameAddr::parse(&Text::from(address.to_string()), HeaderName::To).unwrap();
        for (i, value) in values.iter().enumerate() {
            let name = format!("P{i}");
            let read = read.params.get_unquoted(&name).map(String::from);
            prop_assert_eq!(read.as_ref(), Some(value));
        }
        prop_assert_eq!(read, address);
    }

    #[test]
    fn headers_with_an_address_read_the_same_after_printing(
        address in address(),
        params in params(),
    ) {
        let value = format!("{address}{params}");
        again::<header::From>(&value)?;
        again::<To>(&value)?;
        again::<Contact>(&value)?;
        again::<Route>(&value)?;
        again::<RecordRoute>(&value)?;
        again::<header::ReferTo>(&value)?;
        again::<header::ReferredBy>(&value)?;
        again::<header::PAssertedIdentity>(&value)?;
    }

    #[test]
    fn other_headers_read_the_same_after_printing(
        token in "[A-Za-z0-9.!%*_+`'~-]{1,8}",
        other in "[A-Za-z0-9]{1,8}",
        host in prop::sample::select(vec!["h", "192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]"]),
        port in prop::option::of(any::<u16>()),
        number in 0..1u32 << 31,
        hops in any::<u8>(),
        params in params(),
    ) {
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        again::<Via>(&format!("SIP / 2.0/ {token}  {host}{port} {params}"))?;
        again::<CSeq>(&format!("{number} {token}"))?;
        again::<CallId>(&format!("{token}@{host}"))?;
        again::<MaxForwards>(&hops.to_string())?;
        again::<header::ContentLength>(&number.to_string())?;
        again::<Expires>(&number.to_string())?;
        again::<Allow>(&format!("{token}, {other},,INVITE"))?;
        again::<Supported>(&format!("{token} ,{other}"))?;
        again::<Require>(&token)?;
        again::<ContentType>(&format!("{token} / {other}{params}"))?;
        again::<header::ContentDisposition>(&format!("{token}{params}"))?;
        again::<header::Accept>(&format!("{token}/{other}{params}, */*;q=0.1"))?;
        again::<CallInfo>(&format!("<http://{host}/{other}>{params}"))?;
        again::<Reason>(&format!("{token}{params}"))?;
        again::<RetryAfter>(&format!("{number}{params}"))?;
    }

    #[test]
    fn to_be_the_same_number_is_mutual_and_passed_on(a in tel(), b in tel(), c in tel()) {
        let [a, b, c]: [Uri; 3] = [a, b, c].map(|text| text.parse().unwrap());
        prop_assert!(a.equivalent(&a));
        prop_assert_eq!(a.equivalent(&b), b.equivalent(&a));
        // Unlike that of SIP URIs: no parameter of a number is ever left out of account.
        prop_assert!(!(a.equivalent(&b) && b.equivalent(&c)) || a.equivalent(&c));
    }

    /// Our own reading of IPv4 addresses against the standard library's.
    #[test]
    fn a_host_is_an_ipv4_address_when_the_library_says_so(
        text in prop_oneof!["[0-9.]{1,16}", "(0|1|01|25[0-9]|[0-9]{1,3})(\\.[0-9]{1,3}){2,4}"],
    ) {
        let host: Option<sems_sip::Host> = text.parse().ok();
        let address = host.and_then(|host| host.ip());
        prop_assert_eq!(address, text.parse::<std::net::Ipv4Addr>().ok().map(Into::into));
    }

    #[test]
    fn to_be_the_same_uri_is_mutual(a in uri(), b in uri()) {
        prop_assert!(a.equivalent(&a));
        prop_assert_eq!(a.equivalent(&b), b.equivalent(&a));
        let again: Uri = a.to_string().parse().unwrap();
        prop_assert_eq!(&again, &a);
    }

    #[test]
    fn changing_a_uri_and_changing_it_back_keeps_it_the_same(uri in uri(), user in text()) {
        let Uri::Sip(uri) = uri else { unreachable!() };
        let changed = uri.with_port(Some(1)).with_user(&user).with_secure(!uri.is_secure());
        let read: SipUri = changed.to_string().parse().unwrap();
        prop_assert_eq!(&read, &changed);
        prop_assert_eq!((changed.host(), changed.port()), (uri.host(), Some(1)));
        prop_assert_eq!(changed.params(), uri.params());
    }
}
