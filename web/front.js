// The front page: brings who has a call, and no link, to the page of that call.

import { find, make, setText, show } from "./dom.js";
import { ask, Refused } from "./session.js";
import { refusal, words } from "./words.js";

const WAIT = 40_000; // ms; the server answers after 25 seconds at the latest
const PAUSE = 1_000; // ms between two attempts
const api = "api/v1/pairings";

const keyIn = find("#key-in");
const again = find("#again");
const form = find("#claim");
const field = find("#code");
const error = find("#error");
const { pair, code: speaks } = find("#pairing").dataset; // what is keyed in on the phone for it; nothing where it can't be

const sentence = (problem) => (problem instanceof Refused ? refusal(problem) : words.notThrough);

/** Shows a code, and opens the page of the call whose phone keys it in. */
async function offer() {
  show(again, false);
  try {
    const { code, secret } = await ask("POST", api);
    const [before, after] = pair.split("??????").map((keys) => make("span", { "aria-hidden": "true" }, keys));
    keyIn.replaceChildren(before, make("output", { "aria-label": words.pairingCode }, code), after);
    if (await paired(secret)) return;
    setText(keyIn, words.codeIsOver);
  } catch (problem) {
    setText(keyIn, sentence(problem));
  }
  show(again, true);
}

/** Whether a phone has keyed it in, before its time was over. */
async function paired(secret) {
  for (;;) {
    try {
      const { state, link } = await ask("GET", `${api}/${secret}`, undefined, WAIT);
      if (link) location.assign(link);
      if (state !== "waiting") return Boolean(link);
    } catch (problem) {
      if (problem instanceof Refused && problem.status < 500) return false;
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }
}

again.addEventListener("click", offer);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  setText(error, "");
  const code = field.value.replace(/[^0-9]/g, "");
  if (code.length !== 6) return setText(error, words.sixDigits);
  try {
    location.assign((await ask("POST", `${api}/claim`, { code })).link);
  } catch (problem) {
    setText(error, sentence(problem));
    field.select();
  }
});

setText(find("span", form), words.frontSpoken(speaks));
show(form, speaks);
show(find("#how"), pair);
show(find("#pairing"), pair || speaks);
if (pair) offer();
