import type { TokenSource } from "../../core/client/token_source.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { isJsonObject, type JsonObject, objectIn } from "../../core/lib/json/json_value.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** What a volume of a pod asks for. */
export interface WantedToken {
  /** `""`: the API server. */
  audience: string;
  expirationSeconds: number;
}

/** A token that a pod has. */
export interface KnownToken {
  token: string;
  podUid: string;
  /** When a new one is asked for. */
  renewAtMs: number;
  /** When it is refused. */
  endsAtMs: number;
}

/** Where tokens are kept that outlive the agent and its volumes. */
export interface KeptTokens {
  get(podUid: string, wanted: WantedToken): KnownToken | undefined;
  keep(wanted: WantedToken, known: KnownToken): void;
  forget(podUid: string): void;
}

/** A token is renewed after this part of its life, and after a day at the latest. As the kubelet does. */
const RENEWED_AFTER = 0.8;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** How long one that cannot be renewed is used before it is tried again. */
const RETRY_MS = 60_000;
/** How long a pod waits for a newer token than one that it can use. */
const RENEWAL_WAIT_MS = 200;

export interface PodTokensOptions {
  source: TokenSource;
  clock: Pick<Clock, "now" | "after">;
  kept?: KeptTokens;
}

/**
 * The tokens in the volumes of a node's pods: each is asked for once, and again when most of its life is over. What a
 * volume shows already is used as it is, and what is kept of an earlier agent, so that a restart asks for nothing; a token
 * that cannot be renewed is used until its end. Pods wait for their first one.
 */
export class PodTokens {
  readonly #options: PodTokensOptions;
  readonly #known = new Map<string, KnownToken>();
  readonly #asked = new Map<string, Promise<KnownToken>>();
  /** Uids of pods whose volumes show an older token than is known. */
  readonly #late = new Set<string>();

  constructor(options: PodTokensOptions) {
    this.#options = options;
  }

  /** `shown`: what the volume shows now. Rejects in the kubelet's words. */
  async tokenFor(pod: Pod, wanted: WantedToken, shown: string | undefined): Promise<string> {
    const { uid } = pod.metadata;
    const key = `${uid} ${wanted.expirationSeconds} ${wanted.audience}`;
    const nowMs = this.#time.now();
    const known = this.#known.get(key) ?? shownToken(pod, wanted, shown, nowMs) ??
      this.#options.kept?.get(uid, wanted);
    if (known) this.#known.set(key, known);
    this.#late.delete(uid);
    const isOver = known === undefined || this.#isOver(known, nowMs);
    if (!isOver && !isDue(known, nowMs)) return known.token;
    const asked = this.#asked.get(key) ?? this.#renew(key, pod, wanted);
    if (isOver) {
      return (await asked.catch((error) => {
        throw new Error(`failed to fetch token: ${messageOf(error)}`);
      })).token;
    }
    const next = await this.#within(RENEWAL_WAIT_MS, asked.catch(() => known));
    if (next === undefined) asked.then(() => this.#late.add(uid), () => {}); // shown with the next look
    return (next ?? known).token;
  }

  /** The uids of the pods whose volumes are to be made again, because a token is due, or came late. */
  podsDue(): string[] {
    const nowMs = this.#time.now();
    const due = [...this.#known.values()].filter((known) => isDue(known, nowMs));
    return [...new Set([...this.#late, ...due.map(({ podUid }) => podUid)])];
  }

  forget(podUid: string): void {
    for (const [key, known] of this.#known) if (known.podUid === podUid) this.#known.delete(key);
    this.#late.delete(podUid);
    this.#options.kept?.forget(podUid);
  }

  /** By which tokens end: the server's, where that is told. */
  get #time(): { now(): number; readonly isKnown?: boolean } {
    const { source: { time }, clock } = this.#options;
    return time ?? clock;
  }

  /** As long as the server's time is not known, this machine's clock may show anything: a token is better than none. */
  #isOver({ endsAtMs }: KnownToken, nowMs: number): boolean {
    return this.#time.isKnown !== false && nowMs >= endsAtMs;
  }

  /** One request at a time for one token, however many wait for it. */
  #renew(key: string, pod: Pod, wanted: WantedToken): Promise<KnownToken> {
    const { kept } = this.#options;
    const asked = this.#ask(pod, wanted).then((next) => {
      this.#known.set(key, next);
      kept?.keep(wanted, next);
      return next;
    }, (error) => {
      const known = this.#known.get(key);
      if (known) known.renewAtMs = this.#time.now() + RETRY_MS;
      throw error;
    }).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    asked.catch(() => {}); // whoever waits for it is told
    return asked;
  }

  /** `undefined` when it takes longer. */
  async #within<T>(ms: number, result: Promise<T>): Promise<T | undefined> {
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#options.clock.after(ms, () => late.resolve(undefined));
    return await Promise.race([result, late.promise]).finally(cancel);
  }

  async #ask(pod: Pod, wanted: WantedToken): Promise<KnownToken> {
    const { audience, expirationSeconds } = wanted;
    const { namespace, name, uid } = pod.metadata;
    const token = await this.#options.source.requestToken(
      { namespace, name: pod.spec.serviceAccountName ?? "" },
      {
        audiences: audience === "" ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    );
    const nowMs = this.#time.now();
    const lifeMs = expirationSeconds * 1_000;
    // Servers give tokens that are in every pod more time than they say.
    return shownToken(pod, wanted, token, nowMs) ?? {
      token,
      podUid: uid,
      renewAtMs: nowMs + Math.min(lifeMs * RENEWED_AFTER, DAY_MS),
      endsAtMs: nowMs + lifeMs,
    };
  }
}

/** Never more than a day ahead: with one that is, the clock has been set back. */
function isDue({ renewAtMs }: KnownToken, nowMs: number): boolean {
  return renewAtMs <= nowMs || renewAtMs > nowMs + DAY_MS;
}

/** What a volume shows, when it is a token that this pod has asked for. It is not checked: nobody else writes there. */
function shownToken(
  { metadata: { uid } }: Pod,
  { audience }: WantedToken,
  token: string | undefined,
  nowMs: number,
): KnownToken | undefined {
  const claims = token === undefined ? undefined : claimsOf(token);
  if (!token || !claims) return undefined;
  const { aud, exp, iat } = claims;
  const { pod, warnafter } = objectIn(claims, "kubernetes.io");
  const isOwn = isJsonObject(pod) && pod["uid"] === uid;
  const isMeant = audience === "" || (Array.isArray(aud) && aud.includes(audience));
  if (!isOwn || !isMeant || typeof exp !== "number" || typeof iat !== "number") return undefined;
  const endS = typeof warnafter === "number" ? warnafter : exp;
  const lifeMs = (endS - iat) * 1_000;
  // A machine whose clock is behind has not got it in the future.
  const sinceMs = Math.min(iat * 1_000, nowMs);
  const renewAtMs = sinceMs + Math.min(lifeMs * RENEWED_AFTER, DAY_MS);
  return { token, podUid: uid, renewAtMs, endsAtMs: exp * 1_000 };
}

function claimsOf(token: string): JsonObject | undefined {
  try {
    const bytes = Uint8Array.fromBase64(token.split(".")[1] ?? "", { alphabet: "base64url" });
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return isJsonObject(claims) ? claims : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
