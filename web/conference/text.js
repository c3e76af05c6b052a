// What people write to each other.

import { enable, find, isEnabled, listen, make, mark, setText, show } from "../dom.js";
import { language, reason, words } from "../words.js";

const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const LONGEST = 2000; // characters
const LINK = /https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}]/g;

export class Texts {
  #lines = new Map();
  #list = null;
  #refused = {}; // by whom it was for
  #to = null;
  #unread = 0;
  #reads = true; // the last line, and not what was before

  /** `say(text, to)` resolves to null if it was refused; `notify(text)`; `nameOf(id)`; `seen()`: whether the section can be seen. */
  constructor(section, on) {
    this.section = section;
    this.on = on;
    this.log = find("#messages", section);
    this.log.dataset.empty = words.nothingWritten;
    this.form = find("#write", section);
    this.field = find("#message", section);
    this.send = find("button.primary", section);
    this.to = find("#to", section);
    listen(this.log, "scroll", () => {
      this.#reads = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 48;
    });
    // Nor is the last line lost when the section is opened, or a keyboard takes a part of it.
    new ResizeObserver(() => this.#reads && this.#toEnd()).observe(this.log);
    listen(this.form, "submit", (event) => {
      event.preventDefault();
      this.#say();
    });
    listen(this.field, "keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#say();
      }
    });
    find("#to-all", section).addEventListener("click", () => {
      this.writeTo(null);
      this.field.focus();
    });
  }

  /** Whom the next line is for; null: all. It stays so until it is chosen anew, whoever has left by then. */
  writeTo(id) {
    this.#to = id;
    setText(find("span", this.to), id === null ? "" : words.onlyTo(this.on.nameOf(id)));
    show(this.to, id !== null);
    this.#takeBack();
  }

  /** What was refused can be sent again, but to nobody else. */
  #takeBack() {
    const text = this.#refused[this.#to];
    if (text) this.field.value = (this.field.value + text).trim();
    delete this.#refused[this.#to];
  }

  render(room, usable) {
    show(this.section, room.has.messages);
    if (!room.has.messages) return;
    enable(this.send, usable);
    if (room.messages !== this.#list) {
      const first = this.#list === null;
      this.#list = room.messages;
      this.#fill(room, first);
    }
    if (this.on.seen()) this.#unread = 0;
    setText(find("#unread"), this.#unread ? words.unread(this.#unread) : "");
  }

  #fill(room, first) {
    const kept = new Set(room.messages.map((each) => each.id));
    for (const [id, { element }] of this.#lines) {
      if (!kept.has(id)) {
        element.remove();
        this.#lines.delete(id);
      }
    }
    for (const message of room.messages) {
      const line = this.#lines.get(message.id);
      if (line?.message === message) continue;
      const element = this.#line(message, room.me);
      if (line) line.element.replaceWith(element);
      else this.log.append(element);
      this.#lines.set(message.id, { element, message });
      if (!line && !first && message.sender !== room.me) this.#unread += 1;
    }
    if (this.#reads || first) this.#toEnd();
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #line(message, me) {
    const { sender, name, at, to, to_names, failed } = message;
    const whom = to?.map((id, index) => (id === me ? words.you : this.on.nameOf(id) || to_names[index]));
    const head = make(
      "p",
      { class: "head" },
      make("strong", { dir: "auto" }, sender === me ? words.you : name),
      make("time", { datetime: at }, clock.format(new Date(at))),
      to && make("span", { class: "only" }, sender === me ? words.onlyTo(whom.join(", ")) : words.onlyYou),
    );
    const text = make("p", { class: "said", dir: "auto" }, ...linked(message.text));
    const failures = failed.map((each) => make("p", { class: "failed" }, words.notDelivered({ ...each, reason: reason(each.reason) })));
    const element = make("div", { class: "message" }, head, text, ...failures);
    mark(element, "data-own", sender === me);
    mark(element, "data-pending", message.pending);
    return element;
  }

  async #say() {
    const text = this.field.value.trim();
    if (!text || !isEnabled(this.send)) return;
    const more = [...text].length - LONGEST;
    if (more > 0) return this.on.notify(words.tooLong(LONGEST, more));
    this.field.value = "";
    const to = this.#to;
    const sent = this.on.say(text, to === null ? null : [to]);
    this.#toEnd();
    if (await sent) return;
    this.#refused[to] = `${this.#refused[to] ?? ""}\n${text}`;
    this.#takeBack();
  }
}

/** The text with what looks like the address of a page as a link. Nothing else in it means anything. */
function* linked(text) {
  let from = 0;
  for (const { 0: url, index } of text.matchAll(LINK)) {
    yield text.slice(from, index);
    yield make("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url);
    from = index + url.length;
  }
  yield text.slice(from);
}
