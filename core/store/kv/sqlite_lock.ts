import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import { FORMAT_KEY } from "./kv_layout.ts";

/** How long to wait for another connection: the last transaction of a server that was shut out takes milliseconds. */
export const LOCKED_MS_MAX = 5_000;
/** Wait between attempts. */
const AGAIN_MS = 20;
const LOCKED = /database is locked/;

/** Another connection keeps the database locked. Nothing was written. */
export class SqliteLockError extends Error {
  override name = "SqliteLockError";

  constructor(options?: ErrorOptions) {
    super(
      `another process has kept the database locked for ${
        LOCKED_MS_MAX / 1_000
      } s; end it (fuser names it), ` +
        "or restart the machine when nothing ends it",
      options,
    );
  }
}

/**
 * Does `act`, and repeats it while another connection writes: Deno KV itself waits only in writes without checks, and all
 * of ours have a check. `act` must be idempotent. Rejects with
 * {@linkcode SqliteLockError} when the lock is kept too long.
 */
export async function onceUnlocked<T>(clock: Clock, act: () => Promise<T>): Promise<T> {
  const untilMs = clock.elapsed() + LOCKED_MS_MAX;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!LOCKED.test(String(error))) throw error;
      if (clock.elapsed() >= untilMs) throw new SqliteLockError({ cause: error });
    }
    await clock.sleep(AGAIN_MS);
  }
}

/**
 * Opens a database in Deno KV, whose first answer waits for another writer without a limit: this rejects with
 * {@linkcode SqliteLockError} instead.
 */
export async function openUnlocked(clock: Clock, path: string): Promise<Deno.Kv> {
  const kv = await onceUnlocked(clock, () => Deno.openKv(path));
  const answered = kv.get(FORMAT_KEY);
  try {
    await within(answered, { clock, ms: LOCKED_MS_MAX, late: () => new SqliteLockError() });
    return kv;
  } catch (error) {
    const close = () => kv.close(); // not before: it waits for the answer, and all else with it
    answered.then(close, close);
    throw error;
  }
}
