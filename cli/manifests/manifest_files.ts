import { CommandError } from "../../server/command_error.ts";

export interface ManifestFile {
  /** As the user named it. */
  name: string;
  text: string;
}

const MANIFEST_NAME = /\.(ya?ml|json)$/;

/** Reads files, the manifests of folders in the order of their names, and standard input for `-`. */
export async function readManifestFiles(names: readonly string[]): Promise<ManifestFile[]> {
  const files = await Promise.all(names.map(readOne));
  const found = files.flat();
  if (found.length === 0) {
    throw new CommandError(`There is no .yaml, .yml or .json file in "${names.join('", "')}"`);
  }
  return found;
}

async function readOne(name: string): Promise<ManifestFile[]> {
  if (name === "-") {
    return [{ name: "standard input", text: decode("-", await readAll(Deno.stdin.readable)) }];
  }
  try {
    const { isDirectory } = await Deno.stat(name);
    if (!isDirectory) return [{ name, text: decode(name, await Deno.readFile(name)) }];
    const entries = await Array.fromAsync(Deno.readDir(name));
    const paths = entries.filter((entry) => !entry.isDirectory && MANIFEST_NAME.test(entry.name))
      .map((entry) => `${name.replace(/\/$/, "")}/${entry.name}`).sort();
    return (await Promise.all(paths.map(readOne))).flat();
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error)) throw error;
    throw new CommandError(`Cannot read "${name}": ${error.message}`);
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CommandError(`Cannot read "${name}": it is not UTF-8 text`);
  }
}

/** Several files as one stream of documents that knows which file each line came from. */
export class ManifestStream {
  readonly text: string;
  readonly #starts: { name: string; line: number }[] = [];

  constructor(files: readonly ManifestFile[]) {
    let line = 1;
    const texts = files.map(({ name, text }) => {
      this.#starts.push({ name, line });
      const whole = `${text.replace(/^\uFEFF/, "").replace(/\n?$/, "\n")}---\n`;
      line += whole.split("\n").length - 1;
      return whole;
    });
    this.text = texts.join("");
  }

  /** `app.yaml:3:5`: a position in the stream as one in the file that it came from. */
  placeOf(line?: number, column?: number): string {
    if (line === undefined) return this.#starts.map(({ name }) => name).join(", ");
    const start = this.#starts.findLast((each) => each.line <= line) ?? this.#starts[0]!;
    return `${start.name}:${line - start.line + 1}:${column ?? 1}`;
  }

  /** Replaces each `line 3, column 5` in a message by the position in the file. */
  withPlaces(message: string): string {
    return message.replaceAll(
      /\bline (\d+), column (\d+)/g,
      (_, line, column) => this.placeOf(Number(line), Number(column)),
    );
  }
}
