//! What is refused in Rust, without asking Python.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use sems_engine::{
    command::SignalingCommand, config::EngineConfig, event::Event, transport::memory::LinkQuality,
};

use crate::{
    phone::{Phone, description, header, offer},
    world::{ANN, BOB, World, seconds},
};

#[test]
fn an_offer_that_can_not_be_answered_is_refused_with_the_reason() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let here = (phone.address().ip(), 4000).into();
    let cases = [
        ("codec", "m=audio PORT RTP/AVP 18\r\n", "488", "305"),
        ("video", "m=video PORT RTP/AVP 31\r\n", "488", "304"),
        ("secure", "m=audio PORT RTP/SAVP 0\r\n", "488", "302"),
        ("off", "m=audio 0 RTP/AVP 0\r\n", "488", "304"),
        ("broken", "m=audio PORT\r\n", "400", "399"),
    ];
    for (name, media, status, warning) in cases {
        let response = phone.call(&mut world, name, &description(here, media), status);
        let told = header(&response, "Warning").unwrap();
        assert!(
            told.starts_with(&format!("{warning} 10.0.0.2:5060 \"")),
            "{name}: {told}"
        );
    }
    assert_eq!(world.engine(BOB).stats()["sip_refused"], 5);
    world.assert_nothing_left();
    assert!(world.sites[BOB].told.is_empty());
}

#[test]
fn calls_beyond_the_limit_are_asked_to_come_again() {
    let config = EngineConfig {
        max_calls: 2,
        ..EngineConfig::default()
    };
    let mut world = World::new(0, LinkQuality::default(), [EngineConfig::default(), config]);
    let (first, _) = world.call();
    world.call();
    let phone = Phone::new(&world, BOB);
    let here = (phone.address().ip(), 4000).into();
    let response = phone.call(&mut world, "third", &offer(here), "503");
    assert!(header(&response, "Retry-After").is_some());
    assert_eq!(world.engine(BOB).stats()["sip_overload"], 1);
    let error = {
        let call = world.engine(BOB).new_call();
        let destinations = vec![world.address(ANN).into()];
        let dial = sems_engine::command::Dial::new(call, "sip:ann@10.0.0.1", destinations);
        let dial = sems_engine::command::SignalingCommand::Dial(Box::new(dial));
        world.signaling(BOB, dial).unwrap_err()
    };
    assert_eq!(error, "as many calls as are allowed exist");
    world.hang_up(ANN, first);
    world.run(seconds(1));
    world.call();
}

#[test]
fn calls_that_find_no_port_are_refused_and_the_others_go_on() {
    let config = EngineConfig {
        rtp_ports: (20_000, 20_001),
        ..EngineConfig::default()
    };
    let mut world = World::new(0, LinkQuality::default(), [EngineConfig::default(), config]);
    let (here, there) = world.call();
    // At once, and not when Python comes to answer.
    let phone = Phone::new(&world, BOB);
    let rtp = (phone.address().ip(), 4000).into();
    let response = phone.call(&mut world, "second", &offer(rtp), "503");
    assert!(header(&response, "Retry-After").is_some());
    assert_eq!(world.engine(BOB).stats()["sip_overload_ports"], 1);
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    // The port rests.
    world.run(seconds(4));
    phone.call(&mut world, "third", &offer(rtp), "503");
    world.run(seconds(2));
    let fourth = world.dial(ANN, world.address(BOB), |_| ());
    let fourth_there = world.incoming(BOB).call;
    // It is not answered yet, but the port is for it.
    phone.call(&mut world, "fifth", &offer(rtp), "503");
    world.answer(BOB, fourth_there).unwrap();
    world.run(seconds(1));
    world.hang_up(ANN, fourth);
    world.assert_nothing_left();
}

#[test]
fn when_python_does_not_listen_new_calls_are_refused_and_nothing_is_lost() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let here = (phone.address().ip(), 4000).into();
    // Nobody takes Bob's events, and more happens than his ring can hold.
    let mut asked: u64 = 0;
    let engine = &world.sites[BOB].engine;
    let mut now = world.now;
    for _ in 0..70 {
        for _ in 0..256 {
            let call = sems_engine::ids::CallId(1 << 30);
            let hangup = sems_engine::command::SignalingCommand::Hangup { call, reason: None };
            engine.signaling(hangup).unwrap();
            asked += 1;
        }
        now += std::time::Duration::from_millis(1);
        engine.step(now).unwrap();
    }
    phone.request("INVITE", 1, "late", None, "", &offer(here));
    now += std::time::Duration::from_millis(5);
    engine.step(now).unwrap();
    now += std::time::Duration::from_millis(5);
    engine.step(now).unwrap();
    let refused = phone.take();
    assert!(
        refused
            .iter()
            .any(|message| message.starts_with("SIP/2.0 503")),
        "{refused:?}"
    );
    world.now = now;
    let mut done: u64 = 0;
    for _ in 0..3 {
        world.run(seconds(1));
    }
    for event in &world.sites[BOB].told {
        done += u64::from(matches!(event, Event::Done { .. }));
    }
    assert_eq!(done, asked);
}

#[test]
fn options_are_answered_and_garbage_is_not() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("OPTIONS", 1, "ping", None, "", "");
    let response = phone.expect(&mut world, "SIP/2.0 200");
    assert!(header(&response, "Allow").unwrap().contains("INVITE"));
    assert_eq!(header(&response, "Accept"), Some("application/sdp"));
    for garbage in [
        "",
        "\r\n\r\n",
        "hello",
        "\0\0\0\0",
        "INVITE",
        "SIP/2.0 200 OK\r\n\r\n",
    ] {
        phone.send(garbage);
    }
    phone.request("PUBLISH", 2, "what", None, "Event: x\r\n", "");
    phone.expect(&mut world, "SIP/2.0 405");
    phone.request("BYE", 3, "nothing", Some("unknown"), "", "");
    phone.expect(&mut world, "SIP/2.0 481");
    world.assert_nothing_left();
    assert!(world.sites[BOB].told.is_empty());
    assert!(world.engine(BOB).stats()["sip_malformed"] >= 3);
    // And a call still goes through.
    let (here, there) = world.call();
    world.assert_talking(here, there);
}

#[test]
fn ten_thousand_mangled_messages_harm_nobody() {
    let mut world = World::pair();
    let (here, there) = world.call();
    let phone = Phone::new(&world, BOB);
    let rtp = (phone.address().ip(), 4000).into();
    let whole = offer(rtp);
    let mut random = StdRng::seed_from_u64(5);
    for number in 0..10_000u32 {
        let method = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"][random.random_range(0..5)];
        let id = format!("{}", number % 50);
        let tag = random.random_bool(0.3).then_some("x");
        let text = phone.text(method, 1 + number % 3, &id, tag, "", &whole);
        let mut bytes = text.into_bytes();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..bytes.len().max(2) - 1);
            match random.random_range(0..4) {
                0 => bytes[at] = random.random(),
                1 if bytes.len() > 2 => drop(bytes.remove(at)),
                2 => bytes.truncate(at + 2),
                _ => bytes.insert(at, b"\r\n,;:<>\"@= 0"[random.random_range(0..12)]),
            }
        }
        phone.send_bytes(&bytes);
        if number % 50 == 0 {
            world.run(std::time::Duration::from_millis(20));
        }
    }
    world.run(seconds(1));
    let faults = |event: &&Event| matches!(event, Event::Fault { .. });
    assert_eq!(world.sites[BOB].told.iter().filter(faults).count(), 0);
    assert!(world.engine(BOB).stats()["sip_received"] > 10_000);
    world.assert_talking(here, there);
    world.signaling(BOB, SignalingCommand::Shutdown).unwrap();
    world.assert_nothing_left();
}
