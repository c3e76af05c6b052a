//! INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).

use std::time::Duration;

use super::{Action, Actions, Timer, TimerValues};
use crate::StatusCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Proceeding,
    Accepted,
    Completed,
    Confirmed,
    Terminated,
}

/// The machine of an INVITE that we received.
#[derive(Clone, Debug)]
pub(crate) struct ServerInvite {
    state: State,
    reliable: bool,
    /// The value of Timer G.
    g: Duration,
}

impl ServerInvite {
    pub(crate) fn start(reliable: bool, values: &TimerValues) -> Self {
        Self {
            state: State::Proceeding,
            reliable,
            g: values.t1,
        }
    }

    /// The INVITE came again.
    pub(crate) fn repetition(&mut self) -> Actions {
        let mut actions = Actions::new();
        if matches!(self.state, State::Proceeding | State::Completed) {
            actions.push(Action::Send);
        }
        actions
    }

    /// The transaction user answers. Where the state allows no such answer nothing happens.
    pub(crate) fn respond(&mut self, status: StatusCode, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        if self.state != State::Proceeding {
            return actions;
        }
        actions.push(Action::Send);
        if status.is_success() {
            self.state = State::Accepted;
            actions.push(Action::Start(Timer::L, values.give_up()));
        } else if status.is_failure() {
            self.state = State::Completed;
            if !self.reliable {
                actions.push(Action::Start(Timer::G, self.g));
            }
            actions.push(Action::Start(Timer::H, values.give_up()));
        }
        actions
    }

    /// An ACK with the INVITE's branch came.
    pub(crate) fn ack(&mut self, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        if self.state == State::Completed {
            actions.extend([Action::Stop(Timer::G), Action::Stop(Timer::H)]);
            if self.reliable {
                self.state = State::Terminated;
                actions.push(Action::Terminate);
            } else {
                self.state = State::Confirmed;
                actions.push(Action::Start(Timer::I, values.t4));
            }
        }
        actions
    }

    pub(crate) fn timer(&mut self, timer: Timer, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        match (self.state, timer) {
            (State::Completed, Timer::G) => {
                self.g = values.backed_off(self.g);
                actions.extend([Action::Send, Action::Start(Timer::G, self.g)]);
            }
            (State::Completed, Timer::H)
            | (State::Confirmed, Timer::I)
            | (State::Accepted, Timer::L) => {
                self.state = State::Terminated;
                actions.push(Action::Terminate);
            }
            _ => {}
        }
        actions
    }

    /// Whether it got a 2xx, so that its ACK is a matter of the dialog.
    pub(crate) fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// Whether the final response is still to be given.
    pub(crate) fn is_open(&self) -> bool {
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
    const H: Duration = Duration::from_secs(32);

    fn started() -> ServerInvite {
        ServerInvite::start(false, &VALUES)
    }

    #[test]
    fn a_repeated_invite_gets_the_last_provisional_response_again() {
        let mut machine = started();
        assert_eq!(
            machine.respond(StatusCode::RINGING, &VALUES)[..],
            [Action::Send]
        );
        assert_eq!(machine.repetition()[..], [Action::Send]);
        assert!(machine.is_open());
    }

    #[test]
    fn a_failure_is_repeated_up_to_every_t2_until_ack_or_timer_h() {
        let mut machine = started();
        let start_g = |ms| Action::Start(Timer::G, Duration::from_millis(ms));
        assert_eq!(
            machine.respond(StatusCode::BUSY_HERE, &VALUES)[..],
            [Action::Send, start_g(500), Action::Start(Timer::H, H)]
        );
        for ms in [1000, 2000, 4000, 4000] {
            assert_eq!(
                machine.timer(Timer::G, &VALUES)[..],
                [Action::Send, start_g(ms)]
            );
        }
        assert_eq!(machine.repetition()[..], [Action::Send]);
        assert_eq!(machine.timer(Timer::H, &VALUES)[..], [Action::Terminate]);
    }

    #[test]
    fn an_ack_ends_the_repetitions_and_further_acks_are_swallowed_for_t4() {
        let mut machine = started();
        machine.respond(StatusCode::BUSY_HERE, &VALUES);
        assert_eq!(
            machine.ack(&VALUES)[..],
            [
                Action::Stop(Timer::G),
                Action::Stop(Timer::H),
                Action::Start(Timer::I, VALUES.t4)
            ]
        );
        assert!(machine.ack(&VALUES).is_empty());
        assert!(machine.repetition().is_empty());
        assert!(machine.timer(Timer::G, &VALUES).is_empty());
        assert_eq!(machine.timer(Timer::I, &VALUES)[..], [Action::Terminate]);
    }

    #[test]
    fn over_a_reliable_transport_nothing_is_repeated_and_the_ack_ends_it() {
        let mut machine = ServerInvite::start(true, &VALUES);
        assert_eq!(
            machine.respond(StatusCode::BUSY_HERE, &VALUES)[..],
            [Action::Send, Action::Start(Timer::H, H)]
        );
        assert!(machine.ack(&VALUES).contains(&Action::Terminate));
    }

    #[test]
    fn after_a_2xx_repeated_invites_are_swallowed_until_timer_l() {
        let mut machine = started();
        assert_eq!(
            machine.respond(StatusCode::OK, &VALUES)[..],
            [Action::Send, Action::Start(Timer::L, H)]
        );
        assert!(machine.repetition().is_empty());
        assert!(machine.ack(&VALUES).is_empty());
        assert_eq!(machine.timer(Timer::L, &VALUES)[..], [Action::Terminate]);
    }

    #[test]
    fn there_is_only_one_final_response() {
        for first in [StatusCode::OK, StatusCode::BUSY_HERE] {
            let mut machine = started();
            machine.respond(first, &VALUES);
            assert!(machine.respond(StatusCode::DECLINE, &VALUES).is_empty());
            assert!(machine.respond(StatusCode::OK, &VALUES).is_empty());
            assert!(machine.respond(StatusCode::RINGING, &VALUES).is_empty());
        }
    }
}
