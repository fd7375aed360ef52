import { asBytes, asText, type Message, messagesIn, nameOf } from "./strict_http.ts";

/** An endpoint that reads as strictly as can be, and answers each request with its name. */
export class StrictEndpoint {
  /** Since they were last taken. */
  requests: Message[] = [];
  /** What a strict reader could not read. There must be none. */
  readonly faults: string[] = [];

  async serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return connection.close();
      text += asText(buffer.subarray(0, count));
      const read = this.#read(text);
      if (read === undefined) return connection.close();
      const { messages, rest } = read;
      text = rest;
      for (const message of messages) {
        this.requests.push(message);
        await writeAll(connection, answerTo(nameOf(message)));
      }
    }
  }

  #read(text: string): { messages: Message[]; rest: string } | undefined {
    try {
      return messagesIn(text);
    } catch (error) {
      this.faults.push(`${error} in ${JSON.stringify(text)}`);
      return undefined;
    }
  }
}

/** The body is the name of the request, but for HEAD. */
export function answerTo(name: string): string {
  const body = name.startsWith("HEAD ") ? "" : name;
  return `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${body}`;
}

export async function writeAll(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = asBytes(text);
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}

/** All that comes until the connection ends; a reset is an end too. */
export async function readAll(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  try {
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return text;
      text += asText(buffer.subarray(0, count));
    }
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return text;
    if (error instanceof Deno.errors.UnexpectedEof) return text; // TLS that ends without close_notify
    throw error;
  }
}
