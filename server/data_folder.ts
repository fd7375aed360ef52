import { makePrivateFolder, SharedFolderError } from "../core/lib/linux/private_folder.ts";
import { CommandError } from "./command_error.ts";

/** The data folder of root. */
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

/**
 * Creates the folder (0700), and checks that it is writable and that nobody else has access to it. Resolves with its
 * real path. Throws a {@linkcode CommandError} that says what is wrong and what to do.
 */
export async function prepareDataFolder(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const real = await Deno.realPath(folder);
    await makePrivateFolder(real);
    const probe = await Deno.makeTempFile({ dir: real, prefix: ".probe-" });
    await Deno.remove(probe);
    return real;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof SharedFolderError) {
      throw new CommandError(
        `Cannot keep data and keys in a folder that others can change or read: ${error.message}`,
      );
    }
    throw new CommandError(
      `Cannot keep data in "${folder}": ${error.message}; choose a folder that can be written with --data`,
    );
  }
}
