import { Option } from "commander";
import { defaultKubeconfig } from "../../server/kubeconfig.ts";

/** The `--kubeconfig` of the commands that talk to a server. */
export function kubeconfigOption(): Option {
  return new Option(
    "--kubeconfig <file>",
    `how to reach the server (default: KUBECONFIG, or ${defaultKubeconfig()})`,
  );
}
