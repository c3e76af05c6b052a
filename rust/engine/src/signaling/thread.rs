//! The loop that gives signaling its time, its sockets' readiness and its wake-ups.

use std::{
    os::fd::AsRawFd,
    ptr,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use super::{Ready, Signaling, pace::Pace};
use crate::{error::EngineError, queue::Wake};

/// Gives signaling a thread of its own, which ends when it is ordered to stop.
///
/// # Errors
/// [`EngineError::Start`] when the system refuses a thread.
pub(crate) fn spawn(signaling: Signaling, wake: Arc<Wake>) -> Result<JoinHandle<()>, EngineError> {
    thread::Builder::new()
        .name("sems-signaling".to_owned())
        .spawn(move || run(signaling, &wake))
        .map_err(|source| EngineError::Start {
            what: "the signaling thread",
            source,
        })
}

/// How much this thread goes before others of its process, Python above all (nice(2)).
const BEFORE: libc::c_int = -10;

/// Lets signaling go before Python where that is permitted. Where both have too little of a processor
/// Python does less, and what ends calls is still heard: calls whose BYE waits cost more than those that
/// nobody answers.
fn go_before_python() {
    // SAFETY: no pointers are passed, and on Linux it concerns the calling thread alone.
    unsafe { libc::nice(BEFORE) };
}

fn run(mut signaling: Signaling, wake: &Wake) {
    go_before_python();
    let descriptors = signaling.descriptors().into_iter();
    let mut polls: Vec<libc::pollfd> = [wake.as_raw_fd()]
        .into_iter()
        .chain(descriptors)
        .map(|fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let mut pace = Pace::new(Instant::now());
    loop {
        // Before the orders are taken: one that comes later wakes again.
        if polls[0].revents != 0 {
            wake.clear();
        }
        let now = Instant::now();
        let ready = polls[1..]
            .iter()
            .take(64)
            .enumerate()
            .filter(|(_, poll)| poll.revents != 0)
            .fold(0, |ready, (place, _)| ready | 1 << place);
        // What is not told now is told with the next look, which does not wait then.
        let is_held_back = pace.is_for_orders();
        signaling.step_ready(now, Ready(ready), !is_held_back);
        if signaling.has_stopped() {
            return;
        }
        if let Some(rest) = pace.rest(now, Instant::now(), signaling.handled()) {
            // Orders that come in the meantime are found afterwards.
            wake.set_napping(true);
            thread::sleep(rest);
            wake.set_napping(false);
        }
        let until = match is_held_back {
            true => Some(now),
            false => signaling.next_deadline(Instant::now()),
        };
        wait(&mut polls, until);
    }
}

/// Waits until a descriptor is readable or it is `until`.
fn wait(polls: &mut [libc::pollfd], until: Option<Instant>) {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    let timeout = left.map(|left| libc::timespec {
        tv_sec: left.as_secs() as libc::time_t,
        tv_nsec: left.subsec_nanos().into(),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the descriptors are ours and as many as said, the time outlives the call or is
    // null, and no signal mask is given.
    let ready = unsafe {
        libc::ppoll(
            polls.as_mut_ptr(),
            polls.len() as libc::nfds_t,
            timeout,
            ptr::null(),
        )
    };
    if ready < 0 {
        // Interrupted: what the kernel left there says nothing.
        polls.iter_mut().for_each(|poll| poll.revents = 0);
    }
}
