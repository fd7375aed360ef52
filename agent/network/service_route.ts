import type { Plumbing } from "./plumbing.ts";

/**
 * Makes the addresses of services this machine's own (AnyIP), so that the proxy can listen on each of them, for
 * the node's processes and for its pods. Needs root.
 */
export class ServiceRoute {
  readonly #plumbing: Plumbing;
  readonly #cidr: string;

  constructor({ plumbing, cidr }: { plumbing: Plumbing; cidr: string }) {
    this.#plumbing = plumbing;
    this.#cidr = cidr;
  }

  /** Safe when it is there already. */
  async add(): Promise<void> {
    await this.#plumbing.addLocalRange(this.#cidr);
  }

  async remove(): Promise<void> {
    await this.#plumbing.removeLocalRange(this.#cidr);
  }
}
