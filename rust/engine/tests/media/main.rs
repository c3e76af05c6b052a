//! What the media promise, in virtual time on a network in memory.

mod stage;

mod files;
mod inband;
mod latch;
mod loudness;
mod matrix;
mod moving;
#[cfg(feature = "opus")]
mod opus_pauses;
#[cfg(feature = "opus")]
mod own_volumes;
mod packets;
mod parts;
#[cfg(feature = "opus")]
mod passing;
#[cfg(feature = "opus")]
mod passing_heard;
mod pauses;
mod prompts;
mod quality;
mod recording;
mod room_recording;
mod rooms;
mod streams;
mod taps;
mod watching;
#[cfg(feature = "opus")]
mod wide_sounds;
#[cfg(feature = "opus")]
mod wideband;
