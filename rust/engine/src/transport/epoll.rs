//! Which of many descriptors are ready, at a cost that doesn't grow with their number.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

/// Readable, or at its end.
pub(super) const READ: u32 = libc::EPOLLIN as u32;
/// Writable.
pub(super) const WRITE: u32 = libc::EPOLLOUT as u32;

/// Events taken by one system call.
const BATCH: usize = 64;

/// A set of descriptors. It is itself a descriptor that is readable while one of them is ready.
pub(super) struct Epoll {
    fd: OwnedFd,
    ready: [libc::epoll_event; BATCH],
}

impl Epoll {
    /// An empty one.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed; the descriptor that comes back is ours alone.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: `fd` is open and owned by nobody else.
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            ready: [libc::epoll_event { events: 0, u64: 0 }; BATCH],
        })
    }

    /// Watches a descriptor, which leaves by itself when it is closed.
    pub(super) fn add(&self, fd: RawFd, token: u64, interest: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest)
    }

    /// Watches it for something else from now on.
    pub(super) fn modify(&self, fd: RawFd, token: u64, interest: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest)
    }

    fn control(&self, operation: i32, fd: RawFd, token: u64, interest: u32) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: interest,
            u64: token,
        };
        // SAFETY: the event outlives the call.
        match unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd, &mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// What is ready now, each with its token; a bounded number.
    pub(super) fn ready(&mut self) -> impl Iterator<Item = (u64, u32)> + use<> {
        // SAFETY: the buffer is ours and as long as said; a timeout of 0 doesn't wait.
        let count = unsafe {
            libc::epoll_wait(
                self.fd.as_raw_fd(),
                self.ready.as_mut_ptr(),
                BATCH as i32,
                0,
            )
        };
        // An interrupted call finds the same the next time.
        let ready = self.ready;
        (0..count.max(0) as usize).map(move |at| (ready[at].u64, ready[at].events))
    }
}

impl AsRawFd for Epoll {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
