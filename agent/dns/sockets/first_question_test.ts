import { firstQuestion } from "./first_question.ts";

const address = "127.0.0.1";

/** Listens for datagrams until the test is over; `port` 0: at a free one. */
async function withSocket(
  port: number,
  test: (socket: Deno.DatagramConn, port: number) => Promise<void> | void,
): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: address, port });
  try {
    await test(socket, (socket.addr as Deno.NetAddr).port);
  } finally {
    socket.close();
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  let free = 0;
  await withSocket(0, (_, port) => void (free = port));
  return free;
}

Deno.test("the first question is noticed, and the address is free then", async () => {
  const port = await freePort();
  const asked = firstQuestion({ address, port }, new AbortController().signal);
  await withSocket(0, async (client) => {
    await client.send(new Uint8Array(1), { transport: "udp", hostname: address, port });
    await asked;
  });
  await withSocket(port, () => {});
});

Deno.test("who stops waits for no question, and leaves the address free", async () => {
  const port = await freePort();
  const stop = new AbortController();
  const asked = firstQuestion({ address, port }, stop.signal);
  stop.abort();
  await asked;
  await firstQuestion({ address, port }, stop.signal);
  await withSocket(port, () => {});
});

Deno.test("where somebody else listens, nothing is waited for", () =>
  withSocket(0, (_, port) => firstQuestion({ address, port }, new AbortController().signal)));
