import type { TerminalSize, WantedStreams } from "../../client/container_session.ts";
import { orAborted } from "../../lib/abort.ts";
import type { ByteSink, ByteSource } from "../../lib/byte_queue.ts";
import type { Clock } from "../../lib/clock.ts";
import { SpdySession, type SpdyStream } from "./spdy/session.ts";
import { SocketChannels } from "./websocket/socket_channels.ts";
import type { WebSocket } from "./websocket/web_socket.ts";
import type { CommandStatus } from "./command_status.ts";

/** The streams of a command as a client has opened them, in whatever protocol. */
export interface CommandChannels {
  stdin?: ByteSource;
  stdout?: ByteSink;
  stderr?: ByteSink;
  /** Each size as JSON: `{"Width": 80, "Height": 24}`. */
  sizes?: ByteSource;
  /** Says how it ended. */
  status(status: CommandStatus): Promise<void>;
  /** Ends what is sent. */
  close(): Promise<void>;
}

/** How long a client may take to open its streams: kubelet `DefaultStreamCreationTimeout`. */
const OPEN_MS = 30_000;
/** Channels of a WebSocket: kubelet `pkg/cri/streaming/remotecommand/websocket.go`. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const encoder = new TextEncoder();

/** Subprotocols of WebSocket for commands; `""`: the client names none. */
export const WEBSOCKET_PROTOCOLS = [
  "",
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
];
/** Protocols on SPDY for commands. */
export const SPDY_PROTOCOLS = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
];

/** Version 4 and later say how a command ended as a Status, earlier ones only what went wrong, as text. */
function statusText(protocol: string, status: CommandStatus): string {
  if (/^v[45]\./.test(protocol)) return JSON.stringify(status);
  return status.status === "Success" ? "" : status.message ?? "";
}

/** The channels of a WebSocket, which are there at once. */
export async function socketChannels(
  socket: WebSocket,
  protocol: string,
  wanted: WantedStreams,
  signal: AbortSignal,
): Promise<CommandChannels> {
  const channels = new SocketChannels(socket, {
    count: 5,
    reads: [...(wanted.stdin ? [CHANNEL.stdin] : []), CHANNEL.resize],
    isBase64: protocol.includes("base64"),
    halfCloses: protocol.startsWith("v5."),
  });
  const error = channels.sink(CHANNEL.error);
  // Tells the client that the connection stands.
  const first = wanted.stdout ? CHANNEL.stdout : wanted.stderr ? CHANNEL.stderr : CHANNEL.error;
  await channels.send(first, new Uint8Array());
  signal.addEventListener("abort", () => channels.abandon(), { once: true });
  void channels.run();
  return {
    ...(wanted.stdin && { stdin: channels.source(CHANNEL.stdin) }),
    ...(wanted.stdout && { stdout: channels.sink(CHANNEL.stdout) }),
    ...(wanted.stderr && { stderr: channels.sink(CHANNEL.stderr) }),
    sizes: channels.source(CHANNEL.resize),
    status: (status) => {
      const text = statusText(protocol, status);
      return text === "" ? Promise.resolve() : error.write(encoder.encode(text));
    },
    close: () => socket.close(),
  };
}

/** The streams that a SPDY client opens. Rejects when they do not come in time, or the signal aborts. */
export async function spdyChannels(
  connection: ByteSource & ByteSink,
  protocol: string,
  wanted: WantedStreams,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<CommandChannels> {
  const streams = new Map<string, SpdyStream>();
  const hasResize = wanted.tty && /^v[34]\./.test(protocol);
  const asked = (["stdin", "stdout", "stderr"] as const).filter((name) => wanted[name]);
  const expected = ["error", ...asked, ...(hasResize ? ["resize"] : [])];
  const complete = Promise.withResolvers<void>();
  const session = new SpdySession(connection, (stream) => {
    const type = stream.headers.get("streamtype") ?? "";
    // What nobody reads must not hold up the others.
    if (type !== "stdin" && type !== "resize" || !expected.includes(type)) stream.discardInput();
    if (!streams.has(type)) streams.set(type, stream);
    if (expected.every((name) => streams.has(name))) complete.resolve();
  });
  signal.addEventListener("abort", () => void session.close(), { once: true });
  const late = clock.after(
    OPEN_MS,
    () => complete.reject(new Error("timed out waiting for client to create streams")),
  );
  const ended = session.run().then(() => complete.reject(new Error("the client has left")));
  ended.catch(() => {});
  try {
    await orAborted(complete.promise, signal);
  } catch (error) {
    await session.close();
    throw error;
  } finally {
    late();
  }
  return channelsOf(session, streams, protocol, asked);
}

function channelsOf(
  session: SpdySession,
  streams: ReadonlyMap<string, SpdyStream>,
  protocol: string,
  asked: readonly ("stdin" | "stdout" | "stderr")[],
): CommandChannels {
  const error = streams.get("error")!;
  const sizes = streams.get("resize");
  return {
    ...Object.fromEntries(asked.map((name) => [name, streams.get(name)!])),
    ...(sizes && { sizes }),
    status: async (status) => {
      await streams.get("stdout")?.end();
      await streams.get("stderr")?.end();
      const text = statusText(protocol, status);
      if (text !== "") await error.write(encoder.encode(text));
      await error.end();
    },
    close: () => session.close(),
  };
}

/** Longer than any size is as JSON. */
const SIZE_LENGTH_MAX = 256;

/** The sizes in a stream of JSON objects, wherever it is cut; ends at the first that is none. */
export async function* sizesIn(source: ByteSource): AsyncGenerator<TerminalSize> {
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes; (bytes = await source.read()) !== undefined;) {
    text += decoder.decode(bytes, { stream: true });
    for (let end; (end = text.indexOf("}") + 1) > 0; text = text.slice(end)) {
      const size = sizeOf(text.slice(0, end));
      if (size === undefined) return;
      // kubectl without a terminal has none.
      if (size.columns > 0 && size.rows > 0) yield size;
    }
    if (text.length > SIZE_LENGTH_MAX) return;
  }
}

function sizeOf(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as Record<string, unknown>;
    const [columns, rows] = [Width, Height].map((each) => each ?? 0);
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;
}
