import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import type { Api } from "./app.ts";
import type { User } from "./http/api_context.ts";

/** Asks the API: `GET path`. Rejects when it does not answer in time, or with too much. */
type AskApi = (path: string, signal: AbortSignal) => Promise<{ code: number; body: unknown }>;

/** As whom Kubernetes' controller asks; whoever serves measurements can allow it by RBAC. */
const ASKER: User = {
  name: "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
  groups: [
    "system:serviceaccounts",
    "system:serviceaccounts:kube-system",
    "system:authenticated",
  ],
};
const ANSWER_MS_MAX = 10_000;
/** The measurements of some ten thousand pods; who serves them may be anybody. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Asks the API in its own process, be the group one of the server's own or one that a Service serves. */
export function apiAsker({ app }: Api, clock: Clock): AskApi {
  return (path, signal) => {
    const ask = async () => {
      const response = await app.request(path, { headers: { accept: "application/json" } }, {
        insider: ASKER,
      });
      return { code: response.status, body: await bodyOf(response, signal) };
    };
    const late = () => new Error("the server does not answer in time");
    return within(ask(), { clock, ms: ANSWER_MS_MAX, late });
  };
}

async function bodyOf(response: Response, signal: AbortSignal): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    signal.throwIfAborted();
    if (size > ANSWER_BYTES_MAX) throw new Error("the answer is too large");
    pieces.push(piece);
  }
  const text = await new Blob(pieces as BlobPart[]).text();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
