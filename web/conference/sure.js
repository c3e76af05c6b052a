// What can't be taken back is done at a second press.

import { setText } from "../dom.js";
import { words } from "../words.js";

const PATIENCE = 4_000; // ms

/** `act`, when it is called twice within a moment; the button asks in between. */
export function sure(button, act) {
  let text = null;
  let timer = 0;
  const relax = () => {
    setText(button, text);
    text = null;
  };
  return () => {
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
