/** Where programs are looked for when nothing else is said. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** For programs of ours that run as root: nothing of anybody's environment. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: DEFAULT_PATH };

/**
 * The file that a command name stands for, as execvp(3) finds it in `searchPath`; a name with a slash stands
 * for itself. `undefined` when no such file may be executed.
 */
export function programPath(name: string, searchPath = DEFAULT_PATH): string | undefined {
  const candidates = name.includes("/")
    ? [name]
    : searchPath.split(":").map((folder) => `${folder || "."}/${name}`);
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false; // absent, or in a folder that may not be read
  }
}
