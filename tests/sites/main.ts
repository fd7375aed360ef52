/**
 * Makes a lab, says how to use it, and removes it at Ctrl-C or SIGTERM:
 *
 *     deno run -A tests/sites/main.ts [SUBNET]
 */
import { labMissing, SitesLab } from "./sites_lab.ts";

const SUBNET_DEFAULT = 159;

const missing = labMissing();
if (missing !== undefined) throw new Error(missing);
const subnet = Number(Deno.args[0] ?? SUBNET_DEFAULT);
const lab = await SitesLab.start({ subnet });
try {
  for (const site of lab.sites) await lab.startAgent(site);
  say(`kubectl --kubeconfig ${lab.cluster.server.kubeconfig} get nodes,pods -o wide`);
  for (const { node, machine, router, folder } of lab.sites) {
    const enter = (pid: number) => `nsenter -t ${pid} -n -m -p`;
    say(`${node}: ${enter(machine.initPid)} sh; its router: ${enter(router.machine.initPid)} sh`);
    say(`${node}: data in ${folder}`);
  }
  await stopped();
} finally {
  await lab.end();
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
