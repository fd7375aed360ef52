import assert from "node:assert/strict";
import { CLEAN_ENVIRONMENT } from "../../../core/lib/linux/program.ts";
import { environmentScript, LAST_SHELL } from "./environment_script.ts";

const ODD: Record<string, string> = {
  PATH: "/usr/bin:/bin",
  PLAIN: "a b",
  QUOTES: `it's "$HOME" \`id\` \\n`,
  LINES: "one\ntwo\n",
  EMPTY: "",
  "with.dots": "1",
  "with-dash": "it's",
  UID: "7",
  IFS: "x",
  OPTIND: "no number",
  RANDOM: "5",
  ENV: "/etc/passwd",
  BASH_ENV: "/etc/passwd",
};
const SHELLS = ["/bin/sh", "/bin/bash", "/bin/dash"].filter(exists);

Deno.test("a command finds each variable as it is, whatever shell sets it, and no input", async () => {
  for (const shell of SHELLS) {
    const { stdout } = await run(shell, environmentScript(ODD), ["env", "-0"]);
    const found = Object.fromEntries(
      stdout.split("\0").map((line) => [
        line.slice(0, line.indexOf("=")),
        line.slice(line.indexOf("=") + 1),
      ]),
    );
    for (const [name, value] of Object.entries(ODD)) assert.equal(found[name], value, shell + name);
    assert.equal((await run(shell, environmentScript(ODD), ["cat"])).stdout, "");
    assert.equal((await run(shell, environmentScript({}), ["sh", "-c", "umask"])).stdout, "0022\n");
  }
});

Deno.test("a script that is cut off runs nothing", async () => {
  const script = environmentScript({ A: "1" });
  for (const shell of SHELLS) {
    const { code, stdout } = await run(shell, script.slice(0, -3), ["echo", "ran"]);
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
  }
});

async function run(
  shell: string,
  script: string,
  command: readonly string[],
): Promise<{ code: number; stdout: string }> {
  const child = new Deno.Command(shell, {
    args: [...LAST_SHELL.slice(1), ...command],
    env: CLEAN_ENVIRONMENT,
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { code, stdout } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
