import { join } from "node:path";

const example = (await Bun.file(join(import.meta.dir, "../../domains/onboarding.example.json")).json()) as Record<
  string,
  unknown
>;

/** An application that the shipped rules approve, under its own number. */
export function approvedApplication(applicationNo: string): Record<string, unknown> {
  return { ...example, applicationNo };
}
