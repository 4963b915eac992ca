import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DistinguishedName } from './directory-object.ts';
import {
  childDn,
  dnKey,
  domainOfDn,
  escapeDnValue,
  isUnder,
  nameOfDn,
  parentDn,
  parseDn,
  pathBelow,
  sameDn,
} from './distinguished-name.ts';

const dn = (text: string) => text as DistinguishedName;
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });

/** The key as it is put together of the parts. */
function slowKey(text: string): string {
  const parts = parseDn(text)?.map((names) =>
    names
      .map(({ type, value }) => `${type.toLowerCase()}=${escapeDnValue(value.toLowerCase())}`)
      .sort()
      .join('+'),
  );
  return parts?.join(',') ?? `?${text.toLowerCase()}`;
}

describe('distinguished names', () => {
  test('any name comes back from its DN, whatever characters it has', () => {
    fc.assert(
      fc.property(name, name, (own, above) => {
        const container = childDn(dn('DC=source,DC=test'), 'OU', above);
        const whole = childDn(container, 'CN', own);
        expect(nameOfDn(whole)).toBe(own);
        expect(parseDn(whole)?.map(([part]) => part?.value)).toEqual([own, above, 'source', 'test']);
        expect(parentDn(whole)).toBe(container);
        expect(isUnder(whole, container)).toBe(true);
        expect(domainOfDn(whole)).toBe('source.test');
      }),
    );
  });

  test('examples of RFC 4514 §4', () => {
    expect(parseDn('UID=jsmith,DC=example,DC=net')).toHaveLength(3);
    expect(parseDn('OU=Sales+CN=J.  Smith,DC=example,DC=net')?.[0]).toEqual([
      { type: 'OU', value: 'Sales' },
      { type: 'CN', value: 'J.  Smith' },
    ]);
    expect(nameOfDn('CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net')).toBe('James "Jim" Smith, III');
    expect(nameOfDn('CN=Before\\0dAfter,DC=example,DC=net')).toBe('Before\rAfter');
    expect(nameOfDn('1.3.6.1.4.1.1466.0=#04024869')).toBe('#04024869');
    expect(nameOfDn('CN=Lu\\C4\\8Di\\C4\\87')).toBe('Lučić');
  });

  test('examples of RFC 2253, as older servers write them', () => {
    expect(nameOfDn('CN="Huber, Anna";DC=test')).toBe('Huber, Anna');
    expect(nameOfDn('CN = Anna\\20 , DC=test')).toBe('Anna ');
  });

  test('what is no DN', () => {
    for (const text of ['Anna', '=Anna', 'CN=Anna,', 'CN=Anna\\', 'CN="Anna', 'CN="An"na', 'CN=#4', '1x=Anna'])
      expect(parseDn(text), text).toBeNull();
    expect(parseDn(`CN=${'a'.repeat(40_000)}`)).toBeNull();
    expect(parseDn('')).toEqual([]);
  });

  test('is the same whatever its case, spaces and escapes', () => {
    expect(sameDn('CN=Müller\\, Anna,OU=Wien,DC=Test', 'cn=M\\C3\\BCLLER\\2C Anna, ou=wien, dc=test')).toBe(true);
    expect(sameDn('CN=a+UID=b,DC=test', 'uid=b+cn=a,dc=test')).toBe(true);
    expect(sameDn('CN=a\\,OU=b,DC=test', 'CN=a,OU=b,DC=test')).toBe(false);
    expect(sameDn('CN=Straße,DC=test', 'CN=STRASSE,DC=test')).toBe(true);
    expect(dnKey('no DN')).not.toBe(dnKey('no  DN'));
  });

  test('names that need no escaping are the same as with everything escaped', () => {
    const plain = fc.stringMatching(/^[ -~]{1,12}$/).filter((text) => !/^[ #]| $|[\\",+;<>=]/.test(text));
    const hex = (text: string) =>
      [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1, maxLength: 4 }), (names) => {
        const dnOf = (write: (text: string) => string) => names.map((text) => `CN=${write(text)}`).join(',');
        expect(dnKey(dnOf((text) => text))).toBe(dnKey(dnOf(hex)));
        expect(parseDn(dnOf((text) => text))).toEqual(parseDn(dnOf(hex)));
      }),
      { numRuns: 1000 },
    );
    for (const text of ['CN=a,', 'CN=', 'CN=a,b', 'CN=a ,DC=b', 'CN= a', 'CN=a+CN=b', 'CN=a;DC=b', 'CN=a\n'])
      expect(dnKey(text), text).toBe(slowKey(text));
  });

  test('lies under a container by names, never by letters', () => {
    expect(isUnder('CN=a,OU=x,DC=test', 'ou=X,dc=test')).toBe(true);
    expect(isUnder('OU=x,DC=test', 'OU=x,DC=test')).toBe(true);
    expect(isUnder('CN=a,OU=xx,DC=test', 'OU=x,DC=test')).toBe(false);
    expect(isUnder('CN=a\\,OU=x,DC=test', 'OU=x,DC=test')).toBe(false);
    expect(isUnder('CN=a,DC=test', '')).toBe(true);
    expect(pathBelow(dn('CN=a,OU=c,OU=b,OU=root,DC=test'), dn('OU=Root,DC=test'))).toEqual([
      'OU=b,OU=root,DC=test',
      'OU=c,OU=b,OU=root,DC=test',
    ]);
    expect(pathBelow(dn('CN=a,OU=root,DC=test'), dn('OU=root,DC=test'))).toEqual([]);
    expect(pathBelow(dn('CN=a,DC=test'), dn('OU=root,DC=test'))).toBeNull();
  });

  test('a space or a number sign at an end is escaped once', () => {
    expect(escapeDnValue(' a ')).toBe('\\ a\\ ');
    expect(escapeDnValue('#a')).toBe('\\#a');
    expect(escapeDnValue(' ')).toBe('\\ ');
    expect(escapeDnValue('a\\')).toBe('a\\\\');
  });
});
