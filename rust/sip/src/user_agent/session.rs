//! One call as the user agent keeps it: dialogs, and how far the INVITE has come.

use crate::dialog::Dialog;
use crate::dialog::invite::{Cancel, Reinvite, Unacknowledged};
use crate::transaction::{ClientTransactionId, Running, ServerTransactionId};
use crate::{Headers, Text};

slotmap::new_key_type! {
    /// A call, from its INVITE to its end.
    pub struct SessionId;
}

/// Whom a transaction belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody waits for its outcome: CANCEL, and BYE to a branch of a fork that lost.
    Nobody,
    /// An INVITE to a server that was silent for too long, so that another was asked.
    Silent,
    /// The same, with a CANCEL on its way.
    Cancelled,
    /// The INVITE that opened the session.
    Invite(SessionId),
    /// A later INVITE.
    Reinvite(SessionId),
    /// The BYE that ends it.
    Bye(SessionId),
    /// A request of the layer above, perhaps within a session.
    Request(Option<SessionId>),
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionTimer {
    /// The INVITE has expired, and the caller doesn't wait for an answer any more.
    Expires,
    /// The last provisional response is due again.
    Repeat1xx,
    /// The 2xx is due again.
    Repeat2xx,
    /// The ACK to our 2xx has not come, or we have not sent the one we owe.
    NoAck,
    /// The wait after a 491 is over.
    Glare,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) call_id: Text,
    pub(super) local_tag: Text,
    /// While we call, the early dialogs of all branches, the latest last; otherwise just one.
    pub(super) dialogs: Vec<Dialog>,
    pub(super) phase: Phase,
    /// The layer above knows that it is over, and doesn't see it any more.
    pub(super) told: bool,
    /// Of a call to us: a response with our tag has gone out, so that there is a dialog (§12.1).
    pub(super) announced: bool,
    pub(super) running: Running<SessionTimer, 5>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// The peer's INVITE waits for our final response.
    Incoming { transaction: ServerTransactionId },
    /// Our INVITE waits for its final response.
    Calling {
        transaction: ClientTransactionId,
        /// Whether it carried an offer, so that the ACK carries nothing.
        offers: bool,
        cancel: Cancel,
    },
    /// There is a 2xx.
    Established(Established),
    /// Our BYE waits for its answer.
    Ending,
}

#[derive(Debug, Default)]
pub(super) struct Established {
    /// Whether the first INVITE has its ACK.
    pub(super) confirmed: bool,
    /// A 2xx of ours that waits for its ACK.
    pub(super) unacknowledged: Option<Box<Unacknowledged>>,
    /// A 2xx of the peer's whose ACK the layer above has to word.
    pub(super) owed_ack: Option<OwedAck>,
    pub(super) reinvite: Reinvite,
    /// A re-INVITE of ours met one of the peer's (491) and has to wait.
    pub(super) after_glare: bool,
    /// Hung up before the ACK came: the BYE has to wait for it (§15).
    pub(super) bye: Option<Box<Headers>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct OwedAck {
    pub(super) transaction: ClientTransactionId,
    pub(super) sequence: u32,
}

impl Session {
    pub(super) fn new(call_id: &str, local_tag: Text, phase: Phase) -> Self {
        Self {
            call_id: call_id.to_owned().into(),
            local_tag,
            dialogs: Vec::new(),
            phase,
            told: false,
            announced: false,
            running: Running::default(),
        }
    }

    pub(super) fn dialog_with(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        self.dialogs
            .iter_mut()
            .find(|dialog| dialog.remote_tag() == remote_tag)
    }

    /// The dialog, or the latest of several early ones.
    pub(super) fn dialog(&mut self) -> Option<&mut Dialog> {
        self.dialogs.last_mut()
    }

    pub(super) fn established(&mut self) -> Option<&mut Established> {
        match &mut self.phase {
            Phase::Established(established) => Some(established),
            _ => None,
        }
    }
}

impl Established {
    /// Whether an INVITE is under way in either direction, its ACK included.
    pub(super) fn is_busy(&self) -> bool {
        self.unacknowledged.is_some()
            || self.owed_ack.is_some()
            || !matches!(self.reinvite, Reinvite::None)
    }
}
