import { testClient } from "../client_contract.ts";
import { testView } from "../view_contract.ts";
import { RemoteFixture } from "../../api/remote_fixture.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { deployments } from "../../resources/apps/deployments.ts";
import { pods } from "../../resources/core/pods/pods.ts";

/** Of these a node is told all, so that the contract of views can be tested. */
const followedKinds = [configMaps, deployments, pods].map((resource) => ({
  resource,
  follows: { all: true as const },
}));

testClient("HttpClient and NodeMirror", connect);
testView("NodeMirror", connect);

async function connect() {
  const remote = await RemoteFixture.start({ followedKinds });
  return {
    client: remote.client,
    view: remote.mirror,
    caughtUp: () => remote.caughtUp(),
    close: () => remote.close(),
  };
}
