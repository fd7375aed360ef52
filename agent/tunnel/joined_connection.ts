import type { Duplex } from "node:stream";
import type { Asked } from "./asked.ts";

/** Copies both ways between a connection and what the server reads and writes, each way until its own end. */
export async function joinConnection(connection: Duplex, asked: Asked): Promise<void> {
  const gone = Promise.withResolvers<never>();
  gone.promise.catch(() => {}); // raced with below
  connection.on("error", gone.reject);
  connection.once("close", () => gone.reject(new Error("the connection was closed")));
  const destroy = () => connection.destroy();
  asked.signal.addEventListener("abort", destroy, { once: true });
  try {
    await asked.grant();
    await Promise.all([receive(connection, asked), send(connection, asked, gone.promise)]);
  } finally {
    asked.signal.removeEventListener("abort", destroy);
    connection.destroy();
  }
}

async function receive(connection: Duplex, { stream }: Asked): Promise<void> {
  // By default the connection is destroyed with the end of what comes: the other way may go on.
  for await (const bytes of connection.iterator({ destroyOnReturn: false })) {
    await stream.write(bytes);
  }
  stream.end();
}

async function send(connection: Duplex, { reader }: Asked, gone: Promise<never>): Promise<void> {
  for (let bytes; (bytes = await reader.some()) !== undefined;) {
    if (connection.write(bytes)) continue;
    const drained = new Promise<void>((resolve) => connection.once("drain", resolve));
    await Promise.race([drained, gone]);
  }
  connection.end();
}
