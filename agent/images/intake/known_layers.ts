import { isJsonObject } from "../../../core/lib/json/json_value.ts";

/** The newest are kept: an image has some ten layers. */
const LAYERS_MAX = 10_000;

/** Which layers came with which image, in a file. What it says may be wrong: somebody removes images. */
export class KnownLayers {
  readonly #path: string;
  /** The names of images, by the digests of layers, the oldest first. */
  #images: Map<string, string> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async imageWith(digest: string): Promise<string | undefined> {
    return (await this.#read()).get(digest);
  }

  async add(digests: readonly string[], image: string): Promise<void> {
    const images = await this.#read();
    for (const digest of digests) {
      images.delete(digest);
      images.set(digest, image);
    }
    for (const digest of images.keys()) {
      if (images.size <= LAYERS_MAX) break;
      images.delete(digest);
    }
    await this.#write(images);
  }

  async remove(digest: string): Promise<void> {
    const images = await this.#read();
    if (images.delete(digest)) await this.#write(images);
  }

  async #read(): Promise<Map<string, string>> {
    if (this.#images) return this.#images;
    const value: unknown = await Deno.readTextFile(this.#path).then(JSON.parse).catch(() => ({}));
    const entries = isJsonObject(value) ? Object.entries(value) : [];
    return this.#images = new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  }

  /** A power cut may take it: then layers are sent once more. */
  async #write(images: ReadonlyMap<string, string>): Promise<void> {
    await Deno.writeTextFile(`${this.#path}.new`, JSON.stringify(Object.fromEntries(images)));
    await Deno.rename(`${this.#path}.new`, this.#path);
  }
}
