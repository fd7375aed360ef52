/** Runs a scenario with a path for a store's file, in a folder that is removed afterwards. */
export async function inDirectory(scenario: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "coracle_" });
  try {
    await scenario(`${directory}/store.kv`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
