//! URIs and addresses as another implementation of the grammar reads them: where both read, both
//! read the same, and where they differ, RFC 3261 §25.1 says who is right.

use ezk_sip_types::host::Host as TheirHost;
use ezk_sip_types::uri::SipUri as TheirUri;
use proptest::prelude::*;
use sems_sip::{Host, SipUri};

/// What a URI says: scheme, host, port, and a parameter.
type Said = (bool, String, Option<u16>, Option<String>);

fn ours(text: &str) -> Option<Said> {
    let uri: SipUri = text.parse().ok()?;
    let host = match uri.host() {
        Host::Ip(address) => address.to_string(),
        Host::Name(name) => name.as_str().to_owned(),
    };
    Some((
        uri.is_secure(),
        host,
        uri.port(),
        uri.param("p").map(|value| value.into_owned()),
    ))
}

fn theirs(text: &str) -> Option<Said> {
    let uri: TheirUri = text.parse().ok()?;
    let host = match &uri.host_port.host {
        TheirHost::IP6(address) => address.to_string(),
        TheirHost::IP4(address) => address.to_string(),
        TheirHost::Name(name) => name.to_string(),
    };
    let param = uri.uri_params.get("p");
    let param = param.map(|p| p.value.as_deref().unwrap_or_default().to_owned());
    Some((uri.sips, host, uri.host_port.port, param))
}

/// The user part, which the other side shows only by printing it in its own way.
fn user_of_both(text: &str) -> (Option<String>, Option<String>) {
    let ours: SipUri = text.parse().expect("read before");
    let theirs: TheirUri = text.parse().expect("read before");
    let printed: SipUri = format!("{theirs:?}")
        .parse()
        .expect("printed by the other side");
    let user = |uri: &SipUri| uri.user().map(|user| user.into_owned());
    (user(&ours), user(&printed))
}

/// URIs by the grammar: escapes in the user part only, since the other side leaves them elsewhere.
fn sound() -> impl Strategy<Value = String> {
    let user = prop_oneof![
        Just(String::new()),
        "([a-zA-Z0-9_.!~*'()&=+$,;?/-]|%4[0-9]){1,8}@",
        "[a-z0-9]{1,4}:[a-z0-9&=+$,-]{1,4}@",
    ];
    let host = prop_oneof![
        "[a-z][a-z0-9]{0,4}(\\.[a-z][a-z0-9]{0,4}){0,2}",
        "(1?[1-9]?[0-9])(\\.(1?[1-9]?[0-9])){3}",
        prop::sample::select(vec!["[::1]".to_owned(), "[2001:db8::9:1]".to_owned()]),
    ];
    let port = prop_oneof![
        Just(String::new()),
        "[1-9][0-9]{0,3}".prop_map(|p| format!(":{p}"))
    ];
    let params = prop::collection::vec(
        prop_oneof![
            Just(";p".to_owned()),
            ";p=[a-z0-9.-]{1,4}",
            ";[a-o]{1,3}(=[a-z0-9]{1,3})?"
        ],
        0..3,
    );
    let scheme = prop::sample::select(vec!["sip:", "sips:", "SIP:"]);
    (scheme, user, host, port, params).prop_map(|(scheme, user, host, port, params)| {
        format!("{scheme}{user}{host}{port}{}", params.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_sound_uri_says_the_same_to_both(text in sound()) {
        let (ours, theirs) = (ours(&text), theirs(&text));
        prop_assert!(ours.is_some(), "{}", text);
        prop_assert_eq!(ours, theirs, "{}", text);
        let (ours, theirs) = user_of_both(&text);
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    /// Text that is near a URI: whatever both take for one says the same to both.
    #[test]
    fn what_both_take_for_a_uri_says_the_same_to_both(text in "sips?:[a-c1:@;=.]{1,12}") {
        if let (Some(ours), Some(theirs)) = (ours(&text), theirs(&text)) {
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}

/// Where only one of both reads: who is right by the grammar, and why.
#[test]
fn where_they_differ_the_grammar_decides() {
    let only_they_read = [
        ("sip:@a", "a user part has at least one character"),
        ("sip:%4@c", "an escape has two digits"),
        ("sip:%zz@c", "and they are hexadecimal"),
        ("sip:a;", "a semicolon starts a parameter"),
        ("sip:a;;b", "each of them does"),
        ("sip:a;p=", "an equals sign is followed by a value"),
        (
            "sip:a;p=\"x\"",
            "quotation marks are none of a URI's characters",
        ),
        ("sip:a?x", "a header has an equals sign"),
    ];
    for (text, right_by) in only_they_read {
        assert!(ours(text).is_none(), "{text}: {right_by}");
        assert!(theirs(text).is_some(), "{text}: no difference any more");
    }
    // The grammar has none of these, but private networks do; nothing can be misread in them.
    for text in ["sip:a_b", "sip:-a", "sip:a..b"] {
        assert!(ours(text).is_some(), "{text}");
        assert!(theirs(text).is_none(), "{text}: no difference any more");
    }
}
