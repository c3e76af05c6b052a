// What happened in a call: a ladder whose rungs open, and the calls that have passed.

import { clone, find, mark, setText, show } from "../dom.js";
import { ask } from "../session.js";
import { words } from "../words.js";

const api = "api/v1";
const OFTEN = 2_000; // ms between two looks at the list
const LISTED = 100;

/** Shows a call's ladder. Rejects as `ask` does. */
export async function showTrace(call) {
  const trace = await ask("GET", `${api}/calls/${encodeURIComponent(call)}/trace`);
  const messages = trace.entries.filter(({ message }) => message);
  const peers = new Set(messages.map(({ remote }) => remote));
  setText(find("#trace-outcome"), [trace.outcome, trace.call_id].filter(Boolean).join(" – "));
  setText(find("#trace-peer"), [...peers].join(", "));
  const begin = trace.entries[0]?.at_us ?? 0;
  find("#ladder").replaceChildren(...trace.entries.map((entry) => step(entry, begin, peers.size > 1)));
  find("#trace").showModal();
}

function step(entry, begin, several) {
  const element = clone("step");
  const [time, button, text] = element.children;
  const isMessage = entry.kind === "received" || entry.kind === "sent";
  const details = entry.fields.map((field) => field.join(": ")).join("\n");
  element.className = entry.kind;
  const code = /^SIP\/2\.0 ([3-6])/.exec(entry.message);
  element.classList.toggle("failure", Boolean(code));
  element.classList.toggle("again", entry.again);
  setText(time, ((entry.at_us - begin) / 1e6).toFixed(3));
  const comes = entry.kind === "heard" && entry.remote;
  const peer =
    comes || (several && isMessage) ? words.opPeer(entry.kind !== "sent", entry.remote) : "";
  setText(find("span", button), [entry.title, entry.again && words.opAgain, peer].filter(Boolean).join(" "));
  setText(text, isMessage ? entry.message : details);
  mark(button, "aria-label", `${button.textContent}, ${words.opWays[entry.kind]}`);
  button.disabled = !text.textContent;
  button.addEventListener("click", () => {
    show(text, text.hidden);
    mark(button, "aria-expanded", String(!text.hidden));
  });
  return element;
}

/** Looks at the calls that have passed, as long as their list is open. */
export function followRecent(details, render) {
  const look = async () => {
    if (!details.open || document.hidden) return;
    try {
      render((await ask("GET", `${api}/traces?limit=${LISTED}`)).calls);
    } catch {
      // The line is away; it is tried again.
    }
  };
  details.addEventListener("toggle", look);
  setInterval(look, OFTEN);
}
