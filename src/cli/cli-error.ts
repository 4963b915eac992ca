import { CommanderError } from 'commander';
import { FaultError } from '#kit/fault.ts';
import { ProjectError } from '#project/problem.ts';
import { SecretError } from '#project/secret.ts';
import { StoreError } from '#store/store-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** Stops a command with a message that says what to do next, and no stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = exitCodes.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Failure {
  readonly exitCode: ExitCode;
  /** Lines for the operator. */
  readonly message: string;
  /** A short word for programs, in `--json`. */
  readonly code: string;
}

/** What an error means for the operator. Anything that is not known here is our mistake and says so. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message, code: 'refused' };
  if (error instanceof ProjectError) return { exitCode: exitCodes.usage, message: error.message, code: 'project' };
  if (error instanceof SecretError) return { exitCode: exitCodes.usage, message: error.message, code: 'secret' };
  if (error instanceof StoreError) {
    // Otherwise it was refused before anything was done.
    const exitCode = error.code === 'closed' ? exitCodes.stopped : exitCodes.usage;
    return { exitCode, message: error.message, code: `store-${error.code}` };
  }
  if (error instanceof FaultError) {
    const { fault } = error;
    if (fault.kind !== 'fatal') return { exitCode: exitCodes.stopped, message: error.message, code: fault.kind };
    if (fault.code === 'config') return { exitCode: exitCodes.usage, message: fault.detail, code: fault.code };
    const manual = `see docs/operating/faults.md, "${fault.code}"`;
    return { exitCode: exitCodes.stopped, message: `${error.message}\n${manual}`, code: fault.code };
  }
  if (error instanceof CommanderError)
    return { exitCode: error.exitCode === 0 ? exitCodes.ok : exitCodes.usage, message: '', code: 'usage' };
  if (error instanceof Error && error.name === 'AbortError')
    return { exitCode: exitCodes.interrupted, message: 'interrupted', code: 'interrupted' };
  const text = error instanceof Error ? error.message : String(error);
  return {
    exitCode: exitCodes.unexpected,
    message: `unexpected: ${text}\nrun the command again with --debug and report what it prints`,
    code: 'unexpected',
  };
}
