// The list of participants. A row is made once and keeps its place; only what is new in it is written.

import { find, isEnabled, listen, mark, show } from "../dom.js";
import { words } from "../words.js";
import { Row, share } from "./row.js";

const SLICE = 8; // ms that are spent at a time, so that nothing stutters however many come at once, …
const LEAST = 10; // … but never on fewer rows than these
const FEW = 8; // so many rows show what can be done while they are closed: in a small meeting nothing is looked for
const wide = matchMedia("(min-width: 1100px)");

export class Rows {
  #rows = new Map();
  #sounding = [];
  #context = {};
  #lines = {};

  /** `act[name](id, value)` does what a button or slider of a row is for; `later()` asks for another rendering. */
  constructor(list, act, later) {
    Object.assign(this, { list, act, later });
    listen(list, "click", (event) => this.#click(event));
    listen(list, "input", ({ target }) => this.act[target.dataset.act]?.(idOf(target), Number(target.value)));
    listen(list, "keydown", (event) => this.#move(event));
  }

  /** `shows(name)`: whether the row of that name is to be seen. */
  render(room, usable, shows) {
    const end = performance.now() + SLICE;
    for (const skeleton of this.list.querySelectorAll(".skeleton")) skeleton.remove();
    for (const [id, row] of this.#rows) {
      if (!room.participants.has(id)) {
        row.element.remove();
        this.#rows.delete(id);
      }
    }
    for (const id in this.#lines) if (!room.participants.has(Number(id))) delete this.#lines[id];
    const context = this.#renew(room, usable);
    mark(this.list, "data-moderates", context.moderates && context.mode);
    const places = new Map(room.hands.map((id, index) => [id, index + 1]));
    const floor = new Set(room.floor);
    const grouped = group([...room.participants.values()], context.place);
    let before = null;
    let written = 0;
    for (const [participant, heading] of grouped) {
      const { id } = participant;
      const row = this.#rows.get(id) ?? this.#make(id);
      written += row.fill(participant, places.get(id), floor.has(id), room.volumes[id], context);
      show(row.element, shows(participant.name));
      mark(row.element, "data-group", heading);
      // Only who comes back after a removal, or goes to another room, is not simply the last.
      let expected = before ? before.nextElementSibling : this.list.firstElementChild;
      if (expected?.nextElementSibling === row.element) {
        this.list.append(expected); // it will be put where it belongs
        expected = row.element;
      }
      if (row.element !== expected) this.list.insertBefore(row.element, expected);
      before = row.element;
      if (written >= LEAST && performance.now() > end) return this.later();
    }
    mark(this.list, "aria-busy", null);
  }

  /** The bars of those who sound, and of those who have just fallen silent. */
  level(levels) {
    for (const id of this.#sounding) if (!(id in levels)) this.#rows.get(Number(id))?.level(0);
    this.#sounding = Object.keys(levels);
    for (const id of this.#sounding) this.#rows.get(Number(id))?.level(share(levels[id]));
  }

  /** What the lines are like: new figures of some participants. They are shown in rows that are open. */
  lines(figures) {
    Object.assign(this.#lines, figures);
    for (const id in figures) this.#rows.get(Number(id))?.line();
  }

  clear() {
    this.list.replaceChildren();
    this.#rows.clear();
  }

  #make(id) {
    const row = new Row(id, wide.matches && this.#rows.size < FEW);
    this.#rows.set(id, row);
    return row;
  }

  /** What all rows have in common: the same object as long as nothing of it changes. */
  #renew(room, usable) {
    const facts = {
      me: room.me,
      moderates: room.participants.get(room.me)?.role === "moderator",
      mode: room.settings.mode,
      place: room.participants.get(room.me)?.side_room ?? null,
      has: room.has,
      usable,
      lines: this.#lines,
      talk: this.#involved(room.talk),
      recording: room.recording.state === "recording",
    };
    if (Object.keys(facts).some((key) => facts[key] !== this.#context[key])) this.#context = facts;
    return this.#context;
  }

  /** Who is in my talk, or asked to it: the same list as long as these are the same. */
  #involved(talk) {
    const ids = talk ? [...talk.members, ...talk.asked] : [];
    return String(ids) === String(this.#context.talk) ? this.#context.talk : ids;
  }

  #click({ target }) {
    const row = this.#rows.get(idOf(target));
    if (!row) return;
    const button = target.closest("button");
    if (button) {
      const { act } = button.dataset;
      if (act === "open") row.toggle();
      else if (isEnabled(button)) this.act[act](row.id);
    } else if (row.opener && !target.closest(".panel") && getSelection().isCollapsed) row.toggle();
  }

  /** Up and down go from row to row, Escape closes the one in which the focus is. */
  #move(event) {
    const { target, key } = event;
    if (target.matches("input")) return;
    const row = this.#rows.get(idOf(target));
    if (key === "Escape" && row?.opener?.getAttribute("aria-expanded") === "true") {
      row.toggle(false);
      row.opener.focus();
      return;
    }
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[key];
    if (!step || !row) return;
    event.preventDefault();
    for (let next = row.element[step]; next; next = next[step]) {
      const opener = find(".opener", next);
      if (opener && !next.hidden) return opener.focus();
    }
  }
}

/** The participants with the heading of each who is the first of his room: my room is the first, then the others. */
function group(participants, mine) {
  if (!participants.some((each) => each.side_room)) return participants.map((each) => [each, null]);
  const rooms = new Map([[mine, []]]);
  for (const each of participants) {
    const room = each.side_room ?? null;
    if (!rooms.has(room)) rooms.set(room, []);
    rooms.get(room).push(each);
  }
  const order = [...rooms.keys()].sort((a, b) => (b === mine) - (a === mine) || (a ?? "").localeCompare(b ?? ""));
  return order.flatMap((room) => {
    const there = rooms.get(room);
    return there.map((each, index) => [each, index ? null : `${room ? words.sideRoom(room) : words.mainRoom} · ${there.length}`]);
  });
}

const idOf = (element) => Number(element.closest("li")?.dataset.id);
