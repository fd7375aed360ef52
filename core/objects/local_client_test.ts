import { type ConnectedClient, testClient } from "../client/client_contract.ts";
import { testView } from "../client/view_contract.ts";
import { freshObjects } from "./objects_fixture.ts";

testClient("LocalClient", connect);
testView("the store's view", connect);

async function connect(): Promise<ConnectedClient> {
  const { client, objects } = await freshObjects();
  return {
    client,
    view: client,
    caughtUp: () => Promise.resolve(),
    close: () => objects.store.settled(),
  };
}
