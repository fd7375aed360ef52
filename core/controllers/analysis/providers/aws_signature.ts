import { createHash, createHmac } from "node:crypto";
import type { OutgoingHeaders } from "../requests/redirects.ts";

/** Who asks Amazon's services. */
export interface AwsCredentials {
  id: string;
  secret: string;
  /** Of a session. */
  token?: string;
}

export interface UnsignedRequest {
  method: string;
  url: URL;
  body: string;
}

export interface SignatureOptions {
  service: string;
  region: string;
  credentials: AwsCredentials;
  /** In ms since 1970. */
  nowMs: number;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/**
 * Signs a request: version 4 of AWS' signatures, over the host and the headers of AWS itself.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signature(
  { method, url, body }: UnsignedRequest,
  { service, region, credentials, nowMs }: SignatureOptions,
): OutgoingHeaders {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const { id, secret, token } = credentials;
  const own: [string, string][] = [
    ["x-amz-date", time],
    ...(token === undefined ? [] : [["x-amz-security-token", token] as [string, string]]),
  ];
  const signed = [["host", url.host] as const, ...own].toSorted(([a], [b]) => a < b ? -1 : 1);
  const names = signed.map(([name]) => name).join(";");
  const lines = signed.map(([name, value]) => `${name}:${value.trim()}\n`).join("");
  const canonical = [method, pathOf(url), queryOf(url), lines, names, hash(body)].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = [ALGORITHM, time, scope, hash(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Uint8Array>(
    (key, part) => createHmac("sha256", key).update(part).digest(),
    `AWS4${secret}`,
  );
  const proof = createHmac("sha256", key).update(text).digest("hex");
  const words = `Credential=${id}/${scope}, SignedHeaders=${names}, Signature=${proof}`;
  return [...own, ["Authorization", `${ALGORITHM} ${words}`]];
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Each segment encoded once more, as for every service but S3. */
function pathOf({ pathname }: URL): string {
  return pathname.split("/").map(encoded).join("/") || "/";
}

function queryOf({ searchParams }: URL): string {
  return [...searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .toSorted((one, other) => one < other ? -1 : 1).join("&");
}

/** As RFC 3986 §2.3 has it: also what `encodeURIComponent` leaves. */
function encoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
