//! TCP and TLS: which connection a message takes, and what happens when that is gone.

use std::time::Duration;

use sems_sip::header::{NameAddr, Via};
use sems_sip::transaction::{Listener, Transport};
use sems_sip::user_agent::{Cause, Content, Event, OutgoingRequest, SessionId, UserAgentConfig};
use sems_sip::{Bytes, Error, Flow, HeaderName, Headers, Host, Message, SipUri};

use crate::wire::{Wire, flow, header, invite, reply};

const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

/// A user agent that is reached over all transports at their usual ports.
fn wire() -> Wire {
    let listeners = TRANSPORTS.map(|transport| Listener {
        transport,
        bound: format!("0.0.0.0:{}", transport.default_port())
            .parse()
            .unwrap(),
        advertised: None,
    });
    Wire::with(UserAgentConfig {
        listeners: listeners.into(),
        ..UserAgentConfig::default()
    })
}

fn stream(transport: Transport, remote: &str) -> Flow {
    Flow {
        transport,
        local: format!("192.0.2.2:{}", transport.default_port())
            .parse()
            .unwrap(),
        remote: remote.parse().unwrap(),
    }
}

fn tcp(remote: &str) -> Flow {
    stream(Transport::Tcp, remote)
}

/// The INVITE of a phone at 192.0.2.1:5060 that calls over a stream, with this Contact.
fn streamed(transport: Transport, contact: &str) -> String {
    let name = transport.in_via();
    invite("")
        .replace("SIP/2.0/UDP", &format!("SIP/2.0/{name}"))
        .replace("<sip:ann@192.0.2.1:5060>", contact)
}

/// Where the BYE goes, and its Via.
fn bye(wire: &mut Wire, session: SessionId) -> (Flow, String) {
    wire.agent
        .hangup(wire.now, session, Headers::new())
        .unwrap();
    wire.drain();
    let (_, flow, message) = wire.sent.pop().unwrap();
    (flow, header(&message, HeaderName::Via))
}

fn call(wire: &mut Wire, uri: &str, flow: Flow, body: usize) -> Result<SessionId, Error> {
    let uri: SipUri = uri.parse().unwrap();
    let from = NameAddr::new("sip:sems@192.0.2.2".parse::<SipUri>().unwrap());
    let mut invite = OutgoingRequest::new(flow, uri, from);
    invite.content = Some(Content::sdp(vec![b'x'; body]));
    let session = wire.agent.invite(wire.now, invite)?;
    wire.drain();
    Ok(session)
}

fn closed(wire: &mut Wire, flow: Flow) {
    wire.agent.flow_closed(wire.now, flow);
    wire.drain();
}

#[test]
fn contact_and_via_name_the_transport() {
    for (transport, name, parameter) in [
        (Transport::Udp, "UDP", ""),
        (Transport::Tcp, "TCP", ";transport=tcp"),
        (Transport::Tls, "TLS", ";transport=tls"),
    ] {
        let mut wire = wire();
        let to = stream(transport, "192.0.2.9:5070");
        call(&mut wire, "sip:bob@192.0.2.9", to, 0).unwrap();
        let invite = Message::Request(wire.request());
        let ours = format!("192.0.2.2:{}", transport.default_port());
        assert!(header(&invite, HeaderName::Via).starts_with(&format!("SIP/2.0/{name} {ours};")));
        assert_eq!(
            header(&invite, HeaderName::Contact),
            format!("<sip:sems@{ours}{parameter}>")
        );
    }
}

#[test]
fn what_is_asked_for_by_sips_is_answered_by_a_sips_contact() {
    let tls = stream(Transport::Tls, "192.0.2.1:40000");
    let secure = streamed(Transport::Tls, "<sips:ann@192.0.2.1>");
    let plain = streamed(Transport::Tls, "<sip:ann@192.0.2.1;transport=tls>");
    for (invite, contact) in [
        (secure.clone(), "<sips:room@192.0.2.2:5061>"),
        (plain.clone(), "<sip:room@192.0.2.2:5061;transport=tls>"),
        (
            plain.replace("INVITE sip:", "INVITE sips:"),
            "<sips:room@192.0.2.2:5061>",
        ),
        (
            secure.replace(
                "Max-Forwards",
                "Record-Route: <sip:192.0.2.1;lr>\nMax-Forwards",
            ),
            "<sip:room@192.0.2.2:5061;transport=tls>",
        ),
    ] {
        let mut wire = wire();
        wire.accepted_from(tls, &invite);
        let ok = Message::Response(wire.response());
        assert_eq!(header(&ok, HeaderName::Contact), contact);
    }
    let mut wire = wire();
    let to = stream(Transport::Tls, "192.0.2.9:5061");
    call(&mut wire, "sips:bob@192.0.2.9", to, 0).unwrap();
    let invite = Message::Request(wire.request());
    assert_eq!(
        header(&invite, HeaderName::Contact),
        "<sips:sems@192.0.2.2:5061>"
    );
}

#[test]
fn requests_go_by_the_transport_that_the_contact_wants() {
    for (contact, expected) in [
        (
            "<sip:ann@192.0.2.9:5080;transport=tcp>",
            tcp("192.0.2.9:5080"),
        ),
        (
            "<sip:ann@192.0.2.9;transport=tls>",
            stream(Transport::Tls, "192.0.2.9:5061"),
        ),
        (
            "<sips:ann@192.0.2.9>",
            stream(Transport::Tls, "192.0.2.9:5061"),
        ),
        ("<sip:ann@192.0.2.9;transport=sctp>", flow("192.0.2.1:5060")),
    ] {
        let mut wire = wire();
        let session = wire.called_from(flow("192.0.2.1:5060"), &streamed(Transport::Udp, contact));
        let (to, via) = bye(&mut wire, session);
        assert_eq!(to, expected, "{contact}");
        let ours = format!("{} {}", to.transport.in_via(), to.local);
        assert!(via.starts_with(&format!("SIP/2.0/{ours};")), "{via}");
    }
}

#[test]
fn a_phone_that_called_over_a_connection_is_spoken_to_over_it_while_it_is_open() {
    let connection = tcp("192.0.2.1:40000");
    let invite = streamed(Transport::Tcp, "<sip:ann@192.0.2.1:5060;transport=tcp>");
    let mut wire = wire();
    let session = wire.called_from(connection, &invite);
    assert_eq!(bye(&mut wire, session).0, connection);

    let mut wire = self::wire();
    let session = wire.called_from(connection, &invite);
    closed(&mut wire, connection);
    assert!(matches!(wire.told()[..], [Event::FlowClosed { .. }]));
    assert_eq!(
        bye(&mut wire, session).0,
        tcp("192.0.2.1:5060"),
        "then at its Contact"
    );
}

#[test]
fn a_proxy_whose_name_can_not_be_looked_up_is_found_again_at_its_port() {
    let connection = tcp("192.0.2.1:40000");
    for (route, port) in [
        ("proxy.example.com;lr", 5060),
        ("proxy.example.com:5080;lr", 5080),
    ] {
        let invite = streamed(Transport::Tcp, "<sip:ann@10.0.0.1>").replace(
            "Max-Forwards",
            &format!("Record-Route: <sip:{route}>\nMax-Forwards"),
        );
        let mut wire = wire();
        let session = wire.called_from(connection, &invite);
        closed(&mut wire, connection);
        assert_eq!(bye(&mut wire, session).0, tcp(&format!("192.0.2.1:{port}")));
    }
}

#[test]
fn responses_go_back_over_the_connection_or_else_to_the_sent_by() {
    let connection = tcp("192.0.2.1:40000");
    let invite = streamed(Transport::Tcp, "<sip:ann@192.0.2.1:40000;transport=tcp>");
    let without_rport = invite
        .replace(";rport", "")
        .replace("192.0.2.1:5060;", "192.0.2.1:5070;");
    for (invite, sent_by) in [
        (invite, "192.0.2.1:5060"),
        (without_rport, "192.0.2.1:5070"),
    ] {
        let mut wire = wire();
        wire.receive_from(connection, &invite);
        let Some(Event::Invite { session, .. }) = wire.told().pop() else {
            panic!("no call")
        };
        assert_eq!(wire.sent.pop().unwrap().1, connection, "100");
        closed(&mut wire, connection);
        wire.agent
            .accept(wire.now, session, Headers::new(), None)
            .unwrap();
        wire.wait(Duration::from_millis(600));
        assert_eq!(
            wire.times_of("200"),
            [0, 500],
            "repeated until the ACK comes"
        );
        assert!(wire.sent.iter().all(|(_, to, _)| *to == tcp(sent_by)));
    }
}

#[test]
fn a_lost_connection_fails_what_had_no_answer_and_nothing_else() {
    let to = tcp("192.0.2.9:5060");
    let mut wire = wire();
    let answered = call(&mut wire, "sip:bob@192.0.2.9", to, 0).unwrap();
    let trying = reply(&wire.request(), "180 Ringing", "bob", "");
    wire.receive_from(to, &trying);
    let waiting = call(&mut wire, "sip:bob@192.0.2.9", to, 0).unwrap();
    let invite = wire.request();
    wire.told();
    closed(&mut wire, to);
    // The connection had been good, so it may just have missed the INVITE, which goes out again
    // over another, and is the same to who has had it.
    let again = wire.request();
    assert_eq!(
        again.headers.get(&HeaderName::Via),
        invite.headers.get(&HeaderName::Via)
    );
    assert!(matches!(wire.told()[..], [Event::FlowClosed { .. }]));
    closed(&mut wire, to);
    assert!(wire.sent.is_empty());
    let told = wire.told();
    assert!(
        matches!(
            told[..],
            [
                Event::FlowClosed { .. },
                Event::Terminated { session, cause: Cause::Unreachable }
            ] if session == waiting
        ),
        "{told:?}"
    );
    wire.agent
        .hangup(wire.now, answered, Headers::new())
        .unwrap();
}

#[test]
fn a_large_request_goes_over_tcp_and_its_via_says_so() {
    let udp = flow("192.0.2.9:5060");
    let mut wire = wire();
    call(&mut wire, "sip:bob@192.0.2.9", udp, 400).unwrap();
    let (_, to, _) = wire.sent.pop().unwrap();
    assert_eq!(to, udp, "a small one goes as it was asked to");

    call(&mut wire, "sip:bob@192.0.2.9", udp, 1300).unwrap();
    let (_, to, Message::Request(invite)) = wire.sent.pop().unwrap() else {
        panic!("no INVITE")
    };
    assert_eq!(to, tcp("192.0.2.9:5060"));
    let via: Via = invite.headers.top_via().unwrap();
    assert_eq!(via.transport, Transport::Tcp.in_via());
    wire.wait(Duration::from_secs(5));
    assert_eq!(
        wire.said(),
        ["INVITE", "INVITE", "INVITE"],
        "of the small one"
    );
    let busy = reply(&invite, "486 Busy Here", "bob", "");
    wire.receive_from(to, &busy);
    let (_, to, ack) = wire.sent.pop().unwrap();
    assert_eq!(to, tcp("192.0.2.9:5060"));
    assert!(header(&ack, HeaderName::Via).starts_with("SIP/2.0/TCP "));
}

#[test]
fn a_large_request_goes_over_udp_when_there_is_no_tcp() {
    let udp = flow("192.0.2.9:5060");
    let mut wire = wire();
    let session = call(&mut wire, "sip:bob@192.0.2.9", flow("192.0.2.9:5060"), 1300).unwrap();
    let refused = wire.sent.pop().unwrap().1;
    wire.agent.transport_error(wire.now, refused);
    wire.wait(Duration::from_millis(600));
    assert_eq!(wire.times_of("INVITE"), [0, 500]);
    let (_, to, Message::Request(invite)) = wire.sent.pop().unwrap() else {
        panic!("no INVITE")
    };
    assert_eq!(to, flow("192.0.2.9:5060"));
    assert_eq!(
        invite.headers.top_via().unwrap().transport,
        Transport::Udp.in_via()
    );
    let ok = reply(&invite, "200 OK", "bob", "Contact: <sip:bob@192.0.2.9>\n");
    wire.receive_from(to, &ok);
    assert!(matches!(wire.told()[..], [Event::Accepted { session: it, .. }] if it == session));
    assert_eq!(wire.sent.pop().unwrap().1, flow("192.0.2.9:5060"), "ACK");
    let again = |wire: &mut Wire| {
        call(wire, "sip:bob@192.0.2.9", udp, 1300).unwrap();
        wire.sent.pop().unwrap().1
    };
    assert_eq!(again(&mut wire), udp, "it isn't tried again at once");
    wire.wait(Duration::from_secs(600));
    assert_eq!(again(&mut wire), tcp("192.0.2.9:5060"));
}

#[test]
fn without_a_tcp_address_of_ours_size_makes_no_difference() {
    let mut wire = Wire::new();
    call(&mut wire, "sip:bob@192.0.2.9", flow("192.0.2.9:5060"), 1300).unwrap();
    assert_eq!(wire.sent.pop().unwrap().1, flow("192.0.2.9:5060"));
}

#[test]
fn what_breaks_a_stream_is_answered_when_it_can_be() {
    let connection = tcp("192.0.2.1:40000");
    let text = streamed(Transport::Tcp, "<sip:ann@192.0.2.1>");
    let head = Bytes::from(format!("{}\r\n\r\n", text.trim_end().replace('\n', "\r\n")));
    let mut wire = wire();
    for (error, status) in [
        (Error::Missing(HeaderName::ContentLength), "400"),
        (Error::Repeated(HeaderName::ContentLength), "400"),
        (Error::TooLarge, "513"),
    ] {
        wire.agent
            .receive_broken(wire.now, connection, head.clone(), error);
        wire.drain();
        assert_eq!(wire.sent.last().unwrap().1, connection);
        assert_eq!(wire.said(), [status]);
    }
    let garbage = Bytes::from_static(b"\x16\x03\x01");
    wire.agent
        .receive_broken(wire.now, connection, garbage, Error::StartLine);
    wire.drain();
    assert!(wire.sent.is_empty() && wire.is_empty());
    assert_eq!(wire.agent.counters().malformed, 4);
}

#[test]
fn a_keep_alive_is_two_line_ends_and_its_answer_is_told() {
    let mut wire = wire();
    let connection = tcp("192.0.2.1:5060");
    wire.agent.keep_alive(wire.now, connection);
    match wire.agent.poll_output() {
        Some(sems_sip::user_agent::Output::Transmit { flow, payload }) => {
            assert_eq!((flow, &payload[..]), (connection, &b"\r\n\r\n"[..]));
        }
        other => panic!("{other:?}"),
    }
    wire.agent.receive_pong(connection);
    wire.drain();
    assert!(matches!(wire.told()[..], [Event::Pong { flow }] if flow == connection));
}

#[test]
fn each_listener_may_have_an_address_that_peers_are_told_instead() {
    let mut listeners: Vec<_> = TRANSPORTS
        .map(|transport| Listener {
            transport,
            bound: format!("0.0.0.0:{}", transport.default_port())
                .parse()
                .unwrap(),
            advertised: None,
        })
        .into();
    listeners[1].advertised = Some((Host::Ip("203.0.113.7".parse().unwrap()), 15060));
    let mut wire = Wire::with(UserAgentConfig {
        listeners,
        ..UserAgentConfig::default()
    });
    call(&mut wire, "sip:bob@192.0.2.9", flow("192.0.2.9:5060"), 1300).unwrap();
    let invite = Message::Request(wire.request());
    assert!(header(&invite, HeaderName::Via).starts_with("SIP/2.0/TCP 203.0.113.7:15060;"));
    call(&mut wire, "sip:bob@192.0.2.9", flow("192.0.2.9:5060"), 0).unwrap();
    let invite = Message::Request(wire.request());
    assert!(header(&invite, HeaderName::Via).starts_with("SIP/2.0/UDP 192.0.2.2:5060;"));
}

#[test]
fn a_large_invite_that_was_given_up_for_the_next_server_does_not_go_out_over_udp() {
    let mut wire = wire();
    let uri: SipUri = "sip:bob@example.com".parse().unwrap();
    let from = NameAddr::new("sip:sems@192.0.2.2".parse::<SipUri>().unwrap());
    let mut invite = OutgoingRequest::new(flow("192.0.2.9:5060"), uri, from);
    invite.alternatives = vec![flow("192.0.2.10:5060")];
    invite.content = Some(Content::sdp(vec![b'x'; 2000]));
    wire.agent.invite(wire.now, invite).unwrap();
    wire.wait(Duration::from_secs(5));
    let ways: Vec<_> = wire.sent.drain(..).map(|(_, flow, _)| flow).collect();
    assert_eq!(ways, [tcp("192.0.2.9:5060"), tcp("192.0.2.10:5060")]);
    wire.agent.transport_error(wire.now, tcp("192.0.2.9:5060"));
    wire.drain();
    assert!(wire.said().is_empty());
}
