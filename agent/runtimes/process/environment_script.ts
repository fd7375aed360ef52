/** The end of a placement: a shell that reads an {@linkcode environmentScript} from its input, and the command. */
export const LAST_SHELL = ["/bin/sh", "-s", "--"] as const;

/**
 * A script for a shell that runs as the container's user already, with the container's command as its arguments: sets
 * the environment and becomes the command. It comes by the shell's input, since command lines are seen by everybody.
 * One block, so that one that is cut off is not run at all. `input`: what the command reads.
 */
export function environmentScript(
  env: Readonly<Record<string, string>>,
  input = "</dev/null",
): string {
  const entries = Object.entries(env);
  const exports = entries.filter(([name]) => isPlain(name))
    .map(([name, value]) => `export ${name}=${quoted(value)}`);
  const others = entries.filter(([name]) => !isPlain(name))
    .map(([name, value]) => quoted(`${name}=${value}`));
  const program = others.length === 0 ? [] : ["/usr/bin/env", ...others];
  return ["{", "umask 022", ...exports, ["exec", ...program, `"$@" ${input}`].join(" "), "}", ""]
    .join("\n");
}

/** A word that a POSIX shell takes as it is. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Variables that shells take for their own: some cannot be set there, or not to any value. */
const OF_SHELLS =
  /^(_|IFS|OPTIND|OPTARG|LINENO|PPID|UID|EUID|GROUPS|RANDOM|SRANDOM|SECONDS|EPOCH.*|SHELLOPTS|BASH.*|DIRSTACK|FUNC.*|HIST.*|COMP_.*|PIPESTATUS|POSIXLY_CORRECT)$/;

function isPlain(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !OF_SHELLS.test(name);
}
