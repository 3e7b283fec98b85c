import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type Admin, AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from "kafkajs";

import { freePort } from "../../engine/stack/free-port.ts";
import { type RunningService, runJava, startJava } from "../../engine/stack/java-service.ts";
import { fetchJars } from "../../engine/stack/maven.ts";
import { writeProperties } from "../../engine/stack/properties-file.ts";
import { brokerSettings, heapsMb } from "../../engine/stack/stack-settings.ts";
import { readerOffsets } from "../../engine/recovery/reader-offsets.ts";
import { readOffsets } from "../../engine/transport/kafka/group-offsets.ts";
import { newKafka } from "../../engine/transport/kafka/kafka-client.ts";
import { Names } from "../../engine/transport/kafka/names.ts";
import { testJava } from "../support/stack.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const names = new Names("");
const OTHERS = "desk.appraise.program";

let home: TempHome;
let kafka: RunningService;
let port: number;
let admin: Admin;

beforeAll(async () => {
  home = await tempHome();
  kafka = await startBroker();
  admin = newAdmin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: "desk.appraise", numPartitions: 1 }], waitForLeaders: true });
  for (const [groupId, offset] of [
    ["desk", "0"],
    [OTHERS, "0"],
  ] as const)
    await admin.setOffsets({ groupId, topic: "desk.appraise", partitions: [{ partition: 0, offset }] });
}, 180_000);

afterAll(async () => {
  await admin?.disconnect();
  await kafka?.stop();
  await home?.remove();
}, 60_000);

/** A broker that asks its list of rights: what stands in none of them everybody may do. */
async function startBroker(): Promise<RunningService> {
  const jars = await fetchJars(testJava);
  port = (await freePort()) as number;
  const settings = {
    ...brokerSettings(port, (await freePort()) as number),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "log.dirs": join(home.path, "kafka"),
  };
  const file = join(home.path, "kafka.properties");
  await writeProperties(file, settings);
  const program = { home: home.path, jars, heapMb: heapsMb.kafka };
  const format = ["format", "--cluster-id", "a".repeat(22), "--config", file];
  await runJava({ ...program, name: "kafka-format", main: "kafka.tools.StorageTool", arguments: format });
  return startJava({ ...program, name: "kafka", main: "kafka.Kafka", arguments: [file] }, isUp);
}

function newAdmin(): Admin {
  return newKafka({ brokers: [`127.0.0.1:${port}`], clientId: "probe", log: silent }).admin();
}

async function isUp(): Promise<boolean> {
  const probe = newAdmin();
  try {
    await probe.connect();
    return (await probe.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await probe.disconnect();
  }
}

test("a group of another program that the engine may not look at stands where nobody knows, and nothing fails of it", async () => {
  const place = { topic: "desk.appraise", partition: 0, earliest: 0, end: 0 };
  const transport = {
    offsets: (group: string, topics: readonly string[]) => readOffsets({ admin, names }, group, topics),
  };
  const places = (reader: string) => readerOffsets(transport, { group: "desk", reader }, "desk.appraise");
  expect(await places(OTHERS)).toEqual([{ ...place, committed: 0 }]);
  await admin.createAcls({
    acl: [
      {
        resourceType: AclResourceTypes.GROUP,
        resourceName: OTHERS,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: "User:the-program",
        host: "*",
        operation: AclOperationTypes.READ,
        permissionType: AclPermissionTypes.ALLOW,
      },
    ],
  });
  await expect(transport.offsets(OTHERS, ["desk.appraise"])).rejects.toThrow("Failed to find group coordinator");
  expect(await places(OTHERS)).toEqual([{ ...place, committed: null }]);
  expect(await places("desk")).toEqual([{ ...place, committed: 0 }]);
}, 60_000);
