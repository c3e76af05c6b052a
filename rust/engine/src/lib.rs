//! The running server: the only sockets, threads and clocks of SEMS.
//!
//! [`handle::Engine`] is the door. Behind it one thread drives the SIP user agent
//! (`signaling`) and one thread a core drives the audio ([`media`]); each is a state machine with
//! `step(now)` and a thin loop around it. On a [`transport::memory::MemoryNetwork`] there are no
//! threads at all: [`handle::Engine::step`] does what is due, and a test decides what time it is.
//!
//! All that crosses to Python is a [`command::Command`] going down and an [`event::Event`] coming up.

pub mod account;
mod agreement;
pub mod auth;
mod branches;
mod call;
mod clock;
pub mod command;
pub mod config;
mod counter;
pub mod destination;
pub mod error;
pub mod event;
pub mod handle;
mod homes;
pub mod ids;
mod legs;
mod limits;
pub mod media;
mod outbox;
pub mod quality;
pub mod queue;
pub mod request;
mod signaling;
pub mod subscription;
pub mod trace;
pub mod transport;

pub use sems_audio::codec::native as native_codec;
