import type { Duplex } from "node:stream";
import { ApiError } from "../../client/api_error.ts";
import { messageOf } from "../../lib/error_message.ts";
import { askBackend, type BackendAnswer } from "../../client/http_exchange.ts";
import { type Headers, requestHeaders } from "./proxy/proxy_headers.ts";
import { passedOf, reached, targetOf } from "./proxied_request.ts";
import type { StreamParts, UpgradeRequest } from "./stream.ts";
import { openConnection } from "./upgraded.ts";
import type { RawConnection } from "./upgrades/raw_connection.ts";

/**
 * Passes an upgrade on to the backend. Only its 101 and its refusals come back: a redirect would lead the client, or us,
 * to where the backend likes. Source: apimachinery `pkg/util/proxy/upgradeaware.go`, tryUpgrade.
 */
export async function upgradeProxied(request: UpgradeRequest, parts: StreamParts): Promise<void> {
  const { info, objects } = request;
  const connection = await reached(targetOf(info, objects, parts)).catch((error) => {
    if (error instanceof ApiError && error.reason !== "ServiceUnavailable") throw error;
    const why = messageOf(error).replace(/^error trying to reach service/, "error dialing backend");
    throw new ApiError("InternalError", why);
  });
  try {
    const answered = await asked(request, connection);
    await openConnection(request, parts, rawHead(answered), async (client, signal) => {
      signal.addEventListener("abort", () => connection.destroy(), { once: true });
      await join(client, answered);
    });
  } finally {
    connection.destroy();
  }
}

async function asked(
  { info, incoming }: UpgradeRequest,
  connection: Duplex,
): Promise<BackendAnswer> {
  const url = new URL(incoming.url ?? "/", "https://x");
  const headers = requestHeaders(incoming.headers as Headers, {
    from: incoming.socket?.remoteAddress,
    uri: url.pathname,
  });
  const answered = await askBackend({
    connection,
    method: incoming.method ?? "GET",
    path: (passedOf(url, info).rest || "/") + url.search,
    headers: {
      host: "backend",
      ...headers,
      connection: "Upgrade",
      upgrade: incoming.headers.upgrade ?? "",
    },
  }).catch((error) => {
    throw new ApiError("InternalError", messageOf(error));
  });
  const status = answered.message.statusCode ?? 0;
  if ("upgraded" in answered || status >= 400) return answered;
  throw new ApiError("InternalError", `invalid upgrade response: status code ${status}`);
}

/** Until one side has ended. */
async function join(client: RawConnection, answered: BackendAnswer): Promise<void> {
  if (!("upgraded" in answered)) {
    for await (const bytes of answered.message) await client.write(bytes);
    return;
  }
  if (answered.head.length > 0) await client.write(answered.head);
  await Promise.race([sent(client, answered.upgraded), received(answered.upgraded, client)]);
}

/** The head of the backend's answer, byte for byte but for its length: a refusal ends with the connection. */
function rawHead({ message }: BackendAnswer): string {
  const lines = [`HTTP/1.1 ${message.statusCode} ${message.statusMessage ?? ""}`];
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    const name = message.rawHeaders[i]!;
    if (message.statusCode !== 101 && /^(connection|transfer-encoding|keep-alive)$/i.test(name)) {
      continue;
    }
    lines.push(`${name}: ${message.rawHeaders[i + 1]}`);
  }
  if (message.statusCode !== 101) lines.push("connection: close");
  return [...lines, "", ""].join("\r\n");
}

async function sent(
  client: { read(): Promise<Uint8Array | undefined> },
  backend: Duplex,
): Promise<void> {
  for (let bytes; (bytes = await client.read()) !== undefined;) {
    if (backend.write(bytes)) continue;
    await new Promise((resolve) => backend.once("drain", resolve).once("close", resolve));
  }
}

async function received(
  backend: Duplex,
  client: { write(bytes: Uint8Array): Promise<void> },
): Promise<void> {
  for await (const bytes of backend) await client.write(bytes);
}
