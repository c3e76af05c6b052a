// All that the pages say, in English. A language is one file like this.

const list = (names) =>
  names.length < 3 ? names.join(" and ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;

const ordinal = (n) => ["", "first", "second", "third", "fourth", "fifth"][n] ?? `number ${n}`;

const many = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

const time = (seconds) =>
  [seconds >= 60 && many(Math.floor(seconds / 60), "minute"), seconds % 60 && many(seconds % 60, "second")]
    .filter(Boolean)
    .join(" ") || "no time";

export const words = {
  // buttons
  mute: "Mute",
  unmute: "Unmute",
  talk: "Talk",
  giveBack: "Give back the floor",
  raiseHand: "Raise hand",
  lowerHand: "Lower hand",
  lock: "Lock room",
  unlock: "Unlock room",
  undo: "Undo",
  close: "Close",
  send: "Send",
  toAll: "To everyone",
  keyboard: "Keyboard",

  // places
  you: "you",
  me: "You",
  tabs: "Parts of the page",
  participants: "Participants",
  people: "People",
  text: "Text",
  more: "More",
  room: "Room",
  news: "News",
  messages: "Messages",
  message: "Message",
  messageHint: "Write…",
  tooLong: (most, more) => `That is too long: ${most} characters can be sent at once, and these are ${more} more.`,
  nothingWritten: "Nothing has been written yet.",
  findName: "Find a name",

  // what can be done with one person
  moreAbout: (name) => `More about ${name}`,
  muteName: (name) => `Mute ${name}`,
  unmuteName: (name) => `Unmute ${name}`,
  giveFloor: "Give floor",
  giveFloorTo: (name) => `Give floor to ${name}`,
  takeFloor: "Take floor",
  takeFloorFrom: (name) => `Take floor from ${name}`,
  lowerHandOfName: (place, name) => `hand ${place}, lower it for ${name}`,
  talkPrivately: "Talk privately",
  talkPrivatelyWith: (name) => `Talk privately with ${name}`,
  coach: "Coach",
  coachName: (name) => `Coach ${name}`,
  move: "Move",
  moveName: (name) => `Move ${name}`,
  write: "Write",
  writeTo: (name) => `Write to ${name}`,
  promote: "Make moderator",
  promoteName: (name) => `Make moderator: ${name}`,
  demote: "No moderator",
  demoteName: (name) => `No moderator any more: ${name}`,
  remove: "Remove",
  removeName: (name) => `Remove ${name}`,
  removedName: (name) => `Removed ${name}.`,
  volumeForMe: "Volume for me",
  volumeOfForMe: (name) => `Volume of ${name} for me`,
  volumeForAll: "Volume for all",
  volumeOfForAll: (name) => `Volume of ${name} for all`,
  louder: (gain) => {
    if (!gain) return "as it is";
    const [much, how] = [Math.abs(gain) > 9 ? "much " : Math.abs(gain) < 4 ? "a little " : "", gain > 0 ? "louder" : "softer"];
    return much + how;
  },
  lineIs: ({ mos, loss }) => {
    if (loss >= 3) return `Bad line: loses ${loss} %.`;
    if (mos === null) return "";
    return mos >= 3.6 ? "The line is good." : mos >= 3 ? "The line is fair." : "The line is bad.";
  },

  // a row
  role: { moderator: "moderator", speaker: "", listener: "listens" },
  presence: { phone: "phone", dialled: "called by us" },
  speaking: "speaking",
  muted: "muted",
  onHold: "on hold",
  hasFloor: "has the floor",
  inPrivate: "in a private talk",
  recorded: "recorded",
  inSideRoom: (room) => `in ${room}`,
  hand: (place) => `hand ${place}`,
  place: (number) => `number ${number} on the telephone`,
  noName: "No name",
  badLine: ({ loss, silent, deaf }) =>
    [silent && "can't be heard", deaf && "hears nothing", !silent && loss > 0 && `bad line: loses ${loss} %`]
      .filter(Boolean)
      .join(", "),

  // the header
  count: (count) => (count === 1 ? "You are alone here" : `${count} people`),
  nobodySpeaks: "Nobody is speaking",
  speak: (names) => `${list(names)} ${names.length === 1 ? "is" : "are"} speaking`,
  youSpeak: "You are speaking",
  speakingNow: (names) => (names.length ? `Speaking now: ${list(names)}` : "Nobody is speaking now"),
  nobodyOfThatName: "Nobody here has that name.",
  locked: "locked",
  modeSign: { open: "", moderated: "moderated", lecture: "lecture" },

  // how I am
  heard: "The room hears you",
  youAreMuted: "You are muted",
  youAreMutedByModerator: "A moderator has muted you",
  youListen: "You are here to listen. Raise your hand to speak.",
  youAreOnHold: "Your phone has put the call on hold",
  lineLost: "Your call is lost: nothing comes from your phone",
  phoneDeaf: "Your phone hears nothing of the room",
  yourHand: (place) => `Your hand is up: you are ${ordinal(place)}`,
  mutedWithHand: (place) => `You are muted. Your hand is up: you are ${ordinal(place)}`,
  yourFloor: "You have the floor: the room hears you",
  talkUnmutes: {
    talk: "You have the floor, but you are muted: Talk unmutes you",
    take: "You are muted: Talk gives you the floor and unmutes you",
  },
  floorLost: "You do not have the floor any more",
  unheardWithoutFloor: {
    hand: "The room can't hear you. Raise your hand to speak.",
    take: "The room can't hear you. Press Talk to speak.",
  },
  noFloor: {
    moderated: "The room hears who has the floor",
    lecture: "This is a lecture: you listen",
  },
  timeLeft: (seconds) => `${time(seconds)} left`,
  youAreModerator: "You are a moderator now",
  youAreNoModerator: "You are no moderator any more",
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  keyInPin: "Key in the PIN on your phone, and then #. This page goes on by itself.",
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
    floor_given: (name) => `${name} has the floor`,
    floor_taken: (name) => `${name} does not have the floor any more`,
    role_changed: (name) => `${name} is a moderator now`,
    message_sent: (name) => `${name} has written`,
    knocked: (name) => `${name} is waiting`,
    moved: (name, room) => (room ? `${name} is in ${room} now` : `${name} is back in the main room`),
    call_changed: (name, how) => `${name}: ${how}`,
    locked: () => "The room is locked",
    unlocked: () => "The room is open",
    mode: (mode) =>
      ({ open: "Everybody may talk now", moderated: "The room is moderated now", lecture: "This is a lecture now" })[mode],
  },
  manyMoved: { joined: (count) => `${count} people joined`, left: (count) => `${count} people left` },

  // text
  unread: (count) => `${count} new`,
  onlyTo: (name) => `only to ${name}`,
  onlyYou: "only to you",
  notDelivered: ({ name, reason }) => `Not delivered to ${name}: ${reason}`,

  // the room's settings
  modeTitle: "Mode",
  mode: { open: "Open", moderated: "Moderated", lecture: "Lecture" },
  modeHint: {
    open: "Everybody may talk.",
    moderated: "Who has the floor is heard. Hands queue for it.",
    lecture: "Moderators are heard, and those to whom they give the floor.",
  },
  talkTimeTitle: "Time to talk",
  talkTime: (seconds) => (seconds ? time(seconds) : "No limit"),
  lockedHint: "Nobody else can join.",
  openHint: "Everybody who dials this room can join.",

  size: "Most people at once",
  noLimit: "no limit",
  waitingRoom: "Newcomers wait until a moderator admits them",
  waitForModerator: "Everybody waits until a moderator is here",
  quiet: "No sounds when people come and go",
  pin: "PIN",
  moderatorPin: "PIN of moderators",
  pinIsSet: "is set",
  noPin: "none",
  setPin: "Set",
  noPinAnyMore: "Take away",

  // talks that the room does not hear
  accept: "Accept",
  decline: "Decline",
  takeBack: "Take back",
  backToTheRoom: "Back to the room",
  hearRoom: "Hear the room softly",
  wantsToTalk: (names) => `${list(names)} ${names.length === 1 ? "wants" : "want"} to talk with you in private.`,
  waitingFor: (names) => `You have asked ${list(names)} to talk in private.`,
  youHaveAsked: (names) => `Waiting for ${list(names)}`,
  heardBy: (names) => `Only ${list(names)} ${names.length === 1 ? "hears" : "hear"} you`,
  talking: {
    private: (names) => `Private with ${list(names)}. The room can't hear you.`,
    coach: (names) => `Only ${list(names)} hears you. The room can't hear you.`,
    coached: (names) => `${list(names)} speaks to you alone. The room hears you as ever.`,
  },
  declined: (names) => `${list(names)} ${names.length === 1 ? "does" : "do"} not want to talk now.`,
  unanswered: (names) => `${list(names)} did not answer.`,
  backInTheRoom: "You are back in the room.",

  // side rooms
  moveTo: (name) => `Move ${name} to`,
  mainRoom: "Main room",
  newSideRoom: "New side room",
  sideRooms: ["Blue", "Green", "Red", "Yellow", "White"],
  gather: "Bring everybody back",
  toTheMainRoom: "To the main room",
  heardIn: (room) => `You are in ${room}, and are heard there`,
  youMoved: (room) => (room ? `You are in ${room} now` : "You are in the main room now"),
  cancel: "Cancel",

  // who waits
  waiting: "Waiting",
  waits: "waiting",
  admit: "Admit",
  admitName: (name) => `Admit ${name}`,
  admitAll: "Admit all",
  turnAway: "Turn away",
  turnAwayName: (name) => `Turn away ${name}`,
  youWait: "The moderator has been told that you are here.",
  youWaitForModerator: "No moderator is here yet. This page goes on by itself.",
  turnedAway: "A moderator did not let you in.",
  sure: "Sure?",

  // calling somebody
  dial: "Dial",
  dialTitle: "Call somebody",
  dialHint: "A name, a number or an address",
  call: { trying: "being called", ringing: "ringing" },
  callFailed: (reason, code) => (code ? `${reason} (${code})` : reason),
  cancelCallTo: (name) => `Cancel call to ${name}`,
  callAgain: "Call again",
  callNameAgain: (name) => `Call again: ${name}`,
  forget: "Forget",
  forgetCallTo: (name) => `Forget call to ${name}`,

  // recording
  recording: "Recording",
  recordings: "Recordings",
  record: "Record",
  pause: "Pause",
  goOn: "Go on",
  stopRecording: "Stop recording",
  recordingKindTitle: "Keep",
  recordingKind: { mix: "One file", members: "A file each" },
  recordingSign: { off: "", recording: "recording", paused: "recording paused" },
  recordingHint: {
    off: "Everybody hears a tone, and sees that the room is recorded.",
    recording: "The room is being recorded.",
    paused: "Nothing is recorded now.",
  },
  recordingNews: {
    off: "The recording has ended",
    recording: "The room is being recorded",
    paused: "The recording pauses",
  },
  recordingOf: (when) => `Recording of ${when}`,
  lasts: time,
  download: "Download",
  delete: "Delete",
  deleteRecording: (when) => `Delete the recording of ${when}`,

  // the front page
  frontTitle: "Join a room from your phone",
  frontDial: "Dial",
  frontDialHint: "Any name will do for ROOM. Who dials the same name meets in the same room.",
  frontPage: "Open the page of the call you are in",
  frontKeyIn: "Key this in on your phone during the call. The page opens here by itself.",
  frontSpoken: "Or key in *#, and type the six digits that the phone speaks",
  pairingCode: "Pairing code",
  anotherCode: "Show another code",
  codeIsOver: "The time of this code is over.",
  code: "Code",
  open: "Open",
  sixDigits: "A code has six digits.",
  operator: "Operator",
  token: "Token",
  tokenHint: "It was printed when the server started.",
  wrongToken: "This is not the token.",

  // pages that say one thing
  callEndedTitle: "Your call has ended",
  callEndedText: "This link no longer works. Each call brings a link of its own.",
  linkUnknownTitle: "This link is not known here",
  linkUnknownText: "Look at your phone again, or call again: each call brings a link of its own.",
  boxTitle: "Voice mail",
  boxNumber: "Box",
  boxPin: "PIN",
  boxOpen: "Open",
  boxWrong: "This is not right.",
  boxLocked: "There were too many wrong PINs. Try again in a quarter of an hour.",
  boxEmpty: "There are no messages.",
  boxNew: "new",
  boxSaved: "saved",
  boxUnknown: "Unknown caller",
  boxSave: "Save",
  boxDelete: "Delete",
  boxDownload: "Download",
  boxClose: "Close the box",
  nothingHereTitle: "There is nothing here",
  nothingHereText: "Look at the address again.",
  notSoTitle: "This does not work",
  notSoText: "This address is not made for what was asked of it.",
  failureTitle: "The server has failed",
  failureText: "This should not happen. It has been logged.",
  frontPageLink: "Front page",
  needsScript: "This page needs JavaScript.",

  // help
  onYourPhone: "On your phone",
  codes: {
    mute: "mute and unmute",
    hand: "raise and lower your hand",
    talk: "talk",
    private: "talk privately: N is the number below a name",
    help: "hear what else there is",
  },
  shortcuts: [
    ["m", "mute and unmute"],
    ["h", "raise and lower your hand"],
    ["t", "talk, when you have the floor"],
    ["/", "write"],
    ["↑ ↓", "from person to person"],
    ["?", "this list"],
  ],

  // why something is refused: the server says it in English, by its code it is said in other languages
  notAllowed: "That is not allowed.",
  refusals: {},
  reasons: {},

  // texts to telephones, and mail
  yourPage: "Your page for this conference: {page}",
  onlyToYou: "only to you",
  mailSubject: "Voice message from {caller} ({length})",
  mailNobody: "an unknown caller",
  mailText: "{caller} has left a message for {owner} on {date}. It is {length} long and is attached.",
  mailDate: "%Y-%m-%d at %H:%M",
  mailInBox: "It is also in your box.",
  mailPage: "It is also in your box: {page}",
};
