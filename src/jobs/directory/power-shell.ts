import type { PowerShellNeed } from '#engine/directory/plan.ts';
import { quoted, quotedList } from '#formats/text/power-shell-text.ts';
import type { Side } from '#model/ids.ts';

const first = (values: Readonly<Record<string, readonly string[]>>, name: string): string | null =>
  values[name]?.[0] ?? null;
const option = (name: string, value: string | null): string => (value === null ? '' : ` -${name} ${quoted(value)}`);
const withoutType = (address: string | null): string | null => address?.replace(/^smtp:/i, '') ?? null;

/**
 * The lines that do what only PowerShell can, one need after the other. Every value is quoted; nothing in a directory, not even a name with
 * quotes and semicolons, becomes a command.
 */
export function linesFor(need: PowerShellNeed, controller: string | null = null): readonly string[] {
  switch (need.need) {
    case 'enable-mailbox':
      return need.directory === 'entra' ? licence(need) : enableMailbox(need, controller);
    case 'update-recipient':
      return [`Update-Recipient -Identity ${quoted(need.identity)}`];
  }
}

type MailboxNeed = Extract<PowerShellNeed, { need: 'enable-mailbox' }>;

/** Switches of Enable-Mailbox by the type that the original has. PSDOC Enable-Mailbox */
const mailboxKinds: Readonly<Record<string, string>> = { '4': ' -Shared', '16': ' -Room', '32': ' -Equipment' };

/**
 * A mail user becomes a mailbox by way of an account without mail: Enable-Mailbox refuses recipients of other types. In this order nothing is
 * delivered to the wrong place at any moment, and what cannot be delivered comes back to its sender and is listed by the last line of the
 * script. The mailbox is made under an address that nobody knows, then redirects to where the person works, and only then gets its
 * addresses. All of it happens on one controller, so that the others hear of the end, and hardly ever of what was between.
 */
function enableMailbox(
  { identity, values, isMailUser, isDisabled, parking }: MailboxNeed,
  controller: string | null,
): readonly string[] {
  const kind = mailboxKinds[first(values, 'msExchRecipientTypeDetails') ?? ''] ?? '';
  // Enable-Mailbox would refuse it, after its addresses were taken away.
  if (isDisabled && kind === '')
    return [
      `# ${quoted(identity)} is disabled: give it a password, enable it (Enable-ADAccount), and run causeway provision again.`,
    ];
  const on = `-Identity ${quoted(identity)}${controller === null ? '' : ` -DomainController ${quoted(controller)}`}`;
  const target = first(values, 'targetAddress');
  const primary = withoutType(first(values, 'mail'));
  const addresses = values['proxyAddresses'] ?? [];
  const hasPrimary = addresses.some((address) => address.startsWith('SMTP:'));
  // Old mail of the target organization names the mail user by the DN that it had.
  const dn = first(values, 'legacyExchangeDN');
  const wanted = [
    ...(hasPrimary || primary === null ? [] : [`SMTP:${primary}`]),
    ...addresses,
    ...(dn === null || addresses.some((one) => one.toLowerCase() === `x500:${dn.toLowerCase()}`) ? [] : [`X500:${dn}`]),
  ];
  return [
    ...(isMailUser ? [`Disable-MailUser ${on} -Confirm:$false`] : []),
    `Enable-Mailbox ${on}${option('Alias', first(values, 'mailNickname'))} -PrimarySmtpAddress ${quoted(parking)}${kind}`,
    ...(target === null
      ? []
      : [
          `Set-ADObject -Identity ${quoted(identity)}${controller === null ? '' : ` -Server ${quoted(controller)}`} -Replace @{targetAddress=${quoted(target)}}`,
        ]),
    ...(wanted.length === 0
      ? []
      : [`Set-Mailbox ${on} -EmailAddressPolicyEnabled $false -EmailAddresses ${quotedList(wanted)}`]),
  ];
}

/** A licence makes a mailbox of a mail user, which then no longer sends anything on: forwarding is asked for when the mailbox is there. */
function licence({ identity, values }: MailboxNeed): readonly string[] {
  const who = quoted(first(values, 'mail') ?? identity);
  return [
    `# ${who}: give a licence that has Exchange Online; mail stays in the tenant from then on until it is forwarded: causeway directory sync hands that over, then causeway provision has the script:`,
    `# Set-MgUserLicense -UserId ${quoted(identity)} -AddLicenses @{SkuId=$sku} -RemoveLicenses @()`,
  ];
}

const preamble = [
  '# Made by Causeway. Run it in the Exchange Management Shell.',
  '# Every line may be run again; causeway provision --check shows what is still to be done.',
  "$ErrorActionPreference = 'Continue'",
];

/** Who bounced while addresses were nobody's: without it only the senders would know. PSDOC Get-MessageTrackingLog; its servers by version */
const bouncesFunction = [
  'function Show-Bounces([string[]]$Addresses, [datetime]$Since) {',
  '  $servers = if (Get-Command Get-TransportService -ErrorAction SilentlyContinue) { Get-TransportService } else { Get-TransportServer }',
  '  $failed = $servers | Get-MessageTrackingLog -EventId FAIL -Start $Since -ResultSize Unlimited |',
  '    Where-Object { @($_.Recipients | Where-Object { $Addresses -contains $_ }).Count -gt 0 }',
  "  if ($failed) { $failed | Select-Object Timestamp, Sender, Recipients } else { 'Nothing bounced meanwhile.' }",
  '}',
  '# Below, each mail user is nobody for the moment between two lines: mail to an address of this organization bounces then.',
  '# Do it when little mail comes. The last line lists who has to be told.',
];

/**
 * The whole script of a side.
 *
 * @param needs Of any side; others are left out.
 * @param controller The one that the lines are run on which have to be followed by others at once; null: any.
 */
export function scriptFor(
  needs: readonly PowerShellNeed[],
  side: Side,
  controller: string | null = null,
): readonly string[] {
  const own = needs.filter((need) => need.side === side);
  if (own.length === 0) return [];
  const order: readonly PowerShellNeed['need'][] = ['enable-mailbox', 'update-recipient'];
  const lines = order.flatMap((kind) =>
    own.filter(({ need }) => need === kind).flatMap((need) => linesFor(need, controller)),
  );
  const parted = own.flatMap((need) =>
    need.need === 'enable-mailbox' && linesFor(need).some((line) => line.startsWith('Disable-MailUser'))
      ? (need.values['proxyAddresses'] ?? []).flatMap(
          (address) => withoutType(/^smtp:/i.test(address) ? address : null) ?? [],
        )
      : [],
  );
  if (parted.length === 0) return [...preamble, ...lines];
  return [
    ...preamble,
    ...bouncesFunction,
    '$began = Get-Date',
    ...lines,
    `Show-Bounces -Addresses ${quotedList(parted)} -Since $began`,
  ];
}
