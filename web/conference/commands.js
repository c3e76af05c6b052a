// What can be asked of the server: how the room looks with it at once, and how it is asked for.

import { mark } from "../dom.js";
import { ask, Refused } from "../session.js";
import * as wishes from "./wishes.js";

const SLOW = 3_000; // ms without an answer, after which there may be no line any more

export class Commands {
  /**
   * `path`: of the conference in the API. `on` has `changed()`, `failed(error)`, `ended()`, and `slow()` for when
   * there is no answer yet; `usable()` tells whether there is a line.
   */
  constructor(state, path, on) {
    Object.assign(this, { state, path, on });
  }

  /** Resolves to the answer, or to null if it was refused, which has been said then. */
  async do(change, method, path, body) {
    if (!this.on.usable()) return null;
    const pressed = window.event?.target.closest?.("button, select");
    const busy = (is) => pressed && mark(pressed, "aria-busy", is && "true");
    const slow = setTimeout(this.on.slow, SLOW);
    const wish = this.state.wish(change);
    busy(true);
    this.on.changed();
    try {
      const answer = await ask(method, this.path + path, body);
      this.state.granted(wish, answer?.sequence ?? 0);
      return answer ?? {};
    } catch (error) {
      this.state.refused(wish);
      if (error instanceof Refused && error.status === 410) this.on.ended();
      else this.on.failed(error);
      return null;
    } finally {
      clearTimeout(slow);
      busy(false);
      this.on.changed();
    }
  }

  #change(change, id, body) {
    return this.do(change, "PATCH", `/participants/${id === this.#me ? "me" : id}`, body);
  }

  get #me() {
    return this.state.room.me;
  }

  mute(id, muted) {
    const own = id === this.#me;
    const change = own ? [wishes.unmute, wishes.mute] : [wishes.allow, wishes.block];
    return this.#change(change[Number(muted)](id), id, { muted });
  }

  hand(id, hand) {
    return this.#change((hand ? wishes.raiseHand : wishes.lowerHand)(id), id, { hand });
  }

  floor(id, floor) {
    return this.#change((floor ? wishes.giveFloor : wishes.takeFloor)(id), id, { floor });
  }

  talk() {
    return this.do(wishes.talk(this.#me), "POST", "/talk");
  }

  role(id, role) {
    return this.#change(wishes.setRole(id, role), id, { role });
  }

  gain(id, gain) {
    return this.#change(wishes.setGain(id, gain), id, { gain });
  }

  volume(id, volume) {
    return this.#change(wishes.setVolume(id, volume), id, { volume });
  }

  remove(id) {
    return this.do(wishes.remove(id), "DELETE", `/participants/${id}`);
  }

  readmit(id) {
    return this.do(() => {}, "POST", `/participants/${id}/readmit`);
  }

  set(values) {
    const change = values.mode ? wishes.setMode(values.mode) : wishes.set(values);
    return this.do(change, "PATCH", "", values);
  }

  say(text, to) {
    const known = this.state.room.messages.map(({ id }) => id);
    return this.do(wishes.say(text, to, known), "POST", "/messages", to ? { text, to } : { text });
  }

  move(id, room) {
    return this.#change(wishes.move(id, room), id, { side_room: room });
  }

  gather() {
    return this.do(wishes.gather(), "POST", "/gather");
  }

  askToTalk(id) {
    return this.do(wishes.askToTalk([id]), "POST", "/talks", { with: [id] });
  }

  coach(id) {
    return this.do(wishes.coach(id), "POST", "/talks", { with: [id], kind: "coach" });
  }

  acceptTalk() {
    return this.do(wishes.acceptTalk(), "POST", `/talks/${this.#talk}/accept`);
  }

  leaveTalk() {
    return this.do(wishes.endTalk(), "DELETE", `/talks/${this.#talk}`);
  }

  hearRoom(room) {
    return this.do(wishes.hearRoom(room), "PATCH", `/talks/${this.#talk}`, { room });
  }

  get #talk() {
    return this.state.room.talk?.id;
  }

  admit(id) {
    return this.do(wishes.admit(id), "POST", `/participants/${id}/admit`);
  }

  admitAll() {
    return this.do(wishes.admitAll(), "POST", "/admit");
  }

  turnAway(id) {
    return this.do(wishes.admit(id), "DELETE", `/participants/${id}`);
  }

  dial(target) {
    const known = this.state.room.calls.map(({ id }) => id);
    return this.do(wishes.dial(target, known), "POST", "/calls", { target });
  }

  cancelCall(id) {
    return this.do(wishes.cancelCall(id), "DELETE", `/calls/${id}`);
  }

  redial(id) {
    return this.do(wishes.redial(id), "POST", `/calls/${id}/redial`);
  }

  record(state, kind) {
    return this.do(wishes.record(state), "PATCH", "/recording", kind ? { state, kind } : { state });
  }
}
