import type { Command } from "commander";
import { SystemClock } from "../core/lib/clock.ts";
import { timestamp } from "../core/lib/timestamp.ts";
import type { Rotated } from "../core/store/encryption/rotation.ts";
import { newSecretKey } from "../core/store/encryption/secret_keys.ts";
import { CommandError } from "../server/command_error.ts";
import { dataFolderOfProcess, prepareDataFolder } from "../server/data_folder.ts";
import { readAccess } from "../server/kubeconfig.ts";
import { SecretKeyFile } from "../core/store/encryption/secret_key_file.ts";
import type { Terminal } from "../server/terminal.ts";
import { VERSION } from "../server/version.ts";
import { dataOption } from "./store_access.ts";

const USER_AGENT = `coracle-secrets/${VERSION}`;

export function secretsCommand(program: Command, terminal: Terminal): void {
  const secrets = program.command("secrets")
    .description("the keys by which Secrets are encrypted in the store");
  secrets.command("rotate")
    .description("encrypt all Secrets with a new key, and drop the old one; the server must run")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(async ({ data }: { data: string }) => {
      const { rewritten, key, dropped } = await rotatedByServer(data);
      terminal.out(
        `Encrypted ${rewritten} secrets with the new key ${key}; old keys dropped: ${dropped}\n`,
      );
    });
  secrets.command("key")
    .description("make the key file if there is none; servers that share a store need the same one")
    .addOption(dataOption(dataFolderOfProcess()))
    .action(async ({ data }: { data: string }) => {
      const file = new SecretKeyFile(await prepareDataFolder(data));
      const keys = await file.read();
      const now = timestamp(new SystemClock().now());
      if (keys.length === 0) await file.save([newSecretKey(now)]);
      terminal.out(`${file.path}\n`);
    });
}

async function rotatedByServer(data: string): Promise<Rotated> {
  const { HttpsTransport } = await import("../core/client/https_transport.ts");
  const access = await readAccess(`${data}/admin.kubeconfig`);
  using https = new HttpsTransport({ ...access, userAgent: USER_AGENT });
  const { signal } = new AbortController(); // whoever has waited long enough interrupts the command
  const answer = await https.send({ method: "POST", path: "/secrets/rotate", signal });
  const body = await answer.json();
  if (!answer.ok) throw new CommandError(String(body.message));
  return body;
}
