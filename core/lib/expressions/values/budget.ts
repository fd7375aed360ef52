import { ExpressionError } from "./expression_error.ts";

/** What one evaluation may take: every node, element and some characters of text count as a step. */
const STEPS_MAX = 1_000_000;
/** How many elements and characters one evaluation may make. */
const MEMORY_MAX = 1_000_000;
/** Characters of a text that are looked at in one step. */
const CHARACTERS_PER_STEP = 16;

/** Bounds one evaluation; throws an {@linkcode ExpressionError} when it takes more. */
export class Budget {
  #steps = 0;
  #memory = 0;

  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > STEPS_MAX) {
      throw new ExpressionError(`evaluation takes more than ${STEPS_MAX} steps`);
    }
  }

  /** Texts of so many characters are looked at. */
  read(...texts: readonly string[]): void {
    for (const { length } of texts) this.step(length / CHARACTERS_PER_STEP);
  }

  /** So many elements or characters are made. */
  grow(size: number): void {
    this.#memory += size;
    if (this.#memory >= MEMORY_MAX) throw new ExpressionError("memory budget exceeded");
    this.step(size / CHARACTERS_PER_STEP);
  }
}
