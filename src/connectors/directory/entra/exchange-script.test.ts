import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quoted } from '#formats/text/power-shell-text.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { exchangeScript, isScripted, linesOf } from './exchange-script.ts';

const guid = '00000000-0000-0000-0000-000000000001' as ObjectGuid;
const modify = (attribute: string, remove: readonly string[], add: readonly string[]) =>
  linesOf({ no: 7, identity: guid, edit: { kind: 'modify', guid, values: { [attribute]: { remove, add } } } })[0];

/** Texts as PowerShell reads quotes, in one pass from left to right: what stands in quotes is never taken for brackets. */
const texts =
  /(?<!@)\((?:['\u2018-\u201b](?:[^'\u2018-\u201b]|['\u2018-\u201b]{2})*['\u2018-\u201b]|\[string\]\[char\]\d+|\+)+\)|['\u2018-\u201b](?:[^'\u2018-\u201b]|['\u2018-\u201b]{2})*['\u2018-\u201b]/g;
/** What is left of a line when all texts are taken out. */
const outsideOfQuotes = (line: string): string => line.replaceAll(texts, '§');

describe('a script for Exchange Online', () => {
  test('each attribute has its call', () => {
    expect(modify('targetAddress', [], ['SMTP:a@b'])).toBe(
      `Set-CausewayValue -No 7 -Identity '${guid}' -Parameter ExternalEmailAddress -Value 'a@b'`,
    );
    expect(modify('msExchHideFromAddressLists', [], ['TRUE'])).toContain("HiddenFromAddressListsEnabled -Value 'TRUE'");
    expect(modify('extensionAttribute4', ['x'], [])).toMatch(/CustomAttribute4$/);
    expect(modify('department', ['x'], ['R&D'])).toContain("-Parameter Department -Value 'R&D' -OfPerson");
    expect(modify('proxyAddresses', ['smtp:x@y'], ['x500:/o=A'])).toContain(
      "-Add @('x500:/o=A') -Remove @('smtp:x@y')",
    );
    expect(modify('member', ['a'], ['b', 'c'])).toContain("-Add @('b','c') -Remove @('a')");
    expect(modify('msExchGenericForwardingAddress', [], ['smtp:a@b'])).toContain("-To 'a@b'");
    expect(modify('info', [], ['x'])).toMatch(/^#/);
    expect(isScripted('info')).toBe(false);
  });

  test('whatever a directory holds, nothing but texts changes between two scripts', () => {
    const shape = (value: string) =>
      linesOf({
        no: 1,
        identity: value,
        edit: {
          kind: 'add',
          object: 'user',
          dn: '' as DistinguishedName,
          attributes: {
            displayName: [value],
            mail: [value],
            targetAddress: [value],
            proxyAddresses: [value],
            department: [value],
          },
        },
      }).map(outsideOfQuotes);
    const expected = shape('plain');
    fc.assert(
      fc.property(
        fc.string({
          minLength: 1,
          unit: fc.oneof(
            fc.constantFrom("'", '\u2019', '\u201b', '"', '`', '$', ';', '\n', '\r', '\u2028', '(', ')', '#', '|', '&'),
            fc.string({ minLength: 1, maxLength: 1 }),
          ),
        }),
        (value) => {
          expect(shape(value)).toEqual(expected);
          expect(quoted(value)).not.toMatch(/[\r\n]/);
        },
      ),
      { numRuns: 1000, examples: [[')(']] },
    );
  });

  test('an account is blocked from signing in by a call of its own, which the journal asks for', () => {
    const lines = linesOf({
      no: 4,
      identity: '',
      edit: {
        kind: 'add',
        object: 'user',
        dn: '' as DistinguishedName,
        attributes: { mail: ['a@b'], targetAddress: ['SMTP:a@c'], userAccountControl: ['514'] },
      },
    });
    expect(lines).toEqual([
      "New-CausewayRecipient -No 4 -Identity 'a@b' -Kind MailUser -Name 'a@b' -External 'a@c' -Primary 'a@b'",
      "Set-CausewaySignIn -No 4 -Identity 'a@b' -Blocked 'TRUE'",
    ]);
    expect(modify('userAccountControl', ['514'], ['512'])).toMatch(/^Set-CausewaySignIn .* -Blocked 'FALSE'$/);
  });

  test('what is made under its external address gets its own address in the script itself', () => {
    const script = exchangeScript([{ no: 1, identity: guid, edit: { kind: 'remove', guid, version: '' } }]);
    const from = script.findIndex((line) => line.startsWith('function Write-CausewayRecipient'));
    const body = script.slice(from, script.indexOf('}', from));
    const made = body.findIndex((line) => line.includes('New-MailContact'));
    const named = body.findIndex((line, at) => at > made && line.includes('Write-CausewayAddress $External'));
    expect(named).toBeGreaterThan(made);
    // Exchange Online knows PrimarySmtpAddress of groups only.
    expect(body.filter((line) => line.includes('PrimarySmtpAddress'))).toEqual([
      expect.stringContaining("-notlike 'Mail*'"),
    ]);
  });

  test('makes before it changes, ends with a check, takes -WhatIf, and is empty without steps', () => {
    expect(exchangeScript([])).toEqual([]);
    const script = exchangeScript([
      { no: 1, identity: guid, edit: { kind: 'remove', guid, version: '' } },
      { no: 2, identity: guid, edit: { kind: 'modify', guid, values: { sn: { remove: [], add: ['x'] } } } },
      {
        no: 3,
        identity: '',
        edit: { kind: 'add', object: 'contact', dn: '' as DistinguishedName, attributes: { mail: ['a@b'] } },
      },
    ]);
    const calls = script.slice(script.lastIndexOf('}') + 1).map((line) => line.split(' ')[0]);
    expect(calls).toEqual([
      'New-CausewayRecipient',
      'Set-CausewayValue',
      'Remove-CausewayRecipient',
      'Show-CausewayCheck',
    ]);
    expect(script).toContain('[CmdletBinding(SupportsShouldProcess)]');
    // Whatever writes says what it would write instead, when it is asked to.
    const cmdlets = script.filter(
      (line) =>
        /(?:^|[\s(&{])(?:Set|New|Add|Remove|Update)-(?:MailUser|MailContact|Mailbox|MgUser|Distribution\w+)\b.*-/.test(
          line,
        ) && !line.startsWith('#'),
    );
    for (const line of cmdlets) expect(line, line).toMatch(/-WhatIf|@more/);
  });
});
