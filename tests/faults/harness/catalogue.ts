import type { Fault } from "./fault.ts";
import { FAULTS_OF_DATABASE } from "./faults-of-database.ts";
import { FAULTS_OF_KAFKA } from "./faults-of-kafka.ts";
import { FAULTS_OF_PROCESSES } from "./faults-of-processes.ts";

/** Every kind of fault. */
export const FAULTS: readonly Fault[] = [...FAULTS_OF_PROCESSES, ...FAULTS_OF_DATABASE, ...FAULTS_OF_KAFKA];
