import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the tests of any part need. */
const COPIED = [
  "core",
  "agent",
  "proxy",
  "server",
  "cli",
  "tests",
  "docs",
  "examples",
  "deno.json",
  "deno.lock",
];

/** A copy of the tree in which to plant bugs. The caller removes it. */
export async function copyOfTree(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-mutants-" });
  for (const path of COPIED) await copy(`${ROOT}${path}`, `${folder}/${path}`);
  return folder;
}

/** Runs Deno in a copy. A run that takes longer than `msMax` is ended, with a code other than 0. */
export async function runDeno(
  cwd: string,
  args: string[],
  { env = {}, msMax }: { env?: Record<string, string>; msMax: number },
): Promise<{ code: number; output: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env,
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(msMax),
  });
  const { code, stdout } = await command.output();
  return { code, output: new TextDecoder().decode(stdout) };
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  if (!isDirectory) return await Deno.copyFile(from, to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
