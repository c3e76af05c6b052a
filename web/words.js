// The words of the pages. Where these are English, the server puts the file of the reader's language.

import { words as all } from "./words/en.js";

export const words = all;
export const language = document.documentElement.lang;

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
