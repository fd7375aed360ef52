import { testClient } from "../client/client_contract.ts";
import { freshObjects } from "./objects_fixture.ts";

testClient("LocalClient", async () => {
  const { client, objects } = await freshObjects();
  return {
    client,
    view: client,
    caughtUp: () => Promise.resolve(),
    close: () => objects.store.settled(),
  };
});
