// The little that the pages need to write into the document. Text is only ever set as text.

export const find = (selector, root = document) => root.querySelector(selector);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

export function show(element, visible) {
  if (element.hidden === Boolean(visible)) element.hidden = !visible;
}

export const listen = (to, kind, act, how) => to.addEventListener(kind, act, how);

/** A button that can't be pressed keeps the focus, so that nobody is lost while the line is away. */
export function enable(button, enabled) {
  mark(button, "aria-disabled", enabled ? null : "true");
}

export const isEnabled = (button) => button.getAttribute("aria-disabled") !== "true";

/** A clone of the template with this id. */
export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** A new element with these attributes, and in it texts and elements; what is empty is left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) mark(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Shows the element with this text and name; without a text it is not there, not even for who reads all. */
export function label(element, text, name = null) {
  setText(element, text || "");
  mark(element, "aria-label", text ? name : null);
  show(element, Boolean(text));
}

/** The list has these rows, and no others. Those that stay are left alone, so that they keep focus and sound. */
export function arrange(list, rows) {
  for (const each of [...list.children]) if (!rows.includes(each)) each.remove();
  rows.forEach((each, at) => each !== list.children[at] && list.insertBefore(each, list.children[at] ?? null));
}
