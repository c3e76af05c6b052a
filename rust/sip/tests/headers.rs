//! Headers: rows and values, and each typed header's form.

use sems_sip::header::{
    Allow, CallInfo, Contact, ContentType, Expires, Header, MinSe, NameAddr, RAck, RSeq, Reason,
    RecordRoute, Refresher, Require, RetryAfter, Route, Server, SessionExpires, Supported, To,
    Transport, Via,
};
use sems_sip::{Error, HeaderName, Headers, Method, Uri};

fn headers(rows: &[(HeaderName, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in rows {
        headers.push(name.clone(), *value);
    }
    headers
}

fn rows(headers: &Headers) -> Vec<String> {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

fn via(text: &str) -> Via {
    Via::parse(&text.into()).unwrap()
}

/// What `T` makes of a value and writes again.
fn again<T: Header>(value: &str) -> Result<String, Error> {
    T::parse(&value.into()).map(|header| header.to_string())
}

#[test]
fn values_are_found_in_rows_of_their_own_and_between_commas() {
    let headers = headers(&[
        (
            HeaderName::Route,
            "<sip:p1;lr>, \"a, \\\"b\" <sip:x,y@p2;lr>;q=\"1,2\"",
        ),
        (HeaderName::Subject, "one, two"),
        (HeaderName::Route, "<sip:p3;lr>"),
    ]);
    let routes: Vec<Route> = headers.get_all_typed().map(Result::unwrap).collect();
    let uris: Vec<_> = routes.iter().map(|route| route.uri.to_string()).collect();
    assert_eq!(
        uris,
        ["sip:p1;lr", "sip:x,y@p2;lr", "sip:p3;lr"].map(String::from)
    );
}

#[test]
fn a_comma_too_many_is_an_error_in_a_list_of_addresses() {
    let headers = headers(&[(HeaderName::Route, "<sip:p1;lr>,")]);
    let routes: Vec<Result<Route, _>> = headers.get_all_typed().collect();
    assert!(routes[0].is_ok());
    assert_eq!(routes[1], Err(Error::Malformed(HeaderName::Route)));
}

#[test]
fn token_lists_join_all_their_rows() {
    let headers = headers(&[
        (HeaderName::Supported, "timer, 100rel"),
        (HeaderName::Supported, ""),
        (HeaderName::Supported, "replaces,"),
        (HeaderName::Allow, "INVITE,ACK , X-OWN"),
    ]);
    let supported: Supported = headers.require().unwrap();
    assert_eq!(supported.to_string(), "timer, 100rel, replaces");
    assert!(supported.contains("Replaces") && !supported.contains("gruu"));
    let allow: Allow = headers.require().unwrap();
    assert!(allow.contains(&Method::Ack) && !allow.contains(&Method::Bye));
    assert_eq!(
        headers.require::<Require>(),
        Err(Error::Missing(HeaderName::Require))
    );
}

#[test]
fn the_first_value_can_be_replaced_and_taken_away() {
    let mut headers = headers(&[
        (HeaderName::Via, "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b"),
        (HeaderName::To, "<sip:x>"),
        (HeaderName::Via, "SIP/2.0/UDP c"),
    ]);
    let mut top = headers.top_via().unwrap();
    top.set_received("192.0.2.1".parse().unwrap());
    headers.replace_first(&top);
    assert_eq!(
        rows(&headers)[0],
        "Via: SIP/2.0/UDP a;branch=1;received=192.0.2.1, SIP/2.0/UDP b"
    );
    for host in ["a", "b", "c"] {
        let popped: Via = headers.pop_first().unwrap().unwrap();
        assert_eq!(popped.host.to_string(), host);
    }
    assert!(headers.pop_first::<Via>().is_none());
    assert_eq!(rows(&headers), ["To: <sip:x>"]);
}

#[test]
fn rows_are_added_before_in_place_of_and_after_their_like() {
    let mut headers = headers(&[
        (HeaderName::To, "<sip:x>"),
        (HeaderName::Via, "SIP/2.0/UDP a"),
        (HeaderName::Route, "<sip:p1>"),
        (HeaderName::Route, "<sip:p2>"),
    ]);
    headers.prepend(&via("SIP/2.0/TCP b"));
    headers.set(HeaderName::Route, "<sip:p3>");
    headers.set_typed(&Expires(60));
    headers.push_typed(&Server("sems".into()));
    headers.remove(&HeaderName::To);
    assert_eq!(
        rows(&headers),
        [
            "Via: SIP/2.0/TCP b",
            "Via: SIP/2.0/UDP a",
            "Route: <sip:p3>",
            "Expires: 60",
            "Server: sems"
        ]
    );
}

#[test]
fn a_via_tells_where_the_response_goes() {
    let v6 = via("SIP/2.0/TLS [2001:db8::9]:5081;received=2001:db8::1;rport=4711;branch=z9hG4bKx");
    assert_eq!(v6.transport, Transport::Tls);
    assert_eq!(
        (v6.host.ip(), v6.port),
        ("2001:db8::9".parse().ok(), Some(5081))
    );
    assert_eq!(v6.received(), "2001:db8::1".parse().ok());
    assert_eq!(v6.rport(), Some(4711));
    let multicast = via("SIP/2.0/UDP h;maddr=224.2.0.1;ttl=16;branch=z9hg4bkLower");
    assert_eq!(multicast.maddr().unwrap().to_string(), "224.2.0.1");
    assert_eq!(multicast.ttl(), Some(16));
    assert!(multicast.has_magic_cookie());
    assert_eq!(multicast.port_or_default(), 5060);
    assert_eq!(via("SIP/2.0/tls h").port_or_default(), 5061);
}

#[test]
fn received_and_rport_are_filled_in_where_they_stand() {
    let mut top = via("SIP/2.0/UDP h;rport;branch=z9hG4bK1");
    assert!(top.wants_rport());
    top.set_rport(4711);
    top.set_received("2001:db8::1".parse().unwrap());
    assert_eq!(
        top.to_string(),
        "SIP/2.0/UDP h;rport=4711;branch=z9hG4bK1;received=2001:db8::1"
    );
    assert_eq!(via(&top.to_string()), top);
}

#[test]
fn a_via_we_make_asks_for_rport() {
    let ours = Via::new(
        Transport::Udp,
        "192.0.2.1".parse().unwrap(),
        Some(5070),
        "z9hG4bKa",
    );
    assert_eq!(
        ours.to_string(),
        "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;rport"
    );
}

#[test]
fn an_address_is_read_in_all_its_forms() {
    for (text, name, uri, tag) in [
        ("sip:ann@h;tag=1", None, "sip:ann@h", Some("1")),
        ("<sip:ann@h;lr>;tag=1", None, "sip:ann@h;lr", Some("1")),
        (
            "Ann van Dyke<sip:ann@h>",
            Some("Ann van Dyke"),
            "sip:ann@h",
            None,
        ),
        ("\"\" <sip:ann@h>", None, "sip:ann@h", None),
        (
            "\"<sip:bob@h>\" <sip:ann@h>;tag=x",
            Some("<sip:bob@h>"),
            "sip:ann@h",
            Some("x"),
        ),
        (
            "\"Dr. \\\"A\\\\\" <sip:ann@h>",
            Some("Dr. \"A\\"),
            "sip:ann@h",
            None,
        ),
        ("Работа <tel:+1>", Some("Работа"), "tel:+1", None),
        (
            "\"☎ 会議\" <sip:h>; x = \"a;tag=no\" ;TAG=yes",
            Some("☎ 会議"),
            "sip:h",
            Some("yes"),
        ),
        ("<urn:isbn:2983792873>", None, "urn:isbn:2983792873", None),
    ] {
        let to = To::parse(&text.into()).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(to.display_name().as_deref(), name, "{text}");
        assert_eq!(to.uri.to_string(), uri);
        assert_eq!(to.tag(), tag, "{text}");
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in [
        "",
        "ann",
        "<>",
        "<sip:ann@h",
        "sip:ann@h>",
        "\"Ann\" sip:ann@h",
        "\"Ann\" x <sip:ann@h>",
        "\"A\" \"B\" <sip:ann@h>",
        "<sip:ann@h> x",
        "<sip:ann@h>;tag=\"1",
        "<sip:ann@h>;tag=",
        "<sip:ann@h>;=1",
        "<sip:ann@h>;t ag=1",
        "<sip:an n@h>",
        "< sip:ann@h>",
        "sip:ann@h,sip:bob@h",
    ] {
        assert_eq!(
            To::parse(&text.into()),
            Err(Error::Malformed(HeaderName::To)),
            "{text:?}"
        );
    }
    let params = ";a".repeat(65);
    assert!(
        again::<To>(&format!("<sip:h>{params}")).is_err(),
        "too many parameters"
    );
    assert!(
        again::<To>(&format!("<sip:h{params}>")).is_err(),
        "too many URI parameters"
    );
}

#[test]
fn an_address_is_made_with_any_name() {
    let uri: Uri = "sip:ann@h".parse().unwrap();
    let address = NameAddr::new(uri)
        .with_display_name("Ann \"The\\Boss\"")
        .with_tag("t1");
    assert_eq!(
        address.to_string(),
        r#""Ann \"The\\Boss\"" <sip:ann@h>;tag=t1"#
    );
    assert_eq!(
        address.with_display_name("").to_string(),
        "<sip:ann@h>;tag=t1"
    );
}

#[test]
fn parameters_are_set_quoted_when_they_must_be() {
    let uri: Uri = "sip:h".parse().unwrap();
    let mut address = NameAddr::new(uri)
        .with_param("lr", "")
        .with_param("text", "a; \"b\"");
    assert_eq!(address.params.to_string(), r#";lr;text="a; \"b\"""#);
    assert_eq!(
        address.params.get_unquoted("TEXT").as_deref(),
        Some("a; \"b\"")
    );
    address.params.set("text", "plain");
    address.params.remove("LR");
    address.params.set("host", "[2001:db8::1]");
    assert_eq!(address.params.to_string(), ";text=plain;host=[2001:db8::1]");
    assert_eq!(address.params.get_text("text").unwrap(), "plain");
    assert!(!address.params.contains("lr"));
}

#[test]
fn a_contact_is_a_star_or_an_address_with_expiry_and_preference() {
    assert_eq!(Contact::parse(&"*".into()).unwrap(), Contact::Any);
    for (params, q) in [
        (";q=1", Some(1000)),
        (";q=0.33", Some(330)),
        (";q=1.000", Some(1000)),
        (";q=0", Some(0)),
        (";q=1.1", None),
        (";q=0.3333", None),
        (";q=2", None),
        ("", None),
    ] {
        let text = format!("<sip:h>{params};expires=3600");
        let contact = Contact::parse(&text.as_str().into()).unwrap();
        assert_eq!(contact.q(), q, "{params}");
        assert_eq!(contact.expires(), Some(3600));
        assert_eq!(contact.to_string(), text);
    }
}

#[test]
fn typed_headers_are_written_as_they_were_read() {
    assert_eq!(
        again::<RecordRoute>("<sip:p;lr>;x").unwrap(),
        "<sip:p;lr>;x"
    );
    assert_eq!(
        again::<Reason>("SIP;cause=200;text=\"Done\"").unwrap(),
        "SIP;cause=200;text=\"Done\""
    );
    assert_eq!(
        again::<RetryAfter>("18000 (later);duration=3600").unwrap(),
        "18000;duration=3600"
    );
    assert_eq!(
        again::<ContentType>("multipart/mixed;boundary=\"x;y\"").unwrap(),
        "multipart/mixed;boundary=\"x;y\""
    );
    assert_eq!(
        again::<CallInfo>("<http://h/c/1>;purpose=info").unwrap(),
        "<http://h/c/1>;purpose=info"
    );
    assert!(again::<RetryAfter>("soon").is_err());
    assert!(again::<Expires>("4294967296").is_err());
    assert!(again::<ContentType>("sdp").is_err());
    assert!(again::<CallInfo>("http://h").is_err());
    assert!(again::<Reason>(";cause=1").is_err());
}

#[test]
fn reasons_and_links_tell_their_parts() {
    let reason = Reason::parse(&"Q.850 ;cause=16;text=\"Terminated\"".into()).unwrap();
    assert_eq!(
        (reason.protocol.as_str(), reason.cause()),
        ("Q.850", Some(16))
    );
    assert_eq!(reason.text().as_deref(), Some("Terminated"));
    let link = CallInfo::new("https://h/c/1".parse().unwrap(), "info");
    assert_eq!(link.to_string(), "<https://h/c/1>;purpose=info");
    assert_eq!(link.purpose(), Some("info"));
    assert!(
        ContentType::parse(&"Application / SDP".into())
            .unwrap()
            .is("application/sdp")
    );
    assert_eq!(RetryAfter::new(5).to_string(), "5");
}

#[test]
fn every_known_name_is_found_by_its_own_spelling_and_in_any_case() {
    for (text, name) in [
        ("Via", HeaderName::Via),
        ("CALL-ID", HeaderName::CallId),
        ("www-authenticate", HeaderName::WwwAuthenticate),
        ("x", HeaderName::SessionExpires),
        ("p-asserted-identity", HeaderName::PAssertedIdentity),
    ] {
        assert_eq!(HeaderName::parse(&text.into()), Some(name));
    }
    assert_eq!(HeaderName::parse(&"".into()), None);
    assert_eq!(HeaderName::parse(&"a b".into()), None);
    assert_eq!(HeaderName::parse(&"X-Ünknown".into()), None);
}

#[test]
fn rseq_and_rack_name_a_provisional_response() {
    assert_eq!(again::<RSeq>("988789").unwrap(), "988789");
    assert_eq!(
        again::<RAck>("776656 \t1  INVITE").unwrap(),
        "776656 1 INVITE"
    );
    for wrong in ["", "0", "-1", "4294967296", "1 2"] {
        assert!(again::<RSeq>(wrong).is_err(), "{wrong}");
    }
    for wrong in [
        "",
        "1",
        "1 INVITE",
        "1 2",
        "1 2 INVITE x",
        "x 2 INVITE",
        "1 2 IN VITE",
    ] {
        assert!(again::<RAck>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn session_expires_says_how_often_and_who() {
    let read = |value: &str| SessionExpires::parse(&value.into()).unwrap();
    assert_eq!(read("1800;refresher=uac").refresher(), Some(Refresher::Uac));
    assert_eq!(
        read("1800 ; Refresher=UAS;x=y").refresher(),
        Some(Refresher::Uas)
    );
    assert_eq!(read("90;refresher=me").refresher(), None);
    assert_eq!(read("90").seconds, 90);
    let written = SessionExpires::new(600, Some(Refresher::Uas)).to_string();
    assert_eq!(written, "600;refresher=uas");
    assert_eq!(again::<MinSe>("120;lr").unwrap(), "120");
    for wrong in ["", "x", "-90", "90 s", "4294967296"] {
        assert!(SessionExpires::parse(&wrong.into()).is_err(), "{wrong}");
        assert!(again::<MinSe>(wrong).is_err(), "{wrong}");
    }
}
