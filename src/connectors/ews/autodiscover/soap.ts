import type { XmlElement } from '#formats/text/xml-read.ts';
import { type XmlFragment, xml } from '#formats/text/xml-write.ts';
import { type AutodiscoverAnswer, allNamed, named, oneLine, textNamed } from './answer.ts';

const wanted = ['ExternalEwsUrl', 'InternalEwsUrl', 'CasVersion', 'GroupingInformation'] as const;

/** SOAP Autodiscover, 2010 and later: GetUserSettings (EWSDOC getusersettings-operation-soap, [MS-OXWSADISC]). */
export function soapRequest(address: string, url: URL): XmlFragment {
  return xml`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" xmlns:wsa="http://www.w3.org/2005/08/addressing"><s:Header><a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion><wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action><wsa:To>${url.href}</wsa:To></s:Header><s:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User><a:Mailbox>${address}</a:Mailbox></a:User></a:Users><a:RequestedSettings>${wanted.map((name) => xml`<a:Setting>${name}</a:Setting>`)}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></s:Body></s:Envelope>`;
}

/** Codes that say: not in this organization. */
const unknownCodes: ReadonlySet<string> = new Set(['InvalidUser', 'InvalidDomain', 'NotFederated']);

/** Null: that is no answer of Autodiscover. */
export function readSoap(root: XmlElement): AutodiscoverAnswer | null {
  if (root.name !== 'Envelope') return null;
  const body = named(root, 'Body');
  const fault = named(body, 'Fault');
  if (fault)
    return {
      kind: 'error',
      code: oneLine(textNamed(fault, 'faultcode')) || 'fault',
      message: oneLine(textNamed(fault, 'faultstring')),
      mailboxUnknown: false,
    };
  const response = named(named(body, 'GetUserSettingsResponseMessage'), 'Response');
  if (response === null) return null;
  const whole = textNamed(response, 'ErrorCode') ?? 'NoError';
  const user = named(named(response, 'UserResponses'), 'UserResponse');
  const element = whole === 'NoError' && user ? user : response;
  const code = textNamed(element, 'ErrorCode') ?? 'NoError';
  const target = textNamed(element, 'RedirectTarget');
  if (code === 'RedirectAddress' && target) return { kind: 'redirect-address', address: target };
  if (code === 'RedirectUrl' && target) return { kind: 'redirect-url', url: target };
  if (code !== 'NoError' || user === null) {
    return {
      kind: 'error',
      code,
      message: oneLine(textNamed(element, 'ErrorMessage')),
      mailboxUnknown: unknownCodes.has(code),
    };
  }
  const settings = new Map(
    allNamed(named(user, 'UserSettings'), 'UserSetting').map((setting) => [
      textNamed(setting, 'Name') ?? '',
      textNamed(setting, 'Value'),
    ]),
  );
  const ewsUrls = [
    ...new Set([settings.get('ExternalEwsUrl'), settings.get('InternalEwsUrl')].flatMap((url) => url ?? [])),
  ];
  return {
    kind: 'settings',
    settings: {
      ewsUrls,
      serverVersion: settings.get('CasVersion') ?? versionInfo(named(root, 'Header')),
      groupingInformation: settings.get('GroupingInformation') ?? null,
    },
  };
}

function versionInfo(header: XmlElement | null): string | null {
  const info = named(header, 'ServerVersionInfo');
  const parts = ['MajorVersion', 'MinorVersion', 'MajorBuildNumber'].map((name) => textNamed(info, name));
  return parts.every((part) => part !== null && /^\d{1,6}$/.test(part)) ? parts.join('.') : null;
}
