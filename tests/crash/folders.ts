/**
 * Runs `body` with a temporary folder, which is removed afterwards, also when `body` throws. It is in `place` when that
 * exists and is writable.
 */
export async function inTemporaryFolder<T>(
  body: (folder: string) => Promise<T>,
  place?: string,
): Promise<T> {
  const folder = await temporaryFolder(place);
  try {
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function temporaryFolder(place: string | undefined): Promise<string> {
  const prefix = "coracle-crash-";
  if (place === undefined) return await Deno.makeTempDir({ prefix });
  try {
    return await Deno.makeTempDir({ prefix, dir: place });
  } catch {
    return await Deno.makeTempDir({ prefix }); // not on this system
  }
}
