//! The jitter buffer at work.

mod properties;
mod scenario;
mod streams;
mod weather;
