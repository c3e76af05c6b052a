// What can't be taken back is done at a second press.

import { setText } from "../dom.js";
import { words } from "../words.js";

const PATIENCE = 8_000; // ms

/** `act`, at a second press within a while; the button asks in between. A double click is one press. */
export function sure(button, act) {
  let text = null;
  let timer = 0;
  const relax = () => {
    setText(button, text);
    text = null;
  };
  return (event) => {
    if (event?.detail > 1) return;
    clearTimeout(timer);
    if (text !== null) {
      relax();
      return act();
    }
    text = button.textContent;
    setText(button, words.sure);
    timer = setTimeout(relax, PATIENCE);
  };
}
