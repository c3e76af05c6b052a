//! Who can write another's address into an INVITE must not have our packets sent there.

use std::{net::SocketAddr, time::Duration};

use sems_engine::{
    command::SignalingCommand,
    config::EngineConfig,
    ids::CallId,
    transport::memory::{LinkQuality, MemorySocket},
};

use crate::{
    phone::{Phone, audio_port, header, offer, tag_of},
    world::{BOB, World, seconds},
};

/// A phone that calls, and a host that may not have asked for anything: its sockets for RTP and RTCP.
fn phone_and_victim(world: &World) -> (Phone, [MemorySocket; 2]) {
    let victim = Phone::new(world, BOB);
    (
        Phone::new(world, BOB),
        [4000, 4001].map(|port| victim.bind(port)),
    )
}

/// How many packets came to the sockets.
fn came(sockets: &[MemorySocket]) -> usize {
    let taken = |socket: &MemorySocket| std::iter::from_fn(|| socket.take()).count();
    sockets.iter().map(taken).sum()
}

fn answer(world: &World, call: CallId) {
    world.accept(BOB, call);
}

fn early(world: &mut World, call: CallId) {
    let ring = SignalingCommand::Ring {
        call,
        code: 183,
        headers: Vec::new(),
        early_media: true,
        reliable: false,
        link: None,
    };
    world.order(BOB, ring);
}

/// A call whose caller wants its sound at `rtp`, and the 200 to it.
fn answered(world: &mut World, phone: &Phone, rtp: SocketAddr) -> String {
    phone.request("INVITE", 1, "aimed", None, "", &offer(rtp));
    let call = world.incoming(BOB).call;
    answer(world, call);
    phone.expect(world, "SIP/2.0 200")
}

#[test]
fn an_invite_without_ack_aims_no_packet_at_anybody() {
    let mut world = World::pair();
    let (phone, victim) = phone_and_victim(&world);
    answered(&mut world, &phone, victim[0].local_addr());
    // The call ends when no ACK has come for 32 seconds.
    world.run(seconds(40));
    assert_eq!(came(&victim), 0);
    world.assert_nothing_left();
    // Nor at the address that the INVITE says it came from.
    let own = [4000, 4001].map(|port| phone.bind(port));
    answered(&mut world, &phone, own[0].local_addr());
    world.run(seconds(40));
    assert_eq!(came(&own), 0);
}

#[test]
fn the_ack_opens_the_way_for_sound_to_wherever_the_caller_wants_it() {
    let mut world = World::pair();
    let (phone, relay) = phone_and_victim(&world);
    let ok = answered(&mut world, &phone, relay[0].local_addr());
    world.run(Duration::from_millis(200));
    assert_eq!(came(&relay), 0);
    phone.request("ACK", 1, "aimed", Some(&tag_of(&ok)), "", "");
    world.run(seconds(1));
    assert!((45..=55).contains(&came(&relay)));
}

#[test]
fn who_sends_audio_from_there_gets_it_there_before_the_ack() {
    let mut world = World::pair();
    let (phone, relay) = phone_and_victim(&world);
    let ok = answered(&mut world, &phone, relay[0].local_addr());
    let port = (world.address(BOB).ip(), audio_port(&ok)).into();
    for number in 0..3u8 {
        let mut packet = vec![0x80, 0, 0, number, 0, 0, 0, number, 1, 2, 3, 4];
        packet.resize(172, 0xff);
        relay[0].send_to(&packet, port);
        world.run(Duration::from_millis(20));
    }
    world.run(seconds(1));
    assert!(came(&relay) > 45);
}

#[test]
fn a_trusted_neighbour_is_believed_without_an_ack() {
    let trusting = EngineConfig {
        trusted: vec!["10.0.0.0/8".parse().unwrap()],
        ..EngineConfig::default()
    };
    let configs = [EngineConfig::default(), trusting];
    let mut world = World::new(0, LinkQuality::default(), configs);
    let (phone, relay) = phone_and_victim(&world);
    answered(&mut world, &phone, relay[0].local_addr());
    world.run(seconds(1));
    assert!(came(&relay) > 45);
}

#[test]
fn early_media_goes_to_the_caller_and_elsewhere_only_after_a_prack() {
    let mut world = World::pair();
    let (phone, relay) = phone_and_victim(&world);
    let own = [4000, 4001].map(|port| phone.bind(port));
    phone.request("INVITE", 1, "own", None, "", &offer(own[0].local_addr()));
    let call = world.incoming(BOB).call;
    early(&mut world, call);
    world.run(seconds(1));
    assert!(came(&own) > 45);

    let elsewhere = offer(relay[0].local_addr());
    phone.request(
        "INVITE",
        1,
        "else",
        None,
        "Supported: 100rel\r\n",
        &elsewhere,
    );
    let call = world.incoming(BOB).call;
    early(&mut world, call);
    let progress = phone.expect(&mut world, "SIP/2.0 183 Session Progress\r\n");
    let progress = match header(&progress, "Call-ID") {
        Some("else") => progress,
        _ => phone.expect(&mut world, "SIP/2.0 183"),
    };
    world.run(Duration::from_millis(200));
    assert_eq!(came(&relay), 0);
    let rack = format!("RAck: {} 1 INVITE\r\n", header(&progress, "RSeq").unwrap());
    phone.request("PRACK", 2, "else", Some(&tag_of(&progress)), &rack, "");
    world.run(seconds(1));
    assert!(came(&relay) > 45);
}
