import type { Clock } from "../lib/clock.ts";
import type { ResourceQuota } from "../resources/core/quotas/resource_quotas.ts";
import { type Counted, QuotaAccount } from "./account.ts";

/** Where the accounts learn what there is. */
export interface QuotaSource {
  quotasIn(namespace: string): readonly ResourceQuota[];
  objectsIn(kind: string, namespace: string): Iterable<Counted>;
  /** Calls `listener` after each change of an object of the kind; `isGone`: it is there no longer. Returns the stop. */
  follow(
    kind: string,
    listener: (namespace: string, item: Counted, isGone: boolean) => void,
  ): () => void;
}

/** The account of one quota. */
export interface OpenAccount {
  readonly quota: ResourceQuota;
  readonly account: QuotaAccount;
}

const NONE: readonly OpenAccount[] = [];

/**
 * The accounts of all quotas. Each is made when it is first asked for, by counting what its namespace holds once;
 * from then on it follows the changes. A namespace without a quota costs nothing.
 */
export class QuotaAccounts {
  readonly #source: QuotaSource;
  readonly #clock: Pick<Clock, "now">;
  /** By namespace and uid of the quota. */
  readonly #byNamespace = new Map<string, Map<string, QuotaAccount>>();
  /** Kinds that some account counts. */
  readonly #followed = new Map<string, () => void>();
  readonly #onChange: (namespace: string) => void;

  /** `onChange`: called after each change of what the accounts of a namespace count. */
  constructor(
    source: QuotaSource,
    clock: Pick<Clock, "now">,
    onChange: (namespace: string) => void = () => {},
  ) {
    this.#source = source;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Those of the namespace, as of now. */
  in(namespace: string): readonly OpenAccount[] {
    const quotas = this.#source.quotasIn(namespace);
    if (quotas.length === 0) {
      if (this.#byNamespace.size > 0) this.#byNamespace.delete(namespace);
      return NONE;
    }
    const before = this.#byNamespace.get(namespace);
    const accounts = new Map(quotas.map((quota) => {
      const known = before?.get(quota.metadata.uid);
      return [quota.metadata.uid, known?.isOf(quota) ? known : this.#opened(quota)] as const;
    }));
    this.#byNamespace.set(namespace, accounts);
    const nowMs = this.#clock.now();
    return quotas.map((quota) => {
      const account = accounts.get(quota.metadata.uid)!;
      account.settle(nowMs);
      return { quota, account };
    });
  }

  /** Ends all. */
  stop(): void {
    for (const stop of this.#followed.values()) stop();
    this.#followed.clear();
    this.#byNamespace.clear();
  }

  #opened(quota: ResourceQuota): QuotaAccount {
    const account = new QuotaAccount(quota);
    const nowMs = this.#clock.now();
    for (const kind of account.namesByKind.keys()) {
      this.#follow(kind);
      for (const item of this.#source.objectsIn(kind, quota.metadata.namespace)) {
        account.put(kind, item, nowMs);
      }
    }
    this.#follow("resourcequotas"); // so that what is gone is forgotten
    return account;
  }

  #follow(kind: string): void {
    if (this.#followed.has(kind)) return;
    const stop = this.#source.follow(kind, (namespace, item, isGone) => {
      const accounts = this.#byNamespace.get(namespace);
      if (!accounts) return;
      const nowMs = this.#clock.now();
      for (const account of accounts.values()) {
        if (isGone) account.take(kind, item.name);
        else account.put(kind, item, nowMs);
      }
      if (kind === "resourcequotas") this.in(namespace);
      this.#onChange(namespace);
    });
    this.#followed.set(kind, stop);
  }
}
