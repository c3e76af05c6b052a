//! Requests beside calls: who answers them, and when.

use std::time::Duration;

use sems_engine::{
    command::SignalingCommand,
    config::{EngineConfig, Taken},
    event::Event,
    request::{Content, FinalResponse, IncomingRequest, OutgoingRequest, Recipient},
    transport::memory::LinkQuality,
};

use crate::{
    phone::{Phone, body, header},
    world::{ANN, BOB, World, seconds},
};

/// Two engines whose Python takes MESSAGE and is slow after 300 ms.
fn world() -> World {
    let config = EngineConfig {
        methods: vec![Taken {
            method: "MESSAGE".to_owned(),
            code: 202,
            after: Duration::from_millis(300),
        }],
        ..EngineConfig::default()
    };
    World::new(0, LinkQuality::default(), [config.clone(), config])
}

fn text(recipient: Recipient) -> SignalingCommand {
    SignalingCommand::Request(Box::new(OutgoingRequest {
        method: "MESSAGE".to_owned(),
        recipient,
        headers: vec![("Subject".to_owned(), "test".to_owned())],
        content: Some(Content {
            kind: "text/plain".to_owned(),
            body: b"hello".to_vec(),
        }),
    }))
}

fn asked(world: &mut World, who: usize) -> IncomingRequest {
    world.until(who, |event| match event {
        Event::Request(request) => Some((**request).clone()),
        _ => None,
    })
}

fn answer(world: &mut World, who: usize) -> FinalResponse {
    world.until(who, |event| match event {
        Event::Response { response, .. } => Some((**response).clone()),
        _ => None,
    })
}

fn respond(request: &IncomingRequest, code: u16) -> SignalingCommand {
    SignalingCommand::Respond {
        transaction: request.transaction,
        response: Box::new(FinalResponse {
            code,
            reason: None,
            headers: Vec::new(),
            content: None,
        }),
    }
}

#[test]
fn a_request_in_a_call_is_told_with_the_call_and_answered_once() {
    let mut world = world();
    let (here, there) = world.call();
    world.order(ANN, text(Recipient::Call(here)));
    let request = asked(&mut world, BOB);
    assert_eq!(request.call, Some(there));
    assert_eq!(
        (request.method.as_str(), &*request.body),
        ("MESSAGE", &b"hello"[..])
    );
    assert!(
        request
            .headers
            .contains(&("Subject".to_owned(), "test".to_owned()))
    );
    world.signaling(BOB, respond(&request, 200)).unwrap();
    assert_eq!(answer(&mut world, ANN).code, 200);
    let again = world.signaling(BOB, respond(&request, 200));
    assert_eq!(again.unwrap_err(), "the request has been answered already");
    world.hang_up(ANN, here);
    world.assert_nothing_left();
}

#[test]
fn what_python_does_not_answer_in_time_is_answered_before_it_is_repeated() {
    let mut world = world();
    let to = world.address(BOB);
    let recipient = Recipient::Other {
        uri: format!("sip:bob@{to}"),
        from_name: String::new(),
        from_uri: String::new(),
        destinations: vec![to.into()],
        route: Vec::new(),
        credentials: Default::default(),
    };
    world.order(ANN, text(recipient));
    let began = world.now;
    let request = asked(&mut world, BOB);
    assert_eq!(request.call, None);
    assert_eq!(answer(&mut world, ANN).code, 202);
    assert!(world.now - began < Duration::from_millis(310));
    assert_eq!(world.engine(BOB).stats()["sip_repeated"], 0);
    assert!(world.signaling(BOB, respond(&request, 200)).is_err());
    world.assert_nothing_left();
}

#[test]
fn methods_that_nobody_takes_are_refused_with_those_that_are_taken() {
    let mut world = world();
    let phone = Phone::new(&world, BOB);
    phone.request("PUBLISH", 1, "publish", None, "", "");
    let refusal = phone.expect(&mut world, "SIP/2.0 405");
    assert!(header(&refusal, "Allow").unwrap().contains("MESSAGE"));
    assert_eq!(body(&refusal), "");
    assert!(world.sites[BOB].told.is_empty());
}

#[test]
fn a_request_to_nobody_is_answered_by_a_408_of_our_own() {
    let mut world = world();
    let recipient = Recipient::Other {
        uri: "sip:nobody@10.0.0.99".to_owned(),
        from_name: String::new(),
        from_uri: String::new(),
        destinations: vec!["10.0.0.99:5060".parse().unwrap()],
        route: Vec::new(),
        credentials: Default::default(),
    };
    world.order(ANN, text(recipient));
    let response = answer(&mut world, ANN);
    assert_eq!((response.code, response.headers.len()), (408, 0));
    world.assert_nothing_left();
}

#[test]
fn a_request_can_not_be_sent_in_a_call_that_is_over() {
    let mut world = world();
    let (here, there) = world.call();
    world.hang_up(BOB, there);
    world.run(seconds(1));
    let error = world.signaling(ANN, text(Recipient::Call(here)));
    assert_eq!(error.unwrap_err(), "there is no such call");
}
