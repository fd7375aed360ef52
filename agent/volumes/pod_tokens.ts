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

interface Known {
  token: string;
  podUid: string;
  /** When a new one is asked for. */
  renewAtMs: number;
  /** When it is refused. */
  endsAtMs: number;
}

/** A token is renewed after this part of its life, and after a day at the latest. As the kubelet does. */
const RENEWED_AFTER = 0.8;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** How long one that cannot be renewed is used before it is tried again. */
const RETRY_MS = 60_000;

/**
 * The tokens in the volumes of a node's pods: each is asked for once, and again when most of its life is over. What a
 * volume shows already is used as it is, so that a restart asks for nothing; a token that cannot be renewed is used until
 * its end. Pods wait for their first one.
 */
export class PodTokens {
  readonly #source: TokenSource;
  readonly #clock: Pick<Clock, "now">;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<Known>>();

  constructor({ source, clock }: { source: TokenSource; clock: Pick<Clock, "now"> }) {
    this.#source = source;
    this.#clock = clock;
  }

  /** `shown`: what the volume shows now. Rejects in the kubelet's words. */
  async tokenFor(pod: Pod, wanted: WantedToken, shown: string | undefined): Promise<string> {
    const key = `${pod.metadata.uid} ${wanted.expirationSeconds} ${wanted.audience}`;
    const nowMs = this.#clock.now();
    const known = this.#known.get(key) ?? shownToken(pod, wanted, shown, nowMs);
    if (known) this.#known.set(key, known);
    if (known && nowMs < known.renewAtMs) return known.token;
    const asked = this.#asked.get(key) ?? this.#ask(pod, wanted);
    this.#asked.set(key, asked);
    try {
      const next = await asked;
      this.#known.set(key, next);
      return next.token;
    } catch (error) {
      if (!known || nowMs >= known.endsAtMs) {
        throw new Error(`failed to fetch token: ${messageOf(error)}`);
      }
      known.renewAtMs = nowMs + RETRY_MS;
      return known.token;
    } finally {
      this.#asked.delete(key);
    }
  }

  /** The uids of the pods whose volumes are to be made again, because a token is due. */
  podsDue(): string[] {
    const nowMs = this.#clock.now();
    const due = [...this.#known.values()].filter(({ renewAtMs }) => renewAtMs <= nowMs);
    return [...new Set(due.map(({ podUid }) => podUid))];
  }

  forget(podUid: string): void {
    for (const [key, known] of this.#known) if (known.podUid === podUid) this.#known.delete(key);
  }

  async #ask(pod: Pod, { audience, expirationSeconds }: WantedToken): Promise<Known> {
    const { namespace, name, uid } = pod.metadata;
    const token = await this.#source.requestToken(
      { namespace, name: pod.spec.serviceAccountName ?? "" },
      {
        audiences: audience === "" ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    );
    const nowMs = this.#clock.now();
    const lifeMs = expirationSeconds * 1_000;
    return {
      token,
      podUid: uid,
      renewAtMs: nowMs + Math.min(lifeMs * RENEWED_AFTER, DAY_MS),
      endsAtMs: nowMs + lifeMs,
    };
  }
}

/** What a volume shows, when it is a token that this pod has asked for. It is not checked: nobody else writes there. */
function shownToken(
  { metadata: { uid } }: Pod,
  { audience }: WantedToken,
  token: string | undefined,
  nowMs: number,
): Known | undefined {
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
