// The page of one call: it joins what happens in the conference, what is shown of it, and what is pressed.

import { enable, find, isEnabled, listen, show } from "../dom.js";
import { ask, Follower, isOver, Refused } from "../session.js";
import { reason, refusal, words } from "../words.js";
import { Asks } from "./asks.js";
import { Calls } from "./calls.js";
import { Commands } from "./commands.js";
import { Crowd } from "./crowd.js";
import { keepFocus } from "./focus.js";
import { Header } from "./header.js";
import { followKeys, showCodes } from "./keys.js";
import { Me } from "./me.js";
import { comes } from "./moment.js";
import { Move } from "./move.js";
import { News } from "./news.js";
import { Recording } from "./recording.js";
import { Rows } from "./rows.js";
import { Settings } from "./settings.js";
import { readable, State } from "./state.js";
import { Tabs } from "./tabs.js";
import { Texts } from "./text.js";

const SETTLED = 150; // ms without a move, after which a slider has been set
const CHANGE_OF_MIND = 6; // s
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
  failed,
  slow: () => follower.reopen(),
  ended: () => end(words.ended),
});
const nameOf = (id) => state.nameOf(id);
const me = new Me(find("#me"), commands, nameOf);
const asks = new Asks(commands, nameOf);
const header = new Header(find("#rest"));
const crowd = new Crowd(find("#crowd"), later);
const tabs = new Tabs(find("#tabs"), later);
const texts = new Texts(find("#text"), {
  say: (text, to) => commands.say(text, to),
  notify: (text) => me.notify(text),
  nameOf,
  seen: () => tabs.sees("text") && !document.hidden,
});
const settings = new Settings(find("#settings"), commands);
const calls = new Calls(find("#call"), find("#participants"), commands, () => tabs.choose("room"));
const gather = find("#gather");
listen(gather, "click", () => {
  const away = [...state.room.participants.values()].filter((each) => each.side_room);
  if (isEnabled(gather)) offerBack(away, commands.gather(), words.gathered);
});
const recording = new Recording(commands, failed);
const move = new Move((id, room) => {
  const one = participant(id);
  const moved = commands.move(id, room);
  // For myself there is a button in any case; and he may have gone while I chose.
  if (one && id !== state.room.me) offerBack([one], moved, words.happened.moved(one.called, room));
});
const rows = new Rows(
  find("#participants"),
  {
    mute: (id) => commands.mute(id, !participant(id).muted_by_moderator),
    floor: (id) => commands.floor(id, !state.room.floor.includes(id)),
    lower: (id) => commands.hand(id, false),
    private: (id) => commands.askToTalk(id),
    coach: (id) => commands.coach(id),
    write: (id) => write(id),
    move: (id) => move.ask(participant(id), state.room),
    promote: (id) => commands.role(id, "moderator"),
    demote: (id) => commands.role(id, "speaker"),
    volume: settled((id, gain) => commands.volume(id, gain)),
    gain: settled((id, gain) => commands.gain(id, gain)),
    remove,
  },
  later,
);
keepFocus();
followKeys({ m: () => me.press("mute"), h: () => me.press("hand"), t: () => me.press("talk"), "/": () => write(null) });

// commands

function failed(error) {
  me.notify(error instanceof Refused ? refusal(error) : words.notThrough);
  if (error instanceof TypeError) follower.reopen();
}

const participant = (id) => state.room.participants.get(id);

/** Does at the end of a movement what would be too much to ask for at each step of it. */
function settled(act) {
  const timers = {};
  return (id, value) => {
    clearTimeout(timers[id]);
    timers[id] = setTimeout(() => act(id, value), SETTLED);
  };
}

function write(id) {
  if (!state.room?.has.messages) return;
  tabs.choose("text");
  // What is written already is for whom it was.
  if (id !== null || !texts.field.value) texts.writeTo(id);
  texts.field.focus();
}

async function remove(id) {
  const { called } = participant(id);
  const begin = Date.now();
  if (!(await commands.remove(id))) return;
  // When his call is over he is called, by who may have somebody called.
  const later = () => (calls.offered ? words.callNameAgain(called) : null);
  const left = state.room.settings.undo_time - (Date.now() - begin) / 1_000;
  me.offer(words.removedName(called), left, () => commands.readmit(id), later);
}

/** When these people have been moved, as `moved` resolves to, they can be moved back to where they were. */
async function offerBack(people, moved, text) {
  const back = () => people.forEach(({ id, side_room }) => commands.move(id, side_room));
  if (await moved) me.offer(text, CHANGE_OF_MIND, back);
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
  const mine = room.participants.get(room.me);
  const waiting = room.waiting.find((each) => each.id === room.me);
  show(find("#rest"), mine !== undefined);
  document.title = room.name;
  if (!mine) {
    asks.clear();
    const told = room.moderator_here ? words.youWait : words.youWaitForModerator;
    return me.alone(waiting ? told : words.removed, waiting?.name);
  }
  const speakers = [...room.participants.values()].filter((each) => each.speaking && near(each, mine));
  header.render(room, speakers);
  crowd.render(room, speakers);
  me.render(room, usable);
  asks.render(room, usable);
  texts.render(room, usable);
  settings.render(room, usable);
  calls.render(room, usable);
  recording.render(room, usable);
  move.render(usable);
  show(gather, mine.role === "moderator" && [...room.participants.values()].some((each) => each.side_room));
  enable(gather, usable);
  tabs.render();
  rows.render(room, usable, crowd.shows);
}

/** Those who are in the same room as I. */
const near = (each, mine) => (each.side_room ?? null) === (mine.side_room ?? null);

function showLevels(levels) {
  rows.level(levels);
  if (state.known) me.level(levels[state.room.me]);
}

function announce(event) {
  const { type, participant, settings, message, call } = event;
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
  else if (type === "joined" || type === "admitted") news.move("joined", participant.name);
  else if (type === "left") news.move(type, participant.name);
  else if (type === "knocked") news.tell(words.happened.knocked(event.waiting.at(-1).name));
  else if (type === "moved")
    news.tell(own ? words.youMoved(participant.side_room) : words.happened.moved(participant.name, participant.side_room));
  else if (type === "recording_changed") {
    news.tell(words.recordingNews[event.recording.state]);
    if (event.error) me.notify(reason(event.error));
  } else if (type === "call_changed") news.tell(words.happened.call_changed(call.name, words.call[call.state] ?? reason(call.reason)));
  else if (type === "talk_changed") announceTalk(event.talk);
  else if (message && !tabs.sees("text") && message.sender !== room.me && type === "message_sent")
    news.tell(words.happened.message_sent(message.name));
  else if (!own && words.happened[type]) news.tell(words.happened[type](participant?.name));
}

/** What became of a talk that was asked for. */
function announceTalk(talk) {
  const before = state.room.talk;
  const told = (key) => talk[key].filter((id) => id !== state.room.me && !before?.[key]?.includes(id));
  const [declined, silent] = [told("declined"), told("unanswered")];
  if (talk.by === state.room.me && declined.length) me.notify(words.declined(declined.map(nameOf)));
  else if (talk.by === state.room.me && silent.length) me.notify(words.unanswered(silent.map(nameOf)));
  else if (talk.state === "ended" && before && comes(state.room)) me.notify(words.backInTheRoom);
}

function end(text) {
  if (over) return;
  over = true;
  follower?.stop();
  show(find("#reconnecting"), false);
  rows.clear();
  asks.clear();
  show(find("#rest"), false);
  me.alone(text);
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
      state.onSnapshot(readable(view));
      later();
    },
    message(event) {
      if (!state.known) return;
      announce(readable(event));
      state.onEvent(event);
      if (event.type === "recordings_changed" || event.type === "recording_changed") recording.renew();
      later();
    },
    levels: showLevels,
    quality: (figures) => rows.lines(figures),
    ended({ reason }) {
      const why = { removed: words.removed, turned_away: words.turnedAway }[reason];
      end(why ? `${why} ${words.ended}` : words.ended);
    },
  });
}

function waitForPin() {
  show(find("#rest"), false);
  me.alone(words.keyInPin, "");
}

async function begin() {
  try {
    const who = await ask("GET", `${api}/me`);
    showCodes(who.keys);
    commands.path = `${api}/conferences/${encodeURIComponent(who.conference)}`;
    follow();
  } catch (error) {
    const early = error instanceof Refused && error.status === 409;
    if (error instanceof Refused && isOver(error.status)) return end(words.ended);
    if (early) waitForPin();
    show(find("#reconnecting"), !early);
    setTimeout(begin, 1_000);
  }
}

begin();
