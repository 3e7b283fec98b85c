import type { DefinitionDetail, Revision } from "../../data/shapes.ts";
import { type Called, useCall } from "../../data/use-call.ts";
import { t } from "./text.ts";

/** A revision in a list of them. */
export function nameOf({ version, revision, current }: DefinitionDetail["revisions"][number]): string {
  return `${t("version")} ${version} · ${revision.slice(0, 8)}${current ? ` · ${t("current")}` : ""}`;
}

/** The YAML of a revision. */
export function useSource({ name, revision, source }: DefinitionDetail, hash: string): Called<string> {
  const path = `/v1/definitions/${encodeURIComponent(name)}/revisions/${encodeURIComponent(hash)}`;
  const called = useCall<Revision>(hash === revision ? undefined : path);
  return hash === revision
    ? { data: source, problem: undefined, again: () => undefined }
    : { ...called, data: called.data?.source };
}
