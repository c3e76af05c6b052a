//! Where responses and later requests go.

use sems_sip::user_agent::{Content, Event, Reply, SessionId, UserAgentConfig};
use sems_sip::{Flow, HeaderName, Headers, Host, Message, Request, StatusCode};

use crate::wire::{Wire, flow, header, invite, numbered, request, to_tag};

/// Takes the call that this INVITE opens, has it confirmed, hangs up: the BYE and its way.
fn bye_after(wire: &mut Wire, from: Flow, invite: &str) -> (Flow, Request) {
    let session = wire.called_from(from, invite);
    hang_up(wire, session)
}

fn hang_up(wire: &mut Wire, session: SessionId) -> (Flow, Request) {
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    match wire.sent.pop() {
        Some((_, flow, Message::Request(bye))) => (flow, bye),
        other => panic!("{other:?}"),
    }
}

fn route(request: &Request) -> String {
    header(&Message::Request(request.clone()), HeaderName::Route)
}

fn contact(address: &str) -> String {
    invite("").replace("<sip:ann@192.0.2.1:5060>", &format!("<sip:ann@{address}>"))
}

#[test]
fn requests_go_to_the_contact_when_it_is_an_address() {
    let mut wire = Wire::new();
    let (to, bye) = bye_after(
        &mut wire,
        flow("192.0.2.1:5060"),
        &contact("192.0.2.9:5080"),
    );
    assert_eq!(to.remote, "192.0.2.9:5080".parse().unwrap());
    assert_eq!(bye.uri.to_string(), "sip:ann@192.0.2.9:5080");
}

#[test]
fn requests_go_back_where_the_call_came_from_when_the_contact_is_of_no_use() {
    for address in [
        "phone.example.com",
        "0.0.0.0",
        "[2001:db8::1]",
        "192.0.2.9;transport=tcp",
    ] {
        let mut wire = Wire::new();
        let (to, bye) = bye_after(&mut wire, flow("192.0.2.1:5060"), &contact(address));
        assert_eq!(to.remote, "192.0.2.1:5060".parse().unwrap(), "{address}");
        assert!(bye.uri.to_string().starts_with("sip:ann@"));
    }
}

#[test]
fn nobody_has_us_send_to_this_machine_its_links_or_ourselves_who_is_not_there() {
    let ours = flow("192.0.2.1:5060").local;
    let there = |from: &str, address: &str| {
        let mut wire = Wire::new();
        let text = contact(address).replace("UDP 192.0.2.1:5060", &format!("UDP {from}"));
        let (to, _) = bye_after(&mut wire, flow(from), &text);
        to.remote == address.parse().unwrap()
    };
    for address in ["127.0.0.1:5080", "127.9.9.9:80", "169.254.169.254:80"] {
        for from in ["192.0.2.1:5060", "10.0.0.7:5060"] {
            assert!(!there(from, address), "{address} written by {from}");
        }
        assert!(there("127.0.0.1:5070", address), "{address}");
    }
    assert!(there("169.254.1.1:5060", "169.254.1.2:5060"));
    assert!(!there("169.254.1.1:5060", "127.0.0.1:5080"));
    assert!(there("10.0.0.7:5060", "10.0.0.8:5060"));

    assert!(!there("192.0.2.1:5060", &ours.to_string()));
    let ourselves = format!("{}:5070", ours.ip());
    assert!(
        there(&ourselves, &ours.to_string()),
        "we have called ourselves"
    );
}

#[test]
fn a_phone_behind_nat_is_reached_where_it_was_seen() {
    let seen = flow("203.0.113.5:31234");
    let text = contact("10.0.0.7:5060").replace("UDP 192.0.2.1:5060", "UDP 10.0.0.7:5060");
    let mut wire = Wire::new();
    wire.receive_from(seen, &text);
    let (_, to, _) = wire.sent.pop().unwrap();
    assert_eq!(to.remote, seen.remote, "responses go to rport");
    let session = match wire.told().pop() {
        Some(Event::Invite { session, .. }) => session,
        other => panic!("{other:?}"),
    };
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    wire.receive_from(seen, &request("ACK", "z9hG4bKack", &tag, ""));

    // The NAT gives it another port; its next re-INVITE comes from there.
    let moved = flow("203.0.113.5:40000");
    let again = numbered(2, "INVITE", "z9hG4bKre", &tag, "")
        .replace("<sip:ann@192.0.2.1:5060>", "<sip:ann@10.0.0.7:5060>")
        .replace("UDP 192.0.2.1:5060", "UDP 10.0.0.7:5060");
    wire.receive_from(moved, &again);
    wire.sent.clear();
    let (to, _) = hang_up(&mut wire, session);
    assert_eq!(to.remote, moved.remote);
}

#[test]
fn a_private_contact_seen_from_outside_is_not_used_even_behind_a_proxy() {
    let vias = "Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKp\nVia: SIP/2.0/UDP 10.0.0.7:5060";
    let text = contact("10.0.0.7:5060").replace("Via: SIP/2.0/UDP 192.0.2.1:5060", vias);
    let mut wire = Wire::new();
    let (to, _) = bye_after(&mut wire, flow("203.0.113.1:5060"), &text);
    assert_eq!(to.remote, "203.0.113.1:5060".parse().unwrap());
}

#[test]
fn without_rport_responses_go_to_the_port_of_the_via() {
    let mut wire = Wire::new();
    let text = request("OPTIONS", "z9hG4bK1", "", "").replace(";rport", "");
    wire.receive_from(flow("203.0.113.5:31234"), &text);
    let (_, to, message) = wire.sent.pop().unwrap();
    assert_eq!(to.remote, "203.0.113.5:5060".parse().unwrap());
    let via = header(&message, HeaderName::Via);
    assert!(via.ends_with(";received=203.0.113.5"), "{via}");
}

#[test]
fn loose_routers_stand_in_route_and_get_the_request_first() {
    let mut wire = Wire::new();
    let routes = "Record-Route: <sip:192.0.2.20:5070;lr>, <sip:192.0.2.21;lr>";
    let text = invite(routes).replace("<sip:ann@192.0.2.1:5060>", "<sip:ann@192.0.2.9>");
    let (to, bye) = bye_after(&mut wire, flow("192.0.2.1:5060"), &text);
    assert_eq!(to.remote, "192.0.2.20:5070".parse().unwrap());
    assert_eq!(bye.uri.to_string(), "sip:ann@192.0.2.9");
    assert_eq!(route(&bye), "<sip:192.0.2.20:5070;lr>, <sip:192.0.2.21;lr>");
}

#[test]
fn a_strict_router_stands_in_the_request_uri_and_the_target_last_in_route() {
    let mut wire = Wire::new();
    let text = invite("Record-Route: <sip:192.0.2.20>, <sip:192.0.2.21;lr>");
    let (to, bye) = bye_after(&mut wire, flow("192.0.2.1:5060"), &text);
    assert_eq!(to.remote, "192.0.2.20:5060".parse().unwrap());
    assert_eq!(bye.uri.to_string(), "sip:192.0.2.20");
    assert_eq!(route(&bye), "<sip:192.0.2.21;lr>, <sip:ann@192.0.2.1:5060>");
}

#[test]
fn a_router_with_a_name_is_reached_where_the_call_came_from() {
    let mut wire = Wire::new();
    let text = invite("Record-Route: <sip:proxy.example.com;lr>");
    let (to, bye) = bye_after(&mut wire, flow("192.0.2.1:5060"), &text);
    assert_eq!(to.remote, "192.0.2.1:5060".parse().unwrap());
    assert_eq!(route(&bye), "<sip:proxy.example.com;lr>");
}

/// A request of the phone's, which is at another address from now on.
fn moved(sequence: u32, method: &str, tag: &str, more: &str) -> String {
    let branch = format!("z9hG4bKmoved{sequence}");
    let contact = "<sip:ann@192.0.2.1:5060>";
    numbered(sequence, method, &branch, tag, more).replace(contact, "<sip:ann@192.0.2.30:5099>")
}

/// A call whose first offer has its answer; our To tag.
fn agreed(wire: &mut Wire) -> (SessionId, String) {
    let session = wire.invited_by(&invite(OFFER));
    let tag = to_tag(&wire.accept(session, Some(Content::sdp("answer"))));
    wire.acknowledge(&tag);
    (session, tag)
}

const OFFER: &str = "Content-Type: application/sdp\n\noffer";

#[test]
fn the_new_contact_of_what_is_accepted_moves_the_target() {
    for method in ["INVITE", "UPDATE"] {
        let mut wire = Wire::new();
        let (session, tag) = agreed(&mut wire);
        wire.receive(&moved(2, method, &tag, OFFER));
        let (none, answer) = (Headers::new(), Content::sdp("answer"));
        match method {
            "INVITE" => wire
                .agent
                .accept_reinvite(wire.now, session, none, Some(answer)),
            _ => wire.agent.accept_offer(wire.now, session, none, answer),
        }
        .unwrap();
        wire.receive(&moved(2, "ACK", &tag, ""));
        let (to, bye) = hang_up(&mut wire, session);
        assert_eq!(to.remote, "192.0.2.30:5099".parse().unwrap(), "{method}");
        assert_eq!(bye.uri.to_string(), "sip:ann@192.0.2.30:5099");
    }
}

#[test]
fn the_new_contact_of_what_is_refused_or_taken_back_moves_nothing() {
    for method in ["INVITE", "UPDATE", "CANCEL"] {
        let mut wire = Wire::new();
        let (session, tag) = agreed(&mut wire);
        let no = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
        match method {
            "INVITE" => {
                wire.receive(&moved(2, method, &tag, OFFER));
                wire.agent.reject_reinvite(wire.now, session, no).unwrap();
            }
            "UPDATE" => {
                wire.receive(&moved(2, method, &tag, OFFER));
                wire.agent.reject_offer(wire.now, session, no).unwrap();
            }
            _ => {
                wire.receive(&moved(2, "INVITE", &tag, OFFER));
                wire.receive(&moved(2, method, &tag, ""));
            }
        }
        let (to, bye) = hang_up(&mut wire, session);
        assert_eq!(to.remote, "192.0.2.1:5060".parse().unwrap(), "{method}");
        assert_eq!(bye.uri.to_string(), "sip:ann@192.0.2.1:5060");
    }
}

#[test]
fn contact_and_via_name_the_advertised_address() {
    let mut wire = Wire::with(UserAgentConfig {
        advertised_host: Some("sems.example.com".parse::<Host>().unwrap()),
        advertised_port: Some(5999),
        ..Default::default()
    });
    wire.receive(&invite(""));
    let session = match wire.told().pop() {
        Some(Event::Invite { session, .. }) => session,
        other => panic!("{other:?}"),
    };
    wire.sent.clear();
    wire.agent
        .accept(wire.now, session, Headers::new(), None)
        .unwrap();
    wire.drain();
    let response = wire.response();
    let tag = to_tag(&response);
    let contact = header(&Message::Response(response), HeaderName::Contact);
    assert_eq!(contact, "<sip:room@sems.example.com:5999>");
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    let (_, bye) = hang_up(&mut wire, session);
    let via = header(&Message::Request(bye), HeaderName::Via);
    assert!(
        via.starts_with("SIP/2.0/UDP sems.example.com:5999;"),
        "{via}"
    );
}
