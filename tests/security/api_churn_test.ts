/** Identities under churn: resumed sessions, broken connections, and junk between them. Source: RFC 8446 section 2.2. */
import assert from "node:assert/strict";
import { madeCertificate } from "../../core/api/access/certificate_fixture.ts";
import { ClientCertificates } from "../../core/api/access/client_certificates.ts";
import { freshApi } from "../../core/api/api_fixture.ts";
import type { Served } from "../../core/api/front/served.ts";
import { threadObstacle } from "../../core/api/front/thread_front.ts";
import {
  createAuthority,
  issueServer,
  type KeyPair,
} from "../../core/api/access/pki_certificates.ts";
import { serveOnLoopback } from "../../core/api/remote_fixture.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { Random } from "../../core/lib/random.ts";

const REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const WHO_AM_I = JSON.stringify({
  apiVersion: "authentication.k8s.io/v1",
  kind: "SelfSubjectReview",
});
const CONNECTIONS = 400;
const AT_ONCE = 12;
const JUNK_AT_ONCE = 4;
const CUT_SHARE = 0.1;
const CUT_MS_MAX = 6;
const JUNK_BYTES_MAX = 3_000;
const HELLO = Uint8Array.fromHex("16030100c8010000c40303");
const random = new Random(13);

Deno.test({
  name:
    "a stranger is never taken for the admin, however many connections are opened, resumed and cut at once",
  ignore: threadObstacle() !== undefined, // install OpenSSL 3 (libssl3)
  fn: () =>
    withApi(async ({ served, ask }) => {
      const seen = new Map<string, number>();
      const end = new AbortController();
      const junk = Promise.all(Array.from({ length: JUNK_AT_ONCE }, () => talkJunk(served, end)));
      let next = 0;
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (next < CONNECTIONS) {
          const kind = KINDS[next++ % KINDS.length]!;
          const answer = `${kind}: ${await ask(kind)}`;
          seen.set(answer, (seen.get(answer) ?? 0) + 1);
        }
      }));
      end.abort();
      await junk;
      const answers = [...seen.keys()].filter((answer) => !answer.endsWith(": cut")).sort();
      assert.deepEqual(
        answers,
        ["good: admin", "none: 401", "self-signed: 401"],
        String([...seen]),
      );
    }),
});

const KINDS = ["good", "self-signed", "none"] as const;
type Kind = typeof KINDS[number];

interface Site {
  served: Served;
  /** Asks who it is, on a new connection that resumes the last session: the user's name, a status, or `cut`. */
  ask(kind: Kind): Promise<string>;
}

async function withApi(act: (site: Site) => Promise<void>): Promise<void> {
  const authority = await createAuthority("coracle-ca");
  const server = await issueServer(authority, { commonName: "kube-apiserver" }, ["127.0.0.1"]);
  const clock = new SystemClock();
  const certificates = new ClientCertificates({ authority: authority.certificate, clock });
  const { api } = await freshApi({ clock, certificates });
  const served = await serveOnLoopback({ api, clock }, {
    authority: authority.certificate,
    server,
  }, { front: "tls-thread" });
  const clients = {
    good: clientWith(authority, await madeCertificate(authority)),
    "self-signed": clientWith(authority, await madeCertificate()),
    none: clientWith(authority),
  };
  try {
    const url = `https://127.0.0.1:${served.address.port}${REVIEWS}`;
    await act({ served, ask: (kind) => ask(url, clients[kind]) });
  } finally {
    for (const client of Object.values(clients)) client.close();
    await served.stop(AbortSignal.abort());
  }
}

/** Opens a connection for each request, and resumes sessions. */
function clientWith({ certificate }: KeyPair, own?: KeyPair): Deno.HttpClient {
  return Deno.createHttpClient({
    caCerts: [certificate],
    poolMaxIdlePerHost: 0,
    ...(own && { cert: own.certificate, key: own.key }),
  });
}

async function ask(url: string, client: Deno.HttpClient): Promise<string> {
  const isCut = random.next() < CUT_SHARE;
  const cut = new AbortController();
  const timer = isCut && setTimeout(() => cut.abort(), random.next() * CUT_MS_MAX);
  try {
    const headers = { "content-type": "application/json" };
    const { signal } = cut;
    const answer = await fetch(url, { client, method: "POST", headers, body: WHO_AM_I, signal });
    const body = await answer.json();
    return answer.ok ? body.status.userInfo.username : String(answer.status);
  } catch (error) {
    if (isCut) return "cut";
    throw error;
  } finally {
    if (timer !== false) clearTimeout(timer);
  }
}

/** Sends bytes that are not TLS, or only begin like it. */
async function talkJunk({ address }: Served, { signal }: AbortController): Promise<void> {
  while (!signal.aborted) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
    const junk = crypto.getRandomValues(new Uint8Array(1 + random.next() * JUNK_BYTES_MAX));
    await connection.write(random.next() < 0.5 ? junk : new Uint8Array([...HELLO, ...junk]))
      .catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 10));
    connection.close();
  }
}
