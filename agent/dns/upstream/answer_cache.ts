import { RCODE } from "../messages/codes.ts";
import { type Lookup, negativeTtlOf, type OwnedRecord } from "../messages/lookup.ts";

/** Answers that are kept; the one that was used longest ago makes room. */
const ANSWERS_MAX = 4_096;
/** A larger answer is not kept. */
const ANSWER_BYTES_MAX = 8_192;
/** Seconds that an answer counts as fresh at most: `cache 30` of Kubernetes' CoreDNS. */
const TTL_MAX = 30;
/** Of a negative answer that does not say it. */
const NEGATIVE_TTL = 5;
/** What clients are told of an answer that is not fresh (RFC 8767, 5). */
const STALE_TTL = 30;
/** After this long an answer is no longer told at all (RFC 8767, 6: one to three days). */
const STALE_MS_MAX = 86_400_000;

interface Kept {
  readonly lookup: Lookup;
  readonly storedMs: number;
  readonly ttl: number;
}

/** Answers of other servers. Those that are no longer fresh are kept for when these servers are away. */
export class AnswerCache {
  readonly #kept = new Map<string, Kept>();

  /** The answer while it is fresh, its times reduced by its age. */
  fresh(key: string, nowMs: number): Lookup | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const age = Math.floor((nowMs - kept.storedMs) / 1000);
    if (age >= kept.ttl) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return withTtl(kept.lookup, (ttl) => Math.max(1, Math.min(ttl, TTL_MAX) - age));
  }

  /** The answer, however old, for when there is no other. */
  stale(key: string, nowMs: number): Lookup | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || nowMs - kept.storedMs > STALE_MS_MAX) return undefined;
    return withTtl(kept.lookup, () => STALE_TTL);
  }

  /** Keeps an answer, if it may be kept. Returns it as it is to be told. */
  store(key: string, lookup: Lookup, nowMs: number): Lookup {
    const ttl = Math.min(TTL_MAX, ttlOf(lookup));
    this.#kept.delete(key);
    if (ttl > 0 && sizeOf(lookup) <= ANSWER_BYTES_MAX) {
      if (this.#kept.size >= ANSWERS_MAX) this.#kept.delete(this.#kept.keys().next().value!);
      this.#kept.set(key, { lookup, storedMs: nowMs, ttl });
    }
    return withTtl(lookup, (own) => Math.min(own, TTL_MAX));
  }
}

function ttlOf({ code, answers, start }: Lookup): number {
  const isNegative = code === RCODE.nameError || start !== undefined || answers.length === 0;
  const negative = start ? negativeTtlOf(start) : NEGATIVE_TTL;
  return Math.min(...answers.map(({ ttl }) => ttl), ...(isNegative ? [negative] : []));
}

function sizeOf({ answers, start }: Lookup): number {
  return [...answers, ...(start ? [start] : [])]
    .reduce((sum, { owner, data }) => sum + owner.length + data.length, 0);
}

function withTtl(lookup: Lookup, ttlFrom: (ttl: number) => number): Lookup {
  const changed = (record: OwnedRecord) => ({ ...record, ttl: ttlFrom(record.ttl) });
  const { start } = lookup;
  return {
    ...lookup,
    answers: lookup.answers.map(changed),
    ...(start && { start: changed(start) }),
  };
}
