// What the lines of the calls have been like since the page was opened: MOS, loss and jitter, a point a second.

import { make } from "../dom.js";
import { words } from "../words.js";
import { line, plot } from "./plots.js";

const POINTS = 120;

export class Lines {
  #calls = new Map();

  /** Takes a look at the calls; those that are gone are forgotten. */
  look(calls) {
    const here = new Set(calls.map((call) => call.id));
    for (const id of this.#calls.keys()) if (!here.has(id)) this.#calls.delete(id);
    for (const { id, quality } of calls) {
      if (!this.#calls.has(id)) this.#calls.set(id, { mos: [], loss: [], jitter: [] });
      const past = this.#calls.get(id);
      past.mos.push(quality?.mos ?? null);
      past.loss.push(quality ? (100 * quality.lost) / Math.max(1, quality.received + quality.lost) : null);
      past.jitter.push(quality?.jitter_ms ?? null);
      for (const values of Object.values(past)) if (values.length > POINTS) values.shift();
    }
  }

  /** Draws the lines of one call into its cell. */
  draw(cell, id, name) {
    const past = this.#calls.get(id);
    if (!past || past.mos.every((value) => value === null)) return;
    if (!cell.querySelector("svg"))
      for (const each of words.opPlots) cell.append(make("span", { "data-name": each }, plot()));
    const [mos, loss, jitter] = cell.querySelectorAll("svg");
    mos.classList.add("mos");
    loss.classList.add("loss");
    jitter.classList.add("jitter");
    const last = past.mos.findLast((value) => value !== null);
    line(mos, past.mos, { low: 1, high: 4.5, label: words.opMosOf(name, last.toFixed(1)) });
    line(loss, past.loss, { low: 0, high: Math.max(10, ...past.loss), label: words.opLossOf(name) });
    line(jitter, past.jitter, { low: 0, high: Math.max(40, ...past.jitter), label: words.opJitterOf(name) });
  }
}
