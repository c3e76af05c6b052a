// The list of participants. A row is made once and keeps its place; only what is new in it is written.

import { clone, enable, find, setAttribute, setText, show } from "../dom.js";
import { words } from "../words/en.js";

const QUIET = -60; // dBov; what is shown as no level at all
const LOUD = -14; // dBov; what fills the bar

/** dBov as a share of the bar. */
export const share = (level) =>
  level === undefined ? 0 : Math.max(0, Math.min(1, (level - QUIET) / (LOUD - QUIET)));

export class Rows {
  #rows = new Map();
  #sounding = [];

  /** `act` has `mute(id)`, `unmute(id)`, `remove(id)`, `lowerHand(id)` for a moderator. */
  constructor(list, act) {
    this.list = list;
    this.act = act;
  }

  /** `shows(name)`: whether the row of that name is to be seen. */
  render(room, usable, shows) {
    setAttribute(this.list, "aria-busy", null);
    for (const skeleton of this.list.querySelectorAll(".skeleton")) skeleton.remove();
    for (const [id, row] of this.#rows) {
      if (!room.participants.has(id)) {
        row.element.remove();
        this.#rows.delete(id);
      }
    }
    const moderates = room.participants.get(room.me)?.role === "moderator";
    setAttribute(this.list, "data-moderates", moderates);
    let before = null;
    for (const participant of room.participants.values()) {
      const row = this.#rows.get(participant.id) ?? this.#make(participant.id);
      const place = room.hands.indexOf(participant.id) + 1;
      show(row.element, shows(participant.name));
      this.#fill(row, participant, { own: participant.id === room.me, place, moderates, usable });
      // Only who comes back after a removal is not simply the last.
      const expected = before ? before.nextElementSibling : this.list.firstElementChild;
      if (row.element !== expected) this.list.insertBefore(row.element, expected);
      before = row.element;
    }
  }

  /** The bars of those who sound, and of those who have just fallen silent. */
  level(levels) {
    for (const id of this.#sounding) if (!(id in levels)) this.#draw(id, 0);
    this.#sounding = Object.keys(levels);
    for (const id of this.#sounding) this.#draw(id, share(levels[id]));
  }

  /** What the lines are like: new figures of some participants. */
  lines(figures) {
    for (const [id, line] of Object.entries(figures)) {
      const row = this.#rows.get(Number(id));
      if (!row) continue;
      setText(row.figures, line.mos === null ? "" : words.figures(line));
      show(row.figures, line.mos !== null);
    }
  }

  clear() {
    this.list.replaceChildren();
    this.#rows.clear();
  }

  #draw(id, value) {
    this.#rows.get(Number(id))?.bar.style.setProperty("--level", value.toFixed(2));
  }

  #make(id) {
    const element = clone("participant");
    const row = {
      element,
      face: find(".face", element),
      name: find(".name", element),
      state: find(".words", element),
      hand: find(".hand", element),
      lower: find(".lower", element),
      bar: find(".bar", element),
      figures: find(".figures", element),
      mute: find(".mute", element),
      remove: find(".remove", element),
      blocked: false,
    };
    row.mute.addEventListener("click", () => (row.blocked ? this.act.unmute(id) : this.act.mute(id)));
    row.remove.addEventListener("click", () => this.act.remove(id));
    row.lower.addEventListener("click", () => this.act.lowerHand(id));
    this.#rows.set(id, row);
    return row;
  }

  #fill(row, participant, { own, place, moderates, usable }) {
    const { name } = participant;
    setText(row.name, name);
    setText(row.face, initials(name));
    setText(row.state, describe(participant, own));
    setAttribute(row.element, "data-speaking", participant.speaking);
    setAttribute(row.element, "data-muted", participant.muted);
    setAttribute(row.element, "data-own", own);

    const steered = moderates && !own;
    label(row.hand, place > 0 && !steered && words.hand(place));
    label(row.lower, place > 0 && steered && words.hand(place), words.lowerHandOfName(place, name));
    row.blocked = participant.muted_by_moderator;
    label(
      row.mute,
      steered && (row.blocked ? words.unmute : words.mute),
      row.blocked ? words.unmuteName(name) : words.muteName(name),
    );
    label(row.remove, steered && words.remove, words.removeName(name));
    for (const button of [row.mute, row.remove, row.lower]) enable(button, usable);
  }
}

/** Shows the element with this text and name; without a text it is not there, not even for who reads all. */
function label(element, text, name = null) {
  setText(element, text || "");
  setAttribute(element, "aria-label", text ? name : null);
  show(element, Boolean(text));
}

function describe(participant, own) {
  const { role, presence, speaking, muted, on_hold, line } = participant;
  // What matters most comes first, where it can't be cut off.
  return [
    own && words.you,
    speaking && words.speaking,
    muted && words.muted,
    line && words.badLine(line),
    on_hold && words.onHold,
    words.role[role],
    !own && words.presence[presence],
  ]
    .filter(Boolean)
    .join(" · ");
}

function initials(name) {
  const letters = name
    .split(/[\s.@_-]+/)
    .map((word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)))
    .filter(Boolean);
  return letters
    .slice(0, letters.length > 2 ? 1 : 2)
    .join("")
    .toUpperCase();
}
