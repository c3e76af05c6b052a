//! One connection: its bytes, encrypted or not, its messages, and how long it may take.
//!
//! Nothing here waits. What can't be written yet is queued up to a limit; what has been read is
//! handed on at once, a bounded amount a turn, so that neither a slow nor a fast peer costs the
//! others anything.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::fd::{AsRawFd, RawFd},
    time::{Duration, Instant},
};

use bytes::Bytes;
use sems_sip::{
    Flow,
    stream::{Frame, Framer},
};

use super::{
    Arrival,
    epoll::{READ, WRITE},
    quota::Place,
};

/// What may wait to be written, in bytes.
const LARGEST_QUEUE: usize = 256 * 1024;
/// Reads of one turn, each of at most [`SCRATCH`] bytes.
const READS: usize = 4;
/// Bytes read at once.
pub(super) const SCRATCH: usize = 16 * 1024;
/// The time to connect, and to shake hands.
const SETUP: Duration = Duration::from_secs(5);
/// The time for a whole message to come, and for the first one of a stranger's.
const MESSAGE: Duration = Duration::from_secs(30);
/// How long nothing may be taken from us.
const STALL: Duration = Duration::from_secs(30);
/// How long the peer may take to close after us.
const LINGER: Duration = Duration::from_secs(2);

/// What answers a keep-alive (RFC 5626 §3.5.1).
const PONG: Bytes = Bytes::from_static(b"\r\n");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// We have called, and nobody has answered yet.
    Connecting,
    /// Keys are being agreed on.
    Handshaking,
    Open,
    /// What is queued is written, then no more.
    Ending,
    /// We have closed our side.
    Closed,
}

/// A connection, in whatever state it is.
pub(super) struct Connection {
    socket: TcpStream,
    tls: Option<Box<rustls::Connection>>,
    pub(super) flow: Flow,
    /// Whom the server was to be, where we have opened it with TLS.
    pub(super) name: Option<Box<str>>,
    pub(super) outgoing: bool,
    /// A message has come.
    pub(super) has_spoken: bool,
    framer: Framer,
    /// What comes is thrown away.
    deaf: bool,
    /// A turn has ended before all that is there was told.
    has_more: bool,
    /// It is in the line of those that get a turn.
    pub(super) in_line: bool,
    queue: VecDeque<Bytes>,
    /// So much of the first in the queue is written.
    written: usize,
    queued: usize,
    stage: Stage,
    /// When the stage began.
    since: Instant,
    /// When something came or was written last.
    active: Instant,
    /// Since when a message is unfinished.
    unfinished: Option<Instant>,
    /// Since when nothing can be written.
    stalled: Option<Instant>,
    interest: u32,
    _place: Place,
}

impl Connection {
    pub(super) fn new(
        socket: TcpStream,
        tls: Option<rustls::Connection>,
        flow: Flow,
        outgoing: bool,
        place: Place,
        now: Instant,
    ) -> Self {
        let stage = match (outgoing, &tls) {
            (true, _) => Stage::Connecting,
            (false, Some(_)) => Stage::Handshaking,
            (false, None) => Stage::Open,
        };
        Self {
            socket,
            tls: tls.map(Box::new),
            flow,
            name: None,
            outgoing,
            has_spoken: false,
            framer: Framer::new(),
            deaf: false,
            has_more: false,
            in_line: false,
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            stage,
            since: now,
            active: now,
            unfinished: None,
            stalled: None,
            interest: 0,
            _place: place,
        }
    }

    pub(super) fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    pub(super) fn tls(&self) -> Option<&rustls::Connection> {
        self.tls.as_deref()
    }

    /// What to watch the socket for, if that has changed.
    pub(super) fn changed_interest(&mut self) -> Option<u32> {
        let wants_write = match self.stage {
            Stage::Connecting => true,
            Stage::Closed => false,
            Stage::Handshaking => self.tls.as_ref().is_some_and(|tls| tls.wants_write()),
            Stage::Open | Stage::Ending => {
                !self.queue.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
            }
        };
        let interest = match (self.stage, wants_write) {
            (Stage::Connecting, _) => WRITE,
            (_, true) => READ | WRITE,
            (_, false) => READ,
        };
        (self.interest != interest).then(|| {
            self.interest = interest;
            interest
        })
    }

    /// Sends, now or when the peer takes it.
    pub(super) fn send(&mut self, now: Instant, data: &Bytes) -> io::Result<()> {
        if self.queued + data.len() > LARGEST_QUEUE {
            return Err(io::Error::other("the peer is too slow"));
        }
        self.queued += data.len();
        self.queue.push_back(data.clone());
        self.write(now)
    }

    /// Closes once all that is queued is written.
    pub(super) fn finish(&mut self, now: Instant) -> io::Result<()> {
        if !matches!(self.stage, Stage::Ending | Stage::Closed) {
            (self.stage, self.since) = (Stage::Ending, now);
            self.deaf = true;
        }
        self.write(now)
    }

    /// The socket is ready, or more of what has been read waits: reads and writes what is possible,
    /// and tells at most so many arrivals. An error is the end.
    pub(super) fn on_ready(
        &mut self,
        now: Instant,
        scratch: &mut [u8; SCRATCH],
        most: usize,
        into: &mut Vec<Arrival>,
    ) -> io::Result<()> {
        if self.stage == Stage::Connecting {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            self.stage = match self.tls {
                Some(_) => Stage::Handshaking,
                None => Stage::Open,
            };
            (self.since, self.active) = (now, now);
            return self.write(now);
        }
        let read = self.read(now, scratch, into.len() + most, into);
        // What has been understood may have to be answered even if that was the last of it.
        let written = self.write(now);
        read.and(written)
    }

    /// Whether the last turn has left messages that are there already.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Reads until `end` arrivals have been told.
    fn read(
        &mut self,
        now: Instant,
        scratch: &mut [u8; SCRATCH],
        end: usize,
        into: &mut Vec<Arrival>,
    ) -> io::Result<()> {
        // First what the last turn had no room for.
        self.take(now, &[], end, into);
        for turn in 0.. {
            if self.has_more {
                break;
            }
            let may_read = turn < READS;
            let length = match &mut self.tls {
                None if may_read => self.socket.read(scratch),
                None => break,
                // What is decrypted has to be taken: the socket won't say again that it is there.
                Some(tls) => read_tls(tls, &mut self.socket, scratch, may_read),
            };
            match length {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.active = now;
                    self.take(now, &scratch[..length], end, into);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Cuts what has come into messages, as many as there is room for.
    fn take(&mut self, now: Instant, data: &[u8], end: usize, into: &mut Vec<Arrival>) {
        self.has_more = false;
        if self.deaf {
            return;
        }
        self.framer.push(data);
        let (mut pinged, mut ponged) = (false, false);
        let mut whole = false;
        loop {
            if into.len() >= end {
                // Also with nothing left: then the next turn finds out.
                self.has_more = true;
                break;
            }
            let Some(frame) = self.framer.pop() else {
                break;
            };
            match frame {
                Frame::Message(data) => {
                    (self.has_spoken, whole) = (true, true);
                    into.push(Arrival::Message {
                        flow: self.flow,
                        data,
                    });
                }
                Frame::Ping => pinged = true,
                // However many come in one breath, the peer is there.
                Frame::Pong if ponged => {}
                Frame::Pong => {
                    ponged = true;
                    into.push(Arrival::Pong(self.flow));
                }
                Frame::Broken { head, error } => {
                    self.deaf = true;
                    into.push(Arrival::Broken {
                        flow: self.flow,
                        head,
                        error,
                    });
                }
            }
        }
        // However often it asks in one breath, one answer says that we are there.
        if pinged && self.queued + PONG.len() <= LARGEST_QUEUE {
            self.queued += PONG.len();
            self.queue.push_back(PONG);
        }
        self.unfinished = match self.framer.is_within_message() {
            false => None,
            true if whole => Some(now),
            true => self.unfinished.or(Some(now)),
        };
    }

    fn write(&mut self, now: Instant) -> io::Result<()> {
        if self.stage == Stage::Connecting || self.stage == Stage::Closed {
            return Ok(());
        }
        let before = self.queued;
        let done = match self.tls.take() {
            None => self.write_plain(),
            Some(mut tls) => {
                let done = self.write_encrypted(&mut tls);
                self.tls = Some(tls);
                done
            }
        }?;
        if self.queued < before {
            self.active = now;
        }
        self.stalled = match done {
            true => None,
            false if self.queued < before => Some(now),
            false => self.stalled.or(Some(now)),
        };
        if done && self.stage == Stage::Ending {
            (self.stage, self.since) = (Stage::Closed, now);
            // The peer may have been faster.
            let _ = self.socket.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    /// Whether all is written.
    fn write_plain(&mut self) -> io::Result<bool> {
        while let Some(first) = self.queue.front() {
            match self.socket.write(&first[self.written..]) {
                Ok(length) => self.advance(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn write_encrypted(&mut self, tls: &mut rustls::Connection) -> io::Result<bool> {
        let mut said_goodbye = false;
        loop {
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if self.stage == Stage::Handshaking && !tls.is_handshaking() {
                self.stage = Stage::Open;
            }
            match self.queue.front() {
                // Whoever it is has not shown it yet.
                _ if tls.is_handshaking() => return Ok(true),
                Some(first) => {
                    let length = tls.writer().write(&first[self.written..])?;
                    self.advance(length);
                }
                None if self.stage == Stage::Ending && !said_goodbye => {
                    said_goodbye = true;
                    tls.send_close_notify();
                }
                None => return Ok(true),
            }
        }
    }

    fn advance(&mut self, length: usize) {
        self.written += length;
        self.queued -= length;
        if self
            .queue
            .front()
            .is_some_and(|first| first.len() == self.written)
        {
            self.queue.pop_front();
            self.written = 0;
        }
    }

    /// Whether it has taken too long for something.
    pub(super) fn is_overdue(&self, now: Instant, idle: Duration) -> bool {
        let longer = |since: Instant, limit| now.saturating_duration_since(since) > limit;
        match self.stage {
            Stage::Connecting | Stage::Handshaking => longer(self.since, SETUP),
            Stage::Ending | Stage::Closed => longer(self.since, LINGER),
            Stage::Open => {
                let is_stranger = !self.outgoing && !self.has_spoken;
                (is_stranger && longer(self.since, MESSAGE))
                    || self.unfinished.is_some_and(|since| longer(since, MESSAGE))
                    || self.stalled.is_some_and(|since| longer(since, STALL))
                    || longer(self.active, idle)
            }
        }
    }

    /// Whether it was there to be spoken over.
    pub(super) fn was_open(&self) -> bool {
        !matches!(self.stage, Stage::Connecting | Stage::Handshaking)
    }
}

/// Decrypts up to a buffer full.
fn read_tls(
    tls: &mut rustls::Connection,
    socket: &mut TcpStream,
    scratch: &mut [u8],
    may_read: bool,
) -> io::Result<usize> {
    loop {
        match tls.reader().read(scratch) {
            Err(error) if may_read && error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done,
        }
        if tls.read_tls(socket)? == 0 {
            return Ok(0);
        }
        tls.process_new_packets()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    }
}
