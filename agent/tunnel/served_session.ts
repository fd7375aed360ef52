import type { ContainerSession, OutputPiece } from "../../core/client/container_session.ts";
import type { SessionStart } from "../../core/client/node_streams.ts";
import {
  BEGIN_MS_MAX,
  FRAME,
  FRAME_HEAD_BYTES,
  type SessionEnd,
  type SessionOrder,
} from "../../core/client/remote_streams/stream_requests.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import type { MuxStream } from "../../core/lib/mux/mux_stream.ts";
import type { Asked } from "./asked.ts";

/** The sessions that run, by the names that the server has given them. */
export type Sessions = Map<string, ContainerSession>;

/** An order is a few numbers. */
const ORDER_BYTES_MAX = 1_024;
const encoder = new TextEncoder();

/** Starts a session when the server says so, sends its output and how it ended, and follows orders. */
export async function serveSession(
  start: SessionStart,
  { name, asked, sessions }: { name: string; asked: Asked; sessions: Sessions },
): Promise<void> {
  await asked.grant();
  if (await asked.request(BEGIN_MS_MAX) === undefined) return;
  const session = await start();
  const close = () => session.close();
  asked.signal.addEventListener("abort", close, { once: true });
  if (asked.signal.aborted) close();
  sessions.set(name, session);
  try {
    await asked.grant();
    void followOrders(session, asked);
    for await (const piece of session.output) await asked.stream.write(frameOf(piece));
    await asked.stream.write(await endOf(session));
    asked.stream.end();
  } finally {
    sessions.delete(name);
    asked.signal.removeEventListener("abort", close);
    close();
  }
}

/** Until the server has said everything, or is gone. */
async function followOrders(session: ContainerSession, { reader }: Asked): Promise<void> {
  try {
    for (let order; (order = await reader.message(ORDER_BYTES_MAX)) !== undefined;) {
      const { do: what, ...size } = order as SessionOrder & { do: "resize" };
      // It may have ended: nobody needs a size then.
      if (what === "resize") await session.resize(size).catch(() => {});
    }
  } catch {
    session.close(); // the server has left
  }
}

/** The input of a session: at its pace, with its end. */
export async function takeInput(
  stream: MuxStream,
  sessions: Sessions,
  name: string,
): Promise<void> {
  const session = sessions.get(name);
  if (session === undefined) return stream.reset("there is no such session");
  const { input } = session;
  try {
    for await (const bytes of stream.bytes) await input.write(bytes);
    await input.end();
    stream.end();
  } catch (error) {
    stream.reset(messageOf(error)); // the command takes no more, or the client has left
  }
}

function frameOf({ stream, bytes }: OutputPiece): Uint8Array {
  return frame(FRAME[stream], bytes);
}

async function endOf(session: ContainerSession): Promise<Uint8Array> {
  const end: SessionEnd = await session.exitCode().then(
    (exitCode) => ({ exitCode }),
    (error) => ({ failure: messageOf(error) }),
  );
  return frame(FRAME.end, encoder.encode(JSON.stringify(end)));
}

function frame(type: number, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(FRAME_HEAD_BYTES + bytes.length);
  whole[0] = type;
  new DataView(whole.buffer).setUint32(1, bytes.length);
  whole.set(bytes, FRAME_HEAD_BYTES);
  return whole;
}
