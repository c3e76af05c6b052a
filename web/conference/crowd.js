// What helps to find somebody among many: a filter by name, and who speaks, above the list.

import { find, listen, setText, show } from "../dom.js";
import { words } from "../words.js";

export const MANY = 30;
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export class Crowd {
  #wanted = "";
  #folded = new Map();

  /** `changed()` is called when another name is looked for. */
  constructor(element, changed) {
    this.element = element;
    this.filter = find("#filter", element);
    listen(this.filter, "input", () => {
      this.#wanted = folded(this.filter.value.trim());
      changed();
    });
  }

  /** Whether the row of that name is to be seen; accents and capitals don't matter. */
  shows = (name) => {
    if (!this.#wanted) return true;
    if (!this.#folded.has(name)) this.#folded.set(name, folded(name));
    return this.#folded.get(name).includes(this.#wanted);
  };

  render(room, speakers) {
    const many = room.participants.size > MANY;
    show(this.element, many);
    if (!many) {
      this.#wanted = this.filter.value = "";
      return;
    }
    setText(find("#speaking-now", this.element), words.speakingNow(speakers.map((each) => each.called)));
    const none = this.#wanted && ![...room.participants.values()].some((each) => this.shows(each.name));
    setText(find("#none", this.element), none ? words.nobodyOfThatName : "");
    show(find("#none", this.element), none);
  }
}
