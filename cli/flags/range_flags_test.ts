import assert from "node:assert/strict";
import { Command } from "commander";
import { withRangeFlags } from "./range_flags.ts";

function flagsOf(...args: string[]): Record<string, unknown> {
  const command = withRangeFlags(new Command()).exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(args, { from: "user" }).opts();
}

Deno.test("the flags of Kubernetes' node IPAM controller, and what they refuse", () => {
  assert.deepEqual(flagsOf(), {});
  assert.deepEqual(flagsOf("--cluster-cidr", "172.16.0.0/12", "--node-cidr-mask-size", "26"), {
    clusterCidr: "172.16.0.0/12",
    nodeCidrMaskSize: 26,
  });
  assert.deepEqual(flagsOf("--node-cidr-mask-size-ipv4=8"), { nodeCidrMaskSizeIpv4: 8 });
  const rows: [flag: string, value: string, words: RegExp][] = [
    ["--cluster-cidr", "10.42.0.1/16", /an IPv4 range of \/8 to \/30 by its first address/],
    ["--cluster-cidr", "10.42.0.0", /an IPv4 range/],
    ["--cluster-cidr", "0.0.0.0/7", /an IPv4 range/],
    ["--cluster-cidr", "10.42.0.0/31", /an IPv4 range/],
    ["--cluster-cidr", "10.42.0.0/16,fd00::/48", /an IPv4 range/],
    ["--node-cidr-mask-size", "7", /a number from 8 to 30/],
    ["--node-cidr-mask-size", "31", /a number from 8 to 30/],
    ["--node-cidr-mask-size-ipv4", "x", /a number from 8 to 30/],
  ];
  for (const [flag, value, words] of rows) {
    assert.throws(() => flagsOf(`${flag}=${value}`), words, `${flag} ${value}`);
  }
});
