// What matters to the one whose page this is: what his big button is for, and what he is told.

import { words } from "../words.js";

/**
 * The button of the moment: `mute` (whoever speaks is heard), `talk` (he has the floor), `take` (a moderator,
 * who takes it), `hand` (he asks for it).
 */
export function moment(room) {
  const me = room.participants.get(room.me);
  if (room.settings.mode === "open") return "mute";
  if (room.floor.includes(me.id)) return "talk";
  return me.role === "moderator" ? "take" : "hand";
}

/** What his line says of him. */
export function describe(room) {
  const me = room.participants.get(room.me);
  const place = room.hands.indexOf(me.id) + 1;
  if (me.on_hold) return words.youAreOnHold;
  switch (moment(room)) {
    case "talk":
      return me.muted ? words.mutedWithFloor : words.yourFloor;
    case "take":
    case "hand":
      if (place) return words.yourHand(place);
      if (me.unheard) return words.unheardWithoutFloor;
      return words.noFloor[room.settings.mode];
  }
  if (me.unheard) return words.youAreMuted;
  if (place) return me.muted ? words.mutedWithHand(place) : words.yourHand(place);
  if (me.muted && me.role === "listener") return words.youListen;
  if (me.muted_by_moderator) return words.youAreMutedByModerator;
  return me.muted ? words.youAreMuted : words.heard;
}
