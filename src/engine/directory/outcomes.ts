/**
 * Why an object in scope has no counterpart, or why something was left out. A closed list, which
 * `docs/operating/directory-outcomes.md` is made of.
 */
export const directoryOutcomes = {
  'kind-left-out': 'objects of this kind are not carried by this sync',
  'no-mail': 'it has no mail address, and no account of the other side matches it',
  disabled: 'the account is disabled, and the sync leaves disabled accounts out',
  'other-type': 'its recipient type is one that Causeway does not know; it is never touched',
  'no-container': 'the container that its counterpart belongs into is not there',
  'nothing-made-here': 'nothing matches it, and the sync makes no objects on the other side',
  'ambiguous-match': 'several objects match it by the first rule that finds any; say in a CSV file which one it is',
  'match-out-of-scope': 'the object that matches it lies outside of the scope of the other side',
  'match-linked': 'the object that matches it is linked to another one',
  'other-sync':
    'the object that matches it stands for somebody of another sync: two organizations have somebody like it',
  'match-other-kind': 'the object that matches it is of another kind',
  'anchors-differ': 'a rule matches two accounts that are anchored to different people in the tenant',
  'no-anchor-yet': 'in a hybrid the account comes by directory synchronization, and it is not there yet',
  recreated:
    'it bears the name or address of an object that was deleted and recreated: a new person until a CSV file says otherwise',
  'counterpart-deleted': 'its counterpart was deleted; the object was there before us and stays',
  'address-twice': 'another object of its own forest has the same address, so mail to it is ambiguous',
  'address-taken': 'an object that is not its counterpart has one of the addresses on the other side',
  'foreign-domain': 'an address of it belongs to a domain of another organization',
  'bad-address': 'one of its addresses is none',
  'name-taken': 'the name, account name or user principal name is taken on the other side, and nothing may be appended',
  'no-routing-address': 'home has no address that would lead there from the other side; set a routing domain',
  'redirection-loop': 'mail to it would go in a circle',
  'redirection-hole': 'mail to it would end where nobody has the address',
  'redirected-elsewhere': 'the home object redirects its mail to somebody else; that is left as it is',
  'value-too-long': 'a value is longer than the attribute takes, and was left out',
  'too-many-values': 'several values for an attribute that takes one; it was left out',
  'members-left-out': 'members without a counterpart were left out',
  'reference-left-out': 'the object that it refers to has no counterpart, so the reference was left out',
  'restriction-incomplete':
    'not everybody who may send, or may not, has a counterpart, so the delivery restriction was left out',
  'authenticated-only': 'only senders of its own organization are accepted there; people of the other side get bounces',
  'mastered-elsewhere': 'in a hybrid this attribute is written in the directory on premises',
  'handed-over': 'somebody has to run the PowerShell that makes or completes it',
  'left-scope': 'it left the scope; what stands for it on the other side stays as it is',
  'delete-waits': 'it is gone on one side; its counterpart is removed if the next pass finds the same',
  'deletes-held': 'more objects would be removed than maxDelete allows; somebody has to confirm',
  'mailbox-stays':
    'what it stood for is gone, but it has a mailbox or is where the person works by now; Causeway removes no such object, somebody has to decide',
  'remade-next': 'the object that stood for it was deleted by somebody; it is made again',
  'switch-under-way': 'its addresses are in the hands of a switch',
  'schema-lacks': 'the directory there has no such attribute, so it was left out',
  'both-changed': 'both sides changed the same attribute; the loser is in the journal',
  'no-common-past': 'both sides had a value before they were linked; the loser is in the journal',
  overwritten: 'the attribute follows home, and somebody changed it on the shadow; the loser is in the journal',
} as const;
export type DirectoryOutcome = keyof typeof directoryOutcomes;

/** Why an edit is made. A closed list, so that plans and journals can be counted by it. */
export const directoryReasons = {
  container: 'a container of the other side’s tree is not there yet',
  'stands-for': 'somebody of the other side has no object here yet',
  'mail-enable': 'the matched object has no mail yet',
  attribute: 'an attribute was changed on the other side',
  computed: 'the project file computes this attribute',
  redirect: 'mail has to go to the side the person works on',
  'no-redirect': 'mail has to stay on the side the person works on',
  replies: 'replies to old mail of the other organization have to find the person',
  routing: 'the organization has to accept mail by its routing domain',
  addresses: 'addresses follow the home object',
  members: 'the group has other members on the other side',
  reference: 'the object refers to somebody else on the other side',
  renamed: 'the original was renamed',
  moved: 'the original was moved',
  'original-gone': 'the original is gone, and this object was made by us',
} as const;
export type DirectoryReason = keyof typeof directoryReasons;
