// What somebody wants of me: to talk in private, to be let in. It stands in my zone, whatever else I look at.

import { arrange, enable, find, isEnabled, listen, make, mark, setText, show } from "../dom.js";
import { words } from "../words.js";
import { comes, partners, talking } from "./moment.js";
import { numbered } from "./row.js";
import { sure } from "./sure.js";

export class Asks {
  #shown = [];

  constructor(commands, nameOf) {
    this.commands = commands;
    this.nameOf = nameOf;
    this.element = find("#asks");
    this.invitation = find("#invitation");
    this.invited = find("#invited");
    this.accept = find("#accept");
    this.decline = find("#decline");
    this.knocks = find("#knocks");
    this.list = find("#waiting");
    this.all = find("#admit-all");
    this.banner = find("#private");
    this.soft = find("#soft");
    const press = (button, act) => listen(button, "click", () => isEnabled(button) && act());
    press(this.accept, () => commands.acceptTalk());
    press(this.decline, () => commands.leaveTalk());
    press(this.all, () => commands.admitAll());
    listen(this.soft, "change", () => commands.hearRoom(this.soft.checked ? "soft" : "off"));
    listen(this.list, "click", (event) => {
      const button = event.target.closest("button");
      if (button && isEnabled(button)) button.act(event);
    });
  }

  render(room, usable) {
    this.#talk(room, usable);
    this.#knocks(room, usable);
    show(this.element, !this.invitation.hidden || !this.knocks.hidden);
  }

  /** None of it is mine any more. */
  clear() {
    show(this.element, false);
    show(this.banner.parentElement, false);
    mark(document.body, "data-private", null);
  }

  #talk(room, usable) {
    const { talk, me } = room;
    const now = talking(room);
    const mine = talk?.state === "asked" && talk.by === me;
    const asked = talk?.asked.includes(me) ?? false;
    const coming = !now && comes(room);
    if (asked) setText(this.invited, words.wantsToTalk(talk.members.map(this.nameOf)));
    else if (mine) setText(this.invited, words.waitingFor(talk.asked.map(this.nameOf)));
    else if (coming) setText(this.invited, words.youHaveAsked(partners(room).map(this.nameOf)));
    show(this.invitation, asked || mine || coming);
    show(this.accept, asked);
    setText(this.decline, asked ? words.decline : words.takeBack);
    for (const button of [this.accept, this.decline]) enable(button, usable && talk?.id !== null);
    const names = now ? partners(room).map(this.nameOf) : [];
    const more = talk?.asked.length ? ` ${words.youHaveAsked(talk.asked.map(this.nameOf))}` : "";
    setText(this.banner, now ? words.talking[now](names) + more : "");
    show(this.banner.parentElement, now !== null);
    mark(document.body, "data-private", now);
    show(this.soft.parentElement, now === "private");
    this.soft.checked = talk?.room !== "off";
    this.soft.disabled = !usable;
  }

  #knocks(room, usable) {
    const moderates = room.participants.get(room.me).role === "moderator";
    show(this.knocks, room.waiting.length > 0);
    show(this.all, moderates && room.waiting.length > 1);
    enable(this.all, usable);
    const [waiting, could, moderated] = this.#shown;
    if (room.waiting === waiting && usable === could && moderates === moderated) return;
    this.#shown = [room.waiting, usable, moderates];
    const rows = moderates === moderated ? [...this.list.children] : []; // else there are other buttons
    const kept = new Map(rows.map((each) => [Number(each.dataset.id), each]));
    arrange(this.list, room.waiting.map((each) => kept.get(each.id) ?? this.#row(each, moderates)));
    // Who is alone by his name may be so no longer.
    for (const [at, { called }] of room.waiting.entries()) this.list.children[at].call?.(called);
    for (const button of this.list.querySelectorAll("button")) enable(button, usable);
  }

  #row({ id, name, place }, moderates) {
    const element = make(
      "li",
      { "data-id": id },
      make(
        "div",
        { class: "knock" },
        make("span", { class: "name", dir: "auto" }, name),
        make("span", { class: "state" }, numbered(place), ` ${words.waits}`),
      ),
    );
    if (moderates) {
      const admit = make("button", { class: "primary" }, words.admit);
      const away = make("button", {}, words.turnAway);
      element.call = (called) => {
        mark(admit, "aria-label", words.admitName(called));
        mark(away, "aria-label", words.turnAwayName(called));
      };
      admit.act = () => this.commands.admit(id);
      away.act = sure(away, () => this.commands.turnAway(id));
      element.append(admit, away);
    }
    return element;
  }
}
