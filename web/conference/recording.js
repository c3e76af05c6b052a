// Recording the room, and what was recorded.

import { arrange, enable, find, isEnabled, listen, make, mark, setText, show } from "../dom.js";
import { ask } from "../session.js";
import { language, words } from "../words.js";
import { sure } from "./sure.js";

const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export class Recording {
  #asked = false;
  #turn = 0;

  /** `failed(error)` says what did not work. */
  constructor(commands, failed) {
    this.commands = commands;
    this.failed = failed;
    this.card = find("#recording");
    this.kind = find("#kind");
    this.list = find("#recordings");
    this.hint = find("#recording-hint");
    this.sign = find("#recorded");
    this.buttons = { record: find("#record"), pause: find("#pause"), stop: find("#stop") };
    const acts = {
      record: () => commands.record("recording", this.state === "off" ? this.kind.value : null),
      pause: () => commands.record("paused"),
      stop: () => commands.record("off"),
    };
    for (const [name, button] of Object.entries(this.buttons))
      listen(button, "click", () => isEnabled(button) && acts[name]());
    for (const option of this.kind.options) option.textContent = words.recordingKind[option.value];
  }

  render(room, usable) {
    const { state } = room.recording ?? { state: "off" };
    const moderates = room.participants.get(room.me).role === "moderator";
    this.state = state;
    this.moderates = moderates;
    setText(this.sign, words.recordingSign[state]);
    show(this.sign, state !== "off");
    mark(this.sign, "data-state", state);
    show(this.card, room.has.recording && moderates);
    if (!moderates) this.#asked = false; // who becomes one again sees what was made meanwhile
    if (!room.has.recording || !moderates) return;
    const { record, pause, stop } = this.buttons;
    setText(record, state === "paused" ? words.goOn : words.record);
    show(record, state !== "recording");
    show(pause, state === "recording");
    show(stop, state !== "off");
    show(this.kind.parentElement, state === "off");
    setText(this.hint, words.recordingHint[state]);
    for (const button of [record, pause, stop]) enable(button, usable);
    this.usable = usable;
    this.#enable();
    this.kind.disabled = !usable;
    if (!this.#asked && usable) this.renew();
  }

  /** There are others now. */
  async renew() {
    if (!this.moderates) return;
    this.#asked = true;
    const turn = ++this.#turn;
    try {
      const { recordings } = await ask("GET", `${this.commands.path}/recordings`);
      if (turn === this.#turn) this.#fill(recordings); // one that a later has overtaken tells what was
    } catch {
      this.#asked = false; // asked again when there is something to show
    }
  }

  #fill(recordings) {
    const kept = new Map([...this.list.children].map((each) => [each.dataset.id, each]));
    const row = (each) => {
      const before = kept.get(each.id);
      const key = `${each.bytes} ${each.members.length}`;
      return before?.dataset.key === key ? before : this.#row(each, key, before?.querySelector("audio"));
    };
    arrange(this.list, recordings.map(row));
    show(this.list, recordings.length > 0);
    this.#enable();
  }

  #enable() {
    for (const each of this.list.querySelectorAll("button")) enable(each, this.usable);
  }

  /** What plays goes on, although more of it is known. */
  #row(recorded, key, player) {
    const { id, began, seconds, members } = recorded;
    const when = day.format(new Date(began));
    const path = `${this.commands.path}/recordings/${id}`;
    const remove = make("button", { "aria-label": words.deleteRecording(when) }, words.delete);
    const act = sure(remove, () => this.#delete(path));
    listen(remove, "click", (event) => isEnabled(remove) && act(event));
    const download = (query, text) => make("a", { href: `${path}?${query}download=1`, download: true, class: "button" }, text);
    return make(
      "div",
      { class: "recorded", role: "group", "aria-label": words.recordingOf(when), "data-id": id, "data-key": key },
      make("p", {}, make("strong", {}, when), " ", words.lasts(Math.round(seconds))),
      player?.paused === false ? player : make("audio", { controls: true, preload: "none", src: path }),
      download("", words.download),
      ...members.map(({ file, name }) => download(`member=${encodeURIComponent(file)}&`, name)),
      remove,
    );
  }

  async #delete(path) {
    try {
      await ask("DELETE", path);
      this.renew();
    } catch (error) {
      this.failed(error);
    }
  }
}
