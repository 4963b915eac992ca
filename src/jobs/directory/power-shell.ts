import type { PowerShellNeed } from '#engine/directory/plan.ts';
import { quoted, quotedList } from '#formats/text/power-shell-text.ts';
import type { Side } from '#model/ids.ts';

/** Parameters of Set-MailUser, Set-DistributionGroup and the like, by the attribute of Active Directory they stand for. */
const parameters: Readonly<Record<string, string>> = {
  displayName: 'DisplayName',
  mailNickname: 'Alias',
  msExchHideFromAddressLists: 'HiddenFromAddressListsEnabled',
  ...Object.fromEntries(
    Array.from({ length: 15 }, (_, n) => [`extensionAttribute${n + 1}`, `CustomAttribute${n + 1}`]),
  ),
};
/** Parameters of Set-User. */
const userParameters: Readonly<Record<string, string>> = {
  givenName: 'FirstName',
  sn: 'LastName',
  initials: 'Initials',
  title: 'Title',
  department: 'Department',
  company: 'Company',
  physicalDeliveryOfficeName: 'Office',
  telephoneNumber: 'Phone',
  mobile: 'MobilePhone',
  streetAddress: 'StreetAddress',
  l: 'City',
  st: 'StateOrProvince',
  postalCode: 'PostalCode',
};

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
    case 'new-recipient':
      return newRecipient(need);
    case 'set-recipient':
      return setRecipient(need.identity, need.values);
    case 'forward':
      return [
        need.to === null
          ? `Set-Mailbox -Identity ${quoted(need.identity)} -ForwardingSmtpAddress $null -DeliverToMailboxAndForward $false`
          : `Set-Mailbox -Identity ${quoted(need.identity)} -ForwardingSmtpAddress ${quoted(withoutType(need.to) ?? '')} -DeliverToMailboxAndForward $false`,
      ];
  }
}

function newRecipient({ object, values }: Extract<PowerShellNeed, { need: 'new-recipient' }>): readonly string[] {
  const name = first(values, 'displayName') ?? first(values, 'mailNickname') ?? first(values, 'mail') ?? 'unnamed';
  const external = withoutType(first(values, 'targetAddress') ?? first(values, 'mail'));
  const alias = option('Alias', first(values, 'mailNickname'));
  const identity = first(values, 'mail') ?? name;
  const addresses = (set: string) => addressLines(set, identity, values['proxyAddresses'] ?? [], []);
  switch (object) {
    case 'group':
      return [
        `New-DistributionGroup -Name ${quoted(name)}${alias}${option('PrimarySmtpAddress', first(values, 'mail'))}`,
        ...addresses('Set-DistributionGroup'),
      ];
    case 'contact':
      return [
        `New-MailContact -Name ${quoted(name)} -ExternalEmailAddress ${quoted(external ?? '')}${alias}`,
        ...addresses('Set-MailContact'),
      ];
    default:
      return [
        `New-MailUser -Name ${quoted(name)} -ExternalEmailAddress ${quoted(external ?? '')}${alias}${option('MicrosoftOnlineServicesID', first(values, 'userPrincipalName'))} -Password (Read-Host -AsSecureString -Prompt ${quoted(`Password of ${name}`)})`,
        ...addresses('Set-MailUser'),
      ];
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
    `# ${who}: give a licence that has Exchange Online; mail stays in the tenant from then on until causeway provision is asked again:`,
    `# Set-MgUserLicense -UserId ${quoted(identity)} -AddLicenses @{SkuId=$sku} -RemoveLicenses @()`,
  ];
}

type Changes = Extract<PowerShellNeed, { need: 'set-recipient' }>['values'];

/** The kind of recipient is found out when the script runs. */
function setRecipient(identity: string, values: Changes): readonly string[] {
  const lines: string[] = [];
  const [mail, user]: [string[], string[]] = [[], []];
  for (const [attribute, { remove, add }] of Object.entries(values)) {
    if (attribute === 'proxyAddresses') lines.push(...addressLines('$set', identity, add, remove));
    else if (attribute === 'targetAddress')
      mail.push(`-ExternalEmailAddress ${add[0] === undefined ? '$null' : quoted(withoutType(add[0]) ?? '')}`);
    else if (parameters[attribute] !== undefined) mail.push(`-${parameters[attribute]} ${argumentOf(attribute, add)}`);
    else if (userParameters[attribute] !== undefined)
      user.push(`-${userParameters[attribute]} ${argumentOf(attribute, add)}`);
    else
      lines.push(
        `# ${attribute} has no parameter: ${quoted([...remove.map((v) => `-${v}`), ...add.map((v) => `+${v}`)].join(' '))}`,
      );
  }
  if (mail.length > 0) lines.unshift(`& $set -Identity ${quoted(identity)} ${mail.join(' ')}`);
  if (user.length > 0) lines.push(`Set-User -Identity ${quoted(identity)} ${user.join(' ')}`);
  const needsKind = lines.some((line) => line.includes('$set'));
  return needsKind
    ? [`$set = Get-SetOf ${quoted(identity)}`, ...lines.map((line) => line.replace(/^\$set/, '& $set'))]
    : lines;
}

const argumentOf = (attribute: string, add: readonly string[]): string => {
  if (attribute === 'msExchHideFromAddressLists') return add[0] === 'TRUE' ? '$true' : '$false';
  return add[0] === undefined ? '$null' : quoted(add[0]);
};

/** Addresses are added and taken away, so that those that nobody named stay. */
function addressLines(
  command: string,
  identity: string,
  add: readonly string[],
  remove: readonly string[],
): readonly string[] {
  if (add.length + remove.length === 0) return [];
  const parts = [
    ...(add.length > 0 ? [`Add=${quotedList(add)}`] : []),
    ...(remove.length > 0 ? [`Remove=${quotedList(remove)}`] : []),
  ];
  return [`${command} -Identity ${quoted(identity)} -EmailAddresses @{${parts.join(';')}}`];
}

const preamble = [
  '# Made by Causeway. Run it in the Exchange Management Shell (or, for Exchange Online, after Connect-ExchangeOnline).',
  '# Every line may be run again; causeway provision --check shows what is still to be done.',
  "$ErrorActionPreference = 'Continue'",
  'function Get-SetOf([string]$Identity) {',
  '  switch ((Get-Recipient -Identity $Identity).RecipientType) {',
  "    'UserMailbox' { 'Set-Mailbox' }",
  "    'MailUser' { 'Set-MailUser' }",
  "    'MailContact' { 'Set-MailContact' }",
  "    default { 'Set-DistributionGroup' }",
  '  }',
  '}',
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
  const order: readonly PowerShellNeed['need'][] = [
    'new-recipient',
    'set-recipient',
    'enable-mailbox',
    'update-recipient',
    'forward',
  ];
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
