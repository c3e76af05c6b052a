//! Whatever arrives: no panic, and nothing left behind.

use proptest::prelude::*;
use sems_sip::user_agent::{Event, UserAgentConfig};
use sems_sip::{Headers, Method};

use crate::wire::{Wire, invite, numbered, request};

/// Requests and responses that are nearly right, in any order.
fn messages() -> impl Strategy<Value = String> {
    let method = prop_oneof![
        Just("INVITE"),
        Just("ACK"),
        Just("BYE"),
        Just("CANCEL"),
        Just("OPTIONS"),
        Just("MESSAGE"),
        Just("INFO"),
        Just("SUBSCRIBE"),
        Just("FOO"),
    ];
    let branch = prop_oneof![
        Just("z9hG4bKinvite"),
        Just("z9hG4bK1"),
        Just("z9hG4bK2"),
        Just("1")
    ];
    let to = prop_oneof![Just(""), Just(";tag=known"), Just(";tag=x"), Just(";tag=")];
    let extra = prop_oneof![
        Just("".to_owned()),
        Just("Require: foo".to_owned()),
        Just("Record-Route: <sip:p;lr>, <sip:192.0.2.9>".to_owned()),
        Just("Record-Route: nonsense".to_owned()),
        Just("Content-Type: application/sdp\n\nv=0".to_owned()),
        Just("Content-Length: 99999".to_owned()),
        "[A-Za-z-]{1,10}: \\PC{0,20}",
    ];
    let requests = (
        1..4u32,
        method.clone(),
        branch.clone(),
        to.clone(),
        extra.clone(),
    )
        .prop_map(|(sequence, method, branch, to, extra)| {
            numbered(sequence, method, branch, to, &extra)
        });
    let responses =
        (100..700u16, method, branch, to, extra).prop_map(|(status, method, branch, to, extra)| {
            let text = request("SIP", branch, to, &extra);
            let lines = text.split_once('\n').unwrap().1;
            format!(
                "SIP/2.0 {status} X\n{}",
                lines.replace("1 SIP", &format!("1 {method}"))
            )
        });
    prop_oneof![4 => requests, 2 => responses, 1 => "\\PC{0,60}", 1 => Just(invite(""))]
}

fn wire() -> Wire {
    Wire::with(UserAgentConfig {
        methods: vec![Method::Message, Method::Info],
        ..Default::default()
    })
}

/// Puts down every call that has come, and lets time pass.
fn end(wire: &mut Wire) {
    for event in wire.told() {
        if let Event::Invite { session, .. } = event {
            // It may have been cancelled.
            let _ = wire.agent.hangup(wire.now, session, Headers::new());
        }
    }
    wire.wait_for_the_end();
    assert!(wire.is_empty(), "{:?}", wire.agent.census());
}

proptest! {
    #[test]
    fn no_datagram_makes_it_panic_or_leaves_anything(
        datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)
    ) {
        let mut wire = wire();
        for datagram in datagrams {
            wire.agent.receive(wire.now, wire.flow, datagram.into());
            wire.drain();
        }
        end(&mut wire);
    }

    #[test]
    fn no_order_of_messages_makes_it_panic_or_leaves_anything(
        texts in prop::collection::vec((messages(), 0..3u64), 0..30),
        accepts in any::<bool>(),
    ) {
        let mut wire = wire();
        let mut tag = String::from(";tag=none");
        for (text, seconds) in texts {
            wire.receive(&text.replace(";tag=known", &tag));
            let invited = wire.events.iter().rev().find_map(|event| match event {
                Event::Invite { session, .. } => Some(*session),
                _ => None,
            });
            if let (true, Some(session)) = (accepts, invited) {
                let _ = wire.agent.accept(wire.now, session, Headers::new(), None);
                let _ = wire.agent.accept_reinvite(wire.now, session, Headers::new(), None);
                wire.drain();
            }
            for (_, _, message) in &wire.sent {
                if let Some(Ok(to)) = message.headers().get_typed::<sems_sip::header::To>()
                    && let Some(local) = to.tag()
                {
                    tag = format!(";tag={local}");
                }
            }
            wire.wait(std::time::Duration::from_secs(seconds));
        }
        end(&mut wire);
    }

    /// A datagram cut short or with a byte changed is a stranger's, however near it is.
    #[test]
    fn damaged_messages_do_no_harm(at in 0..400usize, byte in any::<u8>(), cut in any::<bool>()) {
        let mut wire = wire();
        let mut bytes = invite("Record-Route: <sip:p;lr>").replace('\n', "\r\n").into_bytes();
        bytes.extend_from_slice(b"\r\n\r\n");
        let at = at.min(bytes.len() - 1);
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        wire.agent.receive(wire.now, wire.flow, bytes.into());
        wire.drain();
        end(&mut wire);
    }
}
