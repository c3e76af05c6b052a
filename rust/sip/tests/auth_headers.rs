//! Challenges and answers as they are written and read.

use proptest::prelude::*;
use sems_sip::header::{
    AuthParams, AuthValue, AuthenticationInfo, Authorization, Header, WwwAuthenticate,
};
use sems_sip::{HeaderName, Headers, Text};

fn challenges(rows: &[&str]) -> Vec<AuthValue> {
    let mut headers = Headers::new();
    for row in rows {
        headers.push(HeaderName::WwwAuthenticate, (*row).to_owned());
    }
    AuthValue::all(&headers, &HeaderName::WwwAuthenticate)
}

fn get(value: &AuthValue, name: &str) -> String {
    value.params.get(name).unwrap_or_default().into_owned()
}

#[test]
fn a_challenge_of_the_rfc_is_read() {
    let row = "Digest realm=\"biloxi.com\", qop=\"auth,auth-int\", \
               nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
               opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let [challenge] = &challenges(&[row])[..] else {
        panic!("not one");
    };
    assert!(challenge.is_digest());
    assert_eq!(get(challenge, "REALM"), "biloxi.com");
    assert_eq!(get(challenge, "qop"), "auth,auth-int");
    assert_eq!(challenge.params.get("stale"), None);
    assert_eq!(challenge.to_string(), row);
}

#[test]
fn commas_blanks_and_quotes_stand_anywhere_that_they_may() {
    let row = "dIGEST\trealm = \"a, b=\\\"c\\\"\" ,, nonce=ab/c+d== ,algorithm=MD5, ";
    let [challenge] = &challenges(&[row])[..] else {
        panic!("not one");
    };
    assert!(challenge.is_digest());
    assert_eq!(get(challenge, "realm"), "a, b=\"c\"");
    assert_eq!(get(challenge, "nonce"), "ab/c+d==");
    assert_eq!(get(challenge, "algorithm"), "MD5");
}

#[test]
fn several_challenges_are_told_apart_in_rows_and_in_one() {
    let rows = [
        "Digest realm=\"a\", nonce=\"1\", Digest realm=\"b\",nonce=\"2\" , Negotiate",
        "Basic realm=\"c\"",
    ];
    let found: Vec<_> = challenges(&rows)
        .iter()
        .map(|c| (c.scheme.to_string(), get(c, "realm"), get(c, "nonce")))
        .collect();
    let expected = [
        ("Digest", "a", "1"),
        ("Digest", "b", "2"),
        ("Negotiate", "", ""),
        ("Basic", "c", ""),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn a_row_that_cannot_be_read_does_the_others_no_harm() {
    let many: Vec<String> = (0..33).map(|i| format!("p{i}=1")).collect();
    let many = format!("Digest {}", many.join(","));
    for malformed in [
        "",
        "=",
        "Digest realm=\"a",
        "Digest realm=\"a\" nonce=\"b\"",
        "Digest realm=\"a\", realm=\"b\"",
        "Digest realm=, nonce=1",
        "Digest=1",
        "Dig\"est realm=1",
        &many,
    ] {
        let found = challenges(&[malformed, "Digest realm=\"sound\""]);
        assert_eq!(found.len(), 1, "{malformed:?}");
        assert_eq!(get(&found[0], "realm"), "sound");
    }
}

#[test]
fn one_answer_a_row_is_all_that_authorization_may_have() {
    let parse = |text: &'static str| Authorization::parse(&Text::from_static(text));
    assert!(parse("Digest username=\"a\", response=\"b\"").is_ok());
    assert!(parse("Digest username=\"a\", Digest username=\"b\"").is_err());
    assert!(parse("").is_err());
    assert!(WwwAuthenticate::parse(&Text::from_static("Digest realm=\"a\"")).is_ok());
}

#[test]
fn authentication_info_has_parameters_alone() {
    let text = Text::from_static("nextnonce=\"n\", qop=auth, rspauth=\"0\"");
    let info = AuthenticationInfo::parse(&text).unwrap();
    assert_eq!(info.0.get("nextnonce").unwrap(), "n");
    assert!(AuthenticationInfo::parse(&Text::from_static("Digest nextnonce=\"n\"")).is_err());
}

#[test]
fn what_a_password_could_be_guessed_from_is_not_printed_for_debugging() {
    let text = Text::from_static("Digest username=\"ann\", response=\"0123abcd\", cnonce=\"xyz\"");
    let shown = format!("{:?}", Authorization::parse(&text).unwrap());
    assert!(shown.contains("ann"));
    assert!(!shown.contains("0123abcd") && !shown.contains("xyz"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(realm in "\\PC{0,40}", nonce in "[!-~]{1,40}") {
        let params = AuthParams::new()
            .with_quoted("realm", &realm)
            .with_quoted("nonce", &nonce)
            .with_token("algorithm", "SHA-256");
        let written = AuthValue::digest(params).to_string();
        let [read] = &challenges(&[&written])[..] else { panic!("{written:?}") };
        prop_assert_eq!(get(read, "realm"), realm);
        prop_assert_eq!(get(read, "nonce"), nonce);
        prop_assert_eq!(read.to_string(), written);
    }

    #[test]
    fn reading_what_was_read_changes_nothing(row in "([a-zA-Z]{1,6} ?)?([ ,=\"\\\\a-z0-9é]{0,60})") {
        for challenge in challenges(&[&row]) {
            let written = challenge.to_string();
            let again = challenges(&[&written]);
            prop_assert_eq!(again, [challenge]);
        }
    }
}
