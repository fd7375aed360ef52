import { createHash } from "node:crypto";
import { ApiError } from "../../../client/api_error.ts";
import { listOf, type UpgradeHead } from "../upgrades/upgrade_head.ts";

/** RFC 6455, section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export function isWebSocket({ headers }: UpgradeHead): boolean {
  return headers["upgrade"]?.toLowerCase() === "websocket";
}

/** The subprotocols that the client offers, in its order. */
export function subprotocolsOf({ headers }: UpgradeHead): readonly string[] {
  return listOf(headers["sec-websocket-protocol"]);
}

/**
 * The first subprotocol of the client's that is served; `""`, if it is served, for a client that offers none. Throws
 * Forbidden, as Kubernetes does (apimachinery `pkg/util/httpstream/wsstream/conn.go`).
 */
export function chosenSubprotocol(head: UpgradeHead, served: readonly string[]): string {
  const offered = subprotocolsOf(head);
  const chosen = (offered.length === 0 ? [""] : offered).find((each) => served.includes(each));
  if (chosen !== undefined) return chosen;
  throw new ApiError(
    "Forbidden",
    `requested protocol(s) are not supported: [${offered.join(" ")}]; supports [${
      served.join(" ")
    }]`,
  );
}

/** The head of the answer that opens a WebSocket: RFC 6455, section 4.2.2. Throws BadRequest for what is no handshake. */
export function webSocketAnswer(
  { method, headers }: UpgradeHead,
  subprotocol: string,
  more: Readonly<Record<string, string>> = {},
): string {
  const key = headers["sec-websocket-key"] ?? "";
  if (method !== "GET") throw new ApiError("BadRequest", "bad method");
  if (headers["sec-websocket-version"] !== "13") {
    throw new ApiError("BadRequest", "missing or bad WebSocket Version");
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new ApiError("BadRequest", "mismatch challenge/response");
  }
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...(subprotocol === "" ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...Object.entries(more).map(([name, value]) => `${name}: ${value}`),
    "",
    "",
  ].join("\r\n");
}
