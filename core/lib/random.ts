/** Where chance comes from. Seeded, so that a run can be repeated. */
export class Random {
  #state: number;

  /** `seed`: any 32-bit number. Equal seeds give equal sequences. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator that nobody can predict from outside, seeded by the operating system. */
  static fromSystem(): Random {
    return new Random(crypto.getRandomValues(new Uint32Array(1))[0]!);
  }

  /** A number in [0, 1). Mulberry32: small, fast, good enough to shuffle and to name; never for keys. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /**
   * Lower-case letters and digits, without vowels and look-alikes: safe in object names.
   * The alphabet of Kubernetes' `apimachinery/pkg/util/rand`.
   */
  suffix(length: number): string {
    const alphabet = "bcdfghjklmnpqrstvwxz2456789";
    return Array.from({ length }, () => alphabet[Math.floor(this.next() * alphabet.length)]).join(
      "",
    );
  }

  /** A version 4 UUID (RFC 9562), for `metadata.uid`. */
  uuid(): string {
    const hex = Array.from({ length: 32 }, () => Math.floor(this.next() * 16).toString(16));
    hex[12] = "4";
    hex[16] = "89ab"[Math.floor(this.next() * 4)]!;
    const text = hex.join("");
    return [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]]
      .map(([from, to]) => text.slice(from, to)).join("-");
  }
}
