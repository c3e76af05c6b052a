// Alles, was die Seiten sagen, auf Deutsch.

const list = (names) =>
  names.length < 3 ? names.join(" und ") : `${names.slice(0, 2).join(", ")} und ${names.length - 2} weitere`;

const many = (count, one, more) => `${count} ${count === 1 ? one : more}`;

const time = (seconds) =>
  [
    seconds >= 60 && many(Math.floor(seconds / 60), "Minute", "Minuten"),
    seconds % 60 && many(seconds % 60, "Sekunde", "Sekunden"),
  ]
    .filter(Boolean)
    .join(" ") || "keine Zeit";

export const words = {
  // Knöpfe
  mute: "Stumm schalten",
  unmute: "Ton an",
  talk: "Sprechen",
  giveBack: "Wort zurückgeben",
  raiseHand: "Hand heben",
  lowerHand: "Hand senken",
  lock: "Raum schließen",
  unlock: "Raum öffnen",
  undo: "Rückgängig",
  close: "Schließen",
  send: "Senden",
  toAll: "An alle",
  keyboard: "Tastatur",

  // Orte
  you: "Sie",
  me: "Sie",
  tabs: "Teile der Seite",
  participants: "Teilnehmer",
  people: "Leute",
  text: "Text",
  more: "Mehr",
  room: "Raum",
  news: "Neues",
  messages: "Nachrichten",
  message: "Nachricht",
  messageHint: "Schreiben …",
  nothingWritten: "Noch hat niemand etwas geschrieben.",
  findName: "Name suchen",

  // was man mit jemandem tun kann
  moreAbout: (name) => `Mehr zu ${name}`,
  muteName: (name) => `${name} stumm schalten`,
  unmuteName: (name) => `Ton an für ${name}`,
  giveFloor: "Wort geben",
  giveFloorTo: (name) => `Wort geben: ${name}`,
  takeFloor: "Wort nehmen",
  takeFloorFrom: (name) => `Wort nehmen: ${name}`,
  lowerHandOfName: (place, name) => `Hand ${place}, für ${name} senken`,
  write: "Schreiben",
  writeTo: (name) => `Schreiben an ${name}`,
  promote: "Zur Leitung",
  promoteName: (name) => `Zur Leitung machen: ${name}`,
  demote: "Nicht mehr Leitung",
  demoteName: (name) => `Nicht mehr Leitung: ${name}`,
  remove: "Entfernen",
  removeName: (name) => `Entfernen: ${name}`,
  removedName: (name) => `${name} ist entfernt.`,
  volumeForMe: "Für mich",
  volumeOfForMe: (name) => `Lautstärke von ${name} für mich`,
  volumeForAll: "Für alle",
  volumeOfForAll: (name) => `Lautstärke von ${name} für alle`,
  louder: (gain) => {
    if (!gain) return "wie es ist";
    const [much, how] = [Math.abs(gain) > 9 ? "viel " : Math.abs(gain) < 4 ? "etwas " : "", gain > 0 ? "lauter" : "leiser"];
    return much + how;
  },
  lineIs: ({ mos, loss }) => {
    if (loss >= 3) return `Schlechte Leitung: ${loss} % gehen verloren.`;
    if (mos === null) return "";
    return mos >= 3.6 ? "Die Leitung ist gut." : mos >= 3 ? "Die Leitung ist mäßig." : "Die Leitung ist schlecht.";
  },

  // eine Zeile
  role: { moderator: "leitet", speaker: "", listener: "hört zu" },
  presence: { phone: "Telefon", dialled: "von uns angerufen" },
  speaking: "spricht",
  muted: "stumm",
  onHold: "hält die Leitung",
  hasFloor: "hat das Wort",
  hand: (place) => `Hand ${place}`,
  badLine: ({ loss, silent, deaf }) =>
    [
      silent && "nicht zu hören",
      deaf && "hört nichts",
      !silent && loss > 0 && `schlechte Leitung: ${loss} % gehen verloren`,
    ]
      .filter(Boolean)
      .join(", "),

  // oben
  count: (count) => (count === 1 ? "Sie sind allein hier" : `${count} Leute`),
  nobodySpeaks: "Niemand spricht",
  speak: (names) => `${list(names)} ${names.length === 1 ? "spricht" : "sprechen"}`,
  youSpeak: "Sie sprechen",
  speakingNow: (names) => (names.length ? `Jetzt sprechen: ${names.join(", ")}` : "Jetzt spricht niemand"),
  nobodyOfThatName: "So heißt hier niemand.",
  locked: "geschlossen",
  modeSign: { open: "", moderated: "geleitet", lecture: "Vortrag" },

  // wie es mir geht
  heard: "Der Raum hört Sie",
  youAreMuted: "Sie sind stumm",
  youAreMutedByModerator: "Die Leitung hat Sie stumm geschaltet",
  youListen: "Sie hören zu. Heben Sie die Hand, um zu sprechen.",
  youAreOnHold: "Ihr Telefon hält die Leitung",
  yourHand: (place) => `Ihre Hand ist oben: Platz ${place}`,
  mutedWithHand: (place) => `Sie sind stumm. Ihre Hand ist oben: Platz ${place}`,
  yourFloor: "Sie haben das Wort: Der Raum hört Sie",
  mutedWithFloor: "Sie haben das Wort, sind aber stumm",
  floorLost: "Sie haben das Wort nicht mehr",
  unheardWithoutFloor: "Der Raum hört Sie nicht. Heben Sie die Hand, um zu sprechen.",
  noFloor: {
    moderated: "Der Raum hört, wer das Wort hat",
    lecture: "Das ist ein Vortrag: Sie hören zu",
  },
  timeLeft: (seconds) => `Noch ${time(seconds)}`,
  youAreModerator: "Sie leiten jetzt den Raum",
  youAreNoModerator: "Sie leiten den Raum nicht mehr",
  reconnecting: "Verbindung wird gesucht …",
  ended: "Ihr Anruf ist zu Ende. Dieser Link gilt nicht mehr.",
  removed: "Die Leitung hat Sie aus dem Raum genommen.",
  notThrough: "Das kam nicht an. Versuchen Sie es noch einmal.",

  // was geschehen ist
  happened: {
    joined: (name) => `${name} ist gekommen`,
    left: (name) => `${name} ist gegangen`,
    removed: (name) => `${name} wurde entfernt`,
    hand_raised: (name) => `${name} hat die Hand gehoben`,
    hand_lowered: (name) => `${name} hat die Hand gesenkt`,
    floor_given: (name) => `${name} hat das Wort`,
    floor_taken: (name) => `${name} hat das Wort nicht mehr`,
    role_changed: (name) => `${name} leitet jetzt den Raum`,
    message_sent: (name) => `${name} hat geschrieben`,
    locked: () => "Der Raum ist geschlossen",
    unlocked: () => "Der Raum ist offen",
    mode: (mode) =>
      ({ open: "Jetzt dürfen alle sprechen", moderated: "Der Raum wird jetzt geleitet", lecture: "Das ist jetzt ein Vortrag" })[
        mode
      ],
  },
  manyMoved: { joined: (count) => `${count} Leute sind gekommen`, left: (count) => `${count} Leute sind gegangen` },

  // Text
  unread: (count) => `${count} neu`,
  onlyTo: (name) => `nur an ${name}`,
  onlyYou: "nur an Sie",
  notDelivered: ({ name, reason }) => `Bei ${name} nicht angekommen: ${reason}`,

  // wie es im Raum sein soll
  modeTitle: "Wer spricht",
  mode: { open: "Alle", moderated: "Wer das Wort hat", lecture: "Vortrag" },
  modeHint: {
    open: "Alle dürfen sprechen.",
    moderated: "Zu hören ist, wer das Wort hat. Wer die Hand hebt, kommt der Reihe nach dran.",
    lecture: "Zu hören sind die Leitung und wem sie das Wort gibt.",
  },
  talkTimeTitle: "Redezeit",
  talkTime: (seconds) => (seconds ? time(seconds) : "Unbegrenzt"),
  lockedHint: "Niemand sonst kann dazukommen.",
  openHint: "Wer diesen Raum wählt, kann dazukommen.",

  // Hilfe
  onYourPhone: "An Ihrem Telefon",
  codes: {
    mute: "Ton aus und an",
    hand: "Hand heben und senken",
    talk: "sprechen",
    help: "hören, was es noch gibt",
  },
  shortcuts: [
    ["m", "Ton aus und an"],
    ["h", "Hand heben und senken"],
    ["t", "sprechen, wenn Sie das Wort haben"],
    ["/", "schreiben"],
    ["↑ ↓", "von Zeile zu Zeile"],
    ["?", "diese Liste"],
  ],

  // was der Server auf Englisch sagt
  said: {
    "The room is locked.": "Der Raum ist geschlossen.",
    "The room is full, so it is busy for anybody else.": "Der Raum ist voll, also für alle anderen besetzt.",
    "This participant is not in the room any more.": "Diese Person ist nicht mehr im Raum.",
    "Everybody may talk here, so there is no floor to give.": "Hier dürfen alle sprechen, das Wort braucht niemand zu bekommen.",
    "That is not allowed. A moderator has muted you. Raise your hand to ask for the word.":
      "Das ist nicht erlaubt. Die Leitung hat Sie stumm geschaltet. Heben Sie die Hand, um zu sprechen.",
    "That is not allowed. You are here to listen. Raise your hand to ask for the word.":
      "Das ist nicht erlaubt. Sie hören hier zu. Heben Sie die Hand, um zu sprechen.",
    "That is not allowed. You do not hold the floor. Raise your hand to ask for the word.":
      "Das ist nicht erlaubt. Sie haben das Wort nicht. Heben Sie die Hand, um zu sprechen.",
    "That is not allowed. Somebody must be the moderator; name another one before.":
      "Das ist nicht erlaubt. Jemand muss den Raum leiten; bestimmen Sie vorher jemand anderen.",
    "That is not allowed. Only a moderator can {}.": "Das ist nicht erlaubt. Das kann nur die Leitung.",
    "There is nothing to send.": "Es gibt nichts zu senden.",
    "That was too much at once, so the room is busy. Wait a few seconds.":
      "Das war zu viel auf einmal, der Raum ist beschäftigt. Warten Sie ein paar Sekunden.",
  },
};
