/**
 * Autodiscover: POX (`autodiscover.xml`), SOAP (`autodiscover.svc`, GetUserSettings, from 2010 on) and the JSON form (from 2016 on).
 * Forms and codes: the samples under `ews/autodiscover` of the protocol reference, and the pages they come from.
 */
import { childText, descendants, parseXml, textOf, XmlFault } from '#formats/text/xml-read.ts';
import type { EwsVersion } from '../seams.ts';
import { guidOf } from '../world/account.ts';
import { versionFacts } from '../world/versions.ts';
import type { Directory } from './directory.ts';
import { collect, type EdgeConnection, type EdgeRequest, type PlainAnswer } from './exchange.ts';
import { escapeXml, soapNamespace } from './soap.ts';

/** Where a mailbox that is not here is to be looked for. */
export type AutodiscoverRedirect =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'url'; readonly url: string };

export interface AutodiscoverParts {
  readonly name: string;
  readonly version: EwsVersion;
  readonly domain: string;
  readonly directory: Directory;
  readonly secureOrigin: (origin: string) => string;
}

export interface AutodiscoverService {
  /** By address, lower case; what targetAddress and a move to another forest make of Autodiscover. */
  readonly redirects: Map<string, AutodiscoverRedirect>;
  /** What is answered without sign-in; null: sign in first. */
  anonymous(request: EdgeRequest, connection: EdgeConnection): PlainAnswer | null;
  handle(request: EdgeRequest, connection: EdgeConnection): Promise<PlainAnswer>;
}

const requestSchema = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006';
const outlookSchema = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
const errorSchema = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';
const soapSchema = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
const requestBytesMax = 256 * 1024;

type Found =
  | { readonly kind: 'mailbox'; readonly address: string; readonly displayName: string; readonly guid: string }
  | AutodiscoverRedirect
  | { readonly kind: 'nobody' };

export function createAutodiscover(parts: AutodiscoverParts): AutodiscoverService {
  const redirects = new Map<string, AutodiscoverRedirect>();
  const { domain, version, directory } = parts;
  const facts = versionFacts[version];
  const server = `mail.${domain}`;
  const organizationDn = `/o=${parts.name}/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)`;
  const [major = 0, minor = 0, build = 0, revision = 0] = facts.build;
  // POX packs the version: bits 26-31 major… as Outlook reads it; [MS-OXDSCLI] 2.2.4.1.1.2.6.44 ServerVersion.
  const packedVersion = ((major << 26) | (minor << 21) | 0x8000 | build).toString(16).toUpperCase().slice(-8);
  const legacyDn = (guid: string, address: string) =>
    `${organizationDn}/cn=Recipients/cn=${guid.replaceAll('-', '')}-${address.split('@')[0]}`;

  const look = (address: string): Found => {
    const key = address.trim().toLowerCase();
    const redirect = redirects.get(key);
    if (redirect) return redirect;
    const entry = directory.entry(key);
    return entry ? { kind: 'mailbox', ...entry } : { kind: 'nobody' };
  };

  function pox(address: string, found: Found, ews: string): string {
    const response = (inner: string) =>
      `<?xml version="1.0" encoding="utf-8"?>\r\n<Autodiscover xmlns="${errorSchema}">\r\n  <Response xmlns="${outlookSchema}">\r\n${inner}\r\n  </Response>\r\n</Autodiscover>`;
    switch (found.kind) {
      case 'nobody':
        return poxError(500, "The e-mail address can't be found.");
      case 'address':
        return response(
          `    <Account><Action>redirectAddr</Action><RedirectAddr>${escapeXml(found.address)}</RedirectAddr></Account>`,
        );
      case 'url':
        return response(
          `    <Account><AccountType>email</AccountType><Action>redirectUrl</Action><RedirectUrl>${escapeXml(found.url)}</RedirectUrl></Account>`,
        );
      case 'mailbox': {
        const dn = legacyDn(found.guid, found.address);
        const base = ews.slice(0, ews.toLowerCase().indexOf('/ews/'));
        const urls = `<ASUrl>${ews}</ASUrl>${version === '2007' ? '' : `<EwsUrl>${ews}</EwsUrl>`}<OOFUrl>${ews}</OOFUrl><OABUrl>${base}/OAB/${guidOf('oab', domain)}/</OABUrl>`;
        return response(
          `    <User><DisplayName>${escapeXml(found.displayName)}</DisplayName><LegacyDN>${escapeXml(dn)}</LegacyDN>` +
            (version === '2007' ? '' : `<AutoDiscoverSMTPAddress>${escapeXml(address)}</AutoDiscoverSMTPAddress>`) +
            `<DeploymentId>${guidOf('deployment', domain)}</DeploymentId></User>\r\n` +
            `    <Account><AccountType>email</AccountType><Action>settings</Action>` +
            `<Protocol><Type>EXCH</Type><Server>${server}</Server><ServerDN>${organizationDn}/cn=Configuration/cn=Servers/cn=${server}</ServerDN>` +
            `<ServerVersion>${packedVersion}</ServerVersion><MdbDN>${organizationDn}/cn=Configuration/cn=Servers/cn=${server}/cn=Microsoft Private MDB</MdbDN>${urls}</Protocol>` +
            `<Protocol><Type>EXPR</Type><Server>${server}</Server><SSL>On</SSL><AuthPackage>Ntlm</AuthPackage>${urls}</Protocol>` +
            `<Protocol><Type>WEB</Type><Internal><OWAUrl AuthenticationMethod="Basic, Fba">${base}/owa/</OWAUrl></Internal></Protocol></Account>`,
        );
      }
    }
  }

  async function handlePox(request: EdgeRequest, ews: string): Promise<PlainAnswer> {
    const answer = (body: string): PlainAnswer => ({
      status: 200,
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      body,
    });
    if (request.method !== 'POST') return answer(poxError(600, 'Invalid Request'));
    const body = await collect(request.body, requestBytesMax);
    if (body === null) return { status: 413, ending: 'close' };
    try {
      const { root } = await parseXml(body);
      const [asked] = descendants(root, requestSchema, 'Request');
      const address = asked && childText(asked, requestSchema, 'EMailAddress');
      const schema = asked && childText(asked, requestSchema, 'AcceptableResponseSchema');
      if (root.name !== 'Autodiscover' || !address) return answer(poxError(600, 'Invalid Request'));
      if (schema !== outlookSchema) return answer(poxError(601, 'Provider is not available'));
      return answer(pox(address, look(address), ews));
    } catch (error) {
      if (error instanceof XmlFault) return answer(poxError(600, 'Invalid Request'));
      throw error;
    }
  }

  function userSettings(found: Found, wanted: readonly string[], ews: string): string {
    const response = (code: string, message: string, rest: string) =>
      `<UserResponse><ErrorCode>${code}</ErrorCode><ErrorMessage>${escapeXml(message)}</ErrorMessage>${rest}</UserResponse>`;
    const nothing = '<UserSettingErrors/><UserSettings/>';
    switch (found.kind) {
      case 'nobody':
        return response(
          'InvalidUser',
          "The user's e-mail address can't be found.",
          `<RedirectTarget i:nil="true"/>${nothing}`,
        );
      case 'address':
        return response(
          'RedirectAddress',
          'Redirection address.',
          `<RedirectTarget>${escapeXml(found.address)}</RedirectTarget>${nothing}`,
        );
      case 'url':
        return response(
          'RedirectUrl',
          'Redirection URL.',
          `<RedirectTarget>${escapeXml(found.url)}</RedirectTarget>${nothing}`,
        );
      case 'mailbox': {
        const known: Readonly<Record<string, string>> = {
          UserDisplayName: found.displayName,
          UserDN: legacyDn(found.guid, found.address),
          UserDeploymentId: guidOf('deployment', domain),
          AutoDiscoverSMTPAddress: found.address,
          CasVersion: `${pad(major)}.${pad(minor)}.${String(build).padStart(4, '0')}.${String(revision).padStart(3, '0')}`,
          EwsSupportedSchemas: facts.requestVersions.filter((name) => name.startsWith('Exchange')).join(', '),
          InternalMailboxServer: server,
          ExternalMailboxServer: server,
          InternalEwsUrl: ews,
          ExternalEwsUrl: ews,
          MailboxDN: `${organizationDn}/cn=Configuration/cn=Servers/cn=${server}/cn=Microsoft Private MDB`,
          ActiveDirectoryServer: `dc1.${domain}`,
          ...(version === '2010'
            ? {}
            : { ExchangeRpcUrl: `${new URL(ews).origin}/rpc/rpcproxy.dll`, ServerExclusiveConnect: 'off' }),
        };
        const settings: string[] = [];
        const errors: string[] = [];
        for (const name of wanted) {
          const value = known[name];
          if (value !== undefined)
            settings.push(
              `<UserSetting i:type="StringSetting"><Name>${name}</Name><Value>${escapeXml(value)}</Value></UserSetting>`,
            );
          else if (/^[A-Za-z]{3,64}$/.test(name)) {
            errors.push(
              `<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>The requested setting, '${name}', is not available.</ErrorMessage><SettingName>${name}</SettingName></UserSettingError>`,
            );
          }
        }
        return response(
          'NoError',
          'No error.',
          `<RedirectTarget i:nil="true"/><UserSettingErrors>${errors.join('')}</UserSettingErrors><UserSettings>${settings.join('')}</UserSettings>`,
        );
      }
    }
  }

  async function handleSoap(request: EdgeRequest, ews: string): Promise<PlainAnswer> {
    const answer = (status: number, body: string, action: string): PlainAnswer => ({
      status,
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      body:
        `<s:Envelope xmlns:s="${soapNamespace}" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:Action s:mustUnderstand="1">${action}</a:Action>` +
        `<h:ServerVersionInfo xmlns:h="${soapSchema}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><h:MajorVersion>${major}</h:MajorVersion><h:MinorVersion>${minor}</h:MinorVersion>` +
        `<h:MajorBuildNumber>${build}</h:MajorBuildNumber><h:MinorBuildNumber>${revision}</h:MinorBuildNumber><h:Version>${soapVersion(version)}</h:Version></h:ServerVersionInfo></s:Header><s:Body>${body}</s:Body></s:Envelope>`,
    });
    const fault = (code: string, text: string) =>
      answer(
        500,
        `<s:Fault><faultcode xmlns:x="http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher">${code}</faultcode><faultstring xml:lang="en-US">${text}</faultstring></s:Fault>`,
        `${soapSchema}/Autodiscover/Fault`,
      );
    const message = (inner: string) =>
      answer(
        200,
        `<GetUserSettingsResponseMessage xmlns="${soapSchema}"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">${inner}</Response></GetUserSettingsResponseMessage>`,
        `${soapSchema}/Autodiscover/GetUserSettingsResponse`,
      );
    if (request.method !== 'POST') return { status: 400 };
    const body = await collect(request.body, requestBytesMax);
    if (body === null) return { status: 413, ending: 'close' };
    try {
      const { root } = await parseXml(body);
      const [asked] = descendants(root, soapSchema, 'GetUserSettingsRequestMessage');
      if (root.ns !== soapNamespace || root.name !== 'Envelope')
        return fault('s:Client', 'The message is not a SOAP 1.1 envelope.');
      if (!asked)
        return fault(
          'x:ActionNotSupported',
          'The message cannot be processed at the receiver: only GetUserSettings is served here.',
        );
      const [requested] = descendants(root, soapSchema, 'RequestedServerVersion');
      if (!requested)
        return message(
          '<ErrorCode>InvalidRequest</ErrorCode><ErrorMessage>Missing required header, &#39;RequestedServerVersion&#39;.</ErrorMessage><UserResponses/>',
        );
      const users = [...descendants(asked, soapSchema, 'User')].map(
        (user) => childText(user, soapSchema, 'Mailbox') ?? '',
      );
      const wanted = [...descendants(asked, soapSchema, 'Setting')].map((setting) => textOf(setting).trim());
      if (users.length === 0 || users.length > 100)
        return message(
          '<ErrorCode>InvalidRequest</ErrorCode><ErrorMessage>The request names no user, or more than 100.</ErrorMessage><UserResponses/>',
        );
      const responses = users.map((user) => userSettings(look(user), wanted, ews)).join('');
      return message(`<ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses>${responses}</UserResponses>`);
    } catch (error) {
      if (error instanceof XmlFault) return { status: 400 };
      throw error;
    }
  }

  return {
    redirects,

    anonymous(request, connection) {
      const [path = '', query = ''] = request.path.split('?', 2);
      // A plain-text front answers nothing itself: its one use is to say where the encrypted one is.
      if (connection.origin.startsWith('http://') && request.method === 'GET') {
        return {
          status: 302,
          headers: {
            location: `${parts.secureOrigin(connection.origin)}/autodiscover/autodiscover.xml`,
            'content-type': 'text/html',
          },
        };
      }
      if (!path.toLowerCase().endsWith('.json')) return null;
      if (version !== '2016' && version !== 'se') return { status: 404 };
      const asked = new URLSearchParams(query.toLowerCase());
      const json = { 'content-type': 'application/json; charset=utf-8' };
      if (asked.get('protocol') !== 'ews') {
        return {
          status: 400,
          headers: json,
          body: JSON.stringify({
            ErrorCode: 'InvalidProtocol',
            ErrorMessage: 'The protocol is not supported. Supported values are: Ews.',
          }),
        };
      }
      return {
        status: 200,
        headers: json,
        body: JSON.stringify({ Protocol: 'Ews', Url: `${parts.secureOrigin(connection.origin)}/EWS/Exchange.asmx` }),
      };
    },

    async handle(request, connection) {
      const path = (request.path.split('?', 1)[0] ?? '').toLowerCase();
      const ews = `${parts.secureOrigin(connection.origin)}/EWS/Exchange.asmx`;
      if (path.endsWith('.xml')) return handlePox(request, ews);
      if (path.endsWith('.svc') && version !== '2007') return handleSoap(request, ews);
      return { status: 404 };
    },
  };
}

function poxError(code: number, message: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>\r\n<Autodiscover xmlns="${errorSchema}">\r\n  <Response>\r\n    <Error Time="00:00:00.0000000" Id="1">\r\n      <ErrorCode>${code}</ErrorCode>\r\n      <Message>${message}</Message>\r\n      <DebugData/>\r\n    </Error>\r\n  </Response>\r\n</Autodiscover>`;
}

const pad = (value: number) => String(value).padStart(2, '0');

/** `Version` of the SOAP answer's header; samples show Exchange2010_SP2 and Exchange2015. */
function soapVersion(version: EwsVersion): string {
  return {
    '2007': 'Exchange2007_SP1',
    '2010': 'Exchange2010_SP2',
    '2013': 'Exchange2013_SP1',
    '2016': 'Exchange2016',
    se: 'Exchange2016',
  }[version];
}
