import assert from "node:assert/strict";
import { PROXY_PERMISSIONS, TLS_PERMISSIONS } from "../../proxy/threads/engines.ts";
import { eventually } from "../eventually.ts";
import { type ServerProcess, withServer } from "../server_process.ts";
import { isTest, sourceTree } from "../source_tree.ts";

interface Config {
  lock: { frozen: boolean };
  compile: { include: readonly string[] };
  tasks: Readonly<Record<string, { command: string }>>;
}

const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    containers: [{
      name: "web",
      image: "localhost/none:1",
      command: ["/bin/sh", "-c", "echo started; sleep 600"],
    }],
  },
};

const config: Config = JSON.parse(Deno.readTextFileSync("deno.json"));

Deno.test("code that is not in the lock file, and code from a URL, is not run", () => {
  assert.equal(config.lock.frozen, true, "no task may take another version than the lock's");
  for (const name of ["start", "demo", "compile"]) {
    const flags = config.tasks[name]!.command.split(" ");
    for (const flag of ["--frozen", "--no-remote", "--no-prompt"]) {
      assert.ok(flags.includes(flag), `deno task ${name} runs without ${flag}`);
    }
  }
});

Deno.test("the code of every thread is in the compiled binary, so that none is loaded from disk", () => {
  const threads = product().flatMap(({ path, text }) =>
    [...text.matchAll(/new Worker\(\s*new URL\("([^"]+)"/g)]
      .map(([, target]) => new URL(target!, `file:///${path}`).pathname.slice(1))
  );
  assert.ok(threads.length > 0);
  assert.deepEqual(threads.filter((path) => !config.compile.include.includes(path)), []);
});

Deno.test("whoever takes over the thread that reads strangers' bytes gets no file, program or secret", async () => {
  const source = product().find(({ path }) => path === "proxy/threads/engines.ts")!.text;
  assert.match(source, /new URL\("\.\/worker\.ts"[^}]+permissions: PROXY_PERMISSIONS/);
  const gained = await gainedBy(PROXY_PERMISSIONS, {
    "a file": 'Deno.readTextFileSync("/etc/hostname")',
    "a file through Node": 'process.getBuiltinModule("node:fs").readFileSync("/etc/hostname")',
    "what the kernel tells": 'Deno.readTextFileSync("/proc/self/stat")',
    "a place to write": "Deno.makeTempFileSync()",
    "a program": 'new Deno.Command("true").outputSync()',
    "a secret of the environment": 'Deno.env.get("HOME")',
    "the machine's name": "Deno.hostname()",
    "a C library": 'Deno.dlopen("libc.so.6", {})',
    "a signal to another process": 'Deno.kill(Deno.ppid, "SIGCONT")',
  });
  assert.deepEqual(gained, []);
});

Deno.test("the thread that speaks TLS may call OpenSSL besides, and is not the one that does the rest", () => {
  assert.deepEqual(TLS_PERMISSIONS, { ...PROXY_PERMISSIONS, ffi: true });
  const source = product().find(({ path }) => path === "proxy/threads/engines.ts")!.text;
  assert.match(source, /new URL\("\.\/tls_worker\.ts"[^}]+permissions: TLS_PERMISSIONS/);
});

Deno.test("a server with the flags of its task runs a pod and lacks no permission", () =>
  withServer({ runtime: "process", subnet: 189 }, async (server) => {
    const created = await server.create("/api/v1/namespaces/default/pods", POD);
    assert.equal(created.status, 201, await created.text());
    const missing = /NotCapable|Requires \w+ access|--allow-\w+/;
    await eventually(
      "the pod runs and its log is read",
      async () => missing.test(server.log) || await isRunning(server),
    );
    assert.doesNotMatch(server.log, missing);
  }));

async function isRunning(server: ServerProcess): Promise<boolean> {
  const pod = await (await server.fetch("/api/v1/namespaces/default/pods/web")).json();
  if (pod.status?.phase !== "Running") return false;
  const log = await (await server.fetch("/api/v1/namespaces/default/pods/web/log")).text();
  return log.includes("started");
}

/** Names of the attempts that succeed in a thread with these permissions. */
async function gainedBy(
  permissions: Deno.PermissionOptions,
  attempts: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const tries = Object.entries(attempts).map(([name, act]) =>
    `try { ${act}; gained.push(${JSON.stringify(name)}); } catch {}`
  );
  const code = `const gained = []; ${tries.join("\n")} self.postMessage(gained);`;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const worker = new Worker(url, { type: "module", deno: { permissions } });
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

function product(): readonly { path: string; text: string }[] {
  return sourceTree()
    .filter(({ path }) => !isTest(path) && /^(core|agent|proxy|cli)\//.test(path))
    .map(({ path, lines }) => ({ path, text: lines.join("\n") }));
}
