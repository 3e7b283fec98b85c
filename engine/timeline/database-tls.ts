import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";

import { EngineError } from "../core/error.ts";

/** How a connection is encrypted, as the driver takes it; undefined: as it does by itself. */
export type DatabaseTls = false | "prefer" | "require" | object | undefined;

/** The parameters of an address that say how it is encrypted cannot be followed. */
class DatabaseTlsError extends EngineError {
  readonly code = "database.tls";
  readonly hint =
    "DATABASE_URL ends with ?sslmode=verify-full&sslrootcert=/path/ca.pem; sslmode is disable, prefer, require, verify-ca or verify-full.";
}

const PARAMETERS = ["sslmode", "sslrootcert", "sslcert", "sslkey"] as const;

/**
 * Takes what libpq calls sslmode, sslrootcert, sslcert and sslkey off an address. The driver knows `sslmode` alone, and
 * would send the others to the server as settings. @throws DatabaseTlsError
 */
export function takeTls(url: URL): DatabaseTls {
  const [mode, ca, cert, key] = PARAMETERS.map((name) => url.searchParams.get(name));
  for (const name of PARAMETERS) url.searchParams.delete(name);
  const files = { ...read("sslrootcert", "ca", ca), ...read("sslcert", "cert", cert), ...read("sslkey", "key", key) };
  switch (mode ?? (ca === null ? null : "verify-full")) {
    case null:
      return undefined;
    case "disable":
      return false;
    case "allow":
    case "prefer":
      return "prefer";
    // As with libpq: who names an authority wants it asked.
    case "require":
      return ca === null ? { ...files, rejectUnauthorized: false } : { ...files, ...verified(undefined) };
    case "verify-ca":
      return { ...files, ...verified(undefined) };
    case "verify-full":
      return { ...files, ...verified(url.hostname.replace(/^\[(.*)\]$/, "$1")) };
    default:
      throw new DatabaseTlsError(`sslmode=${mode} is unknown`);
  }
}

/** The certificate must come from an authority that is trusted, and, with a `host`, be this host's. */
function verified(host: string | undefined) {
  return {
    rejectUnauthorized: true,
    ...(host === undefined || isIP(host) !== 0 ? {} : { servername: host }),
    // Said here, since what the library takes for the host is not the one of the address in every case.
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      host === undefined ? undefined : checkServerIdentity(host, certificate),
  };
}

function read(parameter: string, option: string, path: string | null | undefined): Record<string, string> {
  if (path === null || path === undefined || path === "system") return {};
  try {
    return { [option]: readFileSync(path, "utf8") };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DatabaseTlsError(`${parameter} cannot be read: ${reason}`);
  }
}
