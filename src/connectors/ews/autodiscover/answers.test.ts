import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { packedVersion, readPox } from './pox.ts';
import { readSoap } from './soap.ts';

const folder = reference('protocol/ews/autodiscover');
const withSamples = test.skipIf(folder === null);
const sample = (name: string) => parseXmlBytes(readFileSync(join(folder ?? '', name))).root;

describe('POX', () => {
  withSamples('a recording of Exchange Online', () => {
    expect(readPox(sample('pox-recorded-testGetAPI-Autodiscover.xml'))).toEqual({
      kind: 'settings',
      settings: {
        ewsUrls: ['https://outlook.office365.com/EWS/Exchange.asmx'],
        serverVersion: '15.20.3370',
        groupingInformation: 'LO2P123',
      },
    });
  });

  withSamples('the documented answer of 2007, which has no EwsUrl', () => {
    expect(readPox(sample('pox-pox-autodiscover-response-for-exchange-Autodiscover.xml'))).toMatchObject({
      kind: 'settings',
      settings: {
        ewsUrls: ['https://mail.contoso.com/ews/exchange.asmx'],
        serverVersion: '8.0.647',
        groupingInformation: null,
      },
    });
  });

  withSamples('a redirect to an address, and an error', () => {
    expect(readPox(sample('pox-handling-autodiscover-error-messages-Autodiscover.xml'))).toEqual({
      kind: 'redirect-address',
      address: 'elvin@mail.contoso.com',
    });
    expect(readPox(sample('pox-pox-autodiscover-response-for-exchange-Autodiscover-2.xml'))).toEqual({
      kind: 'error',
      code: '600',
      message: 'Invalid Request',
      mailboxUnknown: false,
    });
  });

  test('a redirect to another service, and a mailbox that is not there', () => {
    const account = (inner: string) =>
      parseXmlBytes(`<Autodiscover xmlns="a"><Response xmlns="b"><Account>${inner}</Account></Response></Autodiscover>`)
        .root;
    expect(
      readPox(
        account(
          '<Action>redirectUrl</Action><RedirectUrl> https://x.test/autodiscover/autodiscover.xml </RedirectUrl>',
        ),
      ),
    ).toEqual({ kind: 'redirect-url', url: 'https://x.test/autodiscover/autodiscover.xml' });
    expect(readPox(account('<Action>redirectUrl</Action>'))).toMatchObject({ kind: 'error' });
    expect(
      readPox(
        account(
          '<Error Time="x" Id="1"><ErrorCode>500</ErrorCode><Message>The email address\n  can’t be found.</Message></Error>',
        ),
      ),
    ).toEqual({
      kind: 'error',
      code: '500',
      message: 'The email address can’t be found.',
      mailboxUnknown: true,
    });
  });

  test('server versions', () => {
    expect([
      packedVersion('738180DA'),
      packedVersion('73D48D2A'),
      packedVersion('72008287'),
      packedVersion('x'),
      packedVersion(null),
    ]).toEqual(['14.1.218', '15.20.3370', '8.0.647', null, null]);
  });
});

describe('SOAP', () => {
  withSamples('documented answers', () => {
    expect(readSoap(sample('soap-getusersettings-GetUserSettingsResponseMessage.xml'))).toEqual({
      kind: 'settings',
      settings: { ewsUrls: [], serverVersion: '14.00.0478.000', groupingInformation: null },
    });
    expect(readSoap(sample('soap-handling-autodiscover-error-messages-GetUserSettingsResponseMessage.xml'))).toEqual({
      kind: 'redirect-address',
      address: 'elvin@mail.contoso.com',
    });
  });

  withSamples('redirects and errors as exchangelib saw them', () => {
    expect(readSoap(sample('exchangelib-x-GetUserSettingsResponseMessage.xml'))).toEqual({
      kind: 'redirect-address',
      address: '{address}',
    });
    expect(readSoap(sample('exchangelib-x-GetUserSettingsResponseMessage-2.xml'))).toMatchObject({
      kind: 'redirect-url',
    });
    expect(readSoap(sample('exchangelib-get_user_settings-GetUserSettingsResponseMessage.xml'))).toEqual({
      kind: 'error',
      code: 'InvalidSetting',
      message: 'An error message',
      mailboxUnknown: false,
    });
    expect(readSoap(sample('exchangelib-get_user_settings-GetUserSettingsResponseMessage-2.xml'))).toMatchObject({
      kind: 'error',
      code: 'InternalServerError',
    });
  });

  test('settings, those for the outside first', () => {
    const setting = (name: string, value: string) =>
      `<UserSetting><Name>${name}</Name><Value>${value}</Value></UserSetting>`;
    const root = parseXmlBytes(
      `<Envelope><Header><ServerVersionInfo><MajorVersion>15</MajorVersion><MinorVersion>2</MinorVersion><MajorBuildNumber>1544</MajorBuildNumber></ServerVersionInfo></Header><Body><GetUserSettingsResponseMessage><Response><ErrorCode>NoError</ErrorCode><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><UserSettings>${setting('InternalEwsUrl', 'https://in.test/EWS/Exchange.asmx')}${setting('ExternalEwsUrl', 'https://out.test/EWS/Exchange.asmx')}${setting('GroupingInformation', 'Site1')}</UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></Body></Envelope>`,
    ).root;
    expect(readSoap(root)).toEqual({
      kind: 'settings',
      settings: {
        ewsUrls: ['https://out.test/EWS/Exchange.asmx', 'https://in.test/EWS/Exchange.asmx'],
        serverVersion: '15.2.1544',
        groupingInformation: 'Site1',
      },
    });
  });

  test('a SOAP fault', () => {
    const root = parseXmlBytes(
      '<s:Envelope xmlns:s="x"><s:Body><s:Fault><faultcode>a:NoService</faultcode><faultstring>off</faultstring></s:Fault></s:Body></s:Envelope>',
    ).root;
    expect(readSoap(root)).toMatchObject({ kind: 'error', code: 'a:NoService', message: 'off' });
  });
});

withSamples('no sample is misread: requests and foreign answers are none', () => {
  for (const name of readdirSync(folder ?? '').filter((file) => file.endsWith('.xml'))) {
    const root = sample(name);
    const answer = readPox(root) ?? readSoap(root);
    if (/Request|federation|ewseditor/i.test(name)) expect([name, answer]).toEqual([name, null]);
  }
});

test('another document is no answer', () => {
  const root = parseXmlBytes('<configuration/>').root;
  expect([readPox(root), readSoap(root)]).toEqual([null, null]);
});
