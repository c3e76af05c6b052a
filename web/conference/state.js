// What this page knows of the conference, and what it has asked for and not yet been told.

import { words } from "../words.js";

const GONE = ["left", "removed"];
const MOST_LINES = 400; // as many as the server keeps, half of them for some alone
const MOST_NAMES = 1_000; // of those who were here, beside those who are

/** The list with this item in the place of the one with its id, or at its end. */
export function put(list, item) {
  const at = list.findIndex((each) => each.id === item.id);
  return at < 0 ? [...list, item] : list.with(at, item);
}

export const without = (list, id) => list.filter((each) => (each.id ?? each) !== id);

// Directions that reach beyond a name would turn the sentence in which it stands.
const DIRECTIONS = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;
const SEEN = /[^\p{Z}\p{C}\p{M}]/u;

/** A name that can be shown: of whoever has none something is seen, too. */
function shown(name) {
  const text = name.replace(DIRECTIONS, "");
  return SEEN.test(text) ? text : words.noName;
}

/** What came from the server, with such names in it. */
export function readable(told) {
  for (const [key, value] of Object.entries(told)) {
    if (key === "name") told[key] = shown(value);
    else if (key === "to_names") told[key] = value?.map(shown);
    else if (value && typeof value === "object") readable(value);
  }
  return told;
}

/** The same people, and how each is called where his name alone is not enough: as others have it, too. */
function called(people) {
  const count = new Map();
  for (const { name } of people) count.set(name, 1 + (count.get(name) ?? 0));
  return people.map((each) => {
    const call = count.get(each.name) > 1 ? `${each.name} (${each.place})` : each.name;
    return call === each.called ? each : { ...each, called: call };
  });
}

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
    };
    this.#name(view.participants);
    if (view.participants[0]) Object.assign(this.#known.has, { side_room: "side_room" in view.participants[0] });
    this.#settle();
  }

  #name(participants) {
    const known = this.#known;
    known.participants = new Map(called([...participants]).map((each) => [each.id, each]));
    known.waiting = called(known.waiting);
    for (const each of [...known.participants.values(), ...known.waiting]) this.#names.set(each.id, each.called);
    for (const id of this.#names.keys()) {
      if (this.#names.size <= MOST_NAMES) break;
      if (!known.participants.has(id)) this.#names.delete(id);
    }
  }

  /** One change: what an event carries is new. */
  onEvent(event) {
    const { type, sequence, by, participant, waiting, message, call, talk, ...values } = event;
    const known = this.#known;
    if (waiting) known.waiting = waiting;
    if (participant) {
      const { id, name } = participant;
      const before = known.participants.get(id);
      if (GONE.includes(type)) known.participants.delete(id);
      else known.participants.set(id, { ...participant, called: before?.called });
      if (waiting || before?.name !== name || !known.participants.has(id)) this.#name(known.participants.values());
    } else if (waiting) this.#name(known.participants.values());
    if (message) known.messages = put(known.messages, message).slice(-MOST_LINES);
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
