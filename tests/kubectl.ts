/** A kubectl of this machine. */
export interface Kubectl {
  /** E.g. `1.33`. */
  version: string;
  path: string;
}

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export const KUBECTL_MISSING = "kubectl is missing: apt-get install kubernetes-client";
export const MODERN_KUBECTL_MISSING =
  "kubectl 1.27 or newer is missing: see kubernetes.io/docs/tasks/tools";
/** Older versions lack commands that are in common use today, and are no longer supported. */
const MINOR_MIN = 27;

/** Every version from 1.27 on in the folder of the `kubectl` on the PATH, oldest first; else that `kubectl` alone. */
export function kubectlVersions(): Kubectl[] {
  const plain = onPath("kubectl");
  if (plain === undefined) return [];
  const folder = Deno.realPathSync(plain).replace(/\/[^/]+$/, "");
  const beside = [...Deno.readDirSync(folder)]
    .map(({ name }) => name.match(/^kubectl\.(\d+\.\d+)$/)?.[1])
    .filter((version) => version !== undefined)
    .map((version) => ({ version, path: `${folder}/kubectl.${version}` }));
  const all = beside.length > 0 ? beside : [{ version: versionOf(plain), path: plain }];
  return all.filter((kubectl) => minorOf(kubectl) >= MINOR_MIN)
    .sort((a, b) => minorOf(a) - minorOf(b));
}

/** The newest kubectl on this machine. */
export function newestKubectl(): Kubectl | undefined {
  const plain = onPath("kubectl");
  return kubectlVersions().at(-1) ?? (plain ? { version: "installed", path: plain } : undefined);
}

function versionOf(path: string): string {
  const args = ["version", "--client", "-o", "json"];
  const { stdout } = new Deno.Command(path, { args, stderr: "null" }).outputSync();
  const { major, minor } = JSON.parse(decode(stdout)).clientVersion;
  return `${major}.${parseInt(minor)}`;
}

function minorOf({ version }: Kubectl): number {
  return Number(version.split(".")[1]);
}

/** Only a failure takes this long: whatever waits longer waits for something that never happens. */
const PROGRAM_MS_MAX = 240_000;

/** Runs a program until it exits; one that takes too long gets SIGTERM. `input`: its standard input. */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Output> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), PROGRAM_MS_MAX);
  const child = new Deno.Command(path, {
    args: [...args],
    env: options.env ?? {},
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: late.signal,
  }).spawn();
  if (options.input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const end = late.signal.aborted ? `\nIt was ended after ${PROGRAM_MS_MAX} ms` : "";
  return { code, stdout: decode(stdout), stderr: decode(stderr) + end };
}

export function onPath(name: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`).find(
    (path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false; // not in this folder
      }
    },
  );
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
