import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAB } from "./engine.ts";

/** The lab's domain in a folder of its own, with definitions that a test may edit while the engine runs. */
export interface EditableDomains {
  readonly path: string;
  write(name: string, source: string): Promise<void>;
  remove(): Promise<void>;
}

/** The domain's files are links: its handlers are those that `behave` speaks to. `definitions`: a folder to begin with. */
export async function editableLab(definitions?: string): Promise<EditableDomains> {
  const path = await mkdtemp(join(tmpdir(), "ekiden-domains-"));
  if (definitions !== undefined) await cp(definitions, path, { recursive: true });
  await mkdir(join(path, "lab"));
  for (const name of await readdir(join(LAB, "lab"))) await symlink(join(LAB, "lab", name), join(path, "lab", name));
  return {
    path,
    write: async (name, source) => void (await Bun.write(join(path, `${name}.saga.yaml`), source)),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}
