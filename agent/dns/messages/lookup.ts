import { CLASS, FLAG, HEADER_BYTES, RCODE, TYPE } from "./codes.ts";
import type { RecordData } from "./answer_writer.ts";
import { isBelow, nameBytes, readName, skipName } from "./names.ts";
import { wordAt } from "./query.ts";

/** A record with the name that it is of. */
export interface OwnedRecord extends RecordData {
  readonly owner: string;
}

/** What was found out about a name and a type. */
export interface Lookup {
  /** `noError` or `nameError`; `serverFailure` when nothing could be found out. */
  readonly code: number;
  /** CNAMEs from the name on, then records of the type, in this order. */
  readonly answers: readonly OwnedRecord[];
  /** The SOA record of a negative answer. */
  readonly start?: OwnedRecord;
  /** Addresses of the targets of SRV records. */
  readonly additional?: readonly OwnedRecord[];
}

export interface Question {
  /** As `readName` gives it. */
  readonly name: string;
  readonly type: number;
}

export const FAILED: Lookup = { code: RCODE.serverFailure, answers: [] };

/** More records in one section than this are no honest answer. */
const RECORDS_MAX = 512;
const CHAIN_MAX = 16;
/** Types whose data is a name, after so many other bytes; SOA has two, and is read on its own. */
const NAME_AT: ReadonlyMap<number, number> = new Map([
  [TYPE.NS, 0],
  [TYPE.CNAME, 0],
  [TYPE.PTR, 0],
  [TYPE.MX, 2],
  [TYPE.SRV, 6],
]);

/** Whether a message answers the question that was asked with this id. */
export function isAnswerTo(message: Uint8Array, { name, type }: Question, id: number): boolean {
  if (message.length < HEADER_BYTES || wordAt(message, 0) !== id) return false;
  if ((wordAt(message, 2) & FLAG.response) === 0 || wordAt(message, 4) !== 1) return false;
  const read = readName(message, HEADER_BYTES);
  return read?.name === name && read.end + 4 <= message.length &&
    wordAt(message, read.end) === type && wordAt(message, read.end + 2) === CLASS.internet;
}

export function isTruncated(message: Uint8Array): boolean {
  return (wordAt(message, 2) & FLAG.truncated) !== 0;
}

/**
 * What an answer of another server says about the question, and nothing else that it says: records of other names, that
 * nobody has asked for, are not believed. `undefined` when it says nothing: an error, or no proper message.
 */
export function readLookup(message: Uint8Array, question: Question): Lookup | undefined {
  const code = wordAt(message, 2) & 15;
  if (code !== RCODE.noError && code !== RCODE.nameError) return undefined;
  const questionEnd = skipName(message, HEADER_BYTES);
  if (questionEnd === undefined) return undefined;
  const answered = readRecords(message, questionEnd + 4, wordAt(message, 6));
  const said = answered && readRecords(message, answered.end, wordAt(message, 8));
  if (answered === undefined || said === undefined) return undefined;
  const { answers, last } = chainOf(question, answered.records);
  const isWhole = answers.some(({ type }) => type === question.type);
  if (isWhole) return { code: RCODE.noError, answers };
  const start = said.records.find(({ type, owner }) => type === TYPE.SOA && isBelow(last, owner));
  return { code, answers, ...(start && { start }) };
}

interface ReadRecord extends OwnedRecord {
  /** The name in the data of a CNAME. */
  target?: string;
}

/** The records that lead from the name to those of the type. */
function chainOf(
  { name, type }: Question,
  records: readonly ReadRecord[],
): { answers: OwnedRecord[]; last: string } {
  const answers: OwnedRecord[] = [];
  const seen = new Set<string>();
  let last = name;
  while (!seen.has(last) && seen.size < CHAIN_MAX) {
    seen.add(last);
    const own = records.filter((each) => each.owner === last);
    const alias = type === TYPE.CNAME ? undefined : own.find((each) => each.type === TYPE.CNAME);
    if (alias?.target === undefined) {
      answers.push(...own.filter((each) => each.type === type));
      break;
    }
    answers.push(alias);
    last = alias.target;
  }
  return { answers, last };
}

/** Records of other classes are passed over. `undefined` when one is cut off or cannot be understood. */
function readRecords(
  message: Uint8Array,
  start: number,
  count: number,
): { records: ReadRecord[]; end: number } | undefined {
  if (count > RECORDS_MAX) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const records: ReadRecord[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const owner = readName(message, at);
    if (owner === undefined || owner.end + 10 > message.length) return undefined;
    const fixed = owner.end, dataAt = fixed + 10;
    at = dataAt + view.getUint16(fixed + 8);
    if (at > message.length) return undefined;
    if (view.getUint16(fixed + 2) !== CLASS.internet) continue;
    const type = view.getUint16(fixed), seconds = view.getUint32(fixed + 4);
    const read = readData(message, { type, start: dataAt, end: at });
    if (read === undefined) return undefined;
    const ttl = seconds > 0x7fff_ffff ? 0 : seconds; // RFC 2181, 8
    records.push({ owner: owner.name, type, ttl, ...read });
  }
  return { records, end: at };
}

/** The data of a record with its names made whole; their letters are made small by that. */
function readData(
  message: Uint8Array,
  { type, start, end }: { type: number; start: number; end: number },
): { data: Uint8Array; target?: string } | undefined {
  if (type === TYPE.SOA) return readStart(message, start, end);
  const nameAt = NAME_AT.get(type);
  if (nameAt === undefined) return { data: message.slice(start, end) };
  const name = readName(message, start + nameAt);
  if (name === undefined || name.end !== end) return undefined;
  const data = joined([message.subarray(start, start + nameAt), nameBytes(name.name)!]);
  return { data, ...(type === TYPE.CNAME && { target: name.name }) };
}

function readStart(message: Uint8Array, start: number, end: number) {
  const primary = readName(message, start);
  const mailbox = primary && readName(message, primary.end);
  if (!primary || !mailbox || mailbox.end + 20 !== end) return undefined;
  const parts = [nameBytes(primary.name)!, nameBytes(mailbox.name)!];
  return { data: joined([...parts, message.subarray(mailbox.end, end)]) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Seconds that a negative answer may be kept (RFC 2308): the SOA's own, and the last field of its data. */
export function negativeTtlOf({ ttl, data }: RecordData): number {
  const minimum = new DataView(data.buffer, data.byteOffset, data.length).getUint32(
    data.length - 4,
  );
  return Math.min(ttl, minimum);
}
