import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type FieldCase, isOver } from "../conformance/pod_fields/field_case.ts";
import { type PodmanCluster, podOf } from "./podman_cluster.ts";

const NEVER = { restartPolicy: "Never" };

/** Fields of the PodSpec about the names that a pod has and knows. */
export const POD_NAME_CASES: readonly FieldCase<PodmanCluster>[] = [
  {
    name: "a pod asks for names whom its policy and its settings say",
    fields: [
      "dnsPolicy",
      ...["nameservers", "searches", "options[].name", "options[].value"]
        .map((name) => `dnsConfig.${name}`),
    ],
    run: resolvers,
  },
  {
    name: "the machine has its whole name where the pod asks for it, and the kernel takes it",
    fields: ["setHostnameAsFQDN"],
    run: wholeNames,
  },
  {
    name: "a pod on the node's network has the node's hosts and its own",
    fields: [],
    run: nodeHosts,
  },
];

async function logsOf(cluster: PodmanCluster, name: string): Promise<string> {
  await cluster.podWhen(name, isOver);
  return await cluster.logs(name);
}

async function resolvers(cluster: PodmanCluster): Promise<void> {
  const script = "cat /etc/resolv.conf";
  const dnsConfig = {
    nameservers: ["192.0.2.53"],
    searches: ["shop.example"],
    options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
  };
  await cluster.apply(
    podOf("names-none", { script, spec: { ...NEVER, dnsPolicy: "None", dnsConfig } }),
    podOf("names-default", { script, spec: { ...NEVER, dnsPolicy: "Default" } }),
    podOf("names-cluster", { script, spec: { ...NEVER, dnsConfig } }),
  );
  assert.equal(
    await logsOf(cluster, "names-none"),
    "search shop.example\nnameserver 192.0.2.53\noptions ndots:2 edns0\n",
  );
  const node = await Deno.readTextFile("/etc/resolv.conf").catch(() => "");
  const servers = (text: string) =>
    text.split("\n").filter((line) => /^\s*nameserver/.test(line)).map((line) =>
      line.trim().split(/\s+/)[1]
    );
  const byDefault = servers(await logsOf(cluster, "names-default"));
  if (!node.includes("127.0.0.53")) assert.deepEqual(byDefault, servers(node).slice(0, 3));
  const ofCluster = await logsOf(cluster, "names-cluster");
  assert.match(ofCluster, /^search .*shop\.example$/m);
  assert.match(ofCluster, /^options .*ndots:2/m);
  assert.equal(servers(ofCluster).at(-1), "192.0.2.53");
}

async function wholeNames(cluster: PodmanCluster): Promise<void> {
  const script = "hostname; tail -n 1 /etc/hosts";
  const spec = { ...NEVER, subdomain: "site", setHostnameAsFQDN: true };
  await cluster.apply(
    podOf("whole-name", { script, spec: { ...spec, hostname: "front" } }),
    podOf("too-long-a-name", { script, spec: { ...spec, hostname: "x".repeat(40) } }),
  );
  const [name, hosts] = (await logsOf(cluster, "whole-name")).trim().split("\n");
  assert.equal(name, "front.site.default.svc.cluster.local");
  assert.match(hosts!, /^10\..*\tfront\.site\.default\.svc\.cluster\.local\tfront$/);
  await eventually("the refusal of too long a name", async () => {
    const events = await cluster.events("too-long-a-name");
    return events.some(({ reason, message }) =>
      reason === "FailedCreatePodSandBox" &&
      /failed to construct FQDN .* is too long \(64 characters is the max/.test(message ?? "")
    );
  });
}

async function nodeHosts(cluster: PodmanCluster): Promise<void> {
  const hostAliases = [{ ip: "192.0.2.7", hostnames: ["printer", "printer.example"] }];
  await cluster.apply(podOf("node-hosts", {
    script: "cat /etc/hosts",
    spec: { ...NEVER, hostNetwork: true, hostAliases },
  }));
  const node = await Deno.readTextFile("/etc/hosts");
  assert.equal(
    await logsOf(cluster, "node-hosts"),
    `# Kubernetes-managed hosts file (host network).\n${node}\n# Entries added by HostAliases.\n` +
      "192.0.2.7\tprinter\tprinter.example\n",
  );
}
