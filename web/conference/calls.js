// Who is being called into the room: a row below those who are here, where he will stand when he answers.

import { enable, find, isEnabled, listen, make, mark, setText, show } from "../dom.js";
import { reason as inWords, words } from "../words.js";

export class Calls {
  #shown = [];
  #rows = new Map();

  /** `list`: of the participants, which the rows stand below; `dialled()` is called when somebody has been. */
  constructor(section, list, commands, dialled) {
    Object.assign(this, { section, list, commands });
    this.form = find("#dial-form", section);
    this.field = find("#dial", section);
    this.button = find("button", this.form);
    listen(this.form, "submit", async (event) => {
      event.preventDefault();
      const target = this.field.value.trim();
      if (!target || !isEnabled(this.button)) return this.field.focus();
      this.field.value = "";
      dialled();
      if ((await commands.dial(target)) === null && !this.field.value) this.field.value = target;
    });
    listen(list, "click", ({ target }) => {
      const button = target.closest("[data-call] button");
      if (button && isEnabled(button)) button.act();
    });
  }

  /** Whether he may have somebody called. */
  get offered() {
    return !this.section.hidden;
  }

  render(room, usable) {
    const { dial } = room.settings;
    const moderates = room.participants.get(room.me).role === "moderator";
    const may = dial === "everyone" || (dial === "moderators" && moderates);
    show(this.section, room.has.calls && may);
    enable(this.button, usable);
    const facts = [room.calls, usable, may, moderates];
    if (facts.every((each, index) => each === this.#shown[index])) return;
    const first = !this.#shown.length;
    this.#shown = facts;
    const kept = new Set(room.calls.map((each) => each.id));
    for (const [id, row] of this.#rows) {
      if (!kept.has(id)) {
        row.remove();
        this.#rows.delete(id);
      }
    }
    for (const call of room.calls) {
      const known = this.#rows.get(call.id);
      const row = known ?? this.#make(call.id);
      const name = called(call, room.calls);
      const own = call.by === room.me;
      fill(row, call, name, usable && !call.pending, may, moderates || own);
      // Whoever has just dialled sees it below however many are here.
      if (own && !known && !first) row.scrollIntoView({ block: "nearest" });
    }
  }

  #make(id) {
    const row = make(
      "li",
      { "data-call": id },
      make("span", { class: "face", "aria-hidden": "true" }, "…"),
      make("div", { class: "person" }, make("span", { class: "name", dir: "auto" }), make("span", { class: "marks" })),
      make("div", { class: "acts" }, make("button"), make("button")),
    );
    const [again, end] = row.querySelectorAll("button");
    again.act = () => this.commands.redial(id);
    end.act = () => this.commands.cancelCall(id);
    this.#rows.set(id, row);
    this.list.append(row);
    return row;
  }
}

/** How a call is named: by whom it is for, and where others are for one of that name, by what was dialled as well. */
function called({ id, name, target }, calls) {
  const others = calls.filter((each) => each.name === name && each.id !== id);
  if (!others.length) return name;
  return `${name} (${others.some((each) => each.target === target) ? id : target})`;
}

function fill(row, call, name, usable, may, mayEnd) {
  const { state, code, reason } = call;
  const over = state === "failed" || state === "cancelled";
  const [again, end] = row.querySelectorAll("button");
  mark(row, "data-failed", over);
  setText(find(".name", row), name);
  setText(find(".marks", row), over ? words.callFailed(inWords(reason), code) : words.call[state]);
  setText(again, words.callAgain);
  mark(again, "aria-label", words.callNameAgain(name));
  show(again, over && may);
  show(end, mayEnd);
  setText(end, over ? words.forget : words.cancel);
  mark(end, "aria-label", over ? words.forgetCallTo(name) : words.cancelCallTo(name));
  for (const button of [again, end]) enable(button, usable);
}
