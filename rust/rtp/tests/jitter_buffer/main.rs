//! The jitter buffer at work.

mod properties;
mod scenario;
mod store;
mod streams;
mod weather;
