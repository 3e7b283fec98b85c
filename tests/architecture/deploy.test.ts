import { expect, test } from "bun:test";

import { version } from "../../package.json";
import { workerSettings } from "../../engine/stack/stack-settings.ts";
import { OWN_DOMAINS } from "../support/own-domains.ts";
import { deployFaults, workerFaults } from "./deploy-rules.ts";
import { instructionsOf } from "./dockerfile.ts";
import { projectFiles } from "./project-files.ts";

const files = projectFiles("deploy/aws/services/*.json", "deploy/kubernetes/**/*.yaml");
const source = (path: string) => projectFiles(path)[0]?.source ?? "";
const stack = workerSettings("", 0);

test("deploy/ starts the API, the dispatcher and each domain, with what the engine knows", () => {
  expect(deployFaults(files, OWN_DOMAINS, version)).toEqual([]);
  expect(workerFaults(source("deploy/aws/msk-connect/worker.properties"), stack)).toEqual([]);
});

test("its other files are what AWS reads: JSON, and an image on the engine's", () => {
  for (const { source } of projectFiles("deploy/**/*.json")) expect(JSON.parse(source)).toBeObject();
  const image = instructionsOf(source("deploy/aws/engine.Dockerfile"));
  expect(image.map(({ name }) => name)).toEqual(["ARG", "FROM", "COPY"]);
});

test("the walkthrough names files that are there, and every variable that the files want filled in", () => {
  const text = source("deploy/README.md");
  const named = [...text.matchAll(/deploy\/(?:aws|kubernetes)\/[\w./-]+\.\w+/g)].map(([path]) => path);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((path) => projectFiles(path).length === 0)).toEqual([]);
  const wanted = projectFiles("deploy/aws/**/*.json").flatMap(({ source }) =>
    [...source.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name ?? ""),
  );
  expect([...new Set(wanted)].filter((name) => !text.includes(name))).toEqual([]);
});

/** One change each, and what has to be said of it. */
const OFFENDERS: readonly (readonly [path: string, from: string, to: string, fault: string])[] = [
  ["aws/services/api.json", '"EKIDEN_LOG"', '"EKIDEN_LOGS"', "the variable EKIDEN_LOGS is not known"],
  ["aws/services/api.json", '"containerPort": 8080', '"containerPort": 80', "opens port 80, and listens on 8080"],
  ["aws/services/api.json", '"stopTimeout": 40', '"stopTimeout": 30', "has 30 s to stop, and needs 30"],
  ["aws/services/api.json", '"0.0.0.0"', '"127.0.0.1"', "listens where nobody reaches it"],
  ["aws/services/api.json", "health/live", "health/ready", "asks :8080/health/ready whether it is live"],
  ["aws/services/dispatcher.json", '"dispatcher,api"', '"dispatcher"', "has no role api"],
  ["aws/services/dispatcher.json", '"dispatcher,api"', '"api"', "the role dispatcher is misplaced"],
  ["aws/services/domain-ledger.json", "domain:ledger", "domain:ledgers", "runs the domains ledgers"],
  ["aws/services/domain-ledger.json", "ekiden-domain-ledger", "ekiden-domain-books", "not ekiden-api"],
  ["aws/services/domain-ledger.json", '"stopTimeout"', '"stopTimeouts"', "stopTimeout: "],
  ["kubernetes/api.yaml", "ekiden:0.1.0", "ekiden:0.0.9", "image ekiden:0.0.9 is not ekiden:"],
  ["kubernetes/api.yaml", "targetPort: 8080", "targetPort: 80", "the service's port is none of api"],
  ["kubernetes/api.yaml", "Seconds: 45", "Seconds: 35", "has 30 s to stop, and needs 30"],
  ["kubernetes/domains.yaml", "/health/ready", "/ready", "asks :8080/ready whether it is ready"],
  ["kubernetes/config.yaml", "EKIDEN_ENV: production", "EKIDEN_ENV: development", "EKIDEN_ENV is not production"],
  ["kubernetes/config.yaml", "scram-sha-512", "iam", "KAFKA_SASL_MECHANISM must be"],
  ["kubernetes/config.yaml", 'PORT: "8080"', "PORT: 8080", "config.yaml: data.PORT"],
];

test.each(OFFENDERS)("deploy/%s: %s → %s is found", (path, from, to, fault) => {
  const changed = files.map((file) =>
    file.path === `deploy/${path}` ? { ...file, source: file.source.replace(from, to) } : file,
  );

  expect(changed).not.toEqual(files);
  expect(deployFaults(changed, OWN_DOMAINS, version).join("\n")).toContain(fault);
});

test("what MSK Connect refuses, and what the stack says otherwise, is found in worker.properties", () => {
  expect(workerFaults("group.id=ekiden-connect\noffset.flush.interval.ms=5\n", stack)).toEqual([
    "worker.properties: MSK Connect refuses group.id",
    "worker.properties: offset.flush.interval.ms is 5, not 1000",
  ]);
});
