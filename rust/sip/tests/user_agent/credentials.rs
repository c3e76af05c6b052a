//! Being asked who we are: 401 and 407 to requests of ours.

use std::time::Duration;

use sems_sip::auth::{Algorithm, Asker, Credential, Keyring, Qop, Response};
use sems_sip::header::{AuthValue, CSeq, NameAddr, Via};
use sems_sip::user_agent::{Cause, Content, Event, OutgoingRequest, SessionId};
use sems_sip::{HeaderName, Headers, Message, Method, Request, StatusCode, Uri};

use crate::wire::{PHONE, Wire, flow, from_tag, header, reply};

const CONTACT: &str = "Contact: <sip:bob@192.0.2.1:5060>";

fn credential(realm: Option<&str>, username: &str, password: &str) -> Credential {
    Credential {
        asker: realm.map_or(Asker::Anyone, |realm| Asker::Realm(realm.to_owned())),
        username: username.to_owned(),
        password: password.to_owned(),
    }
}

fn outgoing(credentials: Vec<Credential>) -> OutgoingRequest {
    let uri: Uri = "sip:bob@192.0.2.1".parse().unwrap();
    let from: Uri = "sip:sems@192.0.2.2".parse().unwrap();
    OutgoingRequest {
        content: Some(Content::sdp("offer")),
        route: vec!["sip:192.0.2.1;lr".parse().unwrap()],
        credentials: Keyring::new(credentials),
        ..OutgoingRequest::new(flow(PHONE), uri, NameAddr::new(from))
    }
}

fn calling(wire: &mut Wire) -> (SessionId, Request) {
    let credentials = vec![credential(None, "sems", "secret")];
    let session = wire.agent.invite(wire.now, outgoing(credentials)).unwrap();
    wire.drain();
    (session, wire.request())
}

fn challenge(name: &str, realm: &str, nonce: &str, more: &str) -> String {
    format!("{name}: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"{more}")
}

fn www(realm: &str, nonce: &str, more: &str) -> String {
    challenge("WWW-Authenticate", realm, nonce, more)
}

fn proxy(realm: &str, nonce: &str, more: &str) -> String {
    challenge("Proxy-Authenticate", realm, nonce, more)
}

/// Has a request refused; the ACK that an INVITE's refusal needs is taken, and the next request
/// is returned.
fn refuse(wire: &mut Wire, request: &Request, status: &str, headers: &str) -> Request {
    wire.receive(&reply(request, status, "x", headers));
    let mut requests: Vec<_> = std::mem::take(&mut wire.sent)
        .into_iter()
        .filter_map(|(_, _, message)| match message {
            Message::Request(request) => Some(request),
            Message::Response(_) => None,
        })
        .collect();
    if request.method == Method::Invite {
        assert_eq!(requests.remove(0).method, Method::Ack);
    }
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

fn answers(request: &Request, name: HeaderName) -> Vec<AuthValue> {
    AuthValue::all(&request.headers, &name)
}

/// Whether an answer is right for this password, and its nonce count.
fn count_of(request: &Request, answer: &AuthValue, password: &str) -> u32 {
    let get = |name| answer.params.get(name).unwrap_or_default();
    let algorithm = match answer.params.get("algorithm") {
        Some(name) => Algorithm::parse(&name).unwrap(),
        None => Algorithm::Md5,
    };
    assert_eq!(get("uri"), request.uri.to_string());
    let count = u32::from_str_radix(&get("nc"), 16).unwrap();
    let expected = Response {
        algorithm,
        nonce: &get("nonce"),
        qop: Some((Qop::Auth, count, &get("cnonce"))),
        cnonce: &get("cnonce"),
        uri: &get("uri"),
        body: b"",
    }
    .of_request(
        &algorithm.ha1(&get("username"), &get("realm"), password),
        request.method.as_str(),
    );
    assert_eq!(get("response"), expected);
    count
}

fn sequence(request: &Request) -> u32 {
    request.headers.require::<CSeq>().unwrap().sequence
}

fn branch(request: &Request) -> String {
    let via = request.headers.require::<Via>().unwrap();
    via.branch().unwrap().to_owned()
}

#[test]
fn a_challenged_invite_goes_out_again_with_the_answer() {
    let mut wire = Wire::new();
    let (session, first) = calling(&mut wire);
    let second = refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n1", ""));
    let [answer] = &answers(&second, HeaderName::Authorization)[..] else {
        panic!("{second:?}");
    };
    assert_eq!(count_of(&second, answer, "secret"), 1);
    assert_eq!(sequence(&second), sequence(&first) + 1);
    assert_ne!(branch(&second), branch(&first));
    assert_eq!(from_tag(&second), from_tag(&first));
    for name in [HeaderName::CallId, HeaderName::To, HeaderName::Route] {
        assert_eq!(second.headers.get(&name), first.headers.get(&name));
    }
    assert_eq!(second.body, first.body);
    assert!(wire.told().is_empty());

    wire.receive(&reply(&second, "200 OK", "bob", CONTACT));
    let ack = wire.request();
    assert_eq!(ack.method, Method::Ack);
    assert_eq!(sequence(&ack), sequence(&second));
    // §22.1: the ACK carries what the INVITE carried.
    assert_eq!(
        answers(&ack, HeaderName::Authorization).first(),
        Some(answer)
    );
    assert!(matches!(&wire.told()[..],
        [Event::Accepted { session: s, .. }] if *s == session));
    assert_eq!(wire.agent.counters().challenges_answered, 1);
}

#[test]
fn who_asks_after_it_rang_or_somebody_on_the_way_was_trying_is_answered_too() {
    let mut wire = Wire::new();
    let (session, first) = calling(&mut wire);
    wire.receive(&reply(&first, "100 Trying", "", ""));
    let second = refuse(&mut wire, &first, "407 Prove It", &proxy("a", "1", ""));
    wire.receive(&reply(&second, "100 Trying", "", ""));
    wire.receive(&reply(&second, "180 Ringing", "bob", CONTACT));
    let third = refuse(&mut wire, &second, "401 Unauthorized", &www("b", "2", ""));
    assert_eq!(sequence(&third), 3);
    wire.receive(&reply(&third, "100 Trying", "", ""));
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let cancel = wire.request();
    assert_eq!((cancel.method.as_str(), sequence(&cancel)), ("CANCEL", 3));
    // Once it is taken back, nothing is answered any more.
    wire.receive(&reply(&third, "401 Unauthorized", "x", &www("c", "3", "")));
    assert_eq!(wire.said(), ["ACK"]);
}

#[test]
fn requests_of_the_call_answer_without_being_asked_and_count() {
    let mut wire = Wire::new();
    let (session, first) = calling(&mut wire);
    let second = refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n1", ""));
    wire.receive(&reply(&second, "200 OK", "bob", CONTACT));
    wire.request();
    let offer = Some(Content::sdp("hold"));
    wire.agent
        .reinvite(wire.now, session, Headers::new(), offer)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    let [answer] = &answers(&reinvite, HeaderName::Authorization)[..] else {
        panic!("{reinvite:?}");
    };
    assert_eq!(count_of(&reinvite, answer, "secret"), 2);
    // The nonce is used up meanwhile, as one without `stale` says.
    let again = refuse(
        &mut wire,
        &reinvite,
        "401 Unauthorized",
        &www("r", "n2", ""),
    );
    let [answer] = &answers(&again, HeaderName::Authorization)[..] else {
        panic!("{again:?}");
    };
    assert_eq!(answer.params.get("nonce").unwrap(), "n2");
    assert_eq!(count_of(&again, answer, "secret"), 1);
    assert_eq!(sequence(&again), sequence(&reinvite) + 1);
    wire.receive(&reply(&again, "200 OK", "bob", CONTACT));
    assert_eq!(wire.request().method, Method::Ack);

    wire.told();
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let bye = wire.request();
    assert_eq!(sequence(&bye), sequence(&again) + 1);
    let second_bye = refuse(&mut wire, &bye, "407 Prove It", &proxy("p", "n3", ""));
    assert_eq!(second_bye.method, Method::Bye);
    assert_eq!(answers(&second_bye, HeaderName::Authorization).len(), 1);
    assert_eq!(
        answers(&second_bye, HeaderName::ProxyAuthorization).len(),
        1
    );
    wire.receive(&reply(&second_bye, "200 OK", "bob", ""));
    wire.wait(Duration::from_secs(40));
    assert!(wire.is_empty());
}

#[test]
fn a_refused_answer_is_not_given_again() {
    let mut wire = Wire::new();
    let (session, first) = calling(&mut wire);
    let second = refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n1", ""));
    wire.receive(&reply(
        &second,
        "401 Unauthorized",
        "x",
        &www("r", "n2", ""),
    ));
    assert_eq!(wire.said(), ["ACK"]);
    match &wire.told()[..] {
        [
            Event::Terminated {
                session: s,
                cause: Cause::Rejected(response),
            },
        ] => {
            assert_eq!((*s, response.status), (session, StatusCode::UNAUTHORIZED));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stale_nonce_allows_one_more_and_the_same_nonce_never() {
    let mut wire = Wire::new();
    let (_, first) = calling(&mut wire);
    let second = refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n1", ""));
    let stale = www("r", "n2", ", stale=TRUE");
    let third = refuse(&mut wire, &second, "401 Unauthorized", &stale);
    assert_eq!(sequence(&third), 3);
    wire.receive(&reply(&third, "401 Unauthorized", "x", &stale));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(&wire.told()[..], [Event::Terminated { .. }]));
}

#[test]
fn who_answers_every_try_with_stale_does_not_keep_us_for_ever() {
    let mut wire = Wire::new();
    let (_, mut request) = calling(&mut wire);
    let mut tries = 1;
    loop {
        let challenge = www("r", &format!("n{tries}"), ", stale=true");
        wire.receive(&reply(&request, "401 Unauthorized", "x", &challenge));
        let sent = std::mem::take(&mut wire.sent);
        match sent.into_iter().nth(1) {
            Some((_, _, Message::Request(next))) => request = next,
            _ => break,
        }
        tries += 1;
    }
    assert_eq!(tries, 9);
}

#[test]
fn proxies_and_the_callee_may_each_ask_and_all_are_answered() {
    let mut wire = Wire::new();
    let invite = outgoing(vec![
        credential(Some("one"), "sems", "first"),
        credential(Some("two"), "sems", "second"),
        credential(None, "guest", "third"),
    ]);
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let first = wire.request();
    let second = refuse(&mut wire, &first, "407 Prove It", &proxy("one", "a", ""));
    let third = refuse(&mut wire, &second, "407 Prove It", &proxy("two", "b", ""));
    let fourth = refuse(&mut wire, &third, "401 Unauthorized", &www("bob", "c", ""));
    let given = answers(&fourth, HeaderName::ProxyAuthorization);
    assert_eq!(given.len(), 2);
    assert_eq!(count_of(&fourth, &given[0], "first"), 3);
    assert_eq!(count_of(&fourth, &given[1], "second"), 2);
    let given = answers(&fourth, HeaderName::Authorization);
    assert_eq!(count_of(&fourth, &given[0], "third"), 1);
}

#[test]
fn a_password_for_who_asks_first_is_for_nobody_who_asks_later() {
    let mut wire = Wire::new();
    let first_only = Credential {
        asker: Asker::First,
        ..credential(None, "sems", "secret")
    };
    let session = wire
        .agent
        .invite(wire.now, outgoing(vec![first_only]))
        .unwrap();
    wire.drain();
    let first = wire.request();
    let second = refuse(&mut wire, &first, "407 Prove It", &proxy("one", "a", ""));
    let given = answers(&second, HeaderName::ProxyAuthorization);
    assert_eq!(count_of(&second, &given[0], "secret"), 1);
    // Whom we call has a question of its own, or one that it passes on.
    wire.receive(&reply(&second, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
    let content = Some(Content::sdp("hold"));
    let agent = &mut wire.agent;
    agent
        .reinvite(wire.now, session, Headers::new(), content)
        .unwrap();
    wire.drain();
    let reinvite = wire.request();
    wire.receive(&reply(
        &reinvite,
        "401 Unauthorized",
        "",
        &www("bob", "c", ""),
    ));
    assert_eq!(wire.said(), ["ACK"]);
    // The first may ask at any time.
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let bye = wire.request();
    let stale = proxy("one", "b", ", stale=true");
    let again = refuse(&mut wire, &bye, "407 Prove It", &stale);
    let given = answers(&again, HeaderName::ProxyAuthorization);
    assert_eq!(given[0].params.get("nonce").unwrap(), "b");
    assert!(answers(&again, HeaderName::Authorization).is_empty());
}

#[test]
fn a_fork_may_bring_several_challenges_in_one_response() {
    let mut wire = Wire::new();
    let (_, first) = calling(&mut wire);
    // The second row has two, as no SIP element should write them.
    let both = format!(
        "{}\n{}, Digest realm=\"c\", nonce=\"3\"",
        proxy("a", "1", ""),
        proxy("b", "2", "")
    );
    let second = refuse(&mut wire, &first, "407 Prove It", &both);
    let realms: Vec<_> = answers(&second, HeaderName::ProxyAuthorization)
        .iter()
        .map(|answer| answer.params.get("realm").unwrap().into_owned())
        .collect();
    assert_eq!(realms, ["a", "b", "c"]);
}

#[test]
fn of_several_algorithms_the_first_that_is_known_is_taken() {
    let mut wire = Wire::new();
    let (_, first) = calling(&mut wire);
    let all = [
        www("r", "1", ", algorithm=SHA3"),
        www("r", "2", ", algorithm=SHA-256"),
        www("r", "3", ", algorithm=MD5"),
    ];
    let second = refuse(&mut wire, &first, "401 Unauthorized", &all.join("\n"));
    let [answer] = &answers(&second, HeaderName::Authorization)[..] else {
        panic!("{second:?}");
    };
    assert_eq!(answer.params.get("algorithm").unwrap(), "SHA-256");
    assert_eq!(answer.params.get("nonce").unwrap(), "2");
    count_of(&second, answer, "secret");
}

#[test]
fn without_a_password_for_the_realm_the_refusal_stands() {
    let mut wire = Wire::new();
    let invite = outgoing(vec![credential(Some("other"), "sems", "secret")]);
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let first = wire.request();
    wire.receive(&reply(&first, "401 Unauthorized", "x", &www("r", "n", "")));
    assert_eq!(wire.said(), ["ACK"]);
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated {
            cause: Cause::Rejected(_),
            ..
        }]
    ));
}

#[test]
fn a_call_that_was_taken_back_is_not_tried_again() {
    let mut wire = Wire::new();
    let (session, first) = calling(&mut wire);
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.receive(&reply(&first, "407 Prove It", "x", &proxy("r", "n", "")));
    assert_eq!(wire.said(), ["ACK"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn the_second_try_can_be_cancelled_like_the_first() {
    let mut wire = Wire::new();
    let (session, first) = calling(&mut wire);
    let second = refuse(&mut wire, &first, "407 Prove It", &proxy("r", "n", ""));
    wire.receive(&reply(&second, "180 Ringing", "bob", ""));
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let cancel = wire.request();
    assert_eq!(cancel.method, Method::Cancel);
    assert_eq!(sequence(&cancel), 2);
    assert_eq!(branch(&cancel), branch(&second));
    wire.receive(&reply(&cancel, "200 OK", "bob", ""));
    wire.receive(&reply(&second, "487 Request Terminated", "bob", ""));
    assert_eq!(wire.said(), ["ACK"]);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_lost_ack_to_the_challenge_is_repeated_while_the_second_try_goes_on() {
    let mut wire = Wire::new();
    let (_, first) = calling(&mut wire);
    let challenge = proxy("r", "n", "");
    let second = refuse(&mut wire, &first, "407 Prove It", &challenge);
    wire.receive(&reply(&first, "407 Prove It", "x", &challenge));
    let ack = wire.request();
    assert_eq!((ack.method.as_str(), sequence(&ack)), ("ACK", 1));
    wire.receive(&reply(&second, "200 OK", "bob", CONTACT));
    assert_eq!(sequence(&wire.request()), 2);
}

#[test]
fn any_other_request_is_answered_for_and_keeps_its_id() {
    let mut wire = Wire::new();
    let mut options = outgoing(vec![credential(None, "sems", "secret")]);
    options.content = None;
    let id = wire
        .agent
        .request(wire.now, Method::Options, options)
        .unwrap();
    wire.drain();
    let first = wire.request();
    let second = refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n", ""));
    count_of(
        &second,
        &answers(&second, HeaderName::Authorization)[0],
        "secret",
    );
    wire.receive(&reply(&second, "200 OK", "x", ""));
    match &wire.told()[..] {
        [Event::Response { id: told, response }] => {
            assert_eq!((*told, response.status), (id, StatusCode::OK));
        }
        other => panic!("{other:?}"),
    }
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn the_next_nonce_that_a_server_names_is_used_unless_its_proof_is_false() {
    for (rspauth, used) in [(None, "n2"), (Some("0".repeat(32)), "n1")] {
        let mut wire = Wire::new();
        let (session, first) = calling(&mut wire);
        let second = refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n1", ""));
        let proof = rspauth
            .map(|r| format!(", rspauth=\"{r}\""))
            .unwrap_or_default();
        let info = format!("{CONTACT}\nAuthentication-Info: nextnonce=\"n2\"{proof}");
        wire.receive(&reply(&second, "200 OK", "bob", &info));
        wire.request();
        wire.agent
            .hangup(wire.now, session, Headers::new())
            .unwrap();
        wire.drain();
        let bye = wire.request();
        let [answer] = &answers(&bye, HeaderName::Authorization)[..] else {
            panic!("{bye:?}");
        };
        assert_eq!(answer.params.get("nonce").unwrap(), used);
        count_of(&bye, answer, "secret");
        let false_proofs = u64::from(used == "n1");
        assert_eq!(wire.agent.counters().false_proofs, false_proofs);
    }
}

#[test]
fn names_with_quotes_and_of_any_script_are_hashed_as_they_are() {
    let mut wire = Wire::new();
    let (name, realm) = ("Jäsøn \"Doe\\", "a \\\"b\\\"");
    let invite = outgoing(vec![credential(None, name, "pässword")]);
    wire.agent.invite(wire.now, invite).unwrap();
    wire.drain();
    let first = wire.request();
    let second = refuse(&mut wire, &first, "401 Unauthorized", &www(realm, "n", ""));
    let [answer] = &answers(&second, HeaderName::Authorization)[..] else {
        panic!("{second:?}");
    };
    assert_eq!(answer.params.get("username").unwrap(), name);
    assert_eq!(answer.params.get("realm").unwrap(), "a \"b\"");
    count_of(&second, answer, "pässword");
    let text = header(&Message::Request(second), HeaderName::Authorization);
    assert!(text.contains("username=\"Jäsøn \\\"Doe\\\\\""), "{text}");
}

#[test]
fn no_secret_shows_in_what_is_printed_for_debugging() {
    let mut wire = Wire::new();
    let key = || credential(None, "sems", "hunter2");
    wire.agent.invite(wire.now, outgoing(vec![key()])).unwrap();
    wire.drain();
    let first = wire.request();
    refuse(&mut wire, &first, "401 Unauthorized", &www("r", "n", ""));
    let shown = format!("{:?} {:?}", wire.agent, key());
    assert!(!shown.contains("hunter2"));
    let ha1 = Algorithm::Md5.ha1("sems", "r", "hunter2");
    assert!(!shown.contains(&ha1));
}

#[test]
fn the_bye_to_a_branch_that_lost_answers_a_challenge() {
    let mut wire = Wire::new();
    let (_, invite) = calling(&mut wire);
    wire.receive(&reply(&invite, "200 OK", "bob", CONTACT));
    assert_eq!(wire.said(), ["ACK"]);
    let contact = "Contact: <sip:carol@192.0.2.1:5060>";
    wire.receive(&reply(&invite, "200 OK", "carol", contact));
    let Some((_, _, Message::Request(bye))) = wire.sent.pop() else {
        panic!("no BYE")
    };
    assert_eq!(bye.method, Method::Bye);
    wire.said();
    let asks = proxy("example.com", "n1", "");
    let again = refuse(&mut wire, &bye, "407 Proxy Authentication Required", &asks);
    assert_eq!(again.method, Method::Bye);
    assert!(header(&Message::Request(again.clone()), HeaderName::To).ends_with(";tag=carol"));
    let answers = answers(&again, HeaderName::ProxyAuthorization);
    assert_eq!(count_of(&again, &answers[0], "secret"), 1);
    wire.receive(&reply(&again, "200 OK", "", ""));
    assert!(wire.said().is_empty());
}

#[test]
fn a_200_that_makes_no_dialog_is_acknowledged_and_ended_by_the_way_of_the_invite() {
    let mut wire = Wire::new();
    let (session, invite) = calling(&mut wire);
    let routes: Vec<_> = (0..33)
        .map(|n| format!("<sip:p{n}.example.com;lr>"))
        .collect();
    let headers = format!("{CONTACT}\nRecord-Route: {}", routes.join(", "));
    let ok = reply(&invite, "200 OK", "bob", &headers);
    wire.receive(&ok);
    let sent: Vec<_> = wire.sent.drain(..).collect();
    let [
        (_, one, Message::Request(ack)),
        (_, other, Message::Request(bye)),
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert_eq!((*one, *other), (flow(PHONE), flow(PHONE)));
    assert_eq!((&ack.method, &bye.method), (&Method::Ack, &Method::Bye));
    assert_eq!((&ack.uri, &bye.uri), (&invite.uri, &invite.uri));
    let sequence = |request: &Request| request.headers.require::<CSeq>().unwrap().sequence;
    assert_eq!((sequence(ack), sequence(bye)), (1, 2));
    for request in [ack, bye] {
        let request = Message::Request(request.clone());
        assert!(header(&request, HeaderName::To).ends_with(";tag=bob"));
        assert_eq!(header(&request, HeaderName::Route), "<sip:192.0.2.1;lr>");
    }
    assert!(matches!(
        &wire.told()[..],
        [Event::Terminated { session: id, .. }] if *id == session
    ));
    wire.receive(&ok);
    assert_eq!(wire.said(), ["ACK"], "only one BYE");
    // It may be asked who it is.
    let asks = www("example.com", "n1", "");
    let again = refuse(&mut wire, &bye.clone(), "401 Unauthorized", &asks);
    assert_eq!(answers(&again, HeaderName::Authorization).len(), 1);
    wire.receive(&reply(&again, "200 OK", "", ""));
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}
