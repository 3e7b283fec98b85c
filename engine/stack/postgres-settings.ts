import { chown, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { ServerPlan } from "./postgres-server.ts";
import { serverSettings } from "./stack-settings.ts";

/** Beyond those of every stack: clients come by TCP only, and no socket file is left in a shared folder. */
const ownSettings = { unix_socket_directories: "" };

/** Writes the settings file that the server is started with. */
export async function writeSettings(plan: ServerPlan, port: number): Promise<void> {
  const path = settingsFile(plan);
  await writeFile(path, render(plan, port), { mode: 0o600 });
  if (plan.user.uid !== undefined && plan.user.gid !== undefined) await chown(path, plan.user.uid, plan.user.gid);
}

/** Whether the server on this data was started with these very settings. */
export async function hasSettings(plan: ServerPlan, port: number): Promise<boolean> {
  return (await readFile(settingsFile(plan), "utf8").catch(() => "")) === render(plan, port);
}

/** The server's own configuration file; it includes the one that initdb wrote, and that includes `alter system`. */
export function settingsFile({ data }: ServerPlan): string {
  return join(data, "ekiden.conf");
}

function render(plan: ServerPlan, port: number): string {
  const settings = { ...serverSettings, ...ownSettings, port: String(port), ...plan.settings };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return ["include 'postgresql.conf'", ...lines, ""].join("\n");
}
