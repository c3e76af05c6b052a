//! What has to be unique or can't be guessed: tags, branches, Call-IDs.

use std::hash::{DefaultHasher, Hash, Hasher};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::header::{CSeq, CallId, From, Via};
use crate::{Request, Text};

#[derive(Debug)]
pub(super) struct Identity {
    pub(super) rng: StdRng,
    secret: [u64; 2],
}

impl Identity {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let secret = [rng.random(), rng.random()];
        Self { rng, secret }
    }

    /// A tag of 64 random bits (RFC 3261 §19.3 asks for 32).
    pub(super) fn tag(&mut self) -> Text {
        format!("{:016x}", self.rng.random::<u64>()).into()
    }

    pub(super) fn branch(&mut self) -> String {
        format!("{}{:016x}", Via::MAGIC_COOKIE, self.rng.random::<u64>())
    }

    pub(super) fn call_id(&mut self) -> Text {
        format!("{:032x}", self.rng.random::<u128>()).into()
    }

    /// The To tag of an answer that is given without keeping anything: the same for each
    /// repetition of the request (§8.2.7).
    pub(super) fn stateless_tag(&self, request: &Request) -> Text {
        let mut hasher = DefaultHasher::new();
        self.secret.hash(&mut hasher);
        if let Ok(call_id) = request.headers.require::<CallId>() {
            call_id.hash(&mut hasher);
        }
        if let Ok(from) = request.headers.require::<From>() {
            from.tag().hash(&mut hasher);
        }
        if let Ok(cseq) = request.headers.require::<CSeq>() {
            cseq.sequence.hash(&mut hasher);
        }
        format!("{:016x}", hasher.finish()).into()
    }
}
