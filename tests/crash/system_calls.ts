/** What a traced process did to the files of one folder, and what it wrote to stdout. */
export type SystemCall =
  | { kind: "create" | "remove" | "sync"; file: string }
  | { kind: "write"; file: string; offset: number; bytes: Uint8Array }
  | { kind: "truncate"; file: string; length: number }
  | { kind: "say"; text: string };

/** Calls that change a file or make it durable. One that is not understood, on a file of the folder, is an error. */
const TRACED = [
  ...[
    "openat",
    "creat",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "write",
    "writev",
    "fsync",
    "fdatasync",
  ],
  ...["sync_file_range", "ftruncate", "truncate", "fallocate", "rename", "renameat", "renameat2"],
  ...["unlink", "unlinkat", "copy_file_range", "sendfile"],
];
/** Longer than any write of a page. */
const WRITE_BYTES_MAX = 1024 * 1024;
const STDOUT = 1;
/** SQLite's wal-index is made anew after a power loss; the lock holds a pid, for a message. */
const WITHOUT_MEANING = /-shm$|\.lock$/;
const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, v: 11, f: 12, r: 13 };
const BACKSLASH = "\\";

/** Runs a program so that it and its threads leave a trace in `file`. */
export function traceCommand(file: string): string[] {
  const options = ["-f", "-qq", "-y", "-s", String(WRITE_BYTES_MAX), "-o", file];
  return ["strace", ...options, "-e", `trace=${TRACED.join()}`];
}

/** Whether processes can be traced here. */
export async function canTrace(): Promise<boolean> {
  try {
    const [program, ...args] = traceCommand("/dev/null") as [string, ...string[]];
    const { success } = await new Deno.Command(program, { args: [...args, "true"] }).output();
    return success;
  } catch {
    return false; // it is not installed
  }
}

/**
 * Reads the output of strace. Calls are in the order in which they ended, but a write to stdout is placed where it began,
 * because somebody may have read it from then on.
 */
export function systemCalls(trace: string, folder: string): SystemCall[] {
  const begun = new Map<string, string>();
  const calls: SystemCall[] = [];
  for (const line of trace.split("\n")) {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? ["", "", ""];
    if (rest.endsWith("<unfinished ...>")) {
      const text = rest.slice(0, -"<unfinished ...>".length);
      if (isSaying(text)) calls.push(sayingIn(text));
      else begun.set(thread, text);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest)?.[0];
    const text = resumed ? (begun.get(thread) ?? "") + rest.slice(resumed.length) : rest;
    begun.delete(thread);
    if (isSaying(text)) calls.push(sayingIn(text));
    else if (text.includes(`${folder}/`)) calls.push(...callIn(text, folder));
  }
  return calls;
}

function isSaying(text: string): boolean {
  return text.startsWith(`write(${STDOUT}<`);
}

function sayingIn(text: string): SystemCall {
  return { kind: "say", text: new TextDecoder().decode(bytesIn(text)) };
}

/** The one call in `text`, e.g. `pwrite64(23</tmp/x/store.kv-wal>, "\0\1", 2, 4096) = 2`. */
function callIn(text: string, folder: string): SystemCall[] {
  const [, name, result] = /^(\w+)\(.*\) += (-?\d+)[^")]*$/s.exec(text) ?? [];
  const path = text.slice(text.indexOf(`${folder}/`) + folder.length + 1);
  const file = /^[^>"]*/.exec(path)![0];
  if (result === undefined || Number(result) < 0 || WITHOUT_MEANING.test(file)) return [];
  switch (name) {
    case "openat":
      if (text.includes("O_TRUNC")) throw new Error(`Cannot replay ${text}`);
      return text.includes("O_CREAT") ? [{ kind: "create", file }] : [];
    case "fsync":
    case "fdatasync":
      return [{ kind: "sync", file }];
    case "ftruncate":
      return [{ kind: "truncate", file, length: Number(/, (\d+) *\)/.exec(text)![1]) }];
    case "unlink":
      return [{ kind: "remove", file }];
    case "pwrite64":
      return [writeIn(text, file, Number(result))];
    default:
      throw new Error(`Cannot replay ${text.slice(0, 200)}`);
  }
}

function writeIn(text: string, file: string, written: number): SystemCall {
  const offset = Number(/, (\d+) *\) += \d+[^"]*$/.exec(text)![1]);
  const bytes = bytesIn(text);
  if (bytes.length < written) throw new Error(`strace has cut a write of ${written} bytes short`);
  return { kind: "write", file, offset, bytes: bytes.subarray(0, written) };
}

/** The bytes of the one string in `text`, as strace escapes them: like C. */
function bytesIn(text: string): Uint8Array {
  const literal = text.slice(text.indexOf('"') + 1, text.lastIndexOf('"'));
  const bytes = new Uint8Array(literal.length);
  let length = 0;
  for (let at = 0; at < literal.length; at++) {
    if (literal[at] !== BACKSLASH) {
      bytes[length++] = literal.charCodeAt(at);
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(literal.slice(at + 1, at + 4))?.[0];
    bytes[length++] = octal === undefined
      ? ESCAPES[literal[at + 1]!] ?? literal.charCodeAt(at + 1)
      : parseInt(octal, 8);
    at += octal?.length ?? 1;
  }
  return bytes.slice(0, length);
}
