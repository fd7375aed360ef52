/** A database in Deno KV of which this process is the owner: every write fails once another one has taken it over. */
export interface OwnedKv {
  /** For reading. */
  readonly kv: Deno.Kv;
  /** Of the database when it was taken over. */
  readonly format: number;
  /** Differs for each owner, and grows from one to the next. */
  readonly term: string;
  /** Writes what `add` puts in, all of it or nothing. Throws `FencedError` when another process owns it now. */
  write(add: (atomic: Deno.AtomicOperation) => void): Promise<void>;
  /** Throws `FencedError` when another process owns it now. From then on no write that failed is done any more. */
  assertOwned(): Promise<void>;
}
