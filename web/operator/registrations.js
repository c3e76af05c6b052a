// What the operator's page says of registrations: ours at others' registrars, then those of phones at us.

import { words } from "../words.js";

/** All of them as rows. */
export function listed({ accounts, phones }) {
  return [
    ...accounts.map((account) => ({
      ...account,
      key: `account ${account.name}`,
      address: account.uri,
      source: "",
      phone: "",
    })),
    ...phones.map((phone) => ({
      ...phone,
      key: `phone ${phone.address} ${phone.contact} ${phone.source}`,
      phone: phone.user_agent,
      state: "registered",
    })),
  ];
}

/** How it stands at that time, in words. */
export function standing({ state, code, reason, until }, now) {
  if (until === null) return state;
  if (state === "registered") return words.opUntil(new Date(until).toLocaleTimeString(words.opClock));
  if (state !== "failed") return state;
  const seconds = Math.round((new Date(until) - now) / 1000);
  // Those are what we say to ourselves when nobody answers; the others were said to us.
  return words.opAgainIn({ code, reason, seconds, refused: code !== 408 && code !== 503 });
}
