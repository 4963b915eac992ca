import { Buffer } from 'node:buffer';
import { XmlFault, XmlTokenizer } from '#formats/text/xml-read.ts';
import type { VersionFacts } from '../world/versions.ts';

export const soapNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';
const typesNamespace = 'http://schemas.microsoft.com/exchange/services/2006/types';
const messagesNamespace = 'http://schemas.microsoft.com/exchange/services/2006/messages';
const errorsNamespace = 'http://schemas.microsoft.com/exchange/services/2006/errors';

/** What the edge must know of a request before anybody carries it out; the endpoint reads it all again. */
export interface Peeked {
  /** Body element without `Request`: `GetItem`. Null when there is none within the first bytes, or no XML at all. */
  readonly operation: string | null;
  /** Address of the mailbox in `ExchangeImpersonation`, lower case; null when it is absent or names no address. */
  readonly impersonated: string | null;
  readonly hasImpersonation: boolean;
}

/** Header and first body element lie within this many bytes, or the request is none we know. */
const peekBytesMax = 64 * 1024;
/** Thrown through the tokenizer to stop it; carries nothing. */
const enough = new Error('enough');

/**
 * Looks at the beginning of a request.
 * @returns what was seen, and the body as if nobody had looked.
 */
export async function peek(
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly seen: Peeked; readonly body: AsyncIterable<Uint8Array> }> {
  const iterator = body[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let operation: string | null = null;
  let impersonated: string | null = null;
  let hasImpersonation = false;
  const path: string[] = [];
  let text = '';
  const tokenizer = new XmlTokenizer(
    {
      open(name) {
        if (path.length === 2 && path[1] === 'Body') {
          operation = name.name.replace(/Request$/, '');
          throw enough;
        }
        if (name.name === 'ExchangeImpersonation') hasImpersonation = true;
        path.push(name.name);
        text = '';
      },
      text(value) {
        text += value;
      },
      close(name) {
        path.pop();
        if (path.at(-1) === 'ConnectingSID' && name.name !== 'SID') impersonated = text.trim().toLowerCase() || null;
      },
    },
    { tagBytesMax: peekBytesMax, textBytesMax: peekBytesMax, depthMax: 20 },
  );
  let ended = false;
  for (let bytes = 0; bytes < peekBytesMax; ) {
    const next = await iterator.next();
    if (next.done) {
      ended = true;
      break;
    }
    held.push(next.value);
    bytes += next.value.length;
    try {
      tokenizer.write(next.value);
    } catch (error) {
      // The endpoint says what is wrong with XML that is wrong.
      if (error !== enough && !(error instanceof XmlFault)) throw error;
      break;
    }
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      while (held.length > 0) yield held.shift() as Uint8Array;
      while (!ended) {
        const next = await iterator.next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { seen: { operation, impersonated, hasImpersonation }, body: whole() };
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (found) => `&#${found.charCodeAt(0)};`);
}

/** Values of `t:MessageXml`, as `[name, value]`. */
export type MessageValues = readonly (readonly [string, string])[];

const messageXml = (values: MessageValues, prefix: 'm' | 't') => {
  const ns = `xmlns:t="${typesNamespace}"`;
  const inner = values.map(([name, value]) => `<t:Value Name="${name}">${escapeXml(value)}</t:Value>`).join('');
  return values.length === 0 ? '' : `<${prefix}:MessageXml ${ns}>${inner}</${prefix}:MessageXml>`;
};

/** A SOAP fault as EWS writes it (fixtures `exchangelib/error_server_busy-Fault.xml`, `kde-ews/errorserverbusy-Fault.xml`). */
export function soapFault(code: string, message: string, values: MessageValues = []): Buffer {
  const text = escapeXml(message);
  return Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="${soapNamespace}"><s:Body><s:Fault>` +
      `<faultcode xmlns:a="${typesNamespace}">a:${code}</faultcode><faultstring xml:lang="en-US">${text}</faultstring><detail>` +
      `<e:ResponseCode xmlns:e="${errorsNamespace}">${code}</e:ResponseCode><e:Message xmlns:e="${errorsNamespace}">${text}</e:Message>` +
      `${messageXml(values, 't')}</detail></s:Fault></s:Body></s:Envelope>`,
  );
}

/** Operations that answer with one response message whatever they are asked, with what the schema wants inside a failed one. */
export const singleMessage: Readonly<Record<string, string>> = {
  SyncFolderItems: '<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>',
  SyncFolderHierarchy: '<m:SyncState/><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>',
  Subscribe: '',
  Unsubscribe: '',
  GetEvents: '',
};

export const hasSingleMessage = (operation: string | null): operation is string =>
  operation !== null && operation in singleMessage;

/** An error inside an answer with status 200 (fixture `ews-rs/deserialize_envelope_with_server_busy_error-SyncFolderItemsResponse.xml`). */
export function errorMessage(
  operation: string,
  server: Pick<VersionFacts, 'build' | 'schemaVersion'>,
  code: string,
  message: string,
  values: MessageValues,
): Buffer {
  const [major, minor, number, revision] = server.build;
  return Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="${soapNamespace}"><s:Header><h:ServerVersionInfo MajorVersion="${major}" ` +
      `MinorVersion="${minor}" MajorBuildNumber="${number}" MinorBuildNumber="${revision}" Version="${server.schemaVersion}" xmlns:h="${typesNamespace}"/></s:Header><s:Body>` +
      `<m:${operation}Response xmlns:m="${messagesNamespace}"><m:ResponseMessages><m:${operation}ResponseMessage ResponseClass="Error">` +
      `<m:MessageText>${escapeXml(message)}</m:MessageText><m:ResponseCode>${code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>` +
      `${messageXml(values, 'm')}${singleMessage[operation] ?? ''}` +
      `</m:${operation}ResponseMessage></m:ResponseMessages></m:${operation}Response></s:Body></s:Envelope>`,
  );
}
