import { AnswerWriter, errorAnswer, faultAnswer } from "../messages/answer_writer.ts";
import { MESSAGE_BYTES_MAX, RCODE, TYPE } from "../messages/codes.ts";
import type { Lookup, OwnedRecord } from "../messages/lookup.ts";
import { type Query, readQuery } from "../messages/query.ts";
import type { Forwarder } from "../upstream/forwarder.ts";
import type { ZoneRecord } from "../zone/service_records.ts";
import { type Zone, ZONE_TTL } from "../zone/zone.ts";

/** CNAMEs that lead from one to the other within the cluster. */
const CHAIN_MAX = 8;
/** Targets of SRV records whose addresses are told with them. */
const TARGETS_MAX = 16;
const NO_RECORDS: readonly never[] = [];

/**
 * Answers DNS messages: names of the cluster from its zone, all others by asking other servers.
 *
 * A name without a dot never leaves the node: resolvers try it when every search domain has failed, and some wait for seconds
 * when a server refuses it.
 */
export class Resolver {
  readonly #zone: Zone;
  readonly #forwarder: Pick<Forwarder, "lookup" | "notice">;
  readonly #writer = new AnswerWriter();
  /** Which of several addresses comes first: clients take the first. */
  #turn = 0;

  constructor(zone: Zone, forwarder: Pick<Forwarder, "lookup" | "notice">) {
    this.#zone = zone;
    this.#forwarder = forwarder;
  }

  /**
   * The answer, at once or later; `undefined` for what gets none. What comes at once is valid until the next call. Never
   * throws and never rejects, whatever the message is.
   */
  answer(
    message: Uint8Array,
    { isStream }: { isStream: boolean },
  ): Uint8Array | Promise<Uint8Array> | undefined {
    const received = readQuery(message);
    if (received === undefined) return undefined;
    if ("fault" in received) return faultAnswer(message, received.fault);
    const { query } = received;
    const bytesMax = isStream ? MESSAGE_BYTES_MAX : query.udpBytesMax;
    const { aliases, last } = this.#follow(query);
    if (this.#zone.holds(last)) {
      return this.#write(message, query, {
        bytesMax,
        aliases,
        found: this.#ownLookup(last, query),
      });
    }
    if (query.type === TYPE.ANY) return errorAnswer(message, query, RCODE.notImplemented);
    this.#forwarder.notice(last);
    if (last !== "" && !last.includes(".")) {
      const found = { code: RCODE.nameError, answers: NO_RECORDS };
      return this.#write(message, query, { bytesMax, aliases, found });
    }
    const found = this.#forwarder.lookup({ name: last, type: query.type });
    if (!(found instanceof Promise)) {
      return this.#write(message, query, { bytesMax, aliases, found });
    }
    const asked = message.slice(0, query.questionEnd);
    return found.then((late) =>
      this.#write(asked, query, { bytesMax, aliases, found: late }).slice()
    );
  }

  /** Follows names that stand for others, as long as they are the cluster's. */
  #follow({ name, type }: Query): { aliases: readonly OwnedRecord[]; last: string } {
    let last = name, aliases: OwnedRecord[] | undefined;
    if (type === TYPE.CNAME || type === TYPE.ANY) return { aliases: NO_RECORDS, last };
    for (let i = 0; i < CHAIN_MAX; i++) {
      const alias = this.#zone.recordsAt(last)?.find((each) => each.type === TYPE.CNAME);
      if (alias?.target === undefined) break;
      (aliases ??= []).push({ owner: last, ttl: ZONE_TTL, type: alias.type, data: alias.data });
      last = alias.target;
    }
    return { aliases: aliases ?? NO_RECORDS, last };
  }

  #ownLookup(name: string, { type }: Query): Lookup {
    const records = this.#zone.recordsAt(name);
    const wanted = type === TYPE.ANY ? records?.[0]?.type : type; // RFC 8482: one of its types will do
    const fitting = records?.filter((record) => record.type === wanted) ?? NO_RECORDS;
    if (fitting.length === 0) {
      const start = owned(this.#zone.startFor(name));
      return { code: records ? RCODE.noError : RCODE.nameError, answers: NO_RECORDS, start };
    }
    const first = fitting.length > 1 ? this.#turn++ % fitting.length : 0;
    const answers = fitting.map((_, i) => owned(fitting[(first + i) % fitting.length]!));
    if (wanted !== TYPE.SRV) return { code: RCODE.noError, answers };
    return { code: RCODE.noError, answers, additional: this.#addressesOf(fitting) };
  }

  #addressesOf(servers: readonly ZoneRecord[]): OwnedRecord[] {
    return servers.slice(0, TARGETS_MAX).flatMap(({ target = "" }) =>
      (this.#zone.recordsAt(target) ?? [])
        .filter(({ type }) => type === TYPE.A || type === TYPE.AAAA).map(owned)
    );
  }

  #write(
    message: Uint8Array,
    query: Query,
    { bytesMax, aliases, found }: {
      bytesMax: number;
      aliases: readonly OwnedRecord[];
      found: Lookup;
    },
  ): Uint8Array {
    const writer = this.#writer;
    writer.begin(message, query, bytesMax);
    if (this.#zone.holds(query.name)) writer.setAuthoritative();
    writer.setCode(found.code);
    for (const record of aliases) writer.answer(record.owner, record);
    for (const record of found.answers) if (!writer.answer(record.owner, record)) break;
    if (found.start) writer.authority(found.start.owner, found.start);
    for (const record of found.additional ?? NO_RECORDS) writer.additional(record.owner, record);
    return writer.finish();
  }
}

function owned({ name, type, data }: ZoneRecord): OwnedRecord {
  return { owner: name, ttl: ZONE_TTL, type, data };
}
