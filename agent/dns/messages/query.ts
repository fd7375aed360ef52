import { CLASS, FLAG, HEADER_BYTES, RCODE, TYPE, UDP_BYTES_MAX, UDP_BYTES_MIN } from "./codes.ts";
import { readName } from "./names.ts";

/** A question that a client has asked. */
export interface Query {
  /** As {@linkcode readName} gives it. */
  name: string;
  type: number;
  /** Where the question ends in the message. */
  questionEnd: number;
  /** How long an answer by UDP may be. */
  udpBytesMax: number;
  hasEdns: boolean;
}

/** What a message is: a question, something that gets an error, or nothing that is answered. */
export type Received = { query: Query } | { fault: Fault } | undefined;

/** What a message without a proper question gets. */
export interface Fault {
  code: number;
  /** The question is repeated up to here; `HEADER_BYTES`: it is not. */
  questionEnd: number;
  hasEdns: boolean;
}

/**
 * Reads a message as a query (RFC 1035, RFC 6891). `undefined` for what must not be answered: it is too short, or an answer
 * itself, so that two servers cannot keep each other busy.
 */
export function readQuery(message: Uint8Array): Received {
  if (message.length < HEADER_BYTES || (wordAt(message, 2) & FLAG.response) !== 0) return undefined;
  const none = (code: number) => ({
    fault: { code, questionEnd: HEADER_BYTES, hasEdns: false },
  });
  if ((message[2]! >> 3 & 15) !== 0) return none(RCODE.notImplemented);
  if (wordAt(message, 4) !== 1) return none(RCODE.formatError);
  const read = readName(message, HEADER_BYTES); // what comes first can point to nothing
  if (read === undefined || read.end + 4 > message.length) return none(RCODE.formatError);
  const type = wordAt(message, read.end), questionEnd = read.end + 4;
  const edns = ednsOf(message, questionEnd);
  const { hasEdns } = edns;
  const fault = (code: number) => ({ fault: { code, questionEnd, hasEdns } });
  if (edns.version > 0) return fault(RCODE.badVersion);
  const wanted = wordAt(message, read.end + 2);
  if (wanted !== CLASS.internet && wanted !== CLASS.any) return fault(RCODE.refused);
  if (type === TYPE.AXFR || type === TYPE.IXFR) return fault(RCODE.refused);
  const { udpBytesMax } = edns;
  return { query: { name: read.name, type, questionEnd, udpBytesMax, hasEdns } };
}

/** The only further record that a query has is that of EDNS; another is passed over. */
function ednsOf(message: Uint8Array, at: number) {
  const isAlone = wordAt(message, 6) === 0 && wordAt(message, 8) === 0 && wordAt(message, 10) > 0;
  const hasEdns = isAlone && at + 11 <= message.length && message[at] === 0 &&
    wordAt(message, at + 1) === TYPE.OPT;
  if (!hasEdns) return { hasEdns, udpBytesMax: UDP_BYTES_MIN, version: 0 };
  const udpBytesMax = Math.min(UDP_BYTES_MAX, Math.max(UDP_BYTES_MIN, wordAt(message, at + 3)));
  return { hasEdns, udpBytesMax, version: message[at + 6]! };
}

/** 16 bits at an offset. */
export function wordAt(message: Uint8Array, at: number): number {
  return message[at]! << 8 | message[at + 1]!;
}
