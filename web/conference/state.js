// What this page knows of the conference, and what it has asked for and not yet been told.

const GONE = ["left", "removed"];

/** The list with this item in the place of the one with its id, or at its end. */
export function put(list, item) {
  const at = list.findIndex((each) => each.id === item.id);
  return at < 0 ? [...list, item] : list.with(at, item);
}

export const without = (list, id) => list.filter((each) => (each.id ?? each) !== id);

export class State {
  #known = null;
  #shown = null;
  #wishes = new Set();
  #names = new Map();

  /** Everything anew. */
  onSnapshot(view) {
    this.#known = {
      waiting: [],
      calls: [],
      messages: [],
      volumes: {},
      ...view,
      // What the server can not do is not in the picture, and not on the page.
      has: Object.fromEntries(Object.keys(view).map((key) => [key, true])),
      participants: new Map(view.participants.map((each) => [each.id, each])),
    };
    if (view.participants[0]) Object.assign(this.#known.has, { side_room: "side_room" in view.participants[0] });
    for (const each of [...view.participants, ...this.#known.waiting]) this.#names.set(each.id, each.name);
    this.#settle();
  }

  /** One change: what an event carries is new. */
  onEvent(event) {
    const { type, sequence, by, participant, waiting, message, call, talk, ...values } = event;
    const known = this.#known;
    if (participant) {
      const { id } = participant;
      if (GONE.includes(type)) known.participants.delete(id);
      else known.participants.set(id, participant);
      if (GONE.includes(type) || type === "joined") known.waiting = without(known.waiting, id);
      this.#names.set(id, participant.name);
    }
    if (waiting) {
      known.waiting = Array.isArray(waiting) ? waiting : put(known.waiting, waiting);
      for (const each of known.waiting) this.#names.set(each.id, each.name);
    }
    if (message) known.messages = put(known.messages, message);
    if (call) known.calls = type === "call_gone" ? without(known.calls, call.id ?? call) : put(known.calls, call);
    if (talk) known.talk = talk.state === "ended" ? null : talk;
    // Where the time for the floor has no limit any more, nobody's is over some time.
    if (values.settings?.talk_time === null) {
      for (const each of known.participants.values()) {
        if (each.floor_until) known.participants.set(each.id, { ...each, floor_until: null });
      }
    }
    Object.assign(known, values, { sequence });
    this.#settle();
  }

  /** Shows the room as if the wish were granted; the returned object is for `granted` and `refused`. */
  wish(change) {
    const wish = { change, until: Infinity };
    this.#wishes.add(wish);
    this.#shown = null;
    return wish;
  }

  /** The server has done it; whoever has seen the event of this number has seen what it led to. */
  granted(wish, sequence) {
    wish.until = sequence;
    this.#settle();
  }

  refused(wish) {
    this.#wishes.delete(wish);
    this.#shown = null;
  }

  get known() {
    return this.#known !== null;
  }

  /** What somebody is called, or was when he was here. */
  nameOf(id) {
    return this.#names.get(id) ?? "";
  }

  /** The conference as it is to be shown. Whatever is in it stays the same object until it changes. */
  get room() {
    if (!this.#wishes.size) return this.#known;
    if (!this.#shown) {
      this.#shown = { ...this.#known, participants: new Map(this.#known.participants) };
      for (const wish of this.#wishes) wish.change(this.#shown, wish);
    }
    return this.#shown;
  }

  #settle() {
    this.#shown = null;
    for (const wish of this.#wishes) if (wish.until <= this.#known.sequence) this.#wishes.delete(wish);
  }
}
