//! Hold and resume, from both ends.

use sems_engine::{
    command::{SignalingCommand, StreamDirection},
    event::{EndCause, Event},
    ids::CallId,
};

use crate::{
    phone::{Phone, body, description, header, offer, tag_of},
    world::{ANN, BOB, World, seconds},
};

fn hold(call: CallId, on: bool) -> SignalingCommand {
    let direction = match on {
        true => StreamDirection::SendOnly,
        false => StreamDirection::SendRecv,
    };
    SignalingCommand::Hold { call, direction }
}

/// What the peer wishes to do, when that is told.
fn direction(world: &mut World, who: usize) -> StreamDirection {
    world.until(who, |event| match event {
        Event::Updated { direction, .. } => Some(*direction),
        _ => None,
    })
}

fn updated(world: &mut World, who: usize) -> bool {
    direction(world, who) != StreamDirection::SendRecv
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
    assert!(!world.sites[ANN].told.iter().any(|event| {
        matches!(event, Event::Updated { direction, .. } if *direction != StreamDirection::SendRecv)
    }));
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
    assert_eq!(error, "the call is already being held, resumed or changed");
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
    use StreamDirection as D;
    let fashions = [
        (offer(here) + "a=sendonly\r\n", "a=recvonly", D::SendOnly),
        (offer(here) + "a=sendrecv\r\n", "a=sendrecv", D::SendRecv),
        (offer(here) + "a=inactive\r\n", "a=inactive", D::Inactive),
        (offer(here) + "a=recvonly\r\n", "a=sendonly", D::RecvOnly),
        (offer(here), "a=sendrecv", D::SendRecv),
        (
            description(nowhere, "m=audio PORT RTP/AVP 0\r\n"),
            "a=recvonly",
            D::SendOnly,
        ),
        (offer(here), "a=sendrecv", D::SendRecv),
    ];
    for ((offered, answered, stated), sequence) in fashions.iter().zip(2..) {
        phone.request("INVITE", sequence, "hold", Some(&tag), "", offered);
        let ok = phone.expect(&mut world, "SIP/2.0 200");
        assert!(body(&ok).contains(answered), "{offered} answered by {ok}");
        assert!(body(&ok).contains("u=http://bob/c/9\r\n"));
        assert!(header(&ok, "Call-Info").is_some());
        phone.request("ACK", sequence, "hold", Some(&tag), "", "");
        assert_eq!(direction(&mut world, BOB), *stated, "{offered}");
        while rtp.take().is_some() {}
        world.run(seconds(1));
        assert_eq!(rtp.take().is_some(), stated.receives(), "{offered}");
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

#[test]
fn a_peer_is_told_the_direction_that_is_wanted_and_its_answer_is_no_wish_of_its_own() {
    let mut world = World::pair();
    let (here, there) = world.call();
    world.run(seconds(1));
    use StreamDirection as D;
    for wanted in [D::SendOnly, D::Inactive, D::RecvOnly, D::SendRecv] {
        let direction_wanted = SignalingCommand::Hold {
            call: here,
            direction: wanted,
        };
        world.signaling(ANN, direction_wanted).unwrap();
        assert_eq!(direction(&mut world, BOB), wanted);
        let heard = world.hears((ANN, here), (BOB, there), 440);
        assert_eq!(heard.is_some(), wanted.sends(), "{wanted:?}");
        let heard = world.hears((BOB, there), (ANN, here), 800);
        assert_eq!(heard.is_some(), wanted.receives(), "{wanted:?}");
    }
    let held = |event: &Event| matches!(event, Event::Updated { direction, .. } if *direction != D::SendRecv);
    assert!(!world.sites[ANN].told.iter().any(held));
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn other_codecs_are_offered_and_the_first_that_the_peer_has_is_spoken() {
    let mut world = World::pair();
    let (here, there) = world.call();
    world.run(seconds(1));
    for (offered, taken) in [(["PCMA", "PCMU"], "PCMA"), (["PCMU", "PCMA"], "PCMU")] {
        let recode = SignalingCommand::Recode {
            call: here,
            codecs: offered.map(str::to_owned).to_vec(),
        };
        world.signaling(ANN, recode).unwrap();
        for site in [ANN, BOB] {
            let codec = world.until(site, |event| match event {
                Event::Updated { codec, .. } => Some(*codec),
                _ => None,
            });
            assert_eq!(codec, taken);
        }
        world.assert_talking(here, there);
    }
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn packages_that_are_passed_on_are_named_in_every_change_and_others_are_refused() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let here = (phone.address().ip(), 4000).into();
    phone.request("INVITE", 1, "info", None, "", &offer(here));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    let tag = tag_of(&ok);
    phone.request("ACK", 1, "info", Some(&tag), "", "");
    world.run(seconds(1));
    for (packages, named, sequence) in [
        (vec!["x-door", "x-bell"], Some("x-door, x-bell"), 2),
        (vec![], None, 10),
    ] {
        let packages = packages.into_iter().map(str::to_owned).collect();
        let pass = SignalingCommand::PassInfo { call, packages };
        world.signaling(BOB, pass).unwrap();
        phone.request("INVITE", sequence, "info", Some(&tag), "", &offer(here));
        let ok = phone.expect(&mut world, "SIP/2.0 200");
        assert_eq!(header(&ok, "Recv-Info"), named);
        phone.request("ACK", sequence, "info", Some(&tag), "", "");
        world.run(seconds(1));
        let holding = world.order(BOB, hold(call, named.is_some()));
        let reinvite = phone.expect(&mut world, "INVITE");
        assert_eq!(header(&reinvite, "Recv-Info"), named);
        phone.respond(&reinvite, "200 OK", "raw", &offer(here));
        phone.expect(&mut world, "ACK");
        world.outcome(BOB, holding).unwrap();
        phone.request(
            "INFO",
            sequence + 1,
            "info",
            Some(&tag),
            "Info-Package: x-lamp\r\n",
            "",
        );
        let refusal = phone.expect(&mut world, "SIP/2.0 469");
        assert_eq!(
            header(&refusal, "Recv-Info").unwrap_or_default(),
            named.unwrap_or_default()
        );
    }
    phone.request("BYE", 20, "info", Some(&tag), "", "");
    world.assert_nothing_left();
}
