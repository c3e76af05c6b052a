// One participant: what a glance tells of him, and, when his row is open, what can be done.

import { clone, find, label, make, mark, setText, show } from "../dom.js";
import { words } from "../words.js";
import { Panel, steer } from "./panel.js";

const QUIET = -60; // dBov; what is shown as no level at all
const LOUD = -14; // dBov; what fills the bar

/** dBov as a share of the bar. */
export const share = (level) =>
  level === undefined ? 0 : Math.max(0, Math.min(1, (level - QUIET) / (LOUD - QUIET)));

/** The number by which keys on a telephone mean somebody. */
export const numbered = (place) => place && make("abbr", { class: "place", title: words.place(place) }, String(place));

export class Row {
  #filled = [];
  #hand = null;
  #quick = null;
  #more = null;
  #panel = null;
  #open = false;
  #place = null;

  /** `roomy`: whether some of what can be done is shown even while the row is closed. */
  constructor(id, roomy) {
    this.id = id;
    this.roomy = roomy;
    this.element = clone("participant");
    this.element.dataset.id = id;
    this.name = find(".name", this.element);
    this.face = find(".face", this.element);
    this.state = find(".state", this.element);
    this.marks = find(".marks", this.element);
    this.bar = find(".bar", this.element);
  }

  /**
   * Writes what is new. `context` holds what is the same for all rows, and is another object when any of it
   * changes. Returns how much there was to write: 1 or 0.
   */
  fill(participant, place, floor, volume, context) {
    const facts = [participant, place, floor, volume, context];
    if (facts.every((each, index) => each === this.#filled[index])) return 0;
    this.#filled = facts;
    const { name, called } = participant;
    const own = participant.id === context.me;
    const steered = context.moderates && !own;
    setText(this.name, name);
    setText(this.face, initials(name));
    if (!this.#place && participant.place) {
      this.#place = numbered(participant.place);
      this.state.before(this.#place, " ");
    }
    setText(this.state, describe(participant, own, floor, context));
    mark(this.element, "data-speaking", participant.speaking);
    mark(this.element, "data-muted", participant.muted && !participant.speaking);
    mark(this.element, "data-floor", floor);
    mark(this.element, "data-own", own);
    mark(this.element, "data-far", (participant.side_room ?? null) !== context.place || participant.private);
    this.#fillHand(participant, place, steered);
    this.#fillQuick(participant, floor, steered, context);
    const actions = available(participant, own, context);
    this.#fillMore(actions.length > 0, called);
    if (!actions.length || !(this.#open || (this.roomy && !own))) {
      this.#panel?.element.remove();
      this.#panel = null;
      return 1;
    }
    if (!this.#panel) {
      this.#panel = new Panel(this.id);
      this.element.append(this.#panel.element);
    }
    this.#panel.show(this.#open);
    this.#panel.fill(participant, actions, floor, volume, context);
    return 1;
  }

  /** Opens or closes it. */
  toggle(open = !this.#open) {
    this.#open = open;
    const facts = this.#filled;
    this.#filled = [];
    this.fill(...facts);
    if (open) this.element.scrollIntoView({ block: "nearest" });
  }

  get opener() {
    return this.#more;
  }

  level(value) {
    this.bar.style.setProperty("--level", value.toFixed(2));
  }

  /** What his line is like has changed. */
  line() {
    this.#panel?.fillLine(this.#filled[4].lines[this.id]);
  }

  #fillHand(participant, place, steered) {
    if (!place) {
      this.#hand?.remove();
      this.#hand = null;
      return;
    }
    const tag = steered ? "BUTTON" : "SPAN";
    if (this.#hand?.tagName !== tag) {
      this.#hand?.remove();
      this.#hand = make(tag, { class: "hand", "data-act": steered && "lower" });
      this.marks.append(this.#hand);
    }
    label(this.#hand, words.hand(place), steered ? words.lowerHandOfName(place, participant.called) : null);
  }

  #fillQuick(participant, floor, steered, context) {
    if (!steered) {
      this.#quick?.element.remove();
      this.#quick = null;
      return;
    }
    if (!this.#quick) {
      const [give, mute] = ["floor", "mute"].map((act) => make("button", { "data-act": act }));
      this.#quick = { element: make("div", { class: "quick" }, give, mute), give, mute };
      this.element.insertBefore(this.#quick.element, this.#more);
    }
    steer(this.#quick, participant, floor, context);
  }

  #fillMore(wanted, name) {
    if (!wanted) {
      this.#more?.remove();
      this.#more = null;
      return;
    }
    if (!this.#more) {
      this.#more = make("button", { class: "opener", "data-act": "open" });
      this.element.insertBefore(this.#more, this.#panel?.element ?? null);
    }
    mark(this.#more, "aria-label", words.moreAbout(name));
    mark(this.#more, "aria-expanded", this.#open ? "true" : "false");
  }
}

/** What can be done with this person, beside the quick ones. */
function available(participant, own, { moderates, has, place }) {
  const steers = moderates && !own;
  const near = !own && has.talk && (participant.side_room ?? null) === place;
  return [
    steers && "steer",
    near && "private",
    !own && has.messages && "write",
    moderates && has.side_room && "move",
    steers && near && "coach",
    !own && has.volumes && "volume",
    steers && has.volumes && "gain",
    steers && (participant.role === "moderator" ? "demote" : "promote"),
    steers && "remove",
  ].filter(Boolean);
}

function describe(participant, own, floor, { mode, recording }) {
  const { role, presence, speaking, muted, on_hold, line, side_room } = participant;
  // What matters most comes first, where it can't be cut off.
  return [
    own && words.you,
    speaking && words.speaking,
    muted && words.muted,
    line && words.badLine(line),
    on_hold && words.onHold,
    participant.private && words.inPrivate,
    side_room && words.inSideRoom(side_room),
    floor && mode === "moderated" && words.hasFloor,
    words.role[role],
    !own && words.presence[presence],
    // Whoever is in the room has been told of it before.
    recording && (floor || mode === "open") && !muted && !participant.private && !side_room && words.recorded,
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
