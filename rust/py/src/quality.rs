//! What lines are like, as Python reads it.

use pyo3::prelude::*;
use sems_engine::quality;

/// Figures of one line; counts and shares are of the last five seconds.
#[pyclass(frozen, get_all, eq, module = "sems._core")]
#[derive(PartialEq)]
pub struct Quality {
    /// RTP packets received.
    received: u32,
    /// Packets that should have come and did not.
    lost: u32,
    /// Packets that came too late to be played.
    discarded: u32,
    /// Share of packets that did not come.
    loss: f32,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    jitter_ms: f32,
    /// How long packets wait here to be played.
    buffer_ms: f32,
    /// From RTCP, where the peer sends it.
    round_trip_ms: Option<f32>,
    /// Loss that the peer reports of what we send.
    remote_loss: Option<f32>,
    /// Jitter that the peer reports of what we send.
    remote_jitter_ms: Option<f32>,
    /// What the peer sounds like here.
    mos: Option<f32>,
    /// What we sound like to the peer.
    remote_mos: Option<f32>,
    /// For so long the peer has not reported.
    reported_ms: Option<f32>,
}

#[pymethods]
impl Quality {
    fn __repr__(&self) -> String {
        let mos = self
            .mos
            .map_or_else(|| "None".to_owned(), |mos| format!("{mos:.2}"));
        format!(
            "<Quality mos={mos} loss={:.3} jitter_ms={:.1}>",
            self.loss, self.jitter_ms
        )
    }
}

impl From<quality::Quality> for Quality {
    fn from(quality: quality::Quality) -> Self {
        Self {
            received: quality.received,
            lost: quality.lost,
            discarded: quality.discarded,
            loss: quality.loss(),
            jitter_ms: quality.jitter_ms,
            buffer_ms: quality.buffer_ms,
            round_trip_ms: quality.round_trip_ms,
            remote_loss: quality.remote_loss,
            remote_jitter_ms: quality.remote_jitter_ms,
            mos: quality.mos,
            remote_mos: quality.remote_mos,
            reported_ms: quality.reported_ms,
        }
    }
}
