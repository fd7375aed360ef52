import { ifAbsent } from "../../lib/absent.ts";
import type { AnyResource } from "../../resources/resource.ts";
import { groupResourceOf } from "../../resources/resource.ts";
import { Sealer } from "./sealer.ts";
import { type SecretKey, secretKeysFrom, secretKeysText } from "./secret_keys.ts";

/** The keys by which secrets are encrypted, in the data folder; readable by its owner only. */
export class SecretKeyFile {
  readonly path: string;
  readonly #folder: string;

  constructor(dataFolder: string) {
    this.#folder = dataFolder;
    this.path = `${dataFolder}/secrets.keys`;
  }

  /** No keys when there is no file. Throws when it cannot be read. */
  async read(): Promise<readonly SecretKey[]> {
    try {
      return secretKeysFrom(await Deno.readTextFile(this.path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw new Error(
        `Cannot read the keys of secrets in "${this.path}": ${(error as Error).message}`,
      );
    }
  }

  /** Written beside, brought to the disk and renamed: a crash leaves the old file or the new one. */
  async save(keys: readonly SecretKey[]): Promise<void> {
    const beside = `${this.path}.new`;
    await Deno.remove(beside).catch(ifAbsent);
    await Deno.writeTextFile(beside, secretKeysText(keys), { createNew: true, mode: 0o600 });
    await syncToDisk(beside);
    await Deno.rename(beside, this.path);
    await syncToDisk(this.#folder);
  }

  /** Encrypts the kinds that say so, with the keys that are there. */
  async sealer(resources: readonly AnyResource[]): Promise<Sealer> {
    const secretKinds = new Set(resources.filter((one) => one.encrypted).map(groupResourceOf));
    return new Sealer({ secretKinds, keys: await this.read(), keyFile: this.path });
  }
}

async function syncToDisk(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}
