import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Clock } from "../../lib/clock.ts";
import { Deadline } from "../../lib/deadline.ts";
import { certificateOfPem } from "../../lib/der/certificate.ts";
import { DerError } from "../../lib/der/der.ts";
import { isJsonObject, objectIn } from "../../lib/json/json_value.ts";
import { askBackend, overTls } from "../http_exchange.ts";
import { tcpTo } from "../tunnel/dial.ts";
import type { ProxySettings } from "../tunnel/uplink_proxy.ts";
import { JoinError } from "./join_error.ts";

/** Where everybody may read the certificate of the authority, see `publishClusterInfo`. */
const PATH = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
const ANSWER_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 256 * 1024;
/** `sha256:` and the digest of the public key, in lower-case hexadecimal, as kubeadm's --discovery-token-ca-cert-hash. */
export const AUTHORITY_HASH = /^sha256:[0-9a-f]{64}$/;

/** Of the certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4). Throws a {@linkcode DerError}. */
export function authorityHash(pem: string): string {
  const { publicKey } = certificateOfPem(pem);
  return `sha256:${createHash("sha256").update(publicKey).digest("hex")}`;
}

export interface AskingContext {
  clock: Clock;
  signal: AbortSignal;
  /** Absent: there are none. */
  proxies?: ProxySettings;
}

/**
 * The certificate of the authority by which a server is known, in PEM, if it has one of these hashes. Nothing secret is sent,
 * and whoever answers is not believed: only the hash is. Throws a {@linkcode JoinError}.
 */
export async function fetchAuthority(
  server: string,
  hashes: readonly string[],
  { clock, signal, proxies = {} }: AskingContext,
): Promise<string> {
  const late = () => new Error(`no answer within ${ANSWER_MS_MAX} ms`);
  using deadline = new Deadline({ clock, ms: ANSWER_MS_MAX, late }, signal);
  const text = await read(new URL(server), proxies, deadline.signal).catch((error) => {
    throw new JoinError(
      `Cannot reach the server at ${server}: ${
        (error as Error).message
      }; check the address, and that ` +
        "nothing between blocks the port",
    );
  });
  const pem = authorityIn(text);
  const hash = pem === undefined ? undefined : hashOf(pem);
  if (hash === undefined) {
    throw new JoinError(
      `Cannot join: what answers at ${server} is no server of Coracle; check the address`,
    );
  }
  if (hashes.includes(hash)) return pem!;
  throw new JoinError(
    `Cannot join: the server at ${server} has another certificate authority (${hash}) than the command says ` +
      `(${
        hashes.join(", ")
      }): somebody is between, or the command is of another server; nothing has been sent. ` +
      'Make a new command with "coracle token create"',
  );
}

/** Who answers is not checked: see {@linkcode fetchAuthority}. */
async function read(url: URL, proxies: ProxySettings, signal: AbortSignal): Promise<string> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {}); // whoever waits is told
  let opened: Duplex | undefined;
  const stop = () => {
    failed.reject(signal.reason);
    opened?.destroy();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const dialled = tcpTo(url, { proxies }, (socket) => opened = socket);
    const socket = await Promise.race([dialled, failed.promise]);
    socket.on("error", failed.reject);
    const connection = overTls(socket);
    connection.on("error", failed.reject);
    const headers = { host: url.hostname, accept: "application/json", connection: "close" };
    const asked = askBackend({ connection, method: "GET", path: PATH, headers });
    const { message } = await Promise.race([asked, failed.promise]);
    return await Promise.race([textOf(message), failed.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    opened?.destroy();
  }
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_BYTES_MAX) throw new Error("the answer is too long");
  }
  return text + decoder.decode();
}

/** The certificate in the kubeconfig of a ConfigMap; whatever else an answer may be holds none. */
function authorityIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const { kubeconfig } = isJsonObject(answer) ? objectIn(answer, "data") : {};
    const base64 = /certificate-authority-data: *"?([A-Za-z0-9+/=]+)/.exec(String(kubeconfig))?.[1];
    return base64 === undefined ? undefined : new TextDecoder().decode(
      Uint8Array.fromBase64(base64),
    );
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // neither JSON nor base64
    throw error;
  }
}

function hashOf(pem: string): string | undefined {
  try {
    return authorityHash(pem);
  } catch (error) {
    if (error instanceof DerError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
