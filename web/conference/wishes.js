// What the room looks like with what was asked for, before the server has granted it.

import { put, without } from "./state.js";

const change = (id, values) => {
  let before = null;
  let after = null;
  return (room) => {
    const participant = room.participants.get(id);
    if (!participant) return;
    // The same object as long as it is made of the same, so that rows see that nothing is new.
    if (participant !== before) [before, after] = [participant, { ...participant, ...values }];
    room.participants.set(id, after);
  };
};

const all =
  (...changes) =>
  (room, wish) => {
    for (const each of changes) each(room, wish);
  };

const settings = (values) => (room) => {
  room.settings = { ...room.settings, ...values };
};

export const mute = (id) => change(id, { muted: true, speaking: false });
export const unmute = (id) => change(id, { muted: false });
export const block = (id) => change(id, { muted: true, muted_by_moderator: true, speaking: false });
export const allow = (id) => change(id, { muted_by_moderator: false });

export const raiseHand = (id) => (room) => {
  if (!room.hands.includes(id)) room.hands = [...room.hands, id];
};
export const lowerHand = (id) => (room) => {
  room.hands = without(room.hands, id);
};

export const giveFloor = (id) =>
  all(lowerHand(id), (room) => {
    if (!room.floor.includes(id)) room.floor = [...room.floor, id];
  });
export const takeFloor = (id) => (room) => {
  room.floor = without(room.floor, id);
};
export const talk = (id) => all(unmute(id), (room) => room.settings.mode !== "open" && giveFloor(id)(room));

export const setMode = (mode) =>
  all(settings({ mode }), (room) => {
    const lecturers = [...room.participants.values()].filter((each) => each.role === "moderator");
    room.floor = mode === "lecture" ? lecturers.map((each) => each.id) : [];
  });
export const set = settings;

export const setRole = (id, role) => change(id, { role });
export const setGain = (id, gain) => change(id, { gain });
export const setVolume = (id, gain) => (room) => {
  room.volumes = { ...room.volumes, [id]: gain };
};

export const remove = (id) => (room) => {
  room.participants.delete(id);
  lowerHand(id)(room);
};

export const say = (text, to) => (room, wish) => {
  wish.message ??= {
    id: `new ${Math.random()}`,
    at: new Date().toISOString(),
    sender: room.me,
    name: room.participants.get(room.me)?.name ?? "",
    text,
    to,
    failed: [],
    pending: true,
  };
  room.messages = put(room.messages, wish.message);
};
