//! Where a leg and its room meet: their rates may differ, and what is coded for the leg alone goes
//! on from what was coded for all.

use sems_audio::{Converter, Rate, codec::Encoder};

use super::{Leg, Packet};
use crate::media::{message::Trash, player::Player};

/// Ticks for which a leg that has had a mix of its own keeps its encoder when it hears the same as
/// all again: 5 s. In the meantime that of all and its own come together …
const LINGER: u16 = 250;
/// … and after a second it may go when nothing sounds.
const LINGER_SILENT: u16 = 200;
/// Where only the filter between two rates has a memory, it has forgotten after one tick.
const LINGER_FILTER: u16 = 1;

/// The way between two rates, both ways.
pub(in crate::media) struct Edge {
    room: Rate,
    up: Converter,
    down: Converter,
    /// What the leg says, at the room's rate.
    frame: Box<[i16]>,
}

impl Edge {
    fn new(room: Rate, leg: Rate, codec: Rate) -> Box<Self> {
        Box::new(Self {
            room,
            up: Converter::new(leg, room),
            down: Converter::new(room, codec),
            frame: room.silence().into(),
        })
    }
}

/// What codes a leg's own mix.
pub(super) struct Own {
    pub(super) encoder: Encoder,
    /// It has coded what the peer heard last.
    active: bool,
    /// Ticks until it may rest.
    linger: u16,
}

impl Own {
    pub(super) fn new(encoder: Encoder) -> Self {
        Self {
            encoder,
            active: false,
            linger: 0,
        }
    }
}

impl Leg {
    /// The rate that its room has to have for nothing to be lost.
    pub(in crate::media) fn rate(&self) -> Rate {
        self.inbound.rates().1.max(self.codec().rate)
    }

    /// The room mixes at this rate from now on; returns what is not needed any more.
    pub(in crate::media) fn meet(&mut self, room: Rate) -> Option<Box<Edge>> {
        let codec = self.codec().rate;
        self.room_rate = room;
        let needed = codec != room || self.inbound.rates().0 != room;
        let same = |edge: &Edge| edge.room == room && edge.down.to() == codec;
        match &self.edge {
            Some(edge) if needed && same(edge) => None,
            _ => {
                let new = needed.then(|| Edge::new(room, self.inbound.rate(), codec));
                std::mem::replace(&mut self.edge, new)
            }
        }
    }

    /// Begins a playback that only it hears.
    pub(in crate::media) fn play(&mut self, mut player: Player, trash: &Trash) {
        player.meet(self.room_rate, trash);
        self.players.push(player);
    }

    /// Whether what it hears and says is as the room has it, and coded without a memory.
    pub(in crate::media) fn is_plain(&self) -> bool {
        self.edge.is_none() && self.own.encoder.is_stateless()
    }

    /// Brings what it says to the room's rate. `goes_on`: it did so in the tick before.
    pub(super) fn reach_up(&mut self, goes_on: bool) {
        let rate = self.inbound.rate();
        // It is put aside for a moment, since what is converted is the leg's, too.
        let Some(mut edge) = self.edge.take() else {
            return;
        };
        if edge.room != rate {
            if !goes_on || edge.up.from() != rate {
                edge.up.restart(rate, edge.room);
            }
            edge.up.convert(self.at_own_rate(), &mut edge.frame);
        }
        self.edge = Some(edge);
    }

    /// What it has brought to the room's rate, if that is not its own.
    pub(super) fn reached_up(&self) -> Option<&[i16]> {
        let edge = self.edge.as_deref()?;
        (edge.room != self.inbound.rate()).then_some(&*edge.frame)
    }

    /// Whether it goes on with an encoder of its own although it hears the same as all.
    pub(in crate::media) fn lingers(&self) -> bool {
        self.own.active && self.own.linger > 0
    }

    /// Whether its own encoder is the one that the peer has heard last.
    pub(in crate::media) fn codes_itself(&self) -> bool {
        self.own.active
    }

    /// It hears something of its own from now on: goes on where what all hear has come to.
    pub(in crate::media) fn part_from(&mut self, encoder: &Encoder, down: Option<&Converter>) {
        if std::mem::replace(&mut self.own.active, true) {
            return;
        }
        self.own.encoder.continue_from(encoder);
        if let Some(edge) = &mut self.edge {
            match down.filter(|down| down.to() == edge.down.to()) {
                Some(down) => edge.down = down.clone(),
                None => edge.down.reset(),
            }
        }
        self.linger_on();
    }

    /// It goes on with its own encoder, whatever all hear.
    pub(super) fn code_alone(&mut self) {
        if !self.is_plain() {
            self.own.active = true;
            self.linger_on();
        }
    }

    /// It hears something of its own in this tick.
    pub(in crate::media) fn linger_on(&mut self) {
        self.own.linger = match (self.own.encoder.is_stateless(), &self.edge) {
            (true, None) => 0,
            (true, Some(_)) => LINGER_FILTER,
            (false, _) => LINGER,
        };
    }

    /// It hears the same as all in this tick, which is nothing if `silent`.
    pub(in crate::media) fn come_back(&mut self, silent: bool) {
        self.own.linger = match self.own.linger {
            ..=LINGER_SILENT if silent && self.own.linger > LINGER_FILTER => 0,
            linger => linger.saturating_sub(1),
        };
    }

    /// It hears what is coded for all. What codes its own mix goes on from there when it is needed
    /// again.
    pub(in crate::media) fn join_all(&mut self) {
        self.own.active = false;
    }

    /// Its own encoder.
    pub(in crate::media) fn own_encoder(&self) -> &Encoder {
        &self.own.encoder
    }

    /// Codes 20 ms at the room's rate for it alone.
    pub(in crate::media) fn encode(&mut self, mix: &[i16], packet: &mut Packet) {
        let codec = self.codec().rate;
        match &mut self.edge {
            Some(edge) if edge.room != codec => {
                let mut converted = [0; Rate::LONGEST_FRAME];
                let converted = &mut converted[..codec.frame()];
                edge.down.convert(mix, converted);
                packet.encode(&mut self.own.encoder, converted);
            }
            _ => packet.encode(&mut self.own.encoder, mix),
        }
    }
}
