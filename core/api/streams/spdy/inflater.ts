/**
 * Inflates the header blocks of one direction of a SPDY connection: one zlib stream (RFC 1950, 1951) whose parts end with
 * a flush to a whole byte, as Go's writer makes them. Without I/O, and bounded: a bomb is refused when it passes the limit,
 * not after.
 */

/** What a deflate stream can refer back to. */
const WINDOW_BYTES = 32 * 1024;
const END_OF_BLOCK = 256;
const BITS_MAX = 15;

/** The block cannot be read, or is too large. */
export class InflateError extends Error {
  override name = "InflateError";
}

/** A canonical Huffman code: RFC 1951, section 3.2.2. */
interface Huffman {
  /** How many codes there are of each length. */
  counts: Uint16Array;
  /** The symbols, by length and value. */
  symbols: Uint16Array;
}

export class Inflater {
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #windowAt = 0;
  #windowUsed = 0;
  readonly #dictionary: Uint8Array;
  #hasHead = false;
  #isOver = false;
  #input: Uint8Array = new Uint8Array();
  #at = 0;
  #bits = 0;
  #bitCount = 0;
  #output: Uint8Array = new Uint8Array();
  #length = 0;

  constructor(dictionary: Uint8Array) {
    this.#dictionary = dictionary;
  }

  /** Inflates the next part, which must end at the end of a deflate block. Throws an {@linkcode InflateError}. */
  inflate(part: Uint8Array, bytesMax: number): Uint8Array {
    this.#input = part;
    this.#at =
      this.#bits =
      this.#bitCount =
      this.#length =
        0;
    this.#output = new Uint8Array(bytesMax);
    if (!this.#hasHead) this.#readHead();
    while (this.#at < part.length) {
      if (this.#isOver) throw new InflateError("the stream of headers has ended");
      this.#block();
    }
    return this.#output.slice(0, this.#length);
  }

  /** RFC 1950, section 2.2. */
  #readHead(): void {
    const [method = 0, flags = 0] = this.#input;
    if (this.#input.length < 2 || (method & 0x0f) !== 8 || (method << 8 | flags) % 31 !== 0) {
      throw new InflateError("headers are not compressed by zlib");
    }
    this.#at = flags & 0x20 ? 6 : 2;
    if (flags & 0x20) { for (const byte of this.#dictionary) this.#remember(byte); }
    this.#hasHead = true;
  }

  #block(): void {
    this.#isOver = this.#take(1) === 1;
    const type = this.#take(2);
    if (type === 0) return this.#stored();
    if (type === 3) throw new InflateError("an unknown type of block");
    const [lengths, distances] = type === 1 ? FIXED : this.#dynamicCodes();
    this.#compressed(lengths, distances);
    // What is left of the byte belongs to the next block, if there is one in this part.
  }

  #stored(): void {
    this.#bits = this.#bitCount = 0;
    const length = this.#byte() | this.#byte() << 8;
    const check = this.#byte() | this.#byte() << 8;
    if ((length ^ 0xffff) !== check) throw new InflateError("a stored block is damaged");
    for (let i = 0; i < length; i++) this.#put(this.#byte());
  }

  #compressed(lengths: Huffman, distances: Huffman): void {
    for (;;) {
      const symbol = this.#symbol(lengths);
      if (symbol < END_OF_BLOCK) this.#put(symbol);
      else if (symbol === END_OF_BLOCK) return;
      else this.#copy(symbol - END_OF_BLOCK - 1, this.#distanceCode(distances));
    }
  }

  /** The extra bits of a length come before its distance. */
  #distanceCode(distances: Huffman): () => number {
    return () => {
      const symbol = this.#symbol(distances);
      const base = DISTANCE_BASES[symbol];
      if (base === undefined) throw new InflateError("an unknown distance");
      return base + this.#take(DISTANCE_BITS[symbol]!);
    };
  }

  #copy(lengthSymbol: number, distanceOf: () => number): void {
    const base = LENGTH_BASES[lengthSymbol];
    if (base === undefined) throw new InflateError("an unknown length");
    const length = base + this.#take(LENGTH_BITS[lengthSymbol]!);
    const distance = distanceOf();
    if (distance > this.#windowUsed) throw new InflateError("a distance is too far back");
    for (let i = 0; i < length; i++) {
      this.#put(this.#window[(this.#windowAt - distance) & (WINDOW_BYTES - 1)]!);
    }
  }

  /** RFC 1951, section 3.2.7. */
  #dynamicCodes(): readonly [Huffman, Huffman] {
    const lengthCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const codeCount = this.#take(4) + 4;
    const codeLengths = new Uint8Array(19);
    for (let i = 0; i < codeCount; i++) codeLengths[CODE_ORDER[i]!] = this.#take(3);
    const codes = huffmanOf(codeLengths);
    const lengths = new Uint8Array(lengthCount + distanceCount);
    for (let at = 0; at < lengths.length;) {
      const symbol = this.#symbol(codes);
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      const value = symbol === 16 ? lengths[at - 1] : 0;
      const count = symbol === 16
        ? 3 + this.#take(2)
        : symbol === 17
        ? 3 + this.#take(3)
        : 11 + this.#take(7);
      if (value === undefined || at + count > lengths.length) {
        throw new InflateError("code lengths are damaged");
      }
      lengths.fill(value, at, at += count);
    }
    return [
      huffmanOf(lengths.subarray(0, lengthCount)),
      huffmanOf(lengths.subarray(lengthCount)),
    ];
  }

  #symbol({ counts, symbols }: Huffman): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= BITS_MAX; length++) {
      code |= this.#take(1);
      const count = counts[length]!;
      if (code - first < count) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new InflateError("an unknown code");
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      this.#bits |= this.#byte() << this.#bitCount;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #byte(): number {
    const byte = this.#input[this.#at++];
    if (byte === undefined) throw new InflateError("headers are cut off");
    return byte;
  }

  #put(byte: number): void {
    if (this.#length === this.#output.length) throw new InflateError("headers are too large");
    this.#output[this.#length++] = byte;
    this.#remember(byte);
  }

  #remember(byte: number): void {
    this.#window[this.#windowAt] = byte;
    this.#windowAt = (this.#windowAt + 1) & (WINDOW_BYTES - 1);
    if (this.#windowUsed < WINDOW_BYTES) this.#windowUsed++;
  }
}

/** Throws an {@linkcode InflateError} for lengths that no code can have. */
function huffmanOf(lengths: Uint8Array): Huffman {
  const counts = new Uint16Array(BITS_MAX + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  let left = 1;
  for (let length = 1; length <= BITS_MAX; length++) {
    left = (left << 1) - counts[length]!;
    if (left < 0) throw new InflateError("too many codes");
  }
  const offsets = new Uint16Array(BITS_MAX + 2);
  for (let length = 1; length <= BITS_MAX; length++) {
    offsets[length + 1] = offsets[length]! + counts[length]!;
  }
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[offsets[length]!++] = symbol;
  });
  return { counts, symbols };
}

/** RFC 1951, sections 3.2.5 to 3.2.7. */
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LENGTH_BITS = [
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0],
];
const LENGTH_BASES = [...basesOf(3, LENGTH_BITS.slice(0, 28)), 258];
const DISTANCE_BITS = Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1));
const DISTANCE_BASES = basesOf(1, DISTANCE_BITS);
const FIXED: readonly [Huffman, Huffman] = [
  huffmanOf(
    Uint8Array.from({ length: 288 }, (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8),
  ),
  huffmanOf(new Uint8Array(30).fill(5)),
];

function basesOf(first: number, bits: readonly number[]): readonly number[] {
  let base = first;
  return bits.map((count) => {
    const own = base;
    base += 1 << count;
    return own;
  });
}
