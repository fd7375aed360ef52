import type { User } from "../http/api_context.ts";
import { isAdmin } from "../access/admin.ts";
import { tooManyRequests } from "./priority_level.ts";

/** Concurrent writes: as kube-apiserver's `--max-mutating-requests-inflight`. */
export const WRITES_IN_FLIGHT_MAX = 200;
/** Of one user who is not the admin: a node that sends bodies slowly must not keep others waiting. */
export const WRITES_IN_FLIGHT_PER_USER_MAX = 50;

/** Counts the writes that are served, whatever their priority, which bounds the memory of their bodies. */
export class WriteLimit {
  readonly #writesMax: number;
  readonly #perUserMax: number;
  #writes = 0;
  readonly #byUser = new Map<string, number>();

  constructor(
    writesMax: number = WRITES_IN_FLIGHT_MAX,
    perUserMax: number = WRITES_IN_FLIGHT_PER_USER_MAX,
  ) {
    this.#writesMax = writesMax;
    this.#perUserMax = perUserMax;
  }

  /** Throws TooManyRequests when there are too many. Else {@linkcode leave} is to be called at the end of the write. */
  enter(user: User): void {
    const own = this.#byUser.get(user.name) ?? 0;
    if (this.#writes >= this.#writesMax || (own >= this.#perUserMax && !isAdmin(user))) {
      throw tooManyRequests();
    }
    this.#writes++;
    this.#byUser.set(user.name, own + 1);
  }

  leave({ name }: User): void {
    this.#writes--;
    const left = this.#byUser.get(name)! - 1;
    if (left > 0) this.#byUser.set(name, left);
    else this.#byUser.delete(name);
  }
}
