import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PowerShellNeed } from '#engine/directory/plan.ts';
import { quoted } from '#formats/text/power-shell-text.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { linesFor, scriptFor } from './power-shell.ts';

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
      directory: 'ad',
      values: { mailNickname: ['ohara'], proxyAddresses: ['x500:/o=A'] },
      isMailUser: false,
      isDisabled: false,
      parking: 'causeway-1@b',
    };
    expect(linesFor(need)).toEqual([
      "Enable-Mailbox -Identity 'O''Hara''; Remove-Mailbox *; ''' -Alias 'ohara' -PrimarySmtpAddress 'causeway-1@b'",
      "Set-Mailbox -Identity 'O''Hara''; Remove-Mailbox *; ''' -EmailAddressPolicyEnabled $false -EmailAddresses @('x500:/o=A')",
    ]);
  });

  const ofMailUser = (more: Partial<Extract<PowerShellNeed, { need: 'enable-mailbox' }>> = {}): PowerShellNeed => ({
    need: 'enable-mailbox',
    side: 'right',
    guid,
    identity: 'CN=Ana,DC=b',
    directory: 'ad',
    values: {
      mailNickname: ['ana'],
      mail: ['ana@a'],
      proxyAddresses: ['SMTP:ana@a', 'smtp:ana@b', 'x500:/o=A/cn=ana'],
      targetAddress: ['SMTP:ana@r.a'],
      legacyExchangeDN: ['/o=B/cn=ana'],
      msExchRecipientTypeDetails: ['1'],
    },
    isMailUser: true,
    isDisabled: false,
    parking: 'causeway-1@b',
    ...more,
  });

  test('a mail user is freed first; the mailbox redirects before it has an address that anybody knows', () => {
    expect(linesFor(ofMailUser(), 'dc1.b')).toEqual([
      "Disable-MailUser -Identity 'CN=Ana,DC=b' -DomainController 'dc1.b' -Confirm:$false",
      "Enable-Mailbox -Identity 'CN=Ana,DC=b' -DomainController 'dc1.b' -Alias 'ana' -PrimarySmtpAddress 'causeway-1@b'",
      "Set-ADObject -Identity 'CN=Ana,DC=b' -Server 'dc1.b' -Replace @{targetAddress='SMTP:ana@r.a'}",
      "Set-Mailbox -Identity 'CN=Ana,DC=b' -DomainController 'dc1.b' -EmailAddressPolicyEnabled $false -EmailAddresses @('SMTP:ana@a','smtp:ana@b','x500:/o=A/cn=ana','X500:/o=B/cn=ana')",
    ]);
    const script = scriptFor([ofMailUser()], 'right', 'dc1.b');
    expect(script).toContain('$began = Get-Date');
    expect(script.at(-1)).toBe("Show-Bounces -Addresses @('ana@a','ana@b') -Since $began");
  });

  test('nothing is taken from a disabled account, of which no mailbox of a person can be made', () => {
    const lines = linesFor(ofMailUser({ isDisabled: true }));
    expect(lines).toEqual([expect.stringMatching(/^# 'CN=Ana,DC=b' is disabled: /)]);
    expect(scriptFor([ofMailUser({ isDisabled: true })], 'right').join()).not.toContain('Show-Bounces');
  });

  test('a room gets a room mailbox, and in Exchange Online a licence makes it', () => {
    const room = ofMailUser({ values: { msExchRecipientTypeDetails: ['16'] }, isDisabled: true });
    expect(linesFor(room)[1]).toMatch(/ -Room$/);
    const online = linesFor(ofMailUser({ directory: 'entra', identity: guid }));
    expect(online.every((line) => line.startsWith('#'))).toBe(true);
    expect(online.join()).toContain(`Set-MgUserLicense -UserId '${guid}'`);
  });

  test('a script is of one side, and is empty when nothing is to be done', () => {
    const update: PowerShellNeed = { need: 'update-recipient', side: 'right', guid, identity: 'a' };
    expect(scriptFor([update], 'left')).toEqual([]);
    expect(scriptFor([update], 'right').at(-1)).toBe("Update-Recipient -Identity 'a'");
  });
});
