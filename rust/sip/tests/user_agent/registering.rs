//! Being a phone at somebody's registrar.

use std::time::Duration;

use sems_sip::auth::{Asker, Credential, Keyring};
use sems_sip::header::{CSeq, Contact, NameAddr};
use sems_sip::registration::{Account, RegistrationId, RegistrationState};
use sems_sip::transaction::Transport;
use sems_sip::user_agent::{Event, UserAgentConfig};
use sems_sip::{Flow, HeaderName, Host, Message, Method, Request, StatusCode, Uri};

use crate::wire::{PHONE, Wire, flow, header, reply};

fn account() -> Account {
    let address: Uri = "sip:sems@provider.example".parse().unwrap();
    Account {
        address: NameAddr::new(address),
        registrar: "sip:provider.example".parse().unwrap(),
        flow: flow(PHONE),
        route: Vec::new(),
        expires: 600,
        credentials: Keyring::new([Credential {
            asker: Asker::Anyone,
            username: "sems".to_owned(),
            password: "secret".to_owned(),
        }]),
    }
}

fn registering(wire: &mut Wire) -> (RegistrationId, Request) {
    let id = wire.agent.register(wire.now, account()).unwrap();
    wire.drain();
    (id, wire.request())
}

/// The Contacts of a REGISTER, each with the seconds it asks for.
fn contacts(request: &Request) -> Vec<(String, u32)> {
    request
        .headers
        .get_all_typed::<Contact>()
        .map(|contact| {
            let contact = contact.unwrap();
            let uri = contact.address().unwrap().uri.to_string();
            (uri, contact.expires().unwrap())
        })
        .collect()
}

/// A 200 that lists what was registered, and somebody else's binding.
fn ok(request: &Request, expires: u32, headers: &str) -> String {
    let (uri, _) = &contacts(request)[0];
    let lines = format!(
        "Contact: <sip:sems@203.0.113.5>;expires=99\nContact: <{uri}>;expires={expires}\n{headers}"
    );
    reply(request, "200 OK", "r", &lines)
}

fn registered(wire: &mut Wire) -> (RegistrationId, Request) {
    let (id, first) = registering(wire);
    wire.receive(&ok(&first, 600, ""));
    match &wire.told()[..] {
        [
            Event::Registration {
                state: RegistrationState::Registered { .. },
                ..
            },
        ] => {}
        other => panic!("{other:?}"),
    }
    (id, first)
}

fn state(wire: &mut Wire) -> RegistrationState {
    match wire.told().pop() {
        Some(Event::Registration { state, .. }) => state,
        other => panic!("{other:?}"),
    }
}

/// Lets up to so many seconds pass, until something is sent.
fn next(wire: &mut Wire, seconds: u64) -> Request {
    let end = wire.now + Duration::from_secs(seconds);
    while wire.sent.is_empty() && wire.now < end {
        wire.wait(Duration::from_millis(100));
    }
    wire.request()
}

fn sequence(request: &Request) -> u32 {
    request.headers.require::<CSeq>().unwrap().sequence
}

#[test]
fn a_register_says_who_and_where_we_are() {
    let mut wire = Wire::new();
    let (_, register) = registering(&mut wire);
    assert_eq!(register.method, Method::Register);
    assert_eq!(register.uri.to_string(), "sip:provider.example");
    let [(uri, expires)] = &contacts(&register)[..] else {
        panic!("{register:?}");
    };
    assert!(uri.starts_with("sip:sems@192.0.2.2:5060;line="), "{uri}");
    assert_eq!(*expires, 600);
    let message = Message::Request(register);
    assert_eq!(
        header(&message, HeaderName::To),
        "<sip:sems@provider.example>"
    );
    assert_eq!(header(&message, HeaderName::Expires), "600");
}

#[test]
fn a_challenge_is_answered_and_the_next_register_answers_at_once() {
    let mut wire = Wire::new();
    let (_, first) = registering(&mut wire);
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
    wire.receive(&reply(&first, "401 Unauthorized", "r", challenge));
    let second = wire.request();
    assert_eq!(sequence(&second), 2);
    assert!(second.headers.contains(&HeaderName::Authorization));
    wire.receive(&ok(&second, 600, ""));
    assert!(matches!(
        state(&mut wire),
        RegistrationState::Registered { expires: 600, .. }
    ));
    let third = next(&mut wire, 540);
    assert_eq!(sequence(&third), 3);
    assert!(third.headers.contains(&HeaderName::Authorization));
    assert_eq!(
        third.headers.get(&HeaderName::CallId),
        first.headers.get(&HeaderName::CallId)
    );
}

#[test]
fn what_the_registrar_grants_decides_when_to_refresh() {
    let mut wire = Wire::new();
    let (_, first) = registering(&mut wire);
    wire.receive(&ok(&first, 100, ""));
    assert!(matches!(
        state(&mut wire),
        RegistrationState::Registered { expires: 100, .. }
    ));
    wire.wait(Duration::from_secs(74));
    assert!(wire.sent.is_empty());
    let refresh = next(&mut wire, 17);
    wire.receive(&ok(&refresh, 100, ""));
    // It holds for longer now.
    assert!(matches!(
        state(&mut wire),
        RegistrationState::Registered { expires: 100, .. }
    ));
}

#[test]
fn a_longer_time_is_asked_for_when_the_registrar_wants_it() {
    let mut wire = Wire::new();
    let (_, first) = registering(&mut wire);
    wire.receive(&reply(
        &first,
        "423 Interval Too Brief",
        "r",
        "Min-Expires: 3600",
    ));
    let second = wire.request();
    assert_eq!(contacts(&second)[0].1, 3600);
    // One that wants less than that next is of no use.
    wire.receive(&reply(
        &second,
        "423 Interval Too Brief",
        "r",
        "Min-Expires: 60",
    ));
    assert!(matches!(
        state(&mut wire),
        RegistrationState::Failed {
            status: StatusCode::INTERVAL_TOO_BRIEF,
            ..
        }
    ));
}

#[test]
fn silence_and_refusals_are_followed_by_longer_and_longer_waits() {
    let mut wire = Wire::new();
    registering(&mut wire);
    wire.wait(Duration::from_secs(32));
    let RegistrationState::Failed {
        status,
        retry_after,
        ..
    } = state(&mut wire)
    else {
        panic!();
    };
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    assert!((15..=30).contains(&retry_after.as_secs()));
    wire.said();
    let again = next(&mut wire, 30);
    wire.receive(&reply(
        &again,
        "503 Service Unavailable",
        "r",
        "Retry-After: 200",
    ));
    let RegistrationState::Failed { retry_after, .. } = state(&mut wire) else {
        panic!();
    };
    assert_eq!(retry_after.as_secs(), 200);
    wire.wait(Duration::from_secs(199));
    assert!(wire.sent.is_empty());
    let third = next(&mut wire, 2);
    wire.receive(&ok(&third, 600, ""));
    assert!(matches!(
        state(&mut wire),
        RegistrationState::Registered { .. }
    ));
}

#[test]
fn behind_a_nat_the_address_that_was_seen_takes_the_place_of_our_own() {
    let mut wire = Wire::new();
    let (_, first) = registering(&mut wire);
    let seen = |text: String| text.replace(";rport", ";received=198.51.100.1;rport=1024");
    wire.receive(&seen(ok(&first, 600, "")));
    let second = wire.request();
    let [(new, 600), (old, 0)] = &contacts(&second)[..] else {
        panic!("{second:?}");
    };
    assert!(new.starts_with("sip:sems@198.51.100.1:1024;line="), "{new}");
    assert!(old.starts_with("sip:sems@192.0.2.2:5060;line="), "{old}");
    assert!(wire.told().is_empty());
    wire.receive(&seen(ok(&second, 600, "")));
    match state(&mut wire) {
        RegistrationState::Registered { contact, .. } => assert_eq!(contact.to_string(), *new),
        other => panic!("{other:?}"),
    }
    // The way through is kept open by what is no message.
    wire.wait(Duration::from_secs(30));
    assert!(wire.sent.is_empty());
    assert!(wire.pings > 0);
    let refresh = next(&mut wire, 510);
    assert_eq!(contacts(&refresh).len(), 1);
}

#[test]
fn an_advertised_address_is_kept_whatever_is_seen() {
    let mut wire = Wire::with(UserAgentConfig {
        advertised_host: Some(Host::Ip("203.0.113.1".parse().unwrap())),
        ..Default::default()
    });
    let (_, first) = registering(&mut wire);
    let seen = ok(&first, 600, "").replace(";rport", ";received=198.51.100.1;rport=1024");
    wire.receive(&seen);
    assert!(wire.sent.is_empty());
    match state(&mut wire) {
        RegistrationState::Registered { contact, .. } => {
            assert!(contact.to_string().starts_with("sip:sems@203.0.113.1:5060"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_service_route_is_told() {
    let mut wire = Wire::new();
    let (_, first) = registering(&mut wire);
    let route = "Service-Route: <sip:p1.example;lr>, <sip:p2.example;lr>";
    wire.receive(&ok(&first, 600, route));
    match state(&mut wire) {
        RegistrationState::Registered { service_route, .. } => {
            let route: Vec<_> = service_route.iter().map(Uri::to_string).collect();
            assert_eq!(route, ["sip:p1.example;lr", "sip:p2.example;lr"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_registrar_that_does_not_keep_the_parameters_of_our_address_has_registered_us_all_the_same() {
    let mut wire = Wire::new();
    let (_, register) = registering(&mut wire);
    let lines = "Contact: <sip:other@192.0.2.2:5060>;expires=99\n\
                 Contact: <SIP:sems@192.0.2.2:5060>;expires=300\n";
    wire.receive(&reply(&register, "200 OK", "r", lines));
    let registered = state(&mut wire);
    assert!(
        matches!(
            registered,
            RegistrationState::Registered { expires: 300, .. }
        ),
        "{registered:?}"
    );
}

#[test]
fn a_registrar_that_keeps_others_but_not_us_has_not_registered_us() {
    let mut wire = Wire::new();
    let (_, first) = registering(&mut wire);
    // Of somebody else, and of a server here before.
    let lines = "Contact: <sip:sems@203.0.113.5>;expires=99\n\
                 Contact: <sip:sems@192.0.2.2:5060;line=another>;expires=99\n";
    wire.receive(&reply(&first, "200 OK", "r", lines));
    assert!(matches!(state(&mut wire), RegistrationState::Failed { .. }));
}

#[test]
fn what_was_registered_is_taken_back() {
    let mut wire = Wire::new();
    let (id, first) = registered(&mut wire);
    wire.agent.unregister(wire.now, id).unwrap();
    wire.drain();
    let last = wire.request();
    assert_eq!(contacts(&last), [(contacts(&first)[0].0.clone(), 0)]);
    wire.receive(&reply(&last, "200 OK", "r", ""));
    assert_eq!(state(&mut wire), RegistrationState::Ended);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_register_under_way_is_waited_for_before_it_is_taken_back() {
    let mut wire = Wire::new();
    let (id, first) = registering(&mut wire);
    wire.agent.unregister(wire.now, id).unwrap();
    wire.drain();
    assert!(wire.sent.is_empty());
    wire.receive(&ok(&first, 600, ""));
    let last = wire.request();
    assert_eq!(contacts(&last)[0].1, 0);
    wire.receive(&reply(&last, "200 OK", "r", ""));
    assert_eq!(state(&mut wire), RegistrationState::Ended);
    wire.wait_for_the_end();
    assert!(wire.is_empty());
}

#[test]
fn a_connection_that_closes_or_falls_silent_is_replaced() {
    let tcp = Flow {
        transport: Transport::Tcp,
        ..flow(PHONE)
    };
    let mut wire = Wire::new();
    wire.flow = tcp;
    let account = Account {
        flow: tcp,
        ..account()
    };
    wire.agent.register(wire.now, account).unwrap();
    wire.drain();
    let first = wire.request();
    assert!(contacts(&first)[0].0.contains(";transport=tcp"));
    wire.receive(&ok(&first, 3600, ""));
    wire.told();
    wire.agent.flow_closed(wire.now, tcp);
    wire.drain();
    wire.told();
    let second = next(&mut wire, 2);
    wire.receive(&ok(&second, 3600, ""));
    // A peer that never answers keep-alives is not taken for dead, one that did before is.
    wire.wait(Duration::from_secs(600));
    assert!(wire.sent.is_empty());
    assert!(wire.pings > 3);
    wire.agent.receive_pong(tcp);
    assert_eq!(next(&mut wire, 133).method, Method::Register);
}

#[test]
fn another_way_to_the_registrar_is_taken_at_once_after_a_failure() {
    let mut wire = Wire::new();
    let (id, first) = registering(&mut wire);
    wire.receive(&reply(&first, "503 Service Unavailable", "r", ""));
    wire.told();
    let other = flow("192.0.2.7:5060");
    wire.agent.reroute(wire.now, id, other).unwrap();
    wire.drain();
    let sent = wire.sent.remove(0);
    assert_eq!(sent.1, other);
}
