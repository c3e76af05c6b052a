// What a moderator decides for the room.

import { enable, find, isEnabled, setText, show } from "../dom.js";
import { words } from "../words.js";

export class Settings {
  constructor(card, commands) {
    this.card = card;
    this.mode = find("#mode", card);
    this.time = find("#talk-time", card);
    this.lock = find("#lock", card);
    this.mode.addEventListener("change", () => commands.set({ mode: this.mode.value }));
    this.time.addEventListener("change", () => commands.set({ talk_time: Number(this.time.value) || null }));
    this.lock.addEventListener("click", () => isEnabled(this.lock) && commands.set({ locked: !this.locked }));
    for (const option of this.mode.options) option.textContent = words.mode[option.value];
    for (const option of this.time.options) option.textContent = words.talkTime(Number(option.value));
  }

  render(room, usable) {
    const { mode, locked, talk_time = null } = room.settings;
    this.locked = locked;
    show(this.card, room.participants.get(room.me).role === "moderator");
    if (this.mode.value !== mode) this.mode.value = mode;
    setText(find("#mode-hint", this.card), words.modeHint[mode]);
    show(find("#talk-time-row", this.card), mode !== "open");
    this.#fillTime(talk_time ?? 0);
    setText(this.lock, locked ? words.unlock : words.lock);
    setText(find("#lock-hint", this.card), locked ? words.lockedHint : words.openHint);
    enable(this.lock, usable);
    this.mode.disabled = this.time.disabled = !usable;
  }

  #fillTime(seconds) {
    const value = String(seconds);
    if (this.time.value === value) return;
    if (![...this.time.options].some((option) => option.value === value))
      this.time.append(new Option(words.talkTime(seconds), value));
    this.time.value = value;
  }
}
