/**
 * For what may be missing: `await Deno.remove(path).catch(ifAbsent)`. Returns `undefined` when a file, folder or process
 * does not exist; rethrows every other error.
 */
export function ifAbsent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
