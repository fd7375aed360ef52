/**
 * The web server of a pod, well-behaved (`web`) or hostile. It always responds to `/ready`; for other requests its mode
 * decides. Arguments: mode and port; the address is `$POD_IP`.
 */

/** The body of every normal response. */
export const WEB_BODY = "here";
/** Longer text is a body, which is ignored. */
const HEAD_MAX = 64 * 1024;
const CARRIAGE_RETURN = 13;
/** Longer than any test runs. */
const FLOOD_MS_MAX = 20_000;
const GOOD = `HTTP/1.1 200 OK\r\ncontent-length: ${WEB_BODY.length}\r\n\r\n${WEB_BODY}`;
const HINT = `HTTP/1.1 103 Early Hints\r\nlink: </${"a".repeat(100)}>\r\n\r\n`;
const TUNNEL =
  "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const PIECE = new Uint8Array(64 * 1024).fill(97);

/** What it does after a request other than `/ready`. */
const MODES: Readonly<Record<string, (connection: Deno.TcpConn) => Promise<void>>> = {
  "web": (connection) => send(connection, bytesOf(GOOD)),
  "interim answers without end": (connection) => flood(connection, bytesOf(HINT.repeat(500))),
  "an answer without end": async (connection) => {
    await send(connection, bytesOf(`HTTP/1.1 200 OK\r\ncontent-length: ${10 ** 12}\r\n\r\n`));
    await flood(connection, PIECE);
  },
  "a tunnel that floods": async (connection) => {
    await send(connection, bytesOf(TUNNEL));
    await flood(connection, PIECE);
  },
  "a tunnel that reads nothing": async (connection) => {
    await send(connection, bytesOf(TUNNEL));
    await stay();
  },
  "reads no body": () => stay(),
};

if (import.meta.main) {
  const [mode = "web", port = "8080"] = Deno.args;
  const hostname = Deno.env.get("POD_IP") ?? "127.0.0.1";
  for await (const connection of Deno.listen({ hostname, port: Number(port) })) {
    void serve(connection, MODES[mode]!).catch(() => {}).finally(() => connection.close());
  }
}

/** Serves one request after another; bodies are ignored. */
async function serve(
  connection: Deno.TcpConn,
  act: (connection: Deno.TcpConn) => Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    if (!buffer.subarray(0, count).includes(CARRIAGE_RETURN)) continue; // of a body
    text = (text + new TextDecoder("latin1").decode(buffer.subarray(0, count))).slice(-HEAD_MAX);
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const isReady = /\/ready HTTP\/1\.1$/.test(lineOf(text));
      text = text.slice(end + 4);
      await (isReady ? send(connection, bytesOf(GOOD)) : act(connection));
    }
  }
}

function lineOf(text: string): string {
  return text.slice(0, text.indexOf("\r\n"));
}

async function flood(connection: Deno.TcpConn, piece: Uint8Array): Promise<void> {
  const endMs = performance.now() + FLOOD_MS_MAX;
  while (performance.now() < endMs) await send(connection, piece);
}

async function send(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

function stay(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, FLOOD_MS_MAX));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
