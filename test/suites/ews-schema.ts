/**
 * Checks EWS envelopes, requests and answers alike, against the XSDs of a version with libxml2: a validator that is not ours.
 * Known deviations of real servers from their own schema are a closed list here.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { XmlDocument, XmlLibError, XsdValidator } from 'libxml2-wasm';
import { xmlRegisterFsInputProviders } from 'libxml2-wasm/lib/nodejs.mjs';

export type SchemaVersion = '2007' | '2010' | '2013' | '2016' | 'se';

const folders: Readonly<Record<SchemaVersion, string>> = {
  '2007': 'exchange2007-sp1',
  '2010': 'exchange2010-sp2',
  '2013': 'exchange2013-sp1',
  '2016': 'exchange2016-V2016_10_10',
  se: 'exchange-se-15.2.2562.17',
};

const root = resolve(process.env['CAUSEWAY_REFERENCE'] ?? '../shared', 'protocol/ews/versions');

/** Whether the XSDs are here; with `CI=true` their absence is a failure. */
export function haveSchemas(): boolean {
  if (existsSync(root)) return true;
  if (process.env['CI'] === 'true') throw new Error(`${root} is missing; set CAUSEWAY_REFERENCE to the reference data`);
  console.warn(`skipped: no EWS schemas at ${root} (CAUSEWAY_REFERENCE)`);
  return false;
}

/** What real servers do against their own schema, and we with them. A problem that one of these explains is none. */
const knownDeviations: readonly { readonly what: RegExp; readonly because: string }[] = [
  {
    what: /attribute 'Version'.*fixed value constraint/,
    because:
      'two schema sets fix RequestServerVersion to their newest value; servers accept every older one (ews/README.md)',
  },
  {
    what: /types\}Contains': This element is not expected/,
    because:
      'the 2007 set came by way of php-ews, which left Contains out of RestrictionType; Microsoft’s has SearchExpression there',
  },
  {
    what: /Notification': This element is not expected\. Expected is .*types\}Notification/,
    because: 'servers write m:Notification where the schema says t:Notification (ews-managed-api)',
  },
];

const validators = new Map<SchemaVersion, XsdValidator>();

function validatorOf(version: SchemaVersion): XsdValidator {
  let validator = validators.get(version);
  if (validator === undefined) {
    xmlRegisterFsInputProviders();
    const url = pathToFileURL(resolve(root, folders[version], 'envelope.xsd')).href;
    const driver = XmlDocument.fromString(
      `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
        <xs:import namespace="http://schemas.xmlsoap.org/soap/envelope/" schemaLocation="../../soap11-envelope.xsd"/>
        <xs:import namespace="http://schemas.microsoft.com/exchange/services/2006/messages" schemaLocation="messages.xsd"/>
        <xs:import namespace="http://schemas.microsoft.com/exchange/services/2006/types" schemaLocation="types.xsd"/>
      </xs:schema>`,
      { url },
    );
    validator = XsdValidator.fromDoc(driver);
    driver.dispose();
    validators.set(version, validator);
  }
  return validator;
}

/**
 * What is wrong with a whole SOAP envelope by the schema of that version, one line per problem; empty when nothing is. A
 * character reference that XML 1.0 forbids is no problem of the schema: it is replaced before.
 */
export function validateEnvelope(version: SchemaVersion, bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/&#(?:x([0-9a-f]+)|(\d+));/gi, (all, hex: string | undefined, decimal: string | undefined) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      const legal = code === 9 || code === 10 || code === 13 || (code >= 32 && code < 0xfffe) || code > 0xffff;
      return legal ? all : '\uFFFD';
    });
  let document: XmlDocument | null = null;
  try {
    document = XmlDocument.fromString(text);
    validatorOf(version).validate(document);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof XmlLibError)) throw thrown;
    const problems = thrown.details.length > 0 ? thrown.details.map(({ message }) => message.trim()) : [thrown.message];
    return problems.filter((problem) => !knownDeviations.some(({ what }) => what.test(problem)));
  } finally {
    document?.dispose();
  }
}
