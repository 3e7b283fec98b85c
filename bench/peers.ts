import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { arch, platform } from "node:os";
import { join } from "node:path";

import { freePort } from "../engine/stack/free-port.ts";
import { type Contestant, createPeerDatabase, type Ring, startHttpLoad, whatStarts } from "./contestants.ts";
import { DrivenProgram } from "./driven-program.ts";
import { CONCLUDED } from "./workloads.ts";

const folder = join(import.meta.dir, "peers");
const READY_MS = 60_000;

/** Installs the peers at the versions of their lock file, by npm, into their own folder; they are no dependency of ours. */
export async function installPeers(): Promise<void> {
  const command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const child = Bun.spawn(command, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`npm ci in ${folder} failed`);
}

/** Whether they are there, at the versions that package.json names. */
export async function arePeersInstalled(): Promise<boolean> {
  const wanted = await versionsOfPeers();
  const found = await Promise.all(Object.keys(wanted).map((name) => installedVersion(name)));
  return Object.values(wanted).every((version, at) => found[at] === version);
}

/** Package → version, as package.json names them. */
export async function versionsOfPeers(): Promise<Readonly<Record<string, string>>> {
  const { dependencies } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return dependencies;
}

async function installedVersion(name: string): Promise<string | undefined> {
  const text = await readFile(join(folder, "node_modules", name, "package.json"), "utf8").catch(() => "{}");
  return (JSON.parse(text) as { version?: string }).version;
}

/** The Node.js that the peers run under: the one of their lock file, else (on macOS) the machine's. */
export function nodeOfPeers(): string {
  const own = join(folder, "node_modules", `node-${platform()}-${arch()}`, "bin/node");
  return existsSync(own) ? own : "node";
}

/** DBOS: a library in an application, whose process runs the load itself. */
export async function startDbos(ring: Ring): Promise<Contestant> {
  const databaseUrl = await createPeerDatabase(ring, "bench_dbos");
  const command = [nodeOfPeers(), "--no-warnings", join(folder, "dbos.mjs")];
  // Two pools of ten connections, as it was measured before: 354 sagas/s on two quiet cores.
  const starting = DrivenProgram.start("dbos", command, { DATABASE_URL: databaseUrl, BUSINESS_POOL: "10" });
  const program = await whatStarts(ring.closing, starting);
  const { "@dbos-inc/dbos-sdk": version } = await versionsOfPeers();
  return {
    name: "dbos",
    title: `DBOS ${version}, runStep`,
    database: "bench_dbos",
    ended: CONCLUDED,
    pids: { app: program.pid },
    run: (load) => program.run(load),
  };
}

/** Restate: its server, a service with the steps, and a load over HTTP. */
export async function startRestate(ring: Ring): Promise<Contestant> {
  const databaseUrl = await createPeerDatabase(ring, "bench_restate");
  const [ingress, admin, node, service] = (await Promise.all([1, 2, 3, 4].map(() => freePort()))) as [
    number,
    number,
    number,
    number,
  ];
  const server = startServer(ring, { ingress, admin, node });
  const command = [nodeOfPeers(), "--no-warnings", join(folder, "restate.mjs"), String(service)];
  const starting = DrivenProgram.start("restate service", command, { DATABASE_URL: databaseUrl });
  const steps = await whatStarts(ring.closing, starting);
  await untilOk(`http://127.0.0.1:${admin}/health`, server);
  await untilOk(`http://127.0.0.1:${ingress}/restate/health`, server);
  const registered = await fetch(`http://127.0.0.1:${admin}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uri: `http://127.0.0.1:${service}` }),
  });
  if (!registered.ok) throw new Error(`Restate does not take the service: ${await registered.text()}`);
  const load = await startHttpLoad(ring, "restate", `http://127.0.0.1:${ingress}`, "three");
  const { "@restatedev/restate-server": version } = await versionsOfPeers();
  return {
    name: "restate",
    title: `Restate ${version}, ctx.run`,
    database: "bench_restate",
    ended: CONCLUDED,
    pids: { server: server.pid, service: steps.pid, load: load.pid },
    run: (given) => load.run(given),
  };
}

interface Ports {
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
}

function startServer({ home, closing }: Ring, { ingress, admin, node }: Ports): Bun.Subprocess {
  const program = `node_modules/@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`;
  const command = [join(folder, program), "--base-dir", join(home, "restate"), "--node-name", "bench", "--no-logo"];
  const child = Bun.spawn(command, {
    env: {
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_BIND_PORT: String(node),
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_DISABLE_TELEMETRY: "true",
      RUST_LOG: "error",
    },
    stdio: ["ignore", "ignore", "ignore"],
  });
  closing.add(async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await child.exited;
    clearTimeout(late);
  });
  return child;
}

async function untilOk(address: string, server: Bun.Subprocess): Promise<void> {
  const until = performance.now() + READY_MS;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`the Restate server ended with ${server.exitCode}`);
    if (
      await fetch(address).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    if (performance.now() > until) throw new Error(`${address} does not answer`);
    await Bun.sleep(100);
  }
}
