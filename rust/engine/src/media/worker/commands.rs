//! What a worker is told to do.

use std::time::{Duration, Instant};

use sems_audio::{DelayLine, Personal};
use sems_rtp::Digit;

use super::{Place, ToFiles, ToWorker, Waste, Worker};
use crate::{
    command::{Listener, MediaCommand},
    event::Event,
    ids::{CallId, PlayId, RequestId, RoomId},
    media::{
        leg::Leg,
        player::{PlayControl, Player},
        room::Room,
    },
};

/// How long each digit is held down.
const DIGIT: Duration = Duration::from_millis(100);

/// Whom a message is about.
enum Subject {
    Call(CallId),
    Room,
}

fn subject(message: &ToWorker) -> Subject {
    match message {
        ToWorker::Update(call, _)
        | ToWorker::Pressed(call, ..)
        | ToWorker::Close(call)
        | ToWorker::RecordCall { call, .. }
        | ToWorker::RecordMember { call, .. } => Subject::Call(*call),
        ToWorker::Command(_, command) => match command.about() {
            Listener::Call(call) => Subject::Call(call),
            Listener::Room(_) => Subject::Room,
        },
        ToWorker::Open(_)
        | ToWorker::RecordRoom { .. }
        | ToWorker::Arrive { .. }
        | ToWorker::Landed { .. }
        | ToWorker::OpenPart(_)
        | ToWorker::LinkPart(..)
        | ToWorker::RatePart(..)
        | ToWorker::SetPart(..)
        | ToWorker::ForgetPart(..)
        | ToWorker::RecordPart(..)
        | ToWorker::EndRecordPart(..)
        | ToWorker::ClosePart(..)
        | ToWorker::Stop => Subject::Room,
    }
}

impl Worker {
    /// Does what a message says, or sends it to where the call's leg is.
    pub(super) fn handle(&mut self, message: ToWorker, now: Instant) {
        if let Subject::Call(call) = subject(&message) {
            match self.calls.get(&call) {
                Some(&Place::Away(worker)) => {
                    match &message {
                        ToWorker::Close(_) => {
                            self.calls.remove(&call);
                        }
                        // It will be told where the leg has landed.
                        ToWorker::Command(_, MediaCommand::Join { .. }) => {
                            self.calls.insert(call, Place::Moving);
                        }
                        _ => {}
                    }
                    return self.send(worker, message);
                }
                Some(Place::Moving) => return self.held.push_back((call, message)),
                Some(Place::Here(..)) | None => {}
            }
        }
        match message {
            ToWorker::Open(leg) => {
                let own = self.add_room(None);
                self.enter(own, leg, now);
            }
            ToWorker::Update(call, mut update) => {
                if let Some(&Place::Here(key, index)) = self.calls.get(&call)
                    && let Some(room) = self.rooms.get_mut(key)
                {
                    room.change(index, &mut update, &self.tools.tick(now));
                    self.tell_rate(key);
                }
                self.tools.trash.put(Waste::Update(update));
            }
            ToWorker::Pressed(call, key, held) => {
                if let Some(leg) = self.leg(call) {
                    leg.pressed(key, held, now);
                }
            }
            ToWorker::Close(call) => self.close(call, now),
            ToWorker::RecordCall {
                request,
                recording,
                call,
                writers,
            } => self.record_call(request, recording, call, writers),
            ToWorker::RecordRoom {
                request,
                room,
                recording,
                mix,
            } => self.record_room(request, room, recording, mix, now),
            ToWorker::RecordMember {
                recording,
                call,
                writer,
            } => self.record_member(recording, call, writer),
            ToWorker::Arrive { request, leg, room } => self.arrive(request, leg, room, now),
            ToWorker::Landed { call, at } => self.landed(call, at, now),
            ToWorker::OpenPart(new) => self.open_part(*new, now),
            ToWorker::LinkPart(room, worker, link) => self.link_part(room, worker, *link),
            ToWorker::RatePart(room, worker, rate) => self.rate_part(room, worker, rate),
            ToWorker::SetPart(room, settings) => self.set_part(room, settings),
            ToWorker::ForgetPart(room, call) => self.forget_part(room, call),
            ToWorker::RecordPart(room, recording) => self.record_part(room, recording),
            ToWorker::EndRecordPart(room, id) => self.let_go_part(room, id),
            ToWorker::ClosePart(room, failed) => self.close_part(room, failed, now),
            ToWorker::Stop => self.stop(now),
            ToWorker::Command(request, command) => self.command(request, command, now),
        }
    }

    fn command(&mut self, request: RequestId, command: MediaCommand, now: Instant) {
        let result = match command {
            MediaCommand::OpenRoom { room } => {
                if !self.names.contains_key(&room) {
                    self.add_room(Some(room));
                }
                Ok(())
            }
            MediaCommand::CloseRoom { room } => self.close_room(room, now),
            MediaCommand::Join { call, room } => return self.join(request, call, room, now),
            MediaCommand::Mute { call, on } => self.with_leg(call, |leg| leg.muted = on),
            MediaCommand::Echo { call, on, line } => self.echo(call, on, line),
            MediaCommand::SetRoom { room, settings } => {
                if let Some(key) = self.names.get(&room) {
                    self.tell_parts(*key, |room| ToWorker::SetPart(room, settings));
                }
                self.with_room(room, |room| room.set(settings))
            }
            MediaCommand::Deafen { call, on } => self.with_leg(call, |leg| leg.deaf = on),
            MediaCommand::SetGain { call, gain } => self.with_leg(call, |leg| leg.set_gain(gain)),
            MediaCommand::Whisper { call, on } => self.with_leg(call, |leg| leg.whispers = on),
            MediaCommand::Overhear { call, from, on } => {
                self.hear(call, from, |personal| personal.set_whisper(from, on))
            }
            MediaCommand::SetVolume { call, from, gain } => {
                self.hear(call, from, |personal| personal.set_gain(from, gain))
            }
            MediaCommand::SetRoomVolume { call, gain } => {
                self.personal(call, |personal| personal.set_room(gain))
            }
            MediaCommand::WatchLevels { room, on } => self.with_room(room, |room| {
                room.watched = on;
                room.prepare_passing();
            }),
            MediaCommand::Play {
                listener,
                play,
                prompts,
                repeat,
            } => self.play(listener, Player::new(play, prompts, repeat), now),
            MediaCommand::Start { listener, player } => self.play(listener, *player, now),
            MediaCommand::ControlPlay {
                listener,
                play,
                control,
            } => {
                self.control_play(listener, play, control);
                Ok(())
            }
            MediaCommand::StopPlay { listener, play } => {
                let player = match listener {
                    Listener::Call(call) => self.leg(call).and_then(|leg| {
                        crate::media::room::take_player(&mut leg.players, Some(play))
                    }),
                    Listener::Room(room) => self
                        .room(room)
                        .and_then(|room| room.take_player(Some(play))),
                };
                if let Some(player) = player {
                    self.end_play(player);
                }
                Ok(())
            }
            MediaCommand::SendDigits { call, digits } => self.send_digits(call, &digits),
            MediaCommand::Tap { of, tap, writer } => self.tap(of, tap, writer),
            MediaCommand::Record {
                recording,
                what,
                rate,
            } => {
                // Files are the file threads'; they come back with rings.
                let message = ToFiles::Record {
                    request,
                    recording,
                    what,
                    rate,
                };
                return self.pass_to_files(request, message);
            }
            MediaCommand::PauseRecord { recording, on, .. } => {
                let message = ToFiles::PauseRecord {
                    request,
                    recording,
                    on,
                    at: self.tools.wall.since_start(now),
                };
                return self.pass_to_files(request, message);
            }
            MediaCommand::StopRecord { of, recording } => {
                self.let_go(of, recording);
                let message = ToFiles::StopRecord {
                    request: Some(request),
                    recording,
                    at: self.tools.wall.since_start(now),
                };
                return self.pass_to_files(request, message);
            }
        };
        self.done(request, result.err());
    }

    fn pass_to_files(&mut self, request: RequestId, message: ToFiles) {
        if self.tools.trash.tell(message).is_err() {
            self.done(request, Some("the disk does not keep up".to_owned()));
        }
    }

    pub(super) fn leg(&mut self, call: CallId) -> Option<&mut Leg> {
        let Some(&Place::Here(key, index)) = self.calls.get(&call) else {
            return None;
        };
        let room = self.rooms.get_mut(key)?;
        room.legs.get_mut(index).map(|leg| &mut **leg)
    }

    pub(super) fn room(&mut self, room: RoomId) -> Option<&mut Room> {
        let key = self.names.get(&room)?;
        self.rooms.get_mut(*key).map(|room| &mut **room)
    }

    fn with_leg(&mut self, call: CallId, change: impl FnOnce(&mut Leg)) -> Result<(), String> {
        let leg = self.leg(call).ok_or_else(|| no_leg(call))?;
        change(leg);
        Ok(())
    }

    fn echo(&mut self, call: CallId, on: bool, line: Option<Box<DelayLine>>) -> Result<(), String> {
        let leg = self.leg(call).ok_or_else(|| no_leg(call))?;
        leg.echo = on;
        if let Some(old) = std::mem::replace(&mut leg.line, line) {
            self.tools.trash.put(Waste::Line(old));
        }
        Ok(())
    }

    fn with_room(&mut self, room: RoomId, change: impl FnOnce(&mut Room)) -> Result<(), String> {
        let key = self.names.get(&room);
        let found = key.and_then(|key| self.rooms.get_mut(*key));
        change(found.ok_or_else(|| no_room(room))?);
        Ok(())
    }

    /// Changes how a call hears another one.
    fn hear(
        &mut self,
        call: CallId,
        from: CallId,
        change: impl FnOnce(&mut Personal<CallId>),
    ) -> Result<(), String> {
        let room = |call| match self.calls.get(&call) {
            Some(&Place::Here(key, _)) => Some(key),
            _ => None,
        };
        let key = room(call);
        let parts = key.and_then(|key| self.rooms.get(key)?.parts.as_ref());
        let elsewhere = parts.is_some() && room(from).is_none();
        if key.is_some() && room(from) != key && !elsewhere {
            return Err(format!("calls {call} and {from} are not in one room"));
        }
        self.personal(call, change)
    }

    /// Changes how a call hears its room.
    fn personal(
        &mut self,
        call: CallId,
        change: impl FnOnce(&mut Personal<CallId>),
    ) -> Result<(), String> {
        let place = self.calls.get(&call);
        if let Some(Place::Here(key, _)) = place
            && let Some(room) = self.rooms.get_mut(*key)
        {
            room.personal = true;
        }
        let leg = self.leg(call).ok_or_else(|| no_leg(call))?;
        let mut personal = leg.personal.take().unwrap_or_default();
        change(&mut personal);
        match personal.is_plain() {
            true => self.tools.trash.put(Waste::Personal(personal)),
            false => leg.personal = Some(personal),
        }
        Ok(())
    }

    fn play(&mut self, listener: Listener, player: Player, now: Instant) -> Result<(), String> {
        match listener {
            Listener::Call(call) => {
                let Some(&Place::Here(key, index)) = self.calls.get(&call) else {
                    return Err(no_leg(call));
                };
                if let Some(room) = self.rooms.get_mut(key) {
                    room.legs[index].play(player, &self.tools.trash);
                }
                Ok(())
            }
            Listener::Room(room) => {
                let key = *self.names.get(&room).ok_or_else(|| no_room(room))?;
                if let Some(room) = self.rooms.get_mut(key) {
                    room.play(player, &self.tools.trash);
                }
                self.wake_up(key, now);
                Ok(())
            }
        }
    }

    /// Tells that a playback has ended before its time.
    pub(super) fn end_play(&mut self, player: Player) {
        self.tools.outbox.tell(Event::PlayFinished {
            play: player.play(),
            complete: false,
        });
        self.tools.trash.put(Waste::Player(player));
    }

    fn send_digits(&mut self, call: CallId, digits: &str) -> Result<(), String> {
        let leg = self.leg(call).ok_or_else(|| no_leg(call))?;
        let keys: Option<Vec<Digit>> = digits.chars().map(Digit::from_char).collect();
        let keys = keys.ok_or_else(|| format!("{digits:?} are not keys of a telephone"))?;
        leg.press(&keys, DIGIT)
    }

    fn control_play(&mut self, listener: Listener, play: PlayId, control: PlayControl) {
        let players = match listener {
            Listener::Call(call) => self.leg(call).map(|leg| &mut leg.players),
            Listener::Room(room) => self.room(room).map(|room| room.players_mut()),
        };
        let player =
            players.and_then(|players| players.iter_mut().find(|player| player.play() == play));
        if player.is_some_and(|player| player.control(control)) {
            // A file thread that is overrun looks at it before long anyway.
            let _ = self.tools.trash.tell(ToFiles::Heed(play));
        }
    }

    fn close(&mut self, call: CallId, now: Instant) {
        let Some(mut leg) = self.take(call, now) else {
            return;
        };
        leg.leave(&self.tools.tick(now));
        leg.sinks.finish(&mut self.tools.outbox);
        while let Some(player) = leg.players.pop() {
            self.end_play(player);
        }
        self.tools.trash.put(Waste::Leg(leg));
    }

    pub(super) fn close_room(&mut self, room: RoomId, now: Instant) -> Result<(), String> {
        let key = *self.names.get(&room).ok_or_else(|| no_room(room))?;
        self.finish_portions(key);
        if room.home() == self.index {
            self.tell_parts(key, |room| ToWorker::ClosePart(room, false));
        }
        let Some(mut room) = self.unlist(key) else {
            return Ok(());
        };
        let at = self.tools.wall.since_start(now);
        self.end_recordings(&mut room, at);
        room.end_passing(now);
        room.sinks.finish(&mut self.tools.outbox);
        while let Some(player) = room.take_player(None) {
            self.end_play(player);
        }
        for mut leg in room.legs.drain(..) {
            self.tools.counters.legs.subtract(1);
            leg.whispers = false;
            if let Some(personal) = leg.personal.take() {
                self.tools.trash.put(Waste::Personal(personal));
            }
            leg.sinks.leave(&self.tools.trash);
            let own = self.add_room(None);
            self.enter(own, leg, now);
        }
        self.tools.trash.put(Waste::Room(room));
        Ok(())
    }

    fn join(&mut self, request: RequestId, call: CallId, room: Option<RoomId>, now: Instant) {
        let target = room.map_or(self.index, RoomId::home);
        if usize::from(target) >= self.workers.len() {
            let error = room.map(no_room);
            return self.stay(request, call, error);
        }
        if let Some(&Place::Here(key, _)) = self.calls.get(&call)
            && room.is_some_and(|room| self.names.get(&room) == Some(&key))
        {
            // There it is, in whatever part of the room.
            return self.stay(request, call, None);
        }
        if target != self.index {
            let (Some(leg), Some(room)) = (self.take(call, now), room) else {
                return self.stay(request, call, Some(no_leg(call)));
            };
            if call.home() == self.index {
                self.calls.insert(call, Place::Moving);
            }
            return self.send(target, ToWorker::Arrive { request, leg, room });
        }
        let Some(&Place::Here(current, _)) = self.calls.get(&call) else {
            return self.stay(request, call, Some(no_leg(call)));
        };
        let key = match room {
            None if self
                .rooms
                .get(current)
                .is_some_and(|room| room.id.is_none()) =>
            {
                current
            }
            None => self.add_room(None),
            Some(room) => match self.names.get(&room) {
                Some(key) => *key,
                None => return self.stay(request, call, Some(no_room(room))),
            },
        };
        if key != current {
            let worker = self.choose_part(key);
            let Some(leg) = self.take(call, now) else {
                return self.stay(request, call, Some(no_leg(call)));
            };
            if worker != self.index
                && let Some(room) = room
            {
                let arrive = |leg| ToWorker::Arrive { request, leg, room };
                return self.send_to_part(worker, leg, arrive);
            }
            self.enter(key, leg, now);
        }
        self.stay(request, call, None);
    }

    /// A join is over without the leg having left this worker.
    fn stay(&mut self, request: RequestId, call: CallId, error: Option<String>) {
        self.tell_home(call);
        self.done(request, error);
    }

    fn arrive(&mut self, request: RequestId, leg: Box<Leg>, room: RoomId, now: Instant) {
        let call = leg.call();
        let (key, error) = match self.names.get(&room) {
            Some(&key) => {
                let worker = match room.home() == self.index {
                    true => self.choose_part(key),
                    false => self.index,
                };
                if worker != self.index {
                    let arrive = |leg| ToWorker::Arrive { request, leg, room };
                    return self.send_to_part(worker, leg, arrive);
                }
                (key, None)
            }
            None => (self.add_room(None), Some(no_room(room))),
        };
        self.enter(key, leg, now);
        self.done(request, error);
        if call.home() == self.index {
            self.release(call, now);
        } else {
            self.tell_home(call);
        }
    }

    fn tell_home(&mut self, call: CallId) {
        if call.home() != self.index {
            let at = self.index;
            self.send(call.home(), ToWorker::Landed { call, at });
        }
    }

    fn landed(&mut self, call: CallId, at: u8, now: Instant) {
        if let Some(place @ Place::Moving) = self.calls.get_mut(&call) {
            *place = Place::Away(at);
        }
        self.release(call, now);
    }

    /// Goes on with what was held for a call while its leg was on its way.
    fn release(&mut self, call: CallId, now: Instant) {
        for _ in 0..self.held.len() {
            let Some((whose, message)) = self.held.pop_front() else {
                break;
            };
            if whose == call {
                // May be held again, behind the others, when the leg goes on its way again.
                self.handle(message, now);
            } else {
                self.held.push_back((whose, message));
            }
        }
    }

    fn stop(&mut self, now: Instant) {
        let tick = self.tools.tick(now);
        for room in self.rooms.values_mut() {
            for leg in &mut room.legs {
                leg.leave(&tick);
            }
        }
        self.rooms.clear();
        self.calls.clear();
        self.names.clear();
        self.stopped = true;
    }
}

pub(super) fn no_leg(call: CallId) -> String {
    format!("call {call} has no audio")
}

pub(super) fn no_room(room: RoomId) -> String {
    format!("there is no room {room}")
}
