//! Calls that have several servers to go to, routes, and redirects.

use sems_engine::{destination::Destination, event::Event};

use crate::{
    phone::{Phone, body, header, offer},
    world::{ANN, World, seconds},
};

fn to(phones: &[&Phone]) -> Vec<Destination> {
    phones.iter().map(|phone| phone.address().into()).collect()
}

#[test]
fn a_call_goes_to_the_next_server_and_its_sound_to_the_phone_there() {
    let mut world = World::pair();
    let (full, free) = (Phone::new(&world, ANN), Phone::new(&world, ANN));
    let rtp = free.bind(4000);
    let servers = to(&[&full, &free]);
    let call = world.dial(ANN, full.address(), |dial| dial.destinations = servers);
    let first = full.expect(&mut world, "INVITE");
    // Its early media count for nothing any more.
    let early = full.bind(4000);
    full.respond(
        &first,
        "183 Session Progress",
        "one",
        &offer(early.local_addr()),
    );
    world.run(seconds(1));
    full.respond(&first, "503 Service Unavailable", "one", "");
    full.expect(&mut world, "ACK");
    let second = free.expect(&mut world, "INVITE");
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    assert_eq!(body(&second), body(&first));
    free.respond(&second, "200 OK", "two", &offer(rtp.local_addr()));
    free.expect(&mut world, "ACK");
    world.until(ANN, |event| match event {
        Event::Answered { call: id, .. } => (*id == call).then_some(()),
        _ => None,
    });
    assert_eq!(world.engine(ANN).stats()["sip_failovers"], 1);
    while early.take().is_some() {}
    world.run(seconds(1));
    assert!(rtp.take().is_some() && early.take().is_none());
    world.hang_up(ANN, call);
    let bye = free.expect(&mut world, "BYE");
    free.respond(&bye, "200 OK", "", "");
    world.assert_nothing_left();
}

#[test]
fn a_server_to_which_there_is_no_way_is_passed_over() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let mut servers = vec!["[2001:db8::1]:5060".parse().unwrap()];
    servers.extend(to(&[&phone]));
    let call = world.dial(ANN, phone.address(), |dial| dial.destinations = servers);
    phone.expect(&mut world, "INVITE");
    world.hang_up(ANN, call);
    world.run(seconds(40));
    world.assert_nothing_left();
}

#[test]
fn a_call_that_is_given_up_is_offered_to_no_other_server() {
    let mut world = World::pair();
    let (dead, other) = (Phone::new(&world, ANN), Phone::new(&world, ANN));
    let servers = to(&[&dead, &other]);
    let call = world.dial(ANN, dead.address(), |dial| dial.destinations = servers);
    world.run(seconds(1));
    world.hang_up(ANN, call);
    world.run(seconds(40));
    assert!(other.take().is_empty());
    world.assert_nothing_left();
}

#[test]
fn a_route_leads_by_the_proxy_and_the_to_address_may_differ() {
    let mut world = World::pair();
    let proxy = Phone::new(&world, ANN);
    let call = world.dial(ANN, proxy.address(), |dial| {
        dial.uri = "sip:bob@far.example".to_owned();
        dial.to_uri = "sip:robert@example.com".to_owned();
        dial.route = vec!["sip:proxy.example;lr".to_owned()];
    });
    let invite = proxy.expect(&mut world, "INVITE");
    assert!(invite.starts_with("INVITE sip:bob@far.example SIP/2.0\r\n"));
    assert_eq!(header(&invite, "Route"), Some("<sip:proxy.example;lr>"));
    assert_eq!(header(&invite, "To"), Some("<sip:robert@example.com>"));
    world.hang_up(ANN, call);
    world.run(seconds(40));
    world.assert_nothing_left();
}

#[test]
fn a_redirect_tells_where_to_the_preferred_first() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let call = world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    let response = |contact: &str| {
        format!(
            "SIP/2.0 302 Moved\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=x\r\nCall-ID: {}\r\n\
             CSeq: {}\r\nContact: {contact}\r\nContent-Length: 0\r\n\r\n",
            header(&invite, "Via").unwrap(),
            header(&invite, "From").unwrap(),
            header(&invite, "To").unwrap(),
            header(&invite, "Call-ID").unwrap(),
            header(&invite, "CSeq").unwrap(),
        )
    };
    phone.send(&response(
        "<sip:c@x>;q=0.1, <sip:a@x>, \"B\" <sip:b@x;lr>;q=0.75",
    ));
    let targets = world.until(ANN, |event| match event {
        Event::Redirected { call: id, targets } if *id == call => Some(targets.clone()),
        _ => None,
    });
    assert_eq!(targets, ["sip:a@x", "sip:b@x;lr", "sip:c@x"]);
    let code = world.until(ANN, |event| match event {
        Event::Ended { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(code, Some(302));
    world.run(seconds(40));
    world.assert_nothing_left();
}
