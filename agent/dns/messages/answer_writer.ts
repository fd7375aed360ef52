import {
  CLASS,
  FLAG,
  HEADER_BYTES,
  MESSAGE_BYTES_MAX,
  RCODE,
  TYPE,
  UDP_BYTES_MAX,
} from "./codes.ts";
import { nameBytes } from "./names.ts";
import { type Fault, type Query, wordAt } from "./query.ts";

/** A record as it is sent, but for its owner's name. */
export interface RecordData {
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  /** Names in it are whole, never compressed. */
  readonly data: Uint8Array;
}

const EDNS_BYTES = 11;
const POINTER = 0xc000;
/** A pointer has 14 bits. */
const POINTER_MAX = 0x3fff;
const FIXED_BYTES = 10;

/**
 * Writes answers, one after the other, into one buffer: what {@linkcode finish} returns is valid until the next `begin`. The
 * records of the answer section come first, then authority, then additional ones. What does not fit is left out: in the
 * answer section that is told by TC, so that the client asks by TCP.
 */
export class AnswerWriter {
  readonly #bytes = new Uint8Array(MESSAGE_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  #query!: Query;
  #at = 0;
  #room = 0;
  #flags = 0;
  #counts = { answer: 0, authority: 0, additional: 0 };
  /** Of names that are written already. */
  #offsets = new Map<string, number>();

  /** Begins an answer to the query in `message`, of `bytesMax` bytes. The question is repeated as it was spelled. */
  begin(message: Uint8Array, query: Query, bytesMax: number): void {
    const { questionEnd, hasEdns } = query;
    this.#query = query;
    this.#bytes.set(message.subarray(0, questionEnd));
    this.#at = questionEnd;
    this.#room = bytesMax - (hasEdns ? EDNS_BYTES : 0);
    this.#flags = FLAG.response | FLAG.recursionAvailable |
      (wordAt(message, 2) & FLAG.recursionDesired);
    this.#counts = { answer: 0, authority: 0, additional: 0 };
    if (this.#offsets.size > 0) this.#offsets.clear();
  }

  get hasAnswers(): boolean {
    return this.#counts.answer > 0;
  }

  get isTruncated(): boolean {
    return (this.#flags & FLAG.truncated) !== 0;
  }

  setAuthoritative(): void {
    this.#flags |= FLAG.authoritative;
  }

  setCode(code: number): void {
    this.#flags |= code & 15;
  }

  /** False when it does not fit: the answer then says that it is cut off. */
  answer(owner: string, record: RecordData): boolean {
    if (this.isTruncated) return false;
    if (this.#put(owner, record)) {
      this.#counts.answer++;
      return true;
    }
    this.#flags |= FLAG.truncated;
    return false;
  }

  authority(owner: string, record: RecordData): void {
    if (this.#put(owner, record)) this.#counts.authority++;
  }

  additional(owner: string, record: RecordData): void {
    if (this.#put(owner, record)) this.#counts.additional++;
  }

  finish(): Uint8Array {
    const { answer, authority, additional } = this.#counts, { hasEdns } = this.#query;
    const view = this.#view;
    view.setUint16(2, this.#flags);
    view.setUint16(4, 1);
    view.setUint16(6, answer);
    view.setUint16(8, authority);
    view.setUint16(10, additional + (hasEdns ? 1 : 0));
    if (hasEdns) this.#at = writeEdns(this.#bytes, this.#at, 0);
    return this.#bytes.subarray(0, this.#at);
  }

  #put(owner: string, { type, ttl, data }: RecordData): boolean {
    const known = offsetInQuestion(owner, this.#query.name) ?? this.#offsets.get(owner);
    const name = known === undefined ? nameBytes(owner) : undefined;
    if (known === undefined && name === undefined) return false; // no name is that long
    const nameLength = name?.length ?? 2;
    if (this.#at + nameLength + FIXED_BYTES + data.length > this.#room) return false;
    if (name === undefined) this.#view.setUint16(this.#at, POINTER | known!);
    else {
      this.#bytes.set(name, this.#at);
      if (this.#at <= POINTER_MAX) this.#offsets.set(owner, this.#at);
    }
    const at = this.#at + nameLength, view = this.#view;
    view.setUint16(at, type);
    view.setUint16(at + 2, CLASS.internet);
    view.setUint32(at + 4, ttl);
    view.setUint16(at + 8, data.length);
    this.#bytes.set(data, at + FIXED_BYTES);
    this.#at = at + FIXED_BYTES + data.length;
    return true;
  }
}

/** Where a name is in the question, if that is it or ends with it: a name without escapes has as many bytes as characters. */
function offsetInQuestion(owner: string, question: string): number | undefined {
  if (owner === question) return HEADER_BYTES;
  const before = question.length - owner.length;
  if (before < 2 || owner === "" || question[before - 1] !== ".") return undefined;
  return question.endsWith(owner) && !question.includes("\\") ? HEADER_BYTES + before : undefined;
}

/** The answer to what has no proper question. */
export function faultAnswer(
  message: Uint8Array,
  { code, questionEnd, hasEdns }: Fault,
): Uint8Array {
  const answer = new Uint8Array(questionEnd + (hasEdns ? EDNS_BYTES : 0));
  answer.set(message.subarray(0, questionEnd));
  const view = new DataView(answer.buffer);
  const kept = wordAt(message, 2) & (FLAG.recursionDesired | 0x7800);
  view.setUint16(2, FLAG.response | FLAG.recursionAvailable | kept | (code & 15));
  view.setUint16(4, questionEnd > HEADER_BYTES ? 1 : 0);
  view.setUint32(6, 0);
  view.setUint16(10, hasEdns ? 1 : 0);
  if (hasEdns) writeEdns(answer, questionEnd, code >> 4);
  return answer;
}

/** The answer to a query that could not be answered, or that may not be. */
export function errorAnswer(
  message: Uint8Array,
  { questionEnd, hasEdns }: Query,
  code: number = RCODE.serverFailure,
): Uint8Array {
  return faultAnswer(message, { code, questionEnd, hasEdns });
}

/** Returns where it ends. `extended`: the upper bits of the response code. */
function writeEdns(bytes: Uint8Array, at: number, extended: number): number {
  bytes.set([
    ...[0, 0, TYPE.OPT, UDP_BYTES_MAX >> 8, UDP_BYTES_MAX & 0xff, extended],
    ...[0, 0, 0, 0, 0],
  ], at);
  return at + EDNS_BYTES;
}
