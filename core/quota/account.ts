import { isEqual } from "../lib/equality.ts";
import { formatQuantity, parseQuantity, type Quantity } from "../schema/quantities.ts";
import type { ResourceQuota } from "../resources/core/quotas/resource_quotas.ts";
import type { KubeObject } from "../resources/resource.ts";
import { type Amounts, countOf, minus, plus } from "./amounts.ts";
import { isInScopes, scopesOf } from "./scopes.ts";
import { areCounts, countUsage, kindUsing, overdueMsOf, usageOf } from "./usage.ts";

/** An object in a namespace. Its content is read only where more than its number counts. */
export interface Counted {
  readonly name: string;
  readonly object: KubeObject;
}

/**
 * What the objects of a namespace use of one quota, kept up to date change by change.
 *
 * Besides what is stored it holds claims: what writes under way will use, until they can be seen or have failed. So
 * two writes that are decided one after the other never pass a quota that has room for one.
 */
export class QuotaAccount {
  readonly spec: ResourceQuota["spec"];
  /** What is limited, by the kind whose objects use it. */
  readonly namesByKind: ReadonlyMap<string, readonly string[]>;
  readonly #hard: Amounts;
  readonly #scopes: ReturnType<typeof scopesOf>;
  readonly #used = new Map<string, Quantity>();
  /** By kind and name of the object. */
  readonly #usages = new Map<string, Amounts>();
  readonly #claims = new Map<string, Amounts[]>();
  /** Pods that are being deleted, and when they stop counting. */
  readonly #due = new Map<string, { item: Counted; dueMs: number }>();
  /** None of them stops counting before. */
  #nextDueMs = Infinity;

  constructor({ spec }: ResourceQuota) {
    this.spec = spec;
    this.#scopes = scopesOf(spec);
    const hard = Object.entries(spec.hard ?? {});
    this.#hard = new Map(hard.map(([name, text]) => [name, parseQuantity(text)]));
    const namesByKind = new Map<string, string[]>();
    for (const name of this.#hard.keys()) {
      const kind = kindUsing(name);
      if (kind === undefined) continue;
      const names = namesByKind.get(kind);
      if (names) names.push(name);
      else namesByKind.set(kind, [name]);
    }
    this.namesByKind = namesByKind;
  }

  /** Whether it counts by the spec of this version of the quota. */
  isOf({ spec }: ResourceQuota): boolean {
    return spec === this.spec || isEqual(spec, this.spec);
  }

  /** The limit of one name. */
  hard(name: string): Quantity {
    return this.#hard.get(name)!;
  }

  /** What is used now, with what has been claimed. */
  used(name: string): Quantity {
    return this.#used.get(name) ?? countOf(0);
  }

  /** What is used of all that `kinds` use, as the status of the quota shows it. */
  usedText(kinds: (kind: string) => boolean): Record<string, string> {
    const shown: Record<string, string> = {};
    for (const name of this.#hard.keys()) {
      const kind = kindUsing(name);
      if (kind === undefined || !kinds(kind)) continue;
      Object.defineProperty(shown, name, {
        value: formatQuantity(this.used(name)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return shown;
  }

  /** What the object would use; `undefined`: the quota is not about it. */
  usageOf(kind: string, object: KubeObject, nowMs: number): Amounts | undefined {
    const names = this.namesByKind.get(kind);
    if (!names || !isInScopes(kind, object, this.#scopes)) return undefined;
    return masked(usageOf(kind, object, nowMs), names);
  }

  /** The object is there, as it is now. */
  put(kind: string, item: Counted, nowMs: number): void {
    const names = this.namesByKind.get(kind);
    if (!names) return;
    const key = `${kind}/${item.name}`;
    this.#settleClaim(key);
    const isOnlyCounted = this.#scopes.length === 0 && areCounts(kind, names);
    const usage = isOnlyCounted
      ? masked(countUsage(kind), names)
      : this.usageOf(kind, item.object, nowMs);
    this.#set(key, usage);
    const dueMs = kind === "pods" && !isOnlyCounted ? overdueMsOf(item.object) : undefined;
    if (usage && dueMs !== undefined && dueMs >= nowMs) {
      this.#due.set(key, { item, dueMs });
      this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
    } else this.#due.delete(key);
  }

  /** The object is gone. */
  take(kind: string, name: string): void {
    const key = `${kind}/${name}`;
    this.#settleClaim(key);
    this.#set(key, undefined);
    this.#due.delete(key);
  }

  /** Counts no more what is overdue. Returns when the next pod will be; `undefined`: none. */
  settle(nowMs: number): number | undefined {
    if (this.#nextDueMs < nowMs) {
      this.#nextDueMs = Infinity;
      for (const { item, dueMs } of [...this.#due.values()]) {
        if (dueMs < nowMs) this.put("pods", item, nowMs);
        else this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
      }
    }
    return this.#due.size === 0 ? undefined : this.#nextDueMs;
  }

  /** Counts what a write is going to use, until the object can be seen or the claim is given back. */
  claim(kind: string, name: string, usage: Amounts): () => void {
    const key = `${kind}/${name}`;
    const claims = this.#claims.get(key) ?? [];
    claims.push(usage);
    this.#claims.set(key, claims);
    this.#add(usage);
    return () => {
      if (claims.includes(usage)) this.#dropClaim(key, claims, claims.indexOf(usage));
    };
  }

  /** The oldest write to this object can be seen now. */
  #settleClaim(key: string): void {
    const claims = this.#claims.get(key);
    if (claims) this.#dropClaim(key, claims, 0);
  }

  #dropClaim(key: string, claims: Amounts[], at: number): void {
    const [usage] = claims.splice(at, 1);
    if (usage) this.#subtract(usage);
    if (claims.length === 0 && this.#claims.get(key) === claims) this.#claims.delete(key);
  }

  #set(key: string, usage: Amounts | undefined): void {
    const before = this.#usages.get(key);
    if (before) this.#subtract(before);
    if (usage && usage.size > 0) {
      this.#usages.set(key, usage);
      this.#add(usage);
    } else this.#usages.delete(key);
  }

  #add(usage: Amounts): void {
    for (const [name, amount] of usage) this.#used.set(name, plus(this.#used.get(name), amount));
  }

  #subtract(usage: Amounts): void {
    for (const [name, amount] of usage) this.#used.set(name, minus(this.#used.get(name), amount));
  }
}

function masked(usage: Amounts, names: readonly string[]): Amounts {
  const shown = new Map<string, Quantity>();
  for (const name of names) {
    const amount = usage.get(name);
    if (amount) shown.set(name, amount);
  }
  return shown;
}
