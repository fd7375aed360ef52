import { VERSION } from "../server/version.ts";
import type { Command } from "commander";
import { KUBERNETES_VERSION } from "../core/api/http/version.ts";
import type { Terminal } from "../server/terminal.ts";

export function versionCommand(program: Command, terminal: Terminal): void {
  program.command("version")
    .description("print the version of Coracle and of the Kubernetes API that it serves")
    .action(() => terminal.out(versionText()));
}

function versionText(): string {
  const { deno, v8 } = Deno.version;
  return `coracle ${VERSION} (Kubernetes API ${KUBERNETES_VERSION}, Deno ${deno}, V8 ${v8})\n`;
}
