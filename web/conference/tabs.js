// On a narrow screen one of room, text and the rest is seen at a time; on a wide one all of them.

import { find, listen, mark, show } from "../dom.js";

const wide = matchMedia("(min-width: 1100px)");

export class Tabs {
  /** `changed()` is called when another one is seen. */
  constructor(list, changed) {
    this.tabs = [...list.querySelectorAll("[role=tab]")];
    this.changed = changed;
    listen(list, "click", ({ target }) => this.choose(target.closest("[role=tab]")?.getAttribute("aria-controls")));
    listen(list, "keydown", (event) => this.#move(event));
    listen(wide, "change", () => this.#write());
    this.choose("room");
  }

  /** Sees that section. */
  choose(name) {
    if (!name || name === this.chosen) return;
    this.chosen = name;
    this.#write();
    this.changed?.();
  }

  sees(name) {
    return wide.matches || this.chosen === name;
  }

  /** There is one for each section that there is. */
  render() {
    for (const tab of this.tabs) show(tab, !find(`#${tab.getAttribute("aria-controls")}`).hidden);
  }

  #write() {
    document.body.dataset.tab = this.chosen;
    for (const tab of this.tabs) {
      const name = tab.getAttribute("aria-controls");
      mark(tab, "aria-selected", name === this.chosen ? "true" : "false");
      tab.tabIndex = name === this.chosen ? 0 : -1;
      mark(find(`#${name}`), "role", wide.matches ? null : "tabpanel");
    }
  }

  #move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const seen = this.tabs.filter((tab) => !tab.hidden);
    const at = seen.indexOf(document.activeElement);
    const next = seen[(at + step + seen.length) % seen.length];
    next.focus();
    this.choose(next.getAttribute("aria-controls"));
  }
}
