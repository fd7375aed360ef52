import type { Kubectl, Output } from "../kubectl.ts";
import type { ServerProcess } from "../server_process.ts";
import { webManifest } from "./web_manifest.ts";

/** One kubectl command and its expected output. `NS` stands for the namespace of the run. */
export interface KubectlCase {
  /** Words are separated by spaces; as a list, they may have some. */
  run: string | readonly string[];
  /** Standard input, for `-f -`; `MANIFEST` stands for the web deployment. */
  input?: string;
  /** Exit code; 0 when it is not given. */
  code?: number;
  out?: RegExp;
  err?: RegExp;
  /** Repeated for some seconds: the output changes by itself, such as pods that are being deleted. */
  eventually?: true;
  /** The first version of kubectl, in minors of 1, that has the command. */
  since?: number;
}

/** Reached by failures alone. */
const ASKED_MS_MAX = 60_000;
const ASK_EVERY_MS = 250;

/** Runs the commands in order; returns those with unexpected output. `words` are replaced in every text. */
export async function faultsOf(
  server: ServerProcess,
  { version, path }: Kubectl,
  cases: readonly KubectlCase[],
  words: Readonly<Record<string, string>>,
): Promise<string[]> {
  const faults: string[] = [];
  for (const each of cases) {
    if ((each.since ?? 0) > Number(version.split(".")[1])) continue;
    const fault = await faultOf(server, path, each, words);
    if (fault) faults.push(fault);
  }
  return faults;
}

async function faultOf(
  server: ServerProcess,
  kubectl: string,
  { run, input, code = 0, out, err, eventually }: KubectlCase,
  words: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const fill = (text: string) =>
    Object.entries(words).reduce(
      (filled, [word, value]) => filled.replaceAll(word, value),
      text.replaceAll("MANIFEST", webManifest(words["NS"]!)),
    );
  const args = (typeof run === "string" ? run.split(" ") : run).map(fill);
  const wanted = (pattern: RegExp) => new RegExp(fill(pattern.source));
  const deadline = performance.now() + (eventually ? ASKED_MS_MAX : 0);
  while (true) {
    const output = await server.kubectl(
      kubectl,
      ["-n", words["NS"]!, ...args],
      input === undefined ? undefined : fill(input),
    );
    const good = output.code === code && (!out || wanted(out).test(output.stdout)) &&
      (!err || wanted(err).test(output.stderr));
    if (good) return undefined;
    if (performance.now() >= deadline) return describe(args.join(" "), output);
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

function describe(run: string, { code, stdout, stderr }: Output): string {
  return `kubectl ${run}: exit code ${code}\n${stdout.slice(-1500)}\n${stderr.slice(-1500)}`;
}
