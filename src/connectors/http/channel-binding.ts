import { createHash } from 'node:crypto';

/**
 * The `tls-server-end-point` channel binding of a certificate: its hash by the hash function of its own signature, MD5 and SHA-1
 * raised to SHA-256 (RFC 5929 section 4.1).
 *
 * @param certificate The server's certificate in DER, as it came over the wire.
 */
export function tlsServerEndPoint(certificate: Buffer): Buffer {
  return createHash(signatureHash(certificate)).update(certificate).digest();
}

/** Object identifiers of signature algorithms (RFC 8017, RFC 5758), as DER content in hex. Others are taken as SHA-256. */
const hashBySignature: Readonly<Record<string, string>> = {
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};
/** RSASSA-PSS names its hash in its parameters (RFC 4055). */
const rsaPss = '2a864886f70d01010a';
const hashByIdentifier: Readonly<Record<string, string>> = {
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
};

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, parameters }, signatureValue } (RFC 5280 4.1). */
function signatureHash(certificate: Buffer): string {
  const outer = element(certificate, 0);
  const signed = outer && element(certificate, outer.start);
  const algorithm = signed && element(certificate, signed.end);
  const identifier = algorithm && element(certificate, algorithm.start);
  if (!identifier) return 'sha256';
  const name = certificate.toString('hex', identifier.start, identifier.end);
  if (name !== rsaPss) return hashBySignature[name] ?? 'sha256';
  // SEQUENCE { [0] { AlgorithmIdentifier SEQUENCE { OID … } } … }
  const parameters = element(certificate, identifier.end);
  const tagged = parameters && element(certificate, parameters.start);
  if (tagged?.tag !== 0xa0) return 'sha256';
  const hashAlgorithm = element(certificate, tagged.start);
  const hash = hashAlgorithm && element(certificate, hashAlgorithm.start);
  return (hash && hashByIdentifier[certificate.toString('hex', hash.start, hash.end)]) ?? 'sha256';
}

interface DerElement {
  readonly tag: number;
  /** Where the content starts and ends. */
  readonly start: number;
  readonly end: number;
}

function element(der: Buffer, at: number): DerElement | null {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined) return null;
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first - 0x80;
    if (octets < 1 || octets > 4 || start + octets > der.length) return null;
    length = der.readUIntBE(start, octets);
    start += octets;
  }
  return start + length <= der.length ? { tag, start, end: start + length } : null;
}
