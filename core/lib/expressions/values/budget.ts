import { ExpressionError } from "./expression_error.ts";

/** What one evaluation may take: every node, element and some characters of text count as a step. */
const STEPS_MAX = 500_000;
/** How many elements and characters one evaluation may make. */
const MEMORY_MAX = 1_000_000;
/** Characters of a text that are looked at in one step. */
const CHARACTERS_PER_STEP = 16;

/** Elements of a list that are made in one step. */
const ELEMENTS_PER_STEP = 2;

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

  /** So many characters are made. */
  grow(size: number): void {
    this.#memory += size;
    if (this.#memory >= MEMORY_MAX) throw new ExpressionError("memory budget exceeded");
    this.step(size / CHARACTERS_PER_STEP);
  }

  /** A list of so many elements is made. */
  list(length: number): void {
    this.grow(length);
    this.step(length / ELEMENTS_PER_STEP);
  }
}
