import { isIP } from "node:net";
import type { IncomingMessage } from "node:http";
import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import { ApiError } from "../../client/api_error.ts";
import { peerOf } from "../access/peer.ts";
import type { ApiContext, ApiMiddleware } from "../http/api_context.ts";
import type { Status } from "../http/status.ts";
import type { Upgrade } from "../streams/stream.ts";
import { tapAnswer } from "./answer_tap.ts";
import type { AuditSink } from "./audit_writer.ts";
import { AuditedRequest } from "./audited_request.ts";
import type { Policy } from "./policy.ts";

interface AuditOptions {
  policy: Policy;
  sink: AuditSink;
  clock: Pick<Clock, "now" | "elapsed">;
  random: Random;
}

/**
 * Tells the audit log of every request that the policy wants to see; requests do not wait for it.
 * https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
 */
export class Audit {
  readonly #options: AuditOptions;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** Comes before the gate, whose refusals are told of, too. */
  readonly watchRequest: ApiMiddleware = async (c, next) => {
    const record = new AuditedRequest(this.#options, arrivalOf(c));
    c.set("audit", record);
    const outgoing = c.env?.outgoing;
    if (outgoing) tapAnswer(outgoing, record);
    await next();
    const panicked = c.error !== undefined && !(c.error instanceof ApiError) &&
      (outgoing?.statusCode ?? c.res.status) === 500;
    if (!outgoing) record.ended({ code: c.res.status, panicked });
    else if (outgoing.closed || outgoing.destroyed) record.ended({ panicked });
    else outgoing.once("close", () => record.ended({ panicked }));
  };

  /** Comes after whatever limits bodies. */
  readonly watchBody: ApiMiddleware = async (c, next) => {
    const readBody = c.get("readBody");
    c.set("readBody", async () => {
      const bytes = await readBody();
      c.get("audit")?.read(bytes);
      return bytes;
    });
    await next();
  };

  /** `handOver` answers a request for another protocol; its result is why not. */
  async watchUpgrade(
    { incoming, socket }: Upgrade,
    handOver: (record: AuditedRequest) => Promise<Status | undefined>,
  ): Promise<Status | undefined> {
    const record = new AuditedRequest(this.#options, {
      ...arrivalOfUpgrade(incoming),
      id: this.#options.random.uuid(),
    });
    const { write } = socket;
    socket.write = function (...given: unknown[]) {
      socket.write = write;
      record.started(SWITCHING_PROTOCOLS);
      return Reflect.apply(write, socket, given);
    } as typeof write;
    const refusal = await handOver(record);
    if (refusal) {
      socket.write = write;
      const bytes = new TextEncoder().encode(JSON.stringify(refusal));
      record.answered({ type: "application/json", bytes });
    }
    record.ended({ code: refusal?.code ?? SWITCHING_PROTOCOLS });
    return refusal;
  }
}

const SWITCHING_PROTOCOLS = 101;

function arrivalOf(c: ApiContext) {
  const incoming = c.env?.incoming;
  const { method, url } = c.req;
  const sourceIps = sourcesOf(
    c.req.header("x-forwarded-for"),
    c.req.header("x-real-ip"),
    peerOf(incoming?.socket)?.address,
  );
  return {
    id: c.get("requestId"),
    method,
    url,
    requestUri: incoming?.url ?? url.slice(new URL(url).origin.length),
    contentType: mediaType(c.req.header("content-type")),
    userAgent: c.req.header("user-agent"),
    sourceIps,
  };
}

function arrivalOfUpgrade({ url = "/", method = "GET", headers, socket }: IncomingMessage) {
  const sourceIps = sourcesOf(
    textOf(headers["x-forwarded-for"]),
    textOf(headers["x-real-ip"]),
    peerOf(socket)?.address,
  );
  return {
    method,
    url: `https://x${url}`,
    requestUri: url,
    contentType: "",
    userAgent: headers["user-agent"],
    sourceIps,
  };
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(",") : header;
}

function mediaType(contentType = "application/json"): string {
  return contentType.split(";")[0]!.trim().toLowerCase();
}

/** As apimachinery's SourceIPs: what clients say of themselves first, and last who is really there. */
export function sourcesOf(
  forwarded: string | undefined,
  real: string | undefined,
  peer: string | undefined,
): readonly string[] {
  const ips = (forwarded ?? "").split(",").map((text) => text.trim()).filter((text) => isIP(text));
  if (real && isIP(real) && !ips.includes(real)) ips.push(real);
  if (peer && isIP(peer) && ips.at(-1) !== peer) ips.push(peer);
  return ips;
}
