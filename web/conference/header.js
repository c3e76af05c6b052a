// Above the list: the name of the room, who speaks, and what holds there.

import { find, mark, setText, show } from "../dom.js";
import { words } from "../words.js";
import { MANY } from "./crowd.js";

export class Header {
  constructor(section) {
    const [name, now, count, mode, locked, aside] = ["#room-name", "#now", "#count", "#mode-sign", "#locked", "#aside"].map((each) =>
      find(each, section),
    );
    Object.assign(this, { name, now, count, mode, locked, aside });
  }

  render(room, speakers) {
    const { mode, locked } = room.settings;
    setText(this.name, room.name);
    setText(this.count, words.count(room.participants.size));
    const { side_room } = room.participants.get(room.me);
    setText(this.aside, side_room ? words.inSideRoom(side_room) : "");
    show(this.aside, Boolean(side_room));
    setText(this.now, whoSpeaks(room, speakers));
    show(this.now, room.participants.size <= MANY); // else it stands above the list
    mark(this.now, "data-speaking", speakers.length > 0);
    setText(this.mode, words.modeSign[mode]);
    show(this.mode, mode !== "open");
    show(this.locked, locked);
  }
}

function whoSpeaks(room, speakers) {
  if (!speakers.length) return words.nobodySpeaks;
  if (speakers.length === 1 && speakers[0].id === room.me) return words.youSpeak;
  return words.speak(speakers.map((each) => each.called));
}
