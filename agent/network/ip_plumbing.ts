import { messageOf } from "../../core/lib/error_message.ts";
import { ROUTE_PROTOCOL } from "../../core/lib/linux/rtnetlink.ts";
import { applySettings, NODE_END, POD_END, settingsScript } from "./device_settings.ts";
import { removeHiddenName } from "./hidden_name.ts";
import {
  foreignDevice,
  type Gateway,
  mayReplace,
  type NodeRoute,
  type NotRouted,
  type Plumbing,
  type PodWire,
  type SeenLink,
  type SeenNetwork,
  type SeenRoute,
} from "./plumbing.ts";

/** The network by the `ip` command of iproute2, where foreign functions are not allowed: 12 ms for a pod. */
export class IpPlumbing implements Plumbing {
  readonly #program: string;

  /** `program`: path of `ip`. */
  constructor(program: string) {
    this.#program = program;
  }

  async look(): Promise<SeenNetwork> {
    const [links, routes] = await Promise.all([
      this.#links(),
      this.#json<ShownRoute>("route", "show", "table", "all", "proto", String(ROUTE_PROTOCOL)),
    ]);
    return { links, routes: routes.map(routeOf) };
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

  async addWire(wire: PodWire): Promise<void> {
    const { namespacePath } = wire;
    // Not by "ip netns add": that mounts /run/netns upon itself and leaves it so.
    await Deno.writeFile(namespacePath, new Uint8Array(), { createNew: true, mode: 0o400 });
    await run("unshare", [`--net=${namespacePath}`, "true"]);
    await this.connect(wire);
  }

  /** The mark comes last but for the route: what has it is whole. */
  async connect(wire: PodWire): Promise<void> {
    const { namespacePath, device, group, ip, gatewayIP, mtu } = wire;
    const namespace = nameOf(namespacePath);
    await this.#removeLeftover(wire);
    await this.#batch([
      `link add ${device} mtu ${mtu} group ${group} type veth peer name eth0 mtu ${mtu} netns ${namespace}`,
    ]);
    applySettings(device, NODE_END);
    await run("nsenter", [`--net=${namespacePath}`, "sh", "-c", settingsScript("eth0", POD_END)]);
    await this.#batch([
      "link set lo up",
      `addr add ${ip}/32 dev eth0`,
      "link set eth0 up",
      `route add ${gatewayIP} dev eth0 scope link`,
      `route add default via ${gatewayIP} dev eth0`,
    ], ["-netns", namespace]);
    await this.#setUp(wire);
    await this.addPodRoute(wire);
  }

  async mark(wire: PodWire): Promise<void> {
    applySettings(wire.device, NODE_END);
    await this.#setUp(wire);
  }

  async addPodRoute({ ip, device, gatewayIP }: PodWire): Promise<void> {
    const route = [`${ip}/32`, "dev", device, "src", gatewayIP, "proto", String(ROUTE_PROTOCOL)];
    await this.#run(["route", "replace", ...route]);
  }

  async removePodRoute(ip: string, device: string): Promise<void> {
    const route = ["route", "del", `${ip}/32`, "dev", device, "proto", String(ROUTE_PROTOCOL)];
    await this.#run(route, { accepts: /No such process/ });
  }

  async removeLink(name: string): Promise<void> {
    await this.#run(["link", "del", name], { accepts: /Cannot find device/ });
  }

  async removeWire(namespacePath: string): Promise<void> {
    await run("umount", ["--lazy", namespacePath], {
      accepts: /not mounted|no mount point|not found/,
    });
    try {
      await Deno.remove(namespacePath);
    } catch (error) {
      if (error instanceof Deno.errors.Busy) await removeHiddenName(namespacePath);
      else if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** This needs foreign functions. */
  hold(): Promise<void> {
    return Promise.resolve();
  }

  nameAgain(): Promise<boolean> {
    return Promise.resolve(false);
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

  async routeByDevice(
    device: string,
    ranges: readonly string[],
    source: string,
  ): Promise<NotRouted> {
    const own = ["dev", device, "src", source, "proto", `${ROUTE_PROTOCOL}`];
    const present = await this.#json<ShownRoute>("route", "show", "dev", device);
    applySettings(device, NODE_END);
    await this.#run(["link", "set", device, "up"]);
    for (const { dst } of present) {
      if (!ranges.includes(dst)) await this.#run(["route", "del", dst, "dev", device]);
    }
    const shown = new Set(present.map(({ dst }) => dst));
    const notRouted = new Map<string, string>();
    for (const range of ranges) {
      if (shown.has(range)) continue;
      await this.#run(["route", "add", range, ...own])
        .catch((error) => notRouted.set(range, messageOf(error)));
    }
    return notRouted;
  }

  rulesGeneration(): undefined {
    return undefined;
  }

  listen(): undefined {
    return undefined;
  }

  close(): void {}

  async #links(): Promise<readonly SeenLink[]> {
    const shown = await this.#json<ShownLink>("-details", "addr", "show");
    return shown.map(({ ifname, flags, group, ifalias = "", addr_info: infos }) => ({
      name: ifname,
      isUp: flags.includes("UP"),
      mark: ifalias,
      group: group === "default" ? 0 : Number(group),
      addresses: infos.flatMap(({ family, local }) => family === "inet" ? [local] : []),
    }));
  }

  async #setUp({ device, mark, group }: PodWire): Promise<void> {
    await this.#run(["link", "set", device, "group", String(group), "alias", mark, "up"]);
  }

  async #removeLeftover({ device, mark }: PodWire): Promise<void> {
    const leftover = (await this.#links()).find(({ name }) => name === device);
    if (leftover === undefined) return;
    if (!mayReplace(leftover.mark, mark)) throw foreignDevice(device, leftover.mark);
    await this.removeLink(device);
  }

  async #json<T>(...args: readonly string[]): Promise<readonly T[]> {
    return JSON.parse(await this.#run(["-json", ...args]) || "[]");
  }

  async #batch(commands: readonly string[], options: readonly string[] = []): Promise<void> {
    await this.#run([...options, "-batch", "-"], { input: commands.join("\n") + "\n" });
  }

  #run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(this.#program, args, options);
  }
}

/** A device as `ip -json` shows it; an empty object for one that it passes over. */
interface ShownLink {
  ifname: string;
  flags: readonly string[];
  group: string;
  ifalias?: string;
  "addr_info": readonly { family: string; local: string }[];
}

/** A route as `ip -json` shows it. */
interface ShownRoute {
  type?: string;
  dst: string;
  dev?: string;
  gateway?: string;
  prefsrc?: string;
}

function routeOf({ type = "unicast", dst, dev, gateway, prefsrc }: ShownRoute): SeenRoute {
  const known = (["unicast", "local", "unreachable"] as const).find((name) => name === type);
  return {
    cidr: dst.includes("/") ? dst : `${dst}/32`,
    type: known ?? "other",
    ...(dev !== undefined && { device: dev }),
    ...(gateway !== undefined && { via: gateway }),
    ...(prefsrc !== undefined && { source: prefsrc }),
  };
}

interface RunOptions {
  input?: string;
  /** An error that means that the work was done already. */
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
