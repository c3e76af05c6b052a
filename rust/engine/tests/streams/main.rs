//! TCP and TLS over loopback: messages, connections, certificates, and peers that misbehave.

mod certificates;
mod connections;
mod ends;
mod misbehaviour;
