import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAuthority, issueServer } from "../../api/access/pki_certificates.ts";
import { HttpsWebhooks } from "./webhook_transport.ts";

const NAME = "hook.apps.svc";

/** A webhook on loopback that names itself `hook.apps.svc`; `ask` sends to it. */
class Hook implements AsyncDisposable {
  readonly #webhooks = new HttpsWebhooks();

  private constructor(
    readonly port: number,
    readonly caPem: string,
    readonly close: () => Promise<void>,
  ) {}

  static async open(answer: (asked: IncomingMessage, answer: ServerResponse) => void) {
    const authority = await createAuthority("hooks");
    const { certificate: cert, key } = await issueServer(authority, { commonName: NAME }, [NAME]);
    const server = createServer({ cert, key }, answer);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const close = () => {
      server.closeAllConnections();
      return new Promise<void>((done) => server.close(() => done()));
    };
    return new Hook((server.address() as AddressInfo).port, authority.certificate, close);
  }

  ask({ host = "hook.apps.svc", caPem = this.caPem, address = "127.0.0.1", seconds = 5 } = {}) {
    const url = new URL(`https://${host}:443/check`);
    const endpoint = { address, port: this.port };
    return this.#webhooks.post({ url, endpoint, caPem }, '{"a":1}', seconds);
  }

  askUrl(url: string) {
    return this.#webhooks.post({ url: new URL(url), caPem: this.caPem }, "{}", 1);
  }

  async [Symbol.asyncDispose]() {
    this.#webhooks[Symbol.dispose]();
    await this.close();
  }
}

function rejected(asked: Promise<unknown>): Promise<string> {
  return asked.then(() => "answered", (error: Error) => `${error.name}: ${error.message}`);
}

Deno.test("a webhook is sent JSON and its JSON comes back, over one connection", async () => {
  const seen: unknown[] = [];
  const ports = new Set<number | undefined>();
  await using hook = await Hook.open(async (asked, answer) => {
    let text = "";
    for await (const piece of asked) text += piece;
    ports.add(asked.socket.remotePort);
    const { host, accept, "user-agent": agent } = asked.headers;
    seen.push([asked.method, asked.url, host, accept, agent, text]);
    answer.end('{"b":2}');
  });
  for (let i = 0; i < 3; i++) assert.deepEqual(await hook.ask(), { b: 2 });
  assert.deepEqual(seen[0], [
    "POST",
    "/check?timeout=5s",
    "hook.apps.svc",
    "application/json, */*",
    "kube-apiserver-admission",
    '{"a":1}',
  ]);
  assert.equal(ports.size, 1);
});

Deno.test("only an authority of the webhook counts, and only for its name, on later connections too", async () => {
  await using hook = await Hook.open((_, answer) => void answer.end("{}"));
  const other = await createAuthority("hooks");
  const ask = () =>
    Promise.all([
      rejected(hook.ask({ caPem: other.certificate })),
      rejected(hook.ask({ host: "other.apps.svc" })),
      rejected(hook.ask({ caPem: "" })),
    ]);
  const start = 'WebhookFailure: Post "https://hook.apps.svc/check?timeout=5s": ';
  const unknown =
    "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  for (let i = 0; i < 2; i++) {
    const [stranger, name, none] = await ask();
    assert.equal(stranger, start + unknown);
    assert.match(name!, /certificate is not valid for other\.apps\.svc$/);
    assert.equal(none, start + unknown);
    assert.deepEqual(await hook.ask(), {});
  }
});

Deno.test("failures are told in the words of client-go, and what was answered is not repeated", async () => {
  await using hook = await Hook.open((asked, answer) => {
    if (asked.socket.remotePort === undefined) return;
    answer.statusCode = 500;
    answer.end("a secret");
  });
  const text = await rejected(hook.ask());
  assert.equal(
    text,
    'WebhookFailure: an error on the server ("unknown") has prevented the request from succeeding',
  );
  const [refused] = await Promise.all([rejected(hook.askUrl("https://127.0.0.1:9/x"))]);
  assert.equal(
    refused,
    'WebhookFailure: Post "https://127.0.0.1:9/x?timeout=1s": dial tcp 127.0.0.1:9: connect: connection refused',
  );
});

Deno.test("a webhook that does not answer in time, or without an end, is given up", async () => {
  await using hook = await Hook.open((asked, answer) => {
    if (!asked.url!.includes("timeout=1s")) return void feed(answer);
  });
  assert.match(await rejected(hook.ask({ seconds: 1 })), /: context deadline exceeded$/);
  assert.match(await rejected(hook.ask({ seconds: 20 })), /the answer is too large$/);
});

Deno.test("a connection that was used before is given up too, and not used again", async () => {
  const ports: unknown[] = [];
  await using hook = await Hook.open((asked, answer) => {
    ports.push(asked.socket.remotePort);
    if (!asked.url!.includes("timeout=1s")) answer.end("{}");
  });
  await hook.ask();
  assert.match(await rejected(hook.ask({ seconds: 1 })), /: context deadline exceeded$/);
  await hook.ask();
  assert.deepEqual([ports[0] === ports[1], ports[1] === ports[2]], [true, false]);
});

function feed(answer: ServerResponse): void {
  const more = () => {
    while (!answer.destroyed && answer.write(new Uint8Array(1 << 16))) { /* until it is full */ }
  };
  answer.on("drain", more);
  more();
}

Deno.test("addresses of a link alone are not asked, whoever names them", async () => {
  await using hook = await Hook.open((_, answer) => void answer.end("{}"));
  for (const host of ["169.254.169.254", "[fe80::1]", "0.0.0.0", "224.0.0.1"]) {
    assert.match(await rejected(hook.askUrl(`https://${host}/x`)), /addresses are not asked$/);
  }
  assert.match(
    await rejected(hook.ask({ address: "169.254.169.254" })),
    /link-local addresses are not asked$/,
  );
});

Deno.test("a redirect is not followed", async () => {
  await using hook = await Hook.open((_, answer) => {
    answer.writeHead(307, { location: "https://169.254.169.254/" });
    answer.end();
  });
  assert.match(await rejected(hook.ask()), /the server rejected our request/);
});
