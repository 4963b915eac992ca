import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeOffers, offersOf } from './sign-in-offers.ts';

const read = (...lines: readonly string[]) =>
  offersOf({ 'www-authenticate': lines }).map(({ scheme, token, parameters }) => [
    scheme,
    token,
    Object.fromEntries(parameters),
  ]);

describe('WWW-Authenticate', () => {
  test('one offer a line, as Exchange sends them', () => {
    expect(read('Negotiate', 'NTLM', 'Basic realm="mail.contoso.com"')).toEqual([
      ['negotiate', null, {}],
      ['ntlm', null, {}],
      ['basic', null, { realm: 'mail.contoso.com' }],
    ]);
  });

  test('several in one line', () => {
    expect(read('Negotiate, NTLM, Basic realm="a, b", charset="UTF-8"')).toEqual([
      ['negotiate', null, {}],
      ['ntlm', null, {}],
      ['basic', null, { realm: 'a, b', charset: 'UTF-8' }],
    ]);
  });

  test('tokens', () => {
    expect(read('NTLM TlRMTVNTUAACAAAA==, Basic realm=x')).toEqual([
      ['ntlm', 'TlRMTVNTUAACAAAA==', {}],
      ['basic', null, { realm: 'x' }],
    ]);
    expect(read('Negotiate oRQwEqADCgEB')).toEqual([['negotiate', 'oRQwEqADCgEB', {}]]);
  });

  test('Bearer with what Exchange Online says', () => {
    expect(
      read(
        'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1", authorization_uri="https://login.windows.net/common/oauth2/authorize", error="invalid_token"',
      ),
    ).toMatchObject([
      [
        'bearer',
        null,
        { error: 'invalid_token', authorization_uri: 'https://login.windows.net/common/oauth2/authorize' },
      ],
    ]);
  });

  test('garbage is nothing, and never an error', () => {
    expect(read('"', '=', ',,,', 'x'.repeat(20_000))).toEqual([]);
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (line) => Array.isArray(read(line))),
      { numRuns: 2000 },
    );
  });

  test('in words', () => {
    expect(describeOffers(offersOf({ 'www-authenticate': ['Negotiate', 'NTLM', 'NTLM'] }))).toBe('Negotiate, NTLM');
    expect(describeOffers(offersOf({}))).toBe('nothing');
  });
});
