import { readFileSync } from "node:fs";

/** Variables that say how the brokers are reached, parsed and not yet read. */
export interface KafkaSecurityVariables {
  readonly KAFKA_TLS?: "on" | "off" | undefined;
  readonly KAFKA_TLS_CA?: string | undefined;
  readonly KAFKA_TLS_CERT?: string | undefined;
  readonly KAFKA_TLS_KEY?: string | undefined;
  readonly KAFKA_SASL_MECHANISM?: "plain" | "scram-sha-256" | "scram-sha-512" | undefined;
  readonly KAFKA_SASL_USERNAME?: string | undefined;
  readonly KAFKA_SASL_PASSWORD?: string | undefined;
}

/** TLS and SASL, as the client takes them; nothing: neither. */
export interface KafkaSecuritySettings {
  readonly ssl?: {
    readonly rejectUnauthorized: true;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
}

/** Reads the files that the variables name. What does not go together is added to `faults`. */
export function kafkaSecurityOf(variables: KafkaSecurityVariables, faults: string[]): KafkaSecuritySettings {
  const { KAFKA_TLS: tls, KAFKA_SASL_MECHANISM: mechanism } = variables;
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = variables;
  const files = {
    ...read("KAFKA_TLS_CA", "ca", variables.KAFKA_TLS_CA, faults),
    ...read("KAFKA_TLS_CERT", "cert", variables.KAFKA_TLS_CERT, faults),
    ...read("KAFKA_TLS_KEY", "key", variables.KAFKA_TLS_KEY, faults),
  };
  const named = [variables.KAFKA_TLS_CA, variables.KAFKA_TLS_CERT, variables.KAFKA_TLS_KEY].some(Boolean);
  const encrypts = tls === "on" || (named && tls === undefined);
  if (named && tls === "off") faults.push("KAFKA_TLS is off, and KAFKA_TLS_CA, _CERT or _KEY is set");
  if ((variables.KAFKA_TLS_CERT === undefined) !== (variables.KAFKA_TLS_KEY === undefined))
    faults.push("KAFKA_TLS_CERT and KAFKA_TLS_KEY go together");
  const sasl = [mechanism, username, password].filter((value) => value !== undefined).length;
  if (sasl === 1 || sasl === 2)
    faults.push("KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD go together");
  // With `plain` the password itself would be readable on the way.
  if (mechanism === "plain" && !encrypts) faults.push("KAFKA_SASL_MECHANISM plain needs KAFKA_TLS=on");
  return {
    ...(encrypts ? { ssl: { rejectUnauthorized: true as const, ...files } } : {}),
    ...(mechanism === undefined || username === undefined || password === undefined
      ? {}
      : { sasl: { mechanism, username, password } }),
  };
}

function read(name: string, option: string, path: string | undefined, faults: string[]): Record<string, string> {
  if (path === undefined) return {};
  try {
    return { [option]: readFileSync(path, "utf8") };
  } catch (error) {
    faults.push(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}
