// Has two people connected, or calls one into a room, and shows how far that is. Follows only while it is open.

import { clone, find, setText } from "../dom.js";
import { ask, Follower } from "../session.js";
import { words } from "../words.js";

const api = "api/v1/connections";
const LISTED = 20;

/** What is so of a connection, in SIP's own words. */
function said({ state, from, to, room, service }) {
  const side = (one) => [one.state, one.code, one.reason].filter(Boolean).join(" ");
  const other = to ? `${to.target}: ${side(to)}` : (room ?? service);
  return [state, `${from.target}: ${side(from)}`, other];
}

/** The form and its list. `fail` is told what was refused. */
export function connects(part, fail) {
  const form = find("form", part);
  const list = find("ul", part);
  const known = new Map();
  let follower = null;

  const render = () => {
    const newest = [...known.values()].sort((one, other) => other.id - one.id).slice(0, LISTED);
    list.replaceChildren(
      ...newest.map((connection) => {
        const row = clone("connection");
        const [state, first, second] = said(connection);
        setText(find("strong", row), state);
        setText(find("span", row), ` – ${first} – ${second}`);
        const button = find("button", row);
        button.hidden = connection.ended !== null;
        button.setAttribute("aria-label", words.opEndOf(connection.from.target));
        button.addEventListener("click", () => ask("DELETE", `${api}/${connection.id}`).catch(fail));
        return row;
      }),
    );
  };

  part.addEventListener("toggle", () => {
    follower?.stop();
    follower = !part.open
      ? null
      : new Follower(`${api}/events`, {
          snapshot({ connections }) {
            known.clear();
            connections.forEach((one) => known.set(one.id, one));
            render();
          },
          message({ connection }) {
            known.set(connection.id, connection);
            if (known.size > LISTED) known.delete(Math.min(...known.keys()));
            render();
          },
          connected() {},
          refused() {},
        });
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { from, to, room } = Object.fromEntries(new FormData(form));
    try {
      await ask("POST", api, room ? { from, room } : { from, to });
      fail(null);
      form.reset();
    } catch (problem) {
      fail(problem);
    }
  });
}
