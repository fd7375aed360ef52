/** The bytes are not valid DER. The message is for logs. */
export class DerError extends Error {
  override name = "DerError";
}

/** One value: its tag, its content, and all its bytes with the header. The arrays are views, not copies. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Universal tags: https://www.itu.int/rec/T-REC-X.680 */
export const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag numbers above 30 take more bytes; X.509 has none. */
const LONG_TAG = 0x1f;
const LENGTH_BYTES_MAX = 3;

/**
 * The values in `bytes`, with nothing left over. Only the encoding that DER allows: definite lengths in the shortest
 * form. Throws a {@linkcode DerError}. Source: ITU-T X.690, section 10.
 */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let start = 0; start < bytes.length;) {
    const value = valueAt(bytes, start);
    values.push(value);
    start += value.whole.length;
  }
  return values;
}

/** The single value in `bytes`. Throws a {@linkcode DerError} unless there is exactly one, with that tag. */
export function derValue(bytes: Uint8Array, tag: number): DerValue {
  return only(derValues(bytes), tag);
}

/** Throws a {@linkcode DerError} unless there is exactly one value, with that tag. */
export function only(values: readonly DerValue[], tag: number): DerValue {
  const [value, ...more] = values;
  if (value?.tag !== tag || more.length > 0) throw new DerError(`one value of tag ${tag} expected`);
  return value;
}

/** `1.2.840.10045.4.3.2`. Arcs of more than 28 bits do not occur in what we look for, and are refused. */
export function oidOf({ tag, content }: DerValue): string {
  if (tag !== TAGS.oid || content.length === 0) throw new DerError("an object identifier expected");
  const arcs: number[] = [];
  let arc = 0;
  let bytes = 0;
  for (const byte of content) {
    if (++bytes > 4 || (bytes === 1 && byte === 0x80)) throw new DerError("an arc is too long");
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(arc);
    arc = bytes = 0;
  }
  if (bytes > 0) throw new DerError("an object identifier ends early");
  const first = Math.min(Math.floor(arcs[0]! / 40), 2);
  return [first, arcs[0]! - first * 40, ...arcs.slice(1)].join(".");
}

/** DER allows one encoding of true and one of false. */
export function booleanOf({ tag, content }: DerValue): boolean {
  const isOne = tag === TAGS.boolean && content.length === 1;
  if (!isOne || (content[0] !== 0 && content[0] !== 0xff)) throw new DerError("a boolean expected");
  return content[0] === 0xff;
}

/** Tests a bit, numbered as in ASN.1: bit 0 is the first. */
export function bitsOf({ tag, content }: DerValue): (bit: number) => boolean {
  const unused = content[0];
  if (tag !== TAGS.bitString || unused === undefined || unused > 7) {
    throw new DerError("a bit string expected");
  }
  const length = (content.length - 1) * 8 - unused;
  return (bit) => bit < length && ((content[1 + (bit >> 3)]! >> (7 - (bit & 7))) & 1) === 1;
}

/** Bytes of a bit string that is whole bytes, as keys and signatures are. */
export function bitStringBytes({ tag, content }: DerValue): Uint8Array {
  if (tag !== TAGS.bitString || content[0] !== 0) throw new DerError("whole bytes expected");
  return content.subarray(1);
}

/** Milliseconds since 1970. The text has seconds and is in UTC, as RFC 5280 4.1.2.5 requires. */
export function timeOf({ tag, content }: DerValue): number {
  const text = String.fromCharCode(...content);
  const match = tag === TAGS.utcTime
    ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
    : tag === TAGS.generalizedTime
    ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
    : null;
  if (!match) throw new DerError("a time in UTC expected");
  const [year, ...rest] = match.slice(1);
  const fullYear = year!.length === 4 ? year : `${Number(year) < 50 ? "20" : "19"}${year}`;
  const [month, day, hour, minute, second] = rest;
  const ms = Date.parse(`${fullYear}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new DerError(`"${text}" is no time`);
  return ms;
}

function valueAt(bytes: Uint8Array, start: number): DerValue {
  const tag = bytes[start]!;
  if ((tag & LONG_TAG) === LONG_TAG) throw new DerError("a tag is too long");
  const { length, contentStart } = lengthAt(bytes, start + 1);
  const end = contentStart + length;
  if (end > bytes.length) throw new DerError("a value ends early");
  return {
    tag,
    content: bytes.subarray(contentStart, end),
    whole: bytes.subarray(start, end),
  };
}

function lengthAt(bytes: Uint8Array, start: number): { length: number; contentStart: number } {
  const first = bytes[start];
  if (first === undefined) throw new DerError("a value ends early");
  if (first < 0x80) return { length: first, contentStart: start + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > LENGTH_BYTES_MAX) throw new DerError("a length is of a wrong form");
  let length = 0;
  for (let index = 1; index <= count; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new DerError("a value ends early");
    length = length * 256 + byte;
  }
  const isShortest = length >= 0x80 && length >= 256 ** (count - 1);
  if (!isShortest) throw new DerError("a length is longer than it need be");
  return { length, contentStart: start + 1 + count };
}
