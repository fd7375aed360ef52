/** A TypeScript file of the product or of its tests, read once. */
export interface Source {
  /** From the root of the repository, with `/`. */
  path: string;
  lines: readonly string[];
  /** Paths of the files of this repository that it imports, statically or by `new URL(…, import.meta.url)`. */
  imports: readonly string[];
  /** Bare names that it imports: `hono`, `node:https`, `yaml`. */
  packages: readonly string[];
}

const ROOTS = ["core", "agent", "proxy", "server", "cli", "tests", "bench", "examples"];

/** Every TypeScript file under the roots, `main.ts` included. */
export function sourceTree(): Source[] {
  return [read("main.ts"), ...ROOTS.flatMap((root) => filesUnder(root, ".ts")).map(read)];
}

/** Every file under `folder` whose name ends with `ending`; none when the folder does not exist. */
export function filesUnder(folder: string, ending: string): string[] {
  const found: string[] = [];
  for (const entry of readFolder(folder)) {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) {
      if (!entry.name.startsWith(".") && entry.name !== "node_modules") {
        found.push(...filesUnder(path, ending));
      }
    } else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

/** `core/api` for what lies anywhere under it, `agent`, `main.ts`: the unit that import rules speak of. */
export function folderOf(path: string): string {
  const parts = path.split("/");
  if (parts.length === 1) return path;
  return parts[0] === "core" ? parts.slice(0, 2).join("/") : parts[0]!;
}

export function isTest(path: string): boolean {
  return /_(test|contract|fixture)\.ts$/.test(path) || path.startsWith("tests/");
}

function readFolder(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function read(path: string): Source {
  const text = Deno.readTextFileSync(path);
  const targets = [
    ...code(text).matchAll(/(?:from|import|import\()\s*"([^"]+)"|new URL\("([^"]+)"/g),
  ]
    .map((match) => match[1] ?? match[2]!);
  return {
    path,
    lines: text.split("\n"),
    imports: targets.filter((target) => target.startsWith(".")).map((target) =>
      new URL(target, `file:///${path}`).pathname.slice(1)
    ),
    packages: targets.filter((target) => !target.startsWith(".")),
  };
}

/** The text without its comments, so that an example in a doc comment is not an import. */
function code(text: string): string {
  return text.replace(/^\s*\/\*\*[\s\S]*?\*\//gm, "").replace(/^\s*\/\/.*$/gm, "");
}
