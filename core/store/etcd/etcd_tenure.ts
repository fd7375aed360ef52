import type { Clock } from "../../lib/clock.ts";
import { type EtcdClient } from "./etcd_client.ts";
import { type EtcdLayout, jsonBase64, jsonFrom } from "./etcd_layout.ts";
import type { Compare, RangeAnswer, TransactionAnswer } from "./etcd_messages.ts";
import { FencedError } from "../journal.ts";
import { Ownership } from "../ownership.ts";
import type { Owner } from "../shared_engine.ts";

/** How many times a lease is renewed within its time. */
const KEEPS_PER_LEASE = 3;
/** How long resigning may take; after that, the lease expires by itself. */
const RESIGN_MS = 1_000;
/** etcd keeps its whole history until it is compacted; kube-apiserver compacts as often. */
const COMPACT_EVERY_MS = 5 * 60_000;

export interface EtcdTenureOptions {
  client: EtcdClient;
  layout: EtcdLayout;
  clock: Clock;
  leaseMs: number;
  self: Owner;
}

/** The key in etcd that makes this server the owner, with its lease. */
interface Mandate {
  /** Of the owner's key: no other claim has the same. */
  created: string;
  lease: string;
  /** Of the key that says who owned it last. */
  term: string;
}

/** Keeps the ownership of an engine: renews the lease, and knows for how long it is sure. */
export class EtcdTenure {
  readonly #options: EtcdTenureOptions;
  readonly #ownership: Ownership;
  #mandate: Mandate;
  /** One at a time: two would mistake each other for another server. */
  #renewing: Promise<void> | undefined;

  /** `undefined` when somebody else owns the engine. `headModified`: etcd's revision of the head, "0" for none. */
  static async claim(
    options: EtcdTenureOptions,
  ): Promise<{ tenure: EtcdTenure; head: RangeAnswer } | undefined> {
    const { layout } = options;
    const claimed = await claimWith(options, []);
    if (!claimed) return undefined;
    const tenure = new EtcdTenure(options, claimed.mandate, claimed.sentMs);
    try {
      const head = await options.client.ask<RangeAnswer>("/v3/kv/range", { key: layout.head });
      return { tenure, head };
    } catch (error) {
      await tenure.resign(); // else it would be kept alive, and nobody would lead
      throw error;
    }
  }

  private constructor(options: EtcdTenureOptions, mandate: Mandate, sentMs: number) {
    this.#options = options;
    this.#mandate = mandate;
    this.#ownership = new Ownership(options, sentMs);
    void this.#keep();
  }

  /** Resolves when another server has taken over. */
  get ended(): Promise<Error> {
    return this.#ownership.ended;
  }

  isSure(): boolean {
    return this.#ownership.isSure();
  }

  /** The conditions of every write: they fail once the lease has expired or somebody else is the owner. */
  get fence(): readonly Compare[] {
    const { created, lease } = this.#mandate;
    const key = this.#options.layout.owner;
    return [
      { key, result: "EQUAL", target: "CREATE", createRevision: created },
      { key, result: "EQUAL", target: "LEASE", lease },
    ];
  }

  /** After a write that the fence refused: claims the ownership again, if nobody else had it meanwhile. */
  renew(): Promise<void> {
    return this.#renewing ??= this.#renew().finally(() => this.#renewing = undefined);
  }

  async #renew(): Promise<void> {
    const { client, layout } = this.#options;
    const { kvs } = await client.ask<RangeAnswer>("/v3/kv/range", { key: layout.owner });
    if (kvs?.[0]?.create_revision === this.#mandate.created) return;
    if (this.#ownership.signal.aborted) throw givenUp();
    const term = this.#mandate.term;
    const claimed = await claimWith(this.#options, [
      { key: layout.term, result: "EQUAL", target: "MOD", modRevision: term },
    ]);
    if (!claimed) throw await this.#endedBy();
    if (this.#ownership.signal.aborted) { // meanwhile
      await this.#revoke(claimed.mandate.lease);
      throw givenUp();
    }
    this.#mandate = claimed.mandate;
    this.#ownership.renewed(claimed.sentMs);
  }

  /** Gives the engine up. Others may take over at once; when etcd does not answer, when the lease has run out. */
  async resign(): Promise<void> {
    if (this.#ownership.signal.aborted) return;
    this.#ownership.end("the engine was given up");
    await this.#revoke(this.#mandate.lease);
  }

  async #revoke(lease: string): Promise<void> {
    const { client } = this.#options;
    await client.ask("/v3/kv/lease/revoke", { ID: lease }, { attemptMs: RESIGN_MS })
      .catch(() => {}); // it runs out by itself
  }

  async #keep(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    const { signal } = this.#ownership;
    let compacted = { atMs: clock.elapsed(), revision: "0" };
    while (!signal.aborted) {
      try {
        await clock.sleep(leaseMs / KEEPS_PER_LEASE, signal);
        const revision = await this.#keepOnce(signal);
        if (clock.elapsed() - compacted.atMs < COMPACT_EVERY_MS) continue;
        await this.#compactUpTo(compacted.revision);
        compacted = { atMs: clock.elapsed(), revision };
      } catch (error) {
        if (error instanceof FencedError) return;
        // etcd cannot be reached: `isSure` says so once the lease may have run out, and the next turn tries again
      }
    }
  }

  /** Etcd's revision. */
  async #keepOnce(signal: AbortSignal): Promise<string> {
    const { client, clock, leaseMs } = this.#options;
    const sentMs = clock.elapsed();
    const { result } = await client.ask<{ result: LeaseAnswer }>(
      "/v3/lease/keepalive",
      { ID: this.#mandate.lease },
      { signal, attemptMs: leaseMs / KEEPS_PER_LEASE },
    );
    if (Number(result.TTL ?? 0) > 0) this.#ownership.renewed(sentMs);
    else await this.renew();
    return result.header.revision;
  }

  /** Watchers that are further behind load everything anew. */
  async #compactUpTo(revision: string): Promise<void> {
    if (revision === "0") return;
    await this.#options.client.ask("/v3/kv/compaction", { revision }).catch(() => {}); // somebody else has compacted it already
  }

  async #endedBy(): Promise<FencedError> {
    const { client, layout } = this.#options;
    this.#ownership.end("the engine was taken over");
    const { kvs } = await client.ask<RangeAnswer>("/v3/kv/range", { key: layout.owner })
      .catch((): { kvs?: undefined } => ({})); // the message does without the name
    const owner = kvs?.[0]?.value === undefined ? undefined : jsonFrom<Owner>(kvs[0].value);
    const error = new FencedError(
      `Cannot write: the server at "${
        owner?.address ?? "unknown"
      }" has taken over the store in etcd; this one no longer owns it`,
    );
    this.#ownership.tell(error);
    return error;
  }
}

function givenUp(): FencedError {
  return new FencedError("Cannot write: this server has given up the store in etcd");
}

interface LeaseAnswer {
  header: { revision: string };
  ID: string;
  TTL?: string;
}

/** Makes the owner's key, with a new lease, if there is none and `conditions` hold. */
async function claimWith(
  { client, layout, clock, leaseMs, self }: EtcdTenureOptions,
  conditions: readonly Compare[],
): Promise<{ mandate: Mandate; sentMs: number } | undefined> {
  const { owner, term } = layout;
  const sentMs = clock.elapsed();
  const { ID: lease } = await client.ask<LeaseAnswer>("/v3/lease/grant", { TTL: leaseMs / 1000 });
  const answer = await client.ask<TransactionAnswer>("/v3/kv/txn", {
    compare: [
      { key: owner, result: "EQUAL", target: "CREATE", createRevision: "0" },
      ...conditions,
    ],
    success: [
      { requestPut: { key: owner, value: jsonBase64(self), lease } },
      { requestPut: { key: term, value: jsonBase64(self) } },
    ],
    failure: [{ requestRange: { key: owner } }, { requestRange: { key: term } }],
  });
  const { revision } = answer.header;
  if (answer.succeeded) return { mandate: { created: revision, lease, term: revision }, sentMs };
  const [ownerNow, termNow] = (answer.responses ?? []).map((one) => one.response_range?.kvs?.[0]);
  if (ownerNow?.lease === lease) { // the answer to an attempt before this one was lost
    const mandate = { created: ownerNow.create_revision, lease, term: termNow!.mod_revision };
    return { mandate, sentMs };
  }
  await client.ask("/v3/kv/lease/revoke", { ID: lease }).catch(() => {}); // it runs out by itself
  return undefined;
}
