/**
 * How many pods there are in each domain, such as a zone, of those that have nodes. Each change costs the same, however
 * many domains there are.
 */
export class DomainCounts {
  readonly #pods = new Map<string, number>();
  readonly #nodes = new Map<string, number>();
  /** How many domains have that many pods. */
  readonly #domainsWith = new Map<number, number>();
  #total = 0;
  /** No domain has fewer pods. */
  #least = 0;

  /** How many pods are in the domain. */
  of(domain: string): number {
    return this.#pods.get(domain) ?? 0;
  }

  /** How many pods there are in all domains. */
  get total(): number {
    return this.#total;
  }

  /** How many domains there are. */
  get domains(): number {
    return this.#nodes.size;
  }

  /** The number of pods in the domain that has the fewest; 0 when there is no domain. */
  get least(): number {
    if (this.domains === 0) return 0;
    while (!this.#domainsWith.has(this.#least)) this.#least++;
    return this.#least;
  }

  addNode(domain: string): void {
    const nodes = this.#nodes.get(domain) ?? 0;
    this.#nodes.set(domain, nodes + 1);
    if (nodes > 0) return;
    this.#pods.set(domain, 0);
    this.#shift(0, 1);
  }

  /** The pods on the node must have been taken away before. */
  removeNode(domain: string): void {
    const nodes = this.#nodes.get(domain)! - 1;
    if (nodes > 0) {
      this.#nodes.set(domain, nodes);
      return;
    }
    this.#nodes.delete(domain);
    this.#shift(this.of(domain), -1);
    this.#pods.delete(domain);
  }

  /** Counts pods, or with a negative number fewer of them, on a node that has been added. */
  addPods(domain: string, count: number): void {
    const before = this.of(domain);
    this.#pods.set(domain, before + count);
    this.#total += count;
    this.#shift(before, -1);
    this.#shift(before + count, 1);
  }

  #shift(pods: number, by: 1 | -1): void {
    const domains = (this.#domainsWith.get(pods) ?? 0) + by;
    if (domains === 0) this.#domainsWith.delete(pods);
    else this.#domainsWith.set(pods, domains);
    if (by === 1 && pods < this.#least) this.#least = pods;
  }
}
