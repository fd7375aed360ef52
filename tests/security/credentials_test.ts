/** What somebody gains with revoked or old credentials. */
import assert from "node:assert/strict";
import { readAccess } from "../../server/kubeconfig.ts";
import { runProgram as runCoracle } from "../../cli/program.ts";
import { madeCertificate } from "../../core/api/access/certificate_fixture.ts";
import type { KeyPair } from "../../core/api/access/pki_certificates.ts";
import { ServerProcess } from "../server_process.ts";

const PODS = "/api/v1/namespaces/default/pods";
/** Only failures take this long. */
const WATCH_MS_MAX = 15_000;
const MASTERS = "system:masters";

function credentials(server: ServerProcess, ...args: string[]): Promise<string> {
  return coracle("credentials", ...args, "--kubeconfig", server.kubeconfig);
}

/** Runs the command in this process. Throws its error output when it fails. */
async function coracle(...args: string[]): Promise<string> {
  let text = "";
  const write = (more: string) => void (text += more);
  const terminal = {
    out: write,
    err: write,
    interactive: false,
    signal: new AbortController().signal,
  };
  const code = await runCoracle(args, terminal);
  if (code !== 0) throw new Error(text);
  return text;
}

async function authorityOf({ dataFolder }: ServerProcess): Promise<KeyPair> {
  return {
    certificate: await Deno.readTextFile(`${dataFolder}/ca.crt`),
    key: await Deno.readTextFile(`${dataFolder}/pki/ca.key`),
  };
}

/** A user with a kept connection. */
class Person implements Disposable {
  readonly #server: ServerProcess;
  readonly #client: Deno.HttpClient;
  readonly #headers: Record<string, string>;

  constructor(server: ServerProcess, ca: string, shows: { pair?: KeyPair; token?: string }) {
    const { pair, token } = shows;
    this.#server = server;
    this.#client = Deno.createHttpClient({
      caCerts: [ca],
      ...(pair && { cert: pair.certificate, key: pair.key }),
    });
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...this.#headers, ...init.headers as Record<string, string> };
    return fetch(this.#server.address + path, { ...init, headers, client: this.#client });
  }

  async code(path = PODS): Promise<number> {
    const answer = await this.fetch(path);
    await answer.body?.cancel();
    return answer.status;
  }

  /** Watches; resolves with how the watch ended. */
  async watch(): Promise<{ ended: Promise<string> }> {
    const { body, status } = await this.fetch(`${PODS}?watch=true&timeoutSeconds=3600`);
    assert.equal(status, 200);
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(() => late.resolve("not in time"), WATCH_MS_MAX);
    const all = new Response(body).text().then(() => "in order", (error) => `by ${error}`);
    return { ended: Promise.race([all, late.promise]).finally(() => clearTimeout(timer)) };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

async function adminOf(server: ServerProcess): Promise<{ pair: KeyPair; token: string }> {
  const read = (name: string) => Deno.readTextFile(`${server.dataFolder}/${name}`);
  const [certificate, key] = [await read("pki/admin.crt"), await read("pki/admin.key")];
  return { pair: { certificate, key }, token: (await read("admin.token")).trim() };
}

Deno.test({
  name:
    "whose credentials are revoked, rotated, expired or removed has lost them at once, and his watches",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    let server = await ServerProcess.start({ runtime: "process" });
    const authority = await authorityOf(server);
    const ca = authority.certificate;
    const person = (shows: { pair?: KeyPair; token?: string }) => new Person(server, ca, shows);
    const certified = (wanted: Parameters<typeof madeCertificate>[1]) =>
      madeCertificate(authority, wanted);
    try {
      await t.step("nobody acts as somebody else", async () => {
        using admin = person(await adminOf(server));
        const headers = { "Impersonate-User": "nobody", "Impersonate-Group": "system:nodes" };
        const answer = await admin.fetch(PODS, { headers });
        assert.deepEqual([answer.status, (await answer.json()).reason], [403, "Forbidden"]);
      });
      await t.step("an expired certificate does not keep the token out", async () => {
        const pair = await certified({ notAfter: "2026-01-01T00:00:00Z" });
        using late = person({ pair });
        assert.equal(await late.code(), 401);
        using both = person({ pair, token: (await adminOf(server)).token });
        assert.equal(await both.code(), 200);
      });
      await t.step(
        "a name is revoked: its certificates, known or not, and its watches end",
        async () => {
          const name = [{ O: [MASTERS] }, { CN: ["jane"] }];
          using jane = person({ pair: await certified({ name }) });
          using joan = person({
            pair: await certified({ name: [{ O: [MASTERS] }, { CN: ["joan"] }] }),
          });
          const watch = await jane.watch();
          const others = await joan.watch();
          assert.match(await credentials(server, "revoke", "jane"), /^Revoked, although nothing/);
          assert.equal(await watch.ended, "in order");
          assert.deepEqual([await jane.code(), await joan.code()], [401, 200]);
          assert.equal(await Promise.race([others.ended, "goes on"]), "goes on");
          using again = person({ pair: await certified({ name }) });
          assert.equal(await again.code(), 401, "an older, unknown one");
        },
      );
      await t.step("a serial number is revoked, however it is written", async () => {
        const serial = "0abc0123456789abcdef0123456789ab";
        using jim = person({
          pair: await certified({ name: [{ O: [MASTERS] }, { CN: ["jim"] }], serial }),
        });
        using other = person({
          pair: await certified({ name: [{ O: [MASTERS] }, { CN: ["jim"] }] }),
        });
        assert.equal(await jim.code(), 200);
        await credentials(server, "revoke", serial.toUpperCase().match(/../g)!.join(":"));
        assert.deepEqual([await jim.code(), await other.code()], [401, 200]);
      });
      await t.step("whoever takes an edge box has its node, not the cluster", async () => {
        const words =
          /kubeconfig has a token.*create them on the server: coracle credentials create/;
        await assert.rejects(
          coracle("agent", "--node", "edge", "--kubeconfig", server.kubeconfig),
          words,
        );
        const path = `${server.dataFolder}/edge.kubeconfig`;
        await credentials(server, "create", "node", "edge", "--output", path);
        assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
        const { pair, token } = await readAccess(path);
        assert.equal(token, undefined);
        using edge = person({ pair: pair! });
        const maps = "/api/v1/namespaces/kube-system/configmaps";
        const codes = ["/api/v1/nodes", PODS, "/credentials"].map((path) => edge.code(path));
        assert.deepEqual(await Promise.all(codes), [403, 403, 403]);
        const writes = [PODS, "/api/v1/nodes/other", maps].map((path) =>
          edge.fetch(path, { method: "DELETE" })
        );
        for (const answer of await Promise.all(writes)) {
          assert.equal((await answer.json()).reason, "Forbidden");
        }
        assert.equal(
          await credentials(server, "revoke", "system:node:edge"),
          "Revoked 1 credential\n",
        );
        assert.equal(await edge.code("/api/v1/nodes"), 401);
      });
      await t.step(
        "a user may do what role bindings give him, and cannot give himself more",
        async () => {
          const path = `${server.dataFolder}/jack.kubeconfig`;
          for (const name of ["admin", "system:admin", "", "a\tb"]) {
            await assert.rejects(
              credentials(server, "create", "user", name),
              /Cannot create a cred/,
            );
          }
          const groups = ["--group", "dev", "--group", "ops"];
          await credentials(server, "create", "user", "jack", ...groups, "--output", path);
          const { pair } = await readAccess(path);
          using jack = person({ pair: pair! });
          assert.deepEqual([await jack.code("/api"), await jack.code(PODS)], [200, 403]);
          const bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
          const bind = (role: string) => ({
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({
              metadata: { name: role },
              roleRef: { kind: "ClusterRole", name: role },
              subjects: [{ kind: "Group", name: "ops" }],
            }),
          });
          using admin = person(await adminOf(server));
          assert.equal((await jack.fetch(bindings, bind("admin"))).status, 403);
          assert.equal((await admin.fetch(bindings, bind("admin"))).status, 201);
          assert.deepEqual([await jack.code(PODS), await jack.code("/api/v1/nodes")], [200, 403]);
          assert.equal((await jack.fetch(bindings, bind("cluster-admin"))).status, 403);
          assert.equal((await jack.fetch("/apply", { method: "PUT", body: "{}" })).status, 403);
        },
      );
      await t.step("the admin is rotated: what he had before counts no longer", async () => {
        const old = await adminOf(server);
        using byToken = person({ token: old.token });
        using byCertificate = person({ pair: old.pair });
        const watches = [await byToken.watch(), await byCertificate.watch()];
        await credentials(server, "rotate", "admin");
        for (const { ended } of watches) assert.equal(await ended, "in order");
        assert.deepEqual([await byToken.code(), await byCertificate.code()], [401, 401]);
        const fresh = await adminOf(server);
        using token = person({ token: fresh.token });
        using certificate = person({ pair: fresh.pair });
        assert.deepEqual([await token.code(), await certificate.code()], [200, 200]);
        const files = ["admin.token", "admin.kubeconfig", "pki/admin.key"];
        const modes = files.map((name) =>
          Deno.statSync(`${server.dataFolder}/${name}`).mode! & 0o777
        );
        assert.deepEqual(modes, [0o600, 0o600, 0o600]);
        const list = await credentials(server, "list");
        assert.match(list, /^USER +GROUPS +TYPE +ISSUED +EXPIRES +ID\n/);
        assert.match(list, /\njane +revoked +\S+ +all that were issued before\n/);
        assert.equal(list.match(/^admin +system:masters +certificate/gm)?.length, 1);
        await assert.rejects(
          credentials(server, "revoke", "admin"),
          /use "coracle credentials rotate admin"/,
        );
      });
      await t.step(
        "what is removed from the data folder counts no longer, and revocations stay",
        async () => {
          const old = await adminOf(server);
          const jane = await certified({ name: [{ O: [MASTERS] }, { CN: ["jane"] }] });
          assert.equal(await server.stop(), 0, server.log);
          for (const name of ["pki/admin.crt", "pki/admin.key", "admin.token"]) {
            await Deno.remove(`${server.dataFolder}/${name}`);
          }
          server = await server.restart();
          using byToken = person({ token: old.token });
          using byCertificate = person({ pair: old.pair });
          using revoked = person({ pair: jane });
          const codes = [await byToken.code(), await byCertificate.code(), await revoked.code()];
          assert.deepEqual(codes, [401, 401, 401]);
          using admin = person(await adminOf(server));
          assert.equal(await admin.code(), 200);
        },
      );
    } finally {
      await server.destroy();
    }
  },
});
