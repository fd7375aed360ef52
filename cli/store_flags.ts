import { LEASE_SECONDS_DEFAULT, type StoreUrl } from "../server/options.ts";
import { type Command, InvalidArgumentError, Option } from "commander";

const PREFIX_DEFAULT = "/coracle";
const ETCD_PORT = 2379;
/** etcd extends shorter ones. */
const LEASE_SECONDS_MIN = 2;
const LEASE_SECONDS_MAX = 60;

/** Adds the flags of a shared store; those for access have the names of etcdctl's. */
export function withStoreFlags(command: Command): Command {
  return command
    .option(
      "--store <url>",
      "share the store with other servers: etcd://host:port,…[/prefix], or https://… (KV Connect)",
      storeUrl,
    )
    .option("--store-cacert <file>", "authority that signed etcd's certificates (PEM)")
    .option("--store-cert <file>", "client certificate for etcd (PEM)")
    .option("--store-key <file>", "its key (PEM)")
    .addOption(
      new Option("--store-user <name:password>", "user of etcd").env("CORACLE_STORE_USER")
        .argParser(userOf),
    )
    .option(
      "--store-lease <seconds>",
      "how long an owner keeps the store without renewing its lease",
      leaseSeconds,
      LEASE_SECONDS_DEFAULT,
    )
    .option("--standby-reads", "serve reads while another server owns the store", false);
}

/** `etcd://10.0.0.1:2379,10.0.0.2:2379/coracle`; `etcds://` speaks TLS; `https://` is KV Connect. */
export function storeUrl(text: string): StoreUrl {
  if (/^https?:\/\/[^/\s]/.test(text) && URL.canParse(text)) return { engine: "kv", url: text };
  const match = text.match(/^etcd(s?):\/\/([^/\s]+)(\/[^\s]*)?$/);
  const hosts = match?.[2]?.split(",") ?? [];
  if (!match || !hosts.every((host) => /^(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?$/.test(host))) {
    throw new InvalidArgumentError("It must be etcd://HOST:PORT,… or https://….");
  }
  const scheme = `http${match[1]}`;
  const endpoints = hosts.map((host) =>
    `${scheme}://${/:\d+$/.test(host) ? host : `${host}:${ETCD_PORT}`}`
  );
  const prefix = (match[3] ?? "").replace(/\/+$/, "");
  return { engine: "etcd", endpoints, prefix: prefix === "" ? PREFIX_DEFAULT : prefix };
}

function userOf(text: string): { name: string; password: string } {
  const at = text.indexOf(":");
  if (at < 1) throw new InvalidArgumentError("It must be NAME:PASSWORD.");
  return { name: text.slice(0, at), password: text.slice(at + 1) };
}

function leaseSeconds(text: string): number {
  const seconds = Number(text);
  const isRight = Number.isInteger(seconds) && seconds >= LEASE_SECONDS_MIN &&
    seconds <= LEASE_SECONDS_MAX;
  if (isRight) return seconds;
  throw new InvalidArgumentError(
    `It must be whole seconds, ${LEASE_SECONDS_MIN} to ${LEASE_SECONDS_MAX}.`,
  );
}
