//! The callers' audio: what each says, and what each hears.

use std::{f64::consts::TAU, mem::MaybeUninit, net::UdpSocket, os::fd::AsRawFd};

use sems_audio::codec::g711;

/// Samples of a packet: 20 ms at 8 kHz.
pub const FRAME: usize = 160;
/// Nanoseconds between packets.
pub const PTIME: i64 = 20_000_000;
const HEADER: usize = 12;
const SILENCE: u8 = 0xff;
/// Packets of a tone before it repeats: one second, a whole number of periods of any whole frequency.
const TONE_PACKETS: usize = 50;

/// A caller's voice: a tone that comes and goes.
#[derive(Clone)]
pub struct Voice {
    /// Frequency in Hz.
    pub hz: u32,
    /// Packets of one round of speech and silence.
    pub period: u32,
    /// Speaks from this packet of the round …
    pub from: u32,
    /// … to before this one; equal to `from` for who only listens.
    pub to: u32,
}

impl Voice {
    /// Whether the `n`-th packet sounds.
    pub fn speaks(&self, n: u32) -> bool {
        (self.from..self.to).contains(&(n % self.period))
    }

    /// Whether the `n`-th packet is the first of a burst.
    pub fn begins(&self, n: u32) -> bool {
        self.from < self.to && n % self.period == self.from
    }
}

/// One second of a tone at −17 dBov, coded and cut into payloads.
pub fn tone(hz: u32) -> Vec<[u8; FRAME]> {
    (0..TONE_PACKETS)
        .map(|packet| {
            let mut samples = [0i16; FRAME];
            for (n, sample) in samples.iter_mut().enumerate() {
                let t = (packet * FRAME + n) as f64 / 8000.0;
                *sample = (6500.0 * (TAU * f64::from(hz) * t).sin()) as i16;
            }
            let mut payload = [0; FRAME];
            g711::encode_ulaw(&samples, &mut payload);
            payload
        })
        .collect()
}

/// One call's RTP: a connected socket, and what has come and gone on it.
pub struct Stream {
    socket: UdpSocket,
    packet: [u8; HEADER + FRAME],
    voice: Voice,
    /// When the first packet of the last burst went out.
    pub burst_sent: i64,
    /// What came.
    pub heard: Heard,
}

/// What a caller received.
#[derive(Default)]
pub struct Heard {
    /// Packets.
    pub received: u64,
    /// Packets that the sequence numbers miss.
    pub lost: u64,
    /// Packets that came twice or late, and timestamps that don't follow the sequence.
    pub disordered: u64,
    last: Option<(u16, u32, i64)>,
    quiet: u32,
    /// Time from one packet to the next less 20 ms, in microseconds, without sign.
    pub grid: Vec<u32>,
    /// Onsets of sound: when the first sample above silence came.
    pub onset: Option<i64>,
    /// Samples of the last second while `listening`.
    pub samples: Vec<i16>,
    /// Keep samples.
    pub listening: bool,
}

impl Stream {
    /// A bound socket, not yet connected.
    pub fn bind(index: usize, voice: Voice) -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let on: libc::c_int = 1;
        // SAFETY: `on` is valid for reading for its whole size.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_TIMESTAMPNS,
                (&raw const on).cast(),
                size_of::<libc::c_int>() as u32,
            )
        };
        let mut packet = [SILENCE; HEADER + FRAME];
        packet[..2].copy_from_slice(&[0x80, 0]);
        packet[8..12].copy_from_slice(&(0x5e35_0000 + index as u32).to_be_bytes());
        Ok(Self {
            socket,
            packet,
            voice,
            burst_sent: 0,
            heard: Heard::default(),
        })
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.socket.local_addr().expect("bound").port()
    }

    /// Sends to and hears only that address from now on.
    pub fn connect(&self, remote: std::net::SocketAddr) -> std::io::Result<()> {
        self.socket.connect(remote)
    }

    /// Its frequency in Hz.
    pub fn hz(&self) -> u32 {
        self.voice.hz
    }

    /// Whether it ever sounds.
    pub fn is_talker(&self) -> bool {
        self.voice.from < self.voice.to
    }

    /// Sends the packet of the `n`-th round.
    pub fn send(&mut self, n: u32, now: i64, tone: &[[u8; FRAME]]) {
        self.packet[2..4].copy_from_slice(&(n as u16).to_be_bytes());
        self.packet[4..8].copy_from_slice(&(n.wrapping_mul(FRAME as u32)).to_be_bytes());
        if self.voice.speaks(n) {
            // A burst starts at the tone's first sample, so that its onset is sharp.
            let at = ((n % self.voice.period) - self.voice.from) as usize % TONE_PACKETS;
            self.packet[HEADER..].copy_from_slice(&tone[at]);
        } else {
            self.packet[HEADER..].fill(SILENCE);
        }
        if self.voice.begins(n) {
            self.burst_sent = now;
        }
        let _ = self.socket.send(&self.packet);
    }

    /// Takes all that has come.
    pub fn receive(&mut self) {
        const BATCH: usize = 4;
        let mut data = [[0u8; 512]; BATCH];
        let mut control = [[0u64; 8]; BATCH];
        loop {
            // SAFETY: every pointer stays valid for the call; unused parts of the headers are zero.
            let (count, sizes, stamps) = unsafe {
                let mut slices: [libc::iovec; BATCH] = MaybeUninit::zeroed().assume_init();
                let mut headers: [libc::mmsghdr; BATCH] = MaybeUninit::zeroed().assume_init();
                for i in 0..BATCH {
                    slices[i] = libc::iovec {
                        iov_base: data[i].as_mut_ptr().cast(),
                        iov_len: data[i].len(),
                    };
                    headers[i].msg_hdr.msg_iov = &mut slices[i];
                    headers[i].msg_hdr.msg_iovlen = 1;
                    headers[i].msg_hdr.msg_control = control[i].as_mut_ptr().cast();
                    headers[i].msg_hdr.msg_controllen = 64;
                }
                let fd = self.socket.as_raw_fd();
                let count = libc::recvmmsg(
                    fd,
                    headers.as_mut_ptr(),
                    BATCH as u32,
                    libc::MSG_DONTWAIT,
                    std::ptr::null_mut(),
                );
                let count = usize::try_from(count).unwrap_or(0);
                let mut sizes = [0; BATCH];
                let mut stamps = [0i64; BATCH];
                for i in 0..count {
                    sizes[i] = headers[i].msg_len as usize;
                    let message = libc::CMSG_FIRSTHDR(&headers[i].msg_hdr);
                    if !message.is_null() && (*message).cmsg_type == libc::SCM_TIMESTAMPNS {
                        let time: libc::timespec =
                            std::ptr::read_unaligned(libc::CMSG_DATA(message).cast());
                        stamps[i] = time.tv_sec * 1_000_000_000 + time.tv_nsec;
                    }
                }
                (count, sizes, stamps)
            };
            for i in 0..count {
                self.heard.packet(&data[i][..sizes[i]], stamps[i]);
            }
            if count < BATCH {
                return;
            }
        }
    }
}

impl Heard {
    fn packet(&mut self, packet: &[u8], now: i64) {
        if packet.len() < HEADER || packet[0] >> 6 != 2 || packet[1] & 0x7f != 0 {
            return;
        }
        self.received += 1;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let timestamp = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
        if let Some((last, last_timestamp, last_time)) = self.last {
            let step = sequence.wrapping_sub(last);
            if step == 0 || step > 0x8000 {
                self.disordered += 1;
                return;
            }
            self.lost += u64::from(step) - 1;
            if timestamp.wrapping_sub(last_timestamp) != u32::from(step) * FRAME as u32 {
                self.disordered += 1;
            }
            if step == 1 {
                self.grid
                    .push(((now - last_time - PTIME).unsigned_abs() / 1000) as u32);
            }
        }
        self.last = Some((sequence, timestamp, now));
        self.listen(&packet[HEADER..], now);
    }

    fn listen(&mut self, payload: &[u8], now: i64) {
        // µ-law codes of small magnitude have their low seven bits near 0x7f: under about −40 dBov.
        let loud = payload.iter().position(|code| code & 0x7f < 0x50);
        match loud {
            Some(at) => {
                if self.quiet >= 10 {
                    self.onset = Some(now + at as i64 * 125_000);
                }
                self.quiet = 0;
            }
            None => self.quiet += 1,
        }
        if self.listening {
            self.samples
                .extend(payload.iter().map(|&code| g711::linear_from_ulaw(code)));
        }
    }

    /// Forgets what settling brought.
    pub fn reset(&mut self) {
        *self = Self {
            last: self.last.take(),
            listening: self.listening,
            ..Self::default()
        };
    }
}

/// Level in dBov of what sounds at `hz` in 8 kHz samples.
pub fn level_at(samples: &[i16], hz: u32) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(hz) / 8000.0).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for &sample in samples {
        (one, two) = (f64::from(sample) + coefficient * one - two, one);
    }
    let power = one * one + two * two - coefficient * one * two;
    20.0 * ((power.max(1e-9).sqrt() * 2.0 / samples.len().max(1) as f64) / 32768.0 / 2f64.sqrt())
        .log10()
}
