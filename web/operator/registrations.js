// What the operator's page says of registrations: ours at others' registrars, then those of phones at us.

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
  if (state === "registered") return `registered until ${new Date(until).toLocaleTimeString("en-GB")}`;
  if (state !== "failed") return state;
  const seconds = Math.round((new Date(until) - now) / 1000);
  // Those are what we say to ourselves when nobody answers; the others were said to us.
  const how = code === 408 || code === 503 ? "failed" : "refused";
  const when = seconds > 0 ? `in ${seconds} s` : "now";
  return `${how}: ${code} ${reason}, trying again ${when}`;
}
