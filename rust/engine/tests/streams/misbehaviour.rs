//! Peers that flood, fall silent, or speak nonsense.

use std::{
    io::{Read, Write},
    time::Duration,
};

use sems_engine::transport::{Arrival, Transport, quota::Quota};
use sems_sip::Error;

use crate::ends::{End, Folder, message, tls, until, until_messages};

#[test]
fn who_says_nothing_or_not_all_is_closed_and_others_are_not() {
    let mut server = End::new(None);
    let (mut good, silent, mut slow) = (server.client(), server.client(), server.client());
    good.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 1);
    slow.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 2);
    for byte in b"MESSAGE sip:a@b SI" {
        slow.write_all(&[*byte]).unwrap();
        server.wait(1);
    }
    assert_eq!(server.transport.connections(), 3);
    server.wait(20);
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 1
    });
    for mut closed in [silent, slow] {
        assert_eq!(closed.read(&mut [0]).unwrap_or(0), 0);
    }
    let (flow, _) = server.messages()[0];
    server.wait(3600);
    server.send(flow, "there").unwrap();
    good.read_exact(&mut [0; 5]).unwrap();
    server.wait(7201);
    assert_eq!(server.transport.connections(), 0, "unused for too long");
}

#[test]
fn who_does_not_read_is_closed_and_costs_no_more_than_the_queue() {
    let mut server = End::new(None);
    let mut client = server.client();
    client.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 1);
    let (flow, _) = server.messages()[0];
    let piece = "x".repeat(60_000);
    let sent = (0..1000)
        .take_while(|_| server.send(flow, &piece).is_ok())
        .count();
    assert!((1..1000).contains(&sent), "{sent}");
    assert_eq!(server.transport.connections(), 0);

    let mut client = server.client();
    client.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 2);
    let (flow, _) = server.messages()[1];
    while server.send(flow, &piece).is_ok() && server.transport.connections() == 1 {
        if server.now.elapsed() > Duration::from_secs(5) {
            break;
        }
    }
    server.wait(31);
    assert_eq!(server.transport.connections(), 0);
}

#[test]
fn a_flood_is_refused_beyond_the_limit_and_makes_room_when_it_ends() {
    let quota = Quota::new(100, 3);
    let mut server = End::with(None, quota.clone());
    let mut good = server.client();
    good.write_all(message("").as_bytes()).unwrap();
    until_messages(&mut server, 1);
    let flood: Vec<_> = (0..20).map(|_| server.client()).collect();
    until(&mut [&mut server], |_| quota.refused() == 18);
    assert_eq!(server.transport.connections(), 3);
    good.write_all(message("still").as_bytes()).unwrap();
    until_messages(&mut server, 2);
    drop(flood);
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 1
    });
    let mut late = server.client();
    late.write_all(message("late").as_bytes()).unwrap();
    until_messages(&mut server, 3);
}

#[test]
fn who_sends_a_flood_has_a_turn_like_everybody_else() {
    let mut server = End::new(None);
    let mut flood: Vec<_> = (0..20).map(|_| server.client()).collect();
    let mut good = server.client();
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 21
    });
    for client in &mut flood {
        client
            .write_all(message("").repeat(200).as_bytes())
            .unwrap();
    }
    good.write_all(message("good").as_bytes()).unwrap();
    let mut turns = 0;
    while server.messages().len() < 20 * 200 + 1 {
        let before = server.arrivals.len();
        server.step();
        let told = server.arrivals.len() - before;
        // In a turn before something has arrived there is nothing to tell.
        turns += usize::from(told > 0);
        assert!(told <= 64, "{told} in one turn");
        let is_due = server
            .transport
            .next_deadline()
            .is_some_and(|at| at <= server.now);
        assert!(is_due || told < 64, "what waits has a turn at once");
        assert!(turns < 5000, "{}", server.messages().len());
    }
    let at = server
        .messages()
        .iter()
        .position(|(_, text)| text.ends_with("good"));
    assert!(at.unwrap() < 20 * 8 * 2, "{at:?}");
    server.step();
    let is_due = server
        .transport
        .next_deadline()
        .is_some_and(|at| at <= server.now);
    assert!(!is_due, "nothing waits");

    good.write_all("\r\n".repeat(1000).as_bytes()).unwrap();
    let before = server.arrivals.len();
    until(&mut [&mut server], |ends| ends[0].arrivals.len() > before);
    let pongs = &server.arrivals[before..];
    assert!(pongs.iter().all(|pong| matches!(pong, Arrival::Pong(_))));
    assert!(pongs.len() < 10, "{}", pongs.len());
}

#[test]
fn what_breaks_a_stream_can_be_answered_before_it_is_closed() {
    let mut server = End::new(None);
    let mut client = server.client();
    let head = "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n\r\n";
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(&[b'x'; 5000]).unwrap();
    until(&mut [&mut server], |ends| !ends[0].arrivals.is_empty());
    let Arrival::Broken {
        flow,
        head: said,
        error,
    } = server.arrivals[0].clone()
    else {
        panic!("{:?}", server.arrivals)
    };
    assert_eq!(
        (&said[..], error),
        (
            head.as_bytes(),
            Error::Missing(sems_sip::HeaderName::ContentLength)
        )
    );
    server.send(flow, "400").unwrap();
    let now = server.now;
    server.transport.finish(now, flow);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "400");
    server.wait(3);
    assert_eq!(
        server.transport.connections(),
        0,
        "whether or not the peer closes"
    );
}

#[test]
fn who_speaks_no_tls_or_never_finishes_the_handshake_is_closed() {
    let folder = Folder::new();
    let mut server = End::new(Some(tls(&folder.0, |_| {})));
    let (mut plain, silent) = (server.client(), server.client());
    plain.write_all(message("").as_bytes()).unwrap();
    until(&mut [&mut server], |ends| {
        ends[0].transport.connections() == 1
    });
    server.wait(6);
    assert_eq!(server.transport.connections(), 0);
    assert_eq!(server.arrivals, []);
    drop(silent);
}
