import { ifAbsent } from "../../core/lib/absent.ts";
import { ROUTE_PROTOCOL } from "../../core/lib/linux/rtnetlink.ts";
import type { Gateway, NodeRoute, Plumbing, PodWire } from "./plumbing.ts";

/** The network by the `ip` command of iproute2, where foreign functions are not allowed: 12 ms for a pod. */
export class IpPlumbing implements Plumbing {
  readonly #program: string;

  /** `program`: path of `ip`. */
  constructor(program: string) {
    this.#program = program;
  }

  async addGateway({ device, ip, cidr }: Gateway): Promise<void> {
    await this.#run(["link", "add", device, "type", "bridge"], { accepts: /File exists/ });
    await this.#batch([
      `link set ${device} up`,
      `addr replace ${ip}/32 dev ${device}`,
      `route replace unreachable ${cidr} proto ${ROUTE_PROTOCOL}`,
    ]);
  }

  async removeGateway({ device, cidr }: Gateway): Promise<void> {
    await this.#run(["route", "del", "unreachable", cidr], { accepts: /No such process/ });
    await this.#run(["link", "del", device], { accepts: /Cannot find device/ });
  }

  async addWire({ namespacePath, device, ip, gatewayIP, mtu }: PodWire): Promise<void> {
    const namespace = nameOf(namespacePath);
    // Not by "ip netns add": that mounts /run/netns upon itself and leaves it so.
    await Deno.writeFile(namespacePath, new Uint8Array(), { createNew: true, mode: 0o400 });
    await run("unshare", [`--net=${namespacePath}`, "true"]);
    await this.#run(["link", "del", device], { accepts: /Cannot find device/ });
    await this.#batch([
      `link add ${device} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${namespace}`,
      `link set ${device} up`,
      `route replace ${ip}/32 dev ${device} src ${gatewayIP} proto ${ROUTE_PROTOCOL}`,
    ]);
    await this.#batch([
      "link set lo up",
      `addr add ${ip}/32 dev eth0`,
      "link set eth0 up",
      `route add ${gatewayIP} dev eth0 scope link`,
      `route add default via ${gatewayIP} dev eth0`,
    ], ["-netns", namespace]);
  }

  async removeWire(namespacePath: string): Promise<void> {
    await run("umount", ["--lazy", namespacePath], {
      accepts: /not mounted|no mount point|not found/,
    });
    await Deno.remove(namespacePath).catch(ifAbsent);
  }

  async wiredAddresses(): Promise<ReadonlySet<string>> {
    const text = await this.#run(["-json", "route", "show", "proto", String(ROUTE_PROTOCOL)]);
    const routes = JSON.parse(text || "[]") as readonly { dst: string; type?: string }[];
    return new Set(routes.map(({ dst }) => dst).filter((dst) => !dst.includes("/")));
  }

  async addLocalRange(cidr: string): Promise<void> {
    await this.#run(["route", "replace", "local", cidr, "dev", "lo"]);
  }

  async removeLocalRange(cidr: string): Promise<void> {
    await this.#run(["route", "del", "local", cidr, "dev", "lo"], { accepts: /No such process/ });
  }

  async addNodeRoute({ cidr, via }: NodeRoute, source: string): Promise<void> {
    const route = ["route", "add", cidr, "via", via, "src", source, "proto", `${ROUTE_PROTOCOL}`];
    await this.#run(route, { accepts: /File exists/ });
  }

  async removeNodeRoute({ cidr, via }: NodeRoute, source: string): Promise<void> {
    const route = ["route", "del", cidr, "via", via, "src", source, "proto", `${ROUTE_PROTOCOL}`];
    await this.#run(route, { accepts: /No such process/ });
  }

  async nodeRoutes(source: string): Promise<readonly NodeRoute[]> {
    const text = await this.#run(["-json", "route", "show", "proto", String(ROUTE_PROTOCOL)]);
    const routes = JSON.parse(text || "[]") as readonly ShownRoute[];
    return routes.flatMap(({ dst, gateway, prefsrc }) =>
      gateway === undefined || prefsrc !== source ? [] : [{ cidr: dst, via: gateway }]
    );
  }

  close(): void {}

  async #batch(commands: readonly string[], options: readonly string[] = []): Promise<void> {
    await this.#run([...options, "-batch", "-"], { input: commands.join("\n") + "\n" });
  }

  #run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(this.#program, args, options);
  }
}

/** A route as `ip -json` shows it. */
interface ShownRoute {
  dst: string;
  gateway?: string;
  prefsrc?: string;
}

interface RunOptions {
  input?: string;
  /** A complaint that means that the work was done already. */
  accepts?: RegExp;
}

async function run(
  program: string,
  args: readonly string[],
  { input, accepts }: RunOptions = {},
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { success, stdout, stderr } = await child.output();
  const complaint = new TextDecoder().decode(stderr).trim();
  if (!success && !accepts?.test(complaint)) {
    throw new Error(`Cannot run "${program} ${args.join(" ")}": ${complaint}`);
  }
  return new TextDecoder().decode(stdout).trim();
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
