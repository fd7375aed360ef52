import { CLEAN_ENVIRONMENT, programPath } from "./program.ts";

/** Of the program's error output. */
const WORDS_CHARS_MAX = 300;

/**
 * Removes a folder and its content, even hostile content: links are not followed, also when they are created during the
 * removal, and folders may be nested thousands deep. `Deno.remove` recurses and overflows the stack at about 10,000
 * levels, so an external program does it. Nothing may be mounted below. Idempotent. Rejects when something is left.
 */
export async function removeFolder(path: string): Promise<void> {
  if (await Deno.lstat(path).then(() => false, (error) => isAbsent(error))) return;
  const program = programPath("rm");
  if (program === undefined) return await Deno.remove(path, { recursive: true }); // no Linux of ours
  const { success, stderr } = await new Deno.Command(program, {
    args: ["-rf", "--", path],
    ...{ env: { ...CLEAN_ENVIRONMENT }, clearEnv: true },
    ...{ stdin: "null", stdout: "null", stderr: "piped" },
  }).output();
  if (success) return;
  const words = new TextDecoder().decode(stderr).trim().slice(0, WORDS_CHARS_MAX);
  throw new Error(`Cannot remove "${path}": ${words}`);
}

function isAbsent(error: unknown): boolean {
  if (error instanceof Deno.errors.NotFound) return true;
  throw error;
}
