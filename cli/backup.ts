import type { Command } from "commander";
import { CredentialFiles } from "../core/api/access/credential_files.ts";
import { secretKeysText } from "../core/store/encryption/secret_keys.ts";
import { SecretKeyFile } from "../core/store/encryption/secret_key_file.ts";
import type { Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess } from "../server/data_folder.ts";
import {
  CREDENTIALS_CARRIED,
  dataOption,
  SECRET_KEYS_CARRIED,
  sizeOf,
  withStoreErrors,
} from "./store_access.ts";

export function backupCommand(program: Command, terminal: Terminal): void {
  program.command("backup <file>")
    .description("copy the store and the server's identity to a file; the server may be running")
    .addOption(dataOption(dataFolderOfProcess()))
    .option(
      "--with-secret-keys",
      "also copy the keys of Secrets: whoever has the file can read them",
    )
    .action(async (file: string, flags: { data: string; withSecretKeys?: true }) => {
      const { data, withSecretKeys } = flags;
      const { backUp } = await import("../core/store/kv/store_backup.ts");
      const carried = await credentialsIn(data);
      if (withSecretKeys) carried.set(...await secretKeysIn(data));
      const report = await withStoreErrors(
        `Cannot back up the store in "${data}"`,
        (store) => backUp({ store, target: file, carried }),
        data,
      );
      terminal.out(
        `Backed up ${report.objects} objects at revision ${report.revision} to ${file} (${
          sizeOf(report.bytes)
        })\n`,
      );
      if (report.keyIds.length > 0 && !withSecretKeys) {
        terminal.out(
          `Its Secrets need the keys in ${new SecretKeyFile(data).path}: keep that file\n`,
        );
      }
    });
}

async function secretKeysIn(data: string): Promise<[name: string, text: string]> {
  return [SECRET_KEYS_CARRIED, secretKeysText(await new SecretKeyFile(data).read())];
}

async function credentialsIn(data: string): Promise<Map<string, string>> {
  const files = new CredentialFiles(data);
  const found = new Map<string, string>();
  for (const { name } of CREDENTIALS_CARRIED) {
    const text = await files.read(name);
    if (text !== undefined) found.set(name, text);
  }
  return found;
}
