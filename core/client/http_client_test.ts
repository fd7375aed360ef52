import { RemoteFixture } from "../api/remote_fixture.ts";
import { type ConnectedClient, testClient } from "./client_contract.ts";
import { testView } from "./view_contract.ts";

testClient("HttpClient and Mirror", connect);
testView("Mirror", connect);

async function connect(): Promise<ConnectedClient> {
  const remote = await RemoteFixture.start();
  return {
    client: remote.client,
    view: remote.mirror,
    caughtUp: () => remote.caughtUp(),
    close: () => remote.close(),
  };
}
