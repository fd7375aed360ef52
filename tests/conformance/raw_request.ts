/** What came back for raw bytes: the status of the first answer (0: none), and everything as text. */
export interface RawAnswer {
  status: number;
  text: string;
}

const ANSWER_MS_MAX = 15_000;

/**
 * Sends bytes as they are over TLS, and reads until the peer closes, `until` matches what came, or nobody
 * answers for long. A reset counts as an end.
 */
export async function sendRaw(
  { address, caPem }: { address: string; caPem: string },
  parts: readonly (string | Uint8Array)[],
  { until = /\r\n\r\n[^]*\}\n(\r\n0\r\n\r\n)?$/, halfClose = false }: {
    until?: RegExp;
    halfClose?: boolean;
  } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(address);
  const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [caPem] });
  const timer = setTimeout(() => close(connection), ANSWER_MS_MAX);
  const sent = send(connection, parts, halfClose);
  const text = await received(connection, until);
  clearTimeout(timer);
  close(connection);
  await sent;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}

async function send(
  connection: Deno.TlsConn,
  parts: readonly (string | Uint8Array)[],
  halfClose: boolean,
): Promise<void> {
  try {
    for (const part of parts) {
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
      for (let done = 0; done < bytes.length;) {
        done += await connection.write(bytes.subarray(done));
      }
    }
    if (halfClose) await connection.closeWrite();
  } catch {
    // the peer has closed: its answer is read by the other half
  }
}

async function received(connection: Deno.TlsConn, until: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    while (!until.test(text)) {
      const count = await connection.read(buffer);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch {
    // reset: there is no more
  }
  return text;
}

function close(connection: Deno.TlsConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
