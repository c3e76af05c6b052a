//! One leg's RTP session: our stream to the peer, the peer's to us, the reports on both.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use crate::RtpError;
use crate::packet::{PayloadType, RtpHeader, RtpPacket, SequenceNumber, Ssrc, Timestamp};
use crate::rtcp::{
    CompoundWriter, ControlPacket, Delay, Extended, ExtendedBlock, NtpTime, ReportBlock,
    SenderInfo, VoipMetrics, parse, to_short,
};
use crate::sequence::{
    InterarrivalJitter, MAX_DROPOUT, MAX_MISORDER, MIN_SEQUENTIAL, SequenceCheck, SequenceTracker,
};

/// Longest canonical name (RFC 3550 §6.5).
const MAX_CNAME: usize = 255;

/// Seconds by which a stream that is passed on goes on after a pause; after more, it begins anew.
const LONGEST_GAP: u32 = 30;

/// What a session starts with. The three numbers should be random (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy)]
pub struct SessionConfig<'a> {
    /// Our source.
    pub ssrc: Ssrc,
    /// Of the first packet.
    pub first_sequence: SequenceNumber,
    /// Of the first packet.
    pub first_timestamp: Timestamp,
    /// Timestamp units a second of the peer's stream: 8,000 for G.711.
    pub clock_rate: u32,
    /// Our canonical name, which must tell nothing of who is calling (RFC 7022); 255 bytes are
    /// kept.
    pub cname: &'a str,
}

/// What became of a received packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// It belongs to the peer's stream: use it.
    Valid,
    /// The first valid packet of another source, or of a source that started its numbering anew:
    /// use it, forget what is kept of the stream before ([`JitterBuffer`](crate::JitterBuffer) sees
    /// it by itself).
    NewStream,
    /// Nobody knows yet whether it belongs to a stream: don't use it.
    Doubtful,
}

/// What a received compound packet told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ControlNews {
    /// The peer's view of our stream, when the packet held a report on it.
    pub about_us: Option<ReportBlock>,
    /// The round-trip time, when the report allowed to compute it.
    pub round_trip: Option<Duration>,
    /// A report (SR or RR) was in it, whether on our stream or not.
    pub reported: bool,
    /// How the peer hears us, when it said so (RFC 3611).
    pub metrics: Option<VoipMetrics>,
    /// The peer's source has said goodbye.
    pub goodbye: bool,
}

/// What is known of the peer's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverStatistics {
    /// The peer's source.
    pub ssrc: Ssrc,
    /// Packets received, duplicates included.
    pub received: u64,
    /// Packets lost; negative when there were more duplicates.
    pub lost: i64,
    /// Interarrival jitter.
    pub jitter: Duration,
    /// When the last valid packet came.
    pub heard: Instant,
}

/// A stream of another session that goes on in ours: its newest packet, there and here.
#[derive(Debug)]
struct Passage {
    ssrc: Ssrc,
    sequence: SequenceNumber,
    timestamp: Timestamp,
    sent_sequence: SequenceNumber,
    sent_timestamp: Timestamp,
    /// Numbers from the first that was passed on to the newest.
    length: u32,
}

#[derive(Debug)]
struct Source {
    ssrc: Ssrc,
    sequence: SequenceTracker,
    jitter: InterarrivalJitter,
    heard: Instant,
    /// The last sender report's NTP time and arrival.
    sender_report: Option<(NtpTime, Instant)>,
}

impl Source {
    fn new(now: Instant, packet: &RtpPacket<'_>, probation: u8, clock_rate: u32) -> Source {
        Source {
            ssrc: packet.header.ssrc,
            sequence: SequenceTracker::new(packet.header.sequence, probation),
            jitter: InterarrivalJitter::new(clock_rate),
            heard: now,
            sender_report: None,
        }
    }
}

/// A session with one peer.
///
/// Packets are to be given to it only from the peer's address, which is the
/// [`Latch`](crate::Latch)'s to know. The latch has seen a run of packets from the first source, so
/// that one is valid at once; another source has to prove itself while the first goes on.
#[derive(Debug)]
pub struct RtpSession {
    ssrc: Ssrc,
    /// Of the peer's timestamps.
    clock_rate: u32,
    cname: ArrayVec<u8, MAX_CNAME>,
    next_sequence: SequenceNumber,
    next_timestamp: Timestamp,
    /// The next packet starts a talkspurt.
    spurt: bool,
    packets: u64,
    octets: u64,
    /// Packets sent when the last report was made.
    packets_reported: u64,
    /// The stream that is passed on, if it is what was sent last.
    passage: Option<Passage>,
    source: Option<Source>,
    newcomer: Option<Source>,
    /// A receiver's reference time and its arrival, to be answered with the next report.
    reference: Option<(Ssrc, NtpTime, Instant)>,
}

impl RtpSession {
    /// A session in which nothing has been sent or received.
    pub fn new(config: SessionConfig<'_>) -> RtpSession {
        RtpSession {
            ssrc: config.ssrc,
            clock_rate: config.clock_rate,
            cname: config.cname.bytes().take(MAX_CNAME).collect(),
            next_sequence: config.first_sequence,
            next_timestamp: config.first_timestamp,
            spurt: true,
            packets: 0,
            octets: 0,
            packets_reported: 0,
            passage: None,
            source: None,
            newcomer: None,
            reference: None,
        }
    }

    /// Begins a stream of another clock: who changes it takes another source (RFC 7160 §4.1).
    /// Numbers and timestamps go on.
    pub fn begin_stream(&mut self, ssrc: Ssrc) {
        self.ssrc = ssrc;
        self.spurt = true;
        (self.packets, self.octets, self.packets_reported) = (0, 0, 0);
    }

    /// The peer's timestamps have this clock from now on; its jitter is measured anew.
    pub fn set_receive_clock(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate;
        for source in self.source.iter_mut().chain(&mut self.newcomer) {
            source.jitter = InterarrivalJitter::new(clock_rate);
        }
    }

    /// Our source.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// The timestamp of the next audio packet.
    pub fn next_timestamp(&self) -> Timestamp {
        self.next_timestamp
    }

    /// The header of the next audio packet, of `duration` timestamp units and `payload_len` bytes.
    /// The first one, and the first after a [`skip`](Self::skip), carries the marker (RFC 3551
    /// §4.1).
    pub fn send(
        &mut self,
        payload_type: PayloadType,
        duration: u32,
        payload_len: usize,
    ) -> RtpHeader {
        let marker = std::mem::take(&mut self.spurt);
        let timestamp = self.next_timestamp;
        self.next_timestamp = timestamp.plus(duration);
        self.header(payload_type, marker, timestamp, payload_len)
    }

    /// The header of a packet of an event that began at `start`, sent instead of `duration` units
    /// of audio.
    pub fn send_event(
        &mut self,
        payload_type: PayloadType,
        start: Timestamp,
        marker: bool,
        duration: u32,
        payload_len: usize,
    ) -> RtpHeader {
        self.next_timestamp = self.next_timestamp.plus(duration);
        self.header(payload_type, marker, start, payload_len)
    }

    /// The header of a description of noise (RFC 3389) of `payload_len` bytes, sent instead of
    /// `duration` units of audio. It begins no talkspurt; what is sent next does.
    pub fn send_noise(&mut self, duration: u32, payload_len: usize) -> RtpHeader {
        let timestamp = self.next_timestamp;
        self.next_timestamp = timestamp.plus(duration);
        self.spurt = true;
        self.header(PayloadType::COMFORT_NOISE, false, timestamp, payload_len)
    }

    /// Nothing is sent for `duration` units: ticks that came too late, or a stream on hold.
    pub fn skip(&mut self, duration: u32) {
        self.next_timestamp = self.next_timestamp.plus(duration);
        self.spurt = true;
    }

    fn header(
        &mut self,
        payload_type: PayloadType,
        marker: bool,
        timestamp: Timestamp,
        payload_len: usize,
    ) -> RtpHeader {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.plus(1);
        self.passage = None;
        self.count(payload_len);
        RtpHeader {
            marker,
            payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        }
    }

    fn count(&mut self, payload_len: usize) {
        self.packets += 1;
        self.octets += payload_len as u64;
    }

    /// The header under which a packet of another session goes on in our stream: numbers and
    /// timestamps follow on what we have sent, and go on as the other's do, so that what is lost or
    /// has been overtaken shows as it did there. After anything of our own, or where the other's
    /// stream begins anew, the next packet continues ours, `idle` units later, with the marker.
    /// `None`: it came already, or belongs before all that went on.
    pub fn pass_on(
        &mut self,
        theirs: &RtpHeader,
        payload_type: PayloadType,
        duration: u32,
        payload_len: usize,
        idle: u32,
    ) -> Option<RtpHeader> {
        let known = self.passage.as_ref();
        let place = known.and_then(|passage| passage.place(theirs, self.clock_rate));
        let (sequence, timestamp, begins, length) = match place {
            Some((0, _)) => return None,
            Some((steps, units)) => {
                let passage = known?;
                // Before the first there are numbers of our own.
                let length = i64::from(passage.length) + i64::from(steps);
                if length < 0 {
                    return None;
                }
                let sequence = passage.sent_sequence.plus(steps as u16);
                let timestamp = passage.sent_timestamp.plus(units as u32);
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                (sequence, timestamp, false, (steps > 0).then_some(length))
            }
            None => {
                let timestamp = self.next_timestamp.plus(idle);
                (self.next_sequence, timestamp, true, Some(0))
            }
        };
        if let Some(length) = length {
            self.passage = Some(Passage {
                ssrc: theirs.ssrc,
                sequence: theirs.sequence,
                timestamp: theirs.timestamp,
                sent_sequence: sequence,
                sent_timestamp: timestamp,
                length,
            });
            self.next_sequence = sequence.plus(1);
            self.next_timestamp = timestamp.plus(duration);
            self.spurt = false;
        }
        self.count(payload_len);
        Some(RtpHeader {
            marker: theirs.marker || begins,
            payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        })
    }

    /// A packet of the stream that is passed on goes another way: its number leaves no gap.
    pub fn pass_over(&mut self, theirs: &RtpHeader) {
        if let Some(passage) = &mut self.passage {
            let steps = theirs.sequence.since(passage.sequence);
            if passage.ssrc == theirs.ssrc && (1..MAX_DROPOUT as i16).contains(&steps) {
                passage.sequence = theirs.sequence;
                passage.sent_sequence = passage.sent_sequence.plus(steps as u16 - 1);
                passage.length = passage.length.saturating_add(steps as u32 - 1);
                self.next_sequence = passage.sent_sequence.plus(1);
            }
        }
    }

    /// What is passed on from now on is another stream, or the same after a while.
    pub fn end_passage(&mut self) {
        self.passage = None;
    }

    /// Takes note of a packet that came at `now`.
    pub fn receive(&mut self, now: Instant, packet: &RtpPacket<'_>) -> Reception {
        match &mut self.source {
            Some(source) if source.ssrc == packet.header.ssrc => {
                let reception = match source.sequence.update(packet.header.sequence) {
                    SequenceCheck::Valid(_) => Reception::Valid,
                    SequenceCheck::Restarted(_) => Reception::NewStream,
                    SequenceCheck::Probation | SequenceCheck::Suspect => {
                        return Reception::Doubtful;
                    }
                };
                source.heard = now;
                source.jitter.update(now, packet.header.timestamp);
                reception
            }
            Some(_) => self.receive_from_newcomer(now, packet),
            None => {
                let mut source = Source::new(now, packet, 1, self.clock_rate);
                source.sequence.update(packet.header.sequence);
                source.jitter.update(now, packet.header.timestamp);
                self.source = Some(source);
                Reception::NewStream
            }
        }
    }

    fn receive_from_newcomer(&mut self, now: Instant, packet: &RtpPacket<'_>) -> Reception {
        let clock_rate = self.clock_rate;
        let newcomer = match &mut self.newcomer {
            Some(newcomer) if newcomer.ssrc == packet.header.ssrc => newcomer,
            slot => slot.insert(Source::new(now, packet, MIN_SEQUENTIAL, clock_rate)),
        };
        newcomer.heard = now;
        newcomer.jitter.update(now, packet.header.timestamp);
        match newcomer.sequence.update(packet.header.sequence) {
            SequenceCheck::Valid(_) => {
                self.source = self.newcomer.take();
                Reception::NewStream
            }
            _ => Reception::Doubtful,
        }
    }

    /// What is known of the peer's stream; `None` before its first packet.
    pub fn statistics(&self) -> Option<ReceiverStatistics> {
        self.source.as_ref().map(|source| ReceiverStatistics {
            ssrc: source.ssrc,
            received: source.sequence.received(),
            lost: source.sequence.lost(),
            jitter: source.jitter.duration(),
            heard: source.heard,
        })
    }

    /// Packets and payload bytes that we sent.
    pub fn sent(&self) -> (u64, u64) {
        (self.packets, self.octets)
    }

    /// Takes a datagram of control packets that came at `now`, which is `ntp` on the wall clock.
    ///
    /// # Errors
    /// [`RtpError`] when it is not a valid compound packet; nothing in it counts then.
    pub fn receive_control(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        datagram: &[u8],
    ) -> Result<ControlNews, RtpError> {
        let mut news = ControlNews::default();
        for packet in parse(datagram)? {
            match packet {
                ControlPacket::SenderReport { ssrc, info, blocks } => {
                    if let Some(source) = self.source.as_mut().filter(|source| source.ssrc == ssrc)
                    {
                        source.sender_report = Some((info.ntp, now));
                    }
                    news.take_blocks(self.ssrc, ntp, blocks);
                }
                ControlPacket::ReceiverReport { blocks, .. } => {
                    news.take_blocks(self.ssrc, ntp, blocks)
                }
                ControlPacket::ExtendedReport { ssrc, blocks } => {
                    for block in blocks {
                        self.take_extended(now, ntp, ssrc, block, &mut news);
                    }
                }
                ControlPacket::Goodbye(mut ssrcs) => {
                    let source = self.source.as_ref().map(|source| source.ssrc);
                    news.goodbye |= ssrcs.any(|ssrc| Some(ssrc) == source);
                }
                _ => {}
            }
        }
        Ok(news)
    }

    fn take_extended(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        reporter: Ssrc,
        block: ExtendedBlock<'_>,
        news: &mut ControlNews,
    ) {
        match block {
            ExtendedBlock::ReceiverReferenceTime(time) => {
                self.reference = Some((reporter, time, now));
            }
            ExtendedBlock::Delays(mut delays) => {
                let answer = delays.find(|delay| delay.ssrc == self.ssrc);
                news.round_trip = answer
                    .and_then(|delay| delay.round_trip(ntp))
                    .or(news.round_trip);
            }
            ExtendedBlock::VoipMetrics(metrics) if metrics.ssrc == self.ssrc => {
                news.metrics = Some(metrics);
            }
            _ => {}
        }
    }

    /// Writes our report to `out`, returns its length: an SR when we have sent since the last one,
    /// else an RR; one block when a source is known; our name. To be called before the tick's
    /// packet is numbered, so that `now`, which is `ntp` on the wall clock, is the instant of the
    /// next timestamp. `metrics` go along as an XR (RFC 3611), if the peer wants them; so does the
    /// answer to a reference time of the peer's, and ours where we have nothing to send an SR for.
    ///
    /// # Errors
    /// [`RtpError::BufferTooSmall`]; 400 bytes are enough always.
    pub fn write_report(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        metrics: Option<VoipMetrics>,
        out: &mut [u8],
    ) -> Result<usize, RtpError> {
        let writer = self.report(now, ntp, metrics, out)?;
        Ok(writer.finish())
    }

    /// Like [`write_report`](Self::write_report), and says goodbye.
    ///
    /// # Errors
    /// As there.
    pub fn write_goodbye(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        metrics: Option<VoipMetrics>,
        out: &mut [u8],
    ) -> Result<usize, RtpError> {
        let ssrc = self.ssrc;
        let mut writer = self.report(now, ntp, metrics, out)?;
        writer.goodbye(ssrc)?;
        Ok(writer.finish())
    }

    fn report<'a>(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        metrics: Option<VoipMetrics>,
        out: &'a mut [u8],
    ) -> Result<CompoundWriter<'a>, RtpError> {
        let block = self.source.as_mut().map(|source| source.block(now));
        let blocks = block.as_slice();
        let mut writer = CompoundWriter::new(out);
        let sends = self.packets > self.packets_reported;
        if sends {
            let info = SenderInfo {
                ntp,
                rtp: self.next_timestamp,
                packets: self.packets as u32,
                octets: self.octets as u32,
            };
            writer.sender_report(self.ssrc, &info, blocks)?;
        } else {
            writer.receiver_report(self.ssrc, blocks)?;
        }
        writer.source_description(self.ssrc, &self.cname)?;
        let extended = Extended {
            reference_time: (metrics.is_some() && !sends).then_some(ntp),
            delay: self.reference.take().map(|(ssrc, time, then)| Delay {
                ssrc,
                last_reference: time.middle(),
                delay: to_short(now.saturating_duration_since(then)),
            }),
            metrics,
        };
        writer.extended_report(self.ssrc, &extended)?;
        self.packets_reported = self.packets;
        Ok(writer)
    }
}

impl Passage {
    /// How many numbers and units a packet lies after the newest; `None`: it begins a stream anew.
    fn place(&self, theirs: &RtpHeader, clock_rate: u32) -> Option<(i16, i32)> {
        let steps = theirs.sequence.since(self.sequence);
        let units = theirs.timestamp.since(self.timestamp);
        let near = -(MAX_MISORDER as i16) < steps && steps < MAX_DROPOUT as i16;
        let far = i32::try_from(clock_rate.saturating_mul(LONGEST_GAP)).unwrap_or(i32::MAX);
        let goes_along = units.signum() == i32::from(steps.signum()) && units.abs() < far;
        (self.ssrc == theirs.ssrc && near && goes_along).then_some((steps, units))
    }
}

impl Source {
    fn block(&mut self, now: Instant) -> ReportBlock {
        let (last_sender_report, delay_since_last_sender_report) = match self.sender_report {
            Some((ntp, then)) => (ntp.middle(), to_short(now.saturating_duration_since(then))),
            None => (0, 0),
        };
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: self.sequence.take_fraction_lost(),
            cumulative_lost: self.sequence.lost().clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: self.sequence.highest_extended() as u32,
            jitter: self.jitter.units(),
            last_sender_report,
            delay_since_last_sender_report,
        }
    }
}

impl ControlNews {
    fn take_blocks(
        &mut self,
        ours: Ssrc,
        ntp: NtpTime,
        mut blocks: impl Iterator<Item = ReportBlock>,
    ) {
        self.reported = true;
        if let Some(block) = blocks.find(|block| block.ssrc == ours) {
            self.about_us = Some(block);
            self.round_trip = block.round_trip(ntp).or(self.round_trip);
        }
    }
}
