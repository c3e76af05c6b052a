// Moving somebody to a side room, or back: the choice of where.

import { enable, find, isEnabled, listen, make, show } from "../dom.js";
import { words } from "../words.js";

export class Move {
  #id = null;

  /** `move(id, room)` does it; null is the main room. */
  constructor(move) {
    this.move = move;
    this.dialog = find("#move");
    this.places = find("#places");
    this.form = find("#new-place");
    this.field = find("#side-room");
    this.button = find("button", this.form);
    listen(this.form, "submit", (event) => {
      event.preventDefault();
      this.#go(this.field.value.trim());
    });
  }

  render(usable) {
    if (this.dialog.open) for (const each of [this.button, ...this.places.children]) enable(each, usable);
  }

  ask(participant, room) {
    this.#id = participant.id;
    find("#move-title").textContent = words.moveTo(participant.called);
    const there = new Set([...room.participants.values()].map((each) => each.side_room).filter(Boolean));
    const places = [null, ...[...there].sort()].filter((place) => place !== (participant.side_room ?? null));
    this.places.replaceChildren(...places.map((place) => this.#button(place)));
    show(this.places, places.length > 0);
    this.field.value = words.sideRooms.find((name) => !there.has(name)) ?? "";
    this.dialog.showModal();
  }

  #button(place) {
    const button = make("button", {}, place ? words.sideRoom(place) : words.mainRoom);
    listen(button, "click", () => this.#go(place));
    return button;
  }

  #go(place) {
    if (place === "") return this.field.focus();
    if (!isEnabled(this.button)) return;
    // Nobody could tell a side room of that name from it.
    if (place?.toLowerCase() === words.mainRoom.toLowerCase()) place = null;
    this.dialog.close();
    this.move(this.#id, place);
  }
}
