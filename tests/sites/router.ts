import { FLAG, Netlink, NetlinkMessage } from "../../core/lib/linux/netlink.ts";
import { Libc } from "../../core/lib/linux/libc.ts";
import { inNamespace } from "../../core/lib/linux/network_namespace.ts";
import { Machine, run } from "../e2e/machine.ts";
import { runProgram } from "../kubectl.ts";
import type { Internet } from "./internet.ts";
import { Link } from "./link/link.ts";
import type { LinkQuality } from "./link/shaping.ts";

/** Inside of every site, the same at all of them, as in most homes. */
const LAN = "192.168.77";
const NETLINK_NETFILTER = 12;
const DELETE_CONNECTIONS = 0x102; // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
const AF_INET = 2;
/** Masquerades, and lets in nothing that was not asked for; counts IP packets between the site and the internet. */
const RULES = `
table ip nat {
  chain postrouting { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
table inet guard {
  counter up { }
  counter down { }
  chain metered {
    type filter hook forward priority filter + 10; policy accept;
    iifname "lan" oifname "wan" counter name up
    iifname "wan" oifname "lan" counter name down
  }
  chain forgotten {
    drop
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid jump forgotten
    iifname "lan" oifname "wan" ct state new accept
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "wan" ct state established,related accept
    iifname "wan" jump forgotten
    iifname "wan" drop
  }
}
`;
const CUT = `table inet cut {
  chain in { type filter hook prerouting priority -400; policy accept; iifname "wan" drop; }
  chain out { type filter hook postrouting priority 400; policy accept; oifname "wan" drop; }
}`;

/** What became of packets of connections that the router has forgotten. */
export type Forgotten =
  /** They are taken for new ones, as Linux does by default. */
  | "adopted"
  /** Nobody ever hears of them again. */
  | "dropped"
  /** Their sender is told that there is no such connection. */
  | "refused";

/** Bytes of IP packets, without what the devices add. */
export interface Metered {
  up: { bytes: number; packets: number };
  down: { bytes: number; packets: number };
}

/**
 * The router of a site: `lan` inside, `wan` outside. It masquerades, and drops all that comes in unasked. Its levers do
 * to the site's link what happens to links.
 */
export class Router {
  readonly machine = new Machine();
  readonly #internet: Internet;
  readonly #number: number;
  #link: Link | undefined;

  private constructor(internet: Internet, number: number) {
    this.#internet = internet;
    this.#number = number;
  }

  /** `number`: a different one for each router of the internet, from 0. */
  static async start(internet: Internet, number: number): Promise<Router> {
    const router = new Router(internet, number);
    try {
      await router.machine.boot();
      await router.#nft(RULES);
      await router.#write("net/ipv4/ip_forward", "1");
      await router.fast();
    } catch (error) {
      await router.halt();
      throw error;
    }
    return router;
  }

  /** Its public address. */
  get ip(): string {
    return this.#internet.ip(this.#number + 2);
  }

  /** The address of the machine inside. */
  get siteIP(): string {
    return `${LAN}.2`;
  }

  /** Connects a machine: it gets `eth0` and a route to the internet. */
  async connect(site: Machine): Promise<void> {
    await this.#tryRun("ip", "link", "del", "lan"); // of a machine that is gone: the kernel may be removing it
    await run(
      ...["ip", "link", "add", "lan", "netns", String(this.machine.initPid), "type", "veth"],
      ...["peer", "name", "eth0", "netns", String(site.initPid)],
    );
    await this.machine.run("ip", "addr", "add", `${LAN}.1/24`, "dev", "lan");
    await this.machine.run("ip", "link", "set", "lan", "up");
    await site.run("ip", "addr", "add", `${this.siteIP}/24`, "dev", "eth0");
    await site.run("ip", "link", "set", "eth0", "up");
    await site.run("ip", "route", "add", "default", "via", `${LAN}.1`);
  }

  /** From now on nothing passes, and nobody is told. */
  async cut(): Promise<void> {
    await this.#nft(CUT);
  }

  async mend(): Promise<void> {
    await this.#tryRun("nft", "delete", "table", "inet", "cut"); // it may not be cut
  }

  /** Unplugs the cable between the site and the router: the site's device has no carrier. */
  async unplug(): Promise<void> {
    await this.machine.run("ip", "link", "set", "lan", "down");
  }

  async plug(): Promise<void> {
    await this.#tryRun("ip", "link", "set", "lan", "up"); // the machine may be off
  }

  /** Forgets all connections, as a router that reboots, or whose table is full. */
  async forget(forgotten: Forgotten): Promise<void> {
    await this.#write("net/netfilter/nf_conntrack_tcp_loose", forgotten === "adopted" ? "1" : "0");
    const answer = forgotten === "refused"
      ? "meta l4proto tcp reject with tcp reset; drop"
      : forgotten === "dropped"
      ? "drop"
      : "return";
    await this.#nft(
      `flush chain inet guard forgotten\nadd rule inet guard forgotten ${
        answer.replaceAll("; ", "\nadd rule inet guard forgotten ")
      }\n`,
    );
    this.#flush();
  }

  /** From now on the link to the internet is a poor one. */
  async poor(quality: LinkQuality): Promise<void> {
    await this.#unlink();
    const port = this.#port;
    this.#link = await Link.start({ routerPid: this.machine.initPid, port, quality });
    await this.#address();
  }

  /** The link is as fast as this machine, as in the beginning. */
  async fast(): Promise<void> {
    await this.#unlink();
    await run(
      ...["ip", "link", "add", this.#port, "type", "veth"],
      ...["peer", "name", "wan", "netns", String(this.machine.initPid)],
    );
    await this.#address();
  }

  /** What has passed between the site and the internet since it was started. */
  async metered(): Promise<Metered> {
    const text = await this.machine.run("nft", "list", "counters");
    const read = (name: string) => {
      const match = new RegExp(`counter ${name} \\{\\s*packets (\\d+) bytes (\\d+)`).exec(text);
      if (match === null) throw new Error(`The router does not count "${name}":\n${text}`);
      return { packets: Number(match[1]), bytes: Number(match[2]) };
    };
    return { up: read("up"), down: read("down") };
  }

  async halt(): Promise<void> {
    await this.#unlink();
    await this.machine.halt();
  }

  get #port(): string {
    return this.#internet.portOf(this.#number);
  }

  async #unlink(): Promise<void> {
    await this.#link?.end();
    this.#link = undefined;
    await runProgram("ip", ["link", "del", this.#port]); // there may be none
  }

  async #address(): Promise<void> {
    await run("ip", "link", "set", this.#port, "master", this.#internet.device, "up");
    await this.machine.run("ip", "addr", "add", `${this.ip}/24`, "dev", "wan");
    await this.machine.run("ip", "link", "set", "wan", "up");
    await this.machine.run("ip", "route", "add", "default", "via", this.#internet.serverIP);
  }

  async #nft(rules: string): Promise<void> {
    await this.machine.run("sh", "-c", `printf '%s' "$1" | nft -f -`, "sh", rules);
  }

  async #write(setting: string, value: string): Promise<void> {
    await this.machine.run("sh", "-c", `echo ${value} > /proc/sys/${setting}`);
  }

  async #tryRun(program: string, ...args: string[]): Promise<void> {
    await this.machine.run(program, ...args).catch(() => {});
  }

  #flush(): void {
    const libc = Libc.open();
    if (libc === undefined) throw new Error("The C library cannot be called");
    try {
      inNamespace(libc, `/proc/${this.machine.initPid}/ns/net`, () => {
        const netlink = new Netlink(libc, NETLINK_NETFILTER);
        const header = [[AF_INET, 1], [0, 1], [0, 2]] as const; // struct nfgenmsg
        const all = new NetlinkMessage(DELETE_CONNECTIONS, FLAG.request | FLAG.ack, header);
        netlink.run(all, "forget all connections");
        netlink.close();
      });
    } finally {
      libc.close();
    }
  }
}
