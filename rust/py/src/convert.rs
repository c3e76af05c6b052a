//! Python's words for addresses, directions and listeners, as the engine's types.

use pyo3::{PyResult, exceptions::PyValueError};
use sems_engine::{
    command::{Direction, Gain, Listener, RoomSettings, StreamDirection},
    destination::Destination,
    event::EndCause,
    ids::{CallId, RoomId},
};

use crate::errors::to_python;

/// `[transport:]ip:port[;name=domain]` each, at least one.
pub fn destinations(texts: &[String]) -> PyResult<Vec<Destination>> {
    if texts.is_empty() {
        return Err(PyValueError::new_err("destinations: there is none"));
    }
    texts
        .iter()
        .map(|text| text.parse().map_err(to_python))
        .collect()
}

/// `in` or `out`.
pub fn direction(text: &str) -> PyResult<Direction> {
    match text {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        _ => Err(PyValueError::new_err(format!(
            "direction is {text:?}, neither in nor out"
        ))),
    }
}

/// The name of a stream's direction (RFC 8866 §6.7).
pub fn stream_direction(text: &str) -> PyResult<StreamDirection> {
    use StreamDirection as D;
    let all = [D::SendRecv, D::SendOnly, D::RecvOnly, D::Inactive];
    let found = all.into_iter().find(|one| one.as_str() == text);
    found.ok_or_else(|| {
        PyValueError::new_err(format!(
            "direction is {text:?}, none of sendrecv, sendonly, recvonly, inactive"
        ))
    })
}

/// Exactly one of a call and a room.
pub fn listener(call: Option<u64>, room: Option<u64>) -> PyResult<Listener> {
    match (call, room) {
        (Some(call), None) => Ok(Listener::Call(CallId(call))),
        (None, Some(room)) => Ok(Listener::Room(RoomId(room))),
        _ => Err(PyValueError::new_err(
            "exactly one of call and room is to be given",
        )),
    }
}

/// Decibels, at most 18.
pub fn gain(db: f32) -> PyResult<Gain> {
    match db <= 18.0 {
        true => Ok(Gain::from_db(db)),
        false => Err(PyValueError::new_err(format!(
            "a gain of {db} dB is more than 18"
        ))),
    }
}

/// How a room mixes.
pub fn room_settings(
    level_control: bool,
    noise_gate: bool,
    max_talkers: Option<u8>,
) -> PyResult<RoomSettings> {
    if max_talkers.is_some_and(|max| !(1..=32).contains(&max)) {
        return Err(PyValueError::new_err("max_talkers is not 1 to 32"));
    }
    Ok(RoomSettings {
        level_control,
        noise_gate,
        max_talkers,
    })
}

/// The word by which Python knows a cause.
pub fn cause(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Local => "local",
        EndCause::Remote => "remote",
        EndCause::Cancelled => "cancelled",
        EndCause::Rejected => "rejected",
        EndCause::Timeout => "timeout",
        EndCause::Error => "error",
    }
}

/// The word by which Python knows a direction.
pub fn direction_name(direction: Direction) -> String {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
    .to_owned()
}
