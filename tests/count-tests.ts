/** What a JUnit report says. A skipped test counts as failed: none is to be skipped. */
export interface Counted {
  readonly passed: number;
  readonly failed: number;
  /** `file: name` of each that failed. */
  readonly failures: readonly string[];
}

/** Counts the test cases of a JUnit report as bun writes it. */
export function countTests(report: string): Counted {
  const cases = [...report.matchAll(/<testcase\b([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)];
  const bad = cases.filter(([, , body = ""]) => /<(?:failure|error|skipped)\b/.test(body));
  return {
    passed: cases.length - bad.length,
    failed: bad.length,
    failures: bad.map(([, attributes = ""]) => `${attribute(attributes, "file")}: ${attribute(attributes, "name")}`),
  };
}

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  const plain = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" } as Record<string, string>;
  return value.replace(/&(quot|apos|lt|gt|amp);/g, (_, entity: string) => plain[entity] ?? "");
}
