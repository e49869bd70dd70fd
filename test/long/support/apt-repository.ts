// SPDX-License-Identifier: BSD-2-Clause
/** A Debian repository with one package, served over HTTP on the loopback interface. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, posix } from 'node:path';

export const PACKAGE = 'tsbhyve-hello';
/** What its program prints. */
export const GREETING = 'hello from a package';
const DEB = `${PACKAGE}_1.0_all.deb`;

const CONTROL = `Package: ${PACKAGE}
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: says hello
`;

export class AptRepository {
  readonly requests: string[] = [];

  private constructor(
    private readonly server: Server,
    private readonly files: ReadonlyMap<string, Buffer>,
  ) {
    server.on('request', (request, response) => {
      const path = posix.normalize(request.url ?? ''); // apt asks for /./Packages
      this.requests.push(path);
      const file = this.files.get(path);
      response.writeHead(file === undefined ? 404 : 200).end(file);
    });
  }

  static async start(folder: string): Promise<AptRepository> {
    const repository = new AptRepository(createServer(), repositoryFiles(folder));
    await new Promise<void>((resolve) => repository.server.listen(0, '127.0.0.1', resolve));
    return repository;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port; // it listens on TCP
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A flat repository: https://wiki.debian.org/DebianRepository/Format. */
function repositoryFiles(folder: string): Map<string, Buffer> {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  writeFileSync(join(tree, 'DEBIAN/control'), CONTROL);
  writeFileSync(join(tree, 'usr/bin', PACKAGE), `#!/bin/sh\necho ${GREETING}\n`, { mode: 0o755 });
  const deb = join(folder, DEB);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', tree, deb], { stdio: 'ignore' });
  const bytes = readFileSync(deb);
  const packages = Buffer.from(
    `${CONTROL}Filename: ./${DEB}\nSize: ${statSync(deb).size}\nSHA256: ${sha256(bytes)}\n\n`,
  );
  const release = Buffer.from(
    `Origin: test\nDate: ${new Date().toUTCString()}\nSHA256:\n ${sha256(packages)} ${packages.length} Packages\n`,
  );
  return new Map([
    ['/Release', release],
    ['/Packages', packages],
    [`/${DEB}`, bytes],
  ]);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
