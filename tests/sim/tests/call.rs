//! A call goes up and comes down.

use std::time::Duration;

use sems_sim::{Datagram, Pair};
use sems_sip::user_agent::{Cause, Content, Event, Reply};
use sems_sip::{Headers, StatusCode};

#[test]
fn a_call_is_offered_rung_accepted_confirmed_and_ended() {
    let mut pair = Pair::new();
    let at_a = pair
        .a
        .call(pair.now, pair.b.address, Some(Content::sdp("offer")));
    assert!(pair.run_until(|p| p.b.events.iter().any(|e| matches!(e, Event::Invite { .. }))));
    let at_b = pair.b.take_invite().unwrap();

    let ringing = Reply::new(StatusCode::RINGING);
    pair.b.agent.provisional(pair.now, at_b, ringing).unwrap();
    assert!(pair.run_until(|p| {
        p.a.take(|e| matches!(e, Event::Progress { .. }).then_some(()))
            .is_some()
    }));

    let answer = Some(Content::sdp("answer"));
    pair.b
        .agent
        .accept(pair.now, at_b, Headers::new(), answer)
        .unwrap();
    assert!(pair.run_until(|p| p.b.told(at_b).up));
    assert!(pair.a.told(at_a).up);
    let body = pair.a.take(|event| match event {
        Event::Accepted { response, .. } => Some(response.body.clone()),
        _ => None,
    });
    assert_eq!(body.unwrap(), "answer");

    pair.run_for(Duration::from_secs(100));
    pair.a.agent.hangup(pair.now, at_a, Headers::new()).unwrap();
    pair.run_until_idle();
    assert!(matches!(pair.b.last_cause, Some(Cause::Bye(_))));
    assert!(matches!(pair.a.last_cause, Some(Cause::Local)));
    pair.assert_nothing_is_left();

    let order: Vec<_> = pair.net.wire.iter().map(|(_, d)| first_word(d)).collect();
    assert_eq!(order, ["INVITE", "100", "180", "200", "ACK", "BYE", "200"]);
}

fn first_word(datagram: &Datagram) -> String {
    let line = datagram.start_line();
    let words: Vec<_> = line.split(' ').collect();
    match words[0] {
        "SIP/2.0" => words[1].to_owned(),
        method => method.to_owned(),
    }
}
