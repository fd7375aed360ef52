/** A machine joins by the command that the server prints, run as it stands, and lives on by its own identity. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { coracle, joinCommand, joinedAgent } from "./join_process.ts";
import { type ServerProcess, withServer } from "../server_process.ts";
import { readIdentity } from "../../server/join/identity.ts";
import { readAccess } from "../../server/kubeconfig.ts";
import { eventually } from "../eventually.ts";

const NODES = "/api/v1/nodes";
const SECRETS = "/api/v1/namespaces/kube-system/secrets";
async function nodeNames(server: ServerProcess): Promise<string[]> {
  const { items } = await (await server.fetch(NODES)).json();
  return items.map(({ metadata }: { metadata: { name: string } }) => metadata.name).sort();
}

Deno.test("one command makes a machine a node, whose agent starts by itself and renews its certificate", async () => {
  await withServer(
    { runtime: "process", args: ["--advertise", "localhost,server.test"] },
    async (server) => {
      const folder = await Deno.makeTempDir({ prefix: "coracle-join-" });
      const command = await joinCommand(server, "--label", "site=a", "--label", "example.com/x=1");
      assert.match(
        command.join(" "),
        /^join https:\/\/localhost:\d+ --token \S+ --ca-hash sha256:\w{64}$/,
      );
      const joined = await coracle([...command, "--node", "edge-1", "--data", folder]);
      assert.equal(joined.code, 0, joined.stderr);
      assert.ok(
        !JSON.stringify(await texts(folder)).includes(command[3]!),
        "the token is forgotten",
      );

      const rejoined = await coracle([...command, "--node", "edge-1", "--data", folder]);
      assert.equal(rejoined.code, 0, rejoined.stderr); // by its own certificate
      await livesAndRenews(server, folder);
      await Deno.remove(folder, { recursive: true });
    },
  );
});

/** The agent of a certificate that is said to be old renews it at once, and goes on. */
async function livesAndRenews(server: ServerProcess, folder: string): Promise<void> {
  const path = `${folder}/identity/node.pem`;
  const before = await Deno.readTextFile(path);
  const old = before.replace(/^issued: .*$/m, "issued: 1970-01-01T00:00:00.000Z");
  await Deno.writeTextFile(path, old);
  const agent = await joinedAgent(folder, {
    podCidr: "127.170.0.0/24",
    flags: ["--node-labels", "own=1", "--register-with-taints", "site=remote:NoSchedule"],
  });
  try {
    const { metadata, spec, status } = await eventually("the node is ready", async () => {
      const node = await (await server.fetch(`${NODES}/edge-1`)).json();
      return node.status.conditions?.some(isReady) && node;
    });
    assert.equal(metadata.labels.site, "a");
    assert.equal(metadata.labels["example.com/x"], "1");
    assert.equal(metadata.labels.own, "1");
    assert.ok(spec.taints.some(({ key }: { key: string }) => key === "site"), JSON.stringify(spec));
    assert.ok(status.nodeInfo.machineID);
    await eventually(
      "another certificate",
      async () => serialOf(await Deno.readTextFile(path)) !== serialOf(before),
    );
    const renewedAt = await leaseAt(server);
    await eventually("it is heard", async () => await leaseAt(server) !== renewedAt);
    assert.match(agent.log(), /This node has renewed its certificate/);
  } finally {
    assert.equal(await agent.stop(), 0);
  }
}

async function leaseAt(server: ServerProcess): Promise<string> {
  const path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/edge-1";
  return (await (await server.fetch(path)).json()).spec.renewTime;
}

Deno.test("who may not join is told why and what to do, and leaves nothing behind", async () => {
  await withServer({ runtime: "process" }, async (server) => {
    const folder = await Deno.makeTempDir({ prefix: "coracle-join-" });
    const refused = async (command: string[], ...flags: string[]) => {
      const { code, stderr } = await coracle([...command, "--data", `${folder}/x`, ...flags]);
      assert.equal(code, 1, stderr);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
      return stderr;
    };
    const with_ = (command: string[], flag: string, value: string) =>
      command.map((each, i) => command[i - 1] === flag ? value : each);
    const good = await joinCommand(server);
    const wrongHash = with_(good, "--ca-hash", `sha256:${"0".repeat(64)}`);
    assert.match(await refused(wrongHash), /another certificate authority .*nothing has been sent/);
    const unknown = with_(good, "--token", "zzzzzz.0123456789abcdef");
    assert.match(await refused(unknown), /does not know the token "zzzzzz".*coracle token create/);
    const guessed = with_(good, "--token", `${good[3]!.slice(0, 7)}0123456789abcdef`);
    assert.match(await refused(guessed), /does not know the token/);
    const nobody = ["join", "https://127.0.0.1:1", ...good.slice(2)];
    assert.match(
      await refused(nobody),
      /Cannot reach the server at https:\/\/127.0.0.1:1.*check the address/,
    );

    const expired = await joinCommand(server);
    const path = `${SECRETS}/bootstrap-token-${expired[3]!.slice(0, 6)}`;
    const ended = { stringData: { expiration: "2020-01-01T00:00:00Z" } };
    const headers = { "content-type": "application/merge-patch+json" };
    await server.fetch(path, { method: "PATCH", headers, body: JSON.stringify(ended) });
    assert.match(await refused(expired), /it has expired, has been revoked or never was/);

    const revoked = await joinCommand(server);
    const { code } = await coracle([
      "token",
      "revoke",
      revoked[3]!,
      "--kubeconfig",
      server.kubeconfig,
    ]);
    assert.equal(code, 0);
    assert.match(await refused(revoked), /does not know the token/);

    const ofA = await joinCommand(server, "--node", "a");
    assert.deepEqual(ofA.slice(-2), ["--node", "a"]);
    assert.match(await refused(ofA, "--node", "b"), /is for the node "a" alone, not for "b"/);
    assert.deepEqual(await nodeNames(server), [Deno.hostname().toLowerCase()]);
    await Deno.remove(folder, { recursive: true });
  });
});

Deno.test("a token of two uses lets in two of six machines that come at once; the others are told that it is used", async () => {
  await withServer({ runtime: "process" }, async (server) => {
    const folder = await Deno.makeTempDir({ prefix: "coracle-join-" });
    const command = await joinCommand(server, "--uses", "2");
    const names = ["m1", "m2", "m3", "m4", "m5", "m6"];
    const outcomes = await Promise.all(
      names.map((name) => coracle([...command, "--node", name, "--data", `${folder}/${name}`])),
    );
    const refusals = outcomes.filter(({ code }) => code !== 0);
    assert.equal(outcomes.length - refusals.length, 2, JSON.stringify(outcomes));
    for (const { stderr } of refusals) assert.match(stderr, /has been used 2 times of 2/);
    const found = (await nodeNames(server)).filter((name) =>
      name.startsWith("m") && names.includes(name)
    );
    assert.equal(found.length, 2);

    // Whoever has stolen it gets nothing by it: not the name of one that is in, nor by what was sent before.
    const again = await coracle([...command, "--node", found[0]!, "--data", `${folder}/thief`]);
    assert.match(again.stderr, /has been used 2 times of 2/);
    const list = await coracle(["token", "list", "--kubeconfig", server.kubeconfig]);
    assert.match(list.stdout, /2\/2/);
    await Deno.remove(folder, { recursive: true });
  });
});

Deno.test("a name passes on once its node is deleted, and the machine before is that node no longer", async () => {
  await withServer({ runtime: "process" }, async (server) => {
    const folder = await Deno.makeTempDir({ prefix: "coracle-join-" });
    const command = await joinCommand(server);
    const join = (name: string) =>
      coracle([...command, "--node", "n", "--data", `${folder}/${name}`]);
    assert.equal((await join("first")).code, 0);
    assert.equal(await codeAs(server, `${folder}/first`), 200);

    // The same machine without its folder is let in again, and what it was before counts no longer.
    assert.equal((await join("second")).code, 0);
    assert.equal(await codeAs(server, `${folder}/first`), 401);
    const other = { status: { nodeInfo: { machineID: "another" } } };
    const headers = { "content-type": "application/merge-patch+json" };
    const changed = { method: "PATCH", headers, body: JSON.stringify(other) };
    assert.equal((await server.fetch(`${NODES}/n/status`, changed)).status, 200);
    const { code, stderr } = await join("third");
    assert.equal(code, 1);
    assert.match(stderr, /another machine has joined as node "n".*coracle node delete n/);

    await server.fetch(`${NODES}/n`, { method: "DELETE" });
    assert.equal((await join("third")).code, 0);
    assert.equal(await codeAs(server, `${folder}/second`), 401);
    assert.equal(await codeAs(server, `${folder}/third`), 200);

    // All credentials are revoked with the node; a machine that joins then has others.
    const deleted = await coracle(["node", "delete", "n", "--kubeconfig", server.kubeconfig]);
    assert.equal(deleted.code, 0, deleted.stderr);
    assert.equal(await codeAs(server, `${folder}/third`), 401);
    const again = await join("fourth");
    assert.equal(again.code, 0, again.stderr);
    assert.equal(await codeAs(server, `${folder}/fourth`), 200);
    assert.equal(await codeAs(server, `${folder}/third`), 401);
    assert.equal((await join("fourth")).code, 0, "its own identity counts");
    assert.equal(await codeAs(server, `${folder}/fourth`), 200);
    await credentialsStillWork(server, folder);
    await Deno.remove(folder, { recursive: true });
  });
});

/** Those that an admin makes for a node count beside those that its machine has got. */
async function credentialsStillWork(server: ServerProcess, folder: string): Promise<void> {
  for (const node of ["n", "m"]) {
    const file = `${folder}/${node}.kubeconfig`;
    const made = await coracle([...[
      "credentials",
      "create",
      "node",
      node,
      "--kubeconfig",
      server.kubeconfig,
    ], ...["--output", file]]);
    assert.equal(made.code, 0, made.stderr);
    const { caPem, pair } = await readAccess(file);
    assert.equal(
      await statusAs(server, { caPem: caPem!, pair: pair! }, node),
      node === "n" ? 200 : 404,
    );
  }
}

/** What the server answers to whom a folder makes somebody: 401 for nobody. */
async function codeAs(server: ServerProcess, folder: string): Promise<number> {
  return await statusAs(server, (await readIdentity(folder))!, "n");
}

async function statusAs(
  server: ServerProcess,
  { caPem, pair }: { caPem: string; pair: { certificate: string; key: string } },
  node: string,
): Promise<number> {
  using client = Deno.createHttpClient({ caCerts: [caPem], cert: pair.certificate, key: pair.key });
  const answer = await fetch(`${server.address}${NODES}/${node}`, { client });
  await answer.body?.cancel();
  return answer.status;
}

function isReady({ type, status }: { type: string; status: string }): boolean {
  return type === "Ready" && status === "True";
}

function serialOf(pem: string): string {
  const [certificate] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem)!;
  return new X509Certificate(certificate).serialNumber;
}

async function texts(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(`${folder}/identity`)) {
    found.push(await Deno.readTextFile(`${folder}/identity/${name}`));
  }
  return found;
}
