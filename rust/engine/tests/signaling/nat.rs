//! Phones that don't know their own address.

use sems_engine::transport::memory::MemorySocket;

use crate::{
    phone::{Phone, audio_port, offer, tag_of},
    world::{BOB, World, seconds},
};

/// Sends RTP for a second.
fn speak(world: &mut World, socket: &MemorySocket, to: u16) {
    let to = (world.address(BOB).ip(), to).into();
    for number in 0..50u8 {
        let mut packet = vec![0x80, 0, 0, number, 0, 0, 0, 0, 1, 2, 3, 4];
        packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
        packet.resize(172, 0xff);
        socket.send_to(&packet, to);
        world.run(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_private_address_in_sdp_gives_way_to_the_one_that_packets_come_from() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let outside = phone.bind(61_000);
    let inside = "192.168.1.20:4000".parse().unwrap();
    phone.request("INVITE", 1, "nat", None, "", &offer(inside));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    phone.request("ACK", 1, "nat", Some(&tag_of(&ok)), "", "");
    world.run(seconds(1));
    assert!(outside.take().is_none());
    speak(&mut world, &outside, audio_port(&ok));
    assert!(outside.take().is_some());
    assert!(world.engine(BOB).stats()["rtp_received"] > 40);
}

#[test]
fn a_via_that_names_another_address_tells_of_a_nat_as_well() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let outside = phone.bind(61_000);
    let here = phone.address().to_string();
    // A phone that thinks it knows its public address, but does not.
    let wrong = offer("203.0.113.9:4000".parse().unwrap());
    let invite = phone.text("INVITE", 1, "via", None, "", &wrong);
    let via = format!("Via: SIP/2.0/UDP {here}");
    phone.send(&invite.replace(&via, "Via: SIP/2.0/UDP 203.0.113.9:5060"));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    speak(&mut world, &outside, audio_port(&ok));
    assert!(outside.take().is_some());
}

#[test]
fn who_is_not_behind_a_nat_can_not_be_robbed_of_his_call() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let rtp = phone.bind(4000);
    let thief = Phone::new(&world, BOB).bind(4000);
    phone.request("INVITE", 1, "safe", None, "", &offer(rtp.local_addr()));
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    phone.request("ACK", 1, "safe", Some(&tag_of(&ok)), "", "");
    speak(&mut world, &thief, audio_port(&ok));
    assert!(thief.take().is_none() && rtp.take().is_some());
    let stats = world.engine(BOB).stats();
    assert_eq!((stats["rtp_received"], stats["rtp_foreign"]), (0, 50));
}
