const encoder = new TextEncoder();
/** Runes of all texts of an answer; a rune is a Unicode character, not a UTF-16 unit. */
const RUNES_MAX = 4096;
/** Runes of one text when the whole ones are too many. */
const CUT_RUNES = 256;

/**
 * The `Warning` headers of an answer: each text once; when they are too long together, all are cut, and what does not fit then
 * is dropped. Texts with control characters, which would split the header, are dropped as well.
 * Source: apiserver's `pkg/endpoints/filters/warning.go`.
 */
export function warningHeaders(texts: readonly string[]): string[] {
  const sendable = [...new Set(texts)].filter((text) => text !== "" && isSendable(text));
  let length = 0;
  let whole = 0;
  while (whole < sendable.length && length <= RUNES_MAX) length += runesOf(sendable[whole++]!);
  if (length <= RUNES_MAX) return sendable.map(warningHeader);
  const headers: string[] = [];
  length = 0;
  for (const [index, text] of sendable.entries()) {
    // The one that is too much, and those before it, are sent again in any case.
    if (index >= whole && length >= RUNES_MAX) break;
    const cut = cutTo(CUT_RUNES, text);
    length += runesOf(cut);
    headers.push(warningHeader(cut));
  }
  return headers;
}

/** A warning as RFC 7234 section 5.5 writes it, `299 - "text"`, quotes and backslashes escaped. */
function warningHeader(text: string): string {
  return `299 - "${latin1(text.replace(/[\\"]/g, "\\$&"))}"`;
}

function isSendable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

function runesOf(text: string): number {
  let count = text.length;
  for (const _ of text.matchAll(SURROGATE_PAIR)) count--;
  return count;
}
const SURROGATE_PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;

function cutTo(runes: number, text: string): string {
  if (text.length <= runes) return text;
  return Array.from(text.slice(0, 2 * runes)).slice(0, runes).join("");
}

/** Node writes header text as Latin-1: each character of the result stands for one byte of UTF-8. */
function latin1(text: string): string {
  let bytes = "";
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}
