// What this page knows of the conference, and what it has asked for and not yet been told.

export class State {
  #room = null;
  #wishes = new Set();

  /** Everything anew. */
  onSnapshot(view) {
    this.#room = {
      name: view.name,
      settings: view.settings,
      floor: view.floor,
      me: view.me,
      hands: view.hands,
      sequence: view.sequence,
      participants: new Map(view.participants.map((each) => [each.id, each])),
    };
    this.#settle();
  }

  /** One change: what an event carries is new. */
  onEvent(event) {
    const { participant, hands, floor, settings, type, sequence } = event;
    const room = this.#room;
    if (participant) {
      if (type === "left" || type === "removed") room.participants.delete(participant.id);
      else room.participants.set(participant.id, participant);
    }
    if (hands) room.hands = hands;
    if (floor) room.floor = floor;
    if (settings) room.settings = settings;
    room.sequence = sequence;
    this.#settle();
  }

  /** Shows the room as if the wish were granted; the returned object is for `granted` and `refused`. */
  wish(change) {
    const wish = { change, until: Infinity };
    this.#wishes.add(wish);
    return wish;
  }

  /** The server has done it; whoever has seen the event of this number has seen what it led to. */
  granted(wish, sequence) {
    wish.until = sequence;
    this.#settle();
  }

  refused(wish) {
    this.#wishes.delete(wish);
  }

  get known() {
    return this.#room !== null;
  }

  /** The conference as it is to be shown. */
  get room() {
    if (!this.#wishes.size) return this.#room;
    const room = { ...this.#room, participants: new Map(this.#room.participants) };
    for (const { change } of this.#wishes) change(room);
    return room;
  }

  #settle() {
    for (const wish of this.#wishes) if (wish.until <= this.#room.sequence) this.#wishes.delete(wish);
  }
}

const change = (id, values) => (room) => {
  const participant = room.participants.get(id);
  if (participant) room.participants.set(id, { ...participant, ...values });
};

/** What the wishes that can be granted look like before they are. */
export const wishes = {
  mute: (id) => change(id, { muted: true, speaking: false }),
  unmute: (id) => change(id, { muted: false }),
  block: (id) => change(id, { muted: true, muted_by_moderator: true, speaking: false }),
  allow: (id) => change(id, { muted_by_moderator: false }),
  raiseHand: (id) => (room) => {
    if (!room.hands.includes(id)) room.hands = [...room.hands, id];
  },
  lowerHand: (id) => (room) => {
    room.hands = room.hands.filter((each) => each !== id);
  },
  remove: (id) => (room) => {
    room.participants.delete(id);
    room.hands = room.hands.filter((each) => each !== id);
  },
  lock: () => (room) => {
    room.settings = { ...room.settings, locked: true };
  },
  unlock: () => (room) => {
    room.settings = { ...room.settings, locked: false };
  },
};
