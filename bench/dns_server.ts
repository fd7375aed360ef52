/** Cluster DNS alone, for `bench/dns.ts`: `deno run -A bench/dns_server.ts ADDRESS PORT SERVICES`. Says so when it listens. */
import { DnsThread } from "../agent/dns/threads/dns_thread.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";

const [address = "127.0.0.1", port = "0", services = "0"] = Deno.args;
const clock = new SystemClock();
const dns = new DnsThread({
  settings: {
    domain: "cluster.local",
    address,
    port: Number(port),
    ranges: ["10.96.0.0/16"],
    resolvConf: "/etc/resolv.conf",
  },
  clock,
  log: silentLog(clock),
});
dns.start(() => ({
  namespaces: [["default", true]],
  services: Array.from({ length: Number(services) }, (_, i) => [`default/s${i}`, {
    namespace: "default",
    name: `s${i}`,
    clusterIPs: [`10.96.${i >> 8}.${i & 255}`],
    ports: [],
    endpoints: [],
  }]),
}));
await dns.port;
await Deno.stdout.write(new TextEncoder().encode("listening\n"));
