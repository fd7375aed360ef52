import assert from "node:assert/strict";
import { containersConf, parseLimits, runtimeFor } from "./containers_conf.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max processes             96365                96365                processes 
Max open files            1024                 20000                files     
`;

Deno.test("containers may have what this process may give", () => {
  assert.deepEqual(parseLimits(LIMITS, "32768\n"), { openFilesMax: 20_000, processesMax: 32_768 });
  const unlimited = LIMITS.replace("20000", "unlimited").replace(/96365/g, "unlimited");
  assert.deepEqual(parseLimits(unlimited, "4194304\n"), {
    openFilesMax: 1_048_576,
    processesMax: 4_194_304,
  });
});

Deno.test("the configuration of our own service", () => {
  assert.equal(
    containersConf({
      limits: { openFilesMax: 20_000, processesMax: 32_768 },
      runtime: "runc",
      conmonPath: "/data/conmon",
      networksFolder: "/data/networks",
    }),
    `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
base_hosts_file = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
exit_command_delay = 3
conmon_path = ["/data/conmon"]
[network]
network_config_dir = "/data/networks"
`,
  );
});

Deno.test("crun runs containers where it can, runc where both versions of cgroups are mounted", () => {
  const both = ["runc", "crun"];
  assert.equal(runtimeFor({ hasControllers: true, hasUnified: false }, both), "crun");
  assert.equal(runtimeFor({ hasControllers: false, hasUnified: true }, both), "runc");
  assert.equal(runtimeFor({ hasControllers: false, hasUnified: false }, both), "crun");
  assert.equal(runtimeFor({ hasControllers: true, hasUnified: false }, ["runc"]), "runc");
  assert.equal(runtimeFor({ hasControllers: false, hasUnified: true }, ["crun"]), undefined);
});
