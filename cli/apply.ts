import { type Command, Option } from "commander";
import { HttpsTransport } from "../core/client/https_transport.ts";
import type { Terminal } from "../server/terminal.ts";
import { CommandError } from "../server/command_error.ts";
import { type Access, accessOf } from "../server/kubeconfig.ts";
import { kubeconfigOption } from "./flags/kubeconfig_option.ts";
import {
  type ManifestFile,
  ManifestStream,
  readManifestFiles,
} from "./manifests/manifest_files.ts";
import { VERSION } from "../server/version.ts";

const USER_AGENT = `coracle-apply/${VERSION}`;

interface ApplyFlags {
  filename: string[];
  kubeconfig?: string;
  namespace?: string;
  dryRun?: "server";
  serverSide?: true;
  forceConflicts?: true;
  fieldManager?: string;
}

export function applyCommand(program: Command, terminal: Terminal): void {
  program.command("apply")
    .description("create or update the objects in manifests, all or none")
    .requiredOption("-f, --filename <file...>", 'files, folders, or "-" for standard input')
    .option("-n, --namespace <name>", "namespace of objects that name none")
    .addOption(new Option("--dry-run <how>", "check, change nothing").choices(["server"]))
    .option("--server-side", "merge in the server, by who manages which fields")
    .option("--force-conflicts", "with --server-side: take fields that others manage")
    .option("--field-manager <name>", "in whose name the fields are managed")
    .addOption(kubeconfigOption())
    .action(async (flags: ApplyFlags) => {
      const files = await readManifestFiles(flags.filename);
      await applyFiles(files, await accessOf(flags.kubeconfig), flags, terminal);
    });
}

/** The outcome for each object, see `PUT /apply`. */
export interface ApplyResult {
  object: string;
  outcome: "created" | "configured" | "unchanged" | "failed" | "skipped";
  warnings: string[];
  errors: { message: string; line?: number; column?: number }[];
}

interface ApplyAnswer {
  status: "Success" | "Failure";
  message: string;
  results?: ApplyResult[];
}

/** Sends all files as one stream and prints the outcome for each object. Throws when any was refused. */
export async function applyFiles(
  files: readonly ManifestFile[],
  access: Access,
  { namespace, dryRun, serverSide, forceConflicts, fieldManager }: Omit<
    ApplyFlags,
    "filename" | "kubeconfig"
  >,
  terminal: Pick<Terminal, "out" | "err">,
): Promise<void> {
  const stream = new ManifestStream(files);
  const query = new URLSearchParams({
    ...(namespace !== undefined && { namespace }),
    ...(dryRun !== undefined && { dryRun: "All" }),
    ...(serverSide && { "server-side": "true" }),
    ...(forceConflicts && { force: "true" }),
    ...(fieldManager !== undefined && { fieldManager }),
  });
  const answer = await send(`/apply?${query}`, stream.text, access);
  for (const { object, outcome, warnings, errors } of answer.results ?? []) {
    for (const warning of warnings) terminal.err(`Warning: ${object}: ${warning}\n`);
    for (const { message, line, column } of errors) {
      terminal.err(`${stream.placeOf(line, column)}: ${object}: ${message}\n`);
    }
    if (errors.length === 0 && outcome !== "skipped") {
      terminal.out(`${object} ${outcome}${dryRun ? " (server dry run)" : ""}\n`);
    }
  }
  if (answer.status === "Failure") {
    throw new CommandError(`Cannot apply: ${stream.withPlaces(answer.message)}`);
  }
}

async function send(path: string, body: string, access: Access): Promise<ApplyAnswer> {
  using https = new HttpsTransport({ ...access, userAgent: USER_AGENT });
  const { signal } = new AbortController(); // whoever has waited long enough interrupts the command
  const contentType = "application/yaml";
  try {
    const answer = await https.send({ method: "PUT", path, body, contentType, signal });
    return await answer.json();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError(
      `Cannot reach the server at ${access.server}: ${error.message}; is "coracle server" running?`,
    );
  }
}
