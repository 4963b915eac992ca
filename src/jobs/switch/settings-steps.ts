import type { Context, Mailbox } from '#connectors/contract.ts';
import type { MailboxSettings, SettingKind } from '#connectors/settings-contract.ts';
import { FaultError } from '#kit/fault.ts';
import type { FolderId, Side } from '#model/ids.ts';
import type {
  AutomaticReplies,
  InboxRule,
  InboxRules,
  RuleParts,
  RuleValue,
  StoredConfiguration,
} from '#model/mailbox-settings.ts';
import { done, type StepContext, type StepEnd, type StepOutlook, type StepWork, skipped } from './step-work.ts';

const sides = { left: 'source', right: 'target' } as const satisfies Record<Side, string>;

const boxOf = ({ services: { pair } }: StepContext, side: Side): Mailbox =>
  pair[side].connector.mailbox(pair[side].address);

const call = ({ services, signal }: StepContext): Context => ({
  signal,
  deadlineMs: services.clock.monotonicMs() + services.requestDeadlineMs,
});

/** The settings of a side that can be read and written; null: this kind cannot, there. */
function settingsOf(context: StepContext, side: Side, kind: SettingKind): MailboxSettings | null {
  const { settings } = boxOf(context, side);
  return settings?.abilities[kind].can === 'read-and-write' ? settings : null;
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

async function repliesOf(context: StepContext, side: Side): Promise<AutomaticReplies | null> {
  return (await settingsOf(context, side, 'automatic-replies')?.automaticReplies(call(context))) ?? null;
}

async function setReplies(context: StepContext, side: Side, replies: AutomaticReplies): Promise<void> {
  if (same(await repliesOf(context, side), replies)) return;
  await settingsOf(context, side, 'automatic-replies')?.setAutomaticReplies(replies, call(context));
}

const stateOf = (replies: AutomaticReplies | null): string => (replies === null ? 'cannot be read' : replies.state);
const isReplies = (value: unknown): value is AutomaticReplies =>
  typeof value === 'object' && value !== null && 'state' in value && 'audience' in value;

const isRules = (value: unknown): value is InboxRules['rules'] => Array.isArray(value);

/** @returns what stayed behind, for the operator. */
async function carryRules(context: StepContext): Promise<string | null> {
  const [from, to] = [settingsOf(context, 'left', 'rules'), settingsOf(context, 'right', 'rules')];
  if (from === null || to === null) return 'inbox rules cannot be carried here: ask the person to make them anew';
  const { rules } = await from.rules(call(context));
  const folders = new Map(
    (await context.services.store.folders(context.services.pair.id)).map(({ left, right }) => [left, right]),
  );
  const whole = rules.flatMap((rule) => {
    const there = rule.isReadable && !rule.isBroken ? withFolders(rule, (id) => folders.get(id) ?? null) : null;
    return there === null ? [] : [there];
  });
  if (whole.length > 0 && !same((await to.rules(call(context))).rules, whole)) {
    try {
      await to.setRules(whole, false, call(context));
    } catch (error) {
      if (!(error instanceof FaultError) || (error.fault.kind !== 'stale' && error.fault.kind !== 'poison'))
        throw error;
      return `inbox rules stay behind: ${error.message}`;
    }
  }
  const left = rules.length - whole.length;
  return left === 0
    ? null
    : `${left} inbox rules stay behind, since the server does not show them whole, or a folder of theirs is not in the target`;
}

/** The rule with the folders of the other side; null: one of them is not there. */
function withFolders(rule: InboxRule, there: (id: FolderId) => FolderId | null): InboxRule | null {
  let isWhole = true;
  const value = (part: RuleValue): RuleValue => {
    if (Array.isArray(part)) return part.map(value);
    if (typeof part === 'string' || !('folder' in part)) return part;
    const folder = there(part.folder);
    if (folder === null) isWhole = false;
    return folder === null ? part : { folder };
  };
  const parts = (all: RuleParts): RuleParts =>
    Object.fromEntries(Object.entries(all).map(([name, part]) => [name, value(part)]));
  const turned = {
    ...rule,
    conditions: parts(rule.conditions),
    exceptions: parts(rule.exceptions),
    actions: parts(rule.actions),
  };
  return isWhole ? turned : null;
}

/**
 * Before mail is turned round, so that the target answers and sorts from the first mail on. It gets none until then, so nobody is answered
 * twice, and nothing is forwarded twice.
 */
export const prepareTarget: StepWork = {
  name: 'prepare-target',
  async outlook(context): Promise<StepOutlook> {
    const [left, right] = [await repliesOf(context, 'left'), await repliesOf(context, 'right')];
    return {
      now: `out-of-office of the target: ${stateOf(right)}`,
      after: `out-of-office of the target: ${stateOf(left)}, as in the source; with its inbox rules`,
    };
  },
  async before(context) {
    const rules = await settingsOf(context, 'right', 'rules')?.rules(call(context));
    return { replies: await repliesOf(context, 'right'), rules: rules?.rules ?? null };
  },
  async carryOut(context) {
    const { services, signal } = context;
    const replies = await repliesOf(context, 'left');
    const canReply = replies !== null && settingsOf(context, 'right', 'automatic-replies') !== null;
    if (canReply) await setReplies(context, 'right', replies);
    const told = [
      canReply
        ? `out-of-office ${replies.state}`
        : 'out-of-office cannot be carried here: ask the person to set it anew',
      await carryRules(context),
      (await services.carrySettings?.('right', signal)) ?? null,
    ];
    return done(told.filter((one) => one !== null).join('; '));
  },
  async takeBack(context) {
    const { memory, services, signal } = context;
    // People whom the person let in meanwhile; what the source has stays.
    const told = (await services.carrySettings?.('left', signal)) ?? null;
    const [replies, rules] = [memory.get('replies'), memory.get('rules')];
    if (isReplies(replies)) await setReplies(context, 'right', replies);
    const settings = settingsOf(context, 'right', 'rules');
    if (isRules(rules) && settings !== null && !same((await settings.rules(call(context))).rules, rules))
      await settings.setRules(rules, false, call(context));
    return done(told);
  },
};

/** Actions of rules that send something. EWS `RuleActionsType`. */
const sending = [
  'ForwardToRecipients',
  'ForwardAsAttachmentToRecipients',
  'RedirectToRecipients',
  'ServerReplyWithMessage',
  'SendSMSAlertToRecipients',
];
const sends = ({ actions }: InboxRule): boolean =>
  Object.keys(actions).some((action) => sending.some((name) => name.toLowerCase() === action.toLowerCase()));

/** Rules that send and are on; null: rules cannot be read and written there. */
async function sendingRules(context: StepContext, side: Side) {
  const settings = settingsOf(context, side, 'rules');
  if (settings === null) return null;
  const { rules, hasOutlookRules } = await settings.rules(call(context));
  return { settings, rules, hasOutlookRules, due: rules.filter((rule) => rule.isOn && sends(rule)) };
}

/** @returns what could not be done, for the operator. */
async function switchRules(context: StepContext, names: ReadonlySet<string>, isOn: boolean): Promise<string | null> {
  if (names.size === 0) return null;
  const found = await sendingRules(context, 'left');
  if (found === null) return null;
  const turned = found.rules.map((rule) => (names.has(rule.name) ? { ...rule, isOn } : rule));
  if (same(turned, found.rules)) return null;
  try {
    await found.settings.setRules(turned, false, call(context));
    return null;
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'stale') throw error;
    return `${names.size} rules that send stay as they are, because Outlook keeps rules of its own in the mailbox: switch them ${isOn ? 'on' : 'off'} in Outlook`;
  }
}

const namesIn = (value: unknown): ReadonlySet<string> =>
  new Set(Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);

/** What arrives in the source from now on is carried over; were its rules on, it would be forwarded a second time. */
export const quietSource: StepWork = {
  name: 'quiet-source',
  async outlook(context): Promise<StepOutlook> {
    const replies = await repliesOf(context, 'left');
    const rules = await sendingRules(context, 'left');
    return {
      now: `the source: out-of-office ${stateOf(replies)}, ${rules?.due.length ?? 'unknown'} rules that send`,
      after: 'the source: out-of-office disabled, 0 rules that send',
    };
  },
  async before(context) {
    const rules = await sendingRules(context, 'left');
    return { replies: await repliesOf(context, 'left'), rules: rules?.due.map(({ name }) => name) ?? [] };
  },
  async carryOut(context) {
    const replies = context.memory.get('replies');
    if (isReplies(replies)) await setReplies(context, 'left', { ...replies, state: 'disabled', schedule: null });
    return done(await switchRules(context, namesIn(context.memory.get('rules')), false));
  },
  async takeBack(context) {
    const before = context.memory.get('replies');
    const now = await repliesOf(context, 'right');
    // What the person has set in the target since goes along; without a change there the source gets back what it had.
    if (isReplies(before)) await setReplies(context, 'left', now ?? before);
    return done(await switchRules(context, namesIn(context.memory.get('rules')), true));
  },
};

/** Key of the processing of meeting requests in the calendar options dictionary: 0 none, 1 update only, 2 accept. [MS-OXOCFG] 2.2.5.1.1 */
const processingKey = 'AutomateProcessing';
const accepting = '2';
const updating = '1';

function processing(configuration: StoredConfiguration | null): string | null {
  return configuration?.dictionary?.find(({ key }) => key.value === processingKey)?.value.values[0] ?? null;
}

function withProcessing(configuration: StoredConfiguration, value: string): StoredConfiguration {
  return {
    ...configuration,
    dictionary: (configuration.dictionary ?? []).map((entry) =>
      entry.key.value === processingKey ? { ...entry, value: { ...entry.value, values: [value] } } : entry,
    ),
  };
}

async function turnProcessing(context: StepContext, from: Side, to: Side): Promise<StepEnd> {
  const [off, on] = [settingsOf(context, from, 'stored'), settingsOf(context, to, 'stored')];
  if (off === null || on === null)
    return skipped(
      `the processing of requests cannot be turned here: Set-CalendarProcessing -AutomateProcessing AutoUpdate in the ${sides[from]}, AutoAccept in the ${sides[to]}`,
    );
  const source = await off.stored('calendar-processing', call(context));
  const target = await on.stored('calendar-processing', call(context));
  // Off first: that nobody processes for a moment leaves a request tentative; that both do books a room twice.
  if (source !== null && processing(source) === accepting)
    await off.setStored('calendar-processing', withProcessing(source, updating), call(context));
  const model = target !== null && processing(target) !== null ? target : source;
  if (model !== null && processing(target) !== accepting)
    await on.setStored('calendar-processing', withProcessing(model, accepting), call(context));
  return done(`requests are processed in the ${sides[to]}`);
}

async function isRoom(context: StepContext): Promise<boolean> {
  const settings = settingsOf(context, 'left', 'stored');
  return settings !== null && processing(await settings.stored('calendar-processing', call(context))) === accepting;
}

export const turnRoom: StepWork = {
  name: 'turn-room',
  async outlook(context): Promise<StepOutlook> {
    return (await isRoom(context))
      ? { now: 'the source processes booking requests', after: 'the target processes booking requests' }
      : { now: 'no room or equipment', after: 'nothing' };
  },
  async before(context) {
    return { isRoom: await isRoom(context) };
  },
  async carryOut(context) {
    if (context.memory.get('isRoom') !== true) return skipped('no room or equipment');
    return turnProcessing(context, 'left', 'right');
  },
  async takeBack(context) {
    // Of somebody who is no room the step may have been begun, too, when it broke off.
    if (context.memory.get('isRoom') !== true) return skipped('no room or equipment');
    return turnProcessing(context, 'right', 'left');
  },
};
