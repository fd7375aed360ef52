import type { IncomingMessage } from "node:http";
import { ApiError } from "../../../client/api_error.ts";

/** The head of a request for another protocol. Several headers of one name are joined by commas. */
export interface UpgradeHead {
  method: string;
  headers: Readonly<Record<string, string | undefined>>;
}

export function upgradeHeadOf({ method, headers }: IncomingMessage): UpgradeHead {
  const joined = Object.entries(headers).map(([name, value]) =>
    [name, Array.isArray(value) ? value.join(", ") : value] as const
  );
  return { method: method ?? "GET", headers: Object.fromEntries(joined) };
}

/** The entries of a list in a header: RFC 9110, section 5.6.1. */
export function listOf(value: string | undefined): readonly string[] {
  return (value ?? "").split(",").map((each) => each.trim()).filter((each) => each !== "");
}

/** Whether the head asks for an upgrade as Kubernetes sees it: apimachinery `httpstream.IsUpgradeRequest`. */
export function isUpgrade({ headers }: UpgradeHead): boolean {
  return listOf(headers["connection"]).some((each) => each.toLowerCase() === "upgrade");
}

/** What every stream that takes no ordinary request says to one. */
export function upgradeRequired(): ApiError {
  return new ApiError("BadRequest", "Upgrade request required");
}
