// What the keyboard does.

import { find, listen, make } from "../dom.js";
import { words } from "../words.js";

const list = (codes) => codes.flatMap(([key, text]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, text)]);

/** Shows what can be keyed in on the phone: codes by what they are for. */
export function showCodes(codes) {
  const known = Object.keys(words.codes).filter((name) => codes[name]);
  find("#codes").replaceChildren(...list(known.map((name) => [codes[name].replace("+", "N"), words.codes[name]])));
}

/** Calls `act[key]` when that key is pressed by itself, outside of fields; `?` shows them all. */
export function followKeys(act) {
  const help = find("#help");
  const all = { ...act, "?": () => (help.open ? help.close() : help.showModal()) };
  find("#shortcuts").replaceChildren(...list(words.shortcuts));
  find("#show-help").addEventListener("click", all["?"]);
  listen(document, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input:not([type=range]):not([type=checkbox]), textarea, select")) return;
    const wanted = all[event.key.toLowerCase()];
    if (!wanted || (document.querySelector("dialog[open]") && event.key !== "?")) return;
    event.preventDefault();
    wanted();
  });
}
