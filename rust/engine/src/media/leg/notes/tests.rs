use sems_rtp::{PayloadType, RtpHeader, SequenceNumber, Ssrc, Timestamp, Verdict};

use super::*;
use crate::trace::heard::{Places, RUNS};

struct Desk {
    start: Instant,
    notes: Noting,
    heard: Arc<Heard>,
    /// Whose packets the latch accepts.
    latched: u16,
}

impl Desk {
    fn new() -> Self {
        let places = Arc::new(Places::new(1 << 20));
        Self::in_places(&places)
    }

    fn in_places(places: &Arc<Places>) -> Self {
        let start = Instant::now();
        let heard = Arc::new(Heard::new(start, places.clone()));
        Self {
            start,
            notes: Noting::to(heard.clone()),
            heard,
            latched: 0,
        }
    }

    /// A packet of G.711 comes.
    fn audio(&mut self, at_ms: u64, ssrc: u32, number: u16, port: u16) {
        self.packet(
            at_ms,
            ssrc,
            number,
            u32::from(number) * 160,
            0,
            port,
            &[0xff; 160],
        );
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of a packet")]
    fn packet(
        &mut self,
        at_ms: u64,
        ssrc: u32,
        number: u16,
        timestamp: u32,
        payload_type: u8,
        port: u16,
        payload: &[u8],
    ) {
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType::new(payload_type).unwrap(),
            sequence: SequenceNumber(number),
            timestamp: Timestamp(timestamp),
            ssrc: Ssrc(ssrc),
        };
        let datagram = [&header.to_bytes()[..], payload].concat();
        let packet = RtpPacket::parse(&datagram).unwrap();
        let now = self.start + Duration::from_millis(at_ms);
        let verdict = match port {
            666 => Verdict::Foreign,
            _ if port == self.latched => Verdict::Accept,
            _ => Verdict::Latched,
        };
        if verdict == Verdict::Latched {
            self.latched = port;
        }
        let kind = match payload_type {
            0 => Kind::Sound,
            101 => Kind::Event,
            _ => Kind::Other,
        };
        self.notes.packet(
            (now, (at_ms / 20) as u32),
            source(port),
            &packet,
            verdict,
            || kind,
        );
    }

    fn report(&mut self, at_ms: u64, highest: u32, fraction_lost: u8) {
        let mut datagram = vec![0x81, 201, 0, 7];
        for word in [5, 9, u32::from(fraction_lost) << 24, highest, 0, 0, 0] {
            datagram.extend(u32::to_be_bytes(word));
        }
        let now = self.start + Duration::from_millis(at_ms);
        self.notes
            .report(now, source(4001), &datagram, (9, false, false));
    }

    fn runs(&mut self) -> Vec<Run> {
        self.notes.flush();
        self.heard.runs()
    }

    fn counts(&mut self) -> Vec<u32> {
        self.runs().iter().map(|run| run.count).collect()
    }
}

fn source(port: u16) -> SocketAddr {
    SocketAddr::new([192, 0, 2, 1].into(), port)
}

#[test]
fn packets_that_follow_each_other_are_one_run() {
    let mut desk = Desk::new();
    for number in 0..500u16 {
        let (at, timestamp) = (u64::from(number) * 20 + 100, u32::from(number) * 160);
        let wraps = number.wrapping_add(65_500);
        desk.packet(at, 7, wraps, timestamp, 0, 4000, &[0xff; 160]);
    }
    let runs = desk.runs();
    let [run] = &runs[..] else { panic!("{runs:?}") };
    assert_eq!(run.at, Duration::from_millis(100));
    assert_eq!(run.span, Duration::from_millis(499 * 20));
    assert_eq!((run.count, run.ssrc, run.from), (500, 7, source(4000)));
    let What::Audio {
        sequence,
        missing,
        length,
        first,
        ..
    } = run.what
    else {
        panic!("{run:?}")
    };
    assert_eq!((sequence, missing, length, first), (65_500, 0, 160, 0xff));
}

#[test]
fn what_is_missing_is_counted_and_what_was_overtaken_is_not() {
    let mut desk = Desk::new();
    for (at, number) in [(0, 1), (20, 2), (40, 5), (60, 3), (80, 3), (100, 6)] {
        desk.audio(at, 7, number, 4000);
    }
    let runs = desk.runs();
    let What::Audio {
        missing,
        timestamps,
        ..
    } = runs[0].what
    else {
        panic!("{runs:?}")
    };
    // What came twice is taken for the one that never came.
    assert_eq!((runs.len(), missing), (1, 0));
    assert_eq!(timestamps, (160, 960));
}

#[test]
fn silence_another_source_and_another_stream_begin_a_run() {
    let mut desk = Desk::new();
    desk.audio(0, 7, 1, 4000);
    desk.audio(20, 7, 2, 4000);
    desk.audio(1_100, 7, 3, 4000);
    desk.audio(1_120, 7, 4, 4002);
    desk.audio(1_140, 8, 5, 4002);
    desk.audio(1_160, 8, 2_000, 4002);
    assert_eq!(desk.counts(), [2, 1, 1, 1, 1]);
}

#[test]
fn sources_that_take_turns_have_a_run_each() {
    let mut desk = Desk::new();
    for number in 0..100 {
        desk.audio(u64::from(number) * 20, 7, number, 4000);
        desk.audio(u64::from(number) * 20, 6, number + 9, 666);
    }
    let runs = desk.runs();
    let shown: Vec<_> = runs.iter().map(|run| (run.count, run.foreign)).collect();
    assert_eq!(shown, [(100, false), (100, true)]);
}

#[test]
fn a_key_is_a_run_for_its_sound_and_one_for_its_end() {
    let mut desk = Desk::new();
    desk.audio(0, 7, 1, 4000);
    for number in 2..6u16 {
        let [high, low] = ((number - 1) * 160).to_be_bytes();
        desk.packet(
            u64::from(number) * 20,
            7,
            number,
            160,
            101,
            4000,
            &[5, 10, high, low],
        );
    }
    for number in 6..9 {
        desk.packet(120, 7, number, 160, 101, 4000, &[5, 0x8a, 2, 128]);
    }
    desk.audio(200, 7, 9, 4000);
    let runs = desk.runs();
    assert_eq!(
        runs.iter().map(|run| run.count).collect::<Vec<_>>(),
        [1, 4, 3, 1]
    );
    let What::Event {
        event,
        flags,
        durations,
        timestamp,
        sequence,
        ..
    } = runs[1].what
    else {
        panic!("{runs:?}")
    };
    assert_eq!((event, flags, durations), (5, 10, (160, 640)));
    assert_eq!((timestamp, sequence), (160, 2));
}

#[test]
fn nothing_is_told_of_what_was_not_agreed_on() {
    let mut desk = Desk::new();
    desk.packet(0, 7, 1, 160, 96, 4000, &[5, 10, 0, 160]);
    let What::Audio { first, length, .. } = desk.runs()[0].what else {
        panic!("no sound")
    };
    assert_eq!((first, length), (0, 4));
}

#[test]
fn reports_are_one_run_until_nothing_arrives_any_more() {
    let mut desk = Desk::new();
    for (number, highest) in [100, 350, 600, 600, 600, 600, 700].into_iter().enumerate() {
        desk.report(5_000 * number as u64, highest, 0);
    }
    desk.report(35_000, 900, 255);
    let runs = desk.runs();
    assert_eq!(
        runs.iter().map(|run| run.count).collect::<Vec<_>>(),
        [3, 3, 1, 1]
    );
    let highest = |run: &Run| match run.what {
        What::Report(report) => (report.highest, report.fraction_lost),
        _ => panic!("{run:?}"),
    };
    assert_eq!(highest(&runs[0]), ((100, 600), 0));
    assert_eq!(highest(&runs[1]), ((600, 600), 0));
    assert_eq!(highest(&runs[3]), ((900, 900), 255));
}

#[test]
fn there_is_a_limit_and_strangers_leave_room() {
    let mut desk = Desk::new();
    for number in 0..1000u16 {
        desk.audio(u64::from(number), u32::from(number), 0, 666);
    }
    assert_eq!(desk.counts().len(), FOREIGN_RUNS as usize);
    assert_eq!(desk.heard.full_since(), None);
    for number in 0..1000u16 {
        desk.audio(2_000 + u64::from(number), u32::from(number), 0, 4000);
    }
    // A place each for the two sources.
    assert_eq!(desk.counts().len(), RUNS - 2);
    let full = 2_000 + RUNS as u64 - 2 - u64::from(FOREIGN_RUNS);
    assert_eq!(desk.heard.full_since(), Some(Duration::from_millis(full)));
}

#[test]
fn places_are_taken_as_they_are_needed_and_given_back_when_the_call_is_forgotten() {
    let places = Arc::new(Places::new(1 << 20));
    let all = places.left();
    let mut quiet = Desk::in_places(&places);
    let mut busy = Desk::in_places(&places);
    for number in 0..500u16 {
        quiet.audio(u64::from(number) * 20, 7, number, 4000);
        // A run each: its source is another each time.
        busy.audio(u64::from(number) * 20, u32::from(number / 20), number, 4000);
    }
    assert_eq!((quiet.counts(), busy.counts().len()), (vec![500], 25));
    // A place for the source and 25 for its runs, eight in a block.
    assert_eq!(all - places.left(), 1 + 4);
    drop(busy);
    assert_eq!(all - places.left(), 1);
    let heard = quiet.heard.clone();
    drop(quiet);
    assert_eq!(heard.runs().len(), 1, "the call is remembered");
    drop(heard);
    assert_eq!(places.left(), all);
}

#[test]
fn when_all_calls_together_have_no_place_left_the_one_without_says_so_for_good() {
    let places = Arc::new(Places::new(0));
    let mut last = Desk::in_places(&places);
    let others: Vec<_> = (0..places.left())
        .map(|_| Desk::in_places(&places))
        .collect();
    for number in 0..10 {
        last.audio(u64::from(number) * 20, u32::from(number), number, 4000);
    }
    let full = Some(Duration::from_millis(7 * 20));
    assert_eq!((last.runs().len(), last.heard.full_since()), (7, full));
    drop(others);
    last.audio(1_000, 30, 30, 4000);
    assert_eq!((last.runs().len(), last.heard.full_since()), (7, full));
}

#[test]
fn readers_see_only_what_is_whole() {
    let mut desk = Desk::new();
    let heard = desk.heard.clone();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..RUNS as u64 {
                desk.audio(number * 20, number as u32, number as u16, 4000);
                desk.notes.flush();
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            for (number, run) in heard.runs().iter().enumerate() {
                assert_eq!((run.ssrc, run.count), (number as u32, 1));
                assert_eq!(run.at, Duration::from_millis(number as u64 * 20));
            }
        }
    });
    assert_eq!(heard.runs().len(), RUNS - 1);
}
