//! Calls that go up and down.

use std::time::Duration;

use sems_engine::{
    command::{SignalingCommand, StreamDirection},
    config::EngineConfig,
    event::{EndCause, Event},
    transport::memory::LinkQuality,
};

use crate::world::{ANN, BOB, World, plain_answer, seconds};

#[test]
fn a_call_goes_up_carries_sound_both_ways_and_leaves_nothing() {
    let mut world = World::pair();
    let (here, there) = world.call();
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    assert_eq!(world.end(ANN, here), (EndCause::Local, None, String::new()));
    assert_eq!(
        world.end(BOB, there),
        (EndCause::Remote, None, String::new())
    );
    world.assert_nothing_left();
}

#[test]
fn the_called_side_hangs_up_and_says_why() {
    let mut world = World::pair();
    let (here, there) = world.call();
    let reason = Some("SIP;cause=200;text=\"Call completed elsewhere\"".to_owned());
    world
        .signaling(
            BOB,
            SignalingCommand::Hangup {
                call: there,
                reason,
            },
        )
        .unwrap();
    let expected = (
        EndCause::Remote,
        None,
        "Call completed elsewhere".to_owned(),
    );
    assert_eq!(world.end(ANN, here), expected);
    world.assert_nothing_left();
}

#[test]
fn python_is_told_who_calls_and_what_progresses() {
    let mut world = World::pair();
    let to = world.address(BOB);
    let here = world.dial(ANN, to, |dial| {
        dial.from_name = "Ann \"The\" Example".to_owned();
        dial.from_uri = "sip:ann@example.org".to_owned();
        dial.headers = vec![("P-App-Name".to_owned(), "echo".to_owned())];
    });
    let incoming = world.incoming(BOB);
    assert_eq!(incoming.uri, "sip:standup@10.0.0.2");
    assert_eq!((incoming.source, incoming.local), (world.address(ANN), to));
    assert!(!incoming.trusted);
    let header = |name: &str| {
        let found = incoming.headers.iter().find(|(known, _)| known == name);
        found.unwrap().1.clone()
    };
    assert_eq!(header("P-App-Name"), "echo");
    assert!(header("From").starts_with(r#""Ann \"The\" Example" <sip:ann@example.org>;tag="#));
    assert_eq!(header("User-Agent"), "SEMS");
    let ring = SignalingCommand::Ring {
        call: incoming.call,
        code: 182,
        headers: vec![("X-Place".to_owned(), "3".to_owned())],
        early_media: false,
        reliable: false,
        link: None,
    };
    world.signaling(BOB, ring).unwrap();
    let progress = world.until(ANN, |event| match event {
        Event::Progress {
            call,
            code,
            reason,
            early_media,
            ..
        } => Some((*call, *code, reason.clone(), *early_media)),
        _ => None,
    });
    assert_eq!(progress, (here, 182, "Queued".to_owned(), false));
    let answer = SignalingCommand::Answer {
        call: incoming.call,
        headers: vec![("X-Hello".to_owned(), "there".to_owned())],
        link: None,
    };
    world.signaling(BOB, answer).unwrap();
    let (headers, codec) = world.until(ANN, |event| match event {
        Event::Answered { headers, codec, .. } => Some((headers.clone(), *codec)),
        _ => None,
    });
    assert_eq!(codec, "PCMU");
    assert!(headers.contains(&("X-Hello".to_owned(), "there".to_owned())));
    let told = |world: &World, wanted: fn(&Event) -> bool| {
        world.sites[BOB]
            .told
            .iter()
            .filter(|event| wanted(event))
            .count()
    };
    assert_eq!(
        told(&world, |event| matches!(
            event,
            Event::Confirmed { codec: "PCMU", .. }
        )),
        1
    );
    world.hang_up(BOB, incoming.call);
    world.assert_nothing_left();
    assert_eq!(
        told(&world, |event| matches!(event, Event::Ended { .. })),
        1
    );
}

#[test]
fn who_hangs_up_before_the_answer_cancels() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    world.hang_up(ANN, here);
    assert_eq!(world.end(ANN, here).0, EndCause::Local);
    let (cause, code, _) = world.end(BOB, there);
    assert_eq!((cause, code), (EndCause::Cancelled, Some(487)));
    assert!(world.answer(BOB, there).is_err());
    world.assert_nothing_left();
}

#[test]
fn a_cancel_that_crosses_the_answer_ends_the_call_all_the_same() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    // Both at the same moment: the 200 and the CANCEL pass each other on the way.
    let answer = plain_answer(there);
    let answered = world.order(BOB, answer);
    world.order(
        ANN,
        SignalingCommand::Hangup {
            call: here,
            reason: None,
        },
    );
    assert_eq!(world.end(ANN, here).0, EndCause::Local);
    assert_eq!(world.end(BOB, there).0, EndCause::Remote);
    world.outcome(BOB, answered).unwrap();
    world.assert_nothing_left();
}

#[test]
fn the_callee_can_refuse_with_any_code_and_send_elsewhere() {
    let mut world = World::pair();
    for (code, reason, told) in [
        (486, None, "Busy Here"),
        (302, Some("Over there"), "Over there"),
    ] {
        let here = world.dial(ANN, world.address(BOB), |_| ());
        let there = world.incoming(BOB).call;
        let reject = SignalingCommand::Reject {
            call: there,
            code,
            reason: reason.map(str::to_owned),
            headers: vec![(
                "Contact".to_owned(),
                "<sip:elsewhere@example.org>".to_owned(),
            )],
        };
        world.signaling(BOB, reject).unwrap();
        let expected = (EndCause::Rejected, Some(code), told.to_owned());
        assert_eq!(world.end(ANN, here), expected);
        assert_eq!(
            world.end(BOB, there),
            (EndCause::Local, Some(code), told.to_owned())
        );
    }
    world.assert_nothing_left();
}

#[test]
fn who_hangs_up_on_a_ringing_caller_refuses_it() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    world.hang_up(BOB, there);
    let (cause, code, _) = world.end(ANN, here);
    assert_eq!((cause, code), (EndCause::Rejected, Some(480)));
    assert_eq!(world.end(BOB, there).1, Some(480));
    world.assert_nothing_left();
}

#[test]
fn nobody_at_the_other_end_is_a_timeout() {
    let mut world = World::pair();
    let start = world.now;
    let here = world.dial(ANN, "10.0.9.9:5060".parse().unwrap(), |_| ());
    let (cause, code, _) = world.end(ANN, here);
    assert_eq!((cause, code), (EndCause::Timeout, Some(408)));
    assert_eq!((world.now - start).as_secs(), 32);
    world.assert_nothing_left();
}

#[test]
fn a_command_at_the_wrong_time_says_why_and_harms_nothing() {
    let mut world = World::pair();
    let (here, there) = world.call();
    let refused = |world: &mut World, who, command| world.signaling(who, command).unwrap_err();
    let answer = plain_answer(there);
    assert_eq!(
        refused(&mut world, BOB, answer),
        "the call is answered already"
    );
    let ring = SignalingCommand::Ring {
        call: here,
        code: 180,
        headers: Vec::new(),
        early_media: false,
        reliable: false,
        link: None,
    };
    assert_eq!(
        refused(&mut world, ANN, ring),
        "the call is answered already"
    );
    let nobody = sems_engine::ids::CallId(77 << 8);
    let hold = SignalingCommand::Hold {
        call: nobody,
        direction: StreamDirection::SendOnly,
    };
    assert_eq!(refused(&mut world, ANN, hold), "there is no such call");
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    // Once more is what is wanted already.
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn a_call_that_can_not_be_placed_is_an_error_and_no_call() {
    let mut world = World::pair();
    let to = world.address(BOB);
    let place = |world: &mut World, change: fn(&mut sems_engine::command::Dial)| {
        let call = world.engine(ANN).new_call();
        let uri = "sip:standup@10.0.0.2";
        let mut dial = sems_engine::command::Dial::new(call, uri, vec![to.into()]);
        change(&mut dial);
        world
            .signaling(ANN, SignalingCommand::Dial(Box::new(dial)))
            .unwrap_err()
    };
    assert!(place(&mut world, |dial| dial.uri = "standup".to_owned()).contains("URI"));
    assert!(place(&mut world, |dial| dial.from_uri = "a b".to_owned()).contains("URI"));
    let error = place(&mut world, |dial| {
        dial.destinations = vec!["[::1]:5060".parse().unwrap()]
    });
    assert_eq!(error, "there is no way to udp:[::1]:5060");
    let error = place(&mut world, |dial| {
        dial.headers = vec![("a b".to_owned(), String::new())]
    });
    assert_eq!(error, "\"a b\" is no header field name");
    world.assert_nothing_left();
}

#[test]
fn calls_of_one_engine_do_not_hear_each_other() {
    let mut world = World::pair();
    let (first, first_there) = world.call();
    let (second, second_there) = world.call();
    assert_ne!(first, second);
    world.assert_talking(first, first_there);
    assert_eq!(world.hears((ANN, first), (BOB, second_there), 440), None);
    assert_eq!(world.engine(BOB).stats()["calls"], 2);
    world.hang_up(ANN, first);
    world.assert_talking(second, second_there);
    world.hang_up(ANN, second);
    world.assert_nothing_left();
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let story = || {
        let mut world = World::pair();
        let (here, _) = world.call();
        world.run(seconds(3));
        world.hang_up(ANN, here);
        world.run(Duration::from_secs(2));
        let told = world.sites.iter().map(|site| format!("{:?}", site.told));
        told.collect::<Vec<_>>()
    };
    assert_eq!(story(), story());
}

#[test]
fn the_worker_that_has_the_fewest_calls_gets_the_next() {
    let config = EngineConfig {
        workers: 2,
        ..EngineConfig::default()
    };
    let mut world = World::new(0, LinkQuality::default(), [EngineConfig::default(), config]);
    let (_, first) = world.call();
    let (second_here, second) = world.call();
    assert_eq!((first.home(), second.home()), (0, 1));
    world.hang_up(ANN, second_here);
    world.end(BOB, second);
    let (third_here, third) = world.call();
    assert_eq!(third.home(), 1);
    world.assert_talking(third_here, third);
}
