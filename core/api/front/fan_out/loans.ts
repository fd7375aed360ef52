import { addressOf } from "../../../lib/linux/memory.ts";

/** Bytes lent in all. An answer that begins beyond that is copied through its socket. */
export const LENT_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes of the main thread that the TLS thread reads where they are. */
export interface Loan {
  readonly id: number;
  /** Where they are in memory, and how many. */
  readonly address: bigint;
  readonly length: number;
}

interface Lent {
  /** Referenced, so that their memory stays. */
  bytes: Uint8Array;
  resolve: () => void;
}

/** What the main thread has lent, by the id of the loan. */
export class Loans {
  readonly #lent = new Map<number, Lent>();
  #lastId = 0;
  #bytes = 0;

  get hasRoom(): boolean {
    return this.#bytes < LENT_BYTES_MAX;
  }

  /** `returned` resolves when the bytes are the caller's again. */
  lend(bytes: Uint8Array): { loan: Loan; returned: Promise<void> } {
    const id = this.#lastId = (this.#lastId + 1) >>> 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lent.set(id, { bytes, resolve });
    this.#bytes += bytes.length;
    return { loan: { id, address: addressOf(bytes), length: bytes.length }, returned: promise };
  }

  return(id: number): void {
    const lent = this.#lent.get(id);
    if (!lent) return;
    this.#lent.delete(id);
    this.#bytes -= lent.bytes.length;
    lent.resolve();
  }

  /** The borrower is gone. */
  returnAll(): void {
    for (const id of [...this.#lent.keys()]) this.return(id);
  }
}

/** A loan to a connection in 32-bit words. */
export function loanWords(connection: number, { id, address, length }: Loan): number[] {
  return [connection, id, Number(address & LOW_WORD), Number(address >> WORD_BITS), length];
}

/** `undefined`: the words are no loan. */
export function loanOf(words: Uint32Array): Loan | undefined {
  if (words.length !== LOAN_WORDS) return undefined;
  const [, id, low, high, length] = words;
  return { id: id!, address: BigInt(high!) << WORD_BITS | BigInt(low!), length: length! };
}

const WORD_BITS = 32n;
const LOW_WORD = 0xffff_ffffn;
const LOAN_WORDS = 5;
