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

/** Who hears whom, and who can come in, is shown only when it is so. */
const granted = (change) => (room, wish) => wish.until < Infinity && change(room, wish);

const own = (id, values) => all(change(id, { wanted: values.muted }), granted(change(id, values)));

export const mute = (id) => own(id, { muted: true, speaking: false });
export const unmute = (id) => own(id, { muted: false });
export const block = (id) => granted(change(id, { muted: true, muted_by_moderator: true, speaking: false }));
export const allow = (id) => granted(change(id, { muted_by_moderator: false }));

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
export const takeFloor = (id) =>
  granted((room) => {
    room.floor = without(room.floor, id);
  });
export const talk = (id) => granted(all(unmute(id), (room) => room.settings.mode !== "open" && giveFloor(id)(room)));

export const setMode = (mode) =>
  granted((room) => {
    const lecturers = [...room.participants.values()].filter((each) => each.role === "moderator");
    room.floor = mode === "lecture" ? lecturers.map((each) => each.id) : [];
    settings({ mode })(room);
  });
export const set = ({ pin, moderator_pin, ...values }) => {
  if (pin !== undefined) values.has_pin = pin !== null;
  if (moderator_pin !== undefined) values.has_moderator_pin = moderator_pin !== null;
  return values.locked === undefined ? settings(values) : granted(settings(values));
};

export const setRole = (id, role) => change(id, { role });
export const setGain = (id, gain) => change(id, { gain });
export const setVolume = (id, gain) => (room) => {
  room.volumes = { ...room.volumes, [id]: gain };
};

export const remove = (id) =>
  granted((room) => {
    room.participants.delete(id);
    lowerHand(id)(room);
  });

const arrived = new Set(); // lines whose events came before the answers

export const say = (text, to, known) => (room, wish) => {
  // Then it is there already, and not shown twice.
  wish.id ??= room.messages.find(({ id, sender, pending }) => sender === room.me && !known.includes(id) && !arrived.has(id) && !pending)?.id;
  if (wish.id !== undefined) return arrived.add(wish.id);
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

export const move = (id, side_room) => granted(change(id, { side_room }));
export const gather = () => (room, wish) => {
  for (const { id, side_room } of room.participants.values()) if (side_room) move(id, null)(room, wish);
};

export const askToTalk = (ids) => (room) => {
  const own = room.talk ?? { id: null, kind: "private", by: room.me, members: [room.me], asked: [], state: "asked" };
  const asked = ids.filter((id) => !own.asked.includes(id) && !own.members.includes(id));
  room.talk = { ...own, asked: [...own.asked, ...asked] };
};
export const coach = (id) => (room) => {
  room.talk = { id: null, kind: "coach", by: room.me, members: [room.me, id], asked: [], state: "talking" };
};
export const acceptTalk = () => (room) => {
  const { talk, me } = room;
  if (talk?.asked.includes(me))
    room.talk = { ...talk, state: "talking", members: [...talk.members, me], asked: without(talk.asked, me) };
};
export const endTalk = () => (room, wish) => {
  if (room.talk?.state === "asked" || wish.until < Infinity) room.talk = null;
};
export const hearRoom = (how) => (room) => {
  if (room.talk) room.talk = { ...room.talk, room: how };
};

export const admit = (id) => (room) => {
  room.waiting = without(room.waiting, id);
};
export const admitAll = () => (room) => {
  room.waiting = [];
};

export const dial = (target, known) => (room, wish) => {
  // The event may come before the answer: then it is there already.
  if (room.calls.some(({ id, by, ...call }) => by === room.me && call.target === target && !known.includes(id))) return;
  wish.call ??= { id: `new ${Math.random()}`, name: target, target, by: room.me, state: "trying", pending: true };
  room.calls = put(room.calls, wish.call);
};
export const cancelCall = (id) => (room) => {
  const call = room.calls.find((each) => each.id === id);
  if (!call) return;
  if (call.state === "failed" || call.state === "cancelled") room.calls = without(room.calls, id);
  else room.calls = put(room.calls, { ...call, state: "cancelled", code: null, reason: "taken back" });
};
export const redial = (id) => (room) => {
  const call = room.calls.find((each) => each.id === id);
  if (call) room.calls = put(room.calls, { ...call, state: "trying", code: null, reason: "" });
};

export const record = (state) =>
  granted((room) => {
    room.recording = { ...room.recording, state };
  });
