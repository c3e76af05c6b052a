//! What somebody says at one phone, what somebody hears at another, and a network between them
//! that loses, delays, doubles and reorders as a seed has it. All of it in virtual time: a minute
//! takes a fraction of a second, and the same seed gives the same sound.

pub mod line;
pub mod measure;
pub mod speech;
pub mod weather;

#[path = "../../../rust/engine/tests/media/stage.rs"]
#[allow(
    missing_docs,
    dead_code,
    reason = "the engine's own tests use the rest"
)]
mod stage;
