//! URIs: their parts, their escapes, and when two are the same (RFC 3261 §19.1).

use sems_sip::{Host, SipUri, TelUri, Uri};

fn uri(text: &str) -> Uri {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn sip(text: &str) -> SipUri {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_parts_of_a_uri_are_told_apart() {
    let text = "sips:alice:secret%40@[2001:db8::10]:5061;transport=tcp;lr?subject=tea%20time&x=";
    let uri = sip(text);
    assert!(uri.is_secure());
    assert_eq!(uri.user().as_deref(), Some("alice"));
    assert_eq!(uri.password().as_deref(), Some("secret@"));
    assert_eq!(uri.host(), Host::Ip("2001:db8::10".parse().unwrap()));
    assert_eq!(uri.port(), Some(5061));
    assert_eq!(uri.transport(), Some("tcp"));
    assert!(uri.is_loose_router());
    assert_eq!(
        uri.headers().collect::<Vec<_>>(),
        [("subject", "tea%20time"), ("x", "")]
    );
    assert_eq!(uri.to_string(), text);
}

#[test]
fn a_host_alone_is_a_uri() {
    let uri = sip("SIP:sems.example");
    assert_eq!(
        (uri.user(), uri.port(), uri.params().is_empty()),
        (None, None, true)
    );
    assert_eq!(uri.host().to_string(), "sems.example");
    assert_eq!(sip("sip:192.0.2.1").host().ip(), "192.0.2.1".parse().ok());
    assert_eq!(sip("sip:1.2.3.sems1").host().ip(), None);
}

#[test]
fn a_user_part_may_hold_what_looks_like_other_parts() {
    let text = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com";
    let uri = sip(text);
    assert_eq!(
        uri.user().as_deref(),
        Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    );
    assert_eq!(uri.host().to_string(), "example.com");
    assert_eq!(uri.params().iter().count(), 0);
}

#[test]
fn escapes_are_undone_and_made() {
    let uri = sip("sip:sips%3Auser%40example.com@example.net;note=a%3Db");
    assert_eq!(uri.user().as_deref(), Some("sips:user@example.com"));
    assert_eq!(uri.param("NOTE").as_deref(), Some("a=b"));
    assert_eq!(uri.params().get("note"), Some("a%3Db"));
    let made = SipUri::new(&uri.host())
        .with_user("Jörg / 50%")
        .with_param("play", "a b;c");
    assert_eq!(
        made.to_string(),
        "sip:J%C3%B6rg%20/%2050%25@example.net;play=a%20b%3Bc"
    );
    assert_eq!(sip(&made.to_string()).user().as_deref(), Some("Jörg / 50%"));
    assert_eq!(
        sip("sip:null-%00-null@h").user().as_deref(),
        Some("null-\0-null")
    );
}

#[test]
fn a_uri_is_changed_part_by_part() {
    let uri = sip("sip:ann:pw@h:5070;method=INVITE;lr?x=1");
    assert_eq!(uri.for_request_line().to_string(), "sip:ann:pw@h:5070;lr");
    assert_eq!(
        uri.with_port(None).with_secure(true).to_string(),
        "sips:ann:pw@h;method=INVITE;lr?x=1"
    );
    assert_eq!(
        uri.with_user("bob").to_string(),
        "sip:bob@h:5070;method=INVITE;lr?x=1"
    );
    assert_eq!(uri.with_user("").user(), None);
    let changed = uri.with_param("LR", "on").with_param("transport", "udp");
    assert_eq!(
        changed.to_string(),
        "sip:ann:pw@h:5070;method=INVITE;lr=on;transport=udp?x=1"
    );
    assert_eq!(sip(&changed.to_string()), changed);
}

#[test]
fn what_is_no_uri_is_refused() {
    for text in [
        "",
        "sip",
        ":",
        "sip:",
        "sip:@h",
        "sip:a@",
        "sip:a b@h",
        "sip:a@h h",
        "sip:a@h:",
        "sip:a@h:65536",
        "sip:a@h:-1",
        "sip:a@h:5060x",
        "sip:a@[::1",
        "sip:a@[::g]",
        "sip:a@[::1]x",
        "sip:a@h;",
        "sip:a@h;=x",
        "sip:a@h;x=",
        "sip:a@h;a;;b",
        "sip:a@h?x",
        "sip:a@h?=1",
        "sip:a%@h",
        "sip:a%4@h",
        "sip:a%zz@h",
        "sip:a<@h",
        "sip:a\"@h",
        "sip:a@h@i",
        "<sip:a@h>",
        "1ab:x",
        "tel:+1 2",
        "tel:",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text:?}");
    }
}

#[test]
fn other_schemes_are_kept_as_they_are() {
    for text in [
        "tel:+49-30-1234;ext=7",
        "im:ann@example.org",
        "urn:service:sos",
        "https://h/c/1?a#b",
    ] {
        let uri = uri(text);
        assert!(uri.as_sip().is_none());
        assert_eq!(uri.to_string(), text);
        assert_eq!(uri.scheme(), text.split(':').next().unwrap());
    }
    assert!("tel:+1".parse::<SipUri>().is_err());
}

#[test]
fn these_are_the_same() {
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
        ),
        ("SIP:carol@chicago.com", "sip:carol@chicago.com"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:carol@chicago.com;newparam=5",
            "sip:carol@chicago.com;security=on",
        ),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:[2001:DB8::0:1]", "sip:[2001:db8::1]"),
        ("TEL:+1", "tel:+1"),
    ] {
        assert!(uri(a).equivalent(&uri(b)), "{a} {b}");
        assert!(uri(b).equivalent(&uri(a)), "{b} {a}");
    }
}

#[test]
fn these_are_not_the_same() {
    for (a, b) in [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        (
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com:6000;transport=tcp",
        ),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        (
            "sip:carol@chicago.com;newparam=5",
            "sip:carol@chicago.com;newparam=6",
        ),
        ("sip:a@h", "sips:a@h"),
        ("sip:a@h", "sip:h"),
        ("sip:a:x@h", "sip:a@h"),
        ("sip:a%3Bb@h", "sip:a;b@h"),
        ("sip:a@h;user=phone", "sip:a@h"),
        ("sip:a@h?x=1&x=1", "sip:a@h?x=1"),
        ("tel:+1", "sip:+1@h"),
        ("tel:+1", "tel:+2"),
    ] {
        assert!(!uri(a).equivalent(&uri(b)), "{a} {b}");
        assert!(!uri(b).equivalent(&uri(a)), "{b} {a}");
    }
}

#[test]
fn a_telephone_number_is_read_with_its_parameters() {
    let uri: TelUri = "tel:+1-201-555-0123;ext=45;x=%41".parse().unwrap();
    assert_eq!(uri.number(), "+12015550123");
    assert!(uri.is_global());
    assert_eq!(uri.extension().as_deref(), Some("45"));
    assert_eq!(uri.param("X").as_deref(), Some("A"));
    assert_eq!(uri.to_string(), "tel:+1-201-555-0123;ext=45;x=%41");

    let local: TelUri = "TEL:7042;phone-context=example.com".parse().unwrap();
    assert!(!local.is_global());
    assert_eq!(local.phone_context().as_deref(), Some("example.com"));
    let keys: Uri = "tel:*21*(A)#".parse().unwrap();
    assert_eq!(keys.user().as_deref(), Some("*21*A#"));
    assert_eq!(keys.scheme(), "tel");
}

#[test]
fn what_is_no_telephone_number_is_refused() {
    for text in [
        "tel:",
        "tel:+",
        "tel:-",
        "tel:+1A",
        "tel:call-me",
        "tel:+1 2",
        "tel:1;",
        "tel:1;=x",
        "tel:1;x=",
        "tel:1?x=y",
        "tel:1;x=<",
        // Which of the two would hold? Found by fuzzing.
        "tel:1;ext=4;x=y;EXT=5",
        "tel:1;ext=4;%65xt=4",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

/// RFC 3966 §5 and its errata: separators, case and order don't count, all parameters do.
#[test]
fn telephone_numbers_compare_by_rfc_3966() {
    let same = |a: &str, b: &str| {
        let (a, b): (Uri, Uri) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(a.equivalent(&b), b.equivalent(&a));
        a.equivalent(&b)
    };
    assert!(same("tel:+1-201-555-0123", "tel:+12015550123"));
    assert!(same("tel:+1(201)555.0123", "TEL:+1-201-555-0123"));
    assert!(same("tel:A12;b=C;d=e", "tel:a12;D=E;B=c"));
    assert!(same(
        "tel:1;phone-context=+1-201",
        "tel:1;phone-context=+1201"
    ));
    assert!(same(
        "tel:1;phone-context=A.Example",
        "tel:1;phone-context=a.example"
    ));
    assert!(same("tel:+1;ext=4-5", "tel:+1;ext=45"));
    assert!(!same("tel:+12015550123", "tel:12015550123"));
    assert!(!same("tel:+1;ext=45", "tel:+1"));
    assert!(!same("tel:1;phone-context=+1", "tel:1;phone-context=+2"));
    assert!(!same("tel:+1", "sip:+1@example.com;user=phone"));
}
