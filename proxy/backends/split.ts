import type { Share } from "../table/route_table.ts";
import type { LiveBackend } from "./backends.ts";
import { hashedName } from "../../core/lib/hashed_name.ts";
import type { Balancer } from "./balancer.ts";

/** Backends that take turns by weight. */
export class LiveSplit {
  readonly #shares: readonly Share[];
  readonly #balancer: Balancer;
  /** By share; `undefined`: its turns lead to nobody. */
  readonly #backends: readonly (LiveBackend | undefined)[];

  constructor(
    shares: readonly Share[],
    { balancer, backends }: { balancer: Balancer; backends: readonly (LiveBackend | undefined)[] },
  ) {
    this.#shares = shares;
    this.#balancer = balancer;
    this.#backends = backends;
  }

  /** The backend whose turn it is; `undefined`: nobody, or no share has a weight. Each call is one turn. */
  next(): LiveBackend | undefined {
    return this.#backends[this.#balancer.next()];
  }

  /** The backend that a session belongs to, by its `hashedName`; a share of weight 0 keeps none. */
  keeping(hash: string): LiveBackend | undefined {
    return this.#backends.find((backend, i) =>
      backend !== undefined && this.#shares[i]!.weight > 0 &&
      hashedName(backend.definition.name) === hash
    );
  }

  /**
   * Who answers in place of a backend that cannot: another one of its rollout that has a weight and can. So nothing fails
   * between the end of a set's last pod and the change of weights that follows.
   */
  standInFor({ definition: { name, rollout } }: LiveBackend): LiveBackend | undefined {
    if (rollout === undefined) return undefined;
    return this.#backends.find((other, i) =>
      other?.definition.rollout === rollout && other.definition.name !== name &&
      this.#shares[i]!.weight > 0 && other.endpoints.some(({ state }) => state === "active")
    );
  }
}
