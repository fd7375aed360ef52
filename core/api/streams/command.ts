import { ApiError } from "../../client/api_error.ts";
import type { ObjectName } from "../../client/client.ts";
import type { ContainerSession, WantedStreams } from "../../client/container_session.ts";
import type { SessionStart } from "../../client/node_streams.ts";
import { ENDED } from "../../lib/abort.ts";
import type { ByteSource } from "../../lib/byte_queue.ts";
import { messageOf } from "../../lib/error_message.ts";
import {
  type CommandChannels,
  sizesIn,
  socketChannels,
  SPDY_PROTOCOLS,
  spdyChannels,
  WEBSOCKET_PROTOCOLS,
} from "./command_channels.ts";
import { type CommandStatus, internalError } from "./command_status.ts";
import { chosenSpdyProtocol, spdyAnswer } from "./spdy/handshake.ts";
import type { StreamParts, UpgradeRequest } from "./stream.ts";
import type { RawConnection } from "./upgrades/raw_connection.ts";
import {
  isUpgrade,
  type UpgradeHead,
  upgradeHeadOf,
  upgradeRequired,
} from "./upgrades/upgrade_head.ts";
import { openConnection } from "./upgraded.ts";
import {
  chosenSubprotocol,
  isWebSocket,
  subprotocolsOf,
  webSocketAnswer,
} from "./websocket/handshake.ts";
import { WebSocket } from "./websocket/web_socket.ts";

/** What is done on the streams of a client. */
export interface Command {
  pod: ObjectName;
  wanted: WantedStreams;
  /** Finds out whether it can be done, before the answer. */
  prepare(): Promise<SessionStart>;
  /** Stands before the reason when it could not be done. */
  failure: string;
  /** How its end is told. */
  statusOf(session: ContainerSession): Promise<CommandStatus>;
}

/** The only version whose errors are told after the upgrade, as kube-apiserver answers it by itself. */
const VERSION_5 = "v5.channel.k8s.io";

/** Answers the request for another protocol and connects its streams to the command, until either ends. */
export async function runCommand(
  request: UpgradeRequest,
  parts: StreamParts,
  command: Command,
): Promise<void> {
  const head = upgradeHeadOf(request.incoming);
  if (!isUpgrade(head)) throw upgradeRequired();
  const isVersion5 = isWebSocket(head) && subprotocolsOf(head).includes(VERSION_5);
  const prepared = command.prepare();
  prepared.catch(() => {}); // told below
  if (!isVersion5) await prepared;
  const protocol = isWebSocket(head)
    ? chosenSubprotocol(head, isVersion5 ? [VERSION_5] : WEBSOCKET_PROTOCOLS)
    : chosenSpdyProtocol(head, SPDY_PROTOCOLS);
  const answer = isWebSocket(head) ? webSocketAnswer(head, protocol) : spdyAnswer(protocol);
  await openConnection(request, parts, answer, async (connection, signal) => {
    const channels = await openChannels(head, protocol, connection, { ...parts, command, signal });
    await serve(command, prepared, channels, signal);
  });
}

async function openChannels(
  head: UpgradeHead,
  protocol: string,
  connection: RawConnection,
  { clock, command: { wanted }, signal }: StreamParts & { command: Command; signal: AbortSignal },
): Promise<CommandChannels> {
  if (!isWebSocket(head)) {
    return await spdyChannels(connection, protocol, wanted, { clock, signal });
  }
  return await socketChannels(new WebSocket(connection), protocol, wanted, signal);
}

async function serve(
  command: Command,
  prepared: Promise<SessionStart>,
  channels: CommandChannels,
  signal: AbortSignal,
): Promise<void> {
  let session: ContainerSession | undefined;
  try {
    const start = await prepared.catch((error) => {
      throw new Error(`unable to upgrade connection: ${messageOf(error)}`);
    });
    session = await start().catch((error) => {
      throw new Error(`${command.failure}: ${messageOf(error)}`);
    });
    const close = () => session?.close();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    await connect(session, channels);
    if (!signal.aborted) await channels.status(await command.statusOf(session));
  } catch (error) {
    if (error !== ENDED && !signal.aborted) await channels.status(internalError(messageOf(error)));
  } finally {
    session?.close();
    await channels.close();
  }
}

/** Copies both ways until the output has ended. */
async function connect(session: ContainerSession, channels: CommandChannels): Promise<void> {
  if (channels.stdin) void copyInput(channels.stdin, session);
  if (channels.sizes) void copySizes(channels.sizes, session);
  for await (const { stream, bytes } of session.output) await channels[stream]?.write(bytes);
}

async function copyInput(stdin: ByteSource, { input }: ContainerSession): Promise<void> {
  try {
    for (let bytes; (bytes = await stdin.read()) !== undefined;) await input.write(bytes);
    await input.end();
  } catch {
    // The command takes no more: `head` ends before its input does. What still comes is dropped.
    while (await stdin.read() !== undefined);
  }
}

async function copySizes(sizes: ByteSource, session: ContainerSession): Promise<void> {
  for await (const size of sizesIn(sizes)) await session.resize(size).catch(() => {});
  // It may have ended. What comes after nonsense is dropped.
  while (await sizes.read() !== undefined);
}

/** Answers a request for a command that is no upgrade. */
export function refuseOrdinary(method: string): ApiError {
  if (method === "GET" || method === "POST") return upgradeRequired();
  return new ApiError(
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
  );
}
