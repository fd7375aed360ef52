import type { Command } from "commander";
import { CredentialFiles } from "../core/api/access/credential_files.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { mergedKeys, secretKeysFrom } from "../core/store/encryption/secret_keys.ts";
import { SecretKeyFile } from "../core/store/encryption/secret_key_file.ts";
import type { Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess, prepareDataFolder } from "../server/data_folder.ts";
import {
  CREDENTIALS_CARRIED,
  dataOption,
  SECRET_KEYS_CARRIED,
  withStoreErrors,
} from "./store_access.ts";

export function restoreCommand(program: Command, terminal: Terminal): void {
  program.command("restore <file>")
    .description(
      "replace the store in the data folder by that of a backup; no server may be running",
    )
    .addOption(dataOption(dataFolderOfProcess()))
    .action(async (file: string, flags: { data: string }) => {
      const data = await prepareDataFolder(flags.data);
      const { restore } = await import("../core/store/kv/store_restoration.ts");
      const time = new Date(new SystemClock().now()).toISOString().replace(/[-:]|\.\d+/g, "");
      const { report, setAside } = await withStoreErrors(
        `Cannot restore from "${file}"`,
        (store) =>
          restore(
            { source: file, store, time },
            (carried, report) => putBack(data, carried, report),
          ),
        data,
      );
      terminal.out(`Restored ${report.objects} objects at revision ${report.revision}\n`);
      if (setAside !== undefined) terminal.out(`The previous store is kept in ${setAside}\n`);
    });
}

/** Restores the server's identity, unless the folder has one. */
async function putBack(
  data: string,
  carried: ReadonlyMap<string, string>,
  { keyIds }: { keyIds: readonly string[] },
): Promise<void> {
  await putBackKeys(new SecretKeyFile(data), carried.get(SECRET_KEYS_CARRIED), keyIds);
  const files = new CredentialFiles(data);
  if (await files.read("ca.key") !== undefined) return;
  for (const { name, secret } of CREDENTIALS_CARRIED) {
    const text = carried.get(name);
    if (text !== undefined) await files.write(name, text, { secret });
  }
}

/** Adds the keys that the backup carries to those of the folder. Throws when one is missing in both. */
async function putBackKeys(
  file: SecretKeyFile,
  carried: string | undefined,
  keyIds: readonly string[],
): Promise<void> {
  const own = await file.read();
  const keys = mergedKeys(own, carried === undefined ? [] : secretKeysFrom(carried));
  const missing = keyIds.filter((id) => !keys.some((key) => key.id === id));
  if (missing.length > 0) {
    throw new Error(
      `its secrets are encrypted with the key ${
        missing.join(", ")
      }, which is neither in it nor in ` +
        `"${file.path}"; put the file there that has it`,
    );
  }
  if (keys.length > own.length) await file.save(keys);
}
