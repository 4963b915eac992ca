import type { StoreKind } from './shared-store.ts';

/** A planted bug: one place of the program's source, said differently. */
export interface Mutant {
  readonly name: string;
  /** Which lives must show it; default: those of mail. */
  readonly lives?: 'mail' | 'calendar' | 'series' | 'rival';
  /** Where these lives are lived; default: in memory. What only a protocol can get wrong needs that protocol. */
  readonly world?: 'memory' | 'ews';
  /** What these lives remember in; default: a database. */
  readonly store?: StoreKind;
  /** Path from the project's root. */
  readonly file: string;
  /** Occurs exactly once in the file, or the mutant is stale. */
  readonly find: string;
  readonly replace: string;
  /** What a user would see of the bug. */
  readonly why: string;
  /** For one that few seeds find: a seed that did. It is tried before all others. */
  readonly seed?: number;
}

/**
 * Bugs that a migration program is likely to have, each of which costs somebody mail. The simulation is worth as much as what it
 * finds of them: one that survives shows a hole in the people, the faults or the checkers.
 */
export const mutants: readonly Mutant[] = [
  // -- creates, intents and stamps --
  {
    name: 'stamp not recognised',
    file: 'src/jobs/mail/create-batch.ts',
    find: 'content as MailContent, stamp: intent.stamp,',
    replace: "content as MailContent, stamp: ('x' + intent.stamp) as IntentRow['stamp'],",
    why: 'no adoption by stamp: a copy whose answer was lost is made once more',
  },
  {
    name: 'intents not recorded',
    file: 'src/jobs/mail/create-batch.ts',
    find: 'await context.commit({ intents: ready.map((r) => r.intent) });',
    replace: '',
    why: 'nobody waits for a create that was on its way when the program died',
  },
  {
    name: 'intents resolved with the lost answer',
    file: 'src/jobs/mail/create-batch.ts',
    find: 'if (fault !== null && !mayHaveHappened(fault))',
    replace: 'if (fault !== null)',
    why: 'a create that may have happened is taken for one that did not',
  },
  {
    name: 'lost answer taken for a failure',
    file: 'src/jobs/mail/create-batch.ts',
    find: "side === 'right') return createAgain(context, row, batch);",
    replace: "side === 'right') return createBatch(context, row, batch);",
    why: 'the batch is created again at once',
  },
  {
    name: 'deadline of a lost create not waited out',
    file: 'src/jobs/mail/resolve-intents.ts',
    find: 'if (waitMs <= 0) break;',
    replace: 'break;',
    why: 'a create that arrives late is doubled',
  },
  {
    name: 'item fault in an answer overlooked',
    file: 'src/jobs/mail/create-batch.ts',
    find: 'else failed.push({ creation: item.creation, fault: answer });',
    replace: '',
    why: 'an item that the target refused is neither copied nor quarantined',
  },
  {
    name: 'creates that a lost database forgot not waited for',
    store: 'plain',
    file: 'src/jobs/mail/settle-forgotten.ts',
    find: '  if (forgotten.readAtMs >= untilMs) return false;',
    replace: '  return false;',
    why: 'a copy that arrives after the database was lost is there twice',
    seed: 82650,
  },
  {
    name: 'one nonce for all creates',
    file: 'src/jobs/mail/create-batch.ts',
    find: "nonce: context.random.bytes(6).toString('hex'),",
    replace: "nonce: '000000000000',",
    why: "a second create of ours and a person's copy of the first look alike",
  },
  {
    name: 'own creates of other lanes adopted',
    file: 'src/engine/join-right.ts',
    find: 'if (known.inFlight.has(key) || replaced.has(head.id)) continue;',
    replace: 'if (replaced.has(head.id)) continue;',
    why: 'one copy gets two links',
    seed: 2217,
  },

  // -- what is recorded, and when --
  {
    name: 'cursor recorded before the page is carried out',
    file: 'src/jobs/mail/read-left.ts',
    find: 'const settled = await carryOutPage(context, row, page.changes, async () => {',
    replace: `await context.commit({ folders: [{ ...row, leftCursor: page.cursor }] });
    const settled = await carryOutPage(context, row, page.changes, async () => {
      return;`,
    why: 'whatever a crash interrupts is never done',
  },
  {
    name: 'items linked under a cursor that does not know them',
    file: 'src/jobs/mail/read-left.ts',
    find: 'if (row.leftCursor !== null) await context.commit(withRows(context, [{ ...row, leftCursor: null }]));',
    replace: '',
    why: 'after a crash nobody hears that one of them was deleted',
    seed: 332,
  },
  {
    name: 'cursor moved over unfinished items',
    file: 'src/jobs/mail/read-left.ts',
    find: 'leftCursor: holding ? (arrived ? null : row.leftCursor) : cursor,',
    replace: 'leftCursor: cursor,',
    why: 'an update that failed is never tried again',
  },
  {
    name: 'mark recorded too early',
    file: 'src/jobs/mail/read-left.ts',
    find: 'leftMark: complete && !holding ? mark : row.leftMark,',
    replace: 'leftMark: mark,',
    why: 'a folder with something left to do counts as done',
  },
  {
    name: "target's mark recorded before its last page",
    file: 'src/jobs/mail/read-right.ts',
    find: 'rightMark: complete ? mark : row.rightMark',
    replace: 'rightMark: mark',
    why: 'a crash between two pages hides the second one',
    seed: 628,
  },
  {
    name: 'fencing token ignored',
    file: 'src/jobs/pass/pass-core.ts',
    find: 'await services.store.commit(pair.id, claim, commit);',
    replace: 'await services.store.commit(pair.id, null, commit);',
    why: 'a worker that stalled overwrites what its successor recorded',
  },
  {
    name: 'seen state recorded before it is written',
    file: 'src/jobs/mail/read-left.ts',
    find: "if (d.do === 'see') links.push(d.link);",
    replace:
      "if (d.do === 'see') links.push(d.link);\n    else if (d.do === 'follow') links.push({ ...d.link, seenLeft: d.state });",
    why: 'a change whose write fails is taken for carried over',
  },

  // -- moves, copies and twins --
  {
    name: 'move taken for delete and create',
    file: 'src/engine/join-left.ts',
    find: 'map.set(key, [...(map.get(key) ?? []), link]);',
    replace: '',
    why: 'every moved mail is copied again and its first copy deleted',
  },
  {
    name: 'copy taken for a move',
    file: 'src/engine/join-left.ts',
    find: '(isOrphanId(l.leftId) || known.gone.has(l.leftId))',
    replace: 'true',
    why: 'the original loses its link to the copy of it',
  },
  {
    name: 'one link for two twins',
    file: 'src/engine/join-left.ts',
    find: '(l) => !usedLinks.has(l.id) && (isOrphanId',
    replace: '(l) => (isOrphanId',
    why: 'of two equal mails that moved together one is lost',
  },
  {
    name: 'one copy for two twins',
    file: 'src/engine/join-left.ts',
    find: '      free.delete(copy);\n',
    replace: '',
    why: 'after the loss of the database two equal mails are linked to one copy',
  },
  {
    name: 'moving not marked',
    file: 'src/jobs/mail/follow-items.ts',
    find: "touched: [...new Set([...f.link.touched, 'moving' as const])]",
    replace: 'touched: f.link.touched',
    why: "our own move, when its answer is lost, is taken for a person's",
    seed: 14,
  },
  {
    name: 'moves not carried over',
    file: 'src/engine/join-left.ts',
    find: 'const moveTo = target !== null && target !== link.rightFolder && !placedByPerson ? target : null;',
    replace: 'const moveTo = null;',
    why: 'mails stay in the folder in which they were first copied',
  },
  {
    name: 'moved copy ended by its old entry',
    file: 'src/engine/join-right.ts',
    find: 'if (link.rightId !== id) continue;',
    replace: '',
    why: 'a copy that a person moved counts as removed',
    seed: 760,
  },

  // -- deletions --
  {
    name: 'deletes not waiting for a create elsewhere',
    file: 'src/jobs/mail/remove-gone.ts',
    find: 'links.filter((l) => (l.goneSincePass ?? 0) <= wentThrough)',
    replace: 'links.filter((l) => (l.goneSincePass ?? 0) <= context.pass)',
    why: 'a mail that is moved while a pass reads the folders is deleted and copied again',
    seed: 164,
  },
  {
    name: 'deleted without looking once more',
    file: 'src/jobs/mail/remove-gone.ts',
    find: 'else if (answer) alive.push(link);',
    replace: 'else if (answer) gone.push(link);',
    why: 'a mail that is on the source is deleted on the target',
  },
  {
    name: 'deletions forgotten',
    file: 'src/jobs/mail/read-left.ts',
    find: "if (d.link.state === 'live') links.push(",
    replace: "if (d.link.state !== 'live') links.push(",
    why: 'what is deleted on the source stays on the target',
  },
  {
    name: 'deleted although a person changed it',
    file: 'src/jobs/mail/remove-gone.ts',
    find: "gone.filter((l) => touchedByPerson(l).length > 0 && policy.conflict === 'target')",
    replace: 'gone.filter(() => false)',
    why: 'what a person of the target works with disappears',
  },
  {
    name: 'orphans never removed',
    file: 'src/jobs/mail/mail-pass.ts',
    find: 'await missOrphans(context, trees.left);',
    replace: '',
    why: 'after the loss of the database deleted mails live on',
  },
  {
    name: 'unlisted source items overlooked',
    file: 'src/jobs/mail/read-left.ts',
    find: 'await findUnlisted(context, folder, listed);',
    replace: '',
    why: 'after the loss of a cursor deletions are forgotten',
  },
  {
    name: 'removed copy stays removed when it turns up again',
    file: 'src/engine/join-right.ts',
    find: ".find((l) => l.state === 'right-gone' || known.gone.has(l.rightId));",
    replace: '.find((l) => known.gone.has(l.rightId));',
    why: 'a copy that a person moved is never followed again',
  },
  {
    name: 'resurrected links not looked at',
    file: 'src/jobs/mail/mail-pass.ts',
    find: 'const unsettled = await lookAtLeft(context, removals.back);',
    replace:
      "const unsettled = 0;\n    await context.commit({ links: removals.back.map((l) => ({ ...l, state: 'live', goneSincePass: null })) });",
    why: 'what changed while a copy was missed is never carried over',
  },

  // -- state --
  {
    name: "target's change overwritten",
    file: 'src/engine/merge-state.ts',
    find: 'const contested = touched.includes(field) || (flagTouched && flagFields.includes(field));',
    replace: 'const contested = false;',
    why: 'what a person of the target set is overwritten without a word',
    seed: 1248,
  },
  {
    name: "echo taken for a person's change",
    file: 'src/jobs/mail/follow-items.ts',
    find: '...updating(merge.set)',
    replace: '',
    why: 'a mail that we wrote ourselves is left to a person who never touched it',
    seed: 2911,
  },
  {
    name: 'read flags not followed',
    file: 'src/engine/join-left.ts',
    find: ': followReadFlag(link, change.isRead, known),',
    replace: ": { do: 'see', link },",
    why: 'unread mails on the target that were read long ago',
  },
  {
    name: 'stale answers overlooked',
    file: 'src/jobs/mail/follow-items.ts',
    find: 'else stale.push(follow);',
    replace: "else if (answer.kind !== 'stale') stale.push(follow);",
    why: 'an update that met a change on the target is never made',
  },
  {
    name: 'categories merged as one value',
    file: 'src/engine/merge-state.ts',
    find: "if (mailProperties[field].merge === 'set') {",
    replace: "if (mailProperties[field].merge === ('never' as string)) {",
    why: 'a category added on one side hides one added on the other',
  },

  // -- edited content --
  {
    name: 'content of drafts not compared',
    file: 'src/engine/join-left.ts',
    find: 'isDraft(facts) || mailFingerprint(facts) !== link.fingerprint || facts.sizeBytes !== link.leftSizeBytes;',
    replace: 'mailFingerprint(facts) !== link.fingerprint;',
    why: 'a draft that was edited and moved keeps its old text',
  },
  {
    name: 'replaced copy not removed',
    file: 'src/jobs/mail/create-batch.ts',
    find: 'if (!old) return;',
    replace: 'if (old) return context.commit({ intentsResolved: [intent.stampKey] });',
    why: 'an edited draft stands twice on the target',
  },
  {
    name: "replaced copy's intent closed early",
    file: 'src/jobs/mail/create-batch.ts',
    find: '...done.filter((d) => d.intent.replaces === null).map((d) => d.intent.stampKey),',
    replace: '...done.map((d) => d.intent.stampKey),',
    why: 'a crash leaves both the edited draft and the earlier one',
  },
  {
    name: 'edits during the loss of the database overlooked',
    file: 'src/jobs/mail/read-left.ts',
    find: "leftVersion: '' as Version,",
    replace: 'leftVersion: head.version,',
    why: 'a draft that was edited while the database was lost keeps its old text',
  },

  // -- folders, quarantine, survey, receipts --
  {
    name: 'folder renames not carried out',
    file: 'src/jobs/mail/follow-folders.ts',
    find: 'const written = await tryNames(name, (n) => context.rightBox.renameFolder(must(row), n, context.call()));',
    replace: 'const written = { name };',
    why: 'folders keep the name under which they were first copied',
  },
  {
    name: 'folder moves not carried out',
    file: 'src/engine/plan-folders.ts',
    find: "else decisions.push({ do: 'move', row, place: target });",
    replace: '',
    why: 'folders stay where they were first copied',
  },
  {
    name: 'folder removed with what a person put into it',
    file: 'src/jobs/mail/remove-folders.ts',
    find: 'const isEmpty = empty.has(folder.id);',
    replace: 'const isEmpty = true;',
    why: "a folder that is deleted on the source takes people's mails on the target along",
    seed: 1088,
  },
  {
    name: 'quarantine not tried again',
    file: 'src/jobs/mail/mail-pass.ts',
    find: 'await retryQuarantined(context);',
    replace: '',
    why: 'an item that failed once for a passing reason is never copied',
  },
  {
    name: 'folders without counterpart not surveyed',
    file: 'src/jobs/mail/mail-pass.ts',
    find: "if (pair.state !== 'in-step') await surveyRight(context, trees.right);",
    replace: '',
    why: 'after the loss of the database what lies in a renamed folder is copied again',
  },
  {
    name: 'receipts not suppressed',
    file: 'src/connectors/memory/memory-connector.ts',
    find: '  suppressReceipts: true,',
    replace: '  suppressReceipts: false,',
    why: 'senders are told that their mail was read, or deleted unread',
  },
];
