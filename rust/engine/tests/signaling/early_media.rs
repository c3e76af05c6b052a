//! Sound before the answer.

use sems_engine::{
    command::SignalingCommand,
    event::{EndCause, Event},
    ids::CallId,
};

use crate::{
    phone::{Phone, body, header, offer},
    world::{ANN, BOB, World},
};

fn ring(call: CallId, link: Option<&str>) -> SignalingCommand {
    SignalingCommand::Ring {
        call,
        code: 183,
        headers: Vec::new(),
        early_media: true,
        reliable: false,
        link: link.map(str::to_owned),
    }
}

#[test]
fn the_caller_hears_what_is_played_before_the_answer() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    world
        .signaling(BOB, ring(there, Some("http://bob/c/1")))
        .unwrap();
    let progress = world.until(ANN, |event| match event {
        Event::Progress {
            code,
            early_media,
            link,
            ..
        } => Some((*code, *early_media, link.clone())),
        _ => None,
    });
    assert_eq!(progress, (183, true, Some("http://bob/c/1".to_owned())));
    world.assert_talking(here, there);
    world.answer(BOB, there).unwrap();
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn early_media_ends_with_the_caller_giving_up() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    world.signaling(BOB, ring(there, None)).unwrap();
    world.hang_up(ANN, here);
    assert_eq!(world.end(BOB, there).0, EndCause::Cancelled);
    world.assert_nothing_left();
}

#[test]
fn the_200_repeats_the_early_answer() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = (phone.address().ip(), 4000).into();
    phone.request("INVITE", 1, "early", None, "", &offer(rtp));
    let call = world.incoming(BOB).call;
    world.signaling(BOB, ring(call, None)).unwrap();
    world.signaling(BOB, ring(call, None)).unwrap();
    let early = phone.expect(&mut world, "SIP/2.0 183");
    let again = phone.expect(&mut world, "SIP/2.0 183");
    assert_eq!(body(&early), body(&again));
    world.order(
        BOB,
        SignalingCommand::Answer {
            call,
            headers: Vec::new(),
            link: Some("http://bob/c/2".to_owned()),
        },
    );
    let answer = phone.expect(&mut world, "SIP/2.0 200");
    // The page may be new, and so the version; nothing else is.
    let version = |message: &str| {
        let origin = body(message).lines().find(|line| line.starts_with("o="));
        let version = origin.and_then(|line| line.split(' ').nth(2));
        version.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(version(&answer), version(&early) + 1);
    let session = |message: &str| {
        let rest = body(message).lines().filter(|line| !line.starts_with("o="));
        rest.map(|line| line.to_owned() + "\r\n")
            .collect::<String>()
    };
    let without_page = session(&answer).replace("u=http://bob/c/2\r\n", "");
    assert_eq!(without_page, session(&early));
    assert_eq!(
        header(&answer, "Call-Info"),
        Some("<http://bob/c/2>;purpose=info")
    );
}

#[test]
fn without_an_offer_there_is_early_media_only_for_who_can_answer_ours() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("INVITE", 1, "late", None, "", "");
    let call = world.incoming(BOB).call;
    let error = world.signaling(BOB, ring(call, None)).unwrap_err();
    assert!(error.contains("no offer"), "{error}");
    world.hang_up(BOB, call);
    phone.expect(&mut world, "SIP/2.0 480");
    phone.request("ACK", 1, "late", None, "", "");

    // The offer goes into the 183, and the answer into its PRACK (RFC 3262 §5).
    let here = world.dial(ANN, world.address(BOB), |dial| dial.late_offer = true);
    let there = world.incoming(BOB).call;
    world.signaling(BOB, ring(there, None)).unwrap();
    world.assert_talking(here, there);
    world.answer(BOB, there).unwrap();
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}
