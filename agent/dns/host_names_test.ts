import assert from "node:assert/strict";
import { hostnameOf, hostsTextOf, machineNameOf, nodeHostsTextOf } from "./host_names.ts";
import { podOf } from "../pods/next_step_fixture.ts";

const PLACE = { nodeName: "node-a", clusterDomain: "cluster.local" };
const nameOf = (spec: object) => machineNameOf(podOf({ spec }), PLACE);

Deno.test("a pod's machine has the name of the pod, or the one that it asks for", () => {
  assert.equal(nameOf({}), "web");
  assert.equal(nameOf({ hostname: "front" }), "front");
  assert.equal(nameOf({ hostname: "front", hostnameOverride: "a.b" }), "a.b");
  assert.equal(nameOf({ hostNetwork: true, hostname: "front" }), "node-a");
  assert.equal(nameOf({ setHostnameAsFQDN: true }), "web");
  const domain = { hostname: "front", subdomain: "site" };
  assert.equal(nameOf(domain), "front");
  assert.equal(
    nameOf({ ...domain, setHostnameAsFQDN: true }),
    "front.site.default.svc.cluster.local",
  );
  assert.equal(nameOf({ ...domain, setHostnameAsFQDN: true, hostnameOverride: "a" }), "a");
});

Deno.test("a name is cut to what a name may have, and not in between", () => {
  const named = (name: string) => {
    const pod = podOf();
    return hostnameOf({ ...pod, metadata: { ...pod.metadata, name } });
  };
  assert.equal(named(`${"x".repeat(62)}-tail`), "x".repeat(62));
  assert.equal(named("x".repeat(63)), "x".repeat(63));
  assert.equal(named("x".repeat(64)), "x".repeat(63));
});

Deno.test("a pod that must have its domain is refused when the kernel takes no such name", () => {
  const rest = ".site.default.svc.cluster.local".length;
  const spec = { subdomain: "site", setHostnameAsFQDN: true };
  const fits = "x".repeat(64 - rest);
  assert.equal(nameOf({ ...spec, hostname: fits }).length, 64);
  assert.throws(
    () => nameOf({ ...spec, hostname: `${fits}x` }),
    /^Error: failed to construct FQDN from pod hostname and cluster domain, FQDN x+\.site\.default\.svc\.cluster\.local is too long \(64 characters is the max, 65 characters requested\)$/,
  );
});

const ALIASES = [{ ip: "1.2.3.4", hostnames: ["a", "b"] }, { ip: "::1", hostnames: ["c"] }];

Deno.test("/etc/hosts of a pod is as the kubelet writes it", () => {
  const head = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;
  const textOf = (spec: object) => hostsTextOf(podOf({ spec }), "10.0.0.1", "cluster.local");
  assert.equal(textOf({}), `${head}10.0.0.1\tweb\n`);
  assert.equal(
    textOf({ hostname: "front", subdomain: "site" }),
    `${head}10.0.0.1\tfront.site.default.svc.cluster.local\tfront\n`,
  );
  assert.equal(
    textOf({ hostAliases: ALIASES }),
    `${head}10.0.0.1\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n::1\tc\n`,
  );
});

Deno.test("on the node's network it is the node's own, with the pod's aliases", () => {
  const node = "127.0.0.1 localhost\n192.0.2.1 node-a\n";
  const head = "# Kubernetes-managed hosts file (host network).\n";
  assert.equal(nodeHostsTextOf(podOf(), node), head + node);
  assert.equal(
    nodeHostsTextOf(podOf({ spec: { hostAliases: ALIASES } }), node),
    `${head}${node}\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n::1\tc\n`,
  );
});
