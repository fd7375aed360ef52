/** Longest cycle that is kept exactly. Weights that need a longer one are rounded to this many parts. */
export const SLOTS_MAX = 100_000;

/**
 * The order in which shares take turns: smooth weighted round-robin, as nginx does it. One full cycle, and so any
 * run of `slots.length` turns, gives each share exactly its weight, spread as evenly as can be. Empty when no
 * weight is above zero.
 *
 * Exact for weights whose sum, divided by their greatest common divisor, is at most {@linkcode SLOTS_MAX}; above
 * that each share is off by at most one slot, and each that has a weight gets one slot at least.
 *
 * @example Nine to one
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...slotsOf([9, 1])], [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
 * ```
 */
export function slotsOf(weights: readonly number[]): Uint16Array {
  const parts = proportionsOf(weights);
  const total = parts.reduce((sum, part) => sum + part, 0);
  const slots = new Uint16Array(total);
  const current = parts.map(() => 0);
  for (let slot = 0; slot < total; slot++) {
    let best = 0;
    for (let i = 0; i < parts.length; i++) {
      current[i]! += parts[i]!;
      if (current[i]! > current[best]!) best = i;
    }
    current[best]! -= total;
    slots[slot] = best;
  }
  return slots;
}

/** The smallest whole numbers in the same proportion, rounded when even they are too many. */
function proportionsOf(weights: readonly number[]): number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  if (divisor === 0) return [];
  const parts = weights.map((weight) => weight / divisor);
  const total = parts.reduce((sum, part) => sum + part, 0);
  if (total <= SLOTS_MAX) return parts;
  return parts.map((part) => part === 0 ? 0 : Math.max(1, Math.round(part / total * SLOTS_MAX)));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * Deals requests to shares in the order of {@linkcode slotsOf}. The position is a cell of shared memory, so that
 * all worker threads deal from one cycle: at most one request off in any full cycle, whatever the concurrency.
 */
export class Balancer {
  readonly #slots: Uint16Array;
  readonly #positions: Int32Array;
  readonly #cell: number;

  constructor(slots: Uint16Array, positions: Int32Array, cell: number) {
    this.#slots = slots;
    this.#positions = positions;
    this.#cell = cell;
  }

  /** Index of the share whose turn it is; -1 when there is none. Each call is one turn. */
  next(): number {
    const { length } = this.#slots;
    if (length === 0) return -1;
    return this.#slots[(Atomics.add(this.#positions, this.#cell, 1) >>> 0) % length]!;
  }
}
