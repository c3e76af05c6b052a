// What a moderator decides for the room.

import { enable, find, isEnabled, listen, setText, show } from "../dom.js";
import { words } from "../words.js";

const SWITCHES = ["waiting_room", "wait_for_moderator", "quiet"];
const PINS = ["pin", "moderator_pin"];

export class Settings {
  constructor(card, commands) {
    this.card = card;
    this.mode = find("#mode", card);
    this.time = find("#talk-time", card);
    this.lock = find("#lock", card);
    this.size = find("#size", card);
    listen(this.size, "change", () => {
      if (this.size.reportValidity()) commands.set({ max_members: Number(this.size.value) || null });
    });
    listen(this.mode, "change", () => commands.set({ mode: this.mode.value }));
    listen(this.time, "change", () => commands.set({ talk_time: Number(this.time.value) || null }));
    listen(this.lock, "click", () => isEnabled(this.lock) && commands.set({ locked: !this.locked }));
    for (const option of this.mode.options) option.textContent = words.mode[option.value];
    for (const option of this.time.options) option.textContent = words.talkTime(Number(option.value));
    this.switches = SWITCHES.map((name) => find(`[name=${name}]`, card));
    for (const box of this.switches)
      listen(box, "change", () => commands.set({ [box.name]: box.checked }));
    this.pins = PINS.map((name) => find(`form[data-pin=${name}]`, card));
    for (const form of this.pins) {
      listen(form, "submit", async (event) => {
        event.preventDefault();
        const pin = form.elements.pin.value.trim();
        if (!isEnabled(form.elements.set) || (!pin && !this.has[form.dataset.pin])) return;
        if (await commands.set({ [form.dataset.pin]: pin || null })) form.elements.pin.value = "";
      });
      listen(form.elements.pin, "input", () => this.#fillPin(form));
    }
  }

  render(room, usable) {
    const { settings } = room;
    const { mode, locked, talk_time } = settings;
    this.locked = locked;
    this.has = { pin: settings.has_pin, moderator_pin: settings.has_moderator_pin };
    show(this.card, room.participants.get(room.me).role === "moderator");
    if (this.mode.value !== mode && !this.mode.ariaBusy) this.mode.value = mode;
    setText(find("#mode-hint", this.card), words.modeHint[mode]);
    show(find("#talk-time-row", this.card), mode !== "open");
    this.#fillTime(talk_time ?? 0);
    setText(this.lock, locked ? words.unlock : words.lock);
    setText(find("#lock-hint", this.card), locked ? words.lockedHint : words.openHint);
    enable(this.lock, usable);
    for (const box of this.switches) {
      box.checked = settings[box.name];
      box.disabled = !usable;
    }
    for (const form of this.pins) {
      this.#fillPin(form);
      enable(form.elements.set, usable);
    }
    if (settings.max_members !== this.most) this.size.value = this.most = settings.max_members;
    this.mode.disabled = this.time.disabled = this.size.disabled = !usable;
  }

  #fillPin({ dataset, elements }) {
    const has = this.has[dataset.pin];
    elements.pin.placeholder = has ? words.pinIsSet : words.noPin;
    setText(elements.set, has && !elements.pin.value ? words.noPinAnyMore : words.setPin);
  }

  #fillTime(seconds) {
    const value = String(seconds);
    if (this.time.value === value) return;
    if (![...this.time.options].some((option) => option.value === value))
      this.time.append(new Option(words.talkTime(seconds), value));
    this.time.value = value;
  }
}
