// The words of the pages. Where these are English, the server puts the file of the reader's language.

import { words as all } from "./words/en.js";

export const words = all;
export const language = document.documentElement.lang;

const NOT_ALLOWED = "That is not allowed.";

/** Why something was refused, in the language of the page. What is not known there stays as the server says it. */
export function refusal({ message, code, values }) {
  const ours = words.refusals[code];
  if (!ours) return message;
  const sentence = typeof ours === "string" ? ours : ours(values);
  return message.startsWith(NOT_ALLOWED) ? `${words.notAllowed} ${sentence}` : sentence;
}

/** Why a call or a text did not get through, in the language of the page. */
export const reason = (text) => words.reasons[text] ?? text;
