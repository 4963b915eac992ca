/**
 * What Graph does not write, as lines of Exchange Online PowerShell. A script is a file of functions and one call for each thing to be done, with
 * every value quoted: nothing in a directory becomes a command. Each call looks at what is there, writes what is missing, looks again and
 * notes the result, so that a script may be run any number of times; `-WhatIf` writes nothing. Sources: PSDOC `New-MailUser`, `Set-MailUser`,
 * `New-MailContact`, `Set-MailContact`, `Set-Contact`, `Set-User`, `New-DistributionGroup`, `Set-DistributionGroup`, `Update-DistributionGroupMember`.
 */
import { quoted, quotedList } from '#formats/text/power-shell-text.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryKind } from '#model/directory/directory-object.ts';
import { isDisabled } from '#model/directory/recipient-type.ts';

/** Parameters of Set-Mailbox, Set-MailUser, Set-MailContact and Set-DistributionGroup, by attribute in lower case. */
const recipientParameters: Readonly<Record<string, string>> = {
  displayname: 'DisplayName',
  mailnickname: 'Alias',
  msexchhidefromaddresslists: 'HiddenFromAddressListsEnabled',
  targetaddress: 'ExternalEmailAddress',
  // PrimarySmtpAddress does nothing in Exchange Online; this one changes the primary address with it.
  mail: 'WindowsEmailAddress',
  ...Object.fromEntries(
    Array.from({ length: 15 }, (_, n) => [`extensionattribute${n + 1}`, `CustomAttribute${n + 1}`]),
  ),
};
/** Parameters of Set-User and Set-Contact. */
const personParameters: Readonly<Record<string, string>> = {
  givenname: 'FirstName',
  sn: 'LastName',
  title: 'Title',
  department: 'Department',
  company: 'Company',
  physicaldeliveryofficename: 'Office',
  telephonenumber: 'Phone',
  mobile: 'MobilePhone',
  facsimiletelephonenumber: 'Fax',
  streetaddress: 'StreetAddress',
  l: 'City',
  st: 'StateOrProvince',
  postalcode: 'PostalCode',
};
const ofOthers = ['proxyaddresses', 'member', 'manager', 'msexchgenericforwardingaddress', 'useraccountcontrol'];

/** Whether a script can set the attribute. */
export const isScripted = (attribute: string): boolean => {
  const name = attribute.toLowerCase();
  return recipientParameters[name] !== undefined || personParameters[name] !== undefined || ofOthers.includes(name);
};

export interface ScriptStep {
  /** Number of the journal entry: what the receipt names it by; 0: it has none. */
  readonly no: number;
  /** By what Exchange finds the object: its id. */
  readonly identity: string;
  readonly edit: Extract<DirectoryEdit, { readonly kind: 'add' | 'modify' | 'remove' }>;
}

const withoutType = (address: string): string => address.replace(/^smtp:/i, '');
const first = (values: Attributes, name: string): string | null => values[name]?.[0] ?? null;
const option = (name: string, value: string | null): string => (value === null ? '' : ` -${name} ${quoted(value)}`);

/** The calls of one step. */
export function linesOf({ no, identity, edit }: ScriptStep): readonly string[] {
  switch (edit.kind) {
    case 'add':
      return [newRecipient(no, edit.object, edit.attributes), ...moreOfNew(no, edit.attributes)];
    case 'remove':
      return [`Remove-CausewayRecipient -No ${no} -Identity ${quoted(identity)}`];
    case 'modify':
      return Object.entries(edit.values).map(([attribute, { remove, add }]) =>
        change(no, identity, attribute, remove, add),
      );
  }
}

function kindOf(object: DirectoryKind, values: Attributes): string {
  if (object === 'user') return 'MailUser';
  if (object === 'contact') return 'MailContact';
  return Number(first(values, 'groupType') ?? 0) < 0 ? 'SecurityGroup' : 'DistributionGroup';
}

/** Address by which what was made is found again by the lines that follow, and by the next run. */
const identityOfNew = (values: Attributes): string =>
  first(values, 'mail') ?? withoutType(first(values, 'targetAddress') ?? first(values, 'mailNickname') ?? '');

function newRecipient(no: number, object: DirectoryKind, values: Attributes): string {
  const external = first(values, 'targetAddress');
  const name = first(values, 'displayName') ?? first(values, 'mailNickname') ?? identityOfNew(values);
  return [
    `New-CausewayRecipient -No ${no} -Identity ${quoted(identityOfNew(values))} -Kind ${kindOf(object, values)} -Name ${quoted(name)}`,
    option('Alias', first(values, 'mailNickname')),
    option('External', external === null ? null : withoutType(external)),
    option('Primary', first(values, 'mail')),
    object === 'user' ? option('SignIn', first(values, 'userPrincipalName')) : '',
  ].join('');
}

function moreOfNew(no: number, values: Attributes): readonly string[] {
  const identity = identityOfNew(values);
  const made = new Set(['displayname', 'mailnickname', 'targetaddress', 'mail', 'userprincipalname']);
  return Object.entries(values).flatMap(([attribute, list]) =>
    made.has(attribute.toLowerCase()) || !isScripted(attribute) ? [] : [change(no, identity, attribute, [], list)],
  );
}

function change(
  no: number,
  identity: string,
  attribute: string,
  remove: readonly string[],
  add: readonly string[],
): string {
  const name = attribute.toLowerCase();
  const lists = `${add.length > 0 ? ` -Add ${quotedList(add)}` : ''}${remove.length > 0 ? ` -Remove ${quotedList(remove)}` : ''}`;
  const about = `-No ${no} -Identity ${quoted(identity)}`;
  if (name === 'proxyaddresses') return `Set-CausewayAddress ${about}${lists}`;
  if (name === 'member') return `Set-CausewayMember ${about}${lists}`;
  if (name === 'msexchgenericforwardingaddress')
    return `Set-CausewayForwarding ${about}${option('To', add[0] === undefined ? null : withoutType(add[0]))}`;
  if (name === 'useraccountcontrol')
    return `Set-CausewaySignIn ${about} -Blocked ${quoted(isDisabled({ userAccountControl: add }) ? 'TRUE' : 'FALSE')}`;
  const parameter = recipientParameters[name] ?? personParameters[name] ?? (name === 'manager' ? 'Manager' : null);
  if (parameter === null) return `# ${quoted(attribute)} cannot be set: no cmdlet of Exchange Online takes it`;
  const [value] = add;
  const text = value === undefined ? '' : ` -Value ${quoted(name === 'targetaddress' ? withoutType(value) : value)}`;
  const isPerson = personParameters[name] !== undefined || name === 'manager';
  return `Set-CausewayValue ${about} -Parameter ${parameter}${text}${isPerson ? ' -OfPerson' : ''}`;
}

/** What every script begins with. */
const preamble = String.raw`# Made by Causeway, for Exchange Online. Connect-ExchangeOnline first, then run this file. Accounts of mail users that it makes can sign in
# until Graph blocks that, which Exchange cannot: for Set-CausewaySignIn also Connect-MgGraph -Scopes User.ReadWrite.All (module Microsoft.Graph.Users).
#   .\file.ps1 -WhatIf                     shows what would be written
#   .\file.ps1 -Receipt receipt.csv        writes, checks, and notes the result for: causeway provision --receipt receipt.csv
# It may be run again: what is there already is left alone. It ends with a check of everything it was to do.
[CmdletBinding(SupportsShouldProcess)]
param([string]$Receipt)
$ErrorActionPreference = 'Stop'
$script:results = New-Object System.Collections.ArrayList
$script:checks = New-Object System.Collections.ArrayList
$script:notMade = @{}
# Each thing to be done is a pair of functions: Test- says whether it is there, Write- does it. The check at the end asks Test- again.
function Invoke-CausewayStep([int]$No, [string]$Name, [string]$What, [hashtable]$With) {
  # What could not be made is not completed either: what has its address is somebody else's.
  $detail = [string]$script:notMade[$No]
  if (-not $detail) {
    try { if (-not (& "Test-Causeway$Name" @With)) { & "Write-Causeway$Name" @With } } catch { $detail = $_.Exception.Message }
    if ($detail -and $Name -eq 'Recipient') { $script:notMade[$No] = $detail }
  }
  [void]$script:checks.Add(@{ No = $No; Name = $Name; What = $What; With = $With; Detail = $detail })
}
function Get-CausewayNoun([string]$Identity, [switch]$OfPerson) {
  $type = (Get-Recipient -Identity $Identity).RecipientType
  if ($OfPerson) { if ($type -eq 'MailContact') { return 'Contact' } else { return 'User' } }
  switch ($type) {
    'UserMailbox' { 'Mailbox' }
    'MailUser' { 'MailUser' }
    'MailContact' { 'MailContact' }
    default { 'DistributionGroup' }
  }
}
function New-CausewayRecipient([int]$No, [string]$Identity, [string]$Kind, [string]$Name, [string]$Alias, [string]$External, [string]$Primary, [string]$SignIn) {
  Invoke-CausewayStep $No 'Recipient' "new $Kind" @{ Identity = $Identity; Kind = $Kind; Name = $Name; Alias = $Alias; External = $External; Primary = $Primary; SignIn = $SignIn }
}
function Test-CausewayRecipient([string]$Identity, [string]$Kind, [string]$Name, [string]$Alias, [string]$External, [string]$Primary, [string]$SignIn) {
  $there = Get-Recipient -Identity $Identity -ErrorAction SilentlyContinue
  if (-not $there) { return $false }
  # Somebody may have made another one of that address by hand meanwhile: that one is not written.
  $type = @{ MailUser = 'MailUser'; MailContact = 'MailContact'; SecurityGroup = 'MailUniversalSecurityGroup'; DistributionGroup = 'MailUniversalDistributionGroup' }[$Kind]
  if ([string]$there.RecipientType -ne $type) { throw "$Identity is there already, as $($there.RecipientType), and left alone" }
  if ($External -and ([string]$there.ExternalEmailAddress -replace '^smtp:', '') -ne $External) { throw "$Identity is there already, leads to $($there.ExternalEmailAddress), and is left alone" }
  $true
}
function Write-CausewayRecipient([string]$Identity, [string]$Kind, [string]$Name, [string]$Alias, [string]$External, [string]$Primary, [string]$SignIn) {
  $more = @{ Name = $Name; WhatIf = [bool]$WhatIfPreference }
  if ($Alias) { $more.Alias = $Alias }
  # Mail users and contacts are made under their external address; Exchange Online takes no other one for them at first.
  if ($Primary -and $Kind -notlike 'Mail*') { $more.PrimarySmtpAddress = $Primary }
  $isUnderExternal = $Kind -like 'Mail*' -and $Primary -and $Primary -ne $External
  if ($isUnderExternal) {
    # What an earlier run made, and was broken off before it had its address. Somebody else's has another name, and New- says that the address is taken.
    $begun = Get-Recipient -Identity $External -ErrorAction SilentlyContinue
    if ($begun -and $begun.RecipientType -eq $Kind -and $begun.DisplayName -ceq $Name -and (-not $Alias -or $begun.Alias -eq $Alias)) { Write-CausewayAddress $External @("SMTP:$Primary") @(); return }
  }
  switch ($Kind) {
    'MailUser' {
      if ($SignIn) { $more.MicrosoftOnlineServicesID = $SignIn }
      # Nobody knows it: who is to sign in gets another one.
      $bytes = New-Object byte[] 24
      [System.Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($bytes)
      $more.Password = ConvertTo-SecureString ('aA1!' + [Convert]::ToBase64String($bytes)) -AsPlainText -Force
      [void](New-MailUser @more -ExternalEmailAddress $External)
    }
    'MailContact' { [void](New-MailContact @more -ExternalEmailAddress $External) }
    'SecurityGroup' { [void](New-DistributionGroup @more -Type Security) }
    default { [void](New-DistributionGroup @more) }
  }
  if ($isUnderExternal -and -not $WhatIfPreference) { Write-CausewayAddress $External @("SMTP:$Primary") @() }
}
function Set-CausewaySignIn([int]$No, [string]$Identity, [string]$Blocked) {
  Invoke-CausewayStep $No 'SignIn' 'sign-in' @{ Identity = $Identity; Blocked = $Blocked }
}
function Get-CausewayAccount([string]$Identity) {
  if (-not (Get-Command Get-MgUser -ErrorAction SilentlyContinue)) { throw 'the module Microsoft.Graph.Users is not there: Install-Module Microsoft.Graph.Users, Connect-MgGraph -Scopes User.ReadWrite.All, and run this again' }
  Get-MgUser -UserId (Get-Recipient -Identity $Identity).ExternalDirectoryObjectId -Property Id,AccountEnabled
}
function Test-CausewaySignIn([string]$Identity, [string]$Blocked) {
  (Get-CausewayAccount $Identity).AccountEnabled -eq ($Blocked -ne 'TRUE')
}
function Write-CausewaySignIn([string]$Identity, [string]$Blocked) {
  Update-MgUser -UserId (Get-CausewayAccount $Identity).Id -AccountEnabled:($Blocked -ne 'TRUE') -WhatIf:$WhatIfPreference
}
function Set-CausewayValue([int]$No, [string]$Identity, [string]$Parameter, [string]$Value, [switch]$OfPerson) {
  Invoke-CausewayStep $No 'Value' $Parameter @{ Identity = $Identity; Parameter = $Parameter; Value = $Value; OfPerson = [bool]$OfPerson }
}
function Test-CausewayValue([string]$Identity, [string]$Parameter, [string]$Value, [bool]$OfPerson) {
  $noun = Get-CausewayNoun $Identity -OfPerson:$OfPerson
  $now = (& "Get-$noun" -Identity $Identity).$Parameter
  if ($Parameter -eq 'HiddenFromAddressListsEnabled') { return [bool]$now -eq ($Value -eq 'TRUE') }
  if ($Parameter -eq 'Manager') {
    if (-not $Value) { return -not $now }
    return [bool]$now -and [string](Get-User -Identity $now).ExternalDirectoryObjectId -eq $Value
  }
  ([string]$now -replace '^smtp:', '') -ceq $Value
}
function Write-CausewayValue([string]$Identity, [string]$Parameter, [string]$Value, [bool]$OfPerson) {
  $noun = Get-CausewayNoun $Identity -OfPerson:$OfPerson
  $new = if ($Parameter -eq 'HiddenFromAddressListsEnabled') { $Value -eq 'TRUE' } elseif ($Value) { $Value } else { $null }
  $more = @{ Identity = $Identity; WhatIf = [bool]$WhatIfPreference; $Parameter = $new }
  & "Set-$noun" @more
}
function Set-CausewayAddress([int]$No, [string]$Identity, [string[]]$Add = @(), [string[]]$Remove = @()) {
  Invoke-CausewayStep $No 'Address' 'EmailAddresses' @{ Identity = $Identity; Add = $Add; Remove = $Remove }
}
# Of SMTP addresses capitals make the primary one; of others Exchange writes the type as it likes.
function Get-CausewayKey([string]$Address) {
  if ($Address -like 'smtp:*') { $Address } else { $Address.ToLowerInvariant() }
}
function Get-CausewayDifference([string]$Identity, [string[]]$Add, [string[]]$Remove) {
  $now = @((Get-Recipient -Identity $Identity).EmailAddresses | ForEach-Object { Get-CausewayKey ([string]$_) })
  @{
    Add = @($Add | Where-Object { $_ -and $now -cnotcontains (Get-CausewayKey $_) })
    Remove = @($Remove | Where-Object { $_ -and $now -ccontains (Get-CausewayKey $_) })
  }
}
function Test-CausewayAddress([string]$Identity, [string[]]$Add, [string[]]$Remove) {
  $open = Get-CausewayDifference $Identity $Add $Remove
  $open.Add.Count + $open.Remove.Count -eq 0
}
function Write-CausewayAddress([string]$Identity, [string[]]$Add, [string[]]$Remove) {
  $open = Get-CausewayDifference $Identity $Add $Remove
  $change = @{}
  if ($open.Add.Count -gt 0) { $change.Add = $open.Add }
  if ($open.Remove.Count -gt 0) { $change.Remove = $open.Remove }
  $noun = Get-CausewayNoun $Identity
  & "Set-$noun" -Identity $Identity -EmailAddresses $change -WhatIf:$WhatIfPreference
}
function Set-CausewayMember([int]$No, [string]$Identity, [string[]]$Add = @(), [string[]]$Remove = @()) {
  Invoke-CausewayStep $No 'Member' 'Members' @{ Identity = $Identity; Add = $Add; Remove = $Remove }
}
function Get-CausewayMembers([string]$Identity) {
  @(Get-DistributionGroupMember -Identity $Identity -ResultSize Unlimited | ForEach-Object { [string]$_.ExternalDirectoryObjectId })
}
function Test-CausewayMember([string]$Identity, [string[]]$Add, [string[]]$Remove) {
  $now = @(Get-CausewayMembers $Identity)
  @($Add | Where-Object { $_ -and $now -notcontains $_ }).Count + @($Remove | Where-Object { $_ -and $now -contains $_ }).Count -eq 0
}
function Write-CausewayMember([string]$Identity, [string[]]$Add, [string[]]$Remove) {
  $now = @(Get-CausewayMembers $Identity)
  foreach ($one in $Add) { if ($one -and $now -notcontains $one) { Add-DistributionGroupMember -Identity $Identity -Member $one -BypassSecurityGroupManagerCheck -WhatIf:$WhatIfPreference } }
  foreach ($one in $Remove) { if ($one -and $now -contains $one) { Remove-DistributionGroupMember -Identity $Identity -Member $one -BypassSecurityGroupManagerCheck -Confirm:$false -WhatIf:$WhatIfPreference } }
}
function Set-CausewayForwarding([int]$No, [string]$Identity, [string]$To) {
  Invoke-CausewayStep $No 'Forwarding' 'ForwardingSmtpAddress' @{ Identity = $Identity; To = $To }
}
function Test-CausewayForwarding([string]$Identity, [string]$To) {
  ([string](Get-Mailbox -Identity $Identity).ForwardingSmtpAddress -replace '^smtp:', '') -eq $To
}
function Write-CausewayForwarding([string]$Identity, [string]$To) {
  $new = if ($To) { $To } else { $null }
  Set-Mailbox -Identity $Identity -ForwardingSmtpAddress $new -DeliverToMailboxAndForward $false -WhatIf:$WhatIfPreference
}
function Remove-CausewayRecipient([int]$No, [string]$Identity) {
  Invoke-CausewayStep $No 'Removal' 'removed' @{ Identity = $Identity }
}
function Test-CausewayRemoval([string]$Identity) {
  -not (Get-Recipient -Identity $Identity -ErrorAction SilentlyContinue)
}
function Write-CausewayRemoval([string]$Identity) {
  $noun = Get-CausewayNoun $Identity
  if ($noun -eq 'Mailbox') { throw 'it has a mailbox by now, and is left alone' }
  & "Remove-$noun" -Identity $Identity -Confirm:$false -WhatIf:$WhatIfPreference
}
function Show-CausewayCheck {
  foreach ($check in $script:checks) {
    $with = $check.With
    $ok = $false
    $detail = $check.Detail
    try { $ok = [bool](& "Test-Causeway$($check.Name)" @with) } catch { if (-not $detail) { $detail = $_.Exception.Message } }
    [void]$script:results.Add([pscustomobject]@{ No = $check.No; Identity = $with.Identity; What = $check.What; Result = $(if ($ok) { 'ok' } else { 'missing' }); Detail = $(if ($ok) { '' } else { $detail }) })
  }
  $script:results | Format-Table -AutoSize | Out-String | Write-Output
  $open = @($script:results | Where-Object { $_.Result -ne 'ok' }).Count
  Write-Output "$($script:results.Count - $open) of $($script:results.Count) are there, $open are missing"
  if ($Receipt -and -not $WhatIfPreference) { $script:results | Export-Csv -Path $Receipt -NoTypeInformation -Encoding UTF8 }
}`;

/** Recipients are made before anything refers to them. */
const order: Readonly<Record<ScriptStep['edit']['kind'], number>> = { add: 0, modify: 1, remove: 2 };

/** A whole script; without steps it is empty. */
export function exchangeScript(steps: readonly ScriptStep[]): readonly string[] {
  if (steps.length === 0) return [];
  const sorted = [...steps].sort((a, b) => order[a.edit.kind] - order[b.edit.kind] || a.no - b.no);
  return [...preamble.split('\n'), ...sorted.flatMap(linesOf), 'Show-CausewayCheck'];
}
