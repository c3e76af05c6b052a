// Tells those who can not see what happens. Of many who come or go at once only their number is told.

import { find } from "../dom.js";
import { words } from "../words.js";

const STAYS = 5_000; // ms
const PAUSE = 1_000; // ms in which more than a few are too many
const FEW = 3;

export class News {
  #crowds = {};

  constructor() {
    this.element = find("#news");
  }

  tell(text) {
    const line = document.createElement("p");
    line.textContent = text;
    this.element.append(line);
    setTimeout(() => line.remove(), STAYS);
  }

  /** Somebody came (`joined`) or went (`left`). */
  move(kind, name) {
    const crowd = (this.#crowds[kind] ??= { count: 0, until: 0 });
    crowd.count += 1;
    if (crowd.count <= FEW) this.tell(words.happened[kind](name));
    clearTimeout(crowd.until);
    crowd.until = setTimeout(() => {
      if (crowd.count > FEW) this.tell(words.manyMoved[kind](crowd.count));
      crowd.count = 0;
    }, PAUSE);
  }
}
