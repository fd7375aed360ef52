import assert from "node:assert/strict";
import { KUBECTL_MISSING, newestKubectl, onPath, runProgram } from "../kubectl.ts";
import { ServerProcess, withServer } from "../server_process.ts";

const sanitizers = { sanitizeOps: false, sanitizeResources: false };
const curl = onPath("curl");
const openssl = onPath("openssl");
const kubectl = newestKubectl()?.path;
const setpriv = Deno.uid() === 0 ? onPath("setpriv") : undefined;

/** What a curl says when the name is not in the certificate, and when nobody known has signed it. */
const PEER_FAILED_VERIFICATION = 60;
const LISTENS_ON = "127.0.0.5";
const NOBODY = 65534;
/** What kubectl says, the older ones and the newer ones. */
const UNAUTHORIZED =
  /You must be logged in to the server \((Unauthorized|the server has asked for the client to provide credentials)\)/;
const MAPS = "/api/v1/namespaces/default/configmaps";

/** Test options: run with a server, unless a program is missing. */
function withTool(name: string, tool: string | undefined, hint: string) {
  return {
    name: tool === undefined ? `${name} (${hint})` : name,
    ...{ ignore: tool === undefined, ...sanitizers },
  };
}

Deno.test({
  ...withTool(
    "curl trusts the server under all of its names, and under no other",
    curl,
    "curl is missing: apt-get install curl",
  ),
  fn: () =>
    withServer({ runtime: "process", args: ["--listen", `${LISTENS_ON}:0`] }, async (server) => {
      const { hostname, port } = new URL(server.address);
      assert.equal(hostname, LISTENS_ON);
      const service = await (await server.fetch("/api/v1/namespaces/default/services/kubernetes"))
        .json();
      const cluster = ["", ".default", ".default.svc", ".default.svc.cluster.local"];
      const names = [
        ...["localhost", "127.0.0.1", "[::1]", LISTENS_ON, Deno.hostname().toLowerCase()],
        ...cluster.map((domain) => `kubernetes${domain}`),
        service.spec.clusterIP,
      ];
      for (const name of names) {
        const { code, stdout } = await livez(server, name, port);
        assert.deepEqual([code, stdout], [0, "ok"], name);
      }
      for (const name of ["example.com", "127.0.0.9", "kubernetes.example.com"]) {
        const { code } = await livez(server, name, port);
        assert.equal(code, PEER_FAILED_VERIFICATION, name);
      }
    }),
});

/** Asks the server as if it had that name. */
async function livez({ dataFolder }: ServerProcess, name: string, port: string) {
  return await runProgram(curl!, [
    ...["--silent", "--cacert", `${dataFolder}/ca.crt`, "--noproxy", "*"],
    ...["--connect-to", `::${LISTENS_ON}:${port}`, `https://${name}:${port}/livez`],
  ]);
}

Deno.test({
  ...withTool(
    "openssl verifies the server's certificate, and the admin's",
    openssl,
    "openssl is missing: apt-get install openssl",
  ),
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      const { host } = new URL(server.address);
      const ca = ["-CAfile", `${server.dataFolder}/ca.crt`];
      const client = ["s_client", "-connect", host, "-verify_return_error", ...ca];
      const seen = await runProgram(openssl!, [...client, "-verify_hostname", "localhost"], {
        input: "Q\n",
      });
      assert.equal(seen.code, 0, seen.stderr);
      assert.match(seen.stdout, /Verify return code: 0 \(ok\)/);
      for (const [name, purpose] of [["server", "sslserver"], ["admin", "sslclient"]]) {
        const args = ["verify", "-x509_strict", "-purpose", purpose!, ...ca];
        const verified = await runProgram(openssl!, [
          ...args,
          `${server.dataFolder}/pki/${name}.crt`,
        ]);
        assert.deepEqual([verified.code, verified.stderr], [0, ""]);
      }
    }),
});

Deno.test({
  ...withTool("who is not known is told so in Kubernetes' words", kubectl, KUBECTL_MISSING),
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      for (const authorization of ["Bearer wrong", "Bearer ", "Basic YWRtaW46YWRtaW4=", "none"]) {
        const answer = await server.fetch(MAPS, { headers: { authorization } });
        assert.equal(answer.status, 401, authorization);
        assert.deepEqual(await answer.json(), {
          ...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" },
          ...{ message: "Unauthorized", reason: "Unauthorized", code: 401 },
        });
      }
      const ca = `--certificate-authority=${server.dataFolder}/ca.crt`;
      const ask = (...args: string[]) =>
        runProgram(kubectl!, [`--server=${server.address}`, ...args, "get", "namespaces"], {
          env: { HOME: `${server.dataFolder}/home` },
        });
      const wrongToken = await ask(ca, "--token=wrong");
      assert.equal(wrongToken.code, 1);
      assert.match(wrongToken.stderr, UNAUTHORIZED);
      const certificate = await ask(
        ca,
        `--client-certificate=${server.dataFolder}/pki/admin.crt`,
        `--client-key=${server.dataFolder}/pki/admin.key`,
      );
      assert.deepEqual([certificate.code, /kube-system/.test(certificate.stdout)], [0, true]);
      await refusesAnother(server, ask);
    }),
});

type Ask = (...args: string[]) => ReturnType<typeof runProgram>;

/** Another server's authority proves nothing here, in either direction. */
async function refusesAnother(server: ServerProcess, ask: Ask): Promise<void> {
  await withServer({ runtime: "process" }, async (other) => {
    const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
    const wrongCa = await ask(
      `--certificate-authority=${other.dataFolder}/ca.crt`,
      `--token=${token}`,
    );
    assert.equal(wrongCa.code, 1);
    assert.match(wrongCa.stderr, /x509: certificate signed by unknown authority/);
    const wrongClient = await ask(
      `--certificate-authority=${server.dataFolder}/ca.crt`,
      `--client-certificate=${other.dataFolder}/pki/admin.crt`,
      `--client-key=${other.dataFolder}/pki/admin.key`,
    );
    assert.equal(wrongClient.code, 1);
    assert.match(wrongClient.stderr, UNAUTHORIZED);
  });
}

Deno.test({
  ...withTool(
    "the kubeconfig works from anywhere, and for its owner alone",
    kubectl && setpriv,
    "needs root, setpriv and kubectl: apt-get install util-linux kubernetes-client",
  ),
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      const copy = await Deno.makeTempFile({ prefix: "coracle-test-" });
      const asNobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", kubectl!];
      const get = (kubeconfig: string) => ["--kubeconfig", kubeconfig, "get", "namespaces"];
      const env = { HOME: "/nonexistent" };
      try {
        const elsewhere = await runProgram(kubectl!, get(server.kubeconfig), { env });
        assert.match(elsewhere.stdout, /kube-system/, elsewhere.stderr);
        const stranger = await runProgram(setpriv!, [...asNobody, ...get(server.kubeconfig)], {
          env,
        });
        assert.equal(stranger.code, 1);
        assert.match(stranger.stderr, /permission denied/);
        await Deno.copyFile(server.kubeconfig, copy);
        await Deno.chown(copy, NOBODY, NOBODY);
        const given = await runProgram(setpriv!, [...asNobody, ...get(copy)], { env });
        assert.match(given.stdout, /kube-system/, given.stderr);
      } finally {
        await Deno.remove(copy);
      }
    }),
});
