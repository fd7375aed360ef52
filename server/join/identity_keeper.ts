import { requestNodeCertificate } from "../../core/client/joining/node_certificate.ts";
import { isRefusal } from "../../core/client/api_error.ts";
import type { ServerLink } from "../../core/client/server_link.ts";
import type { ServerTime } from "../../core/client/server_time.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { newPrivateKey } from "../../core/lib/der/new_certificate_request.ts";
import type { Log } from "../../core/lib/log.ts";
import type { Random } from "../../core/lib/random.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import { identityFolder, identityOf, type NodeIdentity, writeIdentity } from "./identity.ts";

/** As the kubelet: between these parts of the life of the certificate, by chance. */
const PART_MIN = 0.7;
const PART_SPAN = 0.2;
/** Of a certificate of which it is not known when it was issued. */
const LIFE_MS_DEFAULT = 365 * 24 * 3_600_000;
/** How long to wait until the server's time is known. */
const UNKNOWN: Backoff = { firstMs: 1_000, maxMs: 60_000, factor: 2 };
const RETRY: Backoff = { firstMs: 1_000, maxMs: 600_000, factor: 2 };
/** A longer wait is cut: a machine that sleeps does not count the time. */
const WAIT_MS_MAX = 6 * 3_600_000;

export interface IdentityKeeperOptions {
  identity: NodeIdentity;
  /** Real path. */
  dataFolder: string;
  time: ServerTime;
  clock: Clock;
  random: Random;
  log: Log;
}

/**
 * The identity of this node, whose certificate is renewed before it expires, by the server's clock. Whoever connects takes the
 * current one. Kubernetes: `client-go/util/certificate`.
 */
export class IdentityKeeper {
  readonly #options: IdentityKeeperOptions;
  readonly #listeners = new Set<(identity: NodeIdentity) => void>();
  readonly #part: number;
  #identity: NodeIdentity;

  constructor(options: IdentityKeeperOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#part = PART_MIN + PART_SPAN * options.random.next();
  }

  current(): NodeIdentity {
    return this.#identity;
  }

  /** Calls `listener` after each renewal. Returns the stop. */
  onChange(listener: (identity: NodeIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** When the certificate is to be renewed, by the server's clock. */
  get dueMs(): number {
    const { issuedMs, notAfterMs } = this.#identity;
    const lifeMs = issuedMs === undefined ? LIFE_MS_DEFAULT : notAfterMs - issuedMs;
    return notAfterMs - lifeMs * (1 - this.#part);
  }

  /** Renews it whenever that is due, until the signal aborts. */
  async run(link: Pick<ServerLink, "ask">, signal: AbortSignal): Promise<void> {
    const { clock, time } = this.#options;
    for (let failures = 0, unknown = 0; !signal.aborted;) {
      if (!time.isKnown) {
        await clock.sleep(waitMsAfter(++unknown, UNKNOWN), signal);
        continue;
      }
      const restMs = this.dueMs - time.now();
      if (restMs > 0) {
        await clock.sleep(Math.min(restMs, WAIT_MS_MAX), signal);
        continue;
      }
      if (await this.#renew(link, failures === 0, signal)) failures = 0;
      else await clock.sleep(waitMsAfter(++failures, RETRY), signal);
    }
  }

  async #renew(
    link: Pick<ServerLink, "ask">,
    isFirst: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, log, time, dataFolder } = this.#options;
    const { node, caPem, servers } = this.#identity;
    try {
      const key = newPrivateKey();
      const certificate = await requestNodeCertificate(link, { node, key }, { clock, signal });
      const parts = { servers, caPem, pair: { certificate, key }, issuedMs: time.now() };
      await writeIdentity(dataFolder, parts);
      this.#identity = identityOf(parts, identityFolder(dataFolder));
      const until = timestamp(this.#identity.notAfterMs);
      log.info("This node has renewed its certificate", { node, until });
    } catch (error) {
      if (signal.aborted) throw error;
      const isEnded = isRefusal(error, "Unauthorized");
      const what = "Cannot renew the certificate of this node" +
        (isEnded
          ? '; join again with a new command of "coracle token create"'
          : ", will try again");
      if (isFirst) log.error(what, { node, until: timestamp(this.#identity.notAfterMs), error });
      return false;
    }
    for (const listener of [...this.#listeners]) listener(this.#identity);
    return true;
  }
}
