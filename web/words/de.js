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
  mute: "Ton aus",
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
  talkPrivately: "Unter vier Augen",
  talkPrivatelyWith: (name) => `Unter vier Augen mit ${name}`,
  coach: "Einflüstern",
  coachName: (name) => `Einflüstern: ${name}`,
  move: "Verlegen",
  moveName: (name) => `Verlegen: ${name}`,
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
  inPrivate: "im Gespräch unter vier Augen",
  inSideRoom: (room) => `in ${room}`,
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
  speakingNow: (names) => (names.length ? `Jetzt sprechen: ${list(names)}` : "Jetzt spricht niemand"),
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
  unheardWithoutFloor: {
    hand: "Der Raum hört Sie nicht. Heben Sie die Hand, um zu sprechen.",
    take: "Der Raum hört Sie nicht. Drücken Sie Sprechen.",
  },
  noFloor: {
    moderated: "Der Raum hört, wer das Wort hat",
    lecture: "Das ist ein Vortrag: Sie hören zu",
  },
  timeLeft: (seconds) => `Noch ${time(seconds)}`,
  youAreModerator: "Sie leiten jetzt den Raum",
  youAreNoModerator: "Sie leiten den Raum nicht mehr",
  connecting: "Verbindung wird aufgebaut …",
  reconnecting: "Verbindung wird gesucht …",
  keyInPin: "Tippen Sie die PIN am Telefon, und dann #. Diese Seite geht von selbst weiter.",
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
    knocked: (name) => `${name} wartet`,
    moved: (name, room) => (room ? `${name} ist jetzt in ${room}` : `${name} ist wieder im Hauptraum`),
    call_changed: (name, how) => `${name}: ${how}`,
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

  waitingRoom: "Wer kommt, wartet auf Einlass durch die Leitung",
  waitForModerator: "Alle warten, bis die Leitung da ist",
  quiet: "Keine Töne beim Kommen und Gehen",
  pin: "PIN",
  moderatorPin: "PIN der Leitung",
  pinIsSet: "gesetzt",
  noPin: "keine",
  setPin: "Setzen",
  noPinAnyMore: "Wegnehmen",

  // Gespräche, die der Raum nicht hört
  accept: "Annehmen",
  decline: "Ablehnen",
  takeBack: "Zurücknehmen",
  backToTheRoom: "Zurück in den Raum",
  hearRoom: "Den Raum leise hören",
  wantsToTalk: (names) => `${list(names)} ${names.length === 1 ? "möchte" : "möchten"} Sie unter vier Augen sprechen.`,
  waitingFor: (names) => `Sie haben ${list(names)} um ein Gespräch unter vier Augen gebeten.`,
  youHaveAsked: (names) => `Warten auf ${list(names)}`,
  heardBy: (names) => `Nur ${list(names)} ${names.length === 1 ? "hört" : "hören"} Sie`,
  talking: {
    private: (names) => `Unter vier Augen mit ${list(names)}. Der Raum hört Sie nicht.`,
    coach: (names) => `Nur ${list(names)} hört Sie. Der Raum hört Sie nicht.`,
    coached: (names) => `${list(names)} spricht nur zu Ihnen. Der Raum hört Sie wie immer.`,
  },
  declined: (names) => `${list(names)} ${names.length === 1 ? "möchte" : "möchten"} jetzt nicht sprechen.`,
  unanswered: (names) => `${list(names)} ${names.length === 1 ? "hat" : "haben"} nicht geantwortet.`,
  backInTheRoom: "Sie sind wieder im Raum.",

  // Nebenräume
  moveTo: (name) => `${name} verlegen`,
  mainRoom: "Hauptraum",
  newSideRoom: "Neuer Nebenraum",
  sideRooms: ["Blau", "Grün", "Rot", "Gelb", "Weiß"],
  gather: "Alle zurückholen",
  toTheMainRoom: "In den Hauptraum",
  heardIn: (room) => `Sie sind in ${room} und werden dort gehört`,
  youMoved: (room) => (room ? `Sie sind jetzt in ${room}` : "Sie sind jetzt im Hauptraum"),
  cancel: "Abbrechen",

  // wer wartet
  waiting: "Vor der Tür",
  waits: "wartet",
  admit: "Einlassen",
  admitName: (name) => `Einlassen: ${name}`,
  admitAll: "Alle einlassen",
  turnAway: "Abweisen",
  turnAwayName: (name) => `Abweisen: ${name}`,
  youWait: "Die Leitung weiß, dass Sie da sind.",
  turnedAway: "Die Leitung hat Sie nicht eingelassen.",
  sure: "Sicher?",

  // jemanden anrufen
  dial: "Anrufen",
  dialTitle: "Jemanden anrufen",
  dialHint: "Ein Name, eine Nummer oder eine Adresse",
  call: { trying: "wird angerufen", ringing: "es läutet" },
  callFailed: (reason, code) => `${reason}${code ? ` (${code})` : ""}`,
  cancelCallTo: (name) => `Anruf abbrechen: ${name}`,
  callAgain: "Noch einmal",
  callNameAgain: (name) => `Noch einmal anrufen: ${name}`,
  forget: "Vergessen",
  forgetCallTo: (name) => `Anruf vergessen: ${name}`,

  // Aufnahmen
  recording: "Aufnahme",
  recordings: "Aufnahmen",
  record: "Aufnehmen",
  pause: "Pause",
  goOn: "Weiter",
  stopRecording: "Aufnahme beenden",
  recordingKindTitle: "Als",
  recordingKind: { mix: "Eine Datei", members: "Je eine Datei" },
  recordingSign: { off: "", recording: "Aufnahme läuft", paused: "Aufnahme ruht" },
  recordingHint: {
    off: "Alle hören einen Ton und sehen, dass aufgenommen wird.",
    recording: "Der Raum wird aufgenommen.",
    paused: "Jetzt wird nichts aufgenommen.",
  },
  recordingNews: {
    off: "Die Aufnahme ist beendet",
    recording: "Der Raum wird aufgenommen",
    paused: "Die Aufnahme ruht",
  },
  recordingOf: (when) => `Aufnahme vom ${when}`,
  lasts: time,
  download: "Herunterladen",
  delete: "Löschen",
  deleteRecording: (when) => `Aufnahme vom ${when} löschen`,

  // die Startseite
  frontTitle: "Kommen Sie mit dem Telefon in einen Raum",
  frontDial: "Wählen Sie",
  frontDialHint: "Für ROOM taugt jeder Name. Wer denselben wählt, trifft sich im selben Raum.",
  frontPage: "Öffnen Sie die Seite Ihres Anrufs",
  frontKeyIn: "Tippen Sie das während des Anrufs am Telefon. Die Seite öffnet sich hier von selbst.",
  frontSpoken: "Oder tippen Sie am Telefon *#, und hier die sechs Ziffern, die es spricht",
  pairingCode: "Code zum Tippen",
  anotherCode: "Einen anderen Code zeigen",
  codeIsOver: "Die Zeit dieses Codes ist um.",
  code: "Code",
  open: "Öffnen",
  sixDigits: "Ein Code hat sechs Ziffern.",
  operator: "Betreiber",

  // Seiten, die eines sagen
  callEndedTitle: "Ihr Anruf ist beendet",
  callEndedText: "Dieser Link gilt nicht mehr. Jeder Anruf bringt einen eigenen mit.",
  linkUnknownTitle: "Dieser Link ist hier nicht bekannt",
  linkUnknownText: "Sehen Sie noch einmal auf Ihr Telefon, oder rufen Sie neu an: Jeder Anruf bringt einen eigenen Link mit.",
  nothingHereTitle: "Hier ist nichts",
  nothingHereText: "Sehen Sie sich die Adresse noch einmal an.",
  notSoTitle: "Das geht so nicht",
  notSoText: "Diese Adresse ist dafür nicht gemacht.",
  failureTitle: "Der Server hat versagt",
  failureText: "Das sollte nicht vorkommen. Es ist vermerkt.",
  frontPageLink: "Startseite",
  needsScript: "Diese Seite braucht JavaScript.",

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

  // warum etwas abgelehnt wird: das sagt der Server auf Englisch und nennt den Grund bei einem Namen
  notAllowed: "Das ist nicht erlaubt.",
  refusals: {
    room_locked: "Der Raum ist geschlossen.",
    room_full: "Der Raum ist voll, also für alle anderen besetzt.",
    not_here: "Diese Person ist nicht mehr im Raum.",
    no_floor: "Hier dürfen alle sprechen, das Wort braucht niemand zu bekommen.",
    muted_by_moderator: "Die Leitung hat Sie stumm geschaltet. Heben Sie die Hand, um zu sprechen.",
    here_to_listen: "Sie hören hier zu. Heben Sie die Hand, um zu sprechen.",
    floor_not_yours: "Sie haben das Wort nicht. Heben Sie die Hand, um zu sprechen.",
    not_your_hand: "Die Hand hebt jeder selbst.",
    nobody_steers: "Jemand muss den Raum leiten; bestimmen Sie vorher jemand anderen.",
    only_moderators: "Das kann nur die Leitung.",
    still_waiting: "Sie warten auf Einlass. Die Leitung weiß, dass Sie da sind.",
    wrong_pin: "Das geht nicht ohne die PIN der Konferenz.",
    other_conference: "Sie sind in einer anderen Konferenz.",
    elsewhere: ({ name }) => `${name} ist in einem anderen Raum.`,
    busy: ({ name }) => `${name} ist beschäftigt: im Gespräch unter vier Augen, oder darum gebeten.`,
    busy_yourself: "Sie sind in einem anderen Gespräch beschäftigt. Gehen Sie vorher zurück in den Raum.",
    talk_full: ({ most }) => `Ein Gespräch unter vier Augen ist mit ${most} Leuten voll.`,
    talk_over: "Dieses Gespräch ist zu Ende.",
    not_asked: "Um dieses Gespräch hat Sie niemand gebeten.",
    not_private: "Das ist für die, die unter vier Augen sprechen.",
    yourself: "Das sind Sie selbst.",
    not_recording: "Es wird nichts aufgenommen.",
    still_recording: "Es wird noch aufgenommen; beenden Sie das vorher.",
    bad_target: "Gesucht ist ein Name, eine Nummer oder eine Adresse wie anna@example.com.",
    lines_busy: "Alle Leitungen sind besetzt.",
    call_over: "Dieser Anruf ist zu Ende.",
    nobody_called: "Von hier kann niemand angerufen werden.",
    not_called_from_here: "Das kann von hier nicht angerufen werden.",
    only_this_machine: "Von hier kann nur diese Maschine selbst angerufen werden.",
    stranger: "Anrufen kann nur, wer ein Passwort oder eine PIN genannt hat oder aus vertrauter Nachbarschaft kommt.",
    sips: "Verschlüsselt (sips) kann von hier niemand angerufen werden.",
    wrong_code: "Diesen Code gibt es nicht, oder seine Zeit ist um.",
    too_many_codes: "Das war zu oft. Warten Sie zwei Minuten, und versuchen Sie es noch einmal.",
    nothing_said: "Es gibt nichts zu senden.",
    too_long: "Das ist zu lang.",
    too_fast: "Das war zu viel auf einmal, der Raum ist beschäftigt. Warten Sie ein paar Sekunden.",
  },
  reasons: {
    busy: "besetzt",
    "did not answer": "meldet sich nicht",
    declined: "abgelehnt",
    "nobody has this name or number": "niemand hat diesen Namen oder diese Nummer",
    "not allowed there": "dort nicht erlaubt",
    "no sound that both know": "kein Ton, den beide kennen",
    "to be reached elsewhere": "anderswo zu erreichen",
    "the line is overloaded": "die Leitung ist überlastet",
    "could not be reached": "nicht zu erreichen",
    "taken back": "zurückgenommen",
    "This phone takes no texts.": "Dieses Telefon nimmt keine Texte an.",
    "This phone does not answer.": "Dieses Telefon meldet sich nicht.",
    "This phone has refused the text.": "Dieses Telefon hat den Text abgelehnt.",
    "The page is not open there, and this phone takes no texts.":
      "Die Seite ist dort nicht offen, und dieses Telefon nimmt keine Texte an.",
    "The recording could not be written.": "Die Aufnahme konnte nicht geschrieben werden.",
  },
};
