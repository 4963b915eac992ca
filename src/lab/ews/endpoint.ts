import { parseXmlBytes, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import {
  type Caller,
  type Endpoint,
  type EndpointAnswer,
  type EndpointCall,
  type EwsVersion,
  ewsVersionOf,
} from '../seams.ts';
import type { Organization } from '../world/organization.ts';
import { Refusal } from '../world/refusal.ts';
import type { World } from '../world/world.ts';
import type { Zone } from '../world/zone.ts';
import { Context } from './context.ts';
import { EwsError, EwsFault } from './ews-error.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations/index.ts';
import { attribute, child, childText } from './request.ts';
import { SchemaViolation, schemaOf } from './schema/check-schema.ts';
import { namespaces } from './schema/schema-table.ts';
import { envelope, faultEnvelope } from './soap.ts';
import { Subscriptions } from './subscriptions.ts';
import { esc, soapNamespace } from './xml-out.ts';
import { readZoneDefinition } from './zone-xml.ts';

const byRequest = new Map<string, Operation>(operations.map((operation) => [operation.request, operation]));
const xmlHeaders = { 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'private' };

/** The schema a `RequestServerVersion` is read with. */
function schemaVersionOf(requested: string): EwsVersion {
  if (requested.startsWith('Exchange2007')) return '2007';
  if (requested.startsWith('Exchange2010')) return '2010';
  if (requested.startsWith('Exchange2013')) return '2013';
  return requested.startsWith('V2017') ? 'se' : '2016';
}

/** Exchange Web Services of one organization: `POST /EWS/Exchange.asmx`, after sign-in. */
export function ewsEndpoint(world: World, organizationName: string): Endpoint {
  const organization = world.organization(organizationName);
  const subscriptions = new Subscriptions();
  return { handle: (call) => handle(organization, subscriptions, call) };
}

async function handle(
  organization: Organization,
  subscriptions: Subscriptions,
  call: EndpointCall,
): Promise<EndpointAnswer> {
  if (call.method !== 'POST') {
    const page = Buffer.from(
      '<html><head><title>Service</title></head><body><p>You have created a service.</p></body></html>',
    );
    return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page };
  }
  const type = call.headers['content-type'] ?? '';
  if (!/^\s*(?:text|application)\/xml\b/i.test(type))
    return { status: 415, headers: { 'content-length': '0' }, body: Buffer.alloc(0) };
  const bytes = await readBody(call.body, organization.requestMaxBytes);
  if (bytes === null)
    return { status: 413, headers: { connection: 'close', 'content-length': '0' }, body: Buffer.alloc(0) };
  try {
    const { root } = parseXmlBytes(bytes, {
      bytesMax: organization.requestMaxBytes,
      textBytesMax: organization.requestMaxBytes,
      depthMax: 300,
    });
    return await answer(organization, subscriptions, call, root);
  } catch (thrown) {
    if (thrown instanceof XmlFault) return { status: 400, headers: { 'content-length': '0' }, body: Buffer.alloc(0) };
    const fault =
      thrown instanceof EwsFault
        ? thrown
        : thrown instanceof EwsError || thrown instanceof Refusal
          ? new EwsFault(thrown.code, thrown.message)
          : null;
    if (fault === null) throw thrown;
    return { status: fault.status, headers: xmlHeaders, body: faultEnvelope(organization.facts, fault) };
  }
}

/** (EWS doc: timezonecontext) */
function timeZoneOf(header: XmlElement | null, nowMs: number): Zone | null {
  const element = header === null ? null : child(header, 'TimeZoneContext');
  const definition = element === null ? null : child(element, 'TimeZoneDefinition');
  return definition === null ? null : readZoneDefinition(definition, nowMs);
}

/** Null: larger than allowed. */
async function readBody(body: AsyncIterable<Uint8Array>, max: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > max) return null;
    chunks.push(chunk);
  }
  return chunks.length === 1 ? Buffer.from(chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

function violation(message: string): EwsFault {
  return new EwsFault(
    'ErrorSchemaValidation',
    `The request failed schema validation: ${message}`,
    `<t:LineNumber>1</t:LineNumber><t:LinePosition>1</t:LinePosition><t:Violation>${esc(message)}</t:Violation>`,
  );
}

function checkSchema(version: EwsVersion, element: XmlElement): void {
  try {
    schemaOf(version).check(element);
  } catch (thrown) {
    if (thrown instanceof SchemaViolation) throw violation(thrown.message);
    throw thrown;
  }
}

async function answer(
  organization: Organization,
  subscriptions: Subscriptions,
  call: EndpointCall,
  root: XmlElement,
): Promise<EndpointAnswer> {
  if (root.name !== 'Envelope' || root.ns !== soapNamespace)
    throw violation(`The '${root.ns}:${root.name}' element is not declared.`);
  const body = root.children.find(({ name, ns }) => name === 'Body' && ns === soapNamespace);
  const header = root.children.find(({ name, ns }) => name === 'Header' && ns === soapNamespace) ?? null;
  const request = body?.children[0];
  if (body === undefined || request === undefined) throw violation("The element 'Body' has incomplete content.");
  if (body.children.length > 1) throw violation("The element 'Body' has more than one child element.");
  const requested = requestedVersion(organization, header);
  const version = schemaVersionOf(requested);
  for (const element of header?.children ?? []) {
    if (element.ns !== namespaces.t) {
      if (attribute(element, `${soapNamespace}|mustUnderstand`) === '1')
        throw new EwsFault('ErrorInvalidRequest', 'A header that must be understood is not known.');
    } else if (
      element.name !== 'RequestServerVersion' &&
      schemaOf(ewsVersionOf(organization.version)).has(`t:${element.name}`)
    )
      checkSchema(ewsVersionOf(organization.version), element);
  }
  const operation = request.ns === namespaces.m ? byRequest.get(request.name) : undefined;
  if (operation === undefined) throw violation(`The '${request.ns}:${request.name}' element is not declared.`);
  const accepted = organization.facts.requestVersions;
  if (
    accepted.indexOf(requested) < accepted.indexOf(operation.since) ||
    !accepted.includes(operation.since) ||
    !schemaOf(version).has(`m:${request.name}`)
  )
    throw new EwsFault('ErrorInvalidRequest', `The operation ${operation.name} is not part of the requested version.`);
  checkSchema(version, request);
  const context = new Context({
    organization,
    caller: call.caller,
    actingAs: actingAs(organization, call.caller, header),
    version,
    operation: operation.name,
    subscriptions,
    signal: call.signal,
    precise: header !== null && childText(header, 'DateTimePrecision') === 'Milliseconds',
    timeZone: timeZoneOf(header, organization.world.surroundings.clock.nowMs()),
  });
  if (operation.stream !== undefined)
    return { status: 200, headers: xmlHeaders, body: envelopes(organization, operation.stream(request, context)) };
  return {
    status: 200,
    headers: xmlHeaders,
    body: envelope(organization.facts, await operation.run(request, context)),
  };
}

async function* envelopes(
  organization: Organization,
  bodies: AsyncIterable<Parameters<typeof envelope>[1]>,
): AsyncGenerator<Uint8Array> {
  for await (const body of bodies) yield envelope(organization.facts, body);
}

/** What the request wants to be read as. Without the header it is the oldest. */
function requestedVersion(organization: Organization, header: XmlElement | null): string {
  const element = header === null ? null : child(header, 'RequestServerVersion');
  if (element === null) return organization.facts.requestVersions[1] ?? 'Exchange2007_SP1';
  const requested = attribute(element, 'Version') ?? 'Exchange2007_SP1';
  if (!organization.facts.requestVersions.includes(requested)) throw new EwsFault('ErrorInvalidServerVersion');
  return requested;
}

/** Whose mailbox the request is about: the impersonated one's, or the caller's own. */
function actingAs(organization: Organization, caller: Caller, header: XmlElement | null): string | null {
  const impersonation = header === null ? null : child(header, 'ExchangeImpersonation');
  if (impersonation === null) return organization.entry(caller.user)?.address ?? null;
  const sid = child(impersonation, 'ConnectingSID')?.children[0];
  if (sid === undefined) throw new EwsFault('ErrorInvalidRequest');
  const name = sid.text.trim().toLowerCase();
  if (sid.name === 'SID')
    throw new EwsFault(
      'ErrorInvalidExchangeImpersonationHeaderData',
      'The impersonation header names an account that cannot be found.',
    );
  const entry = organization.entry(name);
  if (entry === null)
    throw new EwsFault('ErrorNonExistentMailbox', `The SMTP address has no mailbox associated with it.`);
  if (!organization.mayImpersonate(caller, entry.address)) throw new EwsFault('ErrorImpersonateUserDenied');
  if (organization.mailbox(entry.address) === null) throw new EwsFault('ErrorNonExistentMailbox');
  return entry.address;
}
