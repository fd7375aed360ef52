import assert from "node:assert/strict";
import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { mountPoints } from "../../core/lib/linux/mount_table.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { ConfigError } from "../runtimes/config_error.ts";
import { uncoveringFault } from "./concealment.ts";
import { VOLUME_TYPES } from "./types/mod.ts";
import { Volumes } from "./volumes.ts";

const isPossible = mayMount();
const hint = isPossible ? "" : " (needs root on Linux with glibc)";

Deno.test("who could uncover what is covered does not get it", () => {
  const ofCapabilities = (add: string[], drop: string[] = []) => ({ capabilities: { add, drop } });
  const rows: [securityContext: object, mount: object, fault: string | undefined][] = [
    [{}, {}, undefined],
    [{ privileged: false }, {}, undefined],
    [{ privileged: true }, {}, "is privileged"],
    [ofCapabilities(["NET_ADMIN", "NET_RAW", "SYS_CHROOT"]), {}, undefined],
    [ofCapabilities(["SYS_ADMIN"]), {}, "has SYS_ADMIN"],
    [ofCapabilities(["cap_sys_admin"]), {}, "has SYS_ADMIN"],
    [
      ofCapabilities(["NET_RAW", "SYS_PTRACE", "DAC_READ_SEARCH"]),
      {},
      "has SYS_PTRACE, DAC_READ_SEARCH",
    ],
    [ofCapabilities(["ANYTHING_NEW"]), {}, "has ANYTHING_NEW"],
    [ofCapabilities(["SYS_ADMIN"], ["SYS_ADMIN"]), {}, undefined],
    [ofCapabilities(["SYS_PTRACE"], ["ALL"]), {}, "has SYS_PTRACE"],
    [ofCapabilities(["ALL"]), {}, "has all capabilities"],
    [ofCapabilities(["ALL"], ["SYS_ADMIN"]), {}, "has all capabilities"],
    [{}, { mountPropagation: "None" }, undefined],
    [{}, { mountPropagation: "HostToContainer" }, "asks for mount propagation"],
    [{}, { mountPropagation: "Bidirectional" }, "asks for mount propagation"],
  ];
  for (const [securityContext, mount, fault] of rows) {
    const volumeMounts = [{ name: "v", mountPath: "/v", ...mount }];
    const container = { name: "c", securityContext, volumeMounts } as unknown as Container;
    const words = fault && `container "c" ${fault}`;
    assert.equal(uncoveringFault(container, "v"), words, JSON.stringify([securityContext, mount]));
    assert.equal(uncoveringFault(container, "other"), undefined, "it does not mount that one");
  }
});

Deno.test({
  name: `a hostPath above the agent's files shows everything but those${hint}`,
  ignore: !isPossible,
  fn: () =>
    withWorld(async ({ folder, mount }) => {
      for (const path of ["/", folder]) {
        const { hostPath } = await mount({ path });
        const seen = path === "/" ? `${hostPath}${folder}` : hostPath;
        assert.equal(await Deno.readTextFile(`${seen}/other/file`), "of anybody");
        await Deno.writeTextFile(`${seen}/other/written`, "by the pod");
        assert.equal(await Deno.readTextFile(`${folder}/other/written`), "by the pod");
        for (const place of ["data", "run", "shown/elsewhere"]) {
          const found = await Array.fromAsync(Deno.readDir(`${seen}/${place}`));
          assert.deepEqual(found, [], `${path} ${place}`);
          await assert.rejects(Deno.writeTextFile(`${seen}/${place}/x`, ""), /[Rr]ead-only/);
          await assert.rejects(Deno.rename(`${seen}/${place}`, `${seen}/moved`), /busy|EBUSY/i);
        }
        assert.equal(await Deno.readTextFile(`${seen}/socket`), "", "a file is empty");
        assert.equal(await Deno.readTextFile(`${folder}/data/secret`), "of the agent");
        assert.equal(await Deno.readTextFile(`${folder}/socket`), "of the runtime");
      }
    }),
});

Deno.test({
  name: `what lies in the agent's files is no subPath of a hostPath either${hint}`,
  ignore: !isPossible,
  fn: () =>
    withWorld(async ({ folder, mount, mountsLeft }) => {
      const { hostPath } = await mount({ path: folder, subPath: "other" });
      assert.equal(await Deno.readTextFile(`${hostPath}/file`), "of anybody");
      for (const subPath of ["data", "data/pods", "data/secret", "link", "shown/elsewhere/pods"]) {
        await assert.rejects(mount({ path: folder, subPath }), ConfigError, subPath);
        assert.deepEqual(await mountsLeft(), [], `${subPath} stays mounted`);
      }
    }),
});

Deno.test({
  name: `a container that could uncover the agent's files gets nothing mounted${hint}`,
  ignore: !isPossible,
  fn: () =>
    withWorld(async ({ folder, mount, mountsLeft }) => {
      const securityContext = { privileged: true };
      await assert.rejects(mount({ path: folder, securityContext }), (error: Error) => {
        return error instanceof ConfigError && /container "main" is privileged/.test(error.message);
      });
      assert.deepEqual(await mountsLeft(), []);
      const { hostPath } = await mount({ path: `${folder}/other`, securityContext });
      assert.equal(await Deno.readTextFile(`${hostPath}/file`), "of anybody");
    }),
});

interface World {
  folder: string;
  mount(
    what: { path: string; subPath?: string; securityContext?: object },
  ): Promise<{ hostPath: string }>;
  mountsLeft(): Promise<string[]>;
}

/** A folder with the agent's data, of which a part is shown elsewhere too, a socket of the runtime, and other files. */
async function withWorld(act: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "coracle-covered-" }));
  const dataFolder = `${folder}/data`;
  for (const path of ["data/pods/inside", "run", "other", "shown/elsewhere"]) {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/data/secret`, "of the agent");
  await Deno.writeTextFile(`${folder}/run/state`, "of the runtime");
  await Deno.writeTextFile(`${folder}/socket`, "of the runtime");
  await Deno.writeTextFile(`${folder}/other/file`, "of anybody");
  await Deno.symlink("data/pods", `${folder}/link`);
  using tree = FileTree.open()!;
  using held = tree.hold(dataFolder);
  tree.bind(held, `${folder}/shown/elsewhere`);
  using volumes = new Volumes({
    types: VOLUME_TYPES,
    nodeName: "n",
    dataFolder,
    protectedPaths: [`${folder}/run`, `${folder}/socket`],
    view: { get: () => undefined },
    clock: { now: () => 0 },
  });
  const mountsLeft = async () =>
    mountPoints(await Deno.readTextFile("/proc/self/mountinfo"))
      .filter((path) => path.startsWith(`${dataFolder}/`));
  try {
    await act({
      ...{ folder, mountsLeft },
      mount: async ({ path, subPath, securityContext }) => {
        const volumeMounts = [{ name: "v", mountPath: "/m", ...(subPath && { subPath }) }];
        const container = {
          name: "main",
          volumeMounts,
          ...(securityContext && { securityContext }),
        };
        const hostPath = { path, type: "" };
        const pod = {
          metadata: { uid: "u", name: "p", namespace: "default" },
          spec: { containers: [container], volumes: [{ name: "v", hostPath }] },
        } as unknown as Pod; // only the fields that volumes read
        const [mounted] = await volumes.mountsOf(pod, pod.spec.containers[0]!, {});
        return mounted!;
      },
    });
  } finally {
    await volumes.releaseMounts("u", "main");
    tree.unmount([`${folder}/shown/elsewhere`]);
    assert.deepEqual(await mountsLeft(), []);
    await Deno.remove(folder, { recursive: true });
  }
}

function mayMount(): boolean {
  using tree = FileTree.open();
  return tree !== undefined;
}
