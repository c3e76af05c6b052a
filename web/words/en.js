// All that the pages say, in English. A language is one file like this.

const list = (names) =>
  names.length < 3 ? names.join(" and ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;

const ordinal = (n) => ["", "first", "second", "third", "fourth", "fifth"][n] ?? `number ${n}`;

export const words = {
  // buttons
  mute: "Mute",
  unmute: "Unmute",
  raiseHand: "Raise hand",
  lowerHand: "Lower hand",
  lock: "Lock room",
  unlock: "Unlock room",
  undo: "Undo",
  remove: "Remove",
  muteName: (name) => `Mute ${name}`,
  unmuteName: (name) => `Unmute ${name}`,
  removeName: (name) => `Remove ${name}`,
  lowerHandOfName: (place, name) => `hand ${place}, lower it for ${name}`,

  // a row
  you: "you",
  role: { moderator: "moderator", speaker: "", listener: "listens" },
  presence: { phone: "phone", dialled: "called by us" },
  speaking: "speaking",
  muted: "muted",
  onHold: "on hold",
  hand: (place) => `hand ${place}`,
  badLine: ({ loss, silent, deaf }) =>
    [silent && "can't be heard", deaf && "hears nothing", !silent && loss > 0 && `bad line: loss ${loss} %`]
      .filter(Boolean)
      .join(", "),
  figures: ({ mos, loss, jitter }) => `MOS ${mos.toFixed(1)}, loss ${loss} %, jitter ${jitter} ms`,

  // the header
  people: (count) => (count === 1 ? "You are alone here" : `${count} people`),
  nobodySpeaks: "Nobody is speaking",
  speak: (names) => `${list(names)} ${names.length === 1 ? "is" : "are"} speaking`,
  youSpeak: "You are speaking",
  speakingNow: (names) => (names.length ? `Speaking now: ${names.join(", ")}` : "Nobody is speaking now"),
  nobodyOfThatName: "Nobody here has that name.",
  locked: "locked",
  open: "open",

  // how I am
  heard: "The room hears you",
  youAreMuted: "You are muted",
  youAreMutedByModerator: "A moderator has muted you",
  youListen: "You are here to listen. Raise your hand to speak.",
  youAreOnHold: "Your phone has put the call on hold",
  yourHand: (place) => `Your hand is up: you are ${ordinal(place)}`,
  mutedWithHand: (place) => `You are muted. Your hand is up: you are ${ordinal(place)}`,
  youAreModerator: "You are the moderator now",
  reconnecting: "Reconnecting…",
  ended: "Your call has ended. This link no longer works.",
  removed: "A moderator has removed you from the room.",
  notThrough: "That did not get through. Try again.",

  // what happened
  happened: {
    joined: (name) => `${name} joined`,
    left: (name) => `${name} left`,
    removed: (name) => `${name} was removed`,
    hand_raised: (name) => `${name} raised a hand`,
    hand_lowered: (name) => `${name} lowered a hand`,
    role_changed: (name) => `${name} is the moderator now`,
    locked: () => "The room is locked",
    unlocked: () => "The room is open",
  },
  removedName: (name) => `Removed ${name}.`,
  lockedHint: "Nobody else can join.",
  openHint: "Everybody who dials this room can join.",
};
