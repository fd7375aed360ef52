import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import { connected, LateError, writeAll } from "./connection.ts";
import { bracketed } from "./dialing.ts";
import { AnswerReader, type CallAnswer, callBytes, readCallAnswer } from "./grpc/call.ts";
import {
  connectionLimitsOf,
  type ProbeLimits,
  type ProbeOutcome,
  type ProbeTarget,
  type ProbeType,
} from "./probe_type.ts";

type GrpcAction = NonNullable<Probe["grpc"]>;

/**
 * Asks the health service of gRPC: the container is well when it serves.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export const grpcProbe: ProbeType<GrpcAction> = {
  field: "grpc",
  earlyRepeatMs: 20,
  ask: askByGrpc,
};

async function askByGrpc(
  { port, service }: GrpcAction,
  target: ProbeTarget,
  limits: ProbeLimits,
): Promise<ProbeOutcome> {
  const address = `${bracketed(target.podIP)}:${port}`;
  const reader = new AnswerReader();
  try {
    const answer = await connected(
      { hostname: target.podIP, port },
      connectionLimitsOf(limits, target)(),
      async (connection) => {
        const headers = headersOf(address, limits.timeoutSeconds);
        await writeAll(connection, callBytes(headers, requestOf(service)));
        return await readCallAnswer(reader, (buffer) => connection.read(buffer));
      },
    );
    return outcomeOf(answer, limits);
  } catch (error) {
    return failure(failureText(error, reader.isConnected, address, limits));
  }
}

function failureText(
  error: unknown,
  isConnected: boolean,
  address: string,
  { timeoutSeconds }: ProbeLimits,
): string {
  if (!isConnected) {
    return `timeout: failed to connect service "${address}" within ${timeoutSeconds}s: ` +
      "context deadline exceeded";
  }
  if (error instanceof LateError) return lateText(timeoutSeconds);
  const cause = error instanceof Error ? error.message : String(error);
  return `error: health rpc probe failed: rpc error: code = Unavailable desc = ${cause}`;
}

function lateText(timeoutSeconds: number): string {
  return `timeout: health rpc did not complete within ${timeoutSeconds}s`;
}

function headersOf(authority: string, timeoutSeconds: number) {
  return Object.entries({
    ":method": "POST",
    ":scheme": "http",
    ":path": "/grpc.health.v1.Health/Check",
    ":authority": authority,
    "content-type": "application/grpc",
    "user-agent": "kube-probe/1.34 grpc-go/1.72.1",
    "te": "trailers",
    "grpc-timeout": `${timeoutSeconds * 1_000}m`,
  }).map(([name, value]) => ({ name, value }));
}

/** A `HealthCheckRequest`: field 1 is the service, and left out when it is empty. */
function requestOf(service: string): Uint8Array {
  const name = new TextEncoder().encode(service);
  if (name.length === 0) return name;
  const length = name.length < 128 ? [name.length] : [name.length % 128 + 128, name.length >> 7];
  return Uint8Array.of(0x0a, ...length, ...name);
}

const SERVING = 1;
const STATUS_NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/** https://grpc.io/docs/guides/status-codes/ */
const CODE_NAMES = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound"],
  ...["AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted"],
  ...["OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

function outcomeOf(answer: CallAnswer, { timeoutSeconds }: ProbeLimits): ProbeOutcome {
  const { code, message } = statusOf(answer);
  if (code === "DeadlineExceeded") return failure(lateText(timeoutSeconds));
  if (code === "Unimplemented") {
    return failure(
      "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): " +
        message,
    );
  }
  if (code !== "OK") {
    return failure(`error: health rpc probe failed: rpc error: code = ${code} desc = ${message}`);
  }
  const status = servingStatusOf(answer.message);
  if (status === SERVING) return { result: "success", output: "service healthy" };
  return failure(`service unhealthy (responded with "${STATUS_NAMES[status] ?? status}")`);
}

/** The end of a call; of an answer that is not gRPC's, what its HTTP status means. */
function statusOf({ headers }: CallAnswer): { code: string; message: string } {
  const valueOf = (name: string) => headers.findLast((each) => each.name === name)?.value;
  const code = valueOf("grpc-status");
  if (code !== undefined) {
    const name = CODE_NAMES[Number(code)] ?? `Code(${code})`;
    return { code: name, message: decoded(valueOf("grpc-message") ?? "") };
  }
  const status = valueOf(":status") ?? "";
  if (status === "200") {
    return { code: "Internal", message: "server closed the stream without sending trailers" };
  }
  const message = `unexpected HTTP status code received from server: ${status}`;
  return { code: CODES_OF_HTTP[status] ?? "Unknown", message };
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const CODES_OF_HTTP: Readonly<Record<string, string>> = {
  "400": "Internal",
  "401": "Unauthenticated",
  "403": "PermissionDenied",
  "404": "Unimplemented",
  "429": "Unavailable",
  "502": "Unavailable",
  "503": "Unavailable",
  "504": "Unavailable",
};

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message; // not encoded as it should be
  }
}

/** A `HealthCheckResponse`: field 1 is the status, and left out when it is UNKNOWN. */
function servingStatusOf(message: Uint8Array): number {
  return message[0] === 0x08 ? message[1] ?? 0 : 0;
}

function failure(output: string): ProbeOutcome {
  return { result: "failure", output };
}
