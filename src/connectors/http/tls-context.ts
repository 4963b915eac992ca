import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as tls from 'node:tls';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';

/** Where systems keep the certificates that their administrator trusts; the first that exists is taken. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Alpine
  '/etc/pki/tls/certs/ca-bundle.crt', // Red Hat, Fedora
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/etc/ssl/cert.pem', // macOS, BSD
] as const;

/**
 * AES with SHA-1, the best that a Windows Server 2003 or 2008 of the time offers; behind the suites of today, which a server that
 * knows them prefers.
 */
const oldSuites =
  'ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA';

const contexts = new Map<string, tls.SecureContext>();

/** What a policy means to OpenSSL; made once per policy, since it reads some 300 certificates. Throws fatal `config`. */
export function secureContextOf(policy: TlsPolicy): tls.SecureContext {
  const key = JSON.stringify([policy.min, policy.ca]);
  const known = contexts.get(key);
  if (known) return known;
  const extra = policy.ca.flatMap(certificatesIn);
  const old = policy.min === '1.0' || policy.min === '1.1';
  const context = tls.createSecureContext({
    ca: [...tls.rootCertificates, ...systemTrust(), ...extra],
    minVersion: `TLSv${policy.min === '1.0' ? '1' : policy.min}` as tls.SecureVersion,
    // OpenSSL speaks TLS 1.0 and 1.1 at security level 0 only. Verification is not touched by it.
    ...(old ? { ciphers: `${tls.DEFAULT_CIPHERS}:${oldSuites}:@SECLEVEL=0` } : {}),
  });
  contexts.set(key, context);
  return context;
}

const pemPattern =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** The certificates of a PEM text given in the project file. */
function certificatesIn(text: string): readonly string[] {
  const found = text.match(pemPattern);
  if (found === null) {
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail:
        'tls.ca holds no certificate; it must name a file in PEM form, beginning with -----BEGIN CERTIFICATE-----',
    });
  }
  for (const pem of found) {
    try {
      new X509Certificate(pem);
    } catch (cause) {
      throw new FaultError({
        kind: 'fatal',
        code: 'config',
        detail: 'tls.ca holds a certificate that cannot be read; export it again as PEM (Base64 X.509)',
        cause,
      });
    }
  }
  return found;
}

let trusted: readonly string[] | null = null;

/** Node brings its own list of authorities; the company's own is in the system's store, or named by the usual variables. */
function systemTrust(): readonly string[] {
  if (trusted !== null) return trusted;
  const files = [process.env['SSL_CERT_FILE'] ?? systemBundles, process.env['NODE_EXTRA_CA_CERTS'] ?? []];
  const found: string[] = [];
  for (const choice of files) {
    for (const file of typeof choice === 'string' ? [choice] : choice) {
      const text = readOrNull(file);
      if (text === null) continue;
      found.push(...(text.match(pemPattern) ?? []));
      break;
    }
  }
  trusted = found;
  return trusted;
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}
