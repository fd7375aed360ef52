import { Option } from "commander";
import { CommandError } from "../server/command_error.ts";
import { storePath } from "../server/data_folder.ts";

/**
 * The identity of a server: all other credentials can be derived from these or created anew. The key comes last: when it
 * is there, so are the others.
 */
export const CREDENTIALS_CARRIED: readonly { name: string; secret: boolean }[] = [
  { name: "ca.crt", secret: false },
  { name: "admin.token", secret: true },
  { name: "ca.key", secret: true },
];

/** The keys of Secrets, in a backup that was asked to carry them. */
export const SECRET_KEYS_CARRIED = "secrets.keys";

/** The `--data` of the commands that work on a server's store. */
export function dataOption(dataFolder: string): Option {
  return new Option("--data <dir>", "data folder of the server").default(dataFolder);
}

/** Does something with the store in the folder; errors are reported in one line that begins with `what`. */
export async function withStoreErrors<T>(
  what: string,
  act: (store: string) => Promise<T>,
  data: string,
): Promise<T> {
  const path = storePath(data);
  try {
    return await act(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message } = error;
    throw new CommandError(/^Cannot /.test(message) ? message : `${what}: ${message}`);
  }
}

/** `12.3 MiB`. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024
    ? `${Math.ceil(bytes / 1024)} KiB`
    : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
