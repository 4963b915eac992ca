import { equal, formatFilter } from '#connectors/directory/ldap/ldap-filter.ts';
import { quoted } from '#formats/text/power-shell-text.ts';
import type { Route } from './ports.ts';

const deaf = {
  isReadable: false,
  async read() {
    return {
      redirectsTo: undefined,
      addresses: [],
      legacyExchangeDn: null,
      answersTo: () => null,
    };
  },
  // Whoever ran the lines saw to it; a probe mail shows whether they did.
  lagging: async () => [],
} as const;

/**
 * A mailbox of Exchange Online: targetAddress is not obeyed there, and forwarding can be neither read nor written over Graph. What it takes
 * is ForwardingSmtpAddress, which outbound policy must allow (5.7.520). PSDOC Set-Mailbox.md, field notes §4
 */
export const onlineRoute = (address: string): Route => ({
  ...deaf,
  turn: async (to) => ({
    kind: 'handed-over',
    why: 'mailboxes of Exchange Online are redirected by PowerShell only',
    script:
      to === null
        ? [`Set-Mailbox ${quoted(address)} -ForwardingSmtpAddress $null -DeliverToMailboxAndForward $false`]
        : [
            `Set-Mailbox ${quoted(address)} -ForwardingSmtpAddress ${quoted(`smtp:${to}`)} -DeliverToMailboxAndForward $false`,
            '# once for the tenant, for this target domain: Set-HostedOutboundSpamFilterPolicy -AutoForwardingMode On',
          ],
  }),
});

/** An organization on premises whose directory the project does not name. */
export const unreadRoute = (address: string): Route => ({
  ...deaf,
  turn: async (to) => ({
    kind: 'handed-over',
    why: 'the project file names no directory of this organization',
    script: [
      to === null
        ? `Get-ADObject -LDAPFilter ${quoted(formatFilter(equal('proxyAddresses', `smtp:${address}`)))} | Set-ADObject -Clear targetAddress`
        : `Get-ADObject -LDAPFilter ${quoted(formatFilter(equal('proxyAddresses', `smtp:${address}`)))} | Set-ADObject -Replace @{targetAddress=${quoted(`SMTP:${to}`)}}`,
    ],
  }),
});
