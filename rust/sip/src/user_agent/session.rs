//! One call as the user agent keeps it: dialogs, and how far the INVITE has come.

use crate::auth::client::ClientAuth;
use crate::dialog::Dialog;
use crate::dialog::exchange::Turn;
use crate::dialog::invite::{Cancel, Reinvite, Unacknowledged};
use crate::dialog::reliable::Reliable;
use crate::header::From;
use crate::registration::RegistrationId;
use crate::transaction::{ClientTransactionId, Running, ServerTransactionId};
use crate::{Headers, Request, Text};

use super::pace::Pace;
use super::refresh::Refresh;
use super::subscriptions::SubscriptionId;

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
    Silent(SessionId),
    /// The same, with a CANCEL on its way.
    Cancelled(SessionId),
    /// The INVITE that opened the session.
    Invite(SessionId),
    /// A later INVITE.
    Reinvite(SessionId),
    /// The BYE that ends it.
    Bye(SessionId),
    /// The PRACK to a provisional response.
    Prack(SessionId),
    /// An UPDATE, ours or the peer's.
    Update(SessionId),
    /// A SUBSCRIBE, or a REFER, of ours.
    Subscribe(SubscriptionId),
    /// A NOTIFY of ours.
    Notify(SubscriptionId),
    /// A REGISTER of ours.
    Register(RegistrationId),
    /// A request of the layer above, perhaps within a session.
    Request(Option<SessionId>),
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionTimer {
    /// It has rung long enough: the INVITE has expired, or ours is to be taken back.
    Expires,
    /// The last provisional response is due again.
    Repeat1xx,
    /// The 2xx is due again.
    Repeat2xx,
    /// The ACK to our 2xx has not come, or we have not sent the one we owe.
    NoAck,
    /// The provisional response that waits for its PRACK is due again.
    RepeatReliable,
    /// Its PRACK has not come.
    NoPrack,
    /// The wait after a 491 is over.
    Glare,
    /// It is time to look whether the session is to be refreshed, or has expired.
    Refresh,
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
    pub(super) running: Running<SessionTimer, 8>,
    /// What we answer challenges with; none without credentials.
    pub(super) auth: Option<Box<ClientAuth>>,
    /// Responses to the peer's INVITE that wait for PRACKs.
    pub(super) reliable: Option<Box<Reliable>>,
    /// Our UPDATE has no answer yet.
    pub(super) updating: Option<Updating>,
    /// The peer's offer in an UPDATE or PRACK that waits for our answer.
    pub(super) offer: Option<ServerTransactionId>,
    /// A change of ours met one of the peer's (491) and has to wait.
    pub(super) after_glare: bool,
    /// How the session is kept alive (RFC 4028).
    pub(super) refresh: Option<Box<Refresh>>,
    /// How fast the peer's requests come.
    pub(super) pace: Pace,
}

/// Our UPDATE.
#[derive(Clone, Copy, Debug)]
pub(super) struct Updating {
    pub(super) transaction: ClientTransactionId,
    /// Whether it offers something, beside refreshing the session.
    pub(super) offers: bool,
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
    /// Hung up before the ACK came: the BYE has to wait for it (§15).
    pub(super) bye: Option<Box<Headers>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct OwedAck {
    pub(super) transaction: ClientTransactionId,
    pub(super) sequence: u32,
}

impl Owner {
    /// The session that a request belongs to, if to any.
    pub(super) fn session(self) -> Option<SessionId> {
        match self {
            Self::Nobody | Self::Silent(_) | Self::Cancelled(_) | Self::Register(_) => None,
            // They may outlive it.
            Self::Subscribe(_) | Self::Notify(_) => None,
            Self::Invite(id)
            | Self::Reinvite(id)
            | Self::Bye(id)
            | Self::Prack(id)
            | Self::Update(id) => Some(id),
            Self::Request(id) => id,
        }
    }
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
            reliable: None,
            updating: None,
            offer: None,
            after_glare: false,
            refresh: None,
            pace: Pace::default(),
            auth: None,
        }
    }

    pub(super) fn dialog_with(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        self.dialogs
            .iter_mut()
            .find(|dialog| dialog.remote_tag() == remote_tag)
    }

    /// The dialog that a request of the peer's is in.
    pub(super) fn dialog_of(&mut self, request: &Request) -> Option<&mut Dialog> {
        let from = request.headers.require::<From>().ok()?;
        self.dialog_with(from.tag().unwrap_or_default())
    }

    /// Every dialog of this session says from now on that we are a focus.
    pub(super) fn be_focus(&mut self) {
        for dialog in &mut self.dialogs {
            dialog.be_focus();
        }
    }

    /// The dialog, or the latest of several early ones.
    pub(super) fn dialog(&mut self) -> Option<&mut Dialog> {
        self.dialogs.last_mut()
    }

    /// Whose description is the next.
    pub(super) fn turn(&self) -> Turn {
        self.dialogs
            .last()
            .map(|dialog| dialog.exchange.turn())
            .unwrap_or_default()
    }

    /// An INVITE is through, and with it what it offered.
    pub(super) fn settle_invite(&mut self) {
        // Offers by other requests that wait are not its business.
        if self.offer.is_none()
            && self.updating.is_none_or(|update| !update.offers)
            && let Some(dialog) = self.dialogs.last_mut()
        {
            dialog.exchange.settle();
        }
    }

    /// Whether any INVITE or offer is under way, so that there can't be another.
    pub(super) fn is_busy(&self) -> bool {
        let inviting = match &self.phase {
            Phase::Established(established) => established.is_busy(),
            _ => true,
        };
        inviting || self.turn() != Turn::Nobody || self.after_glare
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
