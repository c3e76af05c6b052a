// The last hour: calls at once, how they ended, and how long it took to answer them.

import { clone, find, setText } from "../dom.js";
import { words } from "../words.js";
import { bars, line, plot } from "./plots.js";

const MINUTES = 60;

/** Sixty minutes up to now, of which the server names those in which there was a call. */
function filled(history, now) {
  const last = Math.floor(now / 60_000);
  const known = new Map(history.map((each) => [Math.floor(new Date(each.minute) / 60_000), each]));
  return Array.from({ length: MINUTES }, (_, index) => known.get(last - MINUTES + 1 + index) ?? null);
}

export class Hour {
  #figures = [];

  constructor(list) {
    for (const title of [words.opAtOnce, words.opEnded, words.opSetup]) {
      const row = clone("figure");
      setText(find("dt", row), title);
      const svg = plot();
      find(".drawing", row).append(svg);
      list.append(row);
      this.#figures.push({ svg, text: find(".said", row) });
    }
  }

  render(history, now = Date.now()) {
    const minutes = filled(history, now);
    const [most, ended, setup] = this.#figures;
    const peak = Math.max(0, ...minutes.map((each) => each?.most ?? 0));
    line(most.svg, minutes.map((each) => each?.most ?? 0), { low: 0, high: Math.max(1, peak), label: words.opAtOnceIs(peak) });
    setText(most.text, words.opMost(peak));

    const sum = { answered: 0 };
    const parts = minutes.map((each) => {
      if (!each) return [];
      sum.answered += each.answered;
      for (const [code, count] of Object.entries(each.codes)) sum[code] = (sum[code] ?? 0) + count;
      const failed = Object.entries(each.codes).reduce((all, [code, count]) => all + (code === "4xx" || code === "none" ? 0 : count), 0);
      const refused = (each.codes["4xx"] ?? 0) + (each.codes.none ?? 0);
      return [[each.answered, "good"], [refused, "poor"], [failed, "bad"]];
    });
    const said = Object.entries(sum).map(([code, count]) => `${count} ${words.opHow[code] ?? code}`);
    bars(ended.svg, parts, words.opEndedIs(said.join(", ")));
    setText(ended.text, said.join(", "));

    const times = minutes.map((each) => each?.setup_ms ?? null);
    const slowest = Math.max(0, ...times.map((each) => each ?? 0));
    line(setup.svg, times, { low: 0, high: Math.max(1, slowest), label: words.opSetupIs(slowest) });
    setText(setup.text, slowest ? words.opMost(`${slowest} ms`) : words.opNoneAnswered);
  }
}
