//! Offers early and late.

use sems_engine::{
    command::{SignalingCommand, StreamDirection},
    config::EngineConfig,
    event::{EndCause, Event},
    transport::memory::LinkQuality,
};

use crate::{
    phone::{Phone, audio_port, body, offer, tag_of},
    world::{ANN, BOB, World, seconds},
};

#[test]
fn an_invite_without_offer_gets_one_and_answers_it_in_its_ack() {
    let mut world = World::pair();
    let (here, there) = world.call_with(|dial| dial.late_offer = true);
    world.assert_talking(here, there);
    world.hang_up(BOB, there);
    assert_eq!(world.end(ANN, here).0, EndCause::Remote);
    world.assert_nothing_left();
}

#[test]
fn a_late_offer_that_the_ack_does_not_answer_ends_the_call() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request("INVITE", 1, "late", None, "", "");
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    assert!(body(&ok).contains("m=audio"));
    phone.request("ACK", 1, "late", Some(&tag_of(&ok)), "", "");
    let bye = phone.expect(&mut world, "BYE");
    phone.respond(&bye, "200 OK", "", "");
    assert_eq!(world.end(BOB, call).0, EndCause::Error);
    world.assert_nothing_left();
}

#[test]
fn a_reinvite_without_offer_gets_one_and_its_ack_is_carried_out() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = phone.bind(4000);
    let moved = phone.bind(4100);
    phone.request("INVITE", 1, "again", None, "", &offer(rtp.local_addr()));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    let tag = tag_of(&ok);
    phone.request("ACK", 1, "again", Some(&tag), "", "");
    world.run(seconds(1));
    assert!(rtp.take().is_some());

    phone.request("INVITE", 2, "again", Some(&tag), "", "");
    let again = phone.expect(&mut world, "SIP/2.0 200");
    assert_eq!(audio_port(&again), audio_port(&ok));
    phone.request(
        "ACK",
        2,
        "again",
        Some(&tag),
        "",
        &offer(moved.local_addr()),
    );
    world.run(seconds(1));
    while rtp.take().is_some() {}
    world.run(seconds(1));
    assert!(moved.take().is_some() && rtp.take().is_none());
    let updated = world.until(BOB, |event| match event {
        Event::Updated {
            direction, codec, ..
        } => Some((*direction, *codec)),
        _ => None,
    });
    assert_eq!(updated, (StreamDirection::SendRecv, "PCMU"));

    phone.request("BYE", 3, "again", Some(&tag), "", "");
    assert_eq!(world.end(BOB, call).0, EndCause::Remote);
    world.assert_nothing_left();
}

#[test]
fn the_codec_is_one_that_both_have_in_the_order_of_the_offer() {
    let prefers = |codecs: &[&str]| EngineConfig {
        codecs: codecs.iter().map(|codec| (*codec).to_owned()).collect(),
        ..EngineConfig::default()
    };
    let configs = [prefers(&["PCMA", "PCMU"]), prefers(&["pcmu", "pcma"])];
    let mut world = World::new(0, LinkQuality::default(), configs);
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let there = world.incoming(BOB).call;
    world.answer(BOB, there).unwrap();
    let codec = world.until(ANN, |event| match event {
        Event::Answered { codec, .. } => Some(*codec),
        _ => None,
    });
    assert_eq!(codec, "PCMA");
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn one_call_may_offer_and_answer_with_other_codecs_than_the_rest() {
    let names = |codecs: &[&str]| -> Vec<String> { codecs.iter().map(|c| (*c).into()).collect() };
    let configs = [0, 1].map(|_| EngineConfig {
        codecs: names(&["PCMU", "G722", "PCMA"]),
        ..EngineConfig::default()
    });
    let mut world = World::new(0, LinkQuality::default(), configs);
    let offered = names(&["g722", "pcma"]);
    let here = world.dial(ANN, world.address(BOB), |dial| dial.codecs = offered);
    let incoming = world.incoming(BOB);
    assert_eq!(incoming.codecs, ["G722", "PCMA"]);
    let there = incoming.call;
    let codecs = names(&["opus", "PCMA"]);
    let call = there;
    world.order(BOB, SignalingCommand::Prefer { call, codecs });
    world.answer(BOB, there).unwrap();
    let codec = world.until(ANN, |event| match event {
        Event::Answered { codec, .. } => Some(*codec),
        _ => None,
    });
    assert_eq!(codec, "PCMA");
    world.assert_talking(here, there);
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn a_codec_that_does_not_exist_is_refused_at_start() {
    let config = EngineConfig {
        codecs: vec!["PCMU".to_owned(), "G.729".to_owned()],
        ..EngineConfig::default()
    };
    let network = sems_engine::transport::memory::MemoryNetwork::new(0, LinkQuality::default());
    let started = sems_engine::handle::Engine::start_virtual(config, &network);
    let error = started.err().unwrap().to_string();
    let opus = if cfg!(feature = "opus") { "opus, " } else { "" };
    let known = format!("{opus}G722, PCMU, PCMA, L16");
    assert_eq!(error, format!("codecs: \"G.729\" is none of {known}"));
}

#[test]
fn nothing_is_sent_to_a_peer_that_names_no_address() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let held = offer(([0, 0, 0, 0], 4000).into());
    phone.request("INVITE", 1, "held", None, "", &held);
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    phone.request("ACK", 1, "held", Some(&tag_of(&ok)), "", "");
    world.run(seconds(1));
    let stats = world.engine(BOB).stats();
    assert_eq!((stats["legs"], stats["rtp_sent"]), (1, 0));
}
