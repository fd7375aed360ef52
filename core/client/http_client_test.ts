import { RemoteFixture } from "../api/remote_fixture.ts";
import { testClient } from "./client_contract.ts";

testClient("HttpClient and Mirror", async () => {
  const remote = await RemoteFixture.start();
  return {
    client: remote.client,
    view: remote.mirror,
    caughtUp: () => remote.caughtUp(),
    close: () => remote.close(),
  };
});
