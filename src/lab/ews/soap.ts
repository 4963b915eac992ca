import type { VersionFacts } from '../world/versions.ts';
import type { EwsFault } from './ews-error.ts';
import { namespaces } from './schema/schema-table.ts';
import { declarations, encode, errorsNamespace, esc, soapNamespace, type Xml } from './xml-out.ts';

const heads = new WeakMap<VersionFacts, string>();

/** Everything before the body: the server says who it is in each answer. */
function head(facts: VersionFacts): string {
  let text = heads.get(facts);
  if (text === undefined) {
    const [major, minor, build, revision] = facts.build;
    text = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="${soapNamespace}"><s:Header><h:ServerVersionInfo MajorVersion="${major}" MinorVersion="${minor}" MajorBuildNumber="${build}" MinorBuildNumber="${revision}" Version="${facts.schemaVersion}" xmlns:h="${namespaces.t}"/></s:Header><s:Body>`;
    heads.set(facts, text);
  }
  return text;
}

/** A whole envelope; `body` begins with the response element, which gets the declarations of the two prefixes. */
export function envelope(facts: VersionFacts, body: Xml): Buffer {
  return encode([head(facts), declare(body), '</s:Body></s:Envelope>']);
}

function declare(body: Xml): Xml {
  if (typeof body === 'string') return body.replace(/^<([\w:]+)/, `<$1 ${declarations}`);
  if (Buffer.isBuffer(body)) return body;
  const [first = '', ...rest] = body as readonly Xml[];
  return [declare(first), rest];
}

/** A SOAP fault, as Exchange words it. */
export function faultEnvelope(facts: VersionFacts, fault: EwsFault): Buffer {
  const detail = fault.detail === '' ? '' : `<t:MessageXml xmlns:t="${namespaces.t}">${fault.detail}</t:MessageXml>`;
  return encode(
    `${head(facts)}<s:Fault><faultcode xmlns:a="${namespaces.t}">a:${fault.code}</faultcode><faultstring xml:lang="en-US">${esc(fault.message)}</faultstring><detail><e:ResponseCode xmlns:e="${errorsNamespace}">${fault.code}</e:ResponseCode><e:Message xmlns:e="${errorsNamespace}">${esc(fault.message)}</e:Message>${detail}</detail></s:Fault></s:Body></s:Envelope>`,
  );
}
