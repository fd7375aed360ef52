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

/** Every version that lies beside the target of `kubectl` on the PATH, oldest first; the plain one alone otherwise. */
export function kubectlVersions(): Kubectl[] {
  const plain = onPath("kubectl");
  if (plain === undefined) return [];
  const folder = Deno.realPathSync(plain).replace(/\/[^/]+$/, "");
  const versions = [...Deno.readDirSync(folder)]
    .map(({ name }) => name.match(/^kubectl\.(\d+\.\d+)$/)?.[1])
    .filter((version) => version !== undefined)
    .sort((a, b) => Number(a.split(".")[1]) - Number(b.split(".")[1]));
  if (versions.length === 0) return [{ version: "installed", path: plain }];
  return versions.map((version) => ({ version, path: `${folder}/kubectl.${version}` }));
}

/** The newest kubectl of this machine. */
export function newestKubectl(): Kubectl | undefined {
  return kubectlVersions().at(-1);
}

/** Runs a program to its end. `input` is given to its standard input. */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Output> {
  const child = new Deno.Command(path, {
    args: [...args],
    env: options.env ?? {},
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
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
