//! Messages and the connections that they take.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use proptest::prelude::*;
use sems_engine::transport::{Arrival, Transport};
use sems_sip::Flow;

use crate::ends::{End, Folder, message, tls, until, until_messages};

#[test]
fn messages_arrive_however_they_are_cut_and_are_answered_over_the_same_connection() {
    let mut server = End::new(None);
    let mut client = server.client();
    client.set_nodelay(true).unwrap();
    let stream = message("one") + &message("two") + &message("");
    for piece in stream.as_bytes().chunks(17) {
        client.write_all(piece).unwrap();
        server.step();
    }
    until_messages(&mut server, 3);
    let messages = server.messages();
    let (flow, _) = messages[0];
    assert_eq!(flow.remote, client.local_addr().unwrap());
    assert_eq!(flow.local, server.address());
    let texts: Vec<_> = messages.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(texts, [message("one"), message("two"), message("")]);
    server.send(flow, "the answer").unwrap();
    let mut answer = [0; 10];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"the answer");
    assert_eq!(server.transport.connections(), 1);
}

#[test]
fn a_ping_is_answered_by_a_pong_and_a_pong_is_told() {
    let mut server = End::new(None);
    let mut client = server.client();
    client.write_all(b"\r\n\r\n").unwrap();
    until(&mut [&mut server], |ends| !ends[0].arrivals.is_empty());
    let mut pong = [0; 2];
    client.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
    assert!(matches!(server.arrivals[0], Arrival::Pong(_)));
}

#[test]
fn requests_to_one_address_share_a_connection_and_another_is_opened_when_that_is_gone() {
    let (mut ann, mut bob) = (End::new(None), End::new(None));
    let flow = ann.flow_to(&bob);
    for body in ["one", "two"] {
        ann.send(flow, &message(body)).unwrap();
    }
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[1].messages().len() == 2
    });
    assert_eq!(
        (ann.transport.connections(), bob.transport.connections()),
        (1, 1)
    );
    let back = bob.messages()[0].0;
    assert_eq!(back.local, bob.address());
    bob.send(back, &message("back")).unwrap();
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[0].messages().len() == 1
    });
    assert_eq!(
        ann.messages()[0].0,
        flow,
        "it is known by the address that was called"
    );

    let now = bob.now;
    bob.transport.finish(now, back);
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[0].arrivals.contains(&Arrival::Closed(flow))
    });
    ann.send(flow, &message("three")).unwrap();
    until(&mut [&mut ann, &mut bob], |ends| {
        ends[1].messages().len() == 3
    });
    assert_eq!(ann.transport.connections(), 1);
}

#[test]
fn who_does_not_listen_is_told() {
    let mut ann = End::new(None);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = Flow {
        transport: ann.transport.kind(),
        local: ann.address(),
        remote: gone.local_addr().unwrap(),
    };
    drop(gone);
    let at_once = ann.send(flow, &message("")).is_err();
    if !at_once {
        until(&mut [&mut ann], |ends| {
            ends[0].arrivals.contains(&Arrival::Closed(flow))
        });
    }
    assert_eq!(ann.transport.connections(), 0);
}

/// A socket with a port of its own, which may be one that has been listened at.
fn socket_at(port: u16) -> socket2::Socket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    socket.bind(&address.into()).unwrap();
    socket
}

#[test]
fn who_connects_from_the_address_of_a_server_is_not_taken_for_it() {
    let mut ann = End::new(Some(tls(&Folder::new().0, |config| config.verify = false)));
    let (before, after) = (socket_at(0), socket_at(0));
    let at = |socket: &socket2::Socket| Flow {
        transport: sems_sip::transaction::Transport::Tls,
        local: ann.address(),
        remote: socket.local_addr().unwrap().as_socket().unwrap(),
    };
    let (first, second) = (at(&before), at(&after));
    let address = ann.address();
    before.connect(&address.into()).unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 1);
    ann.transport.expect(first, None);
    ann.send(first, &message("to the phone")).unwrap();
    assert_eq!(ann.transport.connections(), 1, "it is called over its own");

    ann.transport.expect(first, Some("sip.example.org"));
    ann.transport.expect(second, Some("sip.example.org"));
    after.connect(&address.into()).unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 2);
    for flow in [first, second] {
        let at_once = ann.send(flow, &message("secret")).is_err();
        let failed = |arrival: &Arrival| matches!(arrival, Arrival::Failed { flow: to, name: None, .. } if *to == flow);
        until(&mut [&mut ann], |ends| {
            at_once || ends[0].arrivals.iter().any(failed)
        });
    }
}

#[test]
fn a_connection_of_ours_is_not_given_up_for_one_that_comes_from_there() {
    let mut ann = End::new(None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = listener.local_addr().unwrap();
    let flow = Flow {
        transport: ann.transport.kind(),
        local: ann.address(),
        remote,
    };
    ann.send(flow, "one ").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    drop(listener);
    let stranger = socket_at(remote.port());
    stranger.connect(&ann.address().into()).unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 2);
    ann.send(flow, "two").unwrap();
    let mut said = [0; 7];
    server
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    server.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"one two");

    let mut stranger = TcpStream::from(stranger);
    stranger.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    until(&mut [&mut ann], |ends| ends[0].transport.connections() == 1);
    assert_eq!(ann.arrivals, [], "nobody is to answer, and close the other");
    ann.send(flow, "three").unwrap();
    server.read_exact(&mut [0; 5]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn whatever_is_sent_over_tls_comes_out_the_same(
        bodies in prop::collection::vec("[a-z\r\n]{0,20000}", 1..8),
    ) {
        let folder = Folder::new();
        let mut bob = End::new(Some(tls(&folder.0, |_| {})));
        let mut ann = End::new(Some(tls(&Folder::new().0, |config| config.verify = false)));
        let flow = ann.flow_to(&bob);
        for body in &bodies {
            ann.send(flow, &message(body)).unwrap();
        }
        until(&mut [&mut ann, &mut bob], |ends| ends[1].messages().len() == bodies.len());
        let texts: Vec<_> = bob.messages().into_iter().map(|(_, text)| text).collect();
        let expected: Vec<_> = bodies.iter().map(|body| message(body)).collect();
        prop_assert_eq!(texts, expected);
    }
}
