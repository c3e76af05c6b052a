// The operator's page: all rooms, calls and registrations, as they are now. What SIP says is shown in its own words.

import { clone, enable, find, isEnabled, mark, setText, show } from "../dom.js";
import { ask, Follower, Refused } from "../session.js";
import { language, words } from "../words.js";
import { connects } from "./connect.js";
import { Hour } from "./hour.js";
import { Lines } from "./lines.js";
import { listed, standing } from "./registrations.js";
import { followRecent, showTrace } from "./trace.js";

const api = "api/v1";
const SURE = 8_000; // ms within which "Hang up" must be pressed a second time
const COUNTERS = [
  "calls",
  "max_calls",
  "rooms",
  "headroom_percent",
  "sip_overload",
  "late_ticks",
  "skipped_ticks",
  "rtp_received",
  "rtp_sent",
  "rtp_lost",
  "streams_stopped",
];

const hour = new Hour(find("#hour"));
const lines = new Lines();
let overview = null;
let stats = null;
let connected = null; // not known yet

/** Keeps one element for each item, in the order of the items. */
class Table {
  #rows = new Map();

  constructor(body, make, fill) {
    Object.assign(this, { body, make, fill });
  }

  render(items, key) {
    const wanted = new Set(items.map(key));
    for (const [id, row] of this.#rows) {
      if (!wanted.has(id)) {
        row.remove();
        this.#rows.delete(id);
      }
    }
    items.forEach((item, index) => {
      const id = key(item);
      if (!this.#rows.has(id)) this.#rows.set(id, this.make(item));
      const row = this.#rows.get(id);
      if (this.body.children[index] !== row) this.body.insertBefore(row, this.body.children[index] ?? null);
      this.fill(row, item);
    });
    const empty = find(".empty", this.body.closest(".part"));
    if (empty) show(empty, items.length === 0);
  }
}

const rooms = new Table(
  find("#rooms"),
  () => clone("room"),
  (row, room) => {
    const [name, participants, hands, state] = row.children;
    setText(name, room.name);
    setText(participants, String(room.participants));
    setText(hands, String(room.hands));
    setText(state, room.locked ? words.locked : words.opOpen);
  },
);

const calls = new Table(
  find("#calls"),
  ({ id }) => {
    const row = clone("call");
    find(".end", row).addEventListener("click", (event) => hangUp(id, event.currentTarget));
    find(".trace", row).addEventListener("click", () => open(id, id));
    return row;
  },
  (row, call) => {
    const [caller, to, service, state, time, line, action] = row.children;
    setText(find(".caller", caller), call.caller_name);
    setText(find("small", caller), words.opPeer(call.direction === "in", call.source));
    setText(to, call.uri);
    setText(service, call.conference === null ? (call.app ?? "") : `${call.app ?? "conference"} ${call.conference}`);
    setText(state, [call.state, codecOf(call), call.on_hold && words.onHold].filter(Boolean).join(", "));
    setText(time, since(call.answered ?? call.started));
    setText(find(".said", line), short(call));
    mark(line, "title", quality(call));
    lines.draw(find(".drawing", line), call.id, call.caller_name);
    mark(find(".trace", action), "aria-label", words.opTraceOf(call.caller_name));
    fillEnd(find(".end", action), call);
  },
);

function fillEnd(button, { caller_name: name }) {
  const sure = button.dataset.sure !== undefined;
  setText(button, sure ? words.sure : words.opHangUp);
  button.setAttribute("aria-label", sure ? words.opSureOf(name) : words.opHangUpOf(name));
  enable(button, connected === true);
}

// The call that is opened: how it is now, above its ladder.
const live = find("#live");
let opened = null;
find(".end", live).addEventListener("click", (event) => hangUp(opened, event.currentTarget));

function renderOpened() {
  const call = overview?.calls.calls.find(({ id }) => id === opened);
  show(live, call);
  if (!call) return;
  setText(find("strong", live), [call.app ?? "conference", call.conference].filter(Boolean).join(" "));
  const facts = [call.state, codecOf(call), call.on_hold && words.onHold, since(call.answered ?? call.started), quality(call)];
  setText(find("span", live), ` – ${facts.filter(Boolean).join(", ")}`);
  lines.draw(find(".drawing", live), call.id, call.caller_name);
  fillEnd(find(".end", live), call);
}

const registrations = new Table(
  find("#registrations"),
  () => clone("registration"),
  (row, one) => {
    const [address, state, contact, phone] = row.children;
    setText(find("span", address), one.address);
    setText(find("small", address), one.source ? words.opPeer(true, one.source) : words.opOurs);
    setText(contact, one.contact);
    setText(phone, one.phone);
    setText(state, standing(one, Date.now()));
  },
);

const counters = new Table(find("#counters"), () => clone("counter"), fillCounter);
const all = new Table(find("#all"), () => clone("counter"), fillCounter);

function fillCounter(row, [, label, value]) {
  setText(row.children[0], label);
  setText(row.children[1], value);
}

const connect = find("#connect");
connects(connect, (problem) => {
  const why = problem instanceof Refused ? problem.message : words.notThrough;
  setText(find(".error", connect), problem === null ? "" : why);
});

/** Opens the trace of a call, by its number or its Call-ID; `id`: its number, if it goes on. */
async function open(call, id = null) {
  opened = id;
  find(".drawing", live).replaceChildren();
  delete find(".end", live).dataset.sure;
  renderOpened();
  try {
    await showTrace(call);
  } catch (error) {
    setText(find("#notice"), error instanceof Refused ? error.message : words.notThrough);
  }
}

async function hangUp(id, button) {
  if (!isEnabled(button)) return;
  if (button.dataset.sure === undefined) {
    button.dataset.sure = "";
    setTimeout(() => {
      delete button.dataset.sure;
      render();
    }, SURE);
    return render();
  }
  delete button.dataset.sure;
  try {
    await ask("DELETE", `${api}/calls/${id}`);
    setText(find("#notice"), words.opEndedNow);
  } catch (error) {
    setText(find("#notice"), error instanceof Refused ? error.message : words.notThrough);
  }
}

function since(moment) {
  const seconds = Math.max(0, Math.floor((Date.now() - new Date(moment)) / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return [...(h ? [h, String(m).padStart(2, "0")] : [m]), String(s).padStart(2, "0")].join(":");
}

/** What fits beside the plots; the rest is said where one points. */
function short({ quality: line, stopped }) {
  if (stopped.length || !line || line.mos === null) return quality({ quality: line, stopped });
  return words.opShort(line.mos.toFixed(1), ((100 * line.lost) / Math.max(1, line.received + line.lost)).toFixed(1));
}

function quality({ quality: line, stopped }) {
  const marks = words.badLine({ loss: 0, silent: stopped.includes("in"), deaf: stopped.includes("out") });
  if (!line) return marks;
  const loss = (100 * line.lost) / Math.max(1, line.received + line.lost);
  const said = words.opQuality({
    loss: loss.toFixed(1),
    jitter: line.jitter_ms.toFixed(1),
    trip: line.round_trip_ms?.toFixed(0),
    mos: line.mos?.toFixed(1),
    remote: line.remote_mos?.toFixed(1),
  });
  return [marks, said].filter(Boolean).join(", ");
}

function render() {
  if (!overview) return;
  hour.render(overview.history);
  rooms.render(overview.conferences, (room) => room.name);
  calls.render(overview.calls.calls, (call) => call.id);
  renderOpened();
  const hidden = overview.calls.total - overview.calls.calls.length;
  show(find("#more"), hidden > 0);
  setText(find("#more"), words.opOlder(hidden));
  const { total, phones } = overview.registrations;
  const known = listed(overview.registrations);
  registrations.render(known, (one) => one.key);
  show(find("#registrations").closest(".part"), known.length > 0);
  show(find("#more-phones"), total > phones.length);
  setText(find("#more-phones"), words.opMorePhones(total - phones.length));
}

function renderStats({ version, counters: now }) {
  if (overview) lines.look(overview.calls.calls);
  const before = stats;
  stats = { at: performance.now(), now };
  const value = (name) => {
    if (!name.startsWith("rtp_")) return now[name] ?? 0;
    return before && Math.max(0, Math.round((1000 * (now[name] - before.now[name])) / (stats.at - before.at)));
  };
  setText(find("#version"), `SEMS ${version}`);
  const shown = COUNTERS.map((name) => [name, words.opCounts[name], value(name)?.toLocaleString(language) ?? "–"]);
  counters.render(shown, ([name]) => name);
  const rest = Object.entries(now).sort(([a], [b]) => a.localeCompare(b));
  all.render(rest.map(([name, count]) => [name, name.replaceAll("_", " "), count.toLocaleString(language)]), ([name]) => name);
}

setInterval(render, 1000);

const recent = new Table(
  find("#traces"),
  ({ call_id }) => {
    const row = clone("traced");
    find("button", row).addEventListener("click", () => open(call_id));
    return row;
  },
  (row, call) => {
    const [began, caller, to, outcome, action] = row.children;
    setText(began, new Date(call.began).toLocaleTimeString(words.opClock));
    setText(find(".caller", caller), call.caller || call.call_id);
    setText(find("small", caller), words.opPeer(call.direction === "in", call.remote));
    setText(to, `${call.method} ${call.uri}`.trim());
    setText(outcome, call.outcome || words.opStill);
    mark(find("button", action), "aria-label", words.opTraceOf(call.call_id));
  },
);
followRecent(find("#recent"), (calls) => recent.render(calls, (call) => call.call_id));

new Follower(`${api}/overview/events`, {
  connected(now) {
    if (connected === now) return;
    connected = now;
    show(find("#reconnecting"), !now);
    render();
  },
  refused: () => location.reload(),
  overview(view) {
    overview = view;
    render();
  },
  stats: renderStats,
});

/** The codec of a call with the band that it carries, in kHz of its sampling rate; L16 has several. */
function codecOf(call) {
  const rate = { opus: 48, G722: 16, PCMU: 8, PCMA: 8 }[call.codec];
  return rate === undefined ? call.codec : `${call.codec} ${rate} kHz`;
}
