//! The running core.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::{
    command::{DelayLine, Dial, HeaderList, MediaCommand, SignalingCommand, Takes},
    handle,
    ids::{CallId, RoomId},
};

use crate::{
    auth::{Credential, keyring},
    config::{EngineConfig, MemoryNetwork, taken},
    convert,
    errors::to_python,
    event::Event,
    quality::Quality,
    trace::{TraceEntry, TracedCall},
};

/// The core, running.
#[pyclass(frozen, module = "sems._core")]
pub struct Engine(pub handle::Engine);

/// A call by its number or its Call-ID.
#[derive(FromPyObject)]
enum CallName {
    Number(u64),
    Text(String),
}

impl Engine {
    pub fn signaling(&self, command: SignalingCommand) -> PyResult<u64> {
        let request = self.0.signaling(command).map_err(to_python)?;
        Ok(request.0)
    }

    pub fn media(&self, command: MediaCommand) -> PyResult<u64> {
        let request = self.0.media(command).map_err(to_python)?;
        Ok(request.0)
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (config, network = None))]
    fn new(
        py: Python<'_>,
        config: &EngineConfig,
        network: Option<&MemoryNetwork>,
    ) -> PyResult<Self> {
        let config = config.0.clone();
        let network = network.map(|network| &network.0);
        let engine = py.detach(|| match network {
            Some(network) => handle::Engine::start_virtual(config, network),
            None => handle::Engine::start(config),
        });
        engine.map(Self).map_err(to_python)
    }

    /// Readable while events wait (−1 for a virtual engine).
    fn fileno(&self) -> i32 {
        self.0.fd().unwrap_or(-1)
    }

    /// Takes all events that wait; clears the readability of `fileno()`, which with `soon` stays
    /// clear until they are taken without.
    #[pyo3(signature = (soon = false))]
    fn events(&self, py: Python<'_>, soon: bool) -> Vec<Event> {
        let events = py.detach(|| self.0.take_events(soon));
        events.into_iter().map(Event::from).collect()
    }

    /// The addresses bound, with the ports that the system chose for port 0.
    fn sip_addresses(&self) -> Vec<String> {
        self.0
            .sip_addresses()
            .iter()
            .map(SocketAddr::to_string)
            .collect()
    }

    /// The same with their transports.
    fn listeners(&self) -> Vec<String> {
        self.0.listeners().iter().map(ToString::to_string).collect()
    }

    /// Reads certificates and keys again.
    fn reload_tls(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.reload_tls()).map_err(to_python)
    }

    /// What the operator should know of the start.
    fn notices(&self) -> Vec<String> {
        self.0.notices().to_vec()
    }

    /// Counters and gauges by name.
    fn stats(&self) -> BTreeMap<&'static str, u64> {
        self.0.stats()
    }

    /// What the lines of these calls are like.
    fn quality(&self, calls: Vec<u64>) -> Vec<Option<Quality>> {
        let calls: Vec<_> = calls.into_iter().map(CallId).collect();
        let read = self.0.quality(&calls);
        let known = |quality: Option<_>| quality.map(Quality::from);
        read.into_iter().map(known).collect()
    }

    /// What is recorded of whom, the newest first.
    #[pyo3(signature = (limit = 500))]
    fn traced_calls(&self, py: Python<'_>, limit: usize) -> Vec<TracedCall> {
        let calls = py.detach(|| self.0.trace().calls(limit));
        calls.into_iter().map(TracedCall::from).collect()
    }

    /// All that is recorded of a call, by its number or its Call-ID.
    fn trace(&self, py: Python<'_>, call: CallName) -> Vec<TraceEntry> {
        let entries = py.detach(|| match call {
            CallName::Number(call) => self.0.trace().of_call(CallId(call)),
            CallName::Text(call_id) => self.0.trace().of(&call_id),
        });
        entries.into_iter().map(TraceEntry::from).collect()
    }

    /// Ends all threads and closes all sockets at once. Idempotent.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }

    #[pyo3(signature = (call, code = 180, headers = HeaderList::new(), early_media = false, link = None, reliable = false))]
    fn ring(
        &self,
        call: u64,
        code: u16,
        headers: HeaderList,
        early_media: bool,
        link: Option<String>,
        reliable: bool,
    ) -> PyResult<u64> {
        if !(101..=199).contains(&code) {
            return Err(PyValueError::new_err(format!(
                "code: {code} is not a provisional response"
            )));
        }
        self.signaling(SignalingCommand::Ring {
            call: CallId(call),
            code,
            headers,
            early_media,
            reliable,
            link,
        })
    }

    #[pyo3(signature = (call, headers = HeaderList::new(), link = None))]
    fn answer(&self, call: u64, headers: HeaderList, link: Option<String>) -> PyResult<u64> {
        self.signaling(SignalingCommand::Answer {
            call: CallId(call),
            headers,
            link,
        })
    }

    #[pyo3(signature = (call, code, reason = None, headers = HeaderList::new()))]
    fn reject(
        &self,
        call: u64,
        code: u16,
        reason: Option<String>,
        headers: HeaderList,
    ) -> PyResult<u64> {
        if !(300..=699).contains(&code) {
            return Err(PyValueError::new_err(format!(
                "code: {code} does not refuse a call"
            )));
        }
        self.signaling(SignalingCommand::Reject {
            call: CallId(call),
            code,
            reason,
            headers,
        })
    }

    #[pyo3(signature = (call, reason = None))]
    fn hangup(&self, call: u64, reason: Option<String>) -> PyResult<u64> {
        self.signaling(SignalingCommand::Hangup {
            call: CallId(call),
            reason,
        })
    }

    /// Places a call; returns (request, call).
    #[pyo3(signature = (
        uri,
        destinations,
        *,
        route = Vec::new(),
        to_uri = "",
        from_name = "",
        from_uri = "",
        headers = HeaderList::new(),
        link = None,
        late_offer = false,
        reliable = false,
        ring_timeout_ms = 185_000,
        credentials = Vec::new(),
        contact = None,
        focus = false,
        codecs = Vec::new(),
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn dial(
        &self,
        uri: String,
        destinations: Vec<String>,
        route: Vec<String>,
        to_uri: &str,
        from_name: &str,
        from_uri: &str,
        headers: HeaderList,
        link: Option<String>,
        late_offer: bool,
        reliable: bool,
        ring_timeout_ms: u64,
        credentials: Vec<Credential>,
        contact: Option<String>,
        focus: bool,
        codecs: Vec<String>,
    ) -> PyResult<(u64, u64)> {
        let destinations = convert::destinations(&destinations)?;
        let call = self.0.new_call();
        let dial = Dial {
            to_uri: to_uri.to_owned(),
            from_name: from_name.to_owned(),
            from_uri: from_uri.to_owned(),
            route,
            headers,
            link,
            late_offer,
            reliable,
            ring_timeout: (ring_timeout_ms > 0).then(|| Duration::from_millis(ring_timeout_ms)),
            credentials: keyring(credentials),
            contact,
            focus,
            codecs,
            ..Dial::new(call, uri, destinations)
        };
        let request = self.signaling(SignalingCommand::Dial(Box::new(dial)))?;
        Ok((request, call.0))
    }

    fn prefer(&self, call: u64, codecs: Vec<String>) -> PyResult<u64> {
        let call = CallId(call);
        self.signaling(SignalingCommand::Prefer { call, codecs })
    }

    fn focus(&self, call: u64) -> PyResult<u64> {
        self.signaling(SignalingCommand::Focus { call: CallId(call) })
    }

    fn hold(&self, call: u64, direction: &str) -> PyResult<u64> {
        let call = CallId(call);
        let direction = convert::stream_direction(direction)?;
        self.signaling(SignalingCommand::Hold { call, direction })
    }

    fn recode(&self, call: u64, codecs: Vec<String>) -> PyResult<u64> {
        let call = CallId(call);
        self.signaling(SignalingCommand::Recode { call, codecs })
    }

    fn pass_info(&self, call: u64, packages: Vec<String>) -> PyResult<u64> {
        let call = CallId(call);
        self.signaling(SignalingCommand::PassInfo { call, packages })
    }

    /// Which requests beside calls Python takes from now on.
    #[pyo3(signature = (methods, *, message_types = vec!["text/plain".to_owned()], info_packages = Vec::new()))]
    fn take(
        &self,
        methods: Vec<(String, u16, u64)>,
        message_types: Vec<String>,
        info_packages: Vec<String>,
    ) -> PyResult<u64> {
        self.signaling(SignalingCommand::Take(Box::new(Takes {
            methods: methods.into_iter().map(taken).collect(),
            message_types,
            info_packages,
        })))
    }

    fn shutdown(&self) -> PyResult<u64> {
        self.signaling(SignalingCommand::Shutdown)
    }

    /// Returns (request, room).
    fn open_room(&self) -> PyResult<(u64, u64)> {
        let room = self.0.new_room();
        let request = self.media(MediaCommand::OpenRoom { room })?;
        Ok((request, room.0))
    }

    fn close_room(&self, room: u64) -> PyResult<u64> {
        self.media(MediaCommand::CloseRoom { room: RoomId(room) })
    }

    fn join(&self, call: u64, room: Option<u64>) -> PyResult<u64> {
        self.media(MediaCommand::Join {
            call: CallId(call),
            room: room.map(RoomId),
        })
    }

    fn mute(&self, call: u64, on: bool) -> PyResult<u64> {
        self.media(MediaCommand::Mute {
            call: CallId(call),
            on,
        })
    }

    /// Whether a room's levels are told, as they are from the start.
    fn watch_levels(&self, room: u64, on: bool) -> PyResult<u64> {
        self.media(MediaCommand::WatchLevels {
            room: RoomId(room),
            on,
        })
    }

    #[pyo3(signature = (call, on, *, delay_ms = 0))]
    fn echo(&self, call: u64, on: bool, delay_ms: u32) -> PyResult<u64> {
        let line = (on && delay_ms > 0).then(|| Box::new(DelayLine::new(delay_ms)));
        self.media(MediaCommand::Echo {
            call: CallId(call),
            on,
            line,
        })
    }

    /// The call hears nobody any more (or again).
    fn deafen(&self, call: u64, on: bool) -> PyResult<u64> {
        self.media(MediaCommand::Deafen {
            call: CallId(call),
            on,
        })
    }

    /// How loud all hear the call. Gains are in dB, up to 18; below −72 (or −inf): not at all.
    fn set_gain(&self, call: u64, db: f32) -> PyResult<u64> {
        self.media(MediaCommand::SetGain {
            call: CallId(call),
            gain: convert::gain(db)?,
        })
    }

    /// Only those who overhear the call hear it.
    fn whisper(&self, call: u64, on: bool) -> PyResult<u64> {
        self.media(MediaCommand::Whisper {
            call: CallId(call),
            on,
        })
    }

    /// The call hears another one of its room also while that one whispers.
    fn overhear(&self, call: u64, other: u64, on: bool) -> PyResult<u64> {
        self.media(MediaCommand::Overhear {
            call: CallId(call),
            from: CallId(other),
            on,
        })
    }

    /// How loud the call hears another one of its room; None: as the room does.
    fn set_volume(&self, call: u64, other: u64, db: Option<f32>) -> PyResult<u64> {
        self.media(MediaCommand::SetVolume {
            call: CallId(call),
            from: CallId(other),
            gain: db.map(convert::gain).transpose()?,
        })
    }

    /// How loud the call hears its room.
    fn set_room_volume(&self, call: u64, db: f32) -> PyResult<u64> {
        self.media(MediaCommand::SetRoomVolume {
            call: CallId(call),
            gain: convert::gain(db)?,
        })
    }

    /// How a room mixes. ``max_talkers``: 1–32.
    fn set_room(
        &self,
        room: u64,
        level_control: bool,
        noise_gate: bool,
        max_talkers: Option<u8>,
    ) -> PyResult<u64> {
        self.media(MediaCommand::SetRoom {
            room: RoomId(room),
            settings: convert::room_settings(level_control, noise_gate, max_talkers)?,
        })
    }

    /// Does all that is due until `now_ns`.
    fn step(&self, py: Python<'_>, now_ns: u64) -> PyResult<()> {
        py.detach(|| self.0.step(Duration::from_nanos(now_ns)))
            .map_err(to_python)
    }

    /// When the next step is due.
    fn next_deadline(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        let deadline = py.detach(|| self.0.next_deadline()).map_err(to_python)?;
        Ok(deadline.map(|deadline| deadline.as_nanos() as u64))
    }
}
