/**
 * An informer on ConfigMaps as a user writes one: it starts again when it is told of an error, as the library's
 * documentation says. Prints one line for each thing that it is told. Plain JavaScript, so that
 * every Node runs it as it is, and Deno too:
 *
 *     informer.mjs KUBECONFIG
 */
import * as k8s from "@kubernetes/client-node";
import process from "node:process";

const RESTART_MS = 200;

const config = new k8s.KubeConfig();
config.loadFromFile(process.argv[2]);
const core = config.makeApiClient(k8s.CoreV1Api);
const informer = k8s.makeInformer(config, "/api/v1/namespaces/default/configmaps", () => {
  tell("list");
  return core.listNamespacedConfigMap({ namespace: "default" });
});
for (const event of ["add", "update", "delete"]) {
  informer.on(event, ({ metadata }) => tell(`${event} ${metadata?.name}`));
}
informer.on("connect", () => tell("connect"));
informer.on("error", () => {
  tell("error");
  setTimeout(() => void informer.start(), RESTART_MS);
});
await informer.start();

function tell(line) {
  process.stdout.write(`${line}\n`);
}
