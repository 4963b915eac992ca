import type { XmlElement } from '#formats/text/xml-read.ts';
import { type XmlFragment, xml } from '#formats/text/xml-write.ts';
import { type AutodiscoverAnswer, allNamed, named, oneLine, textNamed } from './answer.ts';

/** POX Autodiscover, 2007 and later ([MS-OXDSCLI]; EWSDOC pox-autodiscover-web-service-reference-for-exchange). */
export function poxRequest(address: string): XmlFragment {
  return xml`<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`;
}

/** EXPR and EXHTTP are for the outside, EXCH for the inside; 2007 knows no EwsUrl, and its ASUrl is the same. */
const protocolOrder = ['EXPR', 'EXHTTP', 'EXCH', 'WEB'];

/** Null: that is no answer of Autodiscover. */
export function readPox(root: XmlElement): AutodiscoverAnswer | null {
  const response = root.name === 'Autodiscover' ? named(root, 'Response') : null;
  if (response === null) return null;
  const error = named(response, 'Error') ?? named(named(response, 'Account'), 'Error');
  if (error) {
    const code = textNamed(error, 'ErrorCode') ?? 'unknown';
    // 500: "The email address can't be found." 501, 601, 602 and others are about the service or the request.
    return { kind: 'error', code, message: oneLine(textNamed(error, 'Message')), mailboxUnknown: code === '500' };
  }
  const account = named(response, 'Account');
  if (account === null) return null;
  const action = textNamed(account, 'Action')?.toLowerCase() ?? 'settings';
  const redirectAddress = textNamed(account, 'RedirectAddr');
  const redirectUrl = textNamed(account, 'RedirectUrl');
  if (action === 'redirectaddr' && redirectAddress) return { kind: 'redirect-address', address: redirectAddress };
  if (action === 'redirecturl' && redirectUrl) return { kind: 'redirect-url', url: redirectUrl };
  if (action !== 'settings')
    return { kind: 'error', code: action, message: 'an action without a place to go', mailboxUnknown: false };
  const protocols = [...allNamed(account, 'Protocol')].sort((a, b) => rank(a) - rank(b));
  const ewsUrls = [
    ...new Set(protocols.flatMap((protocol) => textNamed(protocol, 'EwsUrl') ?? textNamed(protocol, 'ASUrl') ?? [])),
  ];
  const exchange = protocols.find((protocol) => textNamed(protocol, 'Type') === 'EXCH') ?? null;
  const grouping =
    protocols.map((protocol) => textNamed(protocol, 'GroupingInformation')).find((text) => text !== null) ?? null;
  return {
    kind: 'settings',
    settings: {
      ewsUrls,
      serverVersion: packedVersion(textNamed(exchange, 'ServerVersion')),
      groupingInformation: grouping,
    },
  };
}

function rank(protocol: XmlElement): number {
  const at = protocolOrder.indexOf(textNamed(protocol, 'Type') ?? '');
  return at < 0 ? protocolOrder.length : at;
}

/**
 * ServerVersion is eight hex digits: 15 bits build, a flag, 6 bits minor, 6 bits major, from the low end (EWSDOC
 * serverversion-pox; `738180DA` is 14.1.218).
 */
export function packedVersion(text: string | null): string | null {
  if (text === null || !/^[0-9a-f]{8}$/i.test(text)) return null;
  const bits = Number.parseInt(text, 16);
  return `${(bits >>> 22) & 0x3f}.${(bits >>> 16) & 0x3f}.${bits & 0x7fff}`;
}
