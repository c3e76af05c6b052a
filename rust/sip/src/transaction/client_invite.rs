//! INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).

use std::time::Duration;

use super::{Action, Actions, Timer, TimerValues};
use crate::StatusCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    Accepted,
    Completed,
    Terminated,
}

/// The machine of an INVITE that we sent.
#[derive(Clone, Debug)]
pub(crate) struct ClientInvite {
    state: State,
    reliable: bool,
    /// The value of Timer A.
    a: Duration,
    /// Nobody wants it any more: Timer B bounds its whole life.
    given_up: bool,
}

impl ClientInvite {
    pub(crate) fn start(reliable: bool, values: &TimerValues) -> (Self, Actions) {
        let machine = Self {
            state: State::Calling,
            reliable,
            a: values.t1,
            given_up: false,
        };
        let mut actions = Actions::new();
        actions.push(Action::Send);
        if !reliable {
            actions.push(Action::Start(Timer::A, machine.a));
        }
        actions.push(Action::Start(Timer::B, values.give_up()));
        (machine, actions)
    }

    pub(crate) fn response(&mut self, status: StatusCode, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        match self.state {
            State::Calling | State::Proceeding if status.is_provisional() => {
                if self.state == State::Calling {
                    self.state = State::Proceeding;
                    actions.push(Action::Stop(Timer::A));
                    actions.push(match self.given_up {
                        // From here on it has the time that it has after a CANCEL (§9.1).
                        true => Action::Start(Timer::B, values.give_up()),
                        false => Action::Stop(Timer::B),
                    });
                }
                actions.push(Action::Deliver);
            }
            State::Calling | State::Proceeding if status.is_success() => {
                self.state = State::Accepted;
                actions.extend([
                    Action::Stop(Timer::A),
                    Action::Stop(Timer::B),
                    Action::Start(Timer::M, values.give_up()),
                    Action::Deliver,
                ]);
            }
            State::Calling | State::Proceeding => {
                actions.extend([
                    Action::Stop(Timer::A),
                    Action::Stop(Timer::B),
                    Action::SendAck,
                    Action::Deliver,
                ]);
                if self.reliable {
                    self.state = State::Terminated;
                    actions.push(Action::Terminate);
                } else {
                    self.state = State::Completed;
                    actions.push(Action::Start(Timer::D, values.d()));
                }
            }
            State::Accepted if status.is_success() => actions.push(Action::Deliver),
            State::Completed if status.is_failure() => actions.push(Action::SendAck),
            State::Accepted | State::Completed | State::Terminated => {}
        }
        actions
    }

    /// The INVITE was cancelled, or its session is over: from now on it doesn't wait for ever
    /// (§9.1).
    pub(crate) fn give_up(&mut self, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        if !self.given_up && self.state == State::Proceeding {
            actions.push(Action::Start(Timer::B, values.give_up()));
        }
        self.given_up = true;
        actions
    }

    pub(crate) fn timer(&mut self, timer: Timer) -> Actions {
        let mut actions = Actions::new();
        match (self.state, timer) {
            (State::Calling, Timer::A) => {
                self.a *= 2;
                actions.extend([Action::Send, Action::Start(Timer::A, self.a)]);
            }
            (State::Calling | State::Proceeding, Timer::B) => {
                self.state = State::Terminated;
                actions.extend([Action::Timeout, Action::Terminate]);
            }
            (State::Completed, Timer::D) | (State::Accepted, Timer::M) => {
                self.state = State::Terminated;
                actions.push(Action::Terminate);
            }
            _ => {}
        }
        actions
    }

    pub(crate) fn transport_error(&mut self) -> Actions {
        let mut actions = Actions::new();
        if self.state == State::Calling {
            self.state = State::Terminated;
            actions.extend([Action::Unreachable, Action::Terminate]);
        }
        actions
    }

    /// Whether a provisional response has come and no final one: only then may CANCEL be sent.
    pub(crate) fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: TimerValues = TimerValues {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
    };
    const B: Duration = Duration::from_secs(32);

    fn started() -> ClientInvite {
        ClientInvite::start(false, &VALUES).0
    }

    #[test]
    fn the_invite_is_sent_at_once_and_again_at_doubling_intervals_without_end() {
        let (mut machine, actions) = ClientInvite::start(false, &VALUES);
        let start_a = |ms| Action::Start(Timer::A, Duration::from_millis(ms));
        assert_eq!(
            actions[..],
            [Action::Send, start_a(500), Action::Start(Timer::B, B)]
        );
        for ms in [1000, 2000, 4000, 8000, 16000, 32000] {
            assert_eq!(machine.timer(Timer::A)[..], [Action::Send, start_a(ms)]);
        }
    }

    #[test]
    fn a_reliable_transport_is_not_helped() {
        let (_, actions) = ClientInvite::start(true, &VALUES);
        assert_eq!(actions[..], [Action::Send, Action::Start(Timer::B, B)]);
    }

    #[test]
    fn without_any_response_timer_b_ends_it() {
        let mut machine = started();
        assert_eq!(
            machine.timer(Timer::B)[..],
            [Action::Timeout, Action::Terminate]
        );
        assert!(machine.response(StatusCode::OK, &VALUES).is_empty());
    }

    #[test]
    fn a_provisional_response_ends_the_repetitions_and_the_wait() {
        let mut machine = started();
        assert_eq!(
            machine.response(StatusCode::TRYING, &VALUES)[..],
            [
                Action::Stop(Timer::A),
                Action::Stop(Timer::B),
                Action::Deliver
            ]
        );
        assert_eq!(
            machine.response(StatusCode::RINGING, &VALUES)[..],
            [Action::Deliver]
        );
        assert!(machine.timer(Timer::A).is_empty());
    }

    #[test]
    fn a_failure_is_acknowledged_each_time_and_told_once() {
        let mut machine = started();
        assert_eq!(
            machine.response(StatusCode::BUSY_HERE, &VALUES)[2..],
            [
                Action::SendAck,
                Action::Deliver,
                Action::Start(Timer::D, Duration::from_secs(32))
            ]
        );
        assert_eq!(
            machine.response(StatusCode::BUSY_HERE, &VALUES)[..],
            [Action::SendAck]
        );
        assert!(machine.response(StatusCode::OK, &VALUES).is_empty());
        assert!(machine.response(StatusCode::RINGING, &VALUES).is_empty());
        assert_eq!(machine.timer(Timer::D)[..], [Action::Terminate]);
    }

    #[test]
    fn every_2xx_is_told_until_timer_m() {
        let mut machine = started();
        let actions = machine.response(StatusCode::OK, &VALUES);
        assert_eq!(actions[2..], [Action::Start(Timer::M, B), Action::Deliver]);
        assert_eq!(
            machine.response(StatusCode::OK, &VALUES)[..],
            [Action::Deliver]
        );
        assert!(machine.response(StatusCode::BUSY_HERE, &VALUES).is_empty());
        assert_eq!(machine.timer(Timer::M)[..], [Action::Terminate]);
        assert!(machine.response(StatusCode::OK, &VALUES).is_empty());
    }

    #[test]
    fn a_cancelled_invite_without_final_response_ends_after_64_t1() {
        let mut machine = started();
        machine.response(StatusCode::RINGING, &VALUES);
        assert_eq!(machine.give_up(&VALUES)[..], [Action::Start(Timer::B, B)]);
        assert_eq!(
            machine.timer(Timer::B)[..],
            [Action::Timeout, Action::Terminate]
        );
    }

    #[test]
    fn an_invite_given_up_before_any_response_has_its_time_from_the_first_that_comes() {
        let mut machine = started();
        assert!(machine.give_up(&VALUES).is_empty());
        assert_eq!(
            machine.response(StatusCode::RINGING, &VALUES)[..],
            [
                Action::Stop(Timer::A),
                Action::Start(Timer::B, VALUES.give_up()),
                Action::Deliver
            ]
        );
        assert_eq!(
            machine.response(StatusCode::RINGING, &VALUES)[..],
            [Action::Deliver]
        );
        assert_eq!(
            machine.timer(Timer::B)[..],
            [Action::Timeout, Action::Terminate]
        );
    }

    #[test]
    fn a_transport_error_counts_only_while_nothing_has_come_back() {
        let mut machine = started();
        machine.response(StatusCode::TRYING, &VALUES);
        assert!(machine.transport_error().is_empty());
        let mut machine = started();
        assert_eq!(
            machine.transport_error()[..],
            [Action::Unreachable, Action::Terminate]
        );
    }
}
