import { RuntimeError } from "../container_runtime.ts";
import type { ContainerSpec } from "../container_runtime.ts";
import { ifAbsent } from "../../../core/lib/absent.ts";

/**
 * What an image says about its process, in the words of the OCI image configuration
 * (https://github.com/opencontainers/image-spec/blob/main/config.md, `config`).
 */
export interface ProcessImage {
  Entrypoint?: readonly string[];
  Cmd?: readonly string[];
  /** `NAME=value` */
  Env?: readonly string[];
  WorkingDir?: string;
}

/** The file of an image below `folder`: the reference, escaped like a part of a URL. */
export function imagePath(folder: string, reference: string): string {
  return `${folder}/${encodeURIComponent(reference)}.json`;
}

/** Reads what is known of an image; `undefined` when nobody wrote it down. */
export async function readImage(
  folder: string,
  reference: string,
): Promise<{ id: string; image: ProcessImage } | undefined> {
  const bytes = await Deno.readFile(imagePath(folder, reference)).catch(ifAbsent);
  if (bytes === undefined) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const id = `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return { id, image: parseImage(reference, new TextDecoder().decode(bytes)) };
}

/** Writes an image down, so that pods can name it. */
export async function writeImage(
  folder: string,
  reference: string,
  image: ProcessImage,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(imagePath(folder, reference), JSON.stringify(image, null, 2) + "\n");
}

/**
 * The command line of a container: `command` replaces the entrypoint and drops the image's `Cmd`; `args` replaces
 * `Cmd`.
 */
export function commandOf(
  { command, args }: Pick<ContainerSpec, "command" | "args">,
  image: ProcessImage = {},
): readonly string[] {
  const hasCommand = command !== undefined && command.length > 0;
  const hasArgs = args !== undefined && args.length > 0;
  const head = hasCommand ? command : image.Entrypoint ?? [];
  const tail = hasArgs ? args : hasCommand ? [] : image.Cmd ?? [];
  const all = [...head, ...tail];
  if (all.length === 0) {
    throw new RuntimeError("CreateContainerError", "no command specified");
  }
  return all;
}

/** The image's environment as an object. */
export function envOf(image: ProcessImage = {}): Record<string, string> {
  return Object.fromEntries((image.Env ?? []).map((line) => {
    const at = line.indexOf("=");
    return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
  }));
}

function parseImage(reference: string, text: string): ProcessImage {
  try {
    const image: unknown = JSON.parse(text);
    if (typeof image === "object" && image !== null) return image;
  } catch { /* said below, together with what is no object */ }
  throw new RuntimeError(
    "ErrImagePull",
    `Cannot read the image "${reference}": its file is not a JSON object`,
  );
}
