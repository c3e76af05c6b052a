//! A run: calls are set up, speak and listen for a while, and hang up.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    path::Path,
};

use crate::{
    calls, clock,
    media::{FRAME, Stream, Voice, level_at, tone},
    report::Measured,
    server::{Process, pin_callers},
    sip::Caller,
};

/// Between the slots in which calls send: calls are spread over the 20 ms.
const SLOT: i64 = 1_000_000;
const SLOTS: i64 = 20;
/// Calls set up a second.
const RATE: i64 = 150;
const SETTLE_SECONDS: i64 = 3;
/// How many callers keep what they hear to be listened to afterwards.
const LISTENERS: usize = 60;
/// Calls a second that are allowed while there are too many.
const ALLOWED: u64 = 200;
/// Services of `load/apps` that keep Python busy for five seconds each.
const BLOCKING: [&str; 2] = ["sleeper", "spinner"];
/// A tone is heard from here on (dBov, over the whole run); one's own is to stay under the other.
const HEARD: f64 = -40.0;
const UNHEARD: f64 = -50.0;

/// Who calls what, and says what.
pub struct Plan {
    name: String,
    /// Callers of one room, 1 where there is none.
    room: usize,
    users: Vec<String>,
    headers: &'static str,
    voices: Vec<Voice>,
    /// Services that block Python are called while it is measured.
    blocked: bool,
    /// Media threads that the server gets; 0: one for each of its cores.
    workers: u32,
    /// So many others call each second while it is measured, ten times what is allowed.
    flood: u64,
}

const SILENT: Voice = Voice {
    hz: 500,
    period: 1,
    from: 0,
    to: 0,
};

impl Plan {
    /// Rooms of three in which one after the other speaks for a second.
    pub fn conference(calls: usize) -> Self {
        let voice = |n: u32| Voice {
            hz: [500, 800, 1300][n as usize],
            period: 225,
            from: n * 75,
            to: n * 75 + 50,
        };
        Self {
            name: format!("conference:{calls}"),
            room: 3,
            users: (0..calls).map(|i| format!("room-{}", i / 3)).collect(),
            headers: "",
            blocked: false,
            flood: 0,
            workers: 0,
            voices: (0..calls).map(|i| voice(i as u32 % 3)).collect(),
        }
    }

    /// As `conference`, while one service sleeps and another spins in Python's only thread.
    pub fn blocked(calls: usize) -> Self {
        Self {
            name: format!("blocked:{calls}"),
            blocked: true,
            ..Self::conference(calls)
        }
    }

    /// As `conference`, while ten times as many others call as the limit allows.
    pub fn overload(calls: usize) -> Self {
        Self {
            name: format!("overload:{calls}"),
            flood: 10 * ALLOWED,
            ..Self::conference(calls)
        }
    }

    /// One room; the first few callers speak at once, with a pause now and then.
    pub fn room(calls: usize, talkers: usize) -> Self {
        let voice = |n: u32| Voice {
            hz: 500 + 200 * n,
            period: 250,
            from: n * 10,
            to: n * 10 + 150,
        };
        Self {
            name: format!("room:{calls}"),
            room: calls,
            users: vec!["plenary".into(); calls],
            headers: "",
            blocked: false,
            flood: 0,
            workers: 0,
            voices: (0..calls)
                .map(|i| if i < talkers { voice(i as u32) } else { SILENT })
                .collect(),
        }
    }

    /// As `room`, on two media threads, each of which has a part of it.
    pub fn spread(calls: usize, talkers: usize) -> Self {
        Self {
            name: format!("spread:{calls}"),
            workers: 2,
            ..Self::room(calls, talkers)
        }
    }

    /// Callers who hear an announcement again and again.
    pub fn announcement(calls: usize) -> Self {
        Self {
            name: format!("announcement:{calls}"),
            room: 1,
            users: vec!["announcement".into(); calls],
            headers: "P-App-Name: announcement\r\nP-App-Param: play=default-announcement;repeat=forever\r\n",
            voices: vec![SILENT; calls],
            blocked: false,
            flood: 0,
            workers: 0,
        }
    }
}

struct Run {
    streams: Vec<Stream>,
    connected: Vec<bool>,
    tones: Vec<(u32, Vec<[u8; FRAME]>)>,
    start: i64,
    slot: i64,
    /// Onset at a listener less onset at the talker, in microseconds.
    delays: Vec<u32>,
    room: usize,
}

impl Run {
    fn new(voices: &[Voice], room: usize) -> Result<Self, String> {
        let streams: Vec<Stream> = voices
            .iter()
            .enumerate()
            .map(|(index, voice)| Stream::bind(index, voice.clone()))
            .collect::<Result<_, _>>()
            .map_err(|e| format!("no sockets for the callers: {e}"))?;
        let mut frequencies: Vec<u32> = voices.iter().map(|v| v.hz).collect();
        frequencies.sort_unstable();
        frequencies.dedup();
        Ok(Self {
            connected: vec![false; streams.len()],
            streams,
            tones: frequencies.into_iter().map(|hz| (hz, tone(hz))).collect(),
            start: clock::now(),
            slot: 0,
            delays: Vec::new(),
            room,
        })
    }

    /// One millisecond: some send, some receive.
    fn slot(&mut self) {
        clock::sleep_until(self.start + self.slot * SLOT);
        let phase = self.slot % SLOTS;
        let round = (self.slot / SLOTS) as u32;
        let count = self.streams.len();
        for index in (phase as usize..count).step_by(SLOTS as usize) {
            if self.connected[index] {
                let stream = &mut self.streams[index];
                let tone = self
                    .tones
                    .iter()
                    .find(|(hz, _)| *hz == stream.hz())
                    .expect("made for all");
                stream.send(round, clock::now(), &tone.1);
            }
        }
        for index in ((phase as usize + 10) % SLOTS as usize..count).step_by(SLOTS as usize) {
            if self.connected[index] {
                self.streams[index].receive();
                if let Some(onset) = self.streams[index].heard.onset.take() {
                    self.delay(index, onset);
                }
            }
        }
        self.slot += 1;
    }

    fn delay(&mut self, listener: usize, onset: i64) {
        let first = listener / self.room * self.room;
        let members = first..(first + self.room).min(self.streams.len());
        let said = members
            .filter(|&i| i != listener && self.streams[i].is_talker())
            .map(|i| onset - self.streams[i].burst_sent)
            .filter(|delay| (0..1_000_000_000).contains(delay))
            .min();
        self.delays.extend(said.map(|delay| (delay / 1000) as u32));
    }

    fn seconds(&mut self, seconds: i64, mut each_slot: impl FnMut()) {
        for _ in 0..seconds * 1000 {
            self.slot();
            each_slot();
        }
    }

    /// Settles, measures for a while, and says what was found. `cpu` is asked at both ends.
    fn measure(
        &mut self,
        seconds: u64,
        cpu: impl Fn() -> u64,
        mut each_slot: impl FnMut(),
    ) -> Measured {
        self.seconds(SETTLE_SECONDS, &mut each_slot);
        let step = (self.streams.len() / LISTENERS).max(1);
        // Whole rooms listen, so that everyone's neighbours are known.
        for index in 0..self.streams.len() {
            let listens = (index / self.room).is_multiple_of(step.div_ceil(self.room).max(1))
                || index < LISTENERS;
            self.streams[index].heard.listening =
                listens && (self.room <= LISTENERS || index < LISTENERS);
            self.streams[index].heard.reset();
        }
        self.delays.clear();
        let (cpu_before, before) = (cpu(), clock::now());
        self.seconds(seconds as i64, &mut each_slot);
        let (cpu_after, after) = (cpu(), clock::now());
        let calls = self.connected.iter().filter(|c| **c).count();
        let seconds = (after - before) as f64 / 1e9;
        let mut grid: Vec<u32> = self
            .streams
            .iter_mut()
            .flat_map(|s| std::mem::take(&mut s.heard.grid))
            .collect();
        grid.sort_unstable();
        self.delays.sort_unstable();
        let sum = |of: fn(&Stream) -> u64| self.streams.iter().map(of).sum::<u64>();
        Measured {
            calls,
            seconds,
            cpu_per_call: (cpu_after - cpu_before) as f64 / 1000.0 / seconds / calls.max(1) as f64,
            expected: (seconds * 50.0 * calls as f64) as u64,
            received: sum(|s| s.heard.received),
            lost: sum(|s| s.heard.lost),
            disordered: sum(|s| s.heard.disordered),
            grid,
            delays: std::mem::take(&mut self.delays),
            wrong_tones: self.wrong_tones(),
            ..Measured::default()
        }
    }

    /// How many listeners miss a neighbour's tone or hear their own.
    fn wrong_tones(&self) -> (usize, usize) {
        let mut listeners = 0;
        let mut wrong = 0;
        for (index, stream) in self
            .streams
            .iter()
            .enumerate()
            .filter(|(_, s)| s.heard.listening)
        {
            listeners += 1;
            let first = index / self.room * self.room;
            let members = first..(first + self.room).min(self.streams.len());
            let samples = &stream.heard.samples[..stream.heard.samples.len() / 8000 * 8000];
            let good = if self.room == 1 {
                samples.iter().any(|s| s.unsigned_abs() > 1000)
            } else {
                members.filter(|&i| self.streams[i].is_talker()).all(|i| {
                    let level = level_at(samples, self.streams[i].hz());
                    if i == index {
                        level < UNHEARD
                    } else {
                        level > HEARD
                    }
                })
            };
            wrong += usize::from(!good);
        }
        (wrong, listeners)
    }
}

/// Sets the plan's calls up on a server of its own, measures, and hangs up.
pub fn run(plan: &Plan, sems: &Path, seconds: u64) -> Result<Measured, String> {
    pin_callers();
    eprintln!("{} …", plan.name);
    let server = Process::sems(sems, plan.workers, &limits(plan))?;
    let memory_before = server.memory();
    let mut caller = Caller::new(server.sip()).map_err(|e| e.to_string())?;
    let mut run = Run::new(&plan.voices, plan.room)?;
    while caller.answered() < plan.users.len() {
        if run.slot % (1000 / RATE) == 0 && caller.dialogs().len() < plan.users.len() {
            let next = caller.dialogs().len();
            caller.invite(&plan.users[next], plan.headers, run.streams[next].port());
        }
        run.slot();
        caller.poll();
        for (index, dialog) in caller.dialogs().iter().enumerate() {
            if let (false, Some(remote)) = (run.connected[index], dialog.remote) {
                run.streams[index]
                    .connect(remote)
                    .map_err(|e| e.to_string())?;
                run.connected[index] = true;
            }
        }
        if caller.is_stuck() || !caller.lost.is_empty() {
            return Err(format!(
                "{} of {} calls are up; {:?}",
                caller.answered(),
                plan.users.len(),
                caller.lost.first()
            ));
        }
    }
    let late = |server: &Process| {
        (
            server.counter("late_ticks"),
            server.counter("skipped_ticks"),
        )
    };
    let (late_before, dropped_before) = (late(&server), dropped_by_kernel());
    // What a blocked Python still holds back is no matter here: they have ports that nobody hears.
    let unheard = UdpSocket::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    if plan.blocked {
        let port = unheard.local_addr().map_err(|e| e.to_string())?.port();
        for service in BLOCKING {
            caller.invite(service, "", port);
        }
    }
    let mut flood = Flood::new(plan.flood, server.sip(), seconds)?;
    let mut measured = run.measure(
        seconds,
        || server.cpu(),
        || {
            caller.poll();
            flood.slot();
        },
    );
    measured.flood = flood.end();
    // A leg is with the thread that has its part of the room: the other had nothing to do without one.
    let media = server.media_cpu();
    let most = media.iter().copied().max().unwrap_or(0);
    let parts = media.iter().filter(|time| **time * 5 > most).count();
    if plan.workers > 0 {
        eprintln!("the room is on {parts} media threads, which took {media:?} ms");
        if parts < plan.workers as usize {
            return Err("the room is not on all media threads".to_owned());
        }
    }
    measured.name = plan.name.clone();
    let late_after = late(&server);
    measured.late_ticks = late_after.0 - late_before.0;
    measured.skipped_ticks = late_after.1 - late_before.1;
    measured.dropped_by_kernel = dropped_by_kernel().saturating_sub(dropped_before);
    measured.memory_per_call =
        server.memory().saturating_sub(memory_before) as f64 / plan.users.len() as f64;
    measured.set_up = caller
        .dialogs()
        .iter()
        .filter_map(|d| Some(d.set_up?.as_micros() as u32))
        .collect();
    measured.set_up.sort_unstable();
    measured.dropped_calls = caller.lost.len();
    caller.hang_up_all();
    Ok(measured)
}

/// Others who call and hang up at once, in step with the callers' slots.
struct Flood {
    run: calls::Run,
    rate: u64,
    slots: u64,
}

impl Flood {
    fn new(rate: u64, server: SocketAddr, seconds: u64) -> Result<Self, String> {
        let seconds = seconds + SETTLE_SECONDS as u64;
        Ok(Self {
            run: calls::Run::new(server, rate, seconds)?,
            rate,
            slots: 0,
        })
    }

    /// One millisecond.
    fn slot(&mut self) {
        self.slots += 1;
        let due = self.slots * self.rate / 1000 - (self.slots - 1) * self.rate / 1000;
        (0..due).for_each(|_| self.run.begin(true));
        self.run.poll();
    }

    fn end(mut self) -> Option<calls::Calls> {
        self.run.settle();
        self.run.found.set_up.sort_unstable();
        (self.rate > 0).then_some(self.run.found)
    }
}

/// Datagrams that did not fit into the buffer of their socket, of the whole machine, since it was started.
fn dropped_by_kernel() -> u64 {
    let text = fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut rows = text.lines().filter(|line| line.starts_with("Udp:"));
    let (Some(names), Some(values)) = (rows.next(), rows.next()) else {
        return 0;
    };
    let of = |wanted| {
        let at = names.split(' ').position(|name| name == wanted)?;
        values.split(' ').nth(at)?.parse::<u64>().ok()
    };
    of("RcvbufErrors").unwrap_or(0) + of("SndbufErrors").unwrap_or(0)
}

/// What the server is told of limits.
fn limits(plan: &Plan) -> String {
    match plan.flood {
        0 => String::new(),
        _ => format!("[limits]\ncalls_per_second = {ALLOWED}\n"),
    }
}

/// The same packets through the echo server.
pub fn run_echo(calls: usize, seconds: u64) -> Result<Measured, String> {
    pin_callers();
    eprintln!("echo:{calls} …");
    let server = Process::echo(calls)?;
    let voice = Voice {
        hz: 500,
        period: 225,
        from: 0,
        to: 75,
    };
    let mut run = Run::new(&vec![voice; calls], 1)?;
    for (index, port) in server.greeting.split_whitespace().enumerate() {
        let port = port.parse().map_err(|_| "the echo server names no ports")?;
        run.streams[index]
            .connect(SocketAddr::from(([127, 0, 0, 1], port)))
            .map_err(|e| e.to_string())?;
        run.connected[index] = true;
    }
    let mut measured = run.measure(seconds, || server.cpu(), || {});
    measured.name = format!("echo:{calls}");
    Ok(measured)
}
