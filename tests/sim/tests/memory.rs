//! What an idle call costs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use sems_sim::{Pair, Side};
use sems_sip::user_agent::Content;

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The bytes that the user agent of one side holds for each of `calls` idle calls.
fn bytes_for_each(calls: usize, side: Side) -> isize {
    let mut pair = Pair::new();
    for _ in 0..calls {
        let offer = Some(Content::sdp("v=0\r\n".repeat(60)));
        pair.a.call(pair.now, pair.b.address, offer);
        let at_b = pair.wait_for_invite(Side::B);
        pair.accept(Side::B, at_b);
        pair.run_for(Duration::from_millis(100));
    }
    // All transactions end; what is left are the dialogs and their session timers.
    pair.run_for(Duration::from_secs(100));
    let phone = match side {
        Side::A => pair.a,
        Side::B => pair.b,
    };
    let before = IN_USE.load(Ordering::Relaxed);
    assert_eq!(phone.agent.census().sessions, calls);
    drop(phone.agent);
    (before - IN_USE.load(Ordering::Relaxed)) / calls as isize
}

#[test]
fn an_idle_call_takes_less_than_4_kib_on_either_side() {
    for side in [Side::A, Side::B] {
        let bytes = bytes_for_each(1000, side);
        assert!(bytes < 4096, "{side:?}: {bytes} bytes");
    }
}
