//! Digest authentication (RFC 7616 and RFC 8760 as RFC 3261 §22 uses them), on both sides.
//!
//! [`Keyring`] holds what we answer challenges with, [`AuthConfig`] whom we ask and who may
//! answer. Passwords never show in `Debug`.
//!
//! Left out: the scheme Basic, which RFC 3261 forbids; `userhash`; and `-sess` algorithms in
//! challenges of our own.

pub(crate) mod client;
mod digest;
mod failures;
mod keyring;
mod nonce;
mod server;

pub use digest::{Algorithm, Qop, Response};
pub use keyring::{Asker, Credential, Keyring};
pub use server::{AuthConfig, Secret};
pub(crate) use server::{Challenger, Verdict};
