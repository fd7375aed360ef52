import type { Command } from "commander";
import { CredentialFiles } from "../core/api/access/credential_files.ts";
import { SystemClock } from "../core/lib/clock.ts";
import type { Terminal } from "../server/terminal.ts";
import { dataFolderOfProcess, prepareDataFolder } from "../server/data_folder.ts";
import { CREDENTIALS_CARRIED, dataOption, withStoreErrors } from "./store_access.ts";

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
        (store) => restore({ source: file, store, time }, (carried) => putBack(data, carried)),
        data,
      );
      terminal.out(`Restored ${report.objects} objects at revision ${report.revision}\n`);
      if (setAside !== undefined) terminal.out(`The previous store is kept in ${setAside}\n`);
    });
}

/** Restores the server's identity, unless the folder has one. */
async function putBack(data: string, carried: ReadonlyMap<string, string>): Promise<void> {
  const files = new CredentialFiles(data);
  if (await files.read("ca.key") !== undefined) return;
  for (const { name, secret } of CREDENTIALS_CARRIED) {
    const text = carried.get(name);
    if (text !== undefined) await files.write(name, text, { secret });
  }
}
