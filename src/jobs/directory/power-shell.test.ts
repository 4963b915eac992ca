import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PowerShellNeed } from '#engine/directory/plan.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { linesFor, quoted, scriptFor } from './power-shell.ts';

const guid = '00000000-0000-0000-0000-000000000001' as ObjectGuid;

/** Reads a quoted text as PowerShell does (about_Quoting_Rules): in single quotes, of any kind, only a doubled quote means anything. */
function unquoted(text: string): string | null {
  const parts = /^\((.*)\)$/s.exec(text)?.[1] ?? text;
  let value = '';
  let at = 0;
  for (;;) {
    const char = /^\[string\]\[char\](\d+)/.exec(parts.slice(at));
    if (char) {
      value += String.fromCodePoint(Number(char[1]));
      at += char[0].length;
    } else {
      if (parts[at] !== "'") return null;
      for (at++; ; at++) {
        const here = parts[at];
        if (here === undefined) return null;
        if (!/['\u2018-\u201b]/.test(here)) {
          value += here;
          continue;
        }
        if (!/['\u2018-\u201b]/.test(parts[at + 1] ?? '')) break;
        value += here;
        at++;
      }
      at++;
    }
    if (at === parts.length) return value;
    if (parts[at] !== '+') return null;
    at++;
  }
}

describe('PowerShell for an administrator', () => {
  test('whatever a directory holds stays one text on one line', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom("'", '\u2019', '\u201b', '"', '`', '$', ';', '\n', '\r', '\u2028', '(', '#'),
            fc.string({ minLength: 1, maxLength: 1 }),
          ),
        }),
        (text) => {
          expect(unquoted(quoted(text))).toBe(text);
          expect(quoted(text)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        },
      ),
    );
  });

  test('a name that would be a command is a name', () => {
    const need: PowerShellNeed = {
      need: 'enable-mailbox',
      side: 'right',
      guid,
      identity: "O'Hara'; Remove-Mailbox *; '",
      values: { mailNickname: ['ohara'], proxyAddresses: ['x500:/o=A'] },
    };
    expect(linesFor(need)).toEqual([
      "Enable-Mailbox -Identity 'O''Hara''; Remove-Mailbox *; ''' -Alias 'ohara'",
      "Set-Mailbox -Identity 'O''Hara''; Remove-Mailbox *; ''' -EmailAddresses @{Add=@('x500:/o=A')}",
    ]);
  });

  test('a script is of one side, makes before it changes, and is empty when nothing is to be done', () => {
    const update: PowerShellNeed = { need: 'update-recipient', side: 'right', guid, identity: 'a' };
    const make: PowerShellNeed = {
      need: 'new-recipient',
      side: 'right',
      guid,
      object: 'contact',
      values: { displayName: ['B'], targetAddress: ['SMTP:b@c'] },
    };
    expect(scriptFor([update, make], 'left')).toEqual([]);
    expect(scriptFor([update, make], 'right').slice(-2)).toEqual([
      "New-MailContact -Name 'B' -ExternalEmailAddress 'b@c'",
      "Update-Recipient -Identity 'a'",
    ]);
  });

  test('attributes of Exchange Online are set by the cmdlet of the kind of recipient', () => {
    expect(
      linesFor({
        need: 'set-recipient',
        side: 'right',
        guid,
        identity: 'a',
        values: {
          proxyAddresses: { remove: ['smtp:x@y'], add: ['x500:/o=A'] },
          department: { remove: [], add: ['R&D'] },
          targetAddress: { remove: [], add: ['SMTP:a@b'] },
        },
      }),
    ).toEqual([
      "$set = Get-SetOf 'a'",
      "& $set -Identity 'a' -ExternalEmailAddress 'a@b'",
      "& $set -Identity 'a' -EmailAddresses @{Add=@('x500:/o=A');Remove=@('smtp:x@y')}",
      "Set-User -Identity 'a' -Department 'R&D'",
    ]);
  });
});
