import { describe, expect, test } from 'vitest';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { ewsVersions } from '../seams.ts';
import { versionFacts } from '../world/versions.ts';
import { soapRequest } from './edge.fixture.ts';
import { errorMessage, peek, singleMessage, soapFault } from './soap.ts';

describe('looking at a request', () => {
  const cut = async function* (text: string, size: number) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const look = async (text: string, size = 7) => {
    const { seen, body } = await peek(cut(text, size));
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(text);
    return seen;
  };

  test('finds the operation and whom it is for, and hands the body on untouched', async () => {
    const seen = { operation: 'GetItem', impersonated: 'anna@source.test', hasImpersonation: true };
    const text = soapRequest('GetItem', 'Anna@source.test', 'x'.repeat(100_000));
    for (const size of [7, 4096, 1_000_000]) expect(await look(text, size)).toEqual(seen);
    expect(await look(soapRequest('GetUserAvailabilityRequest'))).toEqual({
      operation: 'GetUserAvailability',
      impersonated: null,
      hasImpersonation: false,
    });
  });

  test('a SID is an impersonation without an address', async () => {
    const text = soapRequest('GetItem', 'S-1-5-21').replaceAll('PrimarySmtpAddress', 'SID');
    expect(await look(text)).toEqual({ operation: 'GetItem', impersonated: null, hasImpersonation: true });
  });

  test.each([
    ['nothing', ''],
    ['no XML', 'hello'],
    ['an entity', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['a header without an end', `<s:Envelope xmlns:s="x"><s:Header>${'<a>'.repeat(50_000)}`],
    ['a cut envelope', soapRequest('GetItem').slice(0, 150)],
  ])('%s is left to the endpoint', async (_what, text) => {
    expect((await look(text)).operation).toBeNull();
  });
});

describe.skipIf(!haveSchemas())('what the edge answers by itself is valid by the schema', () => {
  const values = [
    ['BackOffMilliseconds', '5000'],
    ['Policy', 'a & <b>'],
  ] as const;
  test.each(ewsVersions)('%s', (version) => {
    expect(validateEnvelope(version, soapFault('ErrorServerBusy', 'busy & <so on>', values))).toEqual([]);
    for (const operation of Object.keys(singleMessage)) {
      const answer = errorMessage(operation, versionFacts[version], 'ErrorServerBusy', 'busy & <so on>', values);
      expect([operation, validateEnvelope(version, answer)]).toEqual([operation, []]);
    }
  });
});
