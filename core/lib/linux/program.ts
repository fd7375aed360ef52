/** The default search path for programs. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment of programs that run as root: nothing is inherited. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: DEFAULT_PATH };

/**
 * The file of a command, as execvp(3) finds it in `searchPath`; a name with a slash is used as it is. `undefined` when
 * there is no such executable file.
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
