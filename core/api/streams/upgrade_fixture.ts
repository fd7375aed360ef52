import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { pods } from "../../resources/core/pods/pods.ts";
import { type ApiFixture, TOKEN } from "../api_fixture.ts";
import type { Status } from "../http/status.ts";
import { connectedPair } from "./upgrades/duplex_fixture.ts";

/** The client's end of an upgraded connection, and why there is none. */
export interface Upgraded {
  client: Duplex;
  /** Resolves when the server needs the connection no more. */
  done: Promise<Status | undefined>;
  /** What came so far, as Latin-1. */
  text(): string;
  /** Waits until that holds a text, or the connection has ended. */
  until(part: string): Promise<string>;
}

export const WEBSOCKET = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Asks the API for another protocol, as the admin unless the headers say otherwise. */
export function upgradeAt(
  { api }: Pick<ApiFixture, "api">,
  url: string,
  headers: Readonly<Record<string, string>>,
  method = "GET",
): Upgraded {
  const [socket, client] = connectedPair();
  let text = "";
  let wake = () => {};
  client.setEncoding("latin1").on("data", (part: string) => {
    text += part;
    wake();
  });
  const ended = new Promise<void>((resolve) => client.once("close", resolve).once("end", resolve));
  const all = { authorization: `Bearer ${TOKEN}`, ...headers };
  const incoming = {
    method,
    url,
    headers: all,
    rawHeaders: Object.entries(all).flat(),
    socket: undefined,
  } as unknown as IncomingMessage;
  const done = api.upgrade({ incoming, socket, head: new Uint8Array() }).then((refusal) => {
    socket.end();
    return refusal;
  });
  const until = async (part: string) => {
    let isOver = false;
    while (!text.includes(part) && !isOver) {
      await Promise.race([
        new Promise<void>((resolve) => wake = resolve),
        ended.then(() => isOver = true),
      ]);
    }
    return text;
  };
  return { client, done, text: () => text, until };
}

/** A pod that runs on a node. */
export async function addRunningPod(
  { ask, objects }: ApiFixture,
  name: string,
  containers: readonly string[] = ["main"],
): Promise<void> {
  await ask("POST", "/api/v1/namespaces/default/pods", {
    metadata: { name },
    spec: { containers: containers.map((name) => ({ name, image: "b" })) },
  });
  await objects.amend(pods, { namespace: "default", name }, (pod) => ({
    ...pod,
    spec: { ...(pod as unknown as { spec: object }).spec, nodeName: "n1" },
    status: { phase: "Running" },
  } as typeof pod));
}
