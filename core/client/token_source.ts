import type { ObjectName } from "./client.ts";
import type { ServerTime } from "./server_time.ts";

/** What a token of a service account is to be. */
export interface TokenSpec {
  /** Whom it is for; the API server when empty. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** The pod with which it ends. */
  readonly boundObjectRef: {
    readonly apiVersion: "v1";
    readonly kind: "Pod";
    readonly name: string;
    readonly uid: string;
  };
}

/** Who gives tokens of service accounts to the agent of a node. */
export interface TokenSource {
  /** Throws an ApiError for a refusal, and a `LinkError` when nobody can be reached. */
  requestToken(account: ObjectName, spec: TokenSpec): Promise<string>;
  /** Of whoever gives them, by which tokens end; absent: this machine's clock shows it. */
  readonly time?: Pick<ServerTime, "now" | "isKnown">;
}
