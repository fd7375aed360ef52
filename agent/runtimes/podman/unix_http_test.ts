import assert from "node:assert/strict";
import { UnixHttp } from "./unix_http.ts";

const signal = new AbortController().signal;

Deno.test("a unix socket is asked: bodies of each kind, answers of each kind", async () => {
  await withServer(async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/none") return new Response(null, { status: 204 });
    return new Response(`${request.method} ${pathname} ${await request.text()}`);
  }, async (http) => {
    const ask = async (body?: string | Uint8Array | ReadableStream<Uint8Array>) => {
      const given = body === undefined ? {} : { body };
      const answer = await http.ask({ method: "POST", path: "/x", headers: {}, signal, ...given });
      return await answer.text();
    };
    assert.equal(await ask(), "POST /x ");
    assert.equal(await ask("é"), "POST /x é");
    assert.equal(await ask(new TextEncoder().encode("b")), "POST /x b");
    assert.equal(
      await ask(new Blob(["c".repeat(100_000)]).stream()),
      `POST /x ${"c".repeat(100_000)}`,
    );
    const none = await http.ask({ method: "GET", path: "/none", headers: {}, signal });
    assert.deepEqual([none.status, none.body], [204, null]);
  });
});

Deno.test("a signal ends a request that is not answered, and an answer that does not end", async () => {
  const never = Promise.withResolvers<Response>();
  const endless = () => new ReadableStream({ start: (to) => to.enqueue(new Uint8Array([65])) });
  await withServer((request) => {
    return request.url.endsWith("/never") ? never.promise : new Response(endless());
  }, async (http) => {
    const stop = new AbortController();
    const waiting = http.ask({ method: "GET", path: "/never", headers: {}, signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    const late = new AbortController();
    const answer = await http.ask({ method: "GET", path: "/", headers: {}, signal: late.signal });
    const reader = answer.body!.getReader();
    assert.deepEqual((await reader.read()).value, new Uint8Array([65]));
    const rest = reader.read();
    late.abort(new Error("enough"));
    await assert.rejects(rest, /enough/);
    never.resolve(new Response());
  });
});

Deno.test("a signal ends a request that is not answered on a connection that was used before", async () => {
  const [never, asked] = [Promise.withResolvers<Response>(), Promise.withResolvers<void>()];
  await withServer((request) => {
    if (!request.url.endsWith("/never")) return new Response("x");
    asked.resolve();
    return never.promise;
  }, async (http) => {
    const ask = (path: string, signal: AbortSignal) =>
      http.ask({ method: "GET", path, headers: {}, signal });
    assert.equal(await (await ask("/", signal)).text(), "x");
    const stop = new AbortController();
    const waiting = ask("/never", stop.signal);
    await asked.promise;
    stop.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
    never.resolve(new Response());
    assert.equal(await (await ask("/", signal)).text(), "x");
  });
});

Deno.test("a socket at which nobody listens is an error", async () => {
  const http = new UnixHttp({ socketPath: "/nowhere/x.sock", idleMax: 1 });
  await assert.rejects(
    http.ask({ method: "GET", path: "/", headers: {}, signal }),
    /ENOENT|os error 2/,
  );
  http.close();
});

async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  body: (http: UnixHttp) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const socketPath = `${folder}/x.sock`;
  const server = Deno.serve({ path: socketPath, onListen() {} }, answer);
  const http = new UnixHttp({ socketPath, idleMax: 4 });
  try {
    await body(http);
  } finally {
    http.close();
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}
