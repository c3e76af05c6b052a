// The zone of the one whose page this is: whether he is heard, and the one big button of the moment.

import { enable, find, setAttribute, setText, show } from "../dom.js";
import { words } from "../words/en.js";
import { share } from "./rows.js";

const NOTICE = 6_000; // ms

export class Me {
  #notice = null;
  #until = 0;
  #unheard = false;

  constructor(zone, act) {
    this.name = find(".my-name", zone);
    this.role = find(".my-role", zone);
    this.line = find(".my-state", zone);
    this.text = find(".my-state span", zone);
    this.undo = find("#undo", zone);
    this.bar = find(".bar", zone);
    this.mute = find("#mute", zone);
    this.muteText = find("#mute span", zone);
    this.hand = find("#hand", zone);
    this.handText = find("#hand span", zone);
    this.zone = zone;
    this.mute.addEventListener("click", act.toggleMute);
    this.hand.addEventListener("click", act.toggleHand);
    this.undo.addEventListener("click", () => this.#notice?.undo?.());
  }

  /** A sentence in the line that is always there; with `undo`, a button beside it. */
  notify(text, { undo = null, for: duration = NOTICE } = {}) {
    this.#notice = { text, undo };
    clearTimeout(this.#until);
    this.#until = setTimeout(() => this.forget(), duration);
    this.#write();
    if (undo) this.undo.focus();
  }

  forget() {
    clearTimeout(this.#until);
    this.#notice = null;
    this.#write();
  }

  render(room, usable) {
    const me = room.participants.get(room.me);
    const place = room.hands.indexOf(room.me) + 1;
    setText(this.name, me.name);
    setText(this.role, words.role[me.role]);
    setText(this.muteText, me.muted ? words.unmute : words.mute);
    setText(this.handText, place ? words.lowerHand : words.raiseHand);
    setAttribute(this.zone, "data-muted", me.muted);
    setAttribute(this.zone, "data-hand", place > 0);
    setAttribute(this.zone, "data-hold", me.on_hold);
    for (const button of [this.mute, this.hand, this.undo]) enable(button, usable);
    if (me.unheard && !this.#unheard) this.#pulse();
    this.#unheard = me.unheard;
    this.state = describe(me, place);
    this.#write();
  }

  level(level) {
    this.bar.style.setProperty("--level", share(level).toFixed(2));
  }

  /** He is not in the room, at least for now. */
  away(text) {
    this.forget();
    this.state = text;
    this.#write();
    for (const button of [this.mute, this.hand]) enable(button, false);
    this.level(undefined);
  }

  /** The call is over, and so is all that could be done here. */
  end(text) {
    this.away(text);
    setAttribute(this.zone, "data-ended", true);
    setAttribute(this.name, "role", "heading");
    setAttribute(this.name, "aria-level", 1);
    for (const button of [this.mute, this.hand]) show(button, false);
  }

  #write() {
    setText(this.text, this.#notice?.text ?? this.state ?? "");
    show(this.undo, Boolean(this.#notice?.undo));
  }

  #pulse() {
    this.mute.classList.remove("pulse");
    void this.mute.offsetWidth; // begins the animation anew
    this.mute.classList.add("pulse");
  }
}

function describe(me, place) {
  if (me.on_hold) return words.youAreOnHold;
  if (me.unheard) return words.youAreMuted;
  if (place) return me.muted ? words.mutedWithHand(place) : words.yourHand(place);
  if (me.muted && me.role === "listener") return words.youListen;
  if (me.muted_by_moderator) return words.youAreMutedByModerator;
  return me.muted ? words.youAreMuted : words.heard;
}
