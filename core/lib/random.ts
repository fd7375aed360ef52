/** Where chance comes from. Seeded, so that a run can be repeated. Never for keys and tokens. */
export class Random {
  readonly #state: Uint32Array<ArrayBuffer>;

  /** `seed`: any 32-bit number. Equal seeds give equal sequences. */
  constructor(seed: number) {
    this.#state = Uint32Array.of(seed, seed ^ 0x9e3779b9, seed ^ 0x243f6a88, 1);
    for (let i = 0; i < 16; i++) this.#draw(); // similar seeds must not give similar sequences
  }

  /** A generator seeded with 128 bits by the operating system: its uuids are unique. */
  static fromSystem(): Random {
    const random = new Random(0);
    crypto.getRandomValues(random.#state);
    return random;
  }

  /** A number in [0, 1). */
  next(): number {
    return this.#draw() / 2 ** 32;
  }

  /** A whole number in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items; `undefined` when there are none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.integer(items.length)];
  }

  /** The items in another order, each order equally likely. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const other = this.integer(i + 1);
      [result[i], result[other]] = [result[other]!, result[i]!];
    }
    return result;
  }

  /**
   * Lower-case letters and digits, without vowels and look-alikes: safe in object names.
   * The alphabet of Kubernetes' `apimachinery/pkg/util/rand`.
   */
  suffix(length: number): string {
    const alphabet = "bcdfghjklmnpqrstvwxz2456789";
    let text = "";
    while (text.length < length) text += alphabet[this.integer(alphabet.length)];
    return text;
  }

  /** A version 4 UUID (RFC 9562), for `metadata.uid`. */
  uuid(): string {
    const [a, b, c, d] = [this.#hex(), this.#hex(), this.#hex(), this.#hex()];
    const variant = "89ab"[this.integer(4)]!;
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`;
  }

  #hex(): string {
    return this.#draw().toString(16).padStart(8, "0");
  }

  /** A 32-bit number by sfc32, Chris Doty-Humphrey's PractRand generator: 128 bits of state. */
  #draw(): number {
    const state = this.#state;
    // By index: destructuring a typed array costs ten times as much.
    const [a, b, c, counter] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const drawn = (a + b + counter) >>> 0;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + drawn;
    state[3] = counter + 1;
    return drawn;
  }
}
