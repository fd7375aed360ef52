import assert from "node:assert/strict";
import { freshApi, TOKEN } from "../../core/api/api_fixture.ts";
import { serveOnLoopback, testCredentials } from "../../core/api/remote_fixture.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { SMUGGLED_REQUESTS, type SmuggledRequest } from "./smuggled_requests.ts";
import { readAll, writeAll } from "./strict_endpoint.ts";

const HOST = "Host: a\r\n";
const KNOWN = `${HOST}Authorization: Bearer ${TOKEN}\r\n`;
const END = `GET /end HTTP/1.1\r\n${KNOWN}Connection: close\r\n\r\n`;
/** Handshakes mostly wait; they take little processor time. */
const AT_ONCE = 16;

const FAILURES = [500, 502, 503, 504];

/**
 * What the proxy refuses because some reader might err, and the API, which is the last reader, understands as RFC 9112 has
 * it: how many answers there are, that to {@linkcode END} included.
 */
const UNDERSTOOD: Readonly<Record<string, number>> = {
  "a length with many zeros": 3,
  "Transfer-Encoding with gzip before chunked": 3,
  "Transfer-Encoding with an empty element before": 3,
  "a chunk of a size of many zeros": 2,
  "a chunk of an extension of 300 bytes": 2,
  "chunks with Host as a trailer": 2,
  "chunks with who asked as a trailer": 2,
  "chunks with 10 KB of trailers": 2,
  "two spaces in the request line": 2,
  "LF before the request": 2,
  "two empty lines before the request": 2,
  "a target with a fragment": 2,
  "a target of another scheme": 2,
  "a target for another host": 2,
  "a target with a user": 2,
  "a target with another port": 2,
  "a star with a method that takes none": 2,
  "two Hosts": 2,
  "two equal Hosts": 2,
  "a list of Hosts": 2,
  "a Host with a space within": 2,
  "a Host with a path": 2,
  "a Host with a user": 2,
  "a Host with a query": 2,
  "a Host with a backslash": 2,
  "chunks in HTTP/1.0 that lives on": 2,
};

Deno.test("the API refuses what is smuggled, or reads no more requests than there are, and never fails", async () => {
  const credentials = await testCredentials;
  const { authority } = credentials;
  const served = await serveOnLoopback(await freshApi({ clock: new SystemClock() }), credentials);
  try {
    const faults: string[] = [];
    for (let from = 0; from < SMUGGLED_REQUESTS.length; from += AT_ONCE) {
      const some = SMUGGLED_REQUESTS.slice(from, from + AT_ONCE);
      faults.push(
        ...await Promise.all(some.map((one) => faultOf(one, served.address.port, authority))),
      );
    }
    assert.equal(faults.join(""), "");
  } finally {
    await served.stop();
  }
});

/** `""` when there is no answer. That it ends at all shows that nothing hangs. */
async function faultOf(one: SmuggledRequest, port: number, authority: string): Promise<string> {
  const connection = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [authority] });
  try {
    await writeAll(connection, one.bytes.replaceAll(HOST, KNOWN) + END).catch(() => {}); // refused before its end
    const answers = await readAll(connection);
    const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) =>
      Number(status)
    )
      .filter((status) => status >= 200);
    const most = UNDERSTOOD[one.name] ?? (one.forwarded ? one.forwarded.length + 1 : 1);
    const isWell = statuses.length <= most && !statuses.some((status) => FAILURES.includes(status));
    return isWell ? "" : `${one.name}: ${statuses} for at most ${most}\n`;
  } finally {
    connection.close();
  }
}
