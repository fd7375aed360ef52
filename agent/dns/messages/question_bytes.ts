import { CLASS, FLAG, HEADER_BYTES, TYPE, UDP_BYTES_MAX } from "./codes.ts";
import type { Question } from "./lookup.ts";
import { nameBytes } from "./names.ts";

/** A query that asks another server to find out; with EDNS. `undefined` for a name that cannot be sent. */
export function questionBytes({ name, type }: Question, id: number): Uint8Array | undefined {
  const bytes = nameBytes(name);
  if (bytes === undefined) return undefined;
  const message = new Uint8Array(HEADER_BYTES + bytes.length + 4 + 11);
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, FLAG.recursionDesired);
  view.setUint16(4, 1);
  view.setUint16(10, 1);
  message.set(bytes, HEADER_BYTES);
  const at = HEADER_BYTES + bytes.length;
  view.setUint16(at, type);
  view.setUint16(at + 2, CLASS.internet);
  view.setUint16(at + 5, TYPE.OPT);
  view.setUint16(at + 7, UDP_BYTES_MAX);
  return message;
}
