// What can be done with one person, shown in his row while it is open.

import { enable, label, make, mark, setText, show } from "../dom.js";
import { words } from "../words.js";

const SOFTEST = -40; // dB
const LOUDEST = 12; // dB

/** The buttons, in the order in which they stand: what is written on them, and their whole name. */
const BRIEF = {
  private: [words.talkPrivately, words.talkPrivatelyWith],
  write: [words.write, words.writeTo],
  move: [words.move, words.moveName],
  remove: [words.remove, words.removeName],
};
const REST = {
  coach: [words.coach, words.coachName],
  promote: [words.promote, words.promoteName],
  demote: [words.demote, words.demoteName],
};

/** Sliders: what is written beside them, and their whole name. */
const SLIDERS = {
  volume: [words.volumeForMe, words.volumeOfForMe],
  gain: [words.volumeForAll, words.volumeOfForAll],
};

const button = (act) => make("button", { "data-act": act });

export class Panel {
  #buttons = {};
  #sliders = {};

  constructor(id) {
    this.give = button("floor");
    this.mute = button("mute");
    this.steering = make("div", { class: "steering" }, this.give, this.mute);
    for (const act in { ...BRIEF, ...REST }) this.#buttons[act] = button(act);
    for (const act in SLIDERS) {
      const input = make("input", { type: "range", "data-act": act, min: SOFTEST, max: LOUDEST, step: 1 });
      this.#sliders[act] = { element: make("label", {}, make("span", {}, SLIDERS[act][0]), input), input };
    }
    this.line = make("p", { class: "line" });
    const buttons = (acts) => Object.keys(acts).map((act) => this.#buttons[act]);
    this.element = make(
      "div",
      { class: "panel", role: "group", id: `about-${id}` },
      make("div", { class: "brief" }, this.steering, ...buttons(BRIEF), this.#sliders.volume.element),
      make("div", { class: "rest" }, ...buttons(REST), this.#sliders.gain.element, this.line),
    );
  }

  /** `open`: whether all of it is shown, or only what fits into one line of a wide list. */
  show(open) {
    mark(this.element, "data-open", open);
  }

  fill(participant, actions, floor, volume, context) {
    const { called: name } = participant;
    mark(this.element, "aria-label", words.moreAbout(name));
    show(this.steering, actions.includes("steer"));
    if (actions.includes("steer")) steer(this, participant, floor, context);
    for (const [act, button] of Object.entries(this.#buttons)) {
      const [text, whole] = BRIEF[act] ?? REST[act];
      label(button, actions.includes(act) && text, whole(name));
      // Whoever talks with me, or is asked to, can not be asked again.
      enable(button, context.usable && (act !== "private" || !context.talk.includes(participant.id)));
    }
    const gains = { volume: volume ?? 0, gain: participant.gain ?? 0 };
    for (const [act, { element, input }] of Object.entries(this.#sliders)) {
      show(element, actions.includes(act));
      mark(input, "aria-label", SLIDERS[act][1](name));
      mark(input, "aria-valuetext", words.louder(gains[act]));
      if (Number(input.value) !== gains[act]) input.value = gains[act];
      input.disabled = !context.usable;
    }
    this.fillLine(context.lines[participant.id]);
  }

  fillLine(figures) {
    setText(this.line, figures ? words.lineIs(figures) : "");
  }
}

/** What a moderator does most: the floor and the microphone. */
export function steer({ give, mute }, participant, floor, { mode, usable }) {
  const { called: name, muted_by_moderator: blocked } = participant;
  label(
    give,
    mode !== "open" && (floor ? words.takeFloor : words.giveFloor),
    floor ? words.takeFloorFrom(name) : words.giveFloorTo(name),
  );
  label(mute, blocked ? words.unmute : words.mute, blocked ? words.unmuteName(name) : words.muteName(name));
  for (const button of [give, mute]) mark(button, "aria-disabled", usable ? null : "true");
}
