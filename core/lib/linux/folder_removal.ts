import { CLEAN_ENVIRONMENT, programPath } from "./program.ts";

/** Of what the program says. */
const WORDS_CHARS_MAX = 300;

/**
 * Removes a folder with all that is in it, whatever others have put there: links are not followed, also when they are
 * made meanwhile, and folders may lie in each other thousands deep. That ends a process that removes them by itself:
 * `Deno.remove` calls itself for each, and overflows its stack at some 10,000; so a program does it. Nothing may be
 * mounted below. Doing it twice is doing it once. Rejects when something is left.
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
