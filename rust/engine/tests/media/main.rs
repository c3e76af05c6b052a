//! What the media promise, in virtual time on a network in memory.

mod stage;

mod latch;
mod loudness;
mod matrix;
mod moving;
mod packets;
mod pauses;
mod prompts;
mod quality;
mod recording;
mod rooms;
mod streams;
mod watching;
