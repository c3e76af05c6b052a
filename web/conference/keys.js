// What the keyboard does: `m` mute, `h` hand, `?` shows all.

import { find } from "../dom.js";

/** Calls `act[key]` when that key is pressed by itself, outside of fields. */
export function followKeys(act) {
  const help = find("#help");
  const all = { ...act, "?": () => (help.open ? help.close() : help.showModal()) };
  find("#show-help").addEventListener("click", all["?"]);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const wanted = all[event.key.toLowerCase()];
    if (!wanted || (help.open && event.key !== "?")) return;
    event.preventDefault();
    wanted();
  });
}
