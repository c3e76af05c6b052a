//! The wall clock in nanoseconds, the one that the kernel stamps packets with.

/// Nanoseconds since 1970.
pub fn now() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writing.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Sleeps until that time has come.
pub fn sleep_until(when: i64) {
    let time = libc::timespec {
        tv_sec: when / 1_000_000_000,
        tv_nsec: when % 1_000_000_000,
    };
    // SAFETY: `time` is valid; an early return by a signal only makes a slot early.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_REALTIME,
            libc::TIMER_ABSTIME,
            &time,
            std::ptr::null_mut(),
        )
    };
}
