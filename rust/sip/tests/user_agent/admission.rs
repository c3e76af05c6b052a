//! Who decides what comes in is asked about what is new, and about nothing else.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sems_sip::user_agent::{Admission, UserAgentConfig};
use sems_sip::{Flow, Method};

use crate::wire::*;

/// A door that notes who knocks, and stays closed.
#[derive(Debug)]
struct Closed(Arc<Mutex<Vec<String>>>);

impl Admission for Closed {
    fn admit(&mut self, _: Instant, _: Flow, method: &Method) -> Result<(), u32> {
        self.0.lock().unwrap().push(method.to_string());
        Err(7)
    }

    fn would_admit(&mut self, _: Instant, _: Flow) -> Result<(), u32> {
        Err(8)
    }
}

/// A user agent behind such a door, with one call in progress that came before.
fn behind_a_door() -> (Wire, String, Arc<Mutex<Vec<String>>>) {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Message],
        ..Default::default()
    });
    let session = wire.invited();
    wire.agent
        .accept(wire.now, session, Default::default(), None)
        .unwrap();
    wire.drain();
    let tag = to_tag(&wire.response());
    let asked = Arc::default();
    wire.agent
        .set_admission(Box::new(Closed(Arc::clone(&asked))));
    (wire, tag, asked)
}

#[test]
fn what_is_new_is_refused_and_nothing_is_kept_of_it() {
    let (mut wire, _, asked) = behind_a_door();
    let before = wire.agent.census();
    for method in ["INVITE", "MESSAGE"] {
        let text = request(method, &format!("z9hG4bKnew{method}"), "", "");
        wire.receive(&text.replace("call-1", "call-2"));
        let response = wire.response();
        assert_eq!(response.status.code(), 503);
        assert!(!to_tag(&response).is_empty());
        let response = sems_sip::Message::Response(response);
        assert_eq!(header(&response, sems_sip::HeaderName::RetryAfter), "7");
    }
    assert_eq!(*asked.lock().unwrap(), ["INVITE", "MESSAGE"]);
    assert_eq!(wire.agent.census(), before);
    assert_eq!(wire.agent.counters().overload, 2);
}

/// A door that is closed and open by turns.
#[derive(Debug, Default)]
struct Swinging(bool);

impl Admission for Swinging {
    fn admit(&mut self, _: Instant, _: Flow, _: &Method) -> Result<(), u32> {
        self.0 = !self.0;
        if self.0 { Err(1) } else { Ok(()) }
    }

    fn would_admit(&mut self, _: Instant, _: Flow) -> Result<(), u32> {
        Ok(())
    }
}

#[test]
fn what_was_refused_once_is_refused_however_often_it_comes() {
    let mut wire = Wire::with(UserAgentConfig {
        methods: vec![Method::Message],
        ..Default::default()
    });
    wire.agent.set_admission(Box::new(Swinging::default()));
    for method in ["INVITE", "MESSAGE"] {
        let text = request(method, &format!("z9hG4bK{method}"), "", "");
        let mut tags = Vec::new();
        // As often as it comes before its sender gives up.
        for _ in 0..3 {
            wire.receive(&text);
            let response = wire.response();
            assert_eq!(response.status.code(), 503, "{method}");
            tags.push(to_tag(&response));
            wire.now += Duration::from_secs(10);
        }
        assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
        // Who tries anew is asked about anew.
        wire.receive(&request(method, &format!("z9hG4bKnew{method}"), "", ""));
        assert!(!wire.said().contains(&"503".to_owned()), "{method}");
    }
    let counters = wire.agent.counters();
    assert_eq!((counters.overload, counters.repetitions_received), (2, 4));
}

#[test]
fn who_takes_the_place_of_a_call_is_let_in() {
    let (mut wire, tag, asked) = behind_a_door();
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    let tag = tag.replace(";tag=", "");
    let bob = |call: &str| {
        let invite = request("INVITE", &format!("z9hG4bK{call}"), "", "").replace("call-1", call);
        invite.replace("tag=ann", "tag=bob")
    };
    wire.receive(&(bob("call-bob") + &format!("Replaces: call-1;to-tag={tag};from-tag=ann\n")));
    assert!(wire.said().contains(&"100".to_owned()));
    assert!(asked.lock().unwrap().is_empty());
    // The word alone opens nothing.
    wire.receive(&(bob("call-eve") + "Replaces: call-9;to-tag=x;from-tag=y\n"));
    assert_eq!(wire.said(), ["503"]);
}

#[test]
fn what_goes_on_is_not_asked_about() {
    let (mut wire, tag, asked) = behind_a_door();
    // The INVITE once more, its ACK, a change, a text within the call, and the end.
    wire.receive(&invite(""));
    wire.receive(&request("ACK", "z9hG4bKack", &tag, ""));
    wire.receive(&numbered(
        2,
        "INVITE",
        "z9hG4bKagain",
        &tag,
        "Contact: <sip:ann@192.0.2.1>\n",
    ));
    wire.receive(&numbered(3, "MESSAGE", "z9hG4bKtext", &tag, ""));
    wire.receive(&numbered(4, "BYE", "z9hG4bKbye", &tag, ""));
    wire.receive(&numbered(5, "OPTIONS", "z9hG4bKoptions", &tag, ""));
    assert!(!wire.said().contains(&"503".to_owned()));
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn options_outside_dialogs_say_what_an_invite_would_be_told() {
    let (mut wire, _, asked) = behind_a_door();
    let options = request("OPTIONS", "z9hG4bKoptions", "", "").replace("call-1", "call-3");
    wire.receive(&options);
    let response = wire.response();
    assert_eq!(response.status.code(), 503);
    let response = sems_sip::Message::Response(response);
    assert_eq!(header(&response, sems_sip::HeaderName::RetryAfter), "8");
    assert!(asked.lock().unwrap().is_empty());
    // So also where the agent's own room is taken.
    let mut wire = Wire::with(UserAgentConfig {
        max_sessions: 0,
        ..Default::default()
    });
    wire.receive(&options);
    assert_eq!(wire.said(), ["503"]);
}
