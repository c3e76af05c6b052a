// The line to the server: commands out, events in. It comes back by itself when the network does.

import { listen } from "./dom.js";

const SILENCE = 12_000; // ms; the server says something every five seconds
const PATIENCE = 8_000; // ms for one command
const PAUSE = 1_000; // ms between two attempts

export class Refused extends Error {
  /** `detail`: why, in an English sentence; `code` and `values`: the same for those who speak another language. */
  constructor(status, { detail, code, values }) {
    super(detail);
    Object.assign(this, { status, code, values: values ?? {} });
  }
}

/** The server does not know us any more. Whatever else is answered can be the word of somebody between. */
export const isOver = (status) => [401, 404, 410].includes(status);

// The same in all windows of a browser, which has few lines to a server.
let browser = "";
try {
  browser = localStorage.sems ??= (2 ** 53 * Math.random()).toFixed();
} catch {
  // It keeps nothing, so this window is counted alone.
}

let ahead = 0; // ms by which the server's clock is ahead of ours

/** Milliseconds from now to that moment of the server's clock. */
export const until = (moment) => Date.parse(moment) - Date.now() - ahead;

/** Asks the API. Resolves to the answer; rejects with Refused, or with TypeError if nothing got through. */
export async function ask(method, url, body, patience = PATIENCE) {
  const response = await fetch(url, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
    cache: "no-store",
  });
  const date = Date.parse(response.headers.get("Date"));
  if (date) ahead = date + 500 - Date.now(); // it tells whole seconds
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Refused(response.status, answer ?? { detail: response.statusText });
  return answer;
}

/**
 * Follows a stream of events. `on` has a function for each kind of event (`message` for those without
 * a name), and two more: `connected(bool)` when the line comes or goes, `refused(status)` when the server
 * does not know us any more.
 */
export class Follower {
  #source = null;
  #heardAt = 0;
  #again = 0;
  #end = new AbortController();
  #watch = 0;

  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.since = undefined;
    const how = { signal: this.#end.signal };
    listen(window, "online", () => this.reopen(), how);
    listen(window, "offline", () => this.#lose(), how);
    listen(window, "pageshow", (event) => event.persisted && this.reopen(), how);
    const look = () => {
      if (document.hidden) this.#source?.close();
      else if (this.#source?.readyState === EventSource.CLOSED) this.#open();
      else if (this.#isSilent()) this.reopen();
    };
    listen(document, "visibilitychange", look, how);
    this.#watch = setInterval(() => this.#isSilent() && this.reopen(), PAUSE);
    this.#open();
  }

  stop() {
    this.#end.abort();
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#again);
    clearInterval(this.#watch);
  }

  #open() {
    const since = this.since === undefined ? "" : `&since=${this.since}`;
    const source = (this.#source = new EventSource(`${this.url}?browser=${browser}${since}`));
    this.#heardAt = performance.now();
    // For all pages of a browser together there are six lines to a server: what nobody looks at needs none.
    if (document.hidden) source.close();
    const heard = () => {
      this.#heardAt = performance.now();
      this.on.connected(true);
    };
    listen(source, "open", heard);
    listen(source, "beat", heard);
    for (const kind of Object.keys(this.on)) {
      if (kind === "connected" || kind === "refused") continue;
      listen(source, kind, (event) => {
        heard();
        if (event.lastEventId) this.since = event.lastEventId;
        this.on[kind](JSON.parse(event.data));
      });
    }
    // In too many windows at once it ends when all is told, and the browser opens it again.
    let again = false;
    listen(source, "again", () => (again = true));
    listen(source, "error", () => {
      if (!again || source.readyState === EventSource.CLOSED) this.#lose();
      again = false;
    });
  }

  #isSilent() {
    return !document.hidden && this.#source && performance.now() - this.#heardAt > SILENCE;
  }

  #lose() {
    if (this.#end.signal.aborted) return;
    this.#source?.close();
    this.#source = null;
    this.on.connected(false);
    clearTimeout(this.#again);
    if (navigator.onLine) this.#again = setTimeout(() => this.#retry(), PAUSE);
  }

  /** Looks whether the line is there. */
  reopen() {
    if (this.#end.signal.aborted) return;
    this.#source?.close();
    this.on.connected(false);
    clearTimeout(this.#again);
    this.#retry();
  }

  // EventSource does not tell why it failed, so it is asked for with fetch before.
  async #retry() {
    try {
      const response = await fetch(this.url, { method: "HEAD", signal: AbortSignal.timeout(PATIENCE) });
      if (this.#end.signal.aborted) return;
      if (isOver(response.status)) {
        this.stop();
        this.on.refused(response.status);
        return;
      }
      if (!response.ok) throw new TypeError();
      this.#source?.close();
      this.#open();
    } catch {
      this.#lose();
    }
  }
}
