// Keys and certificates of one cluster, by openssl; they live as long as its folder.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Who a certificate is for, and what it proves. */
export interface Subject {
  /** The user's name to Kubernetes. */
  readonly name: string;
  /** The user's group. */
  readonly group?: string;
  /** Names and addresses of a server: `DNS:node1`, `IP:127.0.0.1`. */
  readonly names?: readonly string[];
}

/** A certificate authority in a folder. */
export class Authority {
  readonly certificate: string;
  private readonly folder: string;
  private readonly key: string;

  constructor(folder: string) {
    this.folder = folder;
    this.key = this.newKey('ca');
    this.certificate = join(folder, 'ca.crt');
    const subject = ['-subj', '/CN=dhcp-operator e2e', '-days', '30'];
    openssl('req', '-x509', '-new', '-key', this.key, ...subject, '-out', this.certificate);
  }

  /** A key and a certificate for it; the paths of both. */
  issue(file: string, subject: Subject): { readonly certificate: string; readonly key: string } {
    const key = this.newKey(file);
    const certificate = join(this.folder, `${file}.crt`);
    const extensions = join(this.folder, `${file}.ext`);
    const group = subject.group === undefined ? '' : `/O=${subject.group}`;
    const names = subject.names === undefined ? '' : `subjectAltName=${subject.names.join(',')}\n`;
    writeFileSync(extensions, `extendedKeyUsage=clientAuth,serverAuth\n${names}`);
    const request = openssl('req', '-new', '-key', key, '-subj', `${group}/CN=${subject.name}`);
    execFileSync(
      'openssl',
      [
        ...['x509', '-req', '-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial'],
        ...['-days', '30', '-extfile', extensions, '-out', certificate],
      ],
      { input: request, stdio: 'pipe' },
    );
    return { certificate, key };
  }

  /** A pair of keys without a certificate, as service account tokens are signed and checked with. */
  keyPair(file: string): { readonly secret: string; readonly open: string } {
    const secret = this.newKey(file);
    const open = join(this.folder, `${file}.pub`);
    openssl('ec', '-in', secret, '-pubout', '-out', open);
    return { secret, open };
  }

  private newKey(file: string): string {
    const path = join(this.folder, `${file}.key`);
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path);
    return path;
  }
}

function openssl(...args: string[]): Buffer {
  return execFileSync('openssl', args, { stdio: 'pipe' });
}
