/** A database in Deno KV that this process owns: every write fails once another process has taken it over. */
export interface OwnedKv {
  /** For reading. */
  readonly kv: Deno.Kv;
  /** The format of the database when it was taken over. */
  readonly format: number;
  /** Differs for each owner, and grows from one to the next. */
  readonly term: string;
  /** Writes what `add` adds, all of it or nothing. Throws `FencedError` when another process owns it now. */
  write(add: (atomic: Deno.AtomicOperation) => void): Promise<void>;
  /** Throws `FencedError` when another process owns it now. No failed write takes effect after it. */
  assertOwned(): Promise<void>;
}
