import { createHash } from "node:crypto";
import { ApiError } from "../../../core/client/api_error.ts";
import {
  BLOBS_MAX,
  DIGEST,
  DOCUMENT_BYTES_MAX,
  type ImageBlob,
  type NodeImages,
  type SentImage,
} from "../../../core/client/images/node_images.ts";
import type { Clock } from "../../../core/lib/clock.ts";
import { messageOf } from "../../../core/lib/error_message.ts";
import { Slots } from "../../../core/lib/slots.ts";
import type { Secret } from "../../../core/resources/core/secrets.ts";
import { type ContainerRuntime, RuntimeError } from "../../runtimes/container_runtime.ts";
import { formatImageReference, parseImageReference } from "../../runtimes/image_reference.ts";
import { ImagePuller, PULLS_MAX } from "../image_puller.ts";
import { imageArchive } from "./image_archive.ts";
import { layersOf } from "./image_manifest.ts";
import { KnownLayers } from "./known_layers.ts";

/** What has come of an image is kept for so long after its last piece. */
const KEPT_MS = 24 * 60 * 60_000;
/** Of all files of one image. */
const IMAGE_BYTES_MAX = 64 * 1024 ** 3;

export interface ImageIntakeOptions {
  runtime: Pick<ContainerRuntime, "findImage" | "loadImage" | "pullImage" | "name">;
  /** Where files are collected; made when it is needed. */
  folder: string;
  clock: Clock;
}

/**
 * Collects the files of images that are sent piece by piece, and has the runtime make images of them. What has come stays
 * for a day, also over a restart, so that a transfer goes on where it broke off. Layers of images that came this way and
 * are still there are not asked for again.
 */
export class ImageIntake implements NodeImages {
  readonly #options: ImageIntakeOptions;
  readonly #layers: KnownLayers;
  readonly #puller: ImagePuller;
  /** One thing at a time: pieces of a file follow each other. */
  readonly #turn = new Slots(1);

  constructor(options: ImageIntakeOptions) {
    this.#options = options;
    this.#puller = new ImagePuller({ ...options, pullsMax: PULLS_MAX });
    this.#layers = new KnownLayers(`${options.folder}/layers.json`);
  }

  missing(blobs: readonly ImageBlob[]): Promise<Record<string, number>> {
    return this.#turn.use(async () => {
      refuseTooMany(blobs);
      this.#refuseWithoutImages();
      await this.#removeOld();
      const missing: Record<string, number> = {};
      for (const blob of blobs) {
        const bytes = await this.#bytesOf(blob);
        if (bytes === blob.size) continue;
        if (bytes === 0 && await this.#isInRuntime(blob)) continue;
        missing[blob.digest] = bytes;
      }
      return missing;
    });
  }

  write(blob: ImageBlob, offset: number, bytes: Uint8Array): Promise<number> {
    return this.#turn.use(async () => {
      refuseTooMany([blob]);
      const present = await this.#bytesOf(blob);
      if (present !== offset || offset + bytes.length > blob.size) {
        throw new ApiError(
          "BadRequest",
          `the piece of ${blob.digest} from byte ${offset} on does not follow: ${present} of ${blob.size} bytes are there`,
        );
      }
      await Deno.mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
      const path = this.#pathOf(blob);
      await Deno.writeFile(path, bytes, { append: true, mode: 0o600 });
      const written = offset + bytes.length;
      if (written === blob.size) await refuseOther(path, blob);
      return written;
    });
  }

  load(image: SentImage): Promise<string[]> {
    return this.#turn.use(async () => {
      const { name, manifest } = { ...image, name: fullNameOf(image.name) };
      refuseTooMany([manifest]);
      const layers = layersOf(await this.#document(manifest));
      const blobs = [manifest, layers.config, ...layers.layers];
      refuseTooMany(blobs);
      const present: { blob: ImageBlob; path: string }[] = [];
      for (const blob of blobs) {
        if (present.some((one) => one.blob.digest === blob.digest)) continue;
        if (await this.#bytesOf(blob) === blob.size) {
          present.push({ blob, path: this.#pathOf(blob) });
        } else if (blob === layers.config || !await this.#isInRuntime(blob)) throw incomplete(blob);
      }
      const names = await this.#loaded({ name, manifest }, present);
      await this.#layers.add(layers.layers.map(({ digest }) => digest), name);
      for (const { path } of present) await removeFile(path);
      return names;
    });
  }

  async pull(image: string, secrets: readonly Secret[]): Promise<void> {
    this.#refuseWithoutImages();
    try {
      await this.#puller.ensure({ image, secrets, policy: "IfNotPresent" });
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      throw new ApiError("ServiceUnavailable", error.message);
    }
  }

  async #loaded(
    image: SentImage,
    blobs: readonly { blob: ImageBlob; path: string }[],
  ): Promise<string[]> {
    this.#refuseWithoutImages();
    try {
      return [...await this.#options.runtime.loadImage!(imageArchive(image, blobs))];
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      // A layer that was left out, since the runtime had it, is gone.
      const lost = /blobs\/sha256\/([0-9a-f]{64}): no such file/.exec(error.message)?.[1];
      if (lost !== undefined) await this.#layers.remove(`sha256:${lost}`);
      throw new ApiError("ServiceUnavailable", `Cannot load the image: ${messageOf(error)}`);
    }
  }

  #refuseWithoutImages(): void {
    const { runtime } = this.#options;
    if (runtime.loadImage) return;
    throw new ApiError(
      "NotImplemented",
      `the runtime "${runtime.name}" of this node has no images`,
    );
  }

  async #isInRuntime({ digest }: ImageBlob): Promise<boolean> {
    const image = await this.#layers.imageWith(digest);
    if (image === undefined) return false;
    return await this.#options.runtime.findImage(image).catch(() => undefined) !== undefined;
  }

  async #document(blob: ImageBlob): Promise<Uint8Array> {
    if (blob.size > DOCUMENT_BYTES_MAX) {
      throw new ApiError("BadRequest", "the manifest is too large");
    }
    if (await this.#bytesOf(blob) !== blob.size) throw incomplete(blob);
    return await Deno.readFile(this.#pathOf(blob));
  }

  async #bytesOf(blob: ImageBlob): Promise<number> {
    return (await statOf(this.#pathOf(blob)))?.size ?? 0;
  }

  #pathOf({ digest }: ImageBlob): string {
    return `${this.#options.folder}/${digest.replace(":", "-")}`;
  }

  async #removeOld(): Promise<void> {
    const { folder, clock } = this.#options;
    const names = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    for (const { name } of names) {
      const path = `${folder}/${name}`;
      const { mtime } = name.startsWith("sha256-") ? await statOf(path) ?? {} : {};
      if (mtime && clock.now() - mtime.getTime() > KEPT_MS) await removeFile(path);
    }
  }
}

/** Throws BadRequest when they are not files of one image. */
function refuseTooMany(blobs: readonly ImageBlob[]): void {
  const isBlob = ({ digest, size }: ImageBlob) =>
    DIGEST.test(digest) && Number.isSafeInteger(size) && size >= 0;
  if (!Array.isArray(blobs) || !blobs.every(isBlob)) {
    throw new ApiError("BadRequest", "these are no files of an image: a digest and a size each");
  }
  const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
  if (blobs.length > BLOBS_MAX || bytes > IMAGE_BYTES_MAX) {
    throw new ApiError(
      "BadRequest",
      `the image is too large: ${blobs.length} files, ${bytes} bytes (at most ${BLOBS_MAX}, ${IMAGE_BYTES_MAX})`,
    );
  }
}

/** A file that is not what its digest says is removed. */
async function refuseOther(path: string, { digest }: ImageBlob): Promise<void> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  const found = `sha256:${hash.digest("hex")}`;
  if (found === digest) return;
  await removeFile(path);
  throw new ApiError("BadRequest", `what was sent as ${digest} is ${found}: it was dropped`);
}

function incomplete({ digest }: ImageBlob): ApiError {
  return new ApiError("BadRequest", `the image is not complete: ${digest} is missing`);
}

function fullNameOf(name: string): string {
  try {
    return formatImageReference(parseImageReference(name));
  } catch (error) {
    throw new ApiError("BadRequest", messageOf(error));
  }
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  return await Deno.stat(path).catch(() => undefined);
}

async function removeFile(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {}); // gone already
}
