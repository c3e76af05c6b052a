// The zone of the one whose page this is: whether he is heard, and the one big button of the moment.

import { enable, find, isEnabled, listen, mark, setText, show } from "../dom.js";
import { until } from "../session.js";
import { words } from "../words.js";
import { describe, moment } from "./moment.js";
import { share } from "./row.js";

const NOTICE = 6_000; // ms
const FRESH = 500; // ms in which a notice may be of the same that changes what he is told
const LATER = 60_000; // ms for which somebody whose call is over can be called from here

/** Which buttons there are at which moment; the first is the big one. */
const BUTTONS = {
  leave: ["leave", "mute"],
  coached: ["mute", "leave"],
  aside: ["mute", "home"],
  mute: ["mute", "hand"],
  talk: ["talk", "mute", "back"],
  take: ["talk", "hand"],
  hand: ["hand"],
};

/** Who can't make himself heard asks for that first, wherever he would be heard by the room. */
function buttonsOf(now, me) {
  const usual = BUTTONS[now];
  if (!me.muted_by_moderator || usual[0] === "leave" || usual[0] === "hand") return usual;
  return ["hand", ...usual.filter((each) => each !== "hand" && (each !== "mute" || now !== "talk"))];
}

export class Me {
  #notice = null;
  #until = 0;
  #since = 0;
  #offers = [];
  #urgent = false;
  #unheard = false;
  #floorUntil = null;
  #most = 0;

  /** `nameOf(id)` tells what somebody is called. */
  constructor(zone, commands, nameOf) {
    this.zone = zone;
    this.nameOf = nameOf;
    this.name = find(".my-name", zone);
    this.role = find(".my-role", zone);
    this.text = find(".my-state [role=status]", zone);
    this.left = find("#left", zone);
    this.undo = find("#undo", zone);
    this.bar = find(".bar", zone);
    this.buttons = {
      leave: find("#leave", zone),
      talk: find("#talk", zone),
      mute: find("#mute", zone),
      hand: find("#hand", zone),
      back: find("#give-back", zone),
      home: find("#home", zone),
    };
    const acts = {
      leave: () => commands.leaveTalk(),
      talk: () => commands.talk(),
      mute: () => commands.mute(this.id, !this.wanted),
      hand: () => commands.hand(this.id, !this.raised),
      back: () => commands.floor(this.id, false),
      home: () => commands.move(this.id, null),
    };
    for (const [name, button] of Object.entries(this.buttons))
      listen(button, "click", () => isEnabled(button) && acts[name]());
    listen(this.undo, "click", () => {
      if (!isEnabled(this.undo)) return;
      const offer = this.#offers.pop();
      this.#forgetNotice();
      offer?.undo();
      // What was done before it can be taken back as well.
      if (this.#offers.length) this.notify(this.#offers.at(-1).text);
    });
    setInterval(() => this.#count(), 1_000);
  }

  /** Presses the button of that name, if it is there. */
  press(name) {
    if (!this.buttons[name].hidden) this.buttons[name].click();
  }

  /** A sentence in the line that is always there. */
  notify(text) {
    this.#notice = text;
    this.#since = performance.now();
    clearTimeout(this.#until);
    this.#until = setTimeout(() => this.#forgetNotice(), NOTICE);
    this.#write();
  }

  /**
   * A sentence, and beside it for so many seconds a button with which that can be taken back; then, where `later()`
   * tells how it is called, one that takes the longer way.
   */
  offer(text, seconds, undo, later) {
    const offer = { text, undo, label: words.undo };
    const withdraw = () => {
      this.#offers = this.#offers.filter((each) => each !== offer);
      this.#write();
    };
    this.#offers.push(offer);
    this.notify(text);
    this.undo.focus();
    setTimeout(() => {
      offer.label = later?.();
      if (!offer.label) return withdraw();
      this.#write();
      setTimeout(withdraw, LATER);
    }, seconds * 1_000);
  }

  #forgetNotice() {
    clearTimeout(this.#until);
    this.#notice = null;
    this.#write();
  }

  render(room, usable) {
    const me = room.participants.get(room.me);
    const now = moment(room);
    const buttons = buttonsOf(now, me);
    mark(document.body, "data-alone", null);
    mark(this.name, "role", null);
    mark(this.name, "aria-level", null);
    Object.assign(this, { id: me.id, wanted: me.wanted ?? me.muted, raised: room.hands.includes(me.id) });
    setText(this.name, me.name);
    setText(this.role, words.role[me.role]);
    setText(find("span", this.buttons.mute), me.muted ? words.unmute : words.mute);
    setText(find("span", this.buttons.hand), this.raised ? words.lowerHand : words.raiseHand);
    mark(this.buttons.talk, "aria-pressed", String(now === "talk" && !me.muted));
    for (const [name, button] of Object.entries(this.buttons)) {
      show(button, buttons.includes(name));
      button.classList.toggle("big", buttons[0] === name);
      enable(button, usable);
    }
    enable(this.undo, usable);
    const heard = now !== "take" && now !== "hand" && !me.muted && !me.on_hold && !me.line?.silent;
    mark(this.zone, "data-heard", heard);
    mark(this.zone, "data-muted", me.muted || Boolean(me.line?.silent));
    mark(this.zone, "data-hand", this.raised);
    mark(this.zone, "data-many", buttons.length > 2);
    if (me.unheard && !this.#unheard) this.#pulse(this.buttons[buttons[0]]);
    this.#unheard = me.unheard;
    // Nothing that was done hides why he is not heard.
    this.#urgent = me.unheard || me.on_hold || me.line?.silent || me.line?.deaf;
    this.#floorUntil = now === "talk" ? me.floor_until : null;
    this.#most = room.settings.talk_time; // what is left by a clock that is a second off is not more
    const state = describe(room, this.nameOf);
    // What is new of him is not hidden by what was said before.
    if (state !== this.state && performance.now() - this.#since > FRESH && !this.#offers.length) this.#forgetNotice();
    this.state = state;
    this.#count();
    this.#write();
  }

  level(level) {
    this.bar.style.setProperty("--level", share(level).toFixed(2));
  }

  /** He is not in the room, at least for now. */
  away(text) {
    this.#offers = [];
    this.#urgent = false;
    this.#forgetNotice();
    this.state = text;
    this.#floorUntil = null;
    this.#count();
    this.#write();
    for (const button of Object.values(this.buttons)) enable(button, false);
    for (const each of ["heard", "muted"]) mark(this.zone, `data-${each}`, null);
    this.level(undefined);
  }

  /** He waits to be let in, or his call is over: nothing can be done here, and there is nothing but a sentence. */
  alone(text, name = this.name.textContent) {
    this.away(text);
    setText(this.name, name);
    mark(this.name, "role", "heading");
    mark(this.name, "aria-level", 1);
    mark(document.body, "data-alone", true);
    for (const button of Object.values(this.buttons)) show(button, false);
  }

  #write() {
    const notice = this.#notice;
    setText(this.text, notice && this.#urgent ? `${this.state} · ${notice}` : (notice ?? this.state ?? ""));
    setText(this.undo, this.#offers.at(-1)?.label ?? "");
    // Whoever is about to press it, and is late, does not mute himself.
    if (!this.#offers.length && document.activeElement === this.undo) document.querySelector("#participants .opener")?.focus();
    show(this.undo, this.#offers.length > 0);
  }

  /** How long he may still talk: seen, and not read aloud every second. */
  #count() {
    const seconds = this.#floorUntil ? Math.min(this.#most, Math.max(0, Math.ceil(until(this.#floorUntil) / 1_000))) : null;
    setText(this.left, seconds === null ? "" : words.timeLeft(seconds));
    show(this.left, seconds !== null);
    mark(this.left, "data-soon", seconds !== null && seconds <= 10);
  }

  #pulse(button) {
    button.classList.remove("pulse");
    void button.offsetWidth; // begins the animation anew
    button.classList.add("pulse");
  }
}
