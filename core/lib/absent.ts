/**
 * For what need not be there: `await Deno.remove(path).catch(ifAbsent)`. Gives `undefined` when a file, folder or
 * process is not there; throws whatever else went wrong.
 */
export function ifAbsent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
