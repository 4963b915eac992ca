import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DistinguishedName } from './directory-object.ts';
import {
  childDn,
  dnKey,
  domainOfDn,
  escapeRdnValue,
  isUnder,
  type NameParts,
  ownName,
  parentDn,
  parseDn,
  sameDn,
  writeDn,
} from './distinguished-name.ts';

const dn = (text: string) => text as DistinguishedName;

/** Every special character of RFC 4514, spaces and controls, letters of several scripts, an emoji. */
const unit = fc.constantFrom(...',+"\\<>;=# /()*\0\n\r\t', 'a', 'B', 'ü', 'ß', 'Ж', '日', '😀', '0', '4f');
const value = fc.array(unit, { minLength: 1, maxLength: 12 }).map((units) => units.join(''));
const rdn = fc.tuple(fc.constantFrom('CN', 'OU', 'DC', 'cn'), value).map(([type, text]) => [{ type, value: text }]);
const parts: fc.Arbitrary<NameParts> = fc.array(rdn, { minLength: 1, maxLength: 5 });

describe('distinguished names', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(parts, (name) => {
        expect(parseDn(writeDn(name))).toEqual(name);
      }),
    );
  });

  test('escapes in hex mean the same as those with a backslash', () => {
    fc.assert(
      fc.property(parts, (name) => {
        const hex = name
          .map(
            ([part]) =>
              `${part?.type}=${Buffer.from(part?.value ?? '')
                .toString('hex')
                .replaceAll(/../g, '\\$&')}`,
          )
          .join(' , ');
        expect(parseDn(hex)).toEqual(name);
        expect(sameDn(hex, writeDn(name))).toBe(true);
      }),
    );
  });

  test('the case of types and values does not matter, their text does', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(sameDn(writeDn(a), writeDn(a).replaceAll('CN=', 'cn=').replaceAll('ü', 'Ü'))).toBe(true);
        const folded = (name: NameParts) =>
          JSON.stringify(
            name.map(([part]) => [
              part?.type.toLowerCase(),
              part?.value.normalize('NFC').toLowerCase().trim().replaceAll(/ +/g, ' '),
            ]),
          );
        expect(sameDn(writeDn(a), writeDn(b))).toBe(folded(a) === folded(b));
      }),
    );
  });

  test('a child lies under its container and goes back to it; a value that looks like a container does not', () => {
    fc.assert(
      fc.property(parts, value, (name, text) => {
        const container = writeDn(name);
        const child = childDn('CN', text, container);
        expect(isUnder(child, container)).toBe(true);
        expect(isUnder(container, child)).toBe(false);
        expect(sameDn(parentDn(child) ?? '', container)).toBe(true);
        expect(ownName(child)).toEqual({ type: 'CN', value: text });
        const impostor = childDn('CN', `${text},${container}`, dn('DC=elsewhere'));
        expect(isUnder(impostor, container)).toBe(false);
      }),
    );
  });

  test.each([
    ['CN=Ann Lee,OU=People,DC=example,DC=org', 'cn=ann  lee, ou=PEOPLE ,dc=Example,DC=ORG', true],
    ['CN="Lee, Ann",DC=a', 'CN=Lee\\, Ann,DC=a', true],
    ['CN=Lee\\2C Ann;DC=a', 'CN=Lee\\, Ann,DC=a', true],
    ['CN=M\\c3\\bcller,DC=a', 'CN=Müller,DC=a', true],
    ['CN=a+OU=b,DC=c', 'OU=b+CN=a,DC=c', true],
    ['CN=a\\+OU=b,DC=c', 'CN=a+OU=b,DC=c', false],
    ['CN=a\\\\,OU=b,DC=c', 'CN=a,OU=b,DC=c', false],
    ['CN=\\ a\\ ,DC=c', 'CN=a,DC=c', true],
    ['CN=a,DC=c', 'CN=a,DC=d', false],
    ['', '', true],
  ])('%s and %s', (a, b, same) => {
    expect(sameDn(a, b)).toBe(same);
  });

  test.each([
    'no name',
    'CN=a,',
    '=a',
    'CN="a',
    'CN=a\\',
    'CN=a,,DC=b',
    `CN=${'a'.repeat(20_000)}`,
  ])('not a name: %s', (text) => {
    expect(parseDn(text)).toBeNull();
    expect(dnKey(text)).toContain(text);
  });

  test('the name of a deleted object', () => {
    const deleted = dn('CN=Ann\\0ADEL:6f2b,CN=Deleted Objects,DC=a,DC=b');
    expect(ownName(deleted)?.value).toBe('Ann\nDEL:6f2b');
    expect(domainOfDn(deleted)).toBe('a.b');
  });

  test('escapes are those that every server understands', () => {
    expect(escapeRdnValue(' #a,b+c"d\\e<f>g;h=i\n\u0085 ')).toBe(
      '\\ #a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h\\=i\\0A\\C2\\85\\ ',
    );
    expect(escapeRdnValue('#a')).toBe('\\#a');
    expect(escapeRdnValue(' ')).toBe('\\ ');
  });

  test('the domain is what the name ends in', () => {
    expect(domainOfDn('CN=x,DC=Not,OU=y,DC=Child,DC=example,DC=org')).toBe('child.example.org');
    expect(domainOfDn('CN=x,O=y')).toBe('');
  });
});
