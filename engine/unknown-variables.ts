import { variableNames } from "./config.ts";
import { nearest } from "./definition/suggest.ts";

/** Variables of the command line. */
const OF_CLIENTS = ["EKIDEN_URL", "EKIDEN_API_KEY"];
/** Variables of tests (`failpoint.ts`), and of files that are filled in before an engine starts; a shell may pass them on. */
const OF_OTHERS = ["EKIDEN_TEST", "EKIDEN_FAILPOINT", "EKIDEN_POSTGRES_PASSWORD", "EKIDEN_IMAGE"];

/** Every variable that the program, its tests or its deployment files read. */
export const KNOWN_VARIABLES: readonly string[] = [...variableNames, ...OF_CLIENTS, ...OF_OTHERS];

/** Kubernetes gives each pod such variables for each service: one named `ekiden` makes EKIDEN_PORT=tcp://10.0.0.1:8080. */
const SERVICE_LINK =
  /_SERVICE_HOST$|_SERVICE_PORT(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/;
const LINK_ADDRESS = /^(?:tcp|udp|sctp):\/\//;

/** A variable that is set, looks like one of the engine's, and is none. */
interface UnknownVariable {
  readonly name: string;
  /** What it was probably meant to be. */
  readonly meant: string | undefined;
  readonly detail: string;
  readonly fix: string;
}

/**
 * Variables that somebody set for the engine and that nothing reads. Names that begin with KAFKA_ belong to Kafka's own
 * programs too, so of those only what is nearly one of the engine's.
 */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): UnknownVariable[] {
  return Object.entries(environment).flatMap(([name, value = ""]) => {
    const prefix = /^(?:EKIDEN|KAFKA)_/i.exec(name)?.[0].toUpperCase();
    if (prefix === undefined || value === "" || KNOWN_VARIABLES.includes(name)) return [];
    if (SERVICE_LINK.test(name) || (name.endsWith("_PORT") && LINK_ADDRESS.test(value))) return [];
    const meant = meantBy(name, prefix);
    return prefix === "KAFKA_" && meant === undefined ? [] : [unknown(name, meant)];
  });
}

/** A line for each of them: a newer deployment file beside an older engine must not keep it from starting. */
export function unknownVariableLines(environment: Readonly<Record<string, string | undefined>>): string[] {
  return unknownVariables(environment).map(lineOf);
}

/** A line for each that was probably meant for a command that talks to an engine: the others are the engine's to tell. */
export function mistypedClientLines(environment: Readonly<Record<string, string | undefined>>): string[] {
  return unknownVariables(environment)
    .filter(({ meant }) => meant !== undefined && OF_CLIENTS.includes(meant))
    .map(lineOf);
}

function lineOf({ detail, fix }: UnknownVariable): string {
  return `${detail} (${fix})`;
}

function unknown(name: string, meant: string | undefined): UnknownVariable {
  const fix = meant === undefined ? "README.md, section Configuration, lists the variables." : `Did you mean ${meant}?`;
  return { name, meant, detail: `${name} is set and has no effect: this version knows no such variable`, fix };
}

/** Compared without their prefix: the shared beginning would make everything alike. */
function meantBy(name: string, prefix: string): string | undefined {
  const candidates = new Map(
    [...variableNames, ...OF_CLIENTS]
      .filter((known) => prefix === "EKIDEN_" || known.startsWith(prefix))
      .map((known) => [known.startsWith(prefix) ? known.slice(prefix.length) : known, known]),
  );
  const best = nearest(name.slice(prefix.length), candidates.keys());
  return best === undefined ? undefined : candidates.get(best);
}
