import { ifAbsent } from "../../lib/absent.ts";
import type { CredentialStore } from "./pki.ts";

/** What people and tools look for in the data folder itself; keys lie in a folder of their own. */
const AT_THE_TOP: readonly string[] = ["ca.crt", "admin.token", "admin.kubeconfig"];
const OWNER_ONLY = 0o600;
const FOR_ALL = 0o644;

/** Credentials as files: `DIR/ca.crt`, `DIR/admin.token`, `DIR/admin.kubeconfig`, the rest in `DIR/pki`. */
export class CredentialFiles implements CredentialStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(name: string): Promise<string | undefined> {
    try {
      return await Deno.readTextFile(this.#pathOf(name));
    } catch (error) {
      return ifAbsent(error);
    }
  }

  /** Written beside and renamed, so that a crash leaves the old file or the new one. */
  async write(name: string, text: string, { secret }: { secret: boolean }): Promise<void> {
    const path = this.#pathOf(name);
    const folder = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const beside = `${path}.new`;
    await Deno.remove(beside).catch(ifAbsent);
    const mode = secret ? OWNER_ONLY : FOR_ALL;
    await Deno.writeTextFile(beside, text, { createNew: true, mode });
    await Deno.rename(beside, path);
  }

  #pathOf(name: string): string {
    return AT_THE_TOP.includes(name) ? `${this.#folder}/${name}` : `${this.#folder}/pki/${name}`;
  }
}
