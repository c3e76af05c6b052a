//! Hold and resume, from both ends.

use sems_engine::{
    command::SignalingCommand,
    event::{EndCause, Event},
    ids::CallId,
};

use crate::{
    phone::{Phone, body, description, header, offer, tag_of},
    world::{ANN, BOB, World, seconds},
};

fn hold(call: CallId, on: bool) -> SignalingCommand {
    SignalingCommand::Hold { call, on }
}

fn updated(world: &mut World, who: usize) -> bool {
    world.until(who, |event| match event {
        Event::Updated { on_hold, .. } => Some(*on_hold),
        _ => None,
    })
}

#[test]
fn a_held_peer_is_not_heard_until_it_is_taken_back() {
    let mut world = World::pair();
    let (here, there) = world.call();
    world.signaling(ANN, hold(here, true)).unwrap();
    assert!(updated(&mut world, BOB));
    assert_eq!(world.hears((BOB, there), (ANN, here), 800), None);
    // The held one still hears what it is played.
    assert_eq!(world.hears((ANN, here), (BOB, there), 440), Some(440));
    world.signaling(ANN, hold(here, false)).unwrap();
    assert!(!updated(&mut world, BOB));
    world.assert_talking(here, there);
    // Who holds is not told that it is on hold.
    assert!(
        !world.sites[ANN]
            .told
            .iter()
            .any(|event| { matches!(event, Event::Updated { on_hold: true, .. }) })
    );
    world.hang_up(BOB, there);
    assert_eq!(world.end(ANN, here).0, EndCause::Remote);
    world.assert_nothing_left();
}

#[test]
fn a_call_on_hold_does_not_time_out_for_want_of_rtp() {
    let mut world = World::pair();
    let (here, _) = world.call();
    world.signaling(ANN, hold(here, true)).unwrap();
    world.run(seconds(30));
    let silent = |event: &Event| matches!(event, Event::RtpTimeout { .. });
    assert!(!world.sites[ANN].told.iter().any(silent));
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn both_may_hold_each_other_at_the_same_moment() {
    let mut world = World::pair();
    let (here, there) = world.call();
    world.run(seconds(1));
    let first = world.order(ANN, hold(here, true));
    let second = world.order(BOB, hold(there, true));
    world.outcome(ANN, first).unwrap();
    world.outcome(BOB, second).unwrap();
    assert_eq!(world.hears((BOB, there), (ANN, here), 800), None);
    assert_eq!(world.hears((ANN, here), (BOB, there), 440), None);
    world.signaling(ANN, hold(here, false)).unwrap();
    world.signaling(BOB, hold(there, false)).unwrap();
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn a_hold_before_the_ack_waits_for_it() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request(
        "INVITE",
        1,
        "soon",
        None,
        "",
        &offer((phone.address().ip(), 4000).into()),
    );
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    let holding = world.order(BOB, hold(call, true));
    let error = world.signaling(BOB, hold(call, false)).unwrap_err();
    assert_eq!(error, "the call is already being held or resumed");
    phone.request("ACK", 1, "soon", Some(&tag_of(&ok)), "", "");
    let reinvite = phone.expect(&mut world, "INVITE");
    assert!(body(&reinvite).contains("a=sendonly"));
    let rtp = (phone.address().ip(), 4000).into();
    let answer = offer(rtp) + "a=recvonly\r\n";
    phone.respond(&reinvite, "200 OK", "raw", &answer);
    phone.expect(&mut world, "ACK");
    world.outcome(BOB, holding).unwrap();
}

#[test]
fn a_hold_that_the_peer_refuses_is_an_error_and_the_call_goes_on() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = phone.bind(4000);
    phone.request("INVITE", 1, "no", None, "", &offer(rtp.local_addr()));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    phone.request("ACK", 1, "no", Some(&tag_of(&ok)), "", "");
    world.run(seconds(1));
    let holding = world.order(BOB, hold(call, true));
    let reinvite = phone.expect(&mut world, "INVITE");
    phone.respond(&reinvite, "488 Not Acceptable Here", "raw", "");
    let error = world.outcome(BOB, holding).unwrap_err();
    assert_eq!(error, "the peer refused: 488 Not Acceptable Here");
    while rtp.take().is_some() {}
    world.run(seconds(1));
    assert!(rtp.take().is_some());
    phone.request("BYE", 2, "no", Some(&tag_of(&ok)), "", "");
    world.assert_nothing_left();
}

#[test]
fn holds_of_all_fashions_are_understood_without_asking_python() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = phone.bind(4000);
    let here = rtp.local_addr();
    let response = {
        phone.request("INVITE", 1, "hold", None, "", &offer(here));
        let call = world.incoming(BOB).call;
        let answer = SignalingCommand::Answer {
            call,
            headers: Vec::new(),
            link: Some("http://bob/c/9".to_owned()),
        };
        world.order(BOB, answer);
        let ok = phone.expect(&mut world, "SIP/2.0 200");
        phone.request("ACK", 1, "hold", Some(&tag_of(&ok)), "", "");
        ok
    };
    let tag = tag_of(&response);
    let nowhere = "0.0.0.0:4000".parse().unwrap();
    let fashions = [
        (offer(here) + "a=sendonly\r\n", "a=recvonly", true),
        (offer(here) + "a=sendrecv\r\n", "a=sendrecv", false),
        (offer(here) + "a=inactive\r\n", "a=inactive", true),
        (offer(here), "a=sendrecv", false),
        (
            description(nowhere, "m=audio PORT RTP/AVP 0\r\n"),
            "a=recvonly",
            true,
        ),
        (offer(here), "a=sendrecv", false),
    ];
    for ((offered, answered, on_hold), sequence) in fashions.iter().zip(2..) {
        phone.request("INVITE", sequence, "hold", Some(&tag), "", offered);
        let ok = phone.expect(&mut world, "SIP/2.0 200");
        assert!(body(&ok).contains(answered), "{offered} answered by {ok}");
        assert!(body(&ok).contains("u=http://bob/c/9\r\n"));
        assert!(header(&ok, "Call-Info").is_some());
        phone.request("ACK", sequence, "hold", Some(&tag), "", "");
        assert_eq!(updated(&mut world, BOB), *on_hold, "{offered}");
        while rtp.take().is_some() {}
        world.run(seconds(1));
        assert_eq!(rtp.take().is_some(), !on_hold, "{offered}");
    }
    // A refresh changes nothing, so nothing is told.
    let told = world.sites[BOB].told.len();
    phone.request("INVITE", 20, "hold", Some(&tag), "", &offer(here));
    phone.expect(&mut world, "SIP/2.0 200");
    phone.request("ACK", 20, "hold", Some(&tag), "", "");
    world.run(seconds(1));
    assert_eq!(world.sites[BOB].told.len(), told);
    phone.request("BYE", 21, "hold", Some(&tag), "", "");
    phone.expect(&mut world, "SIP/2.0 200");
    world.assert_nothing_left();
}

#[test]
fn a_change_that_can_not_be_agreed_on_is_refused_and_the_call_goes_on() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = phone.bind(4000);
    phone.request("INVITE", 1, "keep", None, "", &offer(rtp.local_addr()));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    let tag = tag_of(&ok);
    phone.request("ACK", 1, "keep", Some(&tag), "", "");
    world.run(seconds(1));
    for (sequence, media, status) in [
        (2, "m=audio PORT RTP/AVP 18\r\n", "SIP/2.0 488"),
        (3, "m=nonsense\r\n", "SIP/2.0 400"),
    ] {
        let changed = description(rtp.local_addr(), media);
        phone.request("INVITE", sequence, "keep", Some(&tag), "", &changed);
        phone.expect(&mut world, status);
        phone.request("ACK", sequence, "keep", Some(&tag), "", "");
    }
    while rtp.take().is_some() {}
    world.run(seconds(1));
    assert!(rtp.take().is_some());
    phone.request("BYE", 4, "keep", Some(&tag), "", "");
    assert_eq!(world.end(BOB, call).0, EndCause::Remote);
    world.assert_nothing_left();
}

#[test]
fn each_offer_of_ours_has_a_higher_version_than_the_last() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let here = (phone.address().ip(), 4000).into();
    let call = world.dial(ANN, phone.address(), |_| ());
    let mut origins = Vec::new();
    let mut answer = |world: &mut World, description: &str| {
        let invite = phone.expect(world, "INVITE");
        let origin = body(&invite)
            .lines()
            .find(|line| line.starts_with("o="))
            .unwrap();
        let mut words = origin
            .split(' ')
            .skip(1)
            .map(|word| word.parse::<u64>().unwrap_or(0));
        origins.push((words.next().unwrap(), words.next().unwrap()));
        phone.respond(&invite, "200 OK", "raw", description);
        phone.expect(world, "ACK");
    };
    answer(&mut world, &offer(here));
    for (on, direction) in [
        (true, "a=recvonly\r\n"),
        (false, ""),
        (true, "a=recvonly\r\n"),
    ] {
        let changing = world.order(ANN, hold(call, on));
        answer(&mut world, &(offer(here) + direction));
        world.outcome(ANN, changing).unwrap();
    }
    let rising = |pair: &[(u64, u64)]| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1;
    assert_eq!(origins.len(), 4);
    assert!(origins.windows(2).all(rising), "{origins:?}");
}
