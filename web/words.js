// The words of the pages, in the language that the server has picked for this browser.

export const language = document.documentElement.lang;
export const { words } = await import(`./words/${language}.js`);

const NOT_ALLOWED = "That is not allowed. ";

/** A sentence of the server in the language of the page, if that is known there. `{}` stands for what varies. */
export function said(sentence) {
  if (sentence.startsWith(NOT_ALLOWED)) return `${words.notAllowed} ${said(sentence.slice(NOT_ALLOWED.length))}`;
  for (const [theirs, ours] of Object.entries(words.said)) {
    if (theirs === sentence) return ours;
    const [before, after] = theirs.split("{}");
    if (after !== undefined && sentence.startsWith(before) && sentence.endsWith(after))
      return ours.replace("{}", sentence.slice(before.length, sentence.length - after.length));
  }
  return sentence;
}

/** Writes the words into the elements that name them. */
export function translate(root = document) {
  const each = (name, write) => {
    for (const element of root.querySelectorAll(`[data-${name}]`)) write(element, words[element.dataset[name]]);
  };
  each("words", (element, text) => (element.textContent = text));
  each("label", (element, text) => element.setAttribute("aria-label", text));
  each("hint", (element, text) => element.setAttribute("placeholder", text));
  for (const element of root.querySelectorAll("[data-said]")) element.textContent = said(element.textContent);
}
