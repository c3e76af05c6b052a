//! Whose packets are the caller's.

use core::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use sems_rtp::latch::SILENCE;
use sems_rtp::{Latch, SequenceNumber, Ssrc, Verdict};

fn address(host: u8, port: u16) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, host), port).into()
}

/// A latch, a clock, and the sequence of each source.
struct Port {
    latch: Latch,
    now: Instant,
    sequences: std::collections::HashMap<(SocketAddr, u32), u16>,
}

impl Port {
    fn new(behind_nat: bool) -> Port {
        let latch = Latch::new(address(1, 4000), behind_nat);
        Port {
            latch,
            now: Instant::now(),
            sequences: Default::default(),
        }
    }

    fn send(&mut self, from: SocketAddr, ssrc: u32) -> Verdict {
        let sequence = self.sequences.entry((from, ssrc)).or_insert(65_530);
        *sequence = sequence.wrapping_add(1);
        self.latch
            .accept(self.now, from, Ssrc(ssrc), SequenceNumber(*sequence))
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

#[test]
fn until_something_comes_packets_go_to_the_signalled_address() {
    let port = Port::new(false);
    assert!(!port.latch.is_latched());
    assert_eq!(port.latch.destination(), address(1, 4000));
}

#[test]
fn two_packets_from_any_port_of_the_signalled_address_latch() {
    let mut port = Port::new(false);
    assert_eq!(port.send(address(1, 5555), 9), Verdict::Trial);
    assert_eq!(port.latch.destination(), address(1, 4000));
    assert_eq!(port.send(address(1, 5555), 9), Verdict::Latched);
    assert_eq!(port.latch.destination(), address(1, 5555));
    assert_eq!(port.send(address(1, 5555), 9), Verdict::Accept);
}

#[test]
fn another_host_never_latches_unless_signalling_showed_nat() {
    let mut port = Port::new(false);
    for _ in 0..100 {
        assert_eq!(port.send(address(2, 4000), 9), Verdict::Foreign);
        port.pass(SILENCE);
    }
    let mut port = Port::new(true);
    assert_eq!(port.send(address(2, 7000), 9), Verdict::Trial);
    assert_eq!(port.send(address(2, 7000), 9), Verdict::Latched);
    assert_eq!(port.latch.destination(), address(2, 7000));
}

#[test]
fn a_run_needs_one_source_and_a_rising_sequence() {
    let mut port = Port::new(false);
    let from = address(1, 4000);
    assert_eq!(
        port.latch
            .accept(port.now, from, Ssrc(1), SequenceNumber(10)),
        Verdict::Trial
    );
    assert_eq!(
        port.latch
            .accept(port.now, from, Ssrc(2), SequenceNumber(11)),
        Verdict::Trial
    );
    assert_eq!(
        port.latch
            .accept(port.now, from, Ssrc(1), SequenceNumber(10)),
        Verdict::Trial
    );
    assert_eq!(
        port.latch
            .accept(port.now, from, Ssrc(1), SequenceNumber(9)),
        Verdict::Trial
    );
    assert_eq!(
        port.latch
            .accept(port.now, from, Ssrc(1), SequenceNumber(500)),
        Verdict::Trial
    );
    assert_eq!(
        port.latch
            .accept(port.now, from, Ssrc(1), SequenceNumber(502)),
        Verdict::Latched
    );
}

#[test]
fn strays_between_the_callers_packets_dont_keep_it_from_latching() {
    let mut port = Port::new(true);
    assert_eq!(port.send(address(1, 4000), 9), Verdict::Trial);
    for stray in 0..3 {
        assert_eq!(port.send(address(9, 1000 + stray), 8), Verdict::Trial);
    }
    assert_eq!(port.send(address(1, 4000), 9), Verdict::Latched);
}

#[test]
fn a_second_source_gets_in_neither_from_the_same_host_nor_through_nat() {
    let mut port = Port::new(true);
    port.send(address(1, 4000), 9);
    port.send(address(1, 4000), 9);
    for _ in 0..500 {
        port.pass(Duration::from_millis(20));
        assert_eq!(port.send(address(1, 4000), 9), Verdict::Accept);
        assert_eq!(port.send(address(1, 4002), 7), Verdict::Foreign);
        assert_eq!(port.send(address(3, 4000), 7), Verdict::Foreign);
    }
    assert_eq!(port.latch.destination(), address(1, 4000));
}

#[test]
fn a_new_ssrc_from_the_latched_address_is_the_caller_still() {
    let mut port = Port::new(false);
    port.send(address(1, 4000), 9);
    port.send(address(1, 4000), 9);
    assert_eq!(port.send(address(1, 4000), 10), Verdict::Accept);
}

#[test]
fn a_caller_who_moves_is_followed_after_a_silence() {
    let mut port = Port::new(false);
    port.send(address(1, 4000), 9);
    port.send(address(1, 4000), 9);
    port.pass(SILENCE - Duration::from_millis(1));
    assert_eq!(port.send(address(1, 4100), 9), Verdict::Foreign);
    port.pass(Duration::from_millis(1));
    assert_eq!(port.send(address(1, 4100), 9), Verdict::Trial);
    assert_eq!(port.send(address(1, 4100), 9), Verdict::Latched);
    assert_eq!(port.send(address(1, 4000), 9), Verdict::Foreign);
}

#[test]
fn a_source_that_was_latched_before_has_to_prove_itself_again() {
    let mut port = Port::new(false);
    for source_port in [4000, 4100] {
        port.pass(SILENCE);
        assert_eq!(port.send(address(1, source_port), 9), Verdict::Trial);
        assert_eq!(port.send(address(1, source_port), 9), Verdict::Latched);
    }
    port.pass(SILENCE);
    assert_eq!(port.send(address(1, 4000), 9), Verdict::Trial);
}

#[test]
fn a_source_that_comes_back_in_time_keeps_its_place() {
    let mut port = Port::new(false);
    port.send(address(1, 4000), 9);
    port.send(address(1, 4000), 9);
    port.pass(SILENCE);
    assert_eq!(port.send(address(1, 4100), 8), Verdict::Trial);
    assert_eq!(port.send(address(1, 4000), 9), Verdict::Accept);
    assert_eq!(port.send(address(1, 4100), 8), Verdict::Foreign);
}

#[test]
fn a_new_offer_moves_the_media_at_once() {
    let mut port = Port::new(false);
    port.send(address(1, 4000), 9);
    port.send(address(1, 4000), 9);
    port.latch.reoffer(address(2, 6000), false);
    assert_eq!(port.latch.destination(), address(2, 6000));
    assert_eq!(port.send(address(1, 4000), 9), Verdict::Foreign);
    assert_eq!(port.send(address(2, 6000), 5), Verdict::Trial);
    assert_eq!(port.send(address(2, 6000), 5), Verdict::Latched);
}

#[test]
fn a_refresh_that_changes_nothing_opens_no_door() {
    let mut port = Port::new(true);
    port.send(address(5, 7000), 9);
    port.send(address(5, 7000), 9);
    port.latch.reoffer(address(1, 4000), true);
    assert_eq!(port.latch.destination(), address(5, 7000));
    assert_eq!(port.send(address(6, 7000), 8), Verdict::Foreign);
    assert_eq!(port.send(address(5, 7000), 9), Verdict::Accept);
}

#[test]
fn control_packets_are_the_callers_when_they_come_from_its_host() {
    let mut port = Port::new(true);
    assert!(port.latch.is_peer(address(1, 0).ip()));
    port.send(address(5, 7000), 9);
    port.send(address(5, 7000), 9);
    assert!(port.latch.is_peer(address(5, 7001).ip()));
    assert!(!port.latch.is_peer(address(1, 4001).ip()));
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_the_same_address() {
    let mut port = Port::new(false);
    let mapped: SocketAddr = (Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped(), 4000).into();
    assert_eq!(port.send(mapped, 9), Verdict::Trial);
    assert_eq!(port.send(mapped, 9), Verdict::Latched);
}

proptest! {
    /// While the caller is heard at least once in the time of a silence, nobody else is.
    #[test]
    fn a_latched_call_cannot_be_stolen(
        behind_nat in any::<bool>(),
        intruders in prop::collection::vec(
            (0u8..4, 3998u16..4003, 0u32..3, any::<u16>(), 0u64..100), 0..400),
    ) {
        let mut port = Port::new(behind_nat);
        let caller = address(1, 4000);
        port.send(caller, 9);
        port.send(caller, 9);
        let mut unheard = Duration::ZERO;
        for (host, source_port, ssrc, sequence, pause) in intruders {
            let pause = Duration::from_millis(pause);
            if unheard + pause >= SILENCE {
                prop_assert_eq!(port.send(caller, 9), Verdict::Accept);
                unheard = Duration::ZERO;
            }
            port.pass(pause);
            unheard += pause;
            let from = address(host, source_port);
            if from != caller {
                let verdict =
                    port.latch.accept(port.now, from, Ssrc(ssrc), SequenceNumber(sequence));
                prop_assert_eq!(verdict, Verdict::Foreign);
            }
            prop_assert_eq!(port.latch.destination(), caller);
        }
    }
}
