//! To whom packets are sent, and whose packets are heard.

use std::net::SocketAddr;

use crate::stage::Stage;

/// The call's own phone sends from another address than its SDP says.
fn send_from_elsewhere(stage: &mut Stage, phone: usize, port: u16) {
    let socket = stage.phones[phone].host.bind(port).unwrap();
    stage.phones[phone].rtp = socket;
}

fn hears_anything(stage: &mut Stage, phone: usize) -> bool {
    stage.forget();
    stage.run(500);
    !stage.phones[phone].received.is_empty()
}

#[test]
fn packets_go_where_the_sdp_says_until_the_caller_sends() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.phones[phone].sends = false;
    assert!(hears_anything(&mut stage, phone));
}

#[test]
fn another_port_of_the_signalled_address_is_followed() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    send_from_elsewhere(&mut stage, phone, 6000);
    assert!(hears_anything(&mut stage, phone));
}

#[test]
fn another_address_is_followed_only_behind_a_nat() {
    for behind_nat in [false, true] {
        let mut stage = Stage::new(1);
        let phone = stage.call_with(0, |negotiated| {
            negotiated.behind_nat = behind_nat;
            negotiated.remote_rtp = SocketAddr::from(([192, 168, 1, 7], 5004));
        });
        assert_eq!(hears_anything(&mut stage, phone), behind_nat);
        assert_eq!(stage.stat("rtp_foreign") > 0, !behind_nat);
    }
}

#[test]
fn a_second_source_steals_nothing_and_is_not_heard() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    let thief = stage.call(0);
    stage.run(500);
    // It knows the port, and sends from the same address as the caller.
    let victim = &stage.phones[phones[0]];
    let (host, remote) = (victim.host.clone(), victim.remote);
    stage.phones[thief].rtp = host.bind(7000).unwrap();
    stage.phones[thief].remote = remote;
    stage.phones[thief].speak(Some(1000.0));
    stage.forget();
    stage.run(3000);
    assert!(stage.phones[thief].received.is_empty());
    assert!(stage.phones[phones[0]].hears(700.0));
    assert!(stage.phones[phones[1]].hears(440.0) && !stage.phones[phones[1]].hears(1000.0));
}

#[test]
fn a_source_that_was_silent_may_come_back_from_another_port() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(500);
    stage.phones[phones[0]].sends = false;
    stage.run(2000);
    send_from_elsewhere(&mut stage, phones[0], 6000);
    stage.phones[phones[0]].sends = true;
    assert!(hears_anything(&mut stage, phones[0]));
    stage.run(1000);
    assert!(stage.phones[phones[1]].hears(440.0));
    assert!(stage.phones[phones[0]].hears(700.0));
}

#[test]
fn a_new_offer_moves_the_media_at_once() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(500);
    let moved = stage.phones[phone].host.bind(6000).unwrap();
    let address = moved.local_addr();
    stage.phones[phone].rtp = moved;
    stage.update(phone, |negotiated| negotiated.remote_rtp = address);
    stage.phones[phone].sends = false;
    assert!(hears_anything(&mut stage, phone));
}

#[test]
fn a_new_source_of_the_same_phone_is_heard() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(500);
    let phone = &mut stage.phones[phones[0]];
    phone.ssrc ^= 0xFFFF;
    phone.sequence = phone.sequence.wrapping_add(30_000);
    phone.timestamp = phone.timestamp.wrapping_add(1 << 30);
    stage.run(1000);
    assert!(stage.phones[phones[1]].hears(440.0));
}
