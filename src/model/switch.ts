/**
 * Where a pair is on its way from one organization to the other:
 * `new` nothing is there yet · `provisioned` both mailboxes are there and mail for either address reaches the source · `syncing` passes have
 * begun · `ready` measured: the person can be switched · `switching` the steps are being taken · `switched` the person works in the target ·
 * `undoing` the steps are being taken back · `finished` the switch is final and nothing is kept in step any more.
 */
export const switchStates = [
  'new',
  'provisioned',
  'syncing',
  'ready',
  'switching',
  'switched',
  'undoing',
  'finished',
] as const;
export type SwitchState = (typeof switchStates)[number];
