import { TAGS } from "./der.ts";

/**
 * One value of DER. The content is given in pieces, such as the values of a sequence. Source: ITU-T X.690, section 10.
 */
export function written(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, { length }) => sum + length, 0);
  const head = [tag, ...lengthBytes(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const piece of content) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export function sequence(...values: readonly Uint8Array[]): Uint8Array {
  return written(TAGS.sequence, ...values);
}

export const TRUE: Uint8Array = written(TAGS.boolean, Uint8Array.of(0xff));

/** An integer of these bytes, the highest first; its first bit is its sign. */
export function integer(bytes: Uint8Array): Uint8Array {
  return written(TAGS.integer, bytes);
}

export function octets(bytes: Uint8Array): Uint8Array {
  return written(TAGS.octetString, bytes);
}

/** `unused`: how many bits at the end of the last byte do not count. */
export function bits(bytes: Uint8Array, { unused = 0 } = {}): Uint8Array {
  return written(TAGS.bitString, Uint8Array.of(unused), bytes);
}

export function utf8(text: string): Uint8Array {
  return written(TAGS.utf8String, new TextEncoder().encode(text));
}

/** `1.2.840.10045.4.3.2` */
export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return written(TAGS.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(arcBytes)));
}

/** To the second, in the form that RFC 5280 4.1.2.5 wants for its year. */
export function time(ms: number): Uint8Array {
  const text = new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, "");
  const isLate = Number(text.slice(0, 4)) >= 2050;
  const tag = isLate ? TAGS.generalizedTime : TAGS.utcTime;
  return written(tag, new TextEncoder().encode(isLate ? text : text.slice(2)));
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Seven bits in each byte; all but the last have the first bit set. */
function arcBytes(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let rest = arc >> 7; rest > 0; rest >>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}
