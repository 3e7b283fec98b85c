import { mayForAll } from "../data/session.ts";

/** The name of a consumer group, which leads to it for whoever may read groups. */
export function GroupLink({ group }: { readonly group: string }) {
  if (!mayForAll("viewer")) return <b>{group}</b>;
  return <a href={`/consumers?group=${encodeURIComponent(group)}`}>{group}</a>;
}
