//! Audio in real time: ports, legs, rooms and the workers that tick them.
//!
//! One packet's way: [`port`] → [`leg`] (latch, session, jitter buffer); at the tick: decode →
//! [`room`] (sum); for each leg: sum − self → encode → [`port`]. A [`worker`] owns all of this for
//! its rooms and shares nothing with the others; a leg changes rooms by being sent, owned. Workers
//! and [`files`] threads are state machines with `step(now)`; [`pool`] wraps threads around them.

pub mod counters;
mod exchange;
pub mod files;
pub mod leg;
mod message;
pub mod player;
pub mod pool;
pub mod port;
pub mod prompt;
mod recorder;
pub mod room;
mod schedule;
pub mod tap;
pub mod worker;

pub use sems_audio::Spectrogram;
