/** The server's end of what `bench/tunnel.ts` measures: a tunnel of the product, and bare TLS. Prints both ports. */
import { createServer } from "node:tls";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import { TunnelServer } from "../../core/api/tunnels/tunnel_fixture.ts";
import { testCredentials } from "../../core/api/remote_fixture.ts";

const PART = new Uint8Array(64 * 1024);

const KINDS: readonly StreamKind[] = [
  {
    kind: "sink",
    async answer(stream) {
      for await (const _ of stream.bytes);
      await stream.write(new Uint8Array(1));
    },
  },
  {
    kind: "source",
    async answer(stream, { bytes }) {
      for (let sent = 0; sent < Number(bytes); sent += PART.length) await stream.write(PART);
    },
  },
  {
    kind: "echo",
    async answer(stream) {
      for await (const bytes of stream.bytes) await stream.write(bytes);
    },
  },
];

/** The first byte of a connection says what it is for: see `client.ts`. */
function bareTls(certificate: string, key: string): Promise<number> {
  const server = createServer({ cert: certificate, key }, (socket) => {
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.once("data", (first: Uint8Array) => {
      const megabytes = first[1]! << 8 | first[2]!;
      if (first[0] === 2) return void send(megabytes);
      let left = megabytes * 1e6;
      const take = (bytes: Uint8Array) => {
        if (first[0] === 3) socket.write(bytes);
        else if ((left -= bytes.length) <= 0) socket.end(new Uint8Array(1));
      };
      if (first.length > 3) take(first.subarray(3));
      socket.on("data", take);
    });
    async function send(megabytes: number) {
      for (let sent = 0; sent < megabytes * 1e6; sent += PART.length) {
        if (!socket.write(PART)) await new Promise((resolve) => socket.once("drain", resolve));
      }
      socket.end();
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}

const { server: { certificate, key }, authority, authorityKey } = await testCredentials;
const tunnels = await TunnelServer.start({ kinds: KINDS });
const ports = {
  tunnel: tunnels.served.address.port,
  tls: await bareTls(certificate, key),
  ...{ authority, authorityKey },
};
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(ports) + "\n"));
