import type { Command } from "commander";
import { CredentialFiles } from "../core/api/access/credential_files.ts";
import type { Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess } from "../server/data_folder.ts";
import { CREDENTIALS_CARRIED, dataOption, sizeOf, withStoreErrors } from "./store_access.ts";

export function backupCommand(program: Command, terminal: Terminal): void {
  program.command("backup <file>")
    .description("copy the store and the server's identity to a file; the server may be running")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(async (file: string, { data }: { data: string }) => {
      const { backUp } = await import("../core/store/kv/store_backup.ts");
      const carried = await credentialsIn(data);
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
    });
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
