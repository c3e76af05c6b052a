// The page of one call: it joins what happens in the conference, what is shown of it, and what is pressed.

import { find, setAttribute, show } from "../dom.js";
import { ask, Follower, Refused } from "../session.js";
import { translate, words } from "../words.js";
import { Commands } from "./commands.js";
import { Crowd } from "./crowd.js";
import { Header } from "./header.js";
import { followKeys, showCodes } from "./keys.js";
import { Me } from "./me.js";
import { News } from "./news.js";
import { Rows } from "./rows.js";
import { Settings } from "./settings.js";
import { State } from "./state.js";
import { Tabs } from "./tabs.js";
import { Texts } from "./text.js";

translate();
for (const template of document.querySelectorAll("template")) translate(template.content);

const UNDO = 2_800; // ms; the server keeps the call of one who was removed a little longer
const SETTLED = 150; // ms without a move, after which a slider has been set
const api = `${location.pathname.replace(/\/$/, "")}/api/v1`;

let connected = null; // not known yet
let over = false;
let follower = null;
let due = false;

const state = new State();
const news = new News();
const commands = new Commands(state, "", {
  usable: () => connected === true && !over,
  changed: later,
  failed: (sentence) => me.notify(sentence),
  ended: () => end(words.ended),
});
const me = new Me(find("#me"), commands);
const header = new Header(find("#room"));
const crowd = new Crowd(find("#crowd"), later);
const tabs = new Tabs(find("#tabs"), later);
const texts = new Texts(find("#text"), {
  say: (text, to) => commands.say(text, to),
  nameOf: (id) => state.nameOf(id),
  seen: () => tabs.sees("text") && !document.hidden,
});
const settings = new Settings(find("#settings"), commands);
const rows = new Rows(
  find("#participants"),
  {
    mute: (id) => commands.mute(id, !participant(id).muted_by_moderator),
    floor: (id) => commands.floor(id, !state.room.floor.includes(id)),
    lower: (id) => commands.hand(id, false),
    write: (id) => write(id),
    promote: (id) => commands.role(id, "moderator"),
    demote: (id) => commands.role(id, "speaker"),
    volume: settled((id, gain) => commands.volume(id, gain)),
    gain: settled((id, gain) => commands.gain(id, gain)),
    remove,
  },
  later,
);
followKeys({ m: () => me.press("mute"), h: () => me.press("hand"), t: () => me.press("talk"), "/": () => write(null) });

// commands

const participant = (id) => state.room.participants.get(id);

/** Does at the end of a movement what would be too much to ask for at each step of it. */
function settled(act) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), SETTLED);
  };
}

function write(id) {
  if (!state.room?.has.messages) return;
  tabs.choose("text");
  texts.writeTo(id);
  texts.field.focus();
}

async function remove(id) {
  const { name } = participant(id);
  const removed = commands.remove(id);
  me.notify(words.removedName(name), {
    for: UNDO,
    undo: async () => {
      me.forget();
      me.focus();
      if (await removed) commands.readmit(id);
    },
  });
}

// what is shown

/** Shows soon what has changed: at the next frame, or in a moment where there are none. */
function later() {
  if (due) return;
  due = true;
  const run = () => {
    if (!due) return;
    due = false;
    clearTimeout(timer);
    render();
  };
  const timer = setTimeout(run, 100);
  requestAnimationFrame(run);
}

function render() {
  if (!state.known || over) return;
  const room = state.room;
  const usable = connected === true;
  const here = room.participants.has(room.me);
  show(find("#rest"), here);
  if (!here) return me.away(words.removed);
  const speakers = [...room.participants.values()].filter((each) => each.speaking);
  document.title = room.name;
  header.render(room, speakers);
  crowd.render(room, speakers);
  me.render(room, usable);
  texts.render(room, usable);
  settings.render(room, usable);
  tabs.render();
  rows.render(room, usable, crowd.shows);
}

function showLevels(levels) {
  rows.level(levels);
  if (state.known) me.level(levels[state.room.me]);
}

function announce({ type, participant, settings, message }) {
  const room = state.room;
  const own = participant?.id === room.me;
  if (settings && settings.locked !== room.settings.locked)
    news.tell(words.happened[settings.locked ? "locked" : "unlocked"]());
  if (settings && settings.mode !== room.settings.mode) news.tell(words.happened.mode(settings.mode));
  if (type === "role_changed") {
    const moderates = participant.role === "moderator";
    if (own) news.tell(moderates ? words.youAreModerator : words.youAreNoModerator);
    else if (moderates) news.tell(words.happened.role_changed(participant.name));
  } else if (type === "floor_taken" && own) news.tell(words.floorLost);
  else if (type === "joined" || type === "left") news.move(type, participant.name);
  else if (message && !tabs.sees("text") && message.sender !== room.me && type === "message_sent")
    news.tell(words.happened.message_sent(message.name));
  else if (!own && words.happened[type]) news.tell(words.happened[type](participant?.name));
}

function end(text) {
  if (over) return;
  over = true;
  follower?.stop();
  setAttribute(document.body, "data-ended", true);
  show(find("#reconnecting"), false);
  rows.clear();
  show(find("#rest"), false);
  me.end(text);
}

// the line

function follow() {
  follower = new Follower(`${commands.path}/events`, {
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
      later();
    },
    message(event) {
      if (!state.known) return;
      announce(event);
      state.onEvent(event);
      later();
    },
    levels: showLevels,
    quality: (figures) => rows.lines(figures),
    ended({ reason }) {
      end(reason === "removed" ? `${words.removed} ${words.ended}` : words.ended);
    },
  });
}

async function begin() {
  try {
    const who = await ask("GET", `${api}/me`);
    showCodes(who.keys);
    commands.path = `${api}/conferences/${encodeURIComponent(who.conference)}`;
    follow();
  } catch (error) {
    if (error instanceof Refused && error.status < 500) return end(words.ended);
    show(find("#reconnecting"), true);
    setTimeout(begin, 1_000);
  }
}

begin();
