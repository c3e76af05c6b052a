//! What an answered call keeps in memory while nothing happens.
//!
//! An engine's calls are weighed beside as many legs without signaling, so that what is left is
//! signaling: session, dialog, description, agreement, tables.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Arc, Mutex,
        atomic::{AtomicIsize, Ordering},
    },
    time::Duration,
};

use arrayvec::ArrayVec;
#[cfg(feature = "opus")]
use sems_audio::codec::opus;
use sems_audio::codec::{Codec, g711, g722};
use sems_engine::{
    command::SignalingCommand,
    config::EngineConfig,
    event::Event,
    handle::Engine,
    ids::CallId,
    media::{
        leg::{Leg, LegConfig, Negotiated},
        pool::{Media, MediaConfig},
        port::{PortPool, PortSource},
    },
    queue::EventReceiver,
    trace::heard::{Heard, Places},
    transport::memory::{LinkQuality, MemoryNetwork},
};
use sems_rtp::{PayloadType, SequenceNumber, Ssrc, Timestamp};
use sems_sdp::EventSet;

/// Bytes that are allocated now.
static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Weighing;

// SAFETY: everything is left to the system's allocator; weighing touches no memory of its own.
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static WEIGHING: Weighing = Weighing;

/// Tables grow by doubling; with this many calls they have just grown, the worst case.
const CALLS: usize = 520;
const LIMIT: isize = 8 * 1024;
/// What a leg and its room may take, by codec: samples of 20 ms, what waits to be played, and what the
/// codec remembers.
const LEGS: &[(&Codec, isize)] = &[
    (&g711::PCMU, 14 * 1024),
    (&g722::G722, 21 * 1024),
    #[cfg(feature = "opus")]
    (&opus::OPUS, 140 * 1024),
];
/// Weighed one after the other.
static SCALES: Mutex<()> = Mutex::new(());

#[test]
fn the_signaling_of_an_idle_call_takes_less_than_8_kib() {
    let _scales = SCALES.lock();
    let calls = weigh_calls();
    let legs = weigh_leg(&g711::PCMU);
    let signaling = calls - legs;
    println!("a call {calls} bytes, of which its leg and room {legs}, signaling {signaling}");
    assert!(legs > 0);
    assert!(signaling < LIMIT, "{signaling} bytes");
}

#[test]
fn a_leg_takes_no_more_than_its_codec_needs() {
    let _scales = SCALES.lock();
    for &(codec, limit) in LEGS {
        let bytes = weigh_leg(codec);
        println!("a leg of {} and its room take {bytes} bytes", codec.name);
        assert!(
            (8 * 1024..limit).contains(&bytes),
            "{}: {bytes}",
            codec.name
        );
    }
}

#[test]
fn what_replays_need_of_a_quiet_call_takes_less_than_1_kib() {
    let _scales = SCALES.lock();
    // Made beforehand, and weighed by what is taken of it.
    let places = Arc::new(Places::new(1 << 20));
    places.provide();
    let without = weigh_leg(&g711::PCMU);
    let with = weigh_legs(&g711::PCMU, Some(places));
    let taken = with - without + Places::BLOCK_BYTES as isize;
    println!("notes of a leg take {taken} bytes");
    assert!((0..1024).contains(&taken), "{taken} bytes");
}

/// The memory of an answered call in an engine, a minute after its ACK.
fn weigh_calls() -> isize {
    let network = MemoryNetwork::new(0, LinkQuality::default());
    let config = EngineConfig {
        // What is remembered of past messages has a limit of its own, and is no call's.
        trace_bytes: 0,
        ..EngineConfig::default()
    };
    let engine = Engine::start_virtual(config, &network).unwrap();
    let phone = network.host();
    let socket = phone.bind(5060).unwrap();
    let (here, there) = (socket.local_addr(), engine.sip_addresses()[0]);
    let mut now = Duration::ZERO;
    let mut run = |time: Duration| {
        let end = now + time;
        while now < end {
            let next = engine.next_deadline().unwrap();
            now = next.unwrap_or(end).clamp(now, end);
            engine.step(now).unwrap();
            for event in engine.events() {
                if let Event::Incoming(incoming) = event {
                    let (call, headers, link) = (incoming.call, Vec::new(), None);
                    let answer = SignalingCommand::Answer {
                        call,
                        headers,
                        link,
                    };
                    engine.signaling(answer).unwrap();
                }
            }
        }
    };
    let send = |method: &str, call: usize, to_tag: &str, body: &str| {
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/sdp\r\n",
        };
        let message = format!(
            "{method} sip:standup@{there} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{method}{call};rport\r\n\
             Max-Forwards: 70\r\nFrom: \"A caller\" <sip:caller@{here}>;tag=tag{call}\r\n\
             To: <sip:standup@{there}>{to_tag}\r\nCall-ID: a-call-id-as-phones-make-them-{call}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:caller@{here}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK\r\n\
             Supported: 100rel, timer, replaces\r\nUser-Agent: a phone\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.send_to(message.as_bytes(), there);
    };
    let mut call = |number: usize| {
        let body = format!(
            "v=0\r\no=- {number} 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n",
            ip = here.ip()
        );
        send("INVITE", number, "", &body);
        let tag = loop {
            run(Duration::from_millis(5));
            let received = std::iter::from_fn(|| socket.take());
            let ok = received
                .map(|(_, data)| String::from_utf8(data).unwrap())
                .find(|text| text.starts_with("SIP/2.0 200"));
            if let Some(ok) = ok {
                let to = ok.lines().find(|line| line.starts_with("To: ")).unwrap();
                break to.split_once(";tag=").unwrap().1.to_owned();
            }
        };
        send("ACK", number, &format!(";tag={tag}"), "");
        run(Duration::from_millis(5));
    };
    call(0);
    let before = LIVE.load(Ordering::Relaxed);
    (1..=CALLS).for_each(&mut call);
    // Timers J, L and the like run out; nothing is heard from the phones, which ends no call here.
    run(Duration::from_secs(60));
    let _ = std::iter::from_fn(|| socket.take()).count();
    let after = LIVE.load(Ordering::Relaxed);
    assert_eq!(engine.stats()["calls"], CALLS as u64 + 1);
    assert_eq!(engine.stats()["transactions"], 0);
    (after - before) / CALLS as isize
}

/// The memory of a leg in a room of its own, whose peer may send G.711 as well.
fn weigh_leg(codec: &'static Codec) -> isize {
    weigh_legs(codec, None)
}

/// The same, with what comes written down there.
fn weigh_legs(codec: &'static Codec, places: Option<Arc<Places>>) -> isize {
    let network = MemoryNetwork::new(0, LinkQuality::default());
    let start = network.epoch();
    let mut receiver = EventReceiver::new(None);
    let config = MediaConfig {
        workers: 1,
        start,
        since_epoch: Duration::ZERO,
        rtp_timeout: Duration::from_secs(10),
        room_legs: 500,
        seed: 0,
        fault: Arc::new(|_| ()),
    };
    let mut media = Media::new(config, &mut receiver).unwrap();
    let (handle, host) = (media.handle(), network.host());
    let mut ports = PortPool::new(PortSource::Memory(host.clone()), (10_000, 19_999));
    let mut open = |number: usize| {
        let negotiated = Negotiated {
            codec,
            payload_type: PayloadType::PCMU,
            receive_formats: ArrayVec::from_iter([
                (PayloadType::PCMU, codec),
                (PayloadType::PCMA, &g711::PCMA),
            ]),
            ptime_ms: 20,
            send_events: PayloadType::new(101),
            events: EventSet::KEYS,
            receive_events: PayloadType::new(101).into_iter().collect(),
            remote_rtp: ([192, 0, 2, 9], 4000).into(),
            remote_rtcp: ([192, 0, 2, 9], 4001).into(),
            rtcp_mux: false,
            comfort_noise: false,
            voip_metrics: false,
            parameters: Default::default(),
            event_clock_rate: 8_000,
            send: true,
            receive: true,
            unproven: false,
            behind_nat: false,
        };
        let config = LegConfig {
            call: CallId::new(number as u64 + 1, 0),
            negotiated,
            cname: "a-name-of-24-characters-".to_owned(),
            ssrc: Ssrc(number as u32),
            first_sequence: SequenceNumber(1),
            first_timestamp: Timestamp(1),
        };
        let mut leg = Leg::new(config, ports.take(host.ip(), start).unwrap());
        if let Some(places) = &places {
            leg.take_notes(Arc::new(Heard::new(start, places.clone())));
        }
        assert!(handle.open(leg).is_ok());
        media.step(start);
    };
    open(0);
    let before = LIVE.load(Ordering::Relaxed);
    (1..=CALLS).for_each(&mut open);
    let after = LIVE.load(Ordering::Relaxed);
    (after - before) / CALLS as isize
}
