//! A call of ours that rings at several places.

use sems_engine::event::Event;

use crate::{
    phone::{Phone, offer},
    world::{ANN, World, seconds},
};

#[test]
fn media_go_to_the_branch_that_answers_whichever_rang_last() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let (first, second) = (phone.bind(4000), phone.bind(5000));
    let call = world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    phone.respond(
        &invite,
        "183 Session Progress",
        "one",
        &offer(first.local_addr()),
    );
    world.run(seconds(1));
    assert!(first.take().is_some() && second.take().is_none());
    phone.respond(
        &invite,
        "183 Session Progress",
        "two",
        &offer(second.local_addr()),
    );
    world.run(seconds(1));
    assert!(second.take().is_some());
    while first.take().is_some() {}
    phone.respond(&invite, "200 OK", "one", &offer(first.local_addr()));
    phone.expect(&mut world, "ACK");
    world.run(seconds(1));
    while second.take().is_some() {}
    world.run(seconds(1));
    assert!(first.take().is_some() && second.take().is_none());
    let early = world.sites[ANN].told.iter();
    let early = early.filter(|event| {
        matches!(
            event,
            Event::Progress {
                early_media: true,
                ..
            }
        )
    });
    assert_eq!(early.count(), 2);
    world.hang_up(ANN, call);
    let bye = phone.expect(&mut world, "BYE");
    phone.respond(&bye, "200 OK", "", "");
    world.assert_nothing_left();
}

#[test]
fn a_200_without_description_takes_the_early_answer_of_its_branch() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let rtp = phone.bind(4000);
    let call = world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    phone.respond(
        &invite,
        "183 Session Progress",
        "one",
        &offer(rtp.local_addr()),
    );
    phone.respond(&invite, "200 OK", "one", "");
    phone.expect(&mut world, "ACK");
    let codec = world.until(ANN, |event| match event {
        Event::Answered { codec, .. } => Some(*codec),
        _ => None,
    });
    assert_eq!(codec, "PCMU");
    world.run(seconds(1));
    assert!(rtp.take().is_some());
    world.hang_up(ANN, call);
    let bye = phone.expect(&mut world, "BYE");
    phone.respond(&bye, "200 OK", "", "");
    world.assert_nothing_left();
}

#[test]
fn the_first_answer_of_a_branch_is_its_answer() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    let (first, second) = (phone.bind(4000), phone.bind(5000));
    world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    phone.respond(
        &invite,
        "183 Session Progress",
        "one",
        &offer(first.local_addr()),
    );
    phone.respond(&invite, "200 OK", "one", &offer(second.local_addr()));
    phone.expect(&mut world, "ACK");
    world.run(seconds(1));
    assert!(first.take().is_some() && second.take().is_none());
}

#[test]
fn a_200_without_any_usable_answer_ends_the_call() {
    for answer in ["", "nonsense"] {
        let mut world = World::pair();
        let phone = Phone::new(&world, ANN);
        let call = world.dial(ANN, phone.address(), |_| ());
        let invite = phone.expect(&mut world, "INVITE");
        phone.respond(&invite, "200 OK", "one", answer);
        phone.expect(&mut world, "ACK");
        let bye = phone.expect(&mut world, "BYE");
        phone.respond(&bye, "200 OK", "", "");
        let (cause, code, reason) = world.end(ANN, call);
        assert_eq!((cause, code), (sems_engine::event::EndCause::Error, None));
        assert!(reason.starts_with("session description"), "{reason}");
        world.assert_nothing_left();
    }
}
