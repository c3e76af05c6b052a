//! What happens when something in the engine itself fails.

use std::time::Duration;

use crate::{
    command::{Dial, SignalingCommand},
    config::EngineConfig,
    event::{EndCause, Event},
    handle::Engine,
    ids::CallId,
    transport::memory::{LinkQuality, MemoryNetwork},
};

/// Two engines with calls between them.
struct Pair {
    engines: [Engine; 2],
    now: Duration,
}

impl Pair {
    fn new() -> Self {
        let network = MemoryNetwork::new(0, LinkQuality::default());
        let engines =
            [(); 2].map(|()| Engine::start_virtual(EngineConfig::default(), &network).unwrap());
        Self {
            engines,
            now: Duration::ZERO,
        }
    }

    /// Lets 100 ms pass, and tells what was told.
    fn run(&mut self) -> [Vec<Event>; 2] {
        for _ in 0..100 {
            self.now += Duration::from_millis(1);
            for engine in &self.engines {
                engine.step(self.now).unwrap();
            }
        }
        [self.engines[0].events(), self.engines[1].events()]
    }

    /// The first calls the second; tells what was told within 100 ms.
    fn dial(&mut self) -> (CallId, [Vec<Event>; 2]) {
        let [ann, bob] = &self.engines;
        let destinations = vec![bob.sip_addresses()[0].into()];
        let dial = Dial::new(ann.new_call(), "sip:bob@10.0.0.2", destinations);
        let here = dial.call;
        ann.signaling(SignalingCommand::Dial(Box::new(dial)))
            .unwrap();
        (here, self.run())
    }

    /// A call from the first to the second.
    fn call(&mut self) -> [CallId; 2] {
        let (here, [_, told]) = self.dial();
        let there = told.iter().find_map(|event| match event {
            Event::Incoming(incoming) => Some(incoming.call),
            _ => None,
        });
        let there = there.unwrap();
        let answer = SignalingCommand::Answer {
            call: there,
            headers: Vec::new(),
            link: None,
        };
        self.engines[1].signaling(answer).unwrap();
        self.run();
        [here, there]
    }

    fn gauges(&self, engine: usize) -> [u64; 3] {
        let stats = self.engines[engine].stats();
        ["calls", "sessions", "legs"].map(|gauge| stats[gauge])
    }
}

fn end_of(call: CallId, told: &[Event]) -> Option<(EndCause, String)> {
    told.iter().find_map(|event| match event {
        Event::Ended {
            call: id,
            cause,
            reason,
            ..
        } if *id == call => Some((*cause, reason.clone())),
        _ => None,
    })
}

fn faults(told: &[Event]) -> usize {
    told.iter()
        .filter(|event| matches!(event, Event::Fault { .. }))
        .count()
}

#[test]
fn a_panic_at_one_call_ends_that_call_with_a_fault_and_no_other() {
    let mut pair = Pair::new();
    let [here, there] = pair.call();
    let [other, _] = pair.call();
    let result = pair.engines[1].with_signaling(|signaling, now| {
        signaling.with(now, there, |_, _| -> u8 { panic!("on purpose") })
    });
    assert_eq!(result, None);
    let [ann, bob] = pair.run();
    assert_eq!(faults(&bob), 1);
    let internal = "internal error".to_owned();
    assert_eq!(end_of(there, &bob), Some((EndCause::Error, internal)));
    // The peer is not left waiting.
    assert_eq!(end_of(here, &ann), Some((EndCause::Remote, String::new())));
    assert_eq!(end_of(other, &ann), None);
    assert_eq!((pair.gauges(0), pair.gauges(1)), ([1; 3], [1; 3]));
}

#[test]
fn a_panic_at_a_message_is_told_and_survived() {
    let mut pair = Pair::new();
    pair.engines[1].with_signaling(|signaling, _| signaling.contain(|_| panic!("on purpose")));
    let [_, bob] = pair.run();
    assert_eq!(faults(&bob), 1);
    pair.call();
    assert_eq!(pair.gauges(1), [1; 3]);
}

#[test]
fn a_call_whose_room_has_failed_is_hung_up() {
    let mut pair = Pair::new();
    let [here, there] = pair.call();
    pair.engines[1].fail(there);
    let [ann, bob] = pair.run();
    let reason = "the call's room has failed".to_owned();
    assert_eq!(end_of(there, &bob), Some((EndCause::Error, reason)));
    assert_eq!(end_of(here, &ann), Some((EndCause::Remote, String::new())));
    assert_eq!((pair.gauges(0), pair.gauges(1)), ([0; 3], [0; 3]));
}

#[test]
fn while_the_media_have_no_time_left_calls_are_refused_and_that_lifts_by_itself() {
    let mut pair = Pair::new();
    let [here, there] = pair.call();
    // Bob's worker says that it is busy nearly all the time, for five seconds.
    let mut told = Vec::new();
    for _ in 0..50 {
        pair.engines[1].with_signaling(|signaling, _| {
            signaling.legs.counters()[0].busy_ns.add(95_000_000);
        });
        told.extend(pair.run().into_iter().nth(1).unwrap());
    }
    let reasons: Vec<_> = (told.iter())
        .filter_map(|event| match event {
            Event::Overload { on: true, reason } => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons.len(), 1);
    assert!(
        reasons[0].starts_with("the media threads have"),
        "{reasons:?}"
    );
    assert!(pair.engines[1].stats()["headroom_percent"] < 15);
    let (refused, [ann, bob]) = pair.dial();
    assert_eq!(end_of(refused, &ann).unwrap().0, EndCause::Rejected);
    assert!(!bob.iter().any(|event| matches!(event, Event::Incoming(_))));
    let stats = pair.engines[1].stats();
    assert_eq!((stats["sip_overload_media"], stats["calls"]), (1, 1));
    // The call that was there before is still there, and others may come soon.
    (0..60).for_each(|_| drop(pair.run()));
    assert_eq!(pair.engines[1].stats()["headroom_percent"], 100);
    pair.call();
    assert_eq!(pair.gauges(1), [2; 3]);
    pair.engines[0]
        .signaling(SignalingCommand::Hangup {
            call: here,
            reason: None,
        })
        .unwrap();
    let [_, bob] = pair.run();
    assert!(end_of(there, &bob).is_some());
}
