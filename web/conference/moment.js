// What matters to the one whose page this is: what his big button is for, and what he is told.

import { words } from "../words.js";

/** His talk, if it is going on: `private`, `coach` (only the other hears him) or `coached`. */
export function talking(room) {
  const { talk, me } = room;
  if (!comes(room)) return null;
  if (talk.kind === "coach" && talk.by !== me) return "coached";
  // That the room does not hear him is for the server to say: what he has pressed may still be on its way.
  return room.participants.get(me).private ? talk.kind : null;
}

/** He is in a talk, or has said that he comes. */
export const comes = ({ talk, me }) => talk?.state === "talking" && talk.members.includes(me);

/** The others in his talk. */
export const partners = (room) => room.talk.members.filter((id) => id !== room.me);

/**
 * The button of the moment: `leave` (he talks in private), `mute` (whoever speaks is heard), `aside` (so it is in
 * his side room), `talk` (he has the floor), `take` (a moderator, who takes it), `hand` (he asks for it).
 */
export function moment(room) {
  const me = room.participants.get(room.me);
  const now = talking(room);
  if (now === "private" || now === "coach") return "leave";
  if (me.side_room) return "aside";
  if (room.settings.mode === "open") return now ? "coached" : "mute";
  if (room.floor.includes(me.id)) return "talk";
  return me.role === "moderator" ? "take" : "hand";
}

/** What his line says of him. */
export function describe(room, nameOf) {
  const me = room.participants.get(room.me);
  const place = room.hands.indexOf(me.id) + 1;
  if (me.on_hold) return words.youAreOnHold;
  if (me.line?.silent) return words.lineLost;
  if (me.line?.deaf) return words.phoneDeaf;
  if (me.wanted && !me.muted) return words.notMutedYet;
  const now = moment(room);
  if (now === "leave") return me.muted ? words.youAreMuted : words.heardBy(partners(room).map(nameOf));
  if ((now === "talk" || now === "take") && me.muted)
    return me.muted_by_moderator ? words.youAreMutedByModerator : words.talkUnmutes[now];
  if (now === "talk") return words.yourFloor;
  if (now === "take" || now === "hand") {
    if (place) return words.yourHand(place);
    return me.unheard ? words.unheardWithoutFloor[now] : words.noFloor[room.settings.mode];
  }
  if (me.unheard) return words.youAreMuted;
  if (place) return me.muted ? words.mutedWithHand(place) : words.yourHand(place);
  if (me.muted && me.role === "listener") return words.youListen;
  if (me.muted_by_moderator) return words.youAreMutedByModerator;
  if (me.muted) return words.youAreMuted;
  return now === "aside" ? words.heardIn(me.side_room) : words.heard;
}
