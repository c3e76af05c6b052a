//! Client transaction of a request other than INVITE (RFC 3261 §17.1.2).

use std::time::Duration;

use super::{Action, Actions, Timer, TimerValues};
use crate::StatusCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// The machine of a request, not an INVITE, that we sent.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    state: State,
    reliable: bool,
    /// The value of Timer E.
    e: Duration,
}

impl Client {
    pub(crate) fn start(reliable: bool, values: &TimerValues) -> (Self, Actions) {
        let machine = Self {
            state: State::Trying,
            reliable,
            e: values.t1,
        };
        let mut actions = Actions::new();
        actions.push(Action::Send);
        if !reliable {
            actions.push(Action::Start(Timer::E, machine.e));
        }
        actions.push(Action::Start(Timer::F, values.give_up()));
        (machine, actions)
    }

    pub(crate) fn response(&mut self, status: StatusCode, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        match self.state {
            State::Trying | State::Proceeding if status.is_provisional() => {
                self.state = State::Proceeding;
                actions.push(Action::Deliver);
            }
            State::Trying | State::Proceeding => {
                actions.extend([
                    Action::Stop(Timer::E),
                    Action::Stop(Timer::F),
                    Action::Deliver,
                ]);
                if self.reliable {
                    self.state = State::Terminated;
                    actions.push(Action::Terminate);
                } else {
                    self.state = State::Completed;
                    actions.push(Action::Start(Timer::K, values.t4));
                }
            }
            State::Completed | State::Terminated => {}
        }
        actions
    }

    pub(crate) fn timer(&mut self, timer: Timer, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        match (self.state, timer) {
            (State::Trying, Timer::E) => {
                self.e = values.backed_off(self.e);
                actions.extend([Action::Send, Action::Start(Timer::E, self.e)]);
            }
            (State::Proceeding, Timer::E) => {
                actions.extend([Action::Send, Action::Start(Timer::E, values.t2)]);
            }
            (State::Trying | State::Proceeding, Timer::F) => {
                self.state = State::Terminated;
                actions.extend([Action::Timeout, Action::Terminate]);
            }
            (State::Completed, Timer::K) => {
                self.state = State::Terminated;
                actions.push(Action::Terminate);
            }
            _ => {}
        }
        actions
    }

    pub(crate) fn transport_error(&mut self) -> Actions {
        let mut actions = Actions::new();
        if self.state == State::Trying {
            self.state = State::Terminated;
            actions.extend([Action::Unreachable, Action::Terminate]);
        }
        actions
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

    fn start_e(ms: u64) -> Action {
        Action::Start(Timer::E, Duration::from_millis(ms))
    }

    #[test]
    fn the_request_is_sent_again_at_intervals_that_double_up_to_t2() {
        let (mut machine, actions) = Client::start(false, &VALUES);
        let f = Action::Start(Timer::F, Duration::from_secs(32));
        assert_eq!(actions[..], [Action::Send, start_e(500), f]);
        for ms in [1000, 2000, 4000, 4000, 4000] {
            assert_eq!(
                machine.timer(Timer::E, &VALUES)[..],
                [Action::Send, start_e(ms)]
            );
        }
    }

    #[test]
    fn after_a_provisional_response_it_is_sent_every_t2() {
        let (mut machine, _) = Client::start(false, &VALUES);
        assert_eq!(
            machine.response(StatusCode::TRYING, &VALUES)[..],
            [Action::Deliver]
        );
        assert_eq!(
            machine.timer(Timer::E, &VALUES)[..],
            [Action::Send, start_e(4000)]
        );
    }

    #[test]
    fn timer_f_ends_the_wait_with_or_without_a_provisional_response() {
        for provisional in [false, true] {
            let (mut machine, _) = Client::start(false, &VALUES);
            if provisional {
                machine.response(StatusCode::TRYING, &VALUES);
            }
            assert_eq!(
                machine.timer(Timer::F, &VALUES)[..],
                [Action::Timeout, Action::Terminate]
            );
        }
    }

    #[test]
    fn a_final_response_is_told_once_and_its_repetitions_are_swallowed_for_t4() {
        let (mut machine, _) = Client::start(false, &VALUES);
        assert_eq!(
            machine.response(StatusCode::OK, &VALUES)[2..],
            [Action::Deliver, Action::Start(Timer::K, VALUES.t4)]
        );
        assert!(machine.response(StatusCode::OK, &VALUES).is_empty());
        assert_eq!(machine.timer(Timer::K, &VALUES)[..], [Action::Terminate]);
    }

    #[test]
    fn over_a_reliable_transport_the_final_response_ends_it() {
        let (mut machine, actions) = Client::start(true, &VALUES);
        assert!(!actions.contains(&start_e(500)));
        let actions = machine.response(StatusCode::NOT_FOUND, &VALUES);
        assert_eq!(actions[2..], [Action::Deliver, Action::Terminate]);
    }
}
