//! Server transaction of a request other than INVITE (RFC 3261 §17.2.2, RFC 4320).

use super::{Action, Actions, Timer, TimerValues};
use crate::StatusCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// The machine of a request, not an INVITE, that we received.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    state: State,
    reliable: bool,
}

impl Server {
    pub(crate) fn start(reliable: bool, values: &TimerValues) -> (Self, Actions) {
        let mut actions = Actions::new();
        actions.push(Action::Start(Timer::Trying, values.until_trying()));
        actions.push(Action::Start(Timer::F, values.give_up()));
        let state = State::Trying;
        (Self { state, reliable }, actions)
    }

    /// The request came again.
    pub(crate) fn repetition(&mut self) -> Actions {
        let mut actions = Actions::new();
        if matches!(self.state, State::Proceeding | State::Completed) {
            actions.push(Action::Send);
        }
        actions
    }

    /// The transaction user answers with a final response. Provisional ones other than the 100 of
    /// [`Timer::Trying`] are not allowed (RFC 4320 §4.1).
    pub(crate) fn respond(&mut self, status: StatusCode, values: &TimerValues) -> Actions {
        let mut actions = Actions::new();
        if status.is_final() && self.is_open() {
            actions.extend([
                Action::Send,
                Action::Stop(Timer::Trying),
                Action::Stop(Timer::F),
            ]);
            if self.reliable {
                self.state = State::Terminated;
                actions.push(Action::Terminate);
            } else {
                self.state = State::Completed;
                actions.push(Action::Start(Timer::J, values.give_up()));
            }
        }
        actions
    }

    pub(crate) fn timer(&mut self, timer: Timer) -> Actions {
        let mut actions = Actions::new();
        match (self.state, timer) {
            (State::Trying, Timer::Trying) => {
                self.state = State::Proceeding;
                actions.push(Action::SendTrying);
            }
            (State::Trying | State::Proceeding, Timer::F) | (State::Completed, Timer::J) => {
                self.state = State::Terminated;
                actions.push(Action::Terminate);
            }
            _ => {}
        }
        actions
    }

    /// Whether the final response is still to be given.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const VALUES: TimerValues = TimerValues {
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
    };
    const J: Duration = Duration::from_secs(32);

    #[test]
    fn a_repeated_request_is_swallowed_until_there_is_an_answer_and_then_gets_it_again() {
        let (mut machine, _) = Server::start(false, &VALUES);
        assert!(machine.repetition().is_empty());
        let actions = machine.respond(StatusCode::OK, &VALUES);
        assert_eq!(actions[0], Action::Send);
        assert_eq!(actions[3], Action::Start(Timer::J, J));
        assert_eq!(machine.repetition()[..], [Action::Send]);
        assert!(machine.respond(StatusCode::NOT_FOUND, &VALUES).is_empty());
        assert_eq!(machine.timer(Timer::J)[..], [Action::Terminate]);
    }

    #[test]
    fn a_100_is_sent_only_once_timer_e_has_reached_t2() {
        let (mut machine, actions) = Server::start(false, &VALUES);
        let trying = Action::Start(Timer::Trying, Duration::from_millis(3500));
        assert_eq!(actions[..], [trying, Action::Start(Timer::F, J)]);
        assert!(machine.respond(StatusCode::TRYING, &VALUES).is_empty());
        assert!(machine.respond(StatusCode::RINGING, &VALUES).is_empty());
        assert_eq!(machine.timer(Timer::Trying)[..], [Action::SendTrying]);
        assert_eq!(machine.repetition()[..], [Action::Send]);
    }

    #[test]
    fn no_answer_is_sent_once_the_client_has_given_up() {
        let (mut machine, _) = Server::start(false, &VALUES);
        assert_eq!(machine.timer(Timer::F)[..], [Action::Terminate]);
        assert!(machine.respond(StatusCode::OK, &VALUES).is_empty());
    }

    #[test]
    fn over_a_reliable_transport_the_answer_ends_it() {
        let (mut machine, _) = Server::start(true, &VALUES);
        assert!(
            machine
                .respond(StatusCode::OK, &VALUES)
                .contains(&Action::Terminate)
        );
    }
}
