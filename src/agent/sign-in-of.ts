import { readFile } from 'node:fs/promises';
import type { OAuthSettings, Secret } from '#connectors/sign-in/sign-in.ts';
import { FaultError } from '#kit/fault.ts';
import type { Organization } from '#project/project.ts';

/**
 * Reads all that an organization of the project names by reference, so that what is missing is told before any work begins.
 * Secrets are not kept. Throws FaultError (config), SecretError.
 */
export async function readReferences({ signIn, tls }: Organization): Promise<{ readonly ca: readonly string[] }> {
  const ca = await Promise.all(tls.caFiles.map(readPem));
  if (signIn.method !== 'oauth') {
    if (typeof signIn.user !== 'string') await signIn.user.reveal();
    await signIn.password.reveal();
  } else if ('clientSecret' in signIn.credential) await signIn.credential.clientSecret.reveal();
  else {
    await signIn.credential.key.reveal();
    await readPem(signIn.credential.chainFile);
  }
  return { ca };
}

interface Password<Method> {
  readonly method: Method;
  readonly user: string;
  readonly password: Secret;
}

export type NamedSignIn = Password<'basic' | 'ntlm'> | Password<'forms'> | OAuthSettings;

/** How the project says that an organization is signed in to, its secrets by reference. Throws FaultError, SecretError. */
export async function signInOf({ signIn }: Organization): Promise<NamedSignIn> {
  if (signIn.method !== 'oauth') {
    const { method, password } = signIn;
    const user = typeof signIn.user === 'string' ? signIn.user : await signIn.user.reveal();
    const reveal = () => password.reveal();
    return method === 'forms' ? { method, user, password: reveal } : { method, user, password: reveal };
  }
  const { tenant, clientId, credential, authority, scope } = signIn;
  return {
    method: 'oauth',
    tenant,
    clientId,
    credential:
      'clientSecret' in credential
        ? { kind: 'secret', secret: () => credential.clientSecret.reveal() }
        : { kind: 'certificate', key: () => credential.key.reveal(), certificate: await readPem(credential.chainFile) },
    ...(authority === null ? {} : { authority }),
    ...(scope === null ? {} : { scope }),
  };
}

export async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: `the certificate file ${path} cannot be read (${code})`,
    });
  }
}
