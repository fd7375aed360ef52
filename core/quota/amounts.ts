import { formatQuantity, parseQuantity, type Quantity } from "../schema/quantities.ts";

/** Exact amounts by name, such as `requests.cpu`. */
export type Amounts = ReadonlyMap<string, Quantity>;

const ONE: Quantity = { nanos: 10n ** 9n, format: "decimal" };
const ZERO: Quantity = { nanos: 0n, format: "decimal" };

/** A number of objects. */
export function countOf(count: number): Quantity {
  if (count === 0) return ZERO;
  return count === 1 ? ONE : { nanos: BigInt(count) * ONE.nanos, format: "decimal" };
}

/** Quantities of a stored object: they were checked when it was admitted. */
export function amountsFrom(quantities: Readonly<Record<string, string>> = {}): Amounts {
  return new Map(Object.entries(quantities).map(([name, text]) => [name, parseQuantity(text)]));
}

/** `a + b`, in the format of `a`, or of `b` when there is nothing of `a`. */
export function plus(a: Quantity | undefined, b: Quantity): Quantity {
  if (a === undefined || a.nanos === 0n) return b;
  return { nanos: a.nanos + b.nanos, format: a.format };
}

export function minus(a: Quantity | undefined, b: Quantity): Quantity {
  return a === undefined
    ? { nanos: -b.nanos, format: b.format }
    : { nanos: a.nanos - b.nanos, format: a.format };
}

export function sumOf(a: Amounts, b: Amounts): Amounts {
  const sum = new Map(a);
  for (const [name, amount] of b) sum.set(name, plus(sum.get(name), amount));
  return sum;
}

/** Of each name the larger amount. */
export function largerOf(a: Amounts, b: Amounts): Amounts {
  const most = new Map(a);
  for (const [name, amount] of b) {
    const other = most.get(name);
    if (other === undefined || amount.nanos > other.nanos) most.set(name, amount);
  }
  return most;
}

/** What `next` uses more than `previous`; nothing where it uses less. */
export function growthOf(next: Amounts, previous: Amounts): Amounts {
  const growth = new Map<string, Quantity>();
  for (const [name, amount] of next) {
    const more = amount.nanos - (previous.get(name)?.nanos ?? 0n);
    if (more > 0n) growth.set(name, { nanos: more, format: amount.format });
  }
  return growth;
}

/** As messages list them: `pods=1,requests.cpu=2`, in the order of their names. */
export function amountsText(amounts: Iterable<readonly [string, Quantity]>): string {
  return [...amounts].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, amount]) => `${name}=${formatQuantity(amount)}`).join(",");
}
