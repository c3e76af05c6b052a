// The page of one call: it joins what happens in the conference, what is shown of it, and what is pressed.

import { enable, find, isEnabled, setAttribute, setText, show } from "../dom.js";
import { ask, Follower, Refused } from "../session.js";
import { words } from "../words/en.js";
import { Crowd } from "./crowd.js";
import { followKeys } from "./keys.js";
import { Me } from "./me.js";
import { Rows } from "./rows.js";
import { State, wishes } from "./state.js";

const UNDO = 2_800; // ms; the server keeps the call of one who was removed a little longer
const api = `${location.pathname.replace(/\/$/, "")}/api/v1`;

const state = new State();
let conference = null; // path of the conference in the API
let connected = null; // not known yet
let over = false;
const lines = {}; // what the lines are like, by participant

const rows = new Rows(find("#participants"), {
  mute: (id) => wish(wishes.block(id), "PATCH", `/participants/${id}`, { muted: true }),
  unmute: (id) => wish(wishes.allow(id), "PATCH", `/participants/${id}`, { muted: false }),
  lowerHand: (id) => wish(wishes.lowerHand(id), "PATCH", `/participants/${id}`, { hand: false }),
  remove,
});
const crowd = new Crowd(find("#crowd"), render);
const me = new Me(find("#me"), { toggleMute, toggleHand });
const lock = find("#lock");
lock.addEventListener("click", toggleLock);
followKeys({ m: () => me.mute.click(), h: () => me.hand.click() });

// commands

async function wish(change, method, path, body) {
  if (!connected || over) return false;
  const made = state.wish(change);
  render();
  try {
    const { sequence } = await ask(method, conference + path, body);
    state.granted(made, sequence);
    render();
    return true;
  } catch (error) {
    state.refused(made);
    render();
    if (error instanceof Refused && error.status === 410) end(words.ended);
    else me.notify(error instanceof Refused ? error.message : words.notThrough);
    return false;
  }
}

function toggleMute() {
  if (!mine()) return;
  const { muted } = mine();
  wish(wishes[muted ? "unmute" : "mute"](state.room.me), "PATCH", "/participants/me", { muted: !muted });
}

function toggleHand() {
  if (!mine()) return;
  const raised = state.room.hands.includes(state.room.me);
  const change = wishes[raised ? "lowerHand" : "raiseHand"](state.room.me);
  wish(change, "PATCH", "/participants/me", { hand: !raised });
}

function toggleLock() {
  if (!isEnabled(lock)) return;
  const { locked } = state.room.settings;
  wish(locked ? wishes.unlock() : wishes.lock(), "PATCH", "", { locked: !locked });
}

async function remove(id) {
  const { name } = state.room.participants.get(id);
  const removed = wish(wishes.remove(id), "DELETE", `/participants/${id}`);
  me.notify(words.removedName(name), {
    for: UNDO,
    undo: async () => {
      me.forget();
      me.mute.focus();
      if (await removed) wish(() => {}, "POST", `/participants/${id}/readmit`);
    },
  });
}

// what is shown

const mine = () => state.room?.participants.get(state.room.me);

function render() {
  if (!state.known || over) return;
  const room = state.room;
  const here = mine() !== undefined;
  for (const part of ["#room", "#doing"]) show(find(part), here);
  if (!here) return me.away(words.removed);
  crowd.render(room);
  rows.render(room, connected === true, crowd.shows);
  for (const id in lines) if (!room.participants.has(Number(id))) delete lines[id];
  rows.lines(lines);
  me.render(room, connected === true);
  setText(find("#room-name"), room.name);
  document.title = room.name;
  setText(find("#count"), words.people(room.participants.size));
  setText(find("#now"), whoSpeaks(room));
  setAttribute(find("#now"), "data-speaking", [...room.participants.values()].some((each) => each.speaking));
  show(find("#locked"), room.settings.locked);
  show(find("#settings"), mine().role === "moderator");
  setText(lock, room.settings.locked ? words.unlock : words.lock);
  setText(find("#lock-hint"), room.settings.locked ? words.lockedHint : words.openHint);
  enable(lock, connected === true);
}

function showLevels(levels) {
  rows.level(levels);
  if (state.known) me.level(levels[state.room.me]);
}

function showLines(changed) {
  Object.assign(lines, changed);
  rows.lines(changed);
}

function whoSpeaks(room) {
  const speakers = [...room.participants.values()].filter((each) => each.speaking);
  if (!speakers.length) return words.nobodySpeaks;
  if (speakers.length === 1 && speakers[0].id === room.me) return words.youSpeak;
  return words.speak(speakers.map((each) => each.name));
}

function tell(text) {
  const line = document.createElement("p");
  line.textContent = text;
  find("#news").append(line);
  setTimeout(() => line.remove(), 5_000);
}

function announce({ type, participant, settings }) {
  const own = participant?.id === state.room?.me;
  if (settings && settings.locked !== state.room.settings.locked)
    tell(words.happened[settings.locked ? "locked" : "unlocked"]());
  else if (type === "role_changed" && own) tell(words.youAreModerator);
  else if (!own && words.happened[type]) tell(words.happened[type](participant?.name));
}

function end(text) {
  if (over) return;
  over = true;
  follower?.stop();
  setAttribute(document.body, "data-ended", true);
  show(find("#reconnecting"), false);
  rows.clear();
  for (const part of ["#room", "#doing"]) show(find(part), false);
  me.end(text);
}

// the line

let follower = null;

function follow() {
  follower = new Follower(`${conference}/events`, {
    connected(now) {
      if (connected === now) return;
      connected = now;
      show(find("#reconnecting"), !now);
      if (!now) showLevels({});
      render();
    },
    refused: () => end(words.ended),
    snapshot(view) {
      state.onSnapshot(view);
      render();
    },
    message(event) {
      if (!state.known) return;
      announce(event);
      state.onEvent(event);
      render();
    },
    levels: showLevels,
    quality: showLines,
    ended({ reason }) {
      end(reason === "removed" ? `${words.removed} ${words.ended}` : words.ended);
    },
  });
}

async function begin() {
  try {
    const who = await ask("GET", `${api}/me`);
    conference = `${api}/conferences/${encodeURIComponent(who.conference)}`;
    follow();
  } catch (error) {
    if (error instanceof Refused && error.status < 500) return end(words.ended);
    show(find("#reconnecting"), true);
    setTimeout(begin, 1_000);
  }
}

begin();
