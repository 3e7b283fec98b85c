/** `floor-load.ts bare|outbox`, on `DATABASE_URL`: a floor as a process of its own that runs loads when told to (driven.ts). */
import { serveLoads } from "./driven.ts";
import { FLOORS, type FloorName, openFloor } from "./floors.ts";

await serveLoads(FLOORS[process.argv[2] as FloorName].startOn(openFloor(process.env["DATABASE_URL"] ?? "")));
