//! The control page of a call, and the addresses under which we are known.

use sems_engine::{
    command::{SignalingCommand, StreamDirection},
    config::EngineConfig,
    event::Event,
    ids::CallId,
    transport::memory::LinkQuality,
};

use crate::{
    phone::{Phone, body, header, offer, tag_of},
    world::{ANN, BOB, World},
};

const LINK: &str = "http://10.0.0.2:8080/c/4e5fcd3a";

fn hold(call: CallId) -> SignalingCommand {
    let direction = StreamDirection::SendOnly;
    SignalingCommand::Hold { call, direction }
}

#[test]
fn the_link_stands_between_name_and_connection_of_every_description() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request(
        "INVITE",
        1,
        "page",
        None,
        "",
        &offer((phone.address().ip(), 4000).into()),
    );
    let call = world.incoming(BOB).call;
    let link = Some(LINK.to_owned());
    let ring = SignalingCommand::Ring {
        call,
        code: 183,
        headers: Vec::new(),
        early_media: true,
        reliable: false,
        link,
    };
    world.signaling(BOB, ring).unwrap();
    let early = phone.expect(&mut world, "SIP/2.0 183");
    // The link was said once; from now on it is known.
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    for message in [&early, &ok] {
        let lines: Vec<_> = body(message).lines().map(|line| &line[..1]).collect();
        assert_eq!(lines[..6].concat(), "vosuct", "{message}");
        assert!(body(message).contains(&format!("\r\nu={LINK}\r\n")));
    }
    assert_eq!(
        header(&ok, "Call-Info"),
        Some(&*format!("<{LINK}>;purpose=info"))
    );
    phone.request("ACK", 1, "page", Some(&tag_of(&ok)), "", "");
    world.order(BOB, hold(call));
    let reinvite = phone.expect(&mut world, "INVITE");
    assert!(body(&reinvite).contains(&format!("\r\nu={LINK}\r\n")));
}

#[test]
fn a_focus_says_so_in_the_contact_of_all_that_follows() {
    const CONTACT: &str = "<sip:standup@10.0.0.2:5060>;isfocus";
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    let description = offer((phone.address().ip(), 4000).into());
    phone.request("INVITE", 1, "focus", None, "", &description);
    let call = world.incoming(BOB).call;
    world.order(BOB, SignalingCommand::Focus { call });
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    assert_eq!(header(&ok, "Contact"), Some(CONTACT));
    phone.request("ACK", 1, "focus", Some(&tag_of(&ok)), "", "");
    world.order(BOB, hold(call));
    let reinvite = phone.expect(&mut world, "INVITE");
    assert_eq!(header(&reinvite, "Contact"), Some(CONTACT));
}

#[test]
fn the_invite_that_we_place_carries_it_and_the_peers_is_told() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    world.dial(ANN, phone.address(), |dial| {
        dial.link = Some(LINK.to_owned())
    });
    let invite = phone.expect(&mut world, "INVITE");
    assert!(body(&invite).contains(&format!("\r\nu={LINK}\r\nc=")));
    assert_eq!(
        header(&invite, "Call-Info"),
        Some(&*format!("<{LINK}>;purpose=info"))
    );
    let theirs = offer((phone.address().ip(), 4000).into())
        .replace("s=phone\r\n", "s=phone\r\nu=https://phone.example/\r\n");
    phone.respond(&invite, "200 OK", "one", &theirs);
    let link = world.until(ANN, |event| match event {
        Event::Answered { link, .. } => Some(link.clone()),
        _ => None,
    });
    assert_eq!(link.as_deref(), Some("https://phone.example/"));
}

#[test]
fn what_is_no_link_gets_into_no_message() {
    let mut world = World::pair();
    let here = world.dial(ANN, world.address(BOB), |_| ());
    let call = world.incoming(BOB).call;
    for wrong in [
        "",
        "http://a/\r\na=inactive",
        "http://a/>;purpose=icon",
        "http://a/b c",
    ] {
        let link = Some(wrong.to_owned());
        let headers = Vec::new();
        let error = world.signaling(
            BOB,
            SignalingCommand::Answer {
                call,
                headers,
                link,
            },
        );
        assert_eq!(error.unwrap_err(), format!("{wrong:?} is no link"));
    }
    world.answer(BOB, call).unwrap();
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn without_a_link_no_word_of_one() {
    let mut world = World::pair();
    let phone = Phone::new(&world, ANN);
    world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    assert!(!body(&invite).contains("\nu="));
    assert_eq!(header(&invite, "Call-Info"), None);
}

#[test]
fn all_addresses_are_the_one_at_which_the_call_arrived() {
    let mut world = World::pair();
    let phone = Phone::new(&world, BOB);
    phone.request(
        "INVITE",
        1,
        "at",
        None,
        "",
        &offer((phone.address().ip(), 4000).into()),
    );
    let call = world.incoming(BOB).call;
    world.accept(BOB, call);
    let ok = phone.expect(&mut world, "SIP/2.0 200");
    assert_eq!(header(&ok, "Contact"), Some("<sip:standup@10.0.0.2:5060>"));
    assert!(body(&ok).contains("\r\nc=IN IP4 10.0.0.2\r\n"));
    assert!(!ok.contains("0.0.0.0"));
}

#[test]
fn an_advertised_address_takes_its_place_everywhere() {
    let config = EngineConfig {
        advertised_address: Some("203.0.113.7".parse().unwrap()),
        ..EngineConfig::default()
    };
    let mut world = World::new(0, LinkQuality::default(), [config]);
    let phone = Phone::new(&world, ANN);
    world.dial(ANN, phone.address(), |_| ());
    let invite = phone.expect(&mut world, "INVITE");
    assert_eq!(
        header(&invite, "Contact"),
        Some("<sip:sems@203.0.113.7:5060>")
    );
    assert!(
        header(&invite, "Via")
            .unwrap()
            .starts_with("SIP/2.0/UDP 203.0.113.7:5060;")
    );
    assert!(
        header(&invite, "From")
            .unwrap()
            .starts_with("\"Ann\" <sip:sems@203.0.113.7>;tag=")
    );
    assert!(body(&invite).contains("\r\nc=IN IP4 203.0.113.7\r\n"));
    assert!(!invite.contains("10.0.0.1"));
}
