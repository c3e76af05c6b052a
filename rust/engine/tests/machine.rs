//! Engines with threads and sockets, on the machine's loopback.

use std::{
    collections::VecDeque,
    fs,
    net::{SocketAddr, UdpSocket},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sems_engine::{
    command::{Dial, Direction, Listener, MediaCommand, SignalingCommand, Tapped},
    config::EngineConfig,
    error::EngineError,
    event::{EndCause, Event},
    handle::Engine,
    ids::{CallId, RequestId},
    media::{
        prompt::Prompt,
        tap::{TapReader, tap},
    },
};

/// The tests count threads and share ports, so one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn engine(listen: &str, rtp_ports: (u16, u16)) -> Engine {
    let config = EngineConfig {
        sip_listen: vec![listen.parse().unwrap()],
        rtp_ports,
        workers: 2,
        max_calls: 10,
        ..EngineConfig::default()
    };
    Engine::start(config).unwrap()
}

/// An engine's events as they come.
struct Ear<'a> {
    engine: &'a Engine,
    told: VecDeque<Event>,
}

impl<'a> Ear<'a> {
    fn new(engine: &'a Engine) -> Self {
        Self {
            engine,
            told: VecDeque::new(),
        }
    }

    /// Waits for an event that `pick` wants; what comes before is passed over.
    #[track_caller]
    fn until<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            // What comes after it in the same batch waits for the next who asks.
            while let Some(event) = self.told.pop_front() {
                if let Some(picked) = pick(&event) {
                    return picked;
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never told");
            let mut poll = libc::pollfd {
                fd: self.engine.fd().unwrap(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one pollfd, which outlives the call.
            unsafe { libc::poll(&mut poll, 1, left.as_millis() as i32) };
            self.told = self.engine.events().into();
        }
    }

    #[track_caller]
    fn done(&mut self, request: RequestId) {
        let error = self.until(|event| match event {
            Event::Done { request: id, error } if *id == request => Some(error.clone()),
            _ => None,
        });
        assert_eq!(error, None);
    }
}

fn dial(engine: &Engine, to: SocketAddr) -> (RequestId, CallId) {
    let call = engine.new_call();
    let dial = Dial::new(call, format!("sip:standup@{to}"), vec![to.into()]);
    let request = engine.signaling(SignalingCommand::Dial(Box::new(dial)));
    (request.unwrap(), call)
}

fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("sems-"))
        .count()
}

/// A thread gives itself its name, and is gone from the list a little after it was joined.
#[track_caller]
fn assert_threads(count: usize) {
    let end = Instant::now() + Duration::from_secs(5);
    while threads() != count && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(threads(), count);
}

/// Waits until half a second of sound has been heard, and returns its pitch in hertz.
fn listen(reader: &mut TapReader) -> u32 {
    let mut samples: Vec<i16> = Vec::new();
    let end = Instant::now() + Duration::from_secs(10);
    while samples.len() < 4000 {
        assert!(Instant::now() < end, "nothing is heard");
        let mut more = Vec::new();
        reader.read(&mut more);
        // From the first sound on.
        let quiet = more.iter().take_while(|sample| sample.unsigned_abs() < 200);
        let from = if samples.is_empty() { quiet.count() } else { 0 };
        samples.extend(&more[from..]);
        std::thread::sleep(Duration::from_millis(5));
    }
    let rising = samples[..4000]
        .windows(2)
        .filter(|pair| pair[0] < 0 && pair[1] >= 0);
    rising.count() as u32 * 2
}

#[test]
fn a_real_call_is_heard_and_leaves_neither_threads_nor_sockets() {
    let _alone = alone();
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let (threads_before, files_before) = (threads(), open());
    let ann = engine("127.0.0.1:0", (42_000, 42_099));
    let bob = engine("0.0.0.0:0", (42_100, 42_199));
    // Two workers, signaling and two for files, twice.
    assert_threads(threads_before + 10);
    let (mut ann_told, mut bob_told) = (Ear::new(&ann), Ear::new(&bob));

    let to = SocketAddr::from(([127, 0, 0, 5], bob.sip_addresses()[0].port()));
    let (request, here) = dial(&ann, to);
    ann_told.done(request);
    let incoming = bob_told.until(|event| match event {
        Event::Incoming(incoming) => Some((**incoming).clone()),
        _ => None,
    });
    assert_eq!(incoming.source, ann.sip_addresses()[0]);
    assert_eq!(incoming.local, to);
    assert!(incoming.trusted);
    let there = incoming.call;
    let answer = SignalingCommand::Answer {
        call: there,
        headers: Vec::new(),
        link: None,
    };
    bob_told.done(bob.signaling(answer).unwrap());
    ann_told.until(|event| matches!(event, Event::Answered { .. }).then_some(()));

    let (writer, mut reader) = tap(2, 8000);
    let tapped = MediaCommand::Tap {
        of: Tapped::Call(there, Direction::In),
        tap: bob.new_tap(),
        writer,
    };
    bob_told.done(bob.media(tapped).unwrap());
    let play = ann.new_play();
    let tone = Prompt::tone("sine:600:3000:-20").unwrap();
    let playing = MediaCommand::Play {
        listener: Listener::Call(here),
        play,
        prompts: vec![tone.into()],
        repeat: 1,
    };
    ann_told.done(ann.media(playing).unwrap());
    let heard = listen(&mut reader);
    assert!((590..=610).contains(&heard), "{heard} Hz");

    let hangup = SignalingCommand::Hangup {
        call: here,
        reason: None,
    };
    ann_told.done(ann.signaling(hangup).unwrap());
    let cause = bob_told.until(|event| match event {
        Event::Ended { call, cause, .. } if *call == there => Some(*cause),
        _ => None,
    });
    assert_eq!(cause, EndCause::Remote);
    bob_told.done(bob.signaling(SignalingCommand::Shutdown).unwrap());
    assert_eq!(bob.stats()["calls"], 0);
    ann.close();
    bob.close();
    drop((ann, bob));
    assert_threads(threads_before);
    assert_eq!(open(), files_before);
}

#[test]
fn an_answer_to_a_wildcard_socket_names_the_address_that_was_called() {
    let _alone = alone();
    let bob = engine("0.0.0.0:0", (42_200, 42_299));
    let mut told = Ear::new(&bob);
    let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
    phone
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let (here, port) = (phone.local_addr().unwrap(), bob.sip_addresses()[0].port());
    let invite = format!(
        "INVITE sip:standup@127.0.0.7 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKwild\r\n\
         From: <sip:phone@{here}>;tag=1\r\nTo: <sip:standup@127.0.0.7>\r\nCall-ID: wild\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:phone@{here}>\r\nMax-Forwards: 70\r\n\r\n"
    );
    phone
        .send_to(invite.as_bytes(), ("127.0.0.7", port))
        .unwrap();
    let call = told.until(|event| match event {
        Event::Incoming(incoming) => Some(incoming.call),
        _ => None,
    });
    let answer = SignalingCommand::Answer {
        call,
        headers: Vec::new(),
        link: None,
    };
    bob.signaling(answer).unwrap();
    let mut buffer = [0; 4096];
    let ok = loop {
        let (length, source) = phone.recv_from(&mut buffer).unwrap();
        assert_eq!(source, SocketAddr::from(([127, 0, 0, 7], port)));
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if message.starts_with("SIP/2.0 200") {
            break message;
        }
    };
    assert!(
        ok.contains(&format!("Contact: <sip:standup@127.0.0.7:{port}>\r\n")),
        "{ok}"
    );
    assert!(ok.contains("\r\nc=IN IP4 127.0.0.7\r\n"), "{ok}");
    assert!(!ok.contains("0.0.0.0"), "{ok}");
}

#[test]
fn a_peer_that_the_system_can_not_send_to_ends_the_call_at_once() {
    let _alone = alone();
    let engine = engine("127.0.0.1:0", (42_500, 42_599));
    let mut told = Ear::new(&engine);
    let (request, here) = dial(&engine, "127.0.0.1:0".parse().unwrap());
    told.done(request);
    let ended = told.until(|event| match event {
        Event::Ended {
            call, cause, code, ..
        } if *call == here => Some((*cause, *code)),
        _ => None,
    });
    assert_eq!(ended, (EndCause::Error, Some(503)));
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let _alone = alone();
    let first = engine("127.0.0.1:0", (42_300, 42_399));
    let config = EngineConfig {
        sip_listen: first.listeners().to_vec(),
        ..EngineConfig::default()
    };
    // Two workers, two for files, signaling: all have given themselves their names.
    assert_threads(5);
    let error = Engine::start(config).err().unwrap();
    assert!(matches!(error, EngineError::Listen { .. }));
    let address = first.sip_addresses()[0];
    let expected = format!("cannot listen on udp {address}: address already in use");
    assert_eq!(error.to_string(), expected);
    assert_threads(5);
}

#[test]
fn a_real_engine_can_not_be_stepped() {
    let _alone = alone();
    let engine = engine("127.0.0.1:0", (42_400, 42_499));
    let stepped = engine.step(Duration::from_secs(1));
    assert!(matches!(stepped, Err(EngineError::NotVirtual)));
    assert!(matches!(
        engine.next_deadline(),
        Err(EngineError::NotVirtual)
    ));
}

#[test]
fn the_operator_is_told_of_ports_that_the_system_gives_away() {
    let _alone = alone();
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    let engine = engine("127.0.0.1:0", (first, first + 100));
    let notices = engine.notices();
    let told = notices.iter().any(|notice| notice.contains("overlap"));
    assert!(told, "{notices:?}");
}
