import { ApiError } from "../../../client/api_error.ts";
import { listOf, type UpgradeHead } from "../upgrades/upgrade_head.ts";

/**
 * The first protocol of the client's that is served on SPDY. Throws BadRequest or Forbidden in the words of apimachinery
 * (`pkg/util/httpstream/httpstream.go`, Handshake, and `spdy/upgrade.go`).
 */
export function chosenSpdyProtocol({ headers }: UpgradeHead, served: readonly string[]): string {
  const offered = listOf(headers["x-stream-protocol-version"]);
  if (offered.length === 0) {
    throw new ApiError("BadRequest", "unable to upgrade: X-Stream-Protocol-Version is required");
  }
  const chosen = offered.find((each) => served.includes(each));
  if (chosen === undefined) {
    throw new ApiError(
      "Forbidden",
      `unable to upgrade: unable to negotiate protocol: client supports [${
        offered.join(" ")
      }], server accepts [${served.join(" ")}]`,
    );
  }
  if (headers["upgrade"]?.toLowerCase().includes("spdy/3.1")) return chosen;
  throw new ApiError("BadRequest", "unable to upgrade: missing upgrade headers in request");
}

/** The head of the answer after which the connection speaks SPDY. */
export function spdyAnswer(protocol: string): string {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Connection: Upgrade",
    "Upgrade: SPDY/3.1",
    `X-Stream-Protocol-Version: ${protocol}`,
    "",
    "",
  ].join("\r\n");
}
