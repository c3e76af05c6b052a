//! What is refused under load, before Python hears of it; what goes on meanwhile.

use std::time::Duration;

use sems_engine::{
    config::EngineConfig, event::Event, ids::CallId, transport::memory::LinkQuality,
};

use crate::{
    phone::{Phone, header, offer, tag_of},
    world::{ANN, BOB, World, seconds},
};

/// Ann as she is by default, Bob as `change` makes him.
fn world(change: impl FnOnce(&mut EngineConfig)) -> World {
    let mut config = EngineConfig::default();
    change(&mut config);
    World::new(0, LinkQuality::default(), [EngineConfig::default(), config])
}

/// `count` INVITEs at once; how many got 503 with Retry-After. The 503 are acknowledged.
fn flood(world: &mut World, phone: &Phone, name: &str, count: usize) -> usize {
    let here = (phone.address().ip(), 4000).into();
    for number in 0..count {
        phone.request(
            "INVITE",
            1,
            &format!("{name}{number}"),
            None,
            "",
            &offer(here),
        );
    }
    world.run(Duration::from_millis(20));
    let answers = phone.take();
    let refused = answers
        .iter()
        .filter(|answer| answer.starts_with("SIP/2.0 503"));
    refused
        .map(|answer| {
            let after: u32 = header(answer, "Retry-After").unwrap().parse().unwrap();
            assert!((1..10).contains(&after));
            let call = header(answer, "Call-ID").unwrap();
            phone.request("ACK", 1, call, Some(&tag_of(answer)), "", "");
        })
        .count()
}

/// What has been told of overload, in order.
fn told(world: &World) -> Vec<(bool, String)> {
    let told = world.sites[BOB].told.iter();
    told.filter_map(|event| match event {
        Event::Overload { on, reason } => Some((*on, reason.clone())),
        _ => None,
    })
    .collect()
}

fn stat(world: &World, name: &str) -> u64 {
    world.engine(BOB).stats()[name]
}

#[test]
fn calls_beyond_the_rate_leave_nothing_behind_and_the_limit_lifts_by_itself() {
    let mut world = world(|config| config.calls_per_second = 5);
    let phone = Phone::new(&world, BOB);
    assert_eq!(flood(&mut world, &phone, "first", 50), 45);
    // Nothing is kept of them: no call, no session, no transaction.
    assert_eq!(
        ["calls", "sessions", "transactions"].map(|gauge| stat(&world, gauge)),
        [5; 3]
    );
    assert_eq!(stat(&world, "sip_overload"), 45);
    assert_eq!(stat(&world, "sip_overload_rate"), 45);
    world.run(seconds(1));
    assert_eq!(flood(&mut world, &phone, "later", 5), 0);
    world.run(seconds(6));
    assert_eq!(
        told(&world),
        [
            (
                true,
                "more calls come than limits.calls_per_second allows (5)".to_owned()
            ),
            (
                false,
                "calls come within limits.calls_per_second again; 45 were refused".to_owned()
            ),
        ]
    );
}

#[test]
fn an_invite_that_was_admitted_is_never_refused_when_it_comes_again() {
    let mut world = world(|config| config.calls_per_second = 1);
    let phone = Phone::new(&world, BOB);
    let here = (phone.address().ip(), 4000).into();
    for _ in 0..3 {
        phone.request("INVITE", 1, "again", None, "", &offer(here));
        world.run(Duration::from_millis(10));
    }
    let answers = phone.take();
    assert!(
        answers
            .iter()
            .all(|answer| answer.starts_with("SIP/2.0 100")),
        "{answers:?}"
    );
    assert_eq!(
        (stat(&world, "sip_overload"), stat(&world, "calls")),
        (0, 1)
    );
}

#[test]
fn a_source_that_calls_too_much_costs_others_nothing() {
    let mut world = world(|config| {
        config.calls_per_source = 4;
        config.calls_per_second_per_source = 10;
    });
    let (bad, good) = (Phone::new(&world, BOB), Phone::new(&world, BOB));
    assert_eq!(flood(&mut world, &bad, "bad", 30), 26);
    assert_eq!(flood(&mut world, &good, "good", 4), 0);
    assert_eq!(stat(&world, "sip_overload_source"), 26);
    let reason = &told(&world)[0].1;
    let expected = "has as many calls as limits.calls_per_source allows (4)";
    assert_eq!(reason, &format!("{} {expected}", bad.address().ip()));
    // An offer that can't be answered does not count for long.
    let secure = offer((bad.address().ip(), 4000).into()).replace("RTP/AVP", "RTP/SAVP");
    let other = Phone::new(&world, BOB);
    for number in 0..6 {
        other.call(&mut world, &format!("secure{number}"), &secure, "488");
    }
    // When its calls end it may call again.
    let calls: Vec<CallId> = (world.sites[BOB].told.iter())
        .filter_map(|event| match event {
            Event::Incoming(incoming) => Some(incoming.call),
            _ => None,
        })
        .collect();
    calls.into_iter().for_each(|call| world.hang_up(BOB, call));
    world.run(seconds(2));
    assert_eq!(flood(&mut world, &bad, "again", 4), 0);
}

#[test]
fn while_python_is_blocked_new_calls_are_refused_and_the_others_are_served() {
    let mut world = world(|_| ());
    let (here, there) = world.call();
    let phone = Phone::new(&world, BOB);
    let rtp = (phone.address().ip(), 4000).into();
    phone.request("INVITE", 1, "first", None, "", &offer(rtp));
    // Nobody takes Bob's events for three seconds.
    let blocked = |world: &mut World, time: Duration| {
        let until = world.now + time;
        while world.now < until {
            world.now += Duration::from_millis(1);
            for site in &world.sites {
                site.engine.step(world.now).unwrap();
            }
        }
    };
    blocked(&mut world, Duration::from_millis(900));
    phone.request("INVITE", 1, "second", None, "", &offer(rtp));
    blocked(&mut world, Duration::from_millis(200));
    // The second came in time; the third would wait for who knows how long.
    phone.request("INVITE", 1, "third", None, "", &offer(rtp));
    phone.request("OPTIONS", 1, "alive", None, "", "");
    blocked(&mut world, Duration::from_millis(10));
    let mut answers: Vec<String> = phone.take();
    answers.retain(|answer| !answer.starts_with("SIP/2.0 100"));
    let firsts: Vec<&str> = answers.iter().map(|answer| &answer[..11]).collect();
    // OPTIONS say what an INVITE would be told.
    assert_eq!(firsts, ["SIP/2.0 503", "SIP/2.0 503"]);
    assert_eq!(header(&answers[0], "Call-ID"), Some("third"));
    assert_eq!(header(&answers[1], "Call-ID"), Some("alive"));
    // A call that exists is ended without Python.
    let ending = sems_engine::command::SignalingCommand::Hangup {
        call: here,
        reason: None,
    };
    world.engine(ANN).signaling(ending).unwrap();
    blocked(&mut world, Duration::from_millis(100));
    assert_eq!(stat(&world, "calls"), 2);
    assert_eq!(stat(&world, "sip_overload_python"), 1);
    // Python wakes up, and soon all is as before.
    world.end(BOB, there);
    world.run(seconds(2));
    phone.request("INVITE", 1, "fourth", None, "", &offer(rtp));
    phone.expect(&mut world, "SIP/2.0 100");
    world.run(seconds(6));
    let told = told(&world);
    assert!(told[0].1.starts_with("Python does not keep up"), "{told:?}");
    assert_eq!(
        told[1],
        (false, "Python keeps up again; 1 were refused".to_owned())
    );
    assert_eq!(told.len(), 2);
}

#[test]
fn options_get_what_an_invite_would_get_and_use_nothing_up() {
    let mut world = world(|config| config.calls_per_second = 2);
    let phone = Phone::new(&world, BOB);
    let probe = |world: &mut World, name: &str| {
        phone.request("OPTIONS", 1, name, None, "", "");
        phone.expect(world, "SIP/2.0")
    };
    // However often a proxy asks, there is room for two calls.
    for number in 0..20 {
        let answer = probe(&mut world, &format!("free{number}"));
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }
    assert_eq!(flood(&mut world, &phone, "call", 2), 0);
    let answer = probe(&mut world, "full");
    assert!(answer.starts_with("SIP/2.0 503"), "{answer}");
    assert_eq!(header(&answer, "Retry-After"), Some("1"));
    // To ask is no call: nothing was refused, and nobody is told of an overload.
    assert_eq!(stat(&world, "sip_overload_rate"), 0);
    assert_eq!(told(&world), []);
    world.run(seconds(1));
    let answer = probe(&mut world, "again");
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    assert_eq!(flood(&mut world, &phone, "later", 2), 0);
}

#[test]
fn a_flood_of_other_requests_is_bounded_and_calls_come_through() {
    let mut world = world(|config| {
        config.requests_per_second = 20;
        config.methods = vec![sems_engine::config::Taken {
            method: "MESSAGE".to_owned(),
            code: 202,
            after: Duration::from_millis(300),
        }];
    });
    let phone = Phone::new(&world, BOB);
    for number in 0..200 {
        phone.request("MESSAGE", 1, &format!("m{number}"), None, "", "");
    }
    world.run(Duration::from_millis(50));
    assert_eq!(stat(&world, "sip_overload_requests"), 180);
    assert_eq!(stat(&world, "transactions"), 20);
    assert_eq!(phone.take().len(), 180);
    assert_eq!(flood(&mut world, &phone, "call", 3), 0);
}
