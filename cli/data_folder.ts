import { CommandError } from "./command.ts";

/** Where the data lies as root. */
export const ROOT_DATA_FOLDER = "/var/lib/coracle";

/**
 * Where a server keeps its data when `--data` does not say: `/var/lib/coracle` as root, else
 * `$XDG_DATA_HOME/coracle` (https://specifications.freedesktop.org/basedir-spec/latest/).
 */
export function defaultDataFolder(
  { uid, env }: { uid: number | null; env: (name: string) => string | undefined },
): string {
  if (uid === 0) return ROOT_DATA_FOLDER;
  const home = env("HOME") ?? ".";
  return `${env("XDG_DATA_HOME") || `${home}/.local/share`}/coracle`;
}

/** The default of this process. */
export function dataFolderOfProcess(): string {
  return defaultDataFolder({ uid: Deno.uid(), env: (name) => Deno.env.get(name) });
}

/** The store's file; its lock and its ballast lie beside it. */
export function storePath(folder: string): string {
  return `${folder}/store.kv`;
}

/** Makes the folder (0700) and proves that it can be written; says in one line why not and what to do. */
export async function prepareDataFolder(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const probe = await Deno.makeTempFile({ dir: folder, prefix: ".probe-" });
    await Deno.remove(probe);
    return await Deno.realPath(folder);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CommandError(
      `Cannot keep data in "${folder}": ${error.message}; choose a folder that can be written with --data`,
    );
  }
}
